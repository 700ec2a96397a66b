/* Orders whose intent was recorded and whose outcome was not yet. */
#ifndef GEORDER_AUDIT_INTENTS_H
#define GEORDER_AUDIT_INTENTS_H

#include "payload.h"

struct intents {
    void *tree; /* of tsearch(3) */
    uint64_t count;
    bool failed; /* no memory */
};

struct intent {
    char order_id[ORDER_ID_MAX + 1];
    uint64_t index, time;
};

void intents_take(struct intents *intents, uint64_t index, const struct payload *payload);
/* The oldest ones, `max` at most, in the order of their records; how many. */
size_t intents_list(const struct intents *intents, const struct intent *out[], size_t max);
void intents_free(struct intents *intents);

#endif
