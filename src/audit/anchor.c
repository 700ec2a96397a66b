/* Anchors that are kept, held against the log; and what all of them have in common. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "anchor_files.h"
#include "compare.h"
#include "find.h"
#include "timestamp.h"

const char *anchor_kind_name(enum anchor_kind kind)
{
    return kind == ANCHOR_STAMP ? "timestamp" : "witness";
}

enum result anchor_head_read(int dirfd, const char *origin, const char *kid,
                             struct anchor_head *out, struct err *err)
{
    struct audit_checkpoint checkpoint;

    if (audit_checkpoint_read(dirfd, origin, kid, &out->note, &checkpoint, err) != RESULT_OK)
        return err->result;
    if (!audit_verdict_good(checkpoint.verdict))
        return err_set(err, RESULT_AUDIT, "the checkpoint does not verify: %s: %s",
                       audit_verdict_name(checkpoint.verdict), checkpoint.text);
    out->size = checkpoint.size;
    memcpy(out->root, checkpoint.hash, SHA256_LEN);
    out->note.len = note_own_len(out->note.data, out->note.len);
    out->note.data[out->note.len] = '\0';
    return RESULT_OK;
}

void anchor_head_free(struct anchor_head *head)
{
    buf_free(&head->note);
}

static void accuse(struct anchor *anchor, enum audit_verdict verdict, const char *fmt, ...)
    PRINTF(3, 4);

static void accuse(struct anchor *anchor, enum audit_verdict verdict, const char *fmt, ...)
{
    va_list args;

    anchor->verdict = verdict;
    va_start(args, fmt);
    (void)vsnprintf(anchor->text, sizeof anchor->text, fmt, args);
    va_end(args);
}

enum result anchor_clock_check(struct anchor *anchor, struct err *err)
{
    int64_t now = clock_now();
    char theirs[RFC3339_LEN + 1], ours[RFC3339_LEN + 1];

    if (anchor->time <= now + ANCHOR_CLOCK_SKEW && anchor->time >= now - ANCHOR_CLOCK_SKEW)
        return RESULT_OK;
    time_format(anchor->time, theirs);
    time_format(now, ours);
    accuse(anchor, AUDIT_CLOCK_SET_BACK,
           "by %.200s it is %s, but this host's clock says %s: set it right", anchor->by, theirs,
           ours);
    return err_set(err, RESULT_AUDIT, "%s: %s", audit_verdict_name(anchor->verdict), anchor->text);
}

/* The log as it is now, against which each anchor is held. */
struct review {
    int dirfd;
    struct identity log;
    const struct snapshot *snapshot;
    struct audit_checkpoint now;
    const struct anchor_trust *trust;
    anchor_visit *visit;
    void *context;
    uint64_t *unchecked;
    struct hasher hasher;
    struct anchor last;       /* the last good one: no record behind it can be of before its time */
    struct buf line, payload; /* room */
};

/* One checkpoint that was anchored. */
struct anchored {
    uint64_t size;          /* by its name */
    struct buf note, stamp; /* whole; the stamp may be empty */
    struct anchor against;  /* what speaks against it, whoever anchored it; intact: nothing */
    bool told;
};

/* When the record was made, by its own word; 0 when there is none. Its signature is for verify. */
static int64_t record_time(struct review *review, uint64_t index)
{
    struct json_doc doc = {.name = "record", .result = RESULT_AUDIT};
    struct err ignored = {0};
    struct jws jws;
    int64_t time = 0;

    buf_reset(&review->line);
    buf_reset(&review->payload);
    if (index >= review->now.size ||
        record_find(review->snapshot, index, &review->line, &ignored) != RESULT_OK ||
        !jws_split(buf_text(&review->line), review->line.len, &jws) ||
        !base64url_get(jws.payload.at, jws.payload.len, &review->payload))
        return 0;
    doc.text = buf_text(&review->payload);
    doc.len = review->payload.len;
    if (json_parse(&doc, JSON_OURS, &ignored) != RESULT_OK ||
        json_int(&doc, doc.root, "time", 0, INT64_MAX, &time, &ignored) != RESULT_OK)
        time = 0;
    json_free(&doc);
    return time;
}

/* A record of before an anchor was made after it, or the reverse. */
static void times_contradict(struct anchor *anchor, uint64_t index, int64_t time, bool before)
{
    char records[RFC3339_LEN + 1], anchors[RFC3339_LEN + 1];

    if (time == 0 || (before ? time <= anchor->time + ANCHOR_CLOCK_SKEW
                             : time >= anchor->time - ANCHOR_CLOCK_SKEW))
        return;
    time_format(time, records);
    time_format(anchor->time, anchors);
    accuse(anchor, AUDIT_CLOCK_SET_BACK,
           "record %" PRIu64 " says that it was made at %s, but it was %s when the first %" PRIu64
           " records were anchored by %.200s",
           index, records, anchors, anchor->size, anchor->by);
}

