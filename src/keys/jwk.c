#include "jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/param_build.h>
#include <string.h>

#include "heap.h"

#define COORDINATE_MAX 48

static const struct curve curves[] = {
    {"prime256v1", "P-256", 32},
    {"secp384r1", "P-384", 48},
};

void pkey_free(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
    *key = NULL;
}

const struct curve *curve_of(const EVP_PKEY *key)
{
    char group[64];
    size_t len;

    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
        EVP_PKEY_get_group_name(key, group, sizeof group, &len) != 1)
        return NULL;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (strcmp(curves[i].group, group) == 0)
            return &curves[i];
    return NULL;
}

const struct curve *curve_named(const char *crv)
{
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (strcmp(curves[i].crv, crv) == 0)
            return &curves[i];
    return NULL;
}

static enum result number_put(struct buf *out, const EVP_PKEY *key, const char *param, size_t size,
                              struct err *err)
{
    unsigned char bytes[COORDINATE_MAX];
    BIGNUM *number = BN_secure_new();
    bool good = number != NULL && EVP_PKEY_get_bn_param(key, param, &number) == 1 &&
                BN_bn2binpad(number, bytes, (int)size) == (int)size;

    BN_clear_free(number);
    if (good)
        base64url_put(out, bytes, size);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return good ? RESULT_OK : err_set(err, RESULT_INTERNAL, "cannot read a key's numbers");
}

/* As short as it can be (RFC 7518 section 6.3.1). */
static bool integer_put(struct buf *out, const EVP_PKEY *key, const char *param)
{
    unsigned char bytes[512]; /* RSA 4096 */
    BIGNUM *number = NULL;
    bool good = EVP_PKEY_get_bn_param(key, param, &number) == 1 &&
                (size_t)BN_num_bytes(number) <= sizeof bytes;

    if (good)
        base64url_put(out, bytes, (size_t)BN_bn2bin(number, bytes));
    BN_free(number);
    return good;
}

static enum result rsa_put_public(struct buf *out, const EVP_PKEY *key, struct err *err)
{
    bool good;

    buf_puts(out, "{\"e\":\"");
    good = integer_put(out, key, OSSL_PKEY_PARAM_RSA_E);
    buf_puts(out, "\",\"kty\":\"RSA\",\"n\":\"");
    good = good && integer_put(out, key, OSSL_PKEY_PARAM_RSA_N);
    buf_puts(out, "\"}");
    return good ? buf_check(out, "public key", err)
                : err_set(err, RESULT_KEY, "cannot read a key's numbers");
}

static enum result public_members(struct buf *out, const EVP_PKEY *key, struct err *err)
{
    const struct curve *curve = curve_of(key);

    if (curve == NULL)
        return err_set(err, RESULT_KEY, "the key is not EC P-256 or P-384");
    buf_printf(out, "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"", curve->crv);
    if (number_put(out, key, OSSL_PKEY_PARAM_EC_PUB_X, curve->size, err) != RESULT_OK)
        return err->result;
    buf_puts(out, "\",\"y\":\"");
    if (number_put(out, key, OSSL_PKEY_PARAM_EC_PUB_Y, curve->size, err) != RESULT_OK)
        return err->result;
    buf_putc(out, '"');
    return RESULT_OK;
}

enum result jwk_put_public(struct buf *out, const EVP_PKEY *key, struct err *err)
{
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        return rsa_put_public(out, key, err);
    if (public_members(out, key, err) != RESULT_OK)
        return err->result;
    buf_putc(out, '}');
    return buf_check(out, "public key", err);
}

enum result jwk_thumbprint(const EVP_PKEY *key, char out[THUMBPRINT_LEN + 1], struct err *err)
{
    AUTO_BUF jwk = BUF_INIT(JWK_MAX);
    AUTO_BUF text = BUF_INIT(THUMBPRINT_LEN);
    uint8_t digest[SHA256_LEN];

