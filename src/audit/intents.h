/* Orders whose intent was recorded and whose outcome was not yet. */
#ifndef GEORDER_AUDIT_INTENTS_H
#define GEORDER_AUDIT_INTENTS_H

#include "payload.h"

struct intents {
    void *tree; /* of tsearch(3) */
    uint64_t count;
    bool failed; /* no memory */
};

void intents_take(struct intents *intents, uint64_t index, const struct payload *payload);
/* Index of the oldest one; 0 when there is none. */
uint64_t intents_first(const struct intents *intents);
void intents_free(struct intents *intents);

#endif
