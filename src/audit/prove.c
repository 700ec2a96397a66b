#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "find.h"
#include "receipt.h"
#include "span.h"
#include "succession.h"

/* A receipt in the making. */
struct proving {
    int dirfd;
    const char *origin, *kid;
    struct snapshot snapshot;
    struct keyring ring;
    struct succession keys;
    struct checkpoint checkpoint;
    struct hasher hasher;
    struct buf line;
    struct receipt receipt;
};

static enum result checkpoint_take(struct proving *proving, struct err *err)
{
    const struct buf *note = &proving->snapshot.note;

    if (checkpoint_trust(&proving->snapshot, proving->origin, &proving->ring, proving->kid,
                         &proving->checkpoint, &proving->keys, err) != RESULT_OK)
        return err->result;
    if (proving->receipt.index >= proving->checkpoint.size)
        return err_set(err, RESULT_USAGE,
                       "the log's checkpoint is of %" PRIu64 " records: there is no record %" PRIu64
                       " to be proved",
                       proving->checkpoint.size, proving->receipt.index);
    proving->receipt.note = buf_text(note);
    proving->receipt.note_len = note->len;
    return RESULT_OK;
}

static bool proof_leads(struct proving *proving)
{
    uint8_t leaf[SHA256_LEN], root[SHA256_LEN];

    tree_leaf(&proving->hasher, proving->line.data, proving->line.len, leaf);
    return proof_root(&proving->hasher, &proving->receipt.proof, proving->receipt.index,
                      proving->checkpoint.size, leaf, root) &&
           memcmp(root, proving->checkpoint.root, SHA256_LEN) == 0;
}

/* While the lock is held, no tile is replaced. */
static enum result snapshot_and_tiles(struct proving *proving, struct span spans[PROOF_MAX],
                                      size_t *count, struct err *err)
{
    AUTO_LOCK lock = {-1};

    if (lock_enter(proving->dirfd, true, &lock, err) != RESULT_OK ||
        snapshot_take(proving->dirfd, &proving->snapshot, err) != RESULT_OK ||
        checkpoint_take(proving, err) != RESULT_OK)
        return err->result;
    *count = proof_inclusion(proving->receipt.index, proving->checkpoint.size, spans);
    if (!tiles_proof(proving->dirfd, proving->checkpoint.size, &proving->hasher, spans, *count,
                     &proving->receipt.proof))
        proving->receipt.proof.count = PROOF_MAX; /* leads nowhere */
    return RESULT_OK;
}

static enum result proof_make(struct proving *proving, struct err *err)
{
    struct span spans[PROOF_MAX] = {{0, 0}};
    size_t count = 0;

    if (snapshot_and_tiles(proving, spans, &count, err) != RESULT_OK ||
        record_find(&proving->snapshot, proving->receipt.index, &proving->line, err) != RESULT_OK)
        return err->result;
    if (proof_leads(proving))
        return RESULT_OK;
    /* Tiles are made from records: these have the last word. */
    if (records_proof(&proving->snapshot, &proving->hasher, spans, count, &proving->receipt.proof,
                      err) != RESULT_OK)
        return err->result;
    if (proof_leads(proving))
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT,
                   "the checkpoint is of other records than those that are there: run `georder "
                   "audit verify`");
}

/* Those that have had their turn by the time of the checkpoint. */
static enum result keys_put(const struct proving *proving, struct buf *extra, struct err *err)
{
    const struct succession *keys = &proving->keys;

    for (size_t i = 0; i < keys->count && keys->first[i] <= proving->checkpoint.size; i++)
        if (key_jwk(keys->key[i], extra, err) != RESULT_OK)
            return err->result;
    return RESULT_OK;
}

static enum result rotations_put(const struct proving *proving, struct buf *extra, struct err *err)
{
    const struct succession *keys = &proving->keys;
    AUTO_BUF line = BUF_INIT(AUDIT_LINE_MAX);

    for (size_t i = 1; i < keys->count && keys->first[i] <= proving->checkpoint.size; i++) {
        if (record_find(&proving->snapshot, keys->first[i] - 1, &line, err) != RESULT_OK)
            return err->result;
        buf_put(extra, line.data, line.len);
        buf_putc(extra, '\n');
    }
    return RESULT_OK;
}

