/* A C2SP witness: what it is asked, and what its answers mean (tlog-witness, add-checkpoint). */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "anchor_files.h"
#include "compare.h"
#include "number.h"

#define LOOK_BACK 16 /* checkpoints in which a witness' last cosignature is looked for */

/* Newest first: one that asks often finds it at once, and others hear it from the witness. */
enum result witness_seen(int dirfd, const struct anchor_head *head, const struct witness *witness,
                         uint64_t *size, struct err *err)
{
    AUTO_ANCHOR_FILES files = {.fd = -1};
    AUTO_BUF note = BUF_INIT(NOTE_MAX);
    struct cosignature line;
    size_t looked = 0;

    *size = 0;
    if (anchor_files_list(dirfd, &files, err) != RESULT_OK)
        return err->result;
    for (size_t i = files.count; i > 0 && looked < LOOK_BACK && *size == 0; i--) {
        if (files.size[i - 1] > head->size)
            continue;
        looked++;
        if (anchor_file_read(files.fd, files.size[i - 1], ANCHOR_CHECKPOINT, &note, err) !=
            RESULT_OK)
            return err->result;
        size_t text = note_text_len(buf_text(&note), note.len);
        if (cosignature_find(witness, buf_text(&note), text, buf_text(&note) + text,
                             note.len - text, &line) == COSIGNATURE_GOOD)
            *size = files.size[i - 1];
    }
    return RESULT_OK;
}

static enum result growth_open(int dirfd, const struct anchor_head *head, uint64_t old,
                               struct snapshot *snapshot, struct growth *growth, struct err *err)
{
    *growth = (struct growth){
        .dirfd = dirfd, .snapshot = snapshot, .old = old, .size = head->size, .root = head->root};
    if (snapshot_locked(dirfd, snapshot, err) != RESULT_OK)
        return err->result;
    return hasher_open(&growth->hasher, "SHA256", err);
}

enum result witness_query(int dirfd, const struct anchor_head *head, uint64_t old, struct buf *body,
                          struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    struct growth growth = {.proof = {.count = 0}};
    enum result result = RESULT_OK;

    buf_reset(body);
    if (old > 0 && old < head->size) {
        result = growth_open(dirfd, head, old, &snapshot, &growth, err);
        if (result == RESULT_OK)
            result = growth_prove(&growth, err);
        hasher_close(&growth.hasher);
    }
    if (result != RESULT_OK)
        return result;
    buf_printf(body, "old %" PRIu64 "\n", old);
    proof_put(&growth.proof, body);
    buf_putc(body, '\n');
    buf_put(body, buf_text(&head->note), head->note.len);
    return buf_check(body, "checkpoint for a witness", err);
}

/* One answer, and what it is about. */
struct hearing {
    const struct anchor_head *head;
    const struct witness *witness;
    const struct witness_answer *answer;
    struct anchor *out;
};

/* What is said against the log, loudly. */
static enum result accuse(struct hearing *hearing, enum audit_verdict verdict, struct err *err,
                          const char *fmt, ...) PRINTF(4, 5);

static enum result accuse(struct hearing *hearing, enum audit_verdict verdict, struct err *err,
                          const char *fmt, ...)
{
    va_list args;

    hearing->out->verdict = verdict;
    va_start(args, fmt);
    (void)vsnprintf(hearing->out->text, sizeof hearing->out->text, fmt, args);
    va_end(args);
    return err_set(err, RESULT_AUDIT, "%s: %s", audit_verdict_name(verdict), hearing->out->text);
}

static enum result cosigned(struct hearing *hearing, struct cosignature *line, struct err *err)
{
    const struct buf *note = &hearing->head->note;
    const struct witness_answer *answer = hearing->answer;
    struct anchor *out = hearing->out;
    enum cosignature_status status =
        cosignature_find(hearing->witness, note->data, note_text_len(note->data, note->len),
                         answer->body, answer->len, line);

