/* A clock that a test sets: the linker takes clock_gettime(3) from here, not from libc. */
#ifndef HELPER_CLOCK_H
#define HELPER_CLOCK_H

#include <stdint.h>

extern int64_t clock_shift; /* seconds that the wall clock is off */

#endif
