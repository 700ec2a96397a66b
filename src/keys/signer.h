/* The audit key at work: records as flattened JWS (RFC 7515), checkpoints as C2SP signed notes. */
#ifndef GEORDER_KEYS_SIGNER_H
#define GEORDER_KEYS_SIGNER_H

#include "private.h"
#include "record.h"

#define LINE_MAX_LEN 65535
#define HEAD_MAX     3072 /* bytes of a checkpoint with one signature */

struct signer {
    struct private_key key; /* owned */
    const struct algorithm *algorithm;
    bool proved;          /* a signature of it was verified with its public key */
    struct buf spki;      /* DER */
    struct buf protected; /* base64url of the protected header */
    char kid[THUMBPRINT_LEN + 1];
    struct record_state state;
    uint64_t size; /* of the last checkpoint */
};

/* Takes the key over. state.origin must be there. algorithm: "" or RFC 7518's name. */
MUST_USE enum result signer_start(struct signer *signer, struct private_key *key,
                                  const char *algorithm, struct err *err);
void signer_free(struct signer *signer);
MUST_USE enum result signer_line(struct signer *signer, const char *payload, size_t len,
                                 struct buf *line, struct err *err);
MUST_USE enum result signer_note(struct signer *signer, uint64_t size,
                                 const uint8_t root[SHA256_LEN], struct buf *note, struct err *err);
/* The new key's part of a rotation: over "georder key rotation v1\n" origin "\n" index "\n"
 * previous "\n" from "\n" own kid "\n". from: a thumbprint; signature: as in a JWS. */
MUST_USE enum result signer_agree(struct signer *signer, uint64_t index,
                                  const uint8_t previous[SHA256_LEN], const char *from,
                                  struct buf *signature, struct err *err);
/* Has this key signed the note for this log? text_len: of its signed text. */
MUST_USE bool signer_signed(const struct signer *signer, const struct buf *note, size_t *text_len);
/* Signs and verifies something that is neither a record nor a checkpoint. */
MUST_USE enum result signer_test(struct signer *signer, struct err *err);

#endif
