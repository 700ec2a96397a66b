/* A digest made again and again without a new context each time: verifying is mostly this. */
#ifndef GEORDER_AUDIT_HASH_H
#define GEORDER_AUDIT_HASH_H

#include <openssl/evp.h>

#include "base.h"

struct hasher {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
};

MUST_USE enum result hasher_open(struct hasher *hasher, const char *digest, struct err *err);
void hasher_close(struct hasher *hasher);
/* These end the program when the digest cannot be made: nothing may go on with a wrong one. */
void hash_begin(struct hasher *hasher);
void hash_add(struct hasher *hasher, const void *bytes, size_t len);
void hash_end(struct hasher *hasher, uint8_t *out);

#endif
