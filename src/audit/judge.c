#include "judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void decide(struct judge *judge, enum audit_verdict verdict, uint64_t where, const char *fmt,
                   ...) PRINTF(4, 5);

/* The first fault is the verdict; all of them are findings. */
static void decide(struct judge *judge, enum audit_verdict verdict, uint64_t where, const char *fmt,
                   ...)
{
    struct audit_report *report = judge->report;
    struct audit_finding finding = {.code = verdict, .where = where};
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(finding.text, sizeof finding.text, fmt, args);
    va_end(args);
    if (!audit_verdict_good(verdict))
        finding_put(report, &finding);
    if (judge->decided)
        return;
    judge->decided = true;
    report->verdict = verdict;
    report->where = where;
    memcpy(report->text, finding.text, sizeof finding.text);
}

enum result judge_open(struct judge *judge, struct err *err)
{
    const struct buf *note = &judge->snapshot->note;

    if (note->len > 0)
        judge->note =
            note_read(note->data, note->len, judge->origin, judge->ring, &judge->checkpoint);
    return hasher_open(&judge->sha256, "SHA256", err);
}

void judge_close(struct judge *judge)
{
    intents_free(&judge->intents);
    hasher_close(&judge->sha256);
}

/* Of two keys without a rotation between them, the one that is trusted is not the foreign one. */
static void foreign_tell(struct judge *judge, uint64_t index, const char *kid)
{
    const struct succession *keys = &judge->keys;

    if (judge->kid != NULL && !succession_has(keys, judge->kid))
        decide(judge, AUDIT_UNKNOWN_KEY, 0, "record 0 is signed by the key %s, not by %s",
               keys->key[0]->kid, judge->kid);
    else
        decide(judge, AUDIT_UNKNOWN_KEY, index,
               "record %" PRIu64 " is signed by the key %s, not by %s", index, kid,
               succession_now(keys)->kid);
}

/* One log, one line of keys: who can put a file into keys/ must not be able to add records by that.
 */
static bool key_is_trusted(struct judge *judge, const struct line_facts *facts)
{
    const struct key *now = succession_now(&judge->keys);
    uint64_t index = judge->tree.size, rotation;

    if (now == NULL)
        succession_begin(&judge->keys, facts->key);
    else if (succession_ended(&judge->keys, facts->key, &rotation))
        decide(judge, AUDIT_UNKNOWN_KEY, index,
               "record %" PRIu64 " is signed by the key %s, which record %" PRIu64 " retired",
               index, facts->key->kid, rotation);
    else if (now != facts->key)
        foreign_tell(judge, index, facts->key->kid);
    return !judge->decided;
}

static void hand_on(struct judge *judge, const struct line_facts *facts)
{
    const struct key *next = keyring_find(judge->ring, facts->to);
    uint64_t index = judge->tree.size;

    if (next == NULL)
        decide(judge, AUDIT_UNKNOWN_KEY, index,
               "record %" PRIu64 " hands the log on to the key %s, whose public key is lost: "
               "restore keys/%s.jwk from a copy",
               index, facts->to, facts->to);
    else if (!succession_add(&judge->keys, next, index + 1))
        decide(judge, AUDIT_UNKNOWN_KEY, index,
               "record %" PRIu64 " hands the log on to the key %s, which had its turn before",
               index, facts->to);
}

static bool is_misnamed(struct judge *judge, bool misnamed)
{
    uint64_t index = judge->tree.size;

    if (misnamed)
        decide(judge, AUDIT_ALTERED, index,
               "record %" PRIu64 " begins a file in records/ that is named by another number",
               index);
    return misnamed;
}

static bool line_is_faulty(struct judge *judge, const struct line_facts *facts, bool misnamed)
{
    uint64_t index = judge->tree.size;

    if (facts->status == LINE_KEY) {
        decide(judge, AUDIT_UNKNOWN_KEY, index,
               "record %" PRIu64 " is signed by the key %s, whose public key is not in keys/",
               index, facts->kid);
    } else if (facts->status != LINE_GOOD) {
        decide(judge, line_verdict(facts->status), index, "record %" PRIu64 " %s", index,
               line_status_text(facts->status));
    } else if (!key_is_trusted(judge, facts)) {
        return true;
    } else if (facts->payload.sequence != index) {
        judge->decided = judge->displaced = true;
        judge->sequence = facts->payload.sequence;
        memcpy(judge->hash, facts->hash, SHA256_LEN);
    } else if (memcmp(facts->payload.previous, judge->last_hash, SHA256_LEN) != 0) {
        decide(judge, AUDIT_FORKED, index,
               "record %" PRIu64 " is well signed, but it followed another record %" PRIu64
               " than the one that is there",
               index, index - 1);
    } else {
        return is_misnamed(judge, misnamed);
    }
    return true;
}

static void payload_take(struct judge *judge, const struct payload *payload)
{
    intents_take(&judge->intents, judge->tree.size, payload);
    judge->repairs += payload->kind == RECORD_REPAIR;
    if (payload->time > 0 && payload->time < judge->last_time)
        finding_clock(judge->report, judge->tree.size, payload, judge->last_time);
    judge->last_time = payload->time;
}

