/* Public keys of numbers: what JWK (RFC 7518) and SSH (RFC 4253, RFC 5656) give. */
#ifndef GEORDER_PKEY_H
#define GEORDER_PKEY_H

#include <openssl/types.h>
#include <stddef.h>

/* The caller's, EVP_PKEY_free(); NULL when libcrypto does not take it. OpenSSL's name of the group,
 * and a point as SEC 1 section 2.3.3 writes it. */
EVP_PKEY *pkey_of_point(const char *group, const void *point, size_t len);
/* Big-endian. What modulus and exponent are worth is the caller's to judge. */
EVP_PKEY *pkey_of_modulus(const void *n, size_t n_len, const void *e, size_t e_len);

#endif
