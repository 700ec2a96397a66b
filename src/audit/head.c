/*
 * The log held against its head, the checkpoint that is kept elsewhere. Records and not the log's
 * checkpoint decide: these are flushed before the head is replaced, while after a power cut an
 * older checkpoint may be there.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "log.h"

#define ADVICE                                                                                     \
    "nothing is appended; keep the directory as it is, and look for a restored backup or "         \
    "snapshot, "                                                                                   \
    "or another host with this log"

static void judge(struct audit_checkpoint *out, enum audit_verdict verdict, const char *fmt, ...)
    PRINTF(3, 4);

static void judge(struct audit_checkpoint *out, enum audit_verdict verdict, const char *fmt, ...)
{
    va_list args;

    out->verdict = verdict;
    va_start(args, fmt);
    (void)vsnprintf(out->text, sizeof out->text, fmt, args);
    va_end(args);
}

/* What the head says, good or bad by itself. Records are checked elsewhere, along their chain: it
 * may be of before the turn of the key that is trusted. */
static void head_read(const struct identity *log, const char *note, size_t len,
                      struct audit_checkpoint *out)
{
    struct checkpoint checkpoint;
    enum note_status status = note_read(note, len, log->origin, log->ring, &checkpoint);
    char why[512];

    *out = (struct audit_checkpoint){.verdict = AUDIT_INTACT};
    if (status != NOTE_GOOD) {
        judge(out, note_verdict(status), "the log's head %s", note_status_text(status));
        return;
    }
    checkpoint_tell(&checkpoint, out);
    if (log->keys != NULL && !succession_signed(log->keys, &checkpoint, log->kid, why))
        judge(out, AUDIT_UNKNOWN_KEY, "of the log's head, %.400s", why);
    else if (out->size == 0)
        judge(out, AUDIT_MALFORMED, "the log's head is of no record, and no log has such a one");
}

static void records_compare(struct audit_checkpoint *out, uint64_t records, const uint8_t root[])
{
    if (records < out->size)
        judge(out, AUDIT_ROLLED_BACK,
              "the log's head is of %" PRIu64 " records, but only %" PRIu64 " are there", out->size,
              records);
    else if (memcmp(root, out->hash, SHA256_LEN) != 0)
        judge(out, AUDIT_FORKED,
              "the key has signed two logs: the log's head is of %" PRIu64
              " other records than the first %" PRIu64 " that are there",
              out->size, out->size);
    else
        judge(out, AUDIT_INTACT,
              "the log's head is of %" PRIu64 " records, and they are the first that are there",
              out->size);
}

static void chunk_push(const struct chunk *chunk, struct tree *tree, struct hasher *hasher,
                       uint64_t size)
{
    for (size_t i = 0; i < chunk->lines && tree->size < size; i++) {
        uint8_t leaf[SHA256_LEN];
        size_t len;
        const char *line = chunk_line(chunk, i, &len);

        tree_leaf(hasher, line, len, leaf);
        tree_push(tree, hasher, leaf);
    }
}

/* The tree over the first `size` records, or over all when there are fewer. */
static enum result tree_over(const struct snapshot *snapshot, struct hasher *hasher, uint64_t size,
                             struct tree *tree, struct err *err)
{
    AUTO_READER reader = {.fd = -1};
    struct chunk *chunk = malloc(sizeof *chunk);
    enum result result;

    if (chunk == NULL)
        return err_set(err, RESULT_INTERNAL, "records: out of memory");
    tree->size = 0;
    reader_open(&reader, snapshot, 0);
    do {
        result = reader_next(&reader, chunk, err);
        if (result == RESULT_OK)
            chunk_push(chunk, tree, hasher, size);
    } while (result == RESULT_OK && chunk->lines > 0 && tree->size < size);
    free(chunk);
    return result;
}

static enum result records_judge(const struct snapshot *snapshot, struct audit_checkpoint *out,
                                 struct err *err)
{
    struct tree *tree = calloc(1, sizeof *tree);
    struct hasher hasher = {0};
    uint8_t root[SHA256_LEN];
    enum result result;