static bool root_is(struct judge *judge, const uint8_t wanted[SHA256_LEN])
{
    uint8_t root[SHA256_LEN];

    tree_root(&judge->tree, &judge->sha256, root);
    return memcmp(root, wanted, SHA256_LEN) == 0;
}

static void roots_look(struct judge *judge)
{
    uint64_t size = judge->tree.size;

    if (size == judge->checkpoint.size)
        judge->root_fits = root_is(judge, judge->checkpoint.root);
    if (size != judge->from.size)
        return;
    judge->from_fits = root_is(judge, judge->from.root);
    if (!judge->from_fits)
        decide(judge, AUDIT_FORKED, size - 1,
               "the first %" PRIu64 " records are other ones than those of the checkpoint that was "
               "kept",
               size);
}

void judge_line(struct judge *judge, const struct line_facts *facts, bool misnamed)
{
    bool hashed = judge->tree.size < judge->hashed;

    if (judge->decided ||
        (hashed ? is_misnamed(judge, misnamed) : line_is_faulty(judge, facts, misnamed)))
        return;
    if (!hashed && facts->to[0] != '\0')
        hand_on(judge, facts);
    if (judge->decided)
        return;
    if (!hashed)
        payload_take(judge, &facts->payload);
    memcpy(judge->last_hash, facts->hash, SHA256_LEN);
    tree_push(&judge->tree, &judge->sha256, facts->leaf);
    roots_look(judge);
}

/* Without a look at signatures: only what kind of disorder it is depends on this. */
struct search {
    uint64_t at, sequence; /* the line at this place, or one of this number behind it */
    bool by_place, found;
    uint8_t hash[SHA256_LEN];
};

static bool line_says(const char *line, size_t len, uint64_t sequence)
{
    AUTO_BUF text = BUF_INIT(AUDIT_LINE_MAX);
    struct payload payload;
    struct jws jws;

    return jws_split(line, len, &jws) &&
           payload_read(jws.payload.at, jws.payload.len, &text, &payload) &&
           payload.sequence == sequence;
}

static void search_chunk(struct search *search, const struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->lines && !search->found; i++) {
        uint64_t place = chunk->index + i;
        size_t len;
        const char *line = chunk_line(chunk, i, &len);

        if (search->by_place ? place != search->at
                             : place <= search->at || !line_says(line, len, search->sequence))
            continue;
        search->found = true;
        sha256(line, len, search->hash);
    }
}

static enum result search_run(const struct snapshot *snapshot, struct search *search,
                              struct err *err)
{
    AUTO_READER reader = {.fd = -1};
    struct chunk *chunk = malloc(sizeof *chunk);
    enum result result;

    if (chunk == NULL)
        return err_set(err, RESULT_INTERNAL, "records: out of memory");
    reader_open(&reader, snapshot, 0);
    do {
        result = reader_next(&reader, chunk, err);
        if (result == RESULT_OK)
            search_chunk(search, chunk);
    } while (result == RESULT_OK && chunk->lines > 0 && !search->found);
    free(chunk);
    return result;
}

static enum result displaced_explain(struct judge *judge, struct err *err)
{
    uint64_t index = judge->tree.size, sequence = judge->sequence;
    bool late = sequence > index;
    struct search search = {.at = late ? index : sequence, .sequence = index, .by_place = !late};

    if (search_run(judge->snapshot, &search, err) != RESULT_OK)
        return err->result;
    judge->decided = false;
    if (late && search.found)
        decide(judge, AUDIT_ALTERED, index,
               "the records are out of order: record %" PRIu64 " stands in the place of %" PRIu64,
               sequence, index);
    else if (late)
        decide(judge, AUDIT_GAP, index,
               "%" PRIu64 " records are missing: record %" PRIu64 " stands where %" PRIu64
               " should be",
               sequence - index, sequence, index);
    else if (search.found && memcmp(search.hash, judge->hash, SHA256_LEN) == 0)
        decide(judge, AUDIT_DUPLICATE, index,
               "record %" PRIu64 " is there twice, again behind %" PRIu64, sequence, index - 1);
    else
        decide(judge, AUDIT_FORKED, index,
               "two different well signed records have the number %" PRIu64, sequence);
    return RESULT_OK;
}

/* A trusted key that never had its turn: unless its checkpoint tells of records that are missing.
 */
static bool key_is_missed(const struct judge *judge)
{
    return judge->kid != NULL && judge->keys.count > 0 &&
           !succession_has(&judge->keys, judge->kid) &&
           !(judge->note == NOTE_GOOD && judge->checkpoint.size > judge->tree.size &&
             strcmp(judge->checkpoint.key->kid, judge->kid) == 0);
}

