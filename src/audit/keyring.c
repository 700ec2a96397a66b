#include "key.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool member_get(const struct json_doc *doc, const char *name, struct buf *out)
{
    const char *text;
    struct err err = {0};

    return json_string(doc, doc->root, name, KEY_MAX, &text, &err) == RESULT_OK &&
           base64url_get(text, strlen(text), out);
}

static EVP_PKEY *pkey_build(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

static EVP_PKEY *pkey_from_ec(const struct json_doc *doc, const char *curve)
{
    AUTO_BUF point = BUF_INIT(KEY_MAX);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;

    buf_putc(&point, 4); /* SEC 1 section 2.3.3: not compressed */
    if (build != NULL && member_get(doc, "x", &point) && member_get(doc, "y", &point) &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len) ==
            1)
        pkey = pkey_build("EC", build);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

static EVP_PKEY *pkey_from_rsa(const struct json_doc *doc)
{
    AUTO_BUF n = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF e = BUF_INIT(SIGNATURE_MAX);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = NULL, *exponent = NULL;
    EVP_PKEY *pkey = NULL;

    if (member_get(doc, "n", &n) && member_get(doc, "e", &e)) {
        modulus = BN_bin2bn((const uint8_t *)n.data, (int)n.len, NULL);
        exponent = BN_bin2bn((const uint8_t *)e.data, (int)e.len, NULL);
    }
    if (build != NULL && modulus != NULL && exponent != NULL &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        pkey = pkey_build("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return pkey;
}

static EVP_PKEY *pkey_from_jwk(const struct json_doc *doc, struct err *err)
{
    const char *kty, *crv;

    if (json_string(doc, doc->root, "kty", 8, &kty, err) != RESULT_OK)
        return NULL;
    if (strcmp(kty, "RSA") == 0)
        return pkey_from_rsa(doc);
    if (json_string(doc, doc->root, "crv", 16, &crv, err) != RESULT_OK)
        return NULL;
    return pkey_from_ec(doc, crv);
}

static bool key_from_document(const struct json_doc *doc, struct key *key)
{
    const char *alg;
    struct err err = {0};

    return json_string(doc, doc->root, "alg", 8, &alg, &err) == RESULT_OK &&
           key_from_pkey(alg, pkey_from_jwk(doc, &err), key, &err) == RESULT_OK;
}

enum result key_from_jwk(const char *text, size_t len, struct key *key, struct err *err)
{
    struct json_doc doc = {.name = "JWK", .text = text, .len = len, .result = RESULT_AUDIT};
    bool good = json_parse(&doc, JSON_OURS, err) == RESULT_OK && key_from_document(&doc, key);

    json_free(&doc);
    if (good)
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT,
                   "no public key of an audit log: a JWK (RFC 7517) with kty, alg and the rest, as "
                   "in keys/ of the log");
}

bool key_is_exactly(const struct key *key, const char *text, size_t len)
{
    AUTO_BUF again = BUF_INIT(KEY_MAX);
    struct err err = {0};

    return key_jwk(key, &again, &err) == RESULT_OK && again.len == len &&
           memcmp(again.data, text, len) == 0;
}

static bool key_from_text(const struct buf *text, const char *name, struct key *key)
{
    char file[AUDIT_KID_LEN + 8];
    struct err err = {0};

    if (key_from_jwk(buf_text(text), text->len, key, &err) != RESULT_OK)
        return false;
    (void)snprintf(file, sizeof file, "%s.jwk", key->kid);
    if (strcmp(file, name) == 0 && key_is_exactly(key, buf_text(text), text->len))
        return true;
    key_free(key);
    return false;
}

static void key_add(int dirfd, const char *name, struct keyring *ring)
{
    AUTO_FD fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    AUTO_BUF text = BUF_INIT(KEY_MAX);
    struct err err = {0};

    if (fd >= 0 && file_read(fd, name, &text, &err) == RESULT_OK &&
        key_from_text(&text, name, &ring->key[ring->count]))
        ring->count++;
}

enum result keyring_load(int dirfd, struct keyring *ring, struct err *err)
{
    int fd = openat(dirfd, "keys", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;

    *ring = (struct keyring){0};
    if (directory == NULL) {
        (void)err_errno(err, RESULT_AUDIT, "keys: cannot read the log's public keys");
        fd_close(&fd);
        return err->result;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL && ring->count < KEYS_MAX;)
        if (strlen(entry->d_name) == AUDIT_KID_LEN + 4)
            key_add(fd, entry->d_name, ring);
    (void)closedir(directory);
    return RESULT_OK;
}

void keyring_free(struct keyring *ring)
{
    while (ring->count > 0)
        key_free(&ring->key[--ring->count]);
}

const struct key *keyring_find(const struct keyring *ring, const char *kid)
{
    for (size_t i = 0; i < ring->count; i++)
        if (strcmp(ring->key[i].kid, kid) == 0)
            return &ring->key[i];
    return NULL;
}
