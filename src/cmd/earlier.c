/* What the log says of earlier orders: the same one still open, those of the day, a request; and
 * whether the policy that judged this one is in force yet. */
#include "memory.h"
#include "placing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_MAX  64
#define DAY_MS    INT64_C(86400000)
#define TODAY_MAX 100000 /* as a policy's max_orders */

struct earlier {
    struct placing *placing;
    size_t open;
    bool overflow; /* there were more than there is room for: then none is closed any more */
    struct {
        char id[UUID_LEN + 1], state[96];
        uint64_t index;
    } order[OPEN_MAX];

    size_t today, room; /* orders of the zone that were placed on this day, or may have been */
    char (*ordered)[UUID_LEN + 1];
    bool failed;
    struct memory memory;
};

/* One record of an order. */
struct sight {
    const char *event, *id;
    const cJSON *georder, *payload;
    uint64_t index;
};

static const char *part_text(const cJSON *georder, const char *part, const char *name)
{
    return member_text(cJSON_GetObjectItemCaseSensitive(georder, part), name);
}

static bool is_placed(const struct sight *sight)
{
    return strcmp(sight->event, "order.response") == 0 &&
           strcmp(part_text(sight->georder, "answer", "outcome"), "placed") == 0;
}

/* What is still to happen after this record; NULL: nothing. */
static const char *state_after(const struct sight *sight)
{
    if (strcmp(sight->event, "order.intent") == 0)
        return "has an intent without an outcome";
    if (strcmp(sight->event, "order.unknown") == 0)
        return "has an unknown outcome";
    if (is_placed(sight) &&
        strcmp(part_text(sight->georder, "assessment", "verdict"), "compliant") != 0)
        return "was placed and is still open";
    return NULL;
}

static void earlier_close(struct earlier *earlier, size_t at)
{
    earlier->order[at] = earlier->order[--earlier->open];
}

static void earlier_set(struct earlier *earlier, const struct sight *sight, const char *state)
{
    size_t at = 0;

    while (at < earlier->open && strcmp(earlier->order[at].id, sight->id) != 0)
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
    (void)snprintf(earlier->order[at].id, sizeof earlier->order[at].id, "%s", sight->id);
    (void)snprintf(earlier->order[at].state, sizeof earlier->order[at].state, "%s", state);
    earlier->order[at].index = sight->index;
}

static size_t today_find(const struct earlier *earlier, const char *id)
{
    size_t at = earlier->today;

    while (at > 0 && strcmp(earlier->ordered[at - 1], id) != 0)
        at--;
    return at;
}

static void today_add(struct earlier *earlier, const char *id)
{
    if (earlier->today == earlier->room) {
        size_t room = earlier->room == 0 ? 64 : earlier->room * 2;
        void *more = realloc(earlier->ordered, room * sizeof *earlier->ordered);

        earlier->failed = earlier->failed || more == NULL;
        if (more == NULL)
            return;
        earlier->ordered = more;
        earlier->room = room;
    }
    (void)snprintf(earlier->ordered[earlier->today++], UUID_LEN + 1, "%s", id);
}

/* An intent counts, unless it is known that nothing was placed. */
static void today_take(struct earlier *earlier, const struct sight *sight)
{
    const struct placing *placing = earlier->placing;
    int64_t time =
        (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(sight->payload, "time"));
    const cJSON *zone =
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(sight->payload, "resources"), 0);
    bool intent = strcmp(sight->event, "order.intent") == 0;
    size_t at;

    if (intent && (time / DAY_MS != placing->at.now / DAY_MS ||
                   strcmp(member_text(zone, "uid"), placing->order.zone_id) != 0))
        return;
    at = today_find(earlier, sight->id);
    if (intent && at == 0 && earlier->today < TODAY_MAX)
        today_add(earlier, sight->id);
    else if (!intent && at > 0 &&
             (strcmp(sight->event, "order.not_sent") == 0 ||
              strcmp(part_text(sight->georder, "answer", "outcome"), "refused") == 0))
        memcpy(earlier->ordered[at - 1], earlier->ordered[--earlier->today], UUID_LEN + 1);
}

