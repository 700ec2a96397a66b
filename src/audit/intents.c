#include "intents.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct intent {
    char order_id[ORDER_ID_MAX + 1];
    uint64_t index;
};

static int intent_compare(const void *left, const void *right)
{
    const struct intent *a = left, *b = right;

    return strcmp(a->order_id, b->order_id);
}

static void intent_open(struct intents *intents, uint64_t index, const char *order_id)
{
    struct intent *intent = calloc(1, sizeof *intent), **node;

    if (intent == NULL) {
        intents->failed = true;
        return;
    }
    memcpy(intent->order_id, order_id, strlen(order_id) + 1);
    intent->index = index;
    node = tsearch(intent, &intents->tree, intent_compare);
    if (node != NULL && *node == intent) {
        intents->count++;
        return;
    }
    intents->failed = intents->failed || node == NULL;
    free(intent);
}

static void intent_close(struct intents *intents, const char *order_id)
{
    struct intent wanted = {0}, **node, *found;

    memcpy(wanted.order_id, order_id, strlen(order_id) + 1);
    node = tfind(&wanted, &intents->tree, intent_compare);
    if (node == NULL)
        return;
    found = *node;
    (void)tdelete(&wanted, &intents->tree, intent_compare);
    free(found);
    intents->count--;
}

void intents_take(struct intents *intents, uint64_t index, const struct payload *payload)
{
    if (payload->kind == RECORD_INTENT)
        intent_open(intents, index, payload->order_id);
    else if (payload->kind == RECORD_OUTCOME)
        intent_close(intents, payload->order_id);
}

static void first_look(const void *node, VISIT visit, void *context)
{
    const struct intent *const *intent = node;
    uint64_t *first = context;

    if ((visit == preorder || visit == leaf) && (*intent)->index < *first)
        *first = (*intent)->index;
}

uint64_t intents_first(const struct intents *intents)
{
    uint64_t first = UINT64_MAX;

    twalk_r(intents->tree, first_look, &first);
    return first == UINT64_MAX ? 0 : first;
}

void intents_free(struct intents *intents)
{
    tdestroy(intents->tree, free);
    intents->tree = NULL;
}
