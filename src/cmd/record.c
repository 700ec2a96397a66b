/* What an order's records say: the OCSF event's own fields, and all else in unmapped.georder. */
#include "parts.h"
#include "placing.h"

#include <stdio.h>
#include <string.h>

#include "guard.h"

/* A line of the log has 64 KiB, 48 of them for what it says. What could pass that is bounded, since
 * an order whose record does not fit is not sent, and an answer would be lost. */
#define REASONS_BYTES     ((size_t)24 * KIB)
#define FINDINGS_BYTES    ((size_t)10 * KIB)
#define OBLIGATIONS_BYTES ((size_t)5 * KIB)
#define DECISION_BYTES    ((size_t)4096 * KIB)

/* Leaves out the last items of object.name that pass `max`, and says how many. */
static void items_bound(cJSON *object, const char *name, size_t max)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(object, name);
    AUTO_BUF text = BUF_INIT(max), omitted = BUF_INIT(64);
    int count = cJSON_GetArraySize(list), kept = 0;
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        json_put(&text, item);
        buf_putc(&text, ',');
        if (!buf_ok(&text))
            break;
        kept++;
    }
    for (int i = count; i > kept; i--)
        cJSON_DeleteItemFromArray(list, i - 1);
    buf_printf(&omitted, "%s_omitted", name);
    if (kept < count)
        cJSON_AddNumberToObject(object, buf_text(&omitted), count - kept);
}

static cJSON *assessment_part(const struct assessment *assessment)
{
    cJSON *part = assessment_json(assessment);

    items_bound(part, "findings", FINDINGS_BYTES);
    items_bound(part, "obligations", OBLIGATIONS_BYTES);
    return part;
}

/* What an order file would show. */
static cJSON *order_part(const struct order *order)
{
    cJSON *tree = order_tree(order);

    return tree != NULL ? tree : cJSON_CreateObject();
}

static cJSON *common_part(const struct placing *placing, const struct exchange *exchange)
{
    cJSON *part = cJSON_CreateObject();

    cJSON_AddItemToObject(part, "policy", policy_json(&placing->session->facts));
    cJSON_AddItemToObject(part, "order", order_part(&placing->order));
    cJSON_AddStringToObject(part, "order_sha256", placing->identity);
    cJSON_AddItemToObject(part, "sandbox", sandbox_part(placing->session, exchange));
    if (placing->asked.sha256[0] != '\0')
        cJSON_AddItemToObject(part, "order_request", request_facts(&placing->asked));
    return part;
}

static cJSON *request_part(const struct placing *placing, const char *path, const char *body)
{
    char digest[SHA256_HEX_LEN + 1];
    cJSON *part = cJSON_CreateObject();

    sha256_hex(body, strlen(body), digest);
    cJSON_AddStringToObject(part, "host", placing->session->facts.host);
    cJSON_AddStringToObject(part, "path", path);
    cJSON_AddStringToObject(part, "body", body);
    cJSON_AddStringToObject(part, "body_sha256", digest);
    cJSON_AddNumberToObject(part, "attempt", placing->attempt);
    return part;
}

static cJSON *answer_part(const struct answer *answer)
{
    static const char *const names[] = {"placed", "refused", "unclear"};
    char status[NAME_LEN + 1];
    cJSON *part = cJSON_CreateObject();

    cJSON_AddStringToObject(part, "outcome", names[answer->outcome]);
    add_given(part, "why", answer->why);
    if (answer->packs > 0) {
        add_given(part, "pack_id", answer->pack[0].id);
        (void)snprintf(status, sizeof status, "%s", answer->pack[0].status);
        add_given(part, "pack_status", status);
    }
    return part;
}

/* The request that the records from here on are about. */
static void url_set(struct placing *placing, const char *path)
{
    AUTO_BUF url = BUF_INIT(sizeof placing->url - 1);

    url_put(&url, &placing->session->facts, path);
    memcpy(placing->url, buf_text(&url), url.len + 1);
}

static int activity_of(const char *operation)
{
    return strcmp(operation, DELETE_OPERATION) == 0 ? 4
           : strcmp(operation, LIST_OPERATION) == 0 ? 2
                                                    : 1;
}

static struct audit_event event_for(const struct placing *placing, const char *event,
                                    const char *operation)
{
    struct audit_event out = event_of(placing->session, event, operation);

    out.order_id = placing->id;
    out.activity = activity_of(operation);
    out.zone = placing->order.apex;
    out.zone_id = placing->order.zone_id;
    out.url = placing->url;
    return out;
}