static void request_take(struct earlier *earlier, const struct sight *sight)
{
    struct asked *asked = &earlier->placing->asked;

    if (asked->path == NULL ||
        strcmp(part_text(sight->georder, "order_request", "sha256"), asked->sha256) != 0)
        return;
    if (strcmp(sight->event, "order.prepared") == 0)
        (void)snprintf(asked->prepared, sizeof asked->prepared, "%s", sight->id);
    else if (strcmp(sight->event, "order.intent") == 0 && earlier->placing->attempt < 2)
        asked->used = true;
}

/* What changes how an order stands. A denial does not: a burnt request is denied under the id of
 * the order that it placed. */
static bool is_step(const char *event)
{
    static const char *const steps[] = {"order.intent", "order.response", "order.unknown",
                                        "order.not_sent"};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (strcmp(steps[i], event) == 0)
            return true;
    return false;
}

static bool look(void *context, uint64_t index, const char *line, size_t len, const cJSON *payload)
{
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(payload, "metadata");
    struct sight sight = {.georder = record_georder(payload),
                          .payload = payload,
                          .id = member_text(metadata, "correlation_uid"),
                          .index = index};
    struct earlier *earlier = context;

    (void)line;
    (void)len;
    memory_take(&earlier->memory, payload);
    sight.event = member_text(sight.georder, "event");
    if (strncmp(sight.event, "order.", 6) != 0)
        return true;
    request_take(earlier, &sight);
    if (!is_step(sight.event))
        return true;
    today_take(earlier, &sight);
    if (strcmp(member_text(sight.georder, "order_sha256"), earlier->placing->identity) == 0)
        earlier_set(earlier, &sight, state_after(&sight));
    return true;
}

static enum result open_check(const struct earlier *earlier, struct err *err)
{
    if (earlier->open == 0 || earlier->placing->again)
        return RESULT_OK;
    return err_set(err, RESULT_UNKNOWN,
                   "an order of the same content, %s, %s (see `georder audit show %llu`): look "
                   "at the zone's packs before you buy twice, then order again with --again",
                   earlier->order[0].id, earlier->order[0].state,
                   (unsigned long long)earlier->order[0].index);
}

/* Judged anew: another process may have been first, and time goes on while a PIN, the lock or a 429
 * is waited for. Then it may be another rule that permits. */
static enum result orders_judge(struct earlier *earlier, struct err *err)
{
    struct placing *placing = earlier->placing;

    placing->at.orders = (int64_t)earlier->today;
    decision_free(&placing->decision);
    if (decide(placing->session, &placing->order, &placing->at, &placing->decision, err) !=
        RESULT_OK)
        return err->result;
    if (!placing->decision.permit || placing->session->output.document != NULL)
        decision_tell(placing->session, &placing->order, &placing->decision);
    if (!placing->decision.permit)
        return decision_error(placing->session, &placing->decision, err);
    return RESULT_OK;
}

/* Before the first attempt it is still to be looked for. */
static enum result evidence_missing(const struct placing *placing, struct err *err)
{
    if (placing->attempt == 0 || placing->evidence_seen || !placing->decision.geo_evidence_existing)
        return RESULT_OK;
    return err_set(err, RESULT_DENIED,
                   "by now, only a rule that demands evidence first permits this order: order "
                   "again, so that it is looked for");
}

enum result earlier_look(struct placing *placing, struct err *err)
{
    struct earlier earlier = {.placing = placing, .memory = MEMORY_INIT};
    enum result result = audit_each(placing->session->audit, look, &earlier, err);

    free(earlier.ordered);
    memory_free(&earlier.memory);
    return result;
}

static enum result earlier_judge(struct earlier *earlier, struct err *err)
{
    struct placing *placing = earlier->placing;

    if (earlier->failed)
        return err_set(err, RESULT_INTERNAL, "the orders of the day: out of memory");
    if (request_check(placing, err) != RESULT_OK || open_check(earlier, err) != RESULT_OK ||
        orders_judge(earlier, err) != RESULT_OK || evidence_missing(placing, err) != RESULT_OK)
        return err->result;
    return policy_remains(placing->session, &earlier->memory, placing->asked.path != NULL, err);
}

enum result earlier_check(struct placing *placing, struct err *err)
{
    struct earlier earlier = {.placing = placing, .memory = MEMORY_INIT};
    enum result result;

    placing->at.now = clock_now();
    request_approvals(placing);
    result = audit_each(placing->session->audit, look, &earlier, err);
    if (result == RESULT_OK)
        result = earlier_judge(&earlier, err);
    free(earlier.ordered);
    memory_free(&earlier.memory);
    return result;
}
