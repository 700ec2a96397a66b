/*
 * One recipient of a JWE: a content key wrapped for a passphrase (PBES2-HS512+A256KW, RFC 7518
 * section 4.8) or for a key pair, most often one on a token (ECDH-ES+A256KW, section 4.6;
 * RSA-OAEP-256, section 4.3).
 */
#ifndef GEORDER_KEYS_RECIPIENT_H
#define GEORDER_KEYS_RECIPIENT_H

#include "header.h"
#include "private.h"

#define ALG_PASSPHRASE  "PBES2-HS512+A256KW"
#define ALG_ECDH        "ECDH-ES+A256KW"
#define ALG_OAEP        "RSA-OAEP-256"
#define RECIPIENTS_MAX  8
#define CONTENT_KEY_LEN 32

/* A hostile file must not keep us busy for hours. What one whole operation may spend is enough to
 * open the 64 secrets of a file of the first version, each by a wrapping of its own. */
#define ITERATIONS     210000
#define ITERATIONS_MAX 10000000
#define ITERATIONS_ALL 15000000

struct recipient {
    const char *alg;
    const struct buf *passphrase; /* or NULL, and then: */
    EVP_PKEY *public;             /* owned */
    char kid[THUMBPRINT_LEN + 1];
    char uri[URI_MAX + 1]; /* of the private key */
};
void recipient_free(struct recipient *recipient);
#define AUTO_RECIPIENT __attribute__((cleanup(recipient_free))) struct recipient

/* alg and kid, as the key is. Takes a reference. */
MUST_USE enum result recipient_of(EVP_PKEY *public, const char *uri, struct recipient *out,
                                  struct err *err);
MUST_USE enum result content_key_make(struct buf *key, struct err *err);
/* Appends the wrapped key to a JWE's "recipients". */
MUST_USE enum result recipient_wrap(const struct recipient *to, const struct buf *key, cJSON *list,
                                    struct err *err);

/* Who opens: a passphrase, or a private key. */
struct opener {
    const struct buf *passphrase;
    struct private_key *key;
    char kid[THUMBPRINT_LEN + 1]; /* of the key */
    int64_t *iterations;          /* of PBKDF2: how many may still be spent */
    bool tried;                   /* there was a recipient for it */
    bool sound;                   /* the JWE is, as far as it was read: the fault is not its */
    struct err fault;             /* what the token said to that */
};
MUST_USE enum result opener_of(struct private_key *key, struct opener *out, struct err *err);
/* *opened: the content key came out. A recipient that is somebody else is passed over. An error is
 * one of the file's. key: BUF_SECRET of at least CONTENT_KEY_LEN + 8. */
MUST_USE enum result recipient_unwrap(const struct header *header, const cJSON *recipient,
                                      struct opener *opener, struct buf *key, bool *opened,
                                      struct err *err);
#endif
