/* Wall time is Unix milliseconds UTC; deadlines are milliseconds of the monotonic clock. */
#ifndef GEORDER_CLOCK_H
#define GEORDER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

int64_t clock_now(void);
int64_t clock_monotonic(void);
void clock_sleep(int64_t ms);

#define RFC3339_LEN 24
void time_format(int64_t unix_ms, char out[RFC3339_LEN + 1]); /* 2026-11-23T18:20:00.123Z */
/* RFC 3339 with any offset and fraction; false when it is not that, or before 1970. */
MUST_USE bool time_parse(const char *text, int64_t *unix_ms);

#endif
