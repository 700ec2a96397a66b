#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

#include "cryptoki.h"
#include "software.h"

static void sure(const char *what, bool done)
{
    if (!done)
        fault("OpenSSL: %s", what);
}

static EVP_PKEY *public_make(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY *key = NULL;

    sure("public key", ctx != NULL && params != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
                           EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

EVP_PKEY *ec_public(const char *group, const struct bytes *point)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    size_t bare = strcmp(group, "P-256") == 0 ? 65 : 97, skip = point->len - bare;

    sure("a point of another length", point->len >= bare && skip < 4);
    sure("parameters",
         OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
             OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point->data + skip,
                                              bare) == 1);
    return public_make("EC", build);
}

EVP_PKEY *rsa_public(const struct bytes *modulus, const struct bytes *exponent)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(modulus->data, (int)modulus->len, NULL);
    BIGNUM *e = BN_bin2bn(exponent->data, (int)exponent->len, NULL);
    EVP_PKEY *key;

    sure("parameters", OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
                           OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1);
    key = public_make("RSA", build);
    BN_free(n);
    BN_free(e);
    return key;
}

struct bytes digest_make(const char *hash)
{
    static const char text[] = "what the token signs";
    struct bytes digest;

    sure("digest", EVP_Q_digest(NULL, hash, NULL, text, sizeof text - 1, digest.data, &digest.len));
    return digest;
}

struct bytes digest_info(void)
{
    static const unsigned char start[] = {0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1,
                                          0x65, 3,    4,    2,    1, 5, 0,    4,    0x20};
    struct bytes digest = digest_make("SHA256"), info = {.len = sizeof start + digest.len};

    memcpy(info.data, start, sizeof start);
    memcpy(info.data + sizeof start, digest.data, digest.len);
    return info;
}

struct bytes digest_padded(size_t size)
{
    struct bytes info = digest_info(), block = {.len = size};

    memset(block.data, 0xff, size);
    block.data[0] = 0;
    block.data[1] = 1;
    block.data[size - info.len - 1] = 0;
    memcpy(block.data + size - info.len, info.data, info.len);
    return block;
}

/* (r, s) as PKCS#11 and JOSE write it, to the DER that OpenSSL reads. */
static struct bytes signature_der(const struct bytes *raw)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    int half = (int)(raw->len / 2);
    struct bytes der;
    unsigned char *at = der.data;

    sure("signature", pair != NULL && ECDSA_SIG_set0(pair, BN_bin2bn(raw->data, half, NULL),
                                                     BN_bin2bn(raw->data + half, half, NULL)) == 1);
    der.len = (size_t)i2d_ECDSA_SIG(pair, &at);
    ECDSA_SIG_free(pair);
    return der;
}

bool signature_fits(EVP_PKEY *key, const char *hash, int padding, const struct bytes *signature)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    struct bytes digest = digest_make(hash), given = *signature;
    bool fits;

    if (padding == 0)
        given = signature_der(signature);
    sure("verify",
         ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
             (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1) &&
             EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(hash)) == 1 &&
             (padding != RSA_PKCS1_PSS_PADDING || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 32) == 1));
    fits = EVP_PKEY_verify(ctx, given.data, given.len, digest.data, digest.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return fits;
}

struct bytes encrypted(EVP_PKEY *key, int padding, const char *hash, const struct bytes *plain)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    struct bytes out = {.len = sizeof out.data};

    sure("encrypt",
         ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1 &&
             (hash == NULL || (EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, hash, NULL) == 1 &&
                               EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, hash, NULL) == 1)) &&
             EVP_PKEY_encrypt(ctx, out.data, &out.len, plain->data, plain->len) == 1);
    EVP_PKEY_CTX_free(ctx);
    return out;
}

EVP_PKEY *ec_ephemeral(struct bytes *point)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    sure("key",
         key != NULL && EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point->data,
                                                        sizeof point->data, &point->len) == 1);
    return key;
}

struct bytes ec_agree(EVP_PKEY *own, EVP_PKEY *peer)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    struct bytes secret = {.len = sizeof secret.data};

    sure("agree", ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
                      EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
                      EVP_PKEY_derive(ctx, secret.data, &secret.len) == 1);
    EVP_PKEY_CTX_free(ctx);
    return secret;
}
