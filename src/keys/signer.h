/* The audit key at work: records as flattened JWS (RFC 7515), checkpoints as C2SP signed notes. */
#ifndef GEORDER_KEYS_SIGNER_H
#define GEORDER_KEYS_SIGNER_H

#include <openssl/evp.h>

#include "base.h"
#include "jwk.h"
#include "record.h"

#define LINE_MAX_LEN 65535

struct signer {
    EVP_PKEY *key;    /* owned; a token's or OpenSSL's */
    EVP_PKEY *public; /* owned; always OpenSSL's */
    const struct curve *curve;
    struct buf spki;      /* DER */
    struct buf protected; /* base64url of the protected header */
    char kid[44];
    struct record_state state;
    uint64_t size; /* of the last checkpoint */
};

/* Takes the key over. state.origin must be there. */
MUST_USE enum result signer_start(struct signer *signer, EVP_PKEY *key, struct err *err);
void signer_free(struct signer *signer);
MUST_USE enum result signer_line(struct signer *signer, const char *payload, size_t len,
                                 struct buf *line, struct err *err);
MUST_USE enum result signer_note(struct signer *signer, uint64_t size,
                                 const uint8_t root[SHA256_LEN], struct buf *note, struct err *err);
/* Signs and verifies something that is neither a record nor a checkpoint. */
MUST_USE enum result signer_test(struct signer *signer, struct err *err);

#endif
