/* The other half of what a token does, by OpenSSL: its signatures verified, its decryption fed. */
#ifndef GEORDER_TESTS_SOFTWARE_H
#define GEORDER_TESTS_SOFTWARE_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#define BYTES_MAX 1024
#define POINT_MAX 133

struct bytes {
    unsigned char data[BYTES_MAX];
    size_t len;
};

/* From CKA_EC_POINT, as the DER of an octet string or, as some modules give it, without. */
EVP_PKEY *ec_public(const char *group, const struct bytes *point);
EVP_PKEY *rsa_public(const struct bytes *modulus, const struct bytes *exponent);

struct bytes digest_make(const char *hash);
/* DigestInfo of RFC 8017, and the same padded to `size` bytes for raw RSA. */
struct bytes digest_info(void);
struct bytes digest_padded(size_t size);

/* `padding`: RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING (salt 32), or 0 for ECDSA (r, s). */
bool signature_fits(EVP_PKEY *key, const char *hash, int padding, const struct bytes *signature);

/* `padding`: RSA_PKCS1_OAEP_PADDING with `hash` for label and MGF1, or RSA_NO_PADDING. */
struct bytes encrypted(EVP_PKEY *key, int padding, const char *hash, const struct bytes *plain);

/* A key of P-256 of our own; its public point, and what it agrees on with `peer`. */
EVP_PKEY *ec_ephemeral(struct bytes *point);
struct bytes ec_agree(EVP_PKEY *own, EVP_PKEY *peer);

#endif