    if (status == COSIGNATURE_NONE)
        return accuse(hearing, AUDIT_UNKNOWN_KEY, err,
                      "the witness %s answered without a cosignature by the key that is trusted",
                      hearing->witness->name);
    if (status == COSIGNATURE_BAD)
        return accuse(hearing, AUDIT_ALTERED, err,
                      "the cosignature of the witness %s does not fit the checkpoint of %" PRIu64
                      " records",
                      hearing->witness->name, out->size);
    out->time = line->time;
    (void)snprintf(out->text, sizeof out->text, "%" PRIu64 " records are cosigned by %s", out->size,
                   out->by);
    return RESULT_OK;
}

static enum result fork_told(struct hearing *hearing, struct err *err)
{
    return accuse(hearing, AUDIT_FORKED, err,
                  "the witness %s has seen another log of this name: what it saw of %" PRIu64
                  " records is not what is here. This is a copy of the log that went its own way, "
                  "or history was signed anew; keep the directory as it is",
                  hearing->witness->name, hearing->answer->old);
}

/* 409: the witness has another size than was thought. */
static enum result conflict(struct hearing *hearing, uint64_t *again, struct err *err)
{
    const struct witness_answer *answer = hearing->answer;
    uint64_t size = 0, ours = hearing->head->size;

    if (answer->len < 2 || answer->body[answer->len - 1] != '\n' ||
        strcmp(answer->content_type, "text/x.tlog.size") != 0 ||
        !number_get(answer->body, answer->len - 1, &size))
        return err_set(err, RESULT_AUDIT, "%s: HTTP 409, but without a size (text/x.tlog.size)",
                       hearing->witness->name);
    *again = size;
    if (size > ours)
        return accuse(hearing, AUDIT_ROLLED_BACK, err,
                      "the witness %s has cosigned %" PRIu64
                      " records of this log, and only %" PRIu64
                      " are here. Records were cut off, or an old copy of the log was put in "
                      "place; keep the directory as it is",
                      hearing->witness->name, size, ours);
    if (size == answer->old)
        return fork_told(hearing, err);
    return RESULT_OK;
}

static enum result refused(const struct hearing *hearing, struct err *err)
{
    const char *name = hearing->witness->name;

    switch (hearing->answer->status) {
    case 400:
        return err_set(err, RESULT_AUDIT, "%s: HTTP 400: it does not understand the checkpoint",
                       name);
    case 403:
        return err_set(err, RESULT_AUDIT,
                       "%s: HTTP 403: it does not trust the key of this log: give its operator "
                       "the public key, that is in keys/ of the audit directory",
                       name);
    case 404:
        return err_set(err, RESULT_AUDIT,
                       "%s: HTTP 404: it does not know this log, or audit.witnesses has the wrong "
                       "url: give its operator the log's origin",
                       name);
    default:
        return err_set(err, RESULT_UNREACHED, "%s: HTTP %d: no answer of a witness", name,
                       hearing->answer->status);
    }
}

enum result witness_take(int dirfd, const struct anchor_head *head, const struct witness *witness,
                         const struct witness_answer *answer, uint64_t *again, struct anchor *out,
                         struct err *err)
{
    struct hearing hearing = {head, witness, answer, out};
    struct cosignature line;

    *again = 0;
    *out = (struct anchor){.kind = ANCHOR_COSIGNATURE, .size = head->size};
    memcpy(out->by, witness->name, sizeof witness->name);
    if (answer->status == 409)
        return conflict(&hearing, again, err);
    if (answer->status == 422)
        return fork_told(&hearing, err);
    if (answer->status != 200)
        return refused(&hearing, err);
    if (cosigned(&hearing, &line, err) != RESULT_OK ||
        anchor_keep_cosignature(dirfd, head, witness, &line, err) != RESULT_OK)
        return err->result;
    return anchor_clock_check(out, err);
}
