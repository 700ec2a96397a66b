#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define ADVICE                                                                                     \
    "nothing is appended; run `georder audit verify`, and keep the directory as it is for "        \
    "inspection"

/* Whom to call, and for what. */
struct visitor {
    const char *const *events; /* NULL: all */
    audit_visit *visit;
    void *context;
};

/* One walk over the log. Who may append is going to act on what it says: then each record must seal
 * the one before, and the last be signed, so that nothing was altered since. */
struct walk {
    struct audit *audit;
    const struct visitor *visitor;
    bool more, sealed;
    uint8_t previous[SHA256_LEN];
    uint64_t index; /* of `last` */
    struct buf last, room;
};

static enum result seal_check(struct walk *walk, uint64_t index, const char *line, size_t len,
                              const struct payload *payload, struct err *err)
{
    if (payload == NULL || memcmp(payload->previous, walk->previous, SHA256_LEN) != 0)
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " does not follow the one before: " ADVICE, index);
    sha256(line, len, walk->previous);
    walk->index = index;
    buf_reset(&walk->last);
    buf_put(&walk->last, line, len);
    return buf_check(&walk->last, "audit record", err);
}

static enum result last_check(struct walk *walk, struct err *err)
{
    struct audit *audit = walk->audit;
    struct line_facts facts = {0};
    const struct key *turn;

    if (walk->last.len == 0)
        return RESULT_OK;
    checker_line(&audit->checker, buf_text(&walk->last), walk->last.len, &facts);
    if (facts.status != LINE_GOOD)
        return err_set(err, RESULT_AUDIT, "record %" PRIu64 " %s: " ADVICE, walk->index,
                       line_status_text(facts.status));
    if (facts.payload.sequence != walk->index)
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " does not stand where it was written: " ADVICE,
                       walk->index);
    turn = facts.to[0] != '\0' ? keyring_find(&audit->ring, facts.to) : facts.key;
    if (turn == audit->key)
        return RESULT_OK;
    return turn_fail(audit, walk->index, turn != NULL ? turn : facts.key, err);
}

/* What cannot be read at a glance is looked at whole, and its faults told. */
static bool is_wanted(const struct visitor *visitor, const struct payload *payload)
{
    if (visitor->events == NULL || payload == NULL)
        return true;
    for (const char *const *event = visitor->events; *event != NULL; event++)
        if (strcmp(*event, payload->event) == 0)
            return true;
    return false;
}

static enum result payload_visit(struct walk *walk, uint64_t index, const char *line, size_t len,
                                 const struct jws *jws, struct err *err)
{
    struct json_doc doc = {.name = "audit record", .result = RESULT_AUDIT};

    buf_reset(&walk->room);
    if (!base64url_get(jws->payload.at, jws->payload.len, &walk->room))
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " is not a signed record: run `georder audit verify`",
                       index);
    doc.text = buf_text(&walk->room);
    doc.len = walk->room.len;
    if (json_parse(&doc, JSON_OURS, err) != RESULT_OK)
        return err_prefix(err, "record %" PRIu64, index);
    walk->more = walk->visitor->visit(walk->visitor->context, index, line, len, doc.root);
    json_free(&doc);
    return RESULT_OK;
}

static enum result line_visit(struct walk *walk, uint64_t index, const char *line, size_t len,
                              struct err *err)
{
    const struct payload *known = NULL;
    struct payload payload;
    struct jws jws;

    if (!jws_split(line, len, &jws))
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " is not a signed record: run `georder audit verify`",
                       index);
    if ((walk->sealed || walk->visitor->events != NULL) &&
        payload_read(jws.payload.at, jws.payload.len, &walk->room, &payload))
        known = &payload;
    if (walk->sealed && seal_check(walk, index, line, len, known, err) != RESULT_OK)
        return err->result;
    return is_wanted(walk->visitor, known) ? payload_visit(walk, index, line, len, &jws, err)
                                           : RESULT_OK;
}

static enum result lines_visit(const struct snapshot *snapshot, struct chunk *chunk,
                               struct walk *walk, struct err *err)
{
    AUTO_READER reader = {.fd = -1};

    reader_open(&reader, snapshot, 0);
    do {
        if (reader_next(&reader, chunk, err) != RESULT_OK)
            return err->result;
        for (size_t i = 0; i < chunk->lines && walk->more; i++) {
            size_t len;
            const char *line = chunk_line(chunk, i, &len);

            if (line_visit(walk, chunk->index + i, line, len, err) != RESULT_OK)
                return err->result;
        }
    } while (chunk->lines > 0 && walk->more);
    if (reader.end == READER_BROKEN)
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " has no end: run `georder audit verify`", reader.index);
    return last_check(walk, err);
}

static enum result each(struct audit *audit, const struct visitor *visitor, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    AUTO_LOCK lock = {-1};
    struct walk walk = {.audit = audit,
                        .visitor = visitor,
                        .more = true,
                        .sealed = audit->signer != NULL,
                        .last = BUF_INIT(AUDIT_LINE_MAX),
                        .room = BUF_INIT(AUDIT_LINE_MAX)};
    struct chunk *chunk;
    enum result result;

    if (lock_enter(audit->dirfd, true, &lock, err) != RESULT_OK ||
        snapshot_take(audit->dirfd, &snapshot, err) != RESULT_OK)
        return err->result;
    lock_leave(&lock);
    chunk = malloc(sizeof *chunk);
    if (chunk == NULL)
        return err_set(err, RESULT_INTERNAL, "records: out of memory");
    result = lines_visit(&snapshot, chunk, &walk, err);
    free(chunk);
    buf_free(&walk.last);
    buf_free(&walk.room);
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
