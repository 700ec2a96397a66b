/* Keys as JSON Web Keys (RFC 7517; EC and RSA: RFC 7518 sections 6.2, 6.3), thumbprints (RFC 7638).
 */
#ifndef GEORDER_KEYS_JWK_H
#define GEORDER_KEYS_JWK_H

#include <openssl/evp.h>

#include "base.h"

#define JWK_MAX         2048 /* public, or private EC */
#define JWK_PRIVATE_MAX 4096 /* RSA 4096 */

void pkey_free(EVP_PKEY **key);
#define AUTO_PKEY __attribute__((cleanup(pkey_free))) EVP_PKEY

struct curve {
    const char *group, *crv; /* OpenSSL's name, JOSE's */
    size_t size;             /* of a coordinate, in bytes */
};
/* From an uncompressed point, which must be on the curve; from big-endian numbers. The caller's;
 * NULL when they make no key. */
EVP_PKEY *pkey_ec_public(const struct curve *curve, const struct buf *point);
EVP_PKEY *pkey_rsa_public(const struct buf *n, const struct buf *e);
/* NULL when the key is not EC on P-256 or P-384. The key must be OpenSSL's own, not a token's. */
const struct curve *curve_of(const EVP_PKEY *key);
const struct curve *curve_named(const char *crv); /* or NULL */

/* {"crv":..,"kty":"EC","x":..,"y":..} or {"e":..,"kty":"RSA","n":..}: what RFC 7638 hashes. */
MUST_USE enum result jwk_put_public(struct buf *out, const EVP_PKEY *key, struct err *err);
#define THUMBPRINT_LEN 43
MUST_USE enum result jwk_thumbprint(const EVP_PKEY *key, char out[THUMBPRINT_LEN + 1],
                                    struct err *err);
/* EC on P-256 or P-384, or RSA. out: BUF_SECRET(JWK_PRIVATE_MAX). */
MUST_USE enum result jwk_put_private(struct buf *out, const EVP_PKEY *key, struct err *err);
/* From a private JWK; the pair is checked. name: for errors. */
MUST_USE enum result jwk_get_private(const char *name, const struct buf *text, EVP_PKEY **out,
                                     struct err *err);

/* jwk_rsa.c: the same of RSA alone. */
MUST_USE enum result jwk_rsa_put_private(struct buf *out, const EVP_PKEY *key, struct err *err);
MUST_USE enum result jwk_rsa_get_private(const struct json_doc *doc, EVP_PKEY **out,
                                         struct err *err);
/* A private number that does not belong to the public one would sign what nobody can verify. */
MUST_USE bool pkey_consistent(EVP_PKEY *key);

/* jwk_public.c: from a node of a document that is a public JWK: EC with a point that is on its
 * curve, or RSA 2048 to 4096. A private one is refused. */
MUST_USE enum result jwk_get_public(const struct json_doc *doc, const cJSON *node, EVP_PKEY **out,
                                    struct err *err);
/* The other way; *out is the caller's. */
MUST_USE enum result jwk_tree(const EVP_PKEY *key, cJSON **out, struct err *err);

#endif
