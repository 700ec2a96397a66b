#include "terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>
#include <sys/wait.h>

#include "base.h"

#define PATIENCE 100 /* times 10 ms, for the asker to be gone */

/* For the handler of signals, of which a process has one. */
static struct {
    int tty;
    pid_t asker, group;
    struct termios before;
} kept = {.tty = -1};

/* Of another group's terminal nothing is changed: that would stop this process. */
static void echo_restore(void)
{
    struct termios now;

    if (kept.tty < 0 || tcgetpgrp(kept.tty) != kept.group || tcgetattr(kept.tty, &now) != 0 ||
        now.c_lflag == kept.before.c_lflag)
        return;
    (void)tcflush(kept.tty, TCIFLUSH); /* half a secret is nobody's command */
    (void)tcsetattr(kept.tty, TCSANOW, &kept.before);
}

/* Alive, it could turn the echo off once more. Calls only what is safe in a handler. */
static void asker_end(void)
{
    if (kept.asker <= 0 || waitpid(kept.asker, NULL, WNOHANG) != 0)
        return;
    (void)kill(kept.asker, SIGKILL);
    for (int i = 0; i < PATIENCE && waitpid(kept.asker, NULL, WNOHANG) == 0; i++)
        (void)poll(NULL, 0, 10);
}

/* The default is in place again, and takes effect when this returns. */
static void restore_and_end(int number)
{
    asker_end();
    echo_restore();
    (void)kill(getpid(), number);
}

static void handler_install(void)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};
    struct sigaction restoring = {.sa_handler = restore_and_end, .sa_flags = (int)SA_RESETHAND};
    struct sigaction before;

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset(&restoring.sa_mask, numbers[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            (void)sigaction(numbers[i], &restoring, NULL);
}

bool terminal_keep(pid_t asker)
{
    kept.asker = asker;
    if (kept.tty >= 0)
        return true;
    kept.tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (kept.tty < 0)
        return false;
    kept.group = getpgrp();
    if (tcgetattr(kept.tty, &kept.before) == 0)
        handler_install();
    else
        fd_close(&kept.tty);
    return true;
}

void terminal_restore(void)
{
    kept.asker = 0;
    echo_restore();
}
