#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* Whom to call, and for what. */
struct visitor {
    const char *const *events; /* NULL: all */
    audit_visit *visit;
    void *context;
};

/* What cannot be read at a glance is looked at whole, and its faults told. */
static bool is_wanted(const struct visitor *visitor, const struct jws *jws)
{
    AUTO_BUF room = BUF_INIT(AUDIT_LINE_MAX);
    struct payload payload;

    if (visitor->events == NULL ||
        !payload_read(jws->payload.at, jws->payload.len, &room, &payload))
        return true;
    for (const char *const *event = visitor->events; *event != NULL; event++)
        if (strcmp(*event, payload.event) == 0)
            return true;
    return false;
}

static enum result line_visit(uint64_t index, const char *line, size_t len,
                              const struct visitor *visitor, bool *more, struct err *err)
{
    AUTO_BUF payload = BUF_INIT(AUDIT_LINE_MAX);
    struct json_doc doc = {.name = "audit record", .result = RESULT_AUDIT};
    struct jws jws;

    if (jws_split(line, len, &jws) && !is_wanted(visitor, &jws))
        return RESULT_OK;
    if (!jws_split(line, len, &jws) || !base64url_get(jws.payload.at, jws.payload.len, &payload))
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " is not a signed record: run `georder audit verify`",
                       index);
    doc.text = buf_text(&payload);
    doc.len = payload.len;
    if (json_parse(&doc, JSON_OURS, err) != RESULT_OK)
        return err_prefix(err, "record %" PRIu64, index);
    *more = visitor->visit(visitor->context, index, line, len, doc.root);
    json_free(&doc);
    return RESULT_OK;
}

static enum result lines_visit(const struct snapshot *snapshot, struct chunk *chunk,
                               const struct visitor *visitor, struct err *err)
{
    AUTO_READER reader = {.fd = -1};
    bool more = true;

    reader_open(&reader, snapshot, 0);
    do {
        if (reader_next(&reader, chunk, err) != RESULT_OK)
            return err->result;
        for (size_t i = 0; i < chunk->lines && more; i++) {
            size_t len;
            const char *line = chunk_line(chunk, i, &len);

            if (line_visit(chunk->index + i, line, len, visitor, &more, err) != RESULT_OK)
                return err->result;
        }
    } while (chunk->lines > 0 && more);
    if (reader.end == READER_BROKEN)
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " has no end: run `georder audit verify`", reader.index);
    return RESULT_OK;
}

static enum result each(struct audit *audit, const struct visitor *visitor, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    AUTO_LOCK lock = {-1};
    struct chunk *chunk;
    enum result result;

    if (lock_enter(audit->dirfd, true, &lock, err) != RESULT_OK ||
        snapshot_take(audit->dirfd, &snapshot, err) != RESULT_OK)
        return err->result;
    lock_leave(&lock);
    chunk = malloc(sizeof *chunk);
    if (chunk == NULL)
        return err_set(err, RESULT_INTERNAL, "records: out of memory");
    result = lines_visit(&snapshot, chunk, visitor, err);
    free(chunk);
    return result;
}

enum result audit_each(struct audit *audit, audit_visit *visit, void *context, struct err *err)
{
    return each(audit, &(struct visitor){NULL, visit, context}, err);
}

enum result audit_each_of(struct audit *audit, const char *const *events, audit_visit *visit,
                          void *context, struct err *err)
{
    return each(audit, &(struct visitor){events, visit, context}, err);
}