static void times_judge(struct review *review, struct anchor *anchor)
{
    times_contradict(anchor, anchor->size - 1, record_time(review, anchor->size - 1), true);
    if (anchor->verdict == AUDIT_INTACT)
        times_contradict(anchor, anchor->size, record_time(review, anchor->size), false);
}

static enum result tell(struct review *review, struct anchored *anchored, struct anchor *anchor,
                        struct err *err)
{
    anchor->size = anchored->size;
    anchored->told = true;
    if (anchored->against.verdict != AUDIT_INTACT)
        accuse(anchor, anchored->against.verdict, "%s", anchored->against.text);
    if (anchor->verdict == AUDIT_INTACT)
        times_judge(review, anchor);
    if (anchor->verdict == AUDIT_INTACT && anchor->time >= review->last.time)
        review->last = *anchor;
    return review->visit(review->context, anchor, err);
}

/* Whether the tree that was anchored is the beginning of the present one. */
static enum result growth_judge(struct review *review, struct anchored *anchored,
                                const struct audit_checkpoint *then, struct err *err)
{
    struct growth growth = {.dirfd = review->dirfd,
                            .snapshot = review->snapshot,
                            .hasher = review->hasher,
                            .old = then->size,
                            .size = review->now.size,
                            .root = review->now.hash};
    const uint8_t *root = review->now.hash;

    if (then->size > review->now.size) {
        accuse(&anchored->against, AUDIT_ROLLED_BACK,
               "%" PRIu64 " records were anchored, and the checkpoint is of %" PRIu64 " now",
               then->size, review->now.size);
        return RESULT_OK;
    }
    if (then->size < review->now.size) {
        if (growth_prove(&growth, err) != RESULT_OK)
            return err->result;
        root = growth.own.hash[0];
    }
    if (memcmp(then->hash, root, SHA256_LEN) != 0)
        accuse(&anchored->against, AUDIT_FORKED,
               "the first %" PRIu64 " records are other ones than those that were anchored",
               then->size);
    return RESULT_OK;
}

static enum result checkpoint_hold(struct review *review, struct anchored *anchored,
                                   struct err *err)
{
    struct audit_checkpoint then;

    anchored->against.size = anchored->size;
    if (anchored->note.len == 0) {
        accuse(&anchored->against, AUDIT_ALTERED,
               "the checkpoint of %" PRIu64 " records, that was stamped, is not kept any more",
               anchored->size);
        return RESULT_OK;
    }
    head_judge(&review->log, anchored->note.data, anchored->note.len, &then);
    if (then.verdict != AUDIT_INTACT)
        accuse(&anchored->against, then.verdict, "an anchored one: %.400s", then.text);
    else if (then.size != anchored->size)
        accuse(&anchored->against, AUDIT_ALTERED,
               "the checkpoint that is kept for %" PRIu64 " records is of %" PRIu64, anchored->size,
               then.size);
    else
        return growth_judge(review, anchored, &then, err);
    return RESULT_OK;
}

static enum result cosignatures_judge(struct review *review, struct anchored *anchored,
                                      struct err *err)
{
    const char *note = buf_text(&anchored->note);
    size_t len = anchored->note.len, own = note_own_len(note, len), known = 0;

    for (size_t i = 0; i < review->trust->witnesses; i++) {
        const struct witness *witness = &review->trust->witness[i];
        struct anchor anchor = {.kind = ANCHOR_COSIGNATURE, .size = anchored->size};
        struct cosignature line;
        enum cosignature_status status =
            cosignature_find(witness, note, note_text_len(note, len), note + own, len - own, &line);

        if (status == COSIGNATURE_NONE)
            continue;
        known++;
        memcpy(anchor.by, witness->name, sizeof witness->name);
        anchor.time = line.time;
        accuse(&anchor, status == COSIGNATURE_GOOD ? AUDIT_INTACT : AUDIT_ALTERED,
               status == COSIGNATURE_GOOD ? "%" PRIu64 " records are cosigned by %s"
                                          : "the cosignature of %" PRIu64
                                            " records does not fit the key of %s",
               anchor.size, anchor.by);
        if (tell(review, anchored, &anchor, err) != RESULT_OK)
            return err->result;
    }
    *review->unchecked += lines_count(note + own, len - own) > known;
    return RESULT_OK;
}

static enum result stamp_judge(struct review *review, struct anchored *anchored, struct err *err)
{
    struct anchor anchor = {.size = anchored->size};
    AUTO_BUF own = BUF_INIT(NOTE_MAX);

    if (anchored->stamp.len == 0)
        return RESULT_OK;
    if (review->trust->authorities == NULL) {
        ++*review->unchecked;
        return RESULT_OK;
    }
    buf_put(&own, buf_text(&anchored->note),
            note_own_len(buf_text(&anchored->note), anchored->note.len));
    timestamp_judge(&own, review->trust->authorities, &anchored->stamp, &anchor);
    return tell(review, anchored, &anchor, err);
}

