#include <criterion/criterion.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
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

static int64_t iterations;

/* "secret text" for a passphrase, and for what keys there are. */
static void sealed(const char *passphrase, EVP_PKEY *const key[], size_t keys, struct buf *json)
{
    AUTO_BUF plain = BUF_SECRET(64), words = BUF_SECRET(64);
    AUTO_BUF content = BUF_SECRET(CONTENT_KEY_LEN);
    AUTO_JSON *list = cJSON_CreateArray();
    AUTO_JSON *jwe = NULL;
    struct recipient by_words = {.alg = ALG_PASSPHRASE, .passphrase = &words};
    struct err err = {0};

    buf_puts(&plain, "secret text");
    buf_puts(&words, passphrase);
    cr_assert_eq(content_key_make(&content, &err), RESULT_OK);
    for (size_t i = 0; i < keys; i++) {
        AUTO_RECIPIENT to = {0};

        cr_assert_eq(recipient_of(key[i], "pkcs11:token=a", &to, &err), RESULT_OK, "%s", err.text);
        cr_assert_eq(recipient_wrap(&to, &content, list, &err), RESULT_OK, "%s", err.text);
    }
    if (passphrase[0] != '\0')
        cr_assert_eq(recipient_wrap(&by_words, &content, list, &err), RESULT_OK);
    cr_assert_eq(jwe_seal(&plain, &content, list, &jwe, &err), RESULT_OK, "%s", err.text);
    json_put(json, jwe);
    cr_assert(buf_ok(json));
}

static enum result opened_by(const char *json, struct opener *opener, struct buf *plain,
                             struct err *err)
{
    struct json_doc doc = {
        .name = "k.json", .text = json, .len = strlen(json), .result = RESULT_KEY};
    AUTO_BUF key = BUF_SECRET(JWE_KEY_ROOM);
    enum result result = json_parse(&doc, JSON_OURS, err);

    iterations = ITERATIONS_ALL;
    opener->iterations = &iterations;
    if (result == RESULT_OK)
        result = jwe_recover(&doc, doc.root, opener, &key, err);
    if (result == RESULT_OK)
        result = jwe_open(&doc, doc.root, &key, plain, err);
    json_free(&doc);
    return result;
}

static enum result opened(const char *json, const char *passphrase, struct buf *plain,
                          struct err *err)
{
    AUTO_BUF words = BUF_SECRET(64);
    struct opener opener = {.passphrase = &words};

    buf_puts(&words, passphrase);
    return opened_by(json, &opener, plain, err);
}

static enum result opened_with(const char *json, EVP_PKEY *key, struct buf *plain, struct err *err)
{
    AUTO_PRIVATE private = {0};
    struct opener opener;

    cr_assert_eq(EVP_PKEY_up_ref(key), 1);
    cr_assert_eq(private_soft(key, &private, err), RESULT_OK);
    cr_assert_eq(opener_of(&private, &opener, err), RESULT_OK);
    return opened_by(json, &opener, plain, err);
}

Test(jwe, there_and_back)
{
    AUTO_BUF json = BUF_INIT(4096);
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
    struct err err = {0};

    sealed("correct horse", NULL, 0, &json);
    cr_assert_eq(opened(json.data, "correct horse", &plain, &err), RESULT_OK, "%s", err.text);
    cr_assert_str_eq(buf_text(&plain), "secret text");
    cr_assert_not_null(strstr(json.data, "\"p2c\":210000"));
}

Test(jwe, each_recipient_opens_it)
{
    EVP_PKEY *key[] = {EVP_EC_gen("P-256"), EVP_RSA_gen(2048), EVP_EC_gen("P-384"),
                       EVP_EC_gen("P-256")};
    AUTO_BUF json = BUF_INIT(8192);
    struct err err = {0};

    sealed("correct horse", key, 4, &json);
    for (size_t i = 0; i < 5; i++) {
        AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
        enum result result = i < 4 ? opened_with(json.data, key[i], &plain, &err)
                                   : opened(json.data, "correct horse", &plain, &err);

        cr_assert_eq(result, RESULT_OK, "%zu: %s", i, err.text);
        cr_assert_str_eq(buf_text(&plain), "secret text");
    }
    for (size_t i = 0; i < 4; i++)
        EVP_PKEY_free(key[i]);
}

Test(jwe, nobody_else_opens_it)
{
    AUTO_PKEY *key = EVP_EC_gen("P-256");
    AUTO_PKEY *other = EVP_EC_gen("P-256");
    AUTO_PKEY *rsa = EVP_RSA_gen(2048);
    AUTO_BUF json = BUF_INIT(8192);
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
    struct err err = {0};

    sealed("", &key, 1, &json);
    cr_assert_eq(opened_with(json.data, other, &plain, &err), RESULT_KEY);
    cr_assert_not_null(strstr(err.text, "it is not encrypted to key "), "%s", err.text);
    cr_assert_eq(opened_with(json.data, rsa, &plain, &err), RESULT_KEY);
    cr_assert_not_null(strstr(err.text, "it is not encrypted to key "), "%s", err.text);
    cr_assert_eq(opened(json.data, "correct horse", &plain, &err), RESULT_KEY);
    cr_assert_str_eq(err.text, "k.json: it is not encrypted to a passphrase");
    cr_assert_eq(plain.len, 0);
}

