/*
 * A receipt: a C2SP tlog-proof whose `extra` carries what else is needed to check it with nothing
 * but a thumbprint: the record's line, a newline, and the log's public key (its JWK file). Neither
 * is trusted for being there: the line is what the proof is of, the key what the thumbprint is of.
 */
#ifndef GEORDER_AUDIT_RECEIPT_H
#define GEORDER_AUDIT_RECEIPT_H

#include "note.h"
#include "proof.h"

struct receipt {
    struct buf extra; /* the two below are in it */
    const char *line, *jwk;
    size_t line_len, jwk_len;
    uint64_t index;
    struct proof proof;
    const char *note; /* in the text that was read */
    size_t note_len;
};
#define RECEIPT_INIT                                                                               \
    {                                                                                              \
        .extra = BUF_INIT(AUDIT_LINE_MAX + KEY_MAX + 1)                                            \
    }
#define AUTO_RECEIPT __attribute__((cleanup(receipt_free))) struct receipt

MUST_USE bool receipt_parse(const char *text, size_t len, struct receipt *out);
/* extra, index, proof and note are to be set. */
MUST_USE enum result receipt_put(const struct receipt *receipt, struct buf *out, struct err *err);
void receipt_free(struct receipt *receipt);

#endif
