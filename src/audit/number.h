/* Decimal numbers without sign or leading zero, below 10^15: the only ones in a log. */
#ifndef GEORDER_AUDIT_NUMBER_H
#define GEORDER_AUDIT_NUMBER_H

#include "base.h"

#define NUMBER_DIGITS 15

static inline bool number_get(const char *text, size_t len, uint64_t *out)
{
    uint64_t value = 0;

    if (len == 0 || len > NUMBER_DIGITS || (text[0] == '0' && len > 1))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *out = value;
    return true;
}

#endif
