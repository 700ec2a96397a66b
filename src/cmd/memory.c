#include "memory.h"

#include <string.h>

/* Decimal as cJSON holds it: revisions have nine digits. */
static int64_t member_int(const cJSON *object, const char *name)
{
    return (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static void digest_take(char out[SHA256_HEX_LEN + 1], const cJSON *object)
{
    const char *text = member_text(object, "sha256");

    memset(out, 0, SHA256_HEX_LEN + 1);
    if (strlen(text) == SHA256_HEX_LEN)
        memcpy(out, text, SHA256_HEX_LEN);
}

static void policy_take(struct memory *memory, const cJSON *georder)
{
    const cJSON *policy = cJSON_GetObjectItemCaseSensitive(georder, "policy");
    const cJSON *change = cJSON_GetObjectItemCaseSensitive(georder, "policy_change");
    int64_t revision = member_int(policy, "revision");

    memory->approvals_required =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(change, "approvals_required"));
    if (memory->policy && revision < memory->revision)
        return;
    memory->policy = true;
    memory->revision = revision;
    digest_take(memory->sha256, policy);
}

static void list_take(struct memory *memory, const cJSON *georder)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(georder, "approvers");

    memory->list = true;
    memory->list_revision = member_int(list, "revision");
    digest_take(memory->list_sha256, list);
    buf_reset(&memory->list_text);
    buf_puts(&memory->list_text, member_text(list, "text"));
}

void memory_take(struct memory *memory, const cJSON *payload)
{
    const cJSON *georder = record_georder(payload);
    const char *event = member_text(georder, "event");

    if (strcmp(event, "policy.changed") == 0)
        policy_take(memory, georder);
    else if (strcmp(event, "approvers.changed") == 0)
        list_take(memory, georder);
}

static bool record_take(void *context, uint64_t index, const char *line, size_t len,
                        const cJSON *payload)
{
    (void)index;
    (void)line;
    (void)len;
    memory_take(context, payload);
    return true;
}

static bool order_seen(void *context, uint64_t index, const char *line, size_t len,
                       const cJSON *payload)
{
    struct memory *memory = context;

    (void)index;
    (void)line;
    (void)len;
    (void)payload;
    memory->ordered = true;
    return false;
}

enum result memory_read(struct session *session, struct memory *out, struct err *err)
{
    static const char *const changes[] = {"policy.changed", "approvers.changed", NULL};
    static const char *const orders[] = {"order.intent", NULL};

    if (audit_each_of(session->audit, changes, record_take, out, err) != RESULT_OK ||
        (!out->policy && audit_each_of(session->audit, orders, order_seen, out, err) != RESULT_OK))
        return err->result;
    return buf_check(&out->list_text, "the trust list in the log", err);
}

void memory_free(struct memory *memory)
{
    buf_free(&memory->list_text);
}
