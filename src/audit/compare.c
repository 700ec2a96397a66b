#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "compare.h"

static void tell(char text[512], const char *fmt, ...) PRINTF(2, 3);

static void tell(char text[512], const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, 512, fmt, args);
    va_end(args);
}

void checkpoint_tell(const struct checkpoint *checkpoint, struct audit_checkpoint *out)
{
    out->size = checkpoint->size;
    memcpy(out->hash, checkpoint->root, SHA256_LEN);
    root_text(checkpoint->root, out->root);
    memcpy(out->kid, checkpoint->key->kid, sizeof out->kid);
}

void head_judge(const struct identity *log, const char *note, size_t len,
                struct audit_checkpoint *out)
{
    struct checkpoint checkpoint;
    enum note_status status = note_read(note, len, log->origin, log->ring, &checkpoint);

    *out = (struct audit_checkpoint){.verdict = note_verdict(status)};
    tell(out->text, "the checkpoint %s", note_status_text(status));
    if (status != NOTE_GOOD)
        return;
    checkpoint_tell(&checkpoint, out);
    if (!succession_answers(log->keys, &checkpoint, log->kid, out->text)) {
        out->verdict = AUDIT_UNKNOWN_KEY;
    } else if (out->size == 0) {
        out->verdict = AUDIT_MALFORMED;
        tell(out->text, "the checkpoint is of no record, and no log has such a one");
    }
}

enum result head_take(int dirfd, const char *origin, struct snapshot *snapshot,
                      struct keyring *ring, struct succession *keys, struct err *err)
{
    if (origin_check(origin, err) != RESULT_OK ||
        snapshot_locked(dirfd, snapshot, err) != RESULT_OK)
        return err->result;
    if (snapshot->note.len == 0)
        return err_set(err, RESULT_AUDIT, "the log has no checkpoint: run `georder audit verify`");
    if (keyring_load(dirfd, ring, err) != RESULT_OK)
        return err->result;
    return succession_load(snapshot, origin, ring, keys, err);
}

enum result audit_checkpoint_read(int dirfd, const char *origin, const char *kid, struct buf *note,
                                  struct audit_checkpoint *out, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    struct keyring ring = {.count = 0};
    struct succession keys;
    enum result result = head_take(dirfd, origin, &snapshot, &ring, &keys, err);

    *out = (struct audit_checkpoint){.verdict = AUDIT_MALFORMED};
    if (result == RESULT_OK)
        head_judge(&(struct identity){origin, kid, &ring, &keys}, snapshot.note.data,
                   snapshot.note.len, out);
    keyring_free(&ring);
    if (result != RESULT_OK)
        return result;
    buf_reset(note);
    buf_put(note, snapshot.note.data, snapshot.note.len);
    return buf_check(note, "checkpoint", err);
}

/* Hashes that lead to the signed root are those that were signed, wherever they come from. */
static bool roots_lead(struct growth *growth)
{
    return proof_roots(&growth->hasher, &growth->proof, growth->old, growth->size,
                       growth->own.hash[0], &growth->roots) &&
           memcmp(growth->roots.now, growth->root, SHA256_LEN) == 0 &&
           memcmp(growth->roots.old, growth->own.hash[0], SHA256_LEN) == 0;
}

enum result growth_prove(struct growth *growth, struct err *err)
{
    const struct span whole = {0, growth->old};
    struct span spans[PROOF_MAX];
    size_t count = proof_consistency(growth->old, growth->size, spans);

    if (tiles_proof(growth->dirfd, growth->size, &growth->hasher, &whole, 1, &growth->own) &&
        tiles_proof(growth->dirfd, growth->size, &growth->hasher, spans, count, &growth->proof) &&
        roots_lead(growth))
        return RESULT_OK;
    if (records_proof(growth->snapshot, &growth->hasher, &whole, 1, &growth->own, err) !=
            RESULT_OK ||
        records_proof(growth->snapshot, &growth->hasher, spans, count, &growth->proof, err) !=
            RESULT_OK)
        return err->result;
    if (roots_lead(growth))
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT,
                   "the checkpoint is of other records than those that are there: run `georder "
                   "audit verify`");
}

void proof_put(const struct proof *proof, struct buf *out)
{
    for (size_t i = 0; i < proof->count; i++) {
        base64_put(out, proof->hash[i], SHA256_LEN);
        buf_putc(out, '\n');
    }
}

static void fork_tell(struct audit_comparison *out)
{
    out->verdict = AUDIT_FORKED;
    tell(out->text,
         "the key has signed two logs: the root of the first %" PRIu64
         " records is another now than it was",
         out->before.size);
}

static enum result growth_judge(struct growth *growth, struct audit_comparison *out,
                                struct err *err)
{
    if (hasher_open(&growth->hasher, "SHA256", err) != RESULT_OK ||
        growth_prove(growth, err) != RESULT_OK)
        return err->result;
    if (memcmp(growth->own.hash[0], out->before.hash, SHA256_LEN) != 0) {
        fork_tell(out);
        return RESULT_OK;
    }
    out->verdict = AUDIT_INTACT;
    tell(out->text, "the log of %" PRIu64 " records has grown out of its first %" PRIu64,
         out->now.size, out->before.size);
    buf_reset(&out->proof);
    proof_put(&growth->proof, &out->proof);
    return buf_check(&out->proof, "consistency proof", err);
}

static enum result compare(int dirfd, const struct snapshot *snapshot, struct audit_comparison *out,
                           struct err *err)
{
    struct growth growth = {.dirfd = dirfd,
                            .snapshot = snapshot,
                            .old = out->before.size,
                            .size = out->now.size,
                            .root = out->now.hash};
    enum result result;

    if (out->before.size > out->now.size) {
        out->verdict = AUDIT_ROLLED_BACK;
        tell(out->text, "the log had %" PRIu64 " records, and its checkpoint is of %" PRIu64 " now",
             out->before.size, out->now.size);
        return RESULT_OK;
    }
    if (out->before.size == out->now.size) {
        out->verdict = AUDIT_INTACT;
        tell(out->text, "the log has the same %" PRIu64 " records", out->now.size);
        if (memcmp(out->before.hash, out->now.hash, SHA256_LEN) != 0)
            fork_tell(out);
        return RESULT_OK;
    }
    result = growth_judge(&growth, out, err);
    hasher_close(&growth.hasher);
    return result;
}

static bool both_good(struct audit_comparison *out)
{
    const struct audit_checkpoint *bad = &out->now;

    if (out->now.verdict == AUDIT_INTACT && out->before.verdict == AUDIT_INTACT)
        return true;
    if (out->now.verdict == AUDIT_INTACT)
        bad = &out->before;
    out->verdict = bad->verdict;
    tell(out->text, "%s: %.400s", bad == &out->now ? "of the log" : "to compare with", bad->text);
    return false;
}

enum result audit_compare(int dirfd, const char *origin, const char *kid, const char *before,
                          size_t len, struct audit_comparison *out, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    struct keyring ring = {.count = 0};
    struct succession keys;
    enum result result = head_take(dirfd, origin, &snapshot, &ring, &keys, err);

    if (result == RESULT_OK) {
        struct identity log = {origin, kid, &ring, &keys};

        head_judge(&log, snapshot.note.data, snapshot.note.len, &out->now);
        log.kid = NULL; /* the present checkpoint answers for those that it grew out of */
        head_judge(&log, before, len, &out->before);
        if (both_good(out))
            result = compare(dirfd, &snapshot, out, err);
    }
    keyring_free(&ring);
    return result;
}

void audit_comparison_free(struct audit_comparison *comparison)
{
    buf_free(&comparison->proof);
}
