#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define ADVICE                                                                                     \
    "nothing is appended; run `georder audit verify`, and keep the directory as it is for "        \
    "inspection"

/* One walk over the log. Who may append is going to act on what it says: then each record must seal
 * the one before, and the last be signed, so that nothing was altered since. */
struct visiting {
    struct audit *audit;
    audit_visit *visit;
    void *context;
    bool more;
    char previous[SHA256_HEX_LEN + 1];
    uint64_t index; /* of `last` */
    struct buf last;
};

static enum result seal_check(struct visiting *visiting, uint64_t index, const char *line,
                              size_t len, const cJSON *payload, struct err *err)
{
    const cJSON *unmapped = cJSON_GetObjectItemCaseSensitive(payload, "unmapped");
    const cJSON *georder = cJSON_GetObjectItemCaseSensitive(unmapped, "georder");
    const char *previous =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(georder, "previous"));

    if (visiting->audit->signer == NULL)
        return RESULT_OK;
    if (previous == NULL || strcmp(previous, visiting->previous) != 0)
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " does not follow the one before: " ADVICE, index);
    sha256_hex(line, len, visiting->previous);
    visiting->index = index;
    buf_reset(&visiting->last);
    buf_put(&visiting->last, line, len);
    return buf_check(&visiting->last, "audit record", err);
}

static enum result last_check(struct visiting *visiting, struct err *err)
{
    struct audit *audit = visiting->audit;
    struct line_facts facts = {0};

    if (visiting->last.len == 0)
        return RESULT_OK;
    checker_line(&audit->checker, buf_text(&visiting->last), visiting->last.len, &facts);
    if (facts.status == LINE_GOOD && facts.key == audit->key &&
        facts.payload.sequence == visiting->index)
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT, "record %" PRIu64 " %s: " ADVICE, visiting->index,
                   facts.status != LINE_GOOD ? line_status_text(facts.status)
                   : facts.key != audit->key ? line_status_text(LINE_KEY)
                                             : "does not stand where it was written");
}

static enum result line_visit(struct visiting *visiting, uint64_t index, const char *line,
                              size_t len, struct err *err)
{
    AUTO_BUF payload = BUF_INIT(AUDIT_LINE_MAX);
    struct json_doc doc = {.name = "audit record", .result = RESULT_AUDIT};
    enum result result = RESULT_AUDIT;
    struct jws jws;

    if (!jws_split(line, len, &jws) || !base64url_get(jws.payload.at, jws.payload.len, &payload))
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " is not a signed record: run `georder audit verify`",
                       index);
    doc.text = buf_text(&payload);
    doc.len = payload.len;
    if (json_parse(&doc, JSON_OURS, err) != RESULT_OK)
        return err_prefix(err, "record %" PRIu64, index);
    if (seal_check(visiting, index, line, len, doc.root, err) == RESULT_OK) {
        visiting->more = visiting->visit(visiting->context, index, line, len, doc.root);
        result = RESULT_OK;
    }
    json_free(&doc);
    return result;
}

static enum result lines_visit(const struct snapshot *snapshot, struct chunk *chunk,
                               struct visiting *visiting, struct err *err)
{
    AUTO_READER reader = {.fd = -1};

    reader_open(&reader, snapshot, 0);
    do {
        if (reader_next(&reader, chunk, err) != RESULT_OK)
            return err->result;
        for (size_t i = 0; i < chunk->lines && visiting->more; i++) {
            size_t len;
            const char *line = chunk_line(chunk, i, &len);

            if (line_visit(visiting, chunk->index + i, line, len, err) != RESULT_OK)
                return err->result;
        }
    } while (chunk->lines > 0 && visiting->more);
    if (reader.end == READER_BROKEN)
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " has no end: run `georder audit verify`", reader.index);
    return last_check(visiting, err);
}

enum result audit_each(struct audit *audit, audit_visit *visit, void *context, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    AUTO_LOCK lock = {-1};
    struct visiting visiting = {.audit = audit,
                                .visit = visit,
                                .context = context,
                                .more = true,
                                .last = BUF_INIT(AUDIT_LINE_MAX)};
    struct chunk *chunk;
    enum result result;

    if (lock_enter(audit->dirfd, true, &lock, err) != RESULT_OK ||
        snapshot_take(audit->dirfd, &snapshot, err) != RESULT_OK)
        return err->result;
    lock_leave(&lock);
    chunk = malloc(sizeof *chunk);
    if (chunk == NULL)
        return err_set(err, RESULT_INTERNAL, "records: out of memory");
    memset(visiting.previous, '0', SHA256_HEX_LEN);
    result = lines_visit(&snapshot, chunk, &visiting, err);
    free(chunk);
    buf_free(&visiting.last);
    return result;
}
