/*
 * A helper that asks for a secret turns the terminal's echo off, ignores signals and dies with this
 * process: so it is this process that leaves the terminal as it was, however the asking ends.
 */
#ifndef GEORDER_TERMINAL_H
#define GEORDER_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

/* Notes how the terminal is, before `asker` may ask on it. From here on SIGHUP, SIGINT and SIGTERM,
 * unless they are ignored, end the asker, restore the terminal, and then this process as ever.
 * False: there is no terminal. */
bool terminal_keep(pid_t asker);
/* The asker is gone, perhaps in the middle of its question. */
void terminal_restore(void);

#endif
