/*
 * One secret as JWE general JSON (RFC 7516 section 7.2.1): content by A256GCM, its key wrapped by
 * PBES2-HS512+A256KW (RFC 7518 section 4.8). npm's `jose` opens it.
 */
#ifndef GEORDER_KEYS_JWE_H
#define GEORDER_KEYS_JWE_H

#include "base.h"

#define JWE_ITERATIONS 210000
#define JWE_PLAIN_MAX  4096

MUST_USE enum result jwe_encrypt(const struct buf *plain, const struct buf *passphrase, cJSON **out,
                                 struct err *err);
/* plain: BUF_SECRET. */
MUST_USE enum result jwe_decrypt(const struct json_doc *doc, const cJSON *jwe,
                                 const struct buf *passphrase, struct buf *plain, struct err *err);

#endif