    if (tree == NULL)
        return err_set(err, RESULT_INTERNAL, "records: out of memory");
    result = hasher_open(&hasher, "SHA256", err);
    if (result == RESULT_OK)
        result = tree_over(snapshot, &hasher, out->size, tree, err);
    if (result == RESULT_OK) {
        tree_root(tree, &hasher, root);
        records_compare(out, tree->size, root);
    }
    hasher_close(&hasher);
    free(tree);
    return result;
}

enum result audit_head_check(int dirfd, const char *origin, const char *kid, const char *note,
                             size_t len, struct audit_checkpoint *out, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    struct keyring ring = {.count = 0};
    struct succession keys;
    enum result result = RESULT_OK;

    if (origin_check(origin, err) != RESULT_OK ||
        snapshot_locked(dirfd, &snapshot, err) != RESULT_OK ||
        keyring_load(dirfd, &ring, err) != RESULT_OK ||
        succession_load(&snapshot, origin, &ring, &keys, err) != RESULT_OK)
        result = err->result;
    if (result == RESULT_OK)
        head_read(&(struct identity){origin, kid, &ring, &keys}, note, len, out);
    if (result == RESULT_OK && out->verdict == AUDIT_INTACT)
        result = records_judge(&snapshot, out, err);
    keyring_free(&ring);
    return result;
}

/* Nearly always it is of all records, whose tree is at hand. */
static enum result observed_judge(struct audit *audit, struct audit_checkpoint *out,
                                  struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    uint8_t root[SHA256_LEN];

    if (out->size >= audit->tree.size) {
        tree_root(&audit->tree, &audit->checker.sha256, root);
        records_compare(out, audit->tree.size, root);
        return RESULT_OK;
    }
    if (snapshot_take(audit->dirfd, &snapshot, err) != RESULT_OK)
        return err->result;
    return records_judge(&snapshot, out, err);
}

static enum result note_hold(struct audit *audit, const struct buf *note, struct err *err)
{
    struct audit_checkpoint head;

    if (note->len == 0 && audit->head_begins)
        return RESULT_OK;
    if (note->len == 0)
        return err_set(err, RESULT_AUDIT,
                       "the log's head is gone: somebody has destroyed it, or it was never made "
                       "(`georder audit head --create`); " ADVICE);
    head_read(&(struct identity){audit->origin, NULL, &audit->ring, NULL}, buf_text(note),
              note->len, &head);
    if (head.verdict == AUDIT_INTACT && observed_judge(audit, &head, err) != RESULT_OK)
        return err->result;
    if (head.verdict == AUDIT_INTACT)
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT, "%s: %s: " ADVICE, audit_verdict_name(head.verdict),
                   head.text);
}

enum result head_hold(struct audit *audit, struct err *err)
{
    AUTO_BUF note = BUF_INIT(NOTE_MAX);

    if (audit->head_held)
        return RESULT_OK;
    if (audit->signer->head(audit->signer->context, &note, &audit->head) != RESULT_OK)
        return RESULT_OK;
    if (note_hold(audit, &note, err) != RESULT_OK)
        return err->result;
    audit->head_held = true;
    return RESULT_OK;
}

/* A head that the log was not held against is not replaced: it may know better. */
void head_replace(struct audit *audit, const struct buf *note)
{
    const struct audit_signer *signer =
        audit->next_key != NULL ? audit->next_signer : audit->signer;

    if (signer->head_put == NULL || !audit->head_held)
        return;
    audit->head_held = signer->head_put(signer->context, note, &audit->head) == RESULT_OK;
    if (!audit->head_held)
        return;
    audit->head = (struct err){0};
    audit->head_begins = false;
}

enum result audit_head_state(const struct audit *audit, struct err *err)
{
    if (audit->signer == NULL || audit->signer->head == NULL)
        return err_set(err, RESULT_AUDIT, "the config names none: write audit.head");
    if (audit->head.result == RESULT_OK && audit->head_held)
        return RESULT_OK;
    if (audit->head.result == RESULT_OK)
        return err_set(err, RESULT_AUDIT, "the log's head was not replaced yet");
    *err = audit->head;
    return err->result;
}

void audit_head_begin(struct audit *audit)
{
    audit->head_begins = true;
}
