#include <inttypes.h>
#include <stdlib.h>

#include "log.h"

static enum result line_visit(uint64_t index, const char *line, size_t len, audit_visit *visit,
                              void *context, bool *more, struct err *err)
{
    AUTO_BUF payload = BUF_INIT(AUDIT_LINE_MAX);
    struct json_doc doc = {.name = "audit record", .result = RESULT_AUDIT};
    struct jws jws;

    if (!jws_split(line, len, &jws) || !base64url_get(jws.payload.at, jws.payload.len, &payload))
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " is not a signed record: run `georder audit verify`",
                       index);
    doc.text = buf_text(&payload);
    doc.len = payload.len;
    if (json_parse(&doc, JSON_OURS, err) != RESULT_OK)
        return err_prefix(err, "record %" PRIu64, index);
    *more = visit(context, index, line, len, doc.root);
    json_free(&doc);
    return RESULT_OK;
}

static enum result lines_visit(const struct snapshot *snapshot, struct chunk *chunk,
                               audit_visit *visit, void *context, struct err *err)
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

            if (line_visit(chunk->index + i, line, len, visit, context, &more, err) != RESULT_OK)
                return err->result;
        }
    } while (chunk->lines > 0 && more);
    if (reader.end == READER_BROKEN)
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " has no end: run `georder audit verify`", reader.index);
    return RESULT_OK;
}

enum result audit_each(struct audit *audit, audit_visit *visit, void *context, struct err *err)
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
    result = lines_visit(&snapshot, chunk, visit, context, err);
    free(chunk);
    return result;
}
