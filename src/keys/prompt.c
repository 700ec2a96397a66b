#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "secret.h"

enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, DEL = 127 };

static enum result key_press(char key, struct buf *out, bool *done, struct err *err)
{
    *done = key == '\n' || key == '\r' || (key == CTRL_D && out->len == 0);
    if (key == CTRL_C)
        return err_set(err, RESULT_KEY, "given up at the prompt");
    if (key == CTRL_U) {
        buf_reset(out);
    } else if (key == BACKSPACE || key == DEL) {
        if (out->len > 0)
            out->data[--out->len] = '\0';
    } else if (!*done) {
        buf_putc(out, key);
    }
    return RESULT_OK;
}

static enum result line_read(int tty, struct buf *out, struct err *err)
{
    bool done = false;

    while (!done) {
        char key = 0;
        ssize_t got = read(tty, &key, 1);
        enum result result;

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(err, RESULT_KEY, "the terminal was closed at the prompt");
        result = key_press(key, out, &done, err);
        explicit_bzero(&key, sizeof key);
        if (result != RESULT_OK)
            return result;
    }
    if (out->len == 0)
        return err_set(err, RESULT_KEY, "nothing was typed");
    return buf_check(out, "what was typed", err);
}

/* Signals from keys are off too: a Ctrl-C must not leave the terminal without echo. */
static enum result prompt_on(int tty, const char *prompt, struct buf *out, struct err *err)
{
    struct termios before, silent;
    enum result result;

    if (tcgetattr(tty, &before) != 0)
        return err_errno(err, RESULT_KEY, "there is no terminal to ask on");
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    if (tcsetattr(tty, TCSAFLUSH, &silent) != 0)
        return err_errno(err, RESULT_KEY, "cannot turn the terminal's echo off");
    result = file_write(tty, "terminal", prompt, strlen(prompt), err);
    if (result == RESULT_OK)
        result = line_read(tty, out, err);
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    (void)!write(tty, "\n", 1);
    return result;
}

/* The clock that a module has (server.c) stands still while a person thinks. */
enum result prompt_read(const char *prompt, struct buf *out, struct err *err)
{
    AUTO_FD tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    unsigned left = alarm(0);
    enum result result;

    if (tty < 0)
        result = err_errno(err, RESULT_KEY, "there is no terminal to ask on");
    else
        result = prompt_on(tty, prompt, out, err);
    (void)alarm(left);
    return result;
}
