/*
 * A receipt: a C2SP tlog-proof whose `extra` carries what else is needed to check it with nothing
 * but a thumbprint, a line each: the record; the log's public keys in their turn (JWK files), of
 * which the last one signed the checkpoint; the records of the rotations between them. None is
 * trusted for being there: the record is what the proof is of, one of the keys is what the
 * thumbprint is of, and each rotation is signed by both its keys.
 */
#ifndef GEORDER_AUDIT_RECEIPT_H
#define GEORDER_AUDIT_RECEIPT_H

#include "note.h"
#include "proof.h"

#define RECEIPT_EXTRA_MAX (AUDIT_RECEIPT_MAX / 4 * 3 - 16 * 1024)

struct piece {
    const char *at;
    size_t len;
};

struct receipt {
    struct buf extra;  /* what is below is in it */
    struct piece line; /* without its newline, as are the rotations */
    struct piece jwk[KEYS_MAX] /* with it, as it is in the file */, rotation[KEYS_MAX];
    size_t keys, rotations;
    uint64_t index;
    struct proof proof;
    const char *note; /* in the text that was read */
    size_t note_len;
};
#define RECEIPT_INIT                                                                               \
    {                                                                                              \
        .extra = BUF_INIT(RECEIPT_EXTRA_MAX)                                                       \
    }
#define AUTO_RECEIPT __attribute__((cleanup(receipt_free))) struct receipt

MUST_USE bool receipt_parse(const char *text, size_t len, struct receipt *out);
/* extra, index, proof and note are to be set. */
MUST_USE enum result receipt_put(const struct receipt *receipt, struct buf *out, struct err *err);
void receipt_free(struct receipt *receipt);

#endif
