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
    const char *const *events; /* the only ones to visit, or NULL */
    audit_visit *visit;
    void *context;
    bool more;
    struct hasher sha256;
    uint8_t previous[SHA256_LEN];
    struct buf room;
    uint64_t index; /* of `last` */
    struct buf last;
};

/* payload: NULL when it is that of no record. */
static enum result seal_check(struct visiting *visiting, uint64_t index, const char *line,
                              size_t len, const struct payload *payload, struct err *err)
{
    if (visiting->audit->signer == NULL)
        return RESULT_OK;
    if (payload == NULL || memcmp(payload->previous, visiting->previous, SHA256_LEN) != 0)
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " does not follow the one before: " ADVICE, index);
    hash_begin(&visiting->sha256);
    hash_add(&visiting->sha256, line, len);
    hash_end(&visiting->sha256, visiting->previous);
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

/* What cannot be read at a glance is looked at whole, and its faults told. */
static bool is_wanted(const struct visiting *visiting, const struct payload *payload)
{
    if (visiting->events == NULL || payload == NULL)
        return true;
    for (const char *const *event = visiting->events; *event != NULL; event++)
        if (strcmp(*event, payload->event) == 0)
            return true;
    return false;
}

static enum result payload_visit(struct visiting *visiting, uint64_t index, const char *line,
                                 size_t len, const struct jws *jws, struct err *err)
{
    struct json_doc doc = {.name = "audit record", .result = RESULT_AUDIT};

    buf_reset(&visiting->room);
    if (!base64url_get(jws->payload.at, jws->payload.len, &visiting->room))
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " is not a signed record: run `georder audit verify`",
                       index);
    doc.text = buf_text(&visiting->room);
    doc.len = visiting->room.len;
    if (json_parse(&doc, JSON_OURS, err) != RESULT_OK)
        return err_prefix(err, "record %" PRIu64, index);
    visiting->more = visiting->visit(visiting->context, index, line, len, doc.root);
    json_free(&doc);
    return RESULT_OK;
}

static enum result line_visit(struct visiting *visiting, uint64_t index, const char *line,
                              size_t len, struct err *err)
{
    struct payload read, *payload = &read;
    struct jws jws;

    if (!jws_split(line, len, &jws))
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " is not a signed record: run `georder audit verify`",
                       index);
    if (!payload_read(jws.payload.at, jws.payload.len, &visiting->room, &read))
        payload = NULL;
    if (seal_check(visiting, index, line, len, payload, err) != RESULT_OK)
        return err->result;
    return is_wanted(visiting, payload) ? payload_visit(visiting, index, line, len, &jws, err)
                                        : RESULT_OK;
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

static enum result log_visit(struct visiting *visiting, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    AUTO_LOCK lock = {-1};
    struct chunk *chunk;
    enum result result;

    if (lock_enter(visiting->audit->dirfd, true, &lock, err) != RESULT_OK ||
        snapshot_take(visiting->audit->dirfd, &snapshot, err) != RESULT_OK)
        return err->result;
    lock_leave(&lock);
    chunk = malloc(sizeof *chunk);
    result = chunk == NULL ? err_set(err, RESULT_INTERNAL, "records: out of memory")
                           : hasher_open(&visiting->sha256, "SHA256", err);
    if (result == RESULT_OK)
        result = lines_visit(&snapshot, chunk, visiting, err);
    hasher_close(&visiting->sha256);
    free(chunk);
    return result;
}

enum result audit_each_of(struct audit *audit, const char *const *events, audit_visit *visit,
                          void *context, struct err *err)
{
    struct visiting visiting = {.audit = audit,
                                .events = events,
                                .visit = visit,
                                .context = context,
                                .more = true,
                                .room = BUF_INIT(AUDIT_LINE_MAX),
                                .last = BUF_INIT(AUDIT_LINE_MAX)};
    enum result result = log_visit(&visiting, err);

    buf_free(&visiting.room);
    buf_free(&visiting.last);
    return result;
}

enum result audit_each(struct audit *audit, audit_visit *visit, void *context, struct err *err)
{
    return audit_each_of(audit, NULL, visit, context, err);
}