static enum result extra_put(struct proving *proving, struct err *err)
{
    struct buf *extra = &proving->receipt.extra;

    buf_put(extra, proving->line.data, proving->line.len);
    buf_putc(extra, '\n');
    if (keys_put(proving, extra, err) != RESULT_OK ||
        rotations_put(proving, extra, err) != RESULT_OK)
        return err->result;
    return buf_check(extra, "receipt", err);
}

/* Nobody gets a receipt that does not verify. */
static enum result self_check(const struct proving *proving, const struct buf *text,
                              struct err *err)
{
    struct audit_receipt receipt = AUDIT_RECEIPT_INIT;
    enum result result = audit_receipt_check(buf_text(text), text->len, proving->origin,
                                             proving->checkpoint.key->kid, &receipt, err);

    if (result == RESULT_OK && receipt.verdict != AUDIT_INTACT)
        result = err_set(err, RESULT_AUDIT, "record %" PRIu64 " cannot be proved: %s",
                         proving->receipt.index, receipt.text);
    audit_receipt_free(&receipt);
    return result;
}

static enum result prove(struct proving *proving, struct buf *out, struct err *err)
{
    if (origin_check(proving->origin, err) != RESULT_OK ||
        keyring_load(proving->dirfd, &proving->ring, err) != RESULT_OK ||
        hasher_open(&proving->hasher, "SHA256", err) != RESULT_OK ||
        proof_make(proving, err) != RESULT_OK || extra_put(proving, err) != RESULT_OK ||
        receipt_put(&proving->receipt, out, err) != RESULT_OK)
        return err->result;
    return self_check(proving, out, err);
}

enum result audit_prove(int dirfd, const char *origin, const char *kid, uint64_t index,
                        struct buf *receipt, struct err *err)
{
    struct proving proving = {.dirfd = dirfd,
                              .origin = origin,
                              .kid = kid,
                              .snapshot = {.records = -1},
                              .line = BUF_INIT(AUDIT_LINE_MAX),
                              .receipt = RECEIPT_INIT};
    enum result result;

    proving.receipt.index = index;
    result = prove(&proving, receipt, err);
    if (result != RESULT_OK)
        buf_reset(receipt);
    receipt_free(&proving.receipt);
    buf_free(&proving.line);
    hasher_close(&proving.hasher);
    keyring_free(&proving.ring);
    snapshot_free(&proving.snapshot);
    return result;
}

/* The records of an order, by what they say. */
struct looking {
    const char *order_id;
    uint64_t last, count;
    struct buf room;
    struct chunk chunk;
};

static void chunk_look(struct looking *looking)
{
    for (size_t i = 0; i < looking->chunk.lines; i++) {
        size_t len;
        const char *line = chunk_line(&looking->chunk, i, &len);
        struct payload payload;
        struct jws jws;

        if (!jws_split(line, len, &jws) ||
            !payload_read(jws.payload.at, jws.payload.len, &looking->room, &payload) ||
            strcmp(payload.order_id, looking->order_id) != 0)
            continue;
        looking->last = looking->chunk.index + i;
        looking->count++;
    }
}

static enum result look(int dirfd, struct looking *looking, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};
    AUTO_READER reader = {.fd = -1};

    if (snapshot_locked(dirfd, &snapshot, err) != RESULT_OK)
        return err->result;
    reader_open(&reader, &snapshot, 0);
    do {
        if (reader_next(&reader, &looking->chunk, err) != RESULT_OK)
            return err->result;
        chunk_look(looking);
    } while (looking->chunk.lines > 0);
    return RESULT_OK;
}

enum result audit_find_order(int dirfd, const char *order_id, uint64_t *last, uint64_t *count,
                             struct err *err)
{
    struct looking *looking = calloc(1, sizeof *looking);
    enum result result;

    if (looking == NULL)
        return err_set(err, RESULT_INTERNAL, "records: out of memory");
    looking->order_id = order_id;
    looking->room = (struct buf)BUF_INIT(AUDIT_LINE_MAX);
    result = order_id[0] != '\0' ? look(dirfd, looking, err)
                                 : err_set(err, RESULT_USAGE, "an order's id may not be empty");
    *last = looking->last;
    *count = looking->count;
    buf_free(&looking->room);
    free(looking);
    return result;
}
