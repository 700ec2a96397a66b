/* The arithmetic of wrapping a content key: deriving keys that wrap, AES key wrap, OAEP. */
#ifndef GEORDER_KEYS_WRAP_H
#define GEORDER_KEYS_WRAP_H

#include <openssl/evp.h>

#include "base.h"

#define KEK_LEN     32
#define WRAPPED_LEN (KEK_LEN + 8)
#define OAEP_MAX    512 /* RSA 4096 */

MUST_USE enum result random_put(struct buf *out, size_t len, struct err *err);
/* PBKDF2 over alg || 0 || p2s (RFC 7518 section 4.8.1.1). kek: BUF_SECRET, as everywhere here. */
MUST_USE enum result kek_of_passphrase(const struct buf *passphrase, const struct buf *salt,
                                       int64_t iterations, struct buf *kek, struct err *err);
/* The Concat KDF of RFC 7518 section 4.6.2, for ECDH-ES+A256KW. */
MUST_USE enum result kek_of_agreement(const struct buf *secret, const struct buf *apu,
                                      const struct buf *apv, struct buf *kek, struct err *err);
/* AES key wrap (RFC 3394). Unwrapping fails under any key but the right one. */
MUST_USE bool key_wrap(const struct buf *kek, const struct buf *key, struct buf *out);
MUST_USE bool key_unwrap(const struct buf *kek, const struct buf *wrapped, struct buf *out);
MUST_USE enum result oaep_encrypt(EVP_PKEY *public, const struct buf *key, struct buf *out,
                                  struct err *err);

#endif
