#include <openssl/bn.h>
#include <openssl/err.h>
#include <string.h>

#include "header.h"
#include "jwk.h"

#define COORDINATE_MAX 48
#define MODULUS_MIN    256
#define MODULUS_MAX    512

/* On the curve, and not infinity: with another point, agreeing would tell of the private key. */
static bool point_valid(EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool good = context != NULL && EVP_PKEY_public_check(context) == 1;

    EVP_PKEY_CTX_free(context);
    return good;
}

EVP_PKEY *pkey_ec_public(const struct curve *curve, const struct buf *point)
{
    EVP_PKEY *key = pkey_of_point(curve->group, point->data, point->len);

    if (key != NULL && !point_valid(key))
        pkey_free(&key);
    ERR_clear_error();
    return key;
}

static enum result ec_get(const struct json_doc *doc, const cJSON *node, EVP_PKEY **out,
                          struct err *err)
{
    static const char *const known[] = {"kty", "crv", "x", "y", NULL};
    AUTO_BUF x = BUF_INIT(COORDINATE_MAX), y = BUF_INIT(COORDINATE_MAX);
    AUTO_BUF point = BUF_INIT(1 + 2 * COORDINATE_MAX);
    const struct curve *curve;
    const char *crv;

    if (json_object(doc, node, known, err) != RESULT_OK ||
        json_string(doc, node, "crv", 16, &crv, err) != RESULT_OK ||
        bytes_get(doc, node, "x", 1, &x, err) != RESULT_OK ||
        bytes_get(doc, node, "y", 1, &y, err) != RESULT_OK)
        return err->result;
    curve = curve_named(crv);
    if (curve == NULL)
        return json_fail(doc, node, err, "the curve is neither P-256 nor P-384");
    buf_putc(&point, 4);
    buf_put(&point, x.data, x.len);
    buf_put(&point, y.data, y.len);
    if (x.len == curve->size && y.len == curve->size)
        *out = pkey_ec_public(curve, &point);
    return *out != NULL ? RESULT_OK
                        : json_fail(doc, node, err, "x and y are not a point on %s", curve->crv);
}

/* An even modulus, or an exponent that is even or 1, is that of no RSA key. */
static bool numbers_valid(const struct buf *n, const struct buf *e)
{
    BIGNUM *modulus = BN_bin2bn((const unsigned char *)n->data, (int)n->len, NULL);
    BIGNUM *exponent = BN_bin2bn((const unsigned char *)e->data, (int)e->len, NULL);
    bool good = modulus != NULL && exponent != NULL && BN_is_odd(modulus) && BN_is_odd(exponent) &&
                !BN_is_one(exponent);

    BN_free(modulus);
    BN_free(exponent);
    return good;
}

EVP_PKEY *pkey_rsa_public(const struct buf *n, const struct buf *e)
{
    return numbers_valid(n, e) ? pkey_of_modulus(n->data, n->len, e->data, e->len) : NULL;
}

static enum result rsa_get(const struct json_doc *doc, const cJSON *node, EVP_PKEY **out,
                           struct err *err)
{
    static const char *const known[] = {"kty", "n", "e", NULL};
    AUTO_BUF n = BUF_INIT(MODULUS_MAX), e = BUF_INIT(4);

    if (json_object(doc, node, known, err) != RESULT_OK ||
        bytes_get(doc, node, "n", MODULUS_MIN, &n, err) != RESULT_OK ||
        bytes_get(doc, node, "e", 1, &e, err) != RESULT_OK)
        return err->result;
    if ((n.data[0] & 0x80) != 0)
        *out = pkey_rsa_public(&n, &e);
    return *out != NULL ? RESULT_OK : json_fail(doc, node, err, "n and e are not an RSA key");
}

enum result jwk_get_public(const struct json_doc *doc, const cJSON *node, EVP_PKEY **out,
                           struct err *err)
{
    const char *kty;

    *out = NULL;
    if (!cJSON_IsObject(node))
        return json_fail(doc, node, err, "must be an object: a public JWK (RFC 7517)");
    if (json_string(doc, node, "kty", 16, &kty, err) != RESULT_OK)
        return err->result;
    if (strcmp(kty, "EC") == 0)
        return ec_get(doc, node, out, err);
    if (strcmp(kty, "RSA") == 0)
        return rsa_get(doc, node, out, err);
    return json_fail(doc, node, err, "the key is neither EC nor RSA");
}

enum result jwk_tree(const EVP_PKEY *key, cJSON **out, struct err *err)
{
    AUTO_BUF text = BUF_INIT(JWK_MAX);
    struct json_doc doc = {.name = "public key", .result = RESULT_INTERNAL};

    if (jwk_put_public(&text, key, err) != RESULT_OK)
        return err->result;
    doc.text = text.data;
    doc.len = text.len;
    if (json_parse(&doc, JSON_OURS, err) != RESULT_OK)
        return err->result;
    *out = doc.root;
    return RESULT_OK;
}