/* detail is taken over. */
static enum result append(struct placing *placing, struct audit_event *event, cJSON *detail,
                          const struct buf *body, struct err *err)
{
    if (event_append(placing->session, event, detail, body, placing->records, err) != RESULT_OK)
        return err->result;
    placing->recorded = placing->session->last_record;
    return RESULT_OK;
}

/* Reasons that do not fit stand, with all others, in a file that the record names. */
enum result record_denied(struct placing *placing, const char *why, struct err *err)
{
    cJSON *detail = common_part(placing, NULL);
    cJSON *decision = decision_json(placing->session->policy, &placing->decision);
    AUTO_BUF whole = BUF_INIT(DECISION_BYTES);
    struct audit_event event;

    url_set(placing, placing->path);
    event = event_for(placing, "order.denied", ORDER_OPERATION);
    event.status = 2;
    event.severity = 3;
    event.message = why;
    json_put(&whole, decision);
    items_bound(decision, "reasons", REASONS_BYTES);
    cJSON_AddItemToObject(detail, "decision", decision);
    return append(placing, &event, detail, whole.len > REASONS_BYTES ? &whole : NULL, err);
}

enum result record_prepared(struct placing *placing, struct err *err)
{
    cJSON *detail = common_part(placing, NULL);
    struct audit_event event;

    url_set(placing, placing->path);
    event = event_for(placing, "order.prepared", "georder order --prepare");
    event.message = "a request was prepared, to be approved";
    cJSON_AddItemToObject(detail, "decision",
                          decision_json(placing->session->policy, &placing->decision));
    return append(placing, &event, detail, NULL, err);
}

enum result record_intent(struct placing *placing, const char *name, const char *operation,
                          const char *path, const char *body, struct err *err)
{
    cJSON *detail = common_part(placing, NULL);
    struct audit_event event;

    url_set(placing, path);
    event = event_for(placing, name, operation);
    event.message = "about to be sent";
    cJSON_AddItemToObject(detail, "decision",
                          decision_json(placing->session->policy, &placing->decision));
    cJSON_AddItemToObject(detail, "request", request_part(placing, path, body));
    return append(placing, &event, detail, NULL, err);
}

static void rate(struct audit_event *event, const struct outcome *outcome)
{
    enum result result = outcome->err->result;

    event->status = result == RESULT_OK ? 1 : result == RESULT_UNKNOWN ? 0 : 2;
    event->severity = result == RESULT_OK                                   ? 1
                      : result == RESULT_VIOLATION || result == RESULT_PEER ? 5
                      : result == RESULT_UNKNOWN                            ? 4
                                                                            : 3;
    event->message = result != RESULT_OK    ? outcome->err->text
                     : event->activity == 4 ? "deleted"
                                            : "placed";
    if (outcome->exchange->has_peer)
        event->peer_address = outcome->exchange->peer.address;
    if (outcome->exchange->has_head)
        event->http_status = (int)outcome->exchange->head.status;
}

enum result record_outcome(struct placing *placing, const struct outcome *outcome,
                           const char *operation, struct err *err)
{
    struct audit_event event = event_for(placing, outcome->event, operation);
    const struct exchange *exchange = outcome->exchange;
    cJSON *detail = common_part(placing, exchange);

    rate(&event, outcome);
    cJSON_AddNumberToObject(detail, "attempt", placing->attempt);
    cJSON_AddStringToObject(detail, "result", result_name(outcome->err->result));
    if (exchange->has_peer && exchange->peer.address[0] != '\0')
        cJSON_AddItemToObject(detail, "tls", tls_part(&exchange->peer));
    if (outcome->answer != NULL)
        cJSON_AddItemToObject(detail, "answer", answer_part(outcome->answer));
    if (outcome->assessment != NULL)
        cJSON_AddItemToObject(detail, "assessment", assessment_part(outcome->assessment));
    if (exchange->has_head)
        cJSON_AddItemToObject(detail, "response", response_part(exchange));
    return append(placing, &event, detail, exchange->has_head ? &exchange->body : NULL, err);
}

enum result record_evidence(struct placing *placing, const char *path, const char *pack,
                            int64_t packs_seen, struct err *err)
{
    cJSON *detail = common_part(placing, NULL), *part = cJSON_AddObjectToObject(detail, "evidence");
    struct audit_event event;

    url_set(placing, path);
    event = event_for(placing, "order.evidence", LIST_OPERATION);
    event.status = pack != NULL ? 1 : 2;
    event.message = pack != NULL ? "a live pack of the zone shows the label"
                                 : "no live pack of the zone shows the label";
    cJSON_AddStringToObject(part, "geo_label", placing->order.geo_label);
    cJSON_AddNumberToObject(part, "packs_seen", (double)packs_seen);
    add_given(part, "pack_id", pack);
    return append(placing, &event, detail, NULL, err);
}
