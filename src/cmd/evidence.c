/* What a policy may demand besides the order itself: evidence before it, deletion after it. */
#include "placing.h"

#include <string.h>

#define PAGES_MAX 40

static bool pack_shows(const struct pack *pack, const char *label)
{
    if (pack->status == NULL || strcmp(pack->status, "active") != 0)
        return false;
    for (size_t i = 0; i < pack->certificates; i++)
        if (pack->certificate[i].geo_label == NULL ||
            strcmp(pack->certificate[i].geo_label, label) != 0)
            return false;
    return pack->certificates > 0;
}

static void look(const struct answer *answer, const char *label, char found[PACK_ID_LEN + 1],
                 int64_t *seen)
{
    for (size_t i = 0; i < answer->packs; i++) {
        (*seen)++;
        if (found[0] == '\0' && pack_shows(&answer->pack[i], label))
            memcpy(found, answer->pack[i].id, strlen(answer->pack[i].id) + 1);
    }
}

/* One page. *pages is how many there are. */
static enum result list_page(struct placing *placing, int64_t page, int64_t *pages,
                             char found[PACK_ID_LEN + 1], int64_t *seen, struct err *err)
{
    __attribute__((cleanup(answer_free))) struct answer answer = {0};
    AUTO_EXCHANGE exchange = EXCHANGE_INIT;
    AUTO_BUF path = BUF_INIT(512), query = BUF_INIT(64);

    buf_printf(&query, "?status=all&per_page=50&page=%lld", (long long)page);
    zone_path(placing, buf_text(&query), &path);
    if (placing_send(placing, NET_GET, buf_text(&path), "", NULL, &exchange, err) != RESULT_OK)
        return err->result;
    if (exchange.outcome != NET_ANSWERED)
        return err_set(err, exchange.why.result, "the zone's packs could not be listed: %s",
                       exchange.why.text);
    if (answer_decode((int)exchange.head.status, exchange.head.content_type,
                      buf_text(&exchange.body), exchange.body.len, &answer, err) != RESULT_OK)
        return err->result;
    if (!answer.success)
        return err_set(err, RESULT_REFUSED, "the zone's packs could not be listed: HTTP %u %s",
                       exchange.head.status, answer.errors > 0 ? answer.error[0].message : "");
    look(&answer, placing->order.geo_label, found, seen);
    *pages = answer.total_pages;
    return RESULT_OK;
}

enum result evidence_check(struct placing *placing, struct err *err)
{
    char found[PACK_ID_LEN + 1] = "";
    AUTO_BUF path = BUF_INIT(512);
    int64_t pages = 1, seen = 0;

    if (!placing->decision.geo_evidence_existing || strcmp(placing->order.geo_label, "none") == 0)
        return RESULT_OK;
    for (int64_t page = 1; page <= pages && page <= PAGES_MAX && found[0] == '\0'; page++)
        if (list_page(placing, page, &pages, found, &seen, err) != RESULT_OK)
            return err->result;
    zone_path(placing, "", &path);
    if (record_evidence(placing, buf_text(&path), found[0] != '\0' ? found : NULL, seen, err) !=
        RESULT_OK)
        return err->result;
    if (found[0] == '\0')
        return err_set(err, RESULT_DENIED,
                       "the policy demands a live pack of %s that already shows the geo label %s, "
                       "and none of its %lld packs does: an order cannot ask for the label",
                       placing->order.apex, placing->order.geo_label, (long long)seen);
    placing->evidence_seen = true;
    return RESULT_OK;
}

static void judge_deletion(const struct exchange *exchange, struct err *judged)
{
    __attribute__((cleanup(answer_free))) struct answer answer = {0};

    if (exchange->outcome != NET_ANSWERED)
        *judged = exchange->why;
    else if (answer_decode((int)exchange->head.status, exchange->head.content_type,
                           buf_text(&exchange->body), exchange->body.len, &answer,
                           judged) != RESULT_OK)
        judged->result = RESULT_UNKNOWN;
    else if (answer.outcome == ANSWER_REFUSED)
        (void)err_set(judged, RESULT_REFUSED, "the API refused: HTTP %u%s%s", exchange->head.status,
                      answer.errors > 0 ? ", " : "",
                      answer.errors > 0 ? answer.error[0].message : "");
    else if (!answer.success)
        (void)err_set(judged, RESULT_UNKNOWN, "HTTP %u does not tell whether it is (%s)",
                      exchange->head.status, answer.why);
}

static const char *deletion_event(enum result result)
{
    return result == RESULT_OK        ? "pack.deleted"
           : result == RESULT_UNKNOWN ? "pack.unknown"
                                      : "pack.not_deleted";
}

static enum result intent_of_deletion(struct placing *placing, const char *path, const char *body,
                                      struct err *err)
{
    return record_intent(placing, "pack.delete", DELETE_OPERATION, path, body, err);
}

static enum result pack_delete(struct placing *placing, const char *path, struct err *judged,
                               struct err *err)
{
    AUTO_EXCHANGE exchange = EXCHANGE_INIT;
    struct outcome outcome = {.exchange = &exchange, .err = judged};

    if (placing_send(placing, NET_DELETE, path, "", intent_of_deletion, &exchange, err) !=
        RESULT_OK)
        return err->result;
    judge_deletion(&exchange, judged);
    outcome.event = deletion_event(judged->result);
    return record_outcome(placing, &outcome, DELETE_OPERATION, err);
}

enum result violation_delete(struct placing *placing, const struct pack *pack, struct err *err)
{
    AUTO_BUF path = BUF_INIT(512), below = BUF_INIT(64);
    struct err judged = {0};

    if (!placing->session->facts.delete_on_violation)
        return RESULT_OK;
    buf_printf(&below, "/%s", pack->id);
    zone_path(placing, buf_text(&below), &path);
    if (pack_delete(placing, buf_text(&path), &judged, err) != RESULT_OK)
        return err->result;
    output_add(&placing->session->output, "deleted", cJSON_CreateBool(judged.result == RESULT_OK));
    if (judged.result == RESULT_OK)
        say(&placing->session->output, "the pack was deleted, as the policy says\n");
    *err = judged;
    return err->result;
}
