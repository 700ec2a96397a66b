/* Private RSA keys as JWK: all the numbers of RFC 7518 section 6.3.2, but for more primes. */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#include "jwk.h"

#define NUMBER_MAX 512 /* bytes: RSA 4096 */

static const struct {
    const char *member, *param;
} numbers[] = {
    {"n", OSSL_PKEY_PARAM_RSA_N},          {"e", OSSL_PKEY_PARAM_RSA_E},
    {"d", OSSL_PKEY_PARAM_RSA_D},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
    {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};
#define NUMBERS (sizeof numbers / sizeof *numbers)

static bool number_put(struct buf *out, const EVP_PKEY *key, const char *param)
{
    unsigned char bytes[NUMBER_MAX];
    BIGNUM *number = BN_secure_new();
    bool good = number != NULL && EVP_PKEY_get_bn_param(key, param, &number) == 1 &&
                (size_t)BN_num_bytes(number) <= sizeof bytes;

    if (good)
        base64url_put(out, bytes, (size_t)BN_bn2bin(number, bytes));
    OPENSSL_cleanse(bytes, sizeof bytes);
    BN_clear_free(number);
    return good;
}

enum result jwk_rsa_put_private(struct buf *out, const EVP_PKEY *key, struct err *err)
{
    buf_puts(out, "{\"kty\":\"RSA\"");
    for (size_t i = 0; i < NUMBERS; i++) {
        buf_printf(out, ",\"%s\":\"", numbers[i].member);
        if (!number_put(out, key, numbers[i].param))
            return err_set(err, RESULT_INTERNAL, "cannot read a key's numbers");
        buf_putc(out, '"');
    }
    buf_putc(out, '}');
    return buf_check(out, "private key", err);
}

static enum result number_get(const struct json_doc *doc, const char *member, BIGNUM *number,
                              struct err *err)
{
    AUTO_BUF bytes = BUF_SECRET(NUMBER_MAX);
    const char *text;

    if (json_string(doc, doc->root, member, 2 * NUMBER_MAX, &text, err) != RESULT_OK)
        return err->result;
    if (base64url_get(text, strlen(text), &bytes) && bytes.len > 0 &&
        BN_bin2bn((const unsigned char *)bytes.data, (int)bytes.len, number) != NULL)
        return RESULT_OK;
    return err_set(err, RESULT_KEY, "%s: /%s is not base64url of a number", doc->name, member);
}

/* The numbers stay the caller's, and must outlive the builder. */
static enum result numbers_get(const struct json_doc *doc, OSSL_PARAM_BLD *build,
                               BIGNUM *number[NUMBERS], struct err *err)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        number[i] = BN_secure_new();
        if (number[i] == NULL)
            return err_set(err, RESULT_INTERNAL, "no memory");
        if (number_get(doc, numbers[i].member, number[i], err) != RESULT_OK)
            return err->result;
        if (OSSL_PARAM_BLD_push_BN(build, numbers[i].param, number[i]) != 1)
            return err_set(err, RESULT_INTERNAL, "no memory");
    }
    return RESULT_OK;
}

static EVP_PKEY *key_build(OSSL_PARAM_BLD *build)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY *key = NULL;

    if (context == NULL || params == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(context);
    if (key != NULL && !pkey_consistent(key))
        pkey_free(&key);
    ERR_clear_error();
    return key;
}

enum result jwk_rsa_get_private(const struct json_doc *doc, EVP_PKEY **out, struct err *err)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *number[NUMBERS] = {NULL};
    enum result result = build != NULL ? numbers_get(doc, build, number, err)
                                       : err_set(err, RESULT_INTERNAL, "no memory");

    if (result == RESULT_OK) {
        *out = key_build(build);
        if (*out == NULL)
            result = err_set(err, RESULT_KEY, "%s: the numbers are not an RSA key pair", doc->name);
    }
    OSSL_PARAM_BLD_free(build);
    for (size_t i = 0; i < NUMBERS; i++)
        BN_clear_free(number[i]);
    return result;
}
