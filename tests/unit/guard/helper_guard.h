/* What the programs of this folder share: a directory of their own, and commands run in copies of
 * the test program, since a process can be locked, or started, only once. */
#ifndef HELPER_GUARD_H
#define HELPER_GUARD_H

#include <sys/types.h>

/* Makes a fresh directory below /tmp, goes there, sets umask 0, and returns its path. */
const char *scratch_enter(void);
void scratch_leave(void);           /* removes it */
void scratch_skip(const char *why); /* ends the test; Criterion does not run its .fini then */
void scratch_file(const char *path, mode_t mode, const char *text);
void scratch_directory(const char *path, mode_t mode);

#endif