static enum result anchored_judge(struct review *review, struct anchored *anchored, struct err *err)
{
    if (checkpoint_hold(review, anchored, err) != RESULT_OK ||
        cosignatures_judge(review, anchored, err) != RESULT_OK ||
        stamp_judge(review, anchored, err) != RESULT_OK)
        return err->result;
    anchored->against.kind = anchored->stamp.len > 0 ? ANCHOR_STAMP : ANCHOR_COSIGNATURE;
    if (anchored->told || anchored->against.verdict == AUDIT_INTACT)
        return RESULT_OK;
    /* Nobody who is trusted has anchored it, but the log's own key has signed it. */
    return review->visit(review->context, &anchored->against, err);
}

static void anchored_free(struct anchored *anchored)
{
    buf_free(&anchored->note);
    buf_free(&anchored->stamp);
}
#define AUTO_ANCHORED __attribute__((cleanup(anchored_free))) struct anchored
#define ANCHORED_INIT(of)                                                                          \
    {                                                                                              \
        .size = (of), .note = BUF_INIT(NOTE_MAX), .stamp = BUF_INIT(TIMESTAMP_ANSWER_MAX),         \
        .against = {                                                                               \
            .kind = ANCHOR_COSIGNATURE                                                             \
        }                                                                                          \
    }

static enum result files_judge(struct review *review, const struct anchor_files *files,
                               struct err *err)
{
    for (size_t i = 0; i < files->count; i++) {
        AUTO_ANCHORED anchored = ANCHORED_INIT(files->size[i]);

        if (anchor_file_read(files->fd, anchored.size, ANCHOR_CHECKPOINT, &anchored.note, err) !=
                RESULT_OK ||
            anchor_file_read(files->fd, anchored.size, ANCHOR_RESPONSE, &anchored.stamp, err) !=
                RESULT_OK ||
            anchored_judge(review, &anchored, err) != RESULT_OK)
            return err->result;
    }
    return RESULT_OK;
}

/* Cosignatures in the log's own checkpoint count as well, when anchors/ is gone. */
static enum result own_judge(struct review *review, const struct anchor_files *files,
                             struct err *err)
{
    const struct buf *note = &review->snapshot->note;
    AUTO_ANCHORED anchored = ANCHORED_INIT(review->now.size);

    if (files->count > 0 && files->size[files->count - 1] >= review->now.size)
        return RESULT_OK;
    buf_put(&anchored.note, note->data, note->len);
    return anchored_judge(review, &anchored, err);
}

/* The clock may have been set back later on. */
static enum result last_judge(struct review *review, struct err *err)
{
    struct anchor *last = &review->last;

    if (last->size == 0 || last->size >= review->now.size)
        return RESULT_OK;
    times_contradict(last, review->now.size - 1, record_time(review, review->now.size - 1), false);
    return last->verdict == AUDIT_INTACT ? RESULT_OK : review->visit(review->context, last, err);
}

static enum result review_run(struct review *review, struct err *err)
{
    AUTO_ANCHOR_FILES files = {.fd = -1};
    const struct buf *note = &review->snapshot->note;

    head_judge(&review->log, note->data, note->len, &review->now);
    if (review->now.verdict != AUDIT_INTACT)
        return err_set(err, RESULT_AUDIT, "anchors cannot be compared with the log: %s",
                       review->now.text);
    review->log.kid = NULL; /* the present checkpoint answers for those that it grew out of */
    if (anchor_files_list(review->dirfd, &files, err) != RESULT_OK ||
        hasher_open(&review->hasher, "SHA256", err) != RESULT_OK ||
        files_judge(review, &files, err) != RESULT_OK ||
        own_judge(review, &files, err) != RESULT_OK)
        return err->result;
    return last_judge(review, err);
}

enum result audit_anchors(int dirfd, const char *origin, const char *kid,
                          const struct anchor_trust *trust, anchor_visit *visit, void *context,
                          uint64_t *unchecked, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    struct keyring ring = {.count = 0};
    struct succession keys;
    struct review review = {.dirfd = dirfd,
                            .log = {origin, kid, &ring, &keys},
                            .snapshot = &snapshot,
                            .trust = trust,
                            .visit = visit,
                            .context = context,
                            .unchecked = unchecked,
                            .line = BUF_INIT(AUDIT_LINE_MAX),
                            .payload = BUF_INIT(AUDIT_LINE_MAX)};
    enum result result = head_take(dirfd, origin, &snapshot, &ring, &keys, err);

    *unchecked = 0;
    if (result == RESULT_OK)
        result = review_run(&review, err);
    hasher_close(&review.hasher);
    buf_free(&review.line);
    buf_free(&review.payload);
    keyring_free(&ring);
    return result;
}
