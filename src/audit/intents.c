#include "intents.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int intent_compare(const void *left, const void *right)
{
    const struct intent *a = left, *b = right;

    return strcmp(a->order_id, b->order_id);
}

static void intent_open(struct intents *intents, uint64_t index, const struct payload *payload)
{
    struct intent *intent = calloc(1, sizeof *intent), **node;

    if (intent == NULL) {
        intents->failed = true;
        return;
    }
    memcpy(intent->order_id, payload->order_id, sizeof intent->order_id);
    intent->index = index;
    intent->time = payload->time;
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
        intent_open(intents, index, payload);
    else if (payload->kind == RECORD_OUTCOME)
        intent_close(intents, payload->order_id);
}

struct list {
    const struct intent **intent;
    size_t count, max;
};

/* Insertion, from the end; when the list is full, the youngest one falls out. */
static void list_look(const void *node, VISIT visit, void *context)
{
    const struct intent *const *intent = node;
    struct list *list = context;
    size_t at = list->count;

    if (visit != postorder && visit != leaf)
        return;
    if (list->count == list->max && list->intent[--at]->index < (*intent)->index)
        return;
    for (; at > 0 && list->intent[at - 1]->index > (*intent)->index; at--)
        list->intent[at] = list->intent[at - 1];
    list->intent[at] = *intent;
    list->count += list->count < list->max;
}

size_t intents_list(const struct intents *intents, const struct intent *out[], size_t max)
{
    struct list list = {.intent = out, .max = max};

    twalk_r(intents->tree, list_look, &list);
    return list.count;
}

void intents_free(struct intents *intents)
{
    tdestroy(intents->tree, free);
    intents->tree = NULL;
}