Test(jwe, weak_keys_are_no_recipients)
{
    AUTO_PKEY *small = EVP_RSA_gen(1024);
    AUTO_PKEY *other = EVP_EC_gen("secp256k1");
    AUTO_RECIPIENT to = {0};
    struct err err = {0};

    cr_assert_eq(recipient_of(small, "", &to, &err), RESULT_KEY);
    cr_assert_str_eq(err.text, "the RSA key has 1024 bits: take one of 2048 to 4096");
    cr_assert_eq(recipient_of(other, "", &to, &err), RESULT_KEY);
    cr_assert_not_null(strstr(err.text, "EC P-256 or P-384"), "%s", err.text);
}

Test(jwe, wrong_passphrase)
{
    AUTO_BUF json = BUF_INIT(4096);
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
    struct err err = {0};

    sealed("correct horse", NULL, 0, &json);
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

    sealed("correct horse", NULL, 0, &json);
    edit(&json, from, to, &other);
    cr_assert_eq(opened(other.data, "correct horse", &plain, &err), RESULT_KEY, "%s was taken",
                 other.data);
    cr_assert_not_null(strstr(err.text, why), "\"%s\" is not in: %s", why, err.text);
}

Test(jwe, hostile_parameters)
{
    edited_fails("\"p2c\":210000", "\"p2c\":999", "/recipients/0/header/p2c");
    edited_fails("\"p2c\":210000", "\"p2c\":10000001", "/recipients/0/header/p2c");
    edited_fails("\"p2c\":210000", "\"p2c\":2147483648", "/recipients/0/header/p2c");
    edited_fails("\"p2c\":210000", "\"p2c\":\"210000\"", "/recipients/0/header/p2c");
    edited_fails("PBES2-HS512+A256KW", "dir", "it is not encrypted to a passphrase");
    edited_fails("\"alg\":\"PBES2-HS512+A256KW\",", "", "none of its headers has an alg");
    edited_fails("\"protected\":\"eyJlbmMiOiJBMjU2R0NNIn0\"", "\"protected\":\"e30\"", "enc");
    /* {"enc":"A128GCM"}, {"enc":"A256GCM","crit":["x"]} */
    edited_fails("eyJlbmMiOiJBMjU2R0NNIn0", "eyJlbmMiOiJBMTI4R0NNIn0",
                 "k.json: protected header:1:8: /enc: must be A256GCM");
    edited_fails("eyJlbmMiOiJBMjU2R0NNIn0", "eyJlbmMiOiJBMjU2R0NNIiwiY3JpdCI6WyJ4Il19", "crit");
    edited_fails("\"tag\":", "\"aad\":\"AA\",\"tag\":", "aad");
    edited_fails("\"p2s\":", "\"p2s\":\"AA\",\"p2t\":", "p2t");
    edited_fails("\"tag\":", "\"unprotected\":{\"p2c\":210000},\"tag\":",
                 "/recipients/0: p2c stands in more than one of its headers");
    edited_fails("\"tag\":", "\"unprotected\":{\"zip\":\"DEF\"},\"tag\":", "zip");
    edited_fails("\"encrypted_key\":\"", "\"encrypted_key\":\"A",
                 "/recipients/0/encrypted_key: is not base64url of 40 to 40 bytes");
}

/* Many recipients of few iterations are as bad as one of many. */
Test(jwe, iterations_of_all_recipients_are_bounded)
{
    AUTO_BUF json = BUF_INIT(8192);
    AUTO_BUF words = BUF_SECRET(64);
    AUTO_BUF key = BUF_SECRET(JWE_KEY_ROOM);
    struct opener opener = {.passphrase = &words, .iterations = &iterations};
    struct json_doc doc = {.name = "k.json", .result = RESULT_KEY};
    struct err err = {0};

    sealed("correct horse", NULL, 0, &json);
    buf_puts(&words, "wrong");
    doc.text = json.data;
    doc.len = json.len;
    cr_assert_eq(json_parse(&doc, JSON_OURS, &err), RESULT_OK);
    iterations = 3 * 210000 - 1;
    for (int i = 0; i < 2; i++)
        cr_assert_eq(jwe_recover(&doc, doc.root, &opener, &key, &err), RESULT_KEY);
    cr_assert_str_eq(err.text, "k.json: the passphrase is wrong");
    cr_assert_eq(jwe_recover(&doc, doc.root, &opener, &key, &err), RESULT_KEY);
    cr_assert_not_null(strstr(err.text, "/recipients/0/header/p2c: with what was spent before"),
                       "%s", err.text);
    json_free(&doc);
}

