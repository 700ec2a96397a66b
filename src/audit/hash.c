#include "hash.h"

#include <stdlib.h>

enum result hasher_open(struct hasher *hasher, const char *digest, struct err *err)
{
    hasher->md = EVP_MD_fetch(NULL, digest, NULL);
    hasher->ctx = EVP_MD_CTX_new();
    if (hasher->md == NULL || hasher->ctx == NULL)
        return err_set(err, RESULT_INTERNAL, "OpenSSL offers no %s: check its installation",
                       digest);
    return RESULT_OK;
}

void hasher_close(struct hasher *hasher)
{
    EVP_MD_CTX_free(hasher->ctx);
    EVP_MD_free(hasher->md);
    *hasher = (struct hasher){0};
}

void hash_begin(struct hasher *hasher)
{
    if (EVP_DigestInit_ex2(hasher->ctx, hasher->md, NULL) != 1)
        abort();
}

void hash_add(struct hasher *hasher, const void *bytes, size_t len)
{
    if (EVP_DigestUpdate(hasher->ctx, bytes, len) != 1)
        abort();
}

void hash_end(struct hasher *hasher, uint8_t *out)
{
    if (EVP_DigestFinal_ex(hasher->ctx, out, NULL) != 1)
        abort();
}
