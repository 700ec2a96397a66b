#include "helper_clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int64_t clock_shift;

int clock_gettime(clockid_t which, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, which, now);

    if (result == 0 && which == CLOCK_REALTIME)
        now->tv_sec += clock_shift;
    return result;
}
