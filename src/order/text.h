/* Small helpers of this folder. */
#ifndef GEORDER_ORDER_TEXT_H
#define GEORDER_ORDER_TEXT_H

#include "order.h"

/* Bounded: what does not fit is cut, at a whole character, and ends in "...". */
void text_set(char *out, size_t size, const char *fmt, ...) PRINTF(3, 4);
/* The name is the parent or ends in "." and the parent; ASCII case does not count. */
bool host_within(const char *name, const char *parent);

#endif
