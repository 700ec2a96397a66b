#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "jwe.h"
#include "jwk.h"

static void start(void)
{
    struct err err;

    cr_assert_eq(heap_start(false, &(bool){false}, &err), RESULT_OK, "%s", err.text);
}

TestSuite(jwe, .init = start);
TestSuite(jwk, .init = start);

/* Encrypts "secret text" under "correct horse". */
static void sealed(struct buf *json)
{
    AUTO_BUF plain = BUF_SECRET(64);
    AUTO_BUF passphrase = BUF_SECRET(64);
    AUTO_JSON *jwe = NULL;
    struct err err;

    buf_puts(&plain, "secret text");
    buf_puts(&passphrase, "correct horse");
    cr_assert_eq(jwe_encrypt(&plain, &passphrase, &jwe, &err), RESULT_OK);
    json_put(json, jwe);
    cr_assert(buf_ok(json));
}

static enum result opened(const char *json, const char *passphrase, struct buf *plain,
                          struct err *err)
{
    struct json_doc doc = {
        .name = "k.json", .text = json, .len = strlen(json), .result = RESULT_KEY};
    AUTO_BUF words = BUF_SECRET(64);
    enum result result;

    buf_puts(&words, passphrase);
    result = json_parse(&doc, JSON_OURS, err);
    if (result == RESULT_OK)
        result = jwe_decrypt(&doc, doc.root, &words, plain, err);
    json_free(&doc);
    return result;
}

Test(jwe, there_and_back)
{
    AUTO_BUF json = BUF_INIT(4096);
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
    struct err err = {0};

    sealed(&json);
    cr_assert_eq(opened(json.data, "correct horse", &plain, &err), RESULT_OK, "%s", err.text);
    cr_assert_str_eq(buf_text(&plain), "secret text");
    cr_assert_not_null(strstr(json.data, "\"p2c\":210000"));
}

Test(jwe, wrong_passphrase)
{
    AUTO_BUF json = BUF_INIT(4096);
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
    struct err err = {0};

    sealed(&json);
    cr_assert_eq(opened(json.data, "correct horsf", &plain, &err), RESULT_KEY);
    cr_assert_str_eq(err.text, "k.json: the passphrase is wrong");
    cr_assert_eq(plain.len, 0);
}

/* Replaces a part of the JSON of the same length or any other. */
static void edit(const struct buf *json, const char *from, const char *to, struct buf *out)
{
    const char *at = strstr(json->data, from);

    cr_assert_not_null(at, "%s is not in %s", from, json->data);
    buf_put(out, json->data, (size_t)(at - json->data));
    buf_puts(out, to);
    buf_puts(out, at + strlen(from));
}

static void edited_fails(const char *from, const char *to, const char *why)
{
    AUTO_BUF json = BUF_INIT(4096);
    AUTO_BUF other = BUF_INIT(4096);
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
    struct err err = {0};

    sealed(&json);
    edit(&json, from, to, &other);
    cr_assert_eq(opened(other.data, "correct horse", &plain, &err), RESULT_KEY, "%s was taken",
                 other.data);
    cr_assert_not_null(strstr(err.text, why), "\"%s\" is not in: %s", why, err.text);
}

Test(jwe, hostile_parameters)
{
    edited_fails("\"p2c\":210000", "\"p2c\":999", "/p2c");
    edited_fails("\"p2c\":210000", "\"p2c\":10000001", "/p2c");
    edited_fails("\"p2c\":210000", "\"p2c\":\"210000\"", "/p2c");
    edited_fails("PBES2-HS512+A256KW", "dir", "the passphrase is wrong");
    edited_fails("\"protected\":\"eyJlbmMiOiJBMjU2R0NNIn0\"", "\"protected\":\"e30\"",
                 "protected is not base64url of {\"enc\":\"A256GCM\"}");
    edited_fails("\"tag\":", "\"aad\":\"AA\",\"tag\":", "aad");
    edited_fails("\"p2s\":", "\"p2s\":\"AA\",\"p2t\":", "p2t");
}

Test(jwe, altered_content)
{
    AUTO_BUF json = BUF_INIT(4096);
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
    struct err err = {0};
    char *at;

    sealed(&json);
    at = strstr(json.data, "\"ciphertext\":\"") + strlen("\"ciphertext\":\"");
    *at = *at == 'A' ? 'B' : 'A';
    cr_assert_eq(opened(json.data, "correct horse", &plain, &err), RESULT_KEY);
    cr_assert_not_null(strstr(err.text, "was altered: its tag does not verify"), "%s", err.text);
    cr_assert_eq(plain.len, 0);
}

/* RFC 7517 appendix A.2: a private key, and its public half. */
#define X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
#define D "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"

static enum result key_from(const char *json, EVP_PKEY **key, struct err *err)
{
    AUTO_BUF text = BUF_SECRET(JWK_MAX);

    buf_puts(&text, json);
    return jwk_get_private("key", &text, key, err);
}

Test(jwk, of_the_rfc)
{
    AUTO_PKEY *key = NULL;
    AUTO_BUF public = BUF_INIT(JWK_MAX);
    AUTO_BUF private = BUF_SECRET(JWK_MAX);
    struct err err = {0};

    cr_assert_eq(key_from("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y
                          "\",\"d\":\"" D "\",\"use\":\"enc\",\"kid\":\"1\"}",
                          &key, &err),
                 RESULT_OK, "%s", err.text);
    cr_assert_str_eq(curve_of(key)->crv, "P-256");
    cr_assert_eq(jwk_put_public(&public, key, &err), RESULT_OK);
    cr_assert_str_eq(buf_text(&public),
                     "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" X "\",\"y\":\"" Y "\"}");
    cr_assert_eq(jwk_put_private(&private, key, &err), RESULT_OK);
    cr_assert_str_eq(buf_text(&private), "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" X
                                         "\",\"y\":\"" Y "\",\"d\":\"" D "\"}");
}

static void key_fails(const char *json, const char *why)
{
    EVP_PKEY *key = NULL;
    struct err err = {0};

    cr_assert_eq(key_from(json, &key, &err), RESULT_KEY, "%s was taken", json);
    cr_assert_null(key);
    cr_assert_not_null(strstr(err.text, why), "\"%s\" is not in: %s", why, err.text);
    cr_assert_null(strstr(err.text, "870MB6"), "%s", err.text);
}

Test(jwk, bad_ones)
{
    key_fails("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" Y "\",\"y\":\"" X "\",\"d\":\"" D "\"}",
              "x, y and d are not a key pair on P-256");
    key_fails("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\",\"d\":\"" X "\"}",
              "x, y and d are not a key pair on P-256");
    key_fails("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\",\"d\":\"870MB6\"}",
              "/d is not base64url of 32 bytes");
    key_fails("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\"}", "d");
    key_fails("870MB6gfuTJ4", "key: not a private JWK (RFC 7517)");
    key_fails("{\"kty\":\"RSA\",\"crv\":\"P-256\"}", "the key is not EC P-256 or P-384");
    key_fails("{\"kty\":\"EC\",\"crv\":\"secp256k1\"}", "the key is not EC P-256 or P-384");
}
