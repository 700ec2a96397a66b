#include "helper_witness.h"

#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void test_witness_make(struct test_witness *witness, const char *name)
{
    AUTO_BUF bytes = BUF_INIT(1024), vkey = BUF_INIT(sizeof witness->vkey - 1);
    uint8_t key[33] = {4}, digest[SHA256_LEN];
    size_t len = 32;
    struct err err = {0};

    witness->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    cr_assert_eq(EVP_PKEY_get_raw_public_key(witness->pkey, key + 1, &len), 1);
    buf_printf(&bytes, "%s\n", name);
    buf_put(&bytes, key, sizeof key);
    sha256(bytes.data, bytes.len, digest);
    buf_printf(&vkey, "%s+", name);
    hex_put(&vkey, digest, 4);
    buf_putc(&vkey, '+');
    base64_put(&vkey, key, sizeof key);
    memcpy(witness->vkey, vkey.data, vkey.len + 1);
    cr_assert_eq(witness_parse(witness->vkey, &witness->witness, &err), RESULT_OK, "%s", err.text);
}

void test_witness_free(struct test_witness *witness)
{
    EVP_PKEY_free(witness->pkey);
}

void test_cosign(const struct test_witness *witness, const char *text, size_t len, int64_t seconds,
                 struct buf *lines)
{
    AUTO_BUF message = BUF_INIT(64 * 1024), signature = BUF_INIT(128);
    uint8_t bytes[64];
    size_t size = sizeof bytes;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    buf_printf(&message, "cosignature/v1\ntime %lld\n", (long long)seconds);
    buf_put(&message, text, len);
    cr_assert_eq(EVP_DigestSignInit(ctx, NULL, NULL, NULL, witness->pkey), 1);
    cr_assert_eq(EVP_DigestSign(ctx, bytes, &size, (uint8_t *)message.data, message.len), 1);
    EVP_MD_CTX_free(ctx);
    buf_put(&signature, witness->witness.id, 4);
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_putc(&signature, (char)(seconds >> shift));
    buf_put(&signature, bytes, sizeof bytes);
    buf_printf(lines, "\xE2\x80\x94 %s ", witness->witness.name);
    base64_put(lines, signature.data, signature.len);
    buf_putc(lines, '\n');
}

static void extension_add(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    cr_assert_not_null(extension, "%s", value);
    cr_assert_eq(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *certificate_make(const char *name, EVP_PKEY *key, X509 *issuer, long from, long to,
                              const char *usage)
{
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);

    cr_assert_eq(X509_set_version(cert, X509_VERSION_3), 1);
    cr_assert_eq(ASN1_INTEGER_set(X509_get_serialNumber(cert), issuer != NULL ? 2 : 1), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), from);
    X509_gmtime_adj(X509_getm_notAfter(cert), to);
    cr_assert_eq(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                            (const unsigned char *)name, -1, -1, 0),
                 1);
    cr_assert_eq(
        X509_set_issuer_name(cert, issuer != NULL ? X509_get_subject_name(issuer) : subject), 1);
    cr_assert_eq(X509_set_pubkey(cert, key), 1);
    if (issuer == NULL)
        extension_add(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
    else if (usage != NULL)
        extension_add(cert, issuer, NID_ext_key_usage, usage);
    return cert;
}

void test_tsa_make(struct test_tsa *tsa, long from, long to, const char *usage)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    *tsa = (struct test_tsa){.pem = BUF_INIT(4096)};
    tsa->root_key = EVP_EC_gen("P-256");
    tsa->key = EVP_EC_gen("P-256");
    tsa->root = certificate_make("Stamp Root", tsa->root_key, NULL, -900000, 900000, NULL);
    tsa->cert = certificate_make("Stamp", tsa->key, tsa->root, from, to, usage);
    cr_assert_gt(X509_sign(tsa->root, tsa->root_key, EVP_sha256()), 0);
    cr_assert_gt(X509_sign(tsa->cert, tsa->root_key, EVP_sha256()), 0);
    cr_assert_eq(PEM_write_bio_X509(bio, tsa->root), 1);
    len = BIO_get_mem_data(bio, &text);
    buf_put(&tsa->pem, text, (size_t)len);
    BIO_free(bio);
}

void test_tsa_free(struct test_tsa *tsa)
{
    X509_free(tsa->root);
    X509_free(tsa->cert);
    EVP_PKEY_free(tsa->root_key);
    EVP_PKEY_free(tsa->key);
    buf_free(&tsa->pem);
}

static ASN1_INTEGER *serial_give(TS_RESP_CTX *ctx, void *data)
{
    ASN1_INTEGER *serial = ASN1_INTEGER_new();

    (void)ctx;
    (void)data;
    cr_assert_eq(ASN1_INTEGER_set(serial, 7), 1);
    return serial;
}

static int time_give(TS_RESP_CTX *ctx, void *data, long *seconds, long *microseconds)
{
    const struct test_tsa *tsa = data;

    (void)ctx;
    *seconds = tsa->time != 0 ? tsa->time : time(NULL);
    *microseconds = 0;
    return 1;
}

void test_stamp(struct test_tsa *tsa, const struct buf *query, struct buf *response)
{
    TS_RESP_CTX *ctx = TS_RESP_CTX_new();
    BIO *bio = BIO_new_mem_buf(query->data, (int)query->len);
    ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4.1", 1);
    unsigned char *der = NULL;
    TS_RESP *made;
    int len;

    /* Without the right usage OpenSSL itself would not stamp. */
    cr_assert_eq(TS_RESP_CTX_set_signer_key(ctx, tsa->key), 1);
    cr_assert_eq(TS_RESP_CTX_set_signer_cert(ctx, tsa->cert), 1);
    cr_assert_eq(TS_RESP_CTX_set_def_policy(ctx, policy), 1);
    cr_assert_eq(TS_RESP_CTX_add_md(ctx, EVP_sha256()), 1);
    cr_assert_eq(TS_RESP_CTX_set_signer_digest(ctx, EVP_sha256()), 1);
    TS_RESP_CTX_set_serial_cb(ctx, serial_give, tsa);
    TS_RESP_CTX_set_time_cb(ctx, time_give, tsa);
    made = TS_RESP_create_response(ctx, bio);
    cr_assert_not_null(made);
    len = i2d_TS_RESP(made, &der);
    cr_assert_gt(len, 0);
    buf_reset(response);
    buf_put(response, der, (size_t)len);
    OPENSSL_free(der);
    TS_RESP_free(made);
    ASN1_OBJECT_free(policy);
    BIO_free(bio);
    TS_RESP_CTX_free(ctx);
}
