#include "key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

static const struct algorithm algorithms[] = {
    {"ES256", "SHA256", 32, "P-256", "prime256v1", 32, 0},
    {"ES384", "SHA384", 48, "P-384", "secp384r1", 48, 0},
    {"RS256", "SHA256", 32, NULL, NULL, 0, RSA_PKCS1_PADDING},
    {"PS256", "SHA256", 32, NULL, NULL, 0, RSA_PKCS1_PSS_PADDING},
};

static const struct algorithm *algorithm_find(const char *name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}

static bool algorithm_fits(const struct algorithm *alg, EVP_PKEY *pkey)
{
    char group[32] = "";

    if (alg->curve == NULL)
        return EVP_PKEY_is_a(pkey, "RSA") == 1 && EVP_PKEY_get_bits(pkey) >= 2048 &&
               EVP_PKEY_get_bits(pkey) <= 4096;
    return EVP_PKEY_is_a(pkey, "EC") == 1 &&
           EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
           strcmp(group, alg->group) == 0;
}

/* width 0: as short as it can be. */
static void number_put(struct buf *out, EVP_PKEY *pkey, const char *name, size_t width)
{
    uint8_t bytes[SIGNATURE_MAX];
    BIGNUM *number = NULL;
    int len = -1;

    if (EVP_PKEY_get_bn_param(pkey, name, &number) == 1) {
        size_t size = width > 0 ? width : (size_t)BN_num_bytes(number);

        if (size <= sizeof bytes)
            len = BN_bn2binpad(number, bytes, (int)size);
    }
    BN_free(number);
    if (len < 0)
        out->failed = true;
    else
        base64url_put(out, bytes, (size_t)len);
}

