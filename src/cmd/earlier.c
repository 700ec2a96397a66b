/* Step 4 of an order: has the same already been ordered, with an end that is open? */
#include "placing.h"

#include <stdio.h>
#include <string.h>

#define OPEN_MAX 64

struct earlier {
    const char *identity;
    size_t open;
    bool overflow; /* there were more than there is room for: then none is closed any more */
    struct {
        char id[UUID_LEN + 1], state[96];
        uint64_t index;
    } order[OPEN_MAX];
};

/* What is still to happen after this record; NULL: nothing. */
static const char *state_after(const char *event, const cJSON *georder)
{
    const cJSON *answer = cJSON_GetObjectItemCaseSensitive(georder, "answer");
    const cJSON *assessment = cJSON_GetObjectItemCaseSensitive(georder, "assessment");

    if (strcmp(event, "order.intent") == 0)
        return "has an intent without an outcome";
    if (strcmp(event, "order.unknown") == 0)
        return "has an unknown outcome";
    if (strcmp(event, "order.response") == 0 &&
        strcmp(member_text(answer, "outcome"), "placed") == 0 &&
        strcmp(member_text(assessment, "verdict"), "compliant") != 0)
        return "was placed and is still open";
    return NULL;
}

static void earlier_close(struct earlier *earlier, size_t at)
{
    earlier->order[at] = earlier->order[--earlier->open];
}

static void earlier_set(struct earlier *earlier, const char *id, uint64_t index, const char *state)
{
    size_t at = 0;

    while (at < earlier->open && strcmp(earlier->order[at].id, id) != 0)
        at++;
    if (state == NULL) {
        if (at < earlier->open && !earlier->overflow)
            earlier_close(earlier, at);
        return;
    }
    if (at == OPEN_MAX) {
        earlier->overflow = true;
        return;
    }
    if (at == earlier->open)
        earlier->open++;
    (void)snprintf(earlier->order[at].id, sizeof earlier->order[at].id, "%s", id);
    (void)snprintf(earlier->order[at].state, sizeof earlier->order[at].state, "%s", state);
    earlier->order[at].index = index;
}

static bool look(void *context, uint64_t index, const char *line, size_t len, const cJSON *payload)
{
    const cJSON *unmapped = cJSON_GetObjectItemCaseSensitive(payload, "unmapped");
    const cJSON *georder = cJSON_GetObjectItemCaseSensitive(unmapped, "georder");
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(payload, "metadata");
    const char *event = member_text(georder, "event");
    struct earlier *earlier = context;

    (void)line;
    (void)len;
    if (strncmp(event, "order.", 6) == 0 && strcmp(event, "order.evidence") != 0 &&
        strcmp(member_text(georder, "order_sha256"), earlier->identity) == 0)
        earlier_set(earlier, member_text(metadata, "correlation_uid"), index,
                    state_after(event, georder));
    return true;
}

enum result earlier_check(struct placing *placing, struct err *err)
{
    struct earlier earlier = {.identity = placing->identity};

    if (placing->again)
        return RESULT_OK;
    if (audit_each(placing->session->audit, look, &earlier, err) != RESULT_OK)
        return err->result;
    if (earlier.open == 0)
        return RESULT_OK;
    return err_set(err, RESULT_UNKNOWN,
                   "an order of the same content, %s, %s (see `georder audit show %llu`): look "
                   "at the zone's packs before you buy twice, then order again with --again",
                   earlier.order[0].id, earlier.order[0].state,
                   (unsigned long long)earlier.order[0].index);
}