Test(jwe, nine_recipients)
{
    EVP_PKEY *key[9];
    AUTO_BUF json = BUF_INIT(16384);
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
    struct err err = {0};

    for (size_t i = 0; i < 9; i++)
        key[i] = EVP_EC_gen("P-256");
    sealed("", key, 9, &json);
    cr_assert_eq(opened_with(json.data, key[0], &plain, &err), RESULT_KEY);
    cr_assert_not_null(strstr(err.text, "/recipients"), "%s", err.text);
    for (size_t i = 0; i < 9; i++)
        EVP_PKEY_free(key[i]);
}

#define EPK "\"epk\":{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\""

/* Puts something in place of the ephemeral key, which an attacker would choose. */
static void epk_fails(const char *epk, const char *why)
{
    AUTO_PKEY *key = EVP_EC_gen("P-256");
    AUTO_BUF json = BUF_INIT(8192), other = BUF_INIT(8192);
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
    struct err err = {0};
    const char *at, *end;

    sealed("", &key, 1, &json);
    at = strstr(json.data, EPK);
    cr_assert_not_null(at);
    end = strchr(at, '}');
    buf_put(&other, json.data, (size_t)(at - json.data));
    buf_printf(&other, "\"epk\":%s%s", epk, end + 1);
    cr_assert_eq(opened_with(other.data, key, &plain, &err), RESULT_KEY, "%s was taken",
                 other.data);
    cr_assert_not_null(strstr(err.text, why), "\"%s\" is not in: %s", why, err.text);
}

Test(jwe, altered_content)
{
    AUTO_BUF json = BUF_INIT(4096);
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
    struct err err = {0};
    char *at;

    sealed("correct horse", NULL, 0, &json);
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
    AUTO_BUF text = BUF_SECRET(JWK_PRIVATE_MAX);

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
    key_fails("{\"kty\":\"RSA\",\"crv\":\"P-256\"}", "\"n\"");
    key_fails("{\"kty\":\"EC\",\"crv\":\"secp256k1\"}",
              "the key is neither EC P-256 or P-384, nor RSA");
    key_fails("{\"kty\":\"oct\",\"crv\":\"P-256\"}",
              "the key is neither EC P-256 or P-384, nor RSA");
}

/* The text with the value of one member taken from another text, whose value may be of another
 * length: a number has as few bytes as it needs. */
static void value_mix(const char *text, const char *member, const char *from, struct buf *out)
{
    const char *ours = strstr(text, member), *theirs = strstr(from, member);

    cr_assert(ours != NULL && theirs != NULL, "%s", member);
    ours += strlen(member);
    theirs += strlen(member);
    buf_put(out, text, (size_t)(ours - text));
    buf_put(out, theirs, strcspn(theirs, "\""));
    buf_puts(out, ours + strcspn(ours, "\""));
}

/* What is written is read back as the same key; a number of another key makes none. */
Test(jwk, private_rsa)
{
    static const char *const members[] = {"\"n\":\"", "\"d\":\"", "\"p\":\"", "\"dq\":\""};
    AUTO_PKEY *rsa = EVP_RSA_gen(2048);
    AUTO_PKEY *other = EVP_RSA_gen(2048);
    AUTO_PKEY *again = NULL;
    AUTO_BUF json = BUF_SECRET(JWK_PRIVATE_MAX), foreign = BUF_SECRET(JWK_PRIVATE_MAX);
    struct err err = {0};

    cr_assert_eq(jwk_put_private(&json, rsa, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(jwk_put_private(&foreign, other, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(key_from(buf_text(&json), &again, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(EVP_PKEY_eq(rsa, again), 1);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        AUTO_BUF mixed = BUF_SECRET(JWK_PRIVATE_MAX);

        value_mix(buf_text(&json), members[i], buf_text(&foreign), &mixed);
        key_fails(buf_text(&mixed), "the numbers are not an RSA key pair");
    }
}

/* X and Y are a point on P-256; with another y, or on another curve, they are not. */
#define POINT(crv, x, y) "{\"kty\":\"EC\",\"crv\":\"" crv "\",\"x\":\"" x "\",\"y\":\"" y "\"}"
#define ZERO             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

Test(jwe, ephemeral_keys_that_are_none)
{
    static const char at[] = "/recipients/0/header/epk: x and y are not a point on P-256";

    epk_fails(POINT("P-256", X, X), at);
    epk_fails(POINT("P-256", ZERO, ZERO), at);
    epk_fails(POINT("P-256", "AA", "AA"), at);
    epk_fails(POINT("P-384", X, Y), "x and y are not a point on P-384");
    epk_fails(POINT("secp256k1", X, Y), "the curve is neither P-256 nor P-384");
    epk_fails("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" X "\"}",
              "the key is neither EC nor RSA");
    epk_fails("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\",\"d\":\"" D "\"}",
              "/epk/d");
    epk_fails("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "/epk/n");
    epk_fails("\"AA\"", "/epk: must be an object");
    epk_fails("{}", "kty");
    /* A good point, but not the one that was agreed with. */
    epk_fails(POINT("P-256", X, Y), "what is wrapped for it does not open by key ");
}