/* Rotations behind a fault were not looked at: nobody is accused by what they may say. */
static void note_judge(struct judge *judge, bool lines_good)
{
    uint64_t records = judge->tree.size;
    bool turn_known = lines_good || judge->checkpoint.size <= records;
    char why[512];

    if (judge->note == NOTE_KEY)
        decide(judge, AUDIT_UNKNOWN_KEY, records,
               "the checkpoint is not signed by a key of the log");
    else if (lines_good && key_is_missed(judge))
        decide(judge, AUDIT_UNKNOWN_KEY, 0,
               "record 0 is signed by the key %s, not by %s, and no rotation leads to that: it is "
               "another log, or its end was cut off",
               judge->keys.key[0]->kid, judge->kid);
    else if (judge->note == NOTE_GOOD && judge->checkpoint.size > 0 && turn_known &&
             !succession_signed(&judge->keys, &judge->checkpoint, judge->kid, why))
        decide(judge, AUDIT_UNKNOWN_KEY, records, "%s", why);
    else if (judge->note == NOTE_SIGNATURE)
        decide(judge, AUDIT_ALTERED, records, "the checkpoint does not fit its signature");
    else if (judge->note != NOTE_GOOD)
        decide(judge, AUDIT_MALFORMED, records, "the checkpoint %s", note_status_text(judge->note));
}

/* Good lines: are they all of them, and the same that were signed? */
static void heads_judge(struct judge *judge, uint64_t rest)
{
    uint64_t records = judge->tree.size, size = judge->checkpoint.size;

    if (records < judge->from.size)
        decide(judge, AUDIT_ROLLED_BACK, records,
               "the checkpoint that was kept is of %" PRIu64 " records, but only %" PRIu64
               " are there",
               judge->from.size, records);
    if (judge->note != NOTE_GOOD)
        return;
    if (records < size)
        decide(judge, AUDIT_ROLLED_BACK, records,
               "the checkpoint is of %" PRIu64 " records, but only %" PRIu64
               " are there (and %" PRIu64 " bytes behind them)",
               size, records, rest);
    else if (size > 0 && !judge->root_fits)
        decide(judge, AUDIT_FORKED, size,
               "all records are well signed, but the checkpoint of %" PRIu64
               " records is of other ones",
               size);
}

static void tail_judge(struct judge *judge, enum reader_end end, uint64_t rest)
{
    uint64_t records = judge->tree.size, size = judge->checkpoint.size;

    if (end == READER_TORN)
        decide(judge, AUDIT_TORN_TAIL, records,
               "%" PRIu64 " bytes of a record that was never completed are at the end; the next "
               "append moves them aside",
               rest);
    else if (records == 0)
        decide(judge, AUDIT_MALFORMED, 0, "there is no record, not even that of its creation");
    if (records > size)
        decide(judge, AUDIT_UNANCHORED_TAIL, size,
               size > 0 ? "%" PRIu64 " good records follow the checkpoint of %" PRIu64
                          "; the next append anchors them"
                        : "%" PRIu64 " good records, but no checkpoint (%" PRIu64 ")",
               records - size, size);
}

static void good_tell(struct judge *judge)
{
    uint64_t records = judge->tree.size;
    char kept[96] = "";

    if (judge->from.size > 0)
        (void)snprintf(kept, sizeof kept,
                       "; the first %" PRIu64 " are those of the checkpoint that was kept",
                       judge->from.size);
    if (judge->repairs > 0)
        decide(judge, AUDIT_REPAIRED, 0,
               "all %" PRIu64 " records are good; %" PRIu64
               " of them tell of incomplete bytes that were moved aside%s",
               records, judge->repairs, kept);
    else
        decide(judge, AUDIT_INTACT, 0, "all %" PRIu64 " records are good%s", records, kept);
}

/* What was cut off, or stands behind a fault, could be the outcome. */
static bool outcomes_are_all_there(enum audit_verdict verdict)
{
    return audit_verdict_good(verdict) || verdict == AUDIT_TORN_TAIL ||
           verdict == AUDIT_UNANCHORED_TAIL;
}

static void report_fill(struct judge *judge)
{
    struct audit_report *report = judge->report;
    uint8_t root[SHA256_LEN];

    tree_root(&judge->tree, &judge->sha256, root);
    root_text(root, report->root);
    report->records = judge->tree.size;
    report->checkpoint_size = judge->checkpoint.size;
    report->from_size = judge->from.size;
    if (outcomes_are_all_there(report->verdict))
        finding_intents(report, &judge->intents);
    if (judge->keys.count > 0)
        memcpy(report->kid, succession_now(&judge->keys)->kid, sizeof report->kid);
}

enum result judge_conclude(struct judge *judge, enum reader_end end, uint64_t rest, struct err *err)
{
    bool lines_good;

    if (judge->displaced && displaced_explain(judge, err) != RESULT_OK)
        return err->result;
    if (!judge->decided && end == READER_BROKEN)
        decide(judge, AUDIT_MALFORMED, judge->tree.size,
               "record %" PRIu64 " has no end: a newline is missing within the log",
               judge->tree.size);
    lines_good = !judge->decided;
    note_judge(judge, lines_good);
    if (lines_good)
        heads_judge(judge, rest);
    if (!judge->decided)
        tail_judge(judge, end, rest);
    if (!judge->decided)
        good_tell(judge);
    report_fill(judge);
    if (judge->intents.failed)
        return err_set(err, RESULT_INTERNAL, "audit log: out of memory");
    return RESULT_OK;
}
