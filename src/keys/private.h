/*
 * A private key in use, on a token or in memory. It signs, agrees on a secret (ECDH) or decrypts
 * (RSA-OAEP); which of them it may do is the token's to say.
 */
#ifndef GEORDER_KEYS_PRIVATE_H
#define GEORDER_KEYS_PRIVATE_H

#include <openssl/evp.h>

#include "cryptoki.h"
#include "jwk.h"

#define SIGNATURE_MAX 512 /* RSA 4096 */

/* RFC 7518 section 3.1 */
struct algorithm {
    const char *name, *digest;
    const char *group; /* OpenSSL's name of the curve; NULL: RSA */
    size_t size;       /* EC: bytes of r and of s */
    CK_KEY_TYPE type;
    CK_MECHANISM_TYPE mechanism; /* over a digest */
};
const struct algorithm *algorithm_find(const char *name); /* or NULL */

struct private_key {
    EVP_PKEY *public;     /* owned; OpenSSL's own */
    EVP_PKEY *soft;       /* owned; NULL: the key is on a token */
    struct token *token;  /* logged in; lives as long as the ring */
    struct hsm_key found; /* on a token: what it is and where */
};
void private_free(struct private_key *key);
#define AUTO_PRIVATE __attribute__((cleanup(private_free))) struct private_key

/* Takes soft over. */
MUST_USE enum result private_soft(EVP_PKEY *soft, struct private_key *out, struct err *err);
/* The one private key on the token that the URI means; logs in. *missing: there is none. */
MUST_USE enum result private_token(struct ring *ring, struct token *token, const struct uri *uri,
                                   struct private_key *out, bool *missing, struct err *err);

/* wanted: RFC 7518's name, or "": ES256, ES384 or RS256, as the key is. NULL: the key cannot. */
MUST_USE enum result private_algorithm(const struct private_key *key, const char *wanted,
                                       const struct algorithm **out, struct err *err);
/* RSA's padding, for signing and verifying with OpenSSL. */
MUST_USE bool private_padding(EVP_PKEY_CTX *context, const struct algorithm *algorithm);
/* Over bytes, by that algorithm, with `digest` ("SHA256": ES384 signs checkpoints over it); the
 * signature as JOSE wants it: r || s, or RSA's number. */
MUST_USE enum result private_sign(struct private_key *key, const struct algorithm *algorithm,
                                  const char *digest, const void *bytes, size_t len,
                                  struct buf *signature, struct err *err);
/* ECDH: the x coordinate, as long as the field (RFC 7518 section 4.6). secret: BUF_SECRET. */
MUST_USE enum result private_agree(struct private_key *key, EVP_PKEY *peer, struct buf *secret,
                                   struct err *err);
/* RSAES-OAEP with SHA-256 and MGF1 with SHA-256 (RFC 7518 section 4.3). plain: BUF_SECRET. */
MUST_USE enum result private_decrypt(struct private_key *key, const struct buf *wrapped,
                                     struct buf *plain, struct err *err);

#endif
