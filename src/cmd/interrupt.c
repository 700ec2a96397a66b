#include "interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

/* The signal that came, or 0: a process has one set of handlers, so this is its one variable. */
static volatile sig_atomic_t caught;

static void note_signal(int number)
{
    caught = number;
}

void interrupt_hold(void)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};
    const struct sigaction noted = {.sa_handler = note_signal};
    struct sigaction before;
    sigset_t held;

    sigemptyset(&held);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset(&held, numbers[i]);
    (void)sigprocmask(SIG_BLOCK, &held, NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &noted, NULL);
}

bool interrupt_wait(int fd, int64_t deadline)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    sigset_t none;
    int ready;

    sigemptyset(&none);
    do {
        int64_t left = caught != 0 ? 0 : deadline - clock_monotonic();
        struct timespec time = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};

        if (left < 0)
            time = (struct timespec){0};
        ready = ppoll(&poll_fd, 1, &time, &none);
    } while (caught == 0 &&
             (ready == 0 ? clock_monotonic() < deadline : ready < 0 && errno == EINTR));
    return ready > 0 || caught == 0;
}

const char *interrupt_name(void)
{
    return caught == SIGHUP ? "SIGHUP" : caught == SIGINT ? "SIGINT" : "SIGTERM";
}