    if (jwk_put_public(&jwk, key, err) != RESULT_OK)
        return err->result;
    sha256(jwk.data, jwk.len, digest);
    base64url_put(&text, digest, sizeof digest);
    memcpy(out, buf_text(&text), THUMBPRINT_LEN + 1);
    return RESULT_OK;
}

enum result jwk_put_private(struct buf *out, const EVP_PKEY *key, struct err *err)
{
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        return jwk_rsa_put_private(out, key, err);
    if (public_members(out, key, err) != RESULT_OK)
        return err->result;
    buf_puts(out, ",\"d\":\"");
    if (number_put(out, key, OSSL_PKEY_PARAM_PRIV_KEY, curve_of(key)->size, err) != RESULT_OK)
        return err->result;
    buf_puts(out, "\"}");
    return buf_check(out, "private key", err);
}

static enum result coordinate_get(const struct json_doc *doc, const char *member, size_t size,
                                  unsigned char *bytes, struct err *err)
{
    const char *text;
    AUTO_BUF decoded = BUF_SECRET(COORDINATE_MAX);

    if (json_string(doc, doc->root, member, 2 * COORDINATE_MAX, &text, err) != RESULT_OK)
        return err->result;
    if (!base64url_get(text, strlen(text), &decoded) || decoded.len != size)
        return err_set(err, RESULT_KEY, "%s: /%s is not base64url of %zu bytes", doc->name, member,
                       size);
    memcpy(bytes, decoded.data, size);
    return RESULT_OK;
}

static EVP_PKEY *key_build(const char *group, const unsigned char *point, size_t point_len,
                           const BIGNUM *secret)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (build != NULL && context != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, point_len) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1 &&
        (params = OSSL_PARAM_BLD_to_param(build)) != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(context);
    return key;
}

bool pkey_consistent(EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool good = context != NULL && EVP_PKEY_check(context) == 1;

    EVP_PKEY_CTX_free(context);
    return good;
}

static enum result numbers_get(const struct json_doc *doc, const struct curve *curve,
                               EVP_PKEY **out, struct err *err)
{
    unsigned char point[1 + 2 * COORDINATE_MAX] = {4}, secret[COORDINATE_MAX];
    BIGNUM *number = NULL;

    if (coordinate_get(doc, "x", curve->size, point + 1, err) != RESULT_OK ||
        coordinate_get(doc, "y", curve->size, point + 1 + curve->size, err) != RESULT_OK ||
        coordinate_get(doc, "d", curve->size, secret, err) != RESULT_OK)
        return err->result;
    number = BN_secure_new();
    if (number != NULL && BN_bin2bn(secret, (int)curve->size, number) != NULL)
        *out = key_build(curve->group, point, 1 + 2 * curve->size, number);
    OPENSSL_cleanse(secret, sizeof secret);
    BN_clear_free(number);
    if (*out != NULL && pkey_consistent(*out))
        return RESULT_OK;
    pkey_free(out);
    return err_set(err, RESULT_KEY, "%s: x, y and d are not a key pair on %s", doc->name,
                   curve->crv);
}

static enum result private_get(const struct json_doc *doc, EVP_PKEY **out, struct err *err)
{
    const char *kty = "", *crv = "";

    if (json_string(doc, doc->root, "kty", 16, &kty, err) != RESULT_OK)
        return err->result;
    if (strcmp(kty, "RSA") == 0)
        return jwk_rsa_get_private(doc, out, err);
    if (json_string(doc, doc->root, "crv", 16, &crv, err) != RESULT_OK)
        return err->result;
    if (strcmp(kty, "EC") == 0 && curve_named(crv) != NULL)
        return numbers_get(doc, curve_named(crv), out, err);
    return err_set(err, RESULT_KEY, "%s: the key is neither EC P-256 or P-384, nor RSA", doc->name);
}

enum result jwk_get_private(const char *name, const struct buf *text, EVP_PKEY **out,
                            struct err *err)
{
    struct json_doc doc = {
        .name = name, .text = buf_text(text), .len = text->len, .result = RESULT_KEY};
    enum result result;

    *out = NULL;
    heap_secret_json(true);
    /* Not the parser's own text: it may quote what it stumbled over. */
    if (json_parse(&doc, JSON_OURS, err) != RESULT_OK)
        result = err_set(err, RESULT_KEY, "%s: not a private JWK (RFC 7517)", name);
    else
        result = private_get(&doc, out, err);
    json_free(&doc);
    heap_secret_json(false);
    return result;
}
