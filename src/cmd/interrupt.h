/*
 * From the intent of a request to the record of its outcome, a signal that would end this process
 * ends its waiting instead. SIGQUIT and SIGKILL remain: they leave an intent without an outcome.
 */
#ifndef GEORDER_INTERRUPT_H
#define GEORDER_INTERRUPT_H

#include "base.h"

/* From here on SIGHUP, SIGINT and SIGTERM, unless they are ignored, are noticed by
 * interrupt_wait() alone. */
void interrupt_hold(void);
/* Till fd (-1: none) can be read or the deadline (clock_monotonic) has passed. False when a signal
 * came, now or earlier, and fd cannot be read. */
MUST_USE bool interrupt_wait(int fd, int64_t deadline);
const char *interrupt_name(void); /* "SIGINT": why interrupt_wait() was false */

#endif