/* The members that the thumbprint is made of, in its order (RFC 7638 section 3.2). */
static void members_put(struct buf *out, const struct key *key)
{
    if (key->alg->curve != NULL) {
        buf_printf(out, "\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"", key->alg->curve);
        number_put(out, key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, key->alg->scalar);
        buf_puts(out, "\",\"y\":\"");
        number_put(out, key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, key->alg->scalar);
    } else {
        buf_puts(out, "\"e\":\"");
        number_put(out, key->pkey, OSSL_PKEY_PARAM_RSA_E, 0);
        buf_puts(out, "\",\"kty\":\"RSA\",\"n\":\"");
        number_put(out, key->pkey, OSSL_PKEY_PARAM_RSA_N, 0);
    }
    buf_putc(out, '"');
}

enum result key_jwk(const struct key *key, struct buf *out, struct err *err)
{
    buf_putc(out, '{');
    members_put(out, key);
    buf_printf(out, ",\"alg\":\"%s\",\"kid\":\"%s\",\"use\":\"sig\"}\n", key->alg->name, key->kid);
    return buf_check(out, "public key of the audit log", err);
}

static bool key_name(struct key *key)
{
    AUTO_BUF members = BUF_INIT(KEY_MAX);
    AUTO_BUF kid = BUF_INIT(sizeof key->kid);
    uint8_t digest[SHA256_LEN], *spki = NULL;
    int len = i2d_PUBKEY(key->pkey, &spki);

    buf_putc(&members, '{');
    members_put(&members, key);
    buf_putc(&members, '}');
    sha256(buf_text(&members), members.len, digest);
    base64url_put(&kid, digest, sizeof digest);
    memcpy(key->kid, buf_text(&kid), kid.len + 1);
    if (len > 0) {
        sha256(spki, (size_t)len, digest);
        memcpy(key->note_id, digest, sizeof key->note_id);
    }
    OPENSSL_free(spki);
    return len > 0 && buf_ok(&members) && buf_ok(&kid);
}

enum result key_from_pkey(const char *alg, EVP_PKEY *pkey, struct key *key, struct err *err)
{
    *key = (struct key){.alg = algorithm_find(alg), .pkey = pkey};
    if (key->alg == NULL)
        (void)err_set(err, RESULT_KEY,
                      "the audit key signs by %s: use an ES256, ES384, RS256 or PS256 key", alg);
    else if (pkey != NULL && algorithm_fits(key->alg, pkey) && key_name(key))
        return RESULT_OK;
    else
        (void)err_set(err, RESULT_KEY, "the public key of the audit key does not fit %s", alg);
    ERR_clear_error();
    key_free(key);
    return RESULT_KEY;
}

enum result key_from_spki(const char *alg, const uint8_t *spki, size_t len, struct key *key,
                          struct err *err)
{
    const uint8_t *at = spki;
    EVP_PKEY *pkey = len <= KEY_MAX ? d2i_PUBKEY(NULL, &at, (long)len) : NULL;

    if (pkey != NULL && at != spki + len) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    return key_from_pkey(alg, pkey, key, err);
}

void key_free(struct key *key)
{
    EVP_PKEY_free(key->pkey);
    *key = (struct key){0};
}

EVP_PKEY_CTX *key_verifier(const struct key *key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    EVP_MD *md = EVP_MD_fetch(NULL, key->alg->digest, NULL);
    bool good = ctx != NULL && md != NULL && EVP_PKEY_verify_init(ctx) == 1;

    if (good && key->alg->curve == NULL)
        good = EVP_PKEY_CTX_set_rsa_padding(ctx, key->alg->padding) == 1;
    good = good && EVP_PKEY_CTX_set_signature_md(ctx, md) == 1;
    if (good && key->alg->padding == RSA_PKCS1_PSS_PADDING)
        good = EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
    EVP_MD_free(md);
    if (good)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

/* One of the two numbers as a DER INTEGER: as short as it can be, and positive. */
static size_t integer_put(uint8_t *out, const uint8_t *number, size_t len)
{
    size_t sign;

    for (; len > 1 && *number == 0; len--)
        number++;
    sign = *number >> 7;
    out[0] = 0x02;
    out[1] = (uint8_t)(len + sign);
    out[2] = 0;
    memcpy(out + 2 + sign, number, len);
    return 2 + sign + len;
}

/* RFC 7518 section 3.4 has r and s side by side; OpenSSL wants a SEQUENCE. Less than 128 bytes. */
static size_t signature_der(uint8_t out[128], const uint8_t *signature, size_t scalar)
{
    size_t len = integer_put(out + 2, signature, scalar);

    len += integer_put(out + 2 + len, signature + scalar, scalar);
    out[0] = 0x30;
    out[1] = (uint8_t)len;
    return 2 + len;
}

bool key_verify_jws(const struct key *key, EVP_PKEY_CTX *ctx, const uint8_t *signature, size_t len,
                    const uint8_t *digest, size_t digest_len)
{
    uint8_t der[128];

    if (key->alg->curve != NULL) {
        if (len != 2 * key->alg->scalar)
            return false;
        len = signature_der(der, signature, key->alg->scalar);
        signature = der;
    }
    if (EVP_PKEY_verify(ctx, signature, len, digest, digest_len) == 1)
        return true;
    ERR_clear_error();
    return false;
}

bool key_verify_note(const struct key *key, const uint8_t *signature, size_t len, const char *text,
                     size_t text_len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    bool good = ctx != NULL &&
                EVP_DigestVerifyInit_ex(ctx, &pctx, "SHA256", NULL, NULL, key->pkey, NULL) == 1;

    if (good && key->alg->curve == NULL)
        good = EVP_PKEY_CTX_set_rsa_padding(pctx, key->alg->padding) == 1;
    if (good && key->alg->padding == RSA_PKCS1_PSS_PADDING)
        good = EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
    good = good && EVP_DigestVerify(ctx, signature, len, (const uint8_t *)text, text_len) == 1;
    EVP_MD_CTX_free(ctx);
    if (!good)
        ERR_clear_error();
    return good;
}
