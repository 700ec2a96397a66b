#include "helper_verify.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "helper_keys.h"

/* JOSE's r || s as OpenSSL has it. */
static size_t der_put(const unsigned char *raw, size_t len, unsigned char *out)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    int half = (int)len / 2, got;

    cr_assert_eq(
        ECDSA_SIG_set0(signature, BN_bin2bn(raw, half, NULL), BN_bin2bn(raw + half, half, NULL)),
        1);
    got = i2d_ECDSA_SIG(signature, &out);
    ECDSA_SIG_free(signature);
    return (size_t)got;
}

static bool verifies(const struct buf *spki, const char *alg, const char *digest, const void *text,
                     size_t len, const unsigned char *signature, size_t signature_len)
{
    const unsigned char *at = (const unsigned char *)spki->data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki->len);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how = NULL;
    bool good = key != NULL && context != NULL &&
                EVP_DigestVerifyInit(context, &how, EVP_get_digestbyname(digest), NULL, key) == 1;

    if (good && strcmp(alg, "PS256") == 0)
        good = EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(how, 32) == 1;
    good = good && EVP_DigestVerify(context, signature, signature_len, text, len) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return good;
}

static bool raw_verifies(const struct buf *spki, const char *alg, const struct buf *input,
                         const struct buf *raw)
{
    const char *digest = strcmp(alg, "ES384") == 0 ? "SHA384" : "SHA256";
    const unsigned char *signature = (const unsigned char *)raw->data;
    unsigned char der[128];
    size_t len = raw->len;

    if (alg[0] == 'E') {
        cr_assert_eq(raw->len, strcmp(alg, "ES384") == 0 ? 96 : 64);
        len = der_put(signature, raw->len, der);
        signature = der;
    }
    return verifies(spki, alg, digest, input->data, input->len, signature, len);
}

/* The members, in the one form that a line has. */
static const char *part_take(const char **at, const char *before, struct buf *out)
{
    size_t len;

    cr_assert_eq(strncmp(*at, before, strlen(before)), 0, "no %s at %s", before, *at);
    *at += strlen(before);
    len = strcspn(*at, "\"");
    buf_put(out, *at, len);
    *at += len;
    return buf_text(out);
}

void line_verify(const char *line, const struct buf *spki, struct buf *header, struct buf *payload)
{
    AUTO_BUF body = BUF_INIT(65536);
    AUTO_BUF protected = BUF_INIT(1024);
    AUTO_BUF signature = BUF_INIT(1024);
    AUTO_BUF raw = BUF_INIT(512);
    char alg[6] = "";
    AUTO_BUF input = BUF_INIT(70000);

    part_take(&line, "{\"payload\":\"", &body);
    part_take(&line, "\",\"protected\":\"", &protected);
    part_take(&line, "\",\"signature\":\"", &signature);
    cr_assert_str_eq(line, "\"}");
    cr_assert(base64url_get(signature.data, signature.len, &raw));
    buf_printf(&input, "%s.%s", protected.data, body.data);
    cr_assert(base64url_get(protected.data, protected.len, header));
    cr_assert_eq(strncmp(header->data, "{\"alg\":\"", 8), 0);
    memcpy(alg, header->data + 8, 5);
    cr_assert(raw_verifies(spki, alg, &input, &raw));
    input.data[input.len - 1] ^= 1;
    cr_assert(!raw_verifies(spki, alg, &input, &raw));
    cr_assert(base64url_get(body.data, body.len, payload));
}

void signature_verify(const char *signature, const struct buf *spki, const char *text,
                      const char *alg)
{
    AUTO_BUF raw = BUF_INIT(512);
    AUTO_BUF input = BUF_INIT(2048);

    cr_assert(base64url_get(signature, strlen(signature), &raw));
    buf_puts(&input, text);
    cr_assert(raw_verifies(spki, alg, &input, &raw));
    input.data[input.len - 2] ^= 1;
    cr_assert(!raw_verifies(spki, alg, &input, &raw));
}

void note_verify(const char *note, const struct buf *spki, const char *text, const char *alg)
{
    static const char dash[] = "\n\xe2\x80\x94 " ORIGIN " ";
    AUTO_BUF signature = BUF_INIT(1024);
    uint8_t digest[SHA256_LEN];
    const char *at = note + strlen(text);
    size_t len;

    cr_assert_eq(strncmp(note, text, strlen(text)), 0, "%s", note);
    cr_assert_eq(strncmp(at, dash, sizeof dash - 1), 0, "%s", at);
    at += sizeof dash - 1;
    len = strcspn(at, "\n");
    cr_assert_str_eq(at + len, "\n");
    cr_assert(base64_get(at, len, &signature));
    sha256(spki->data, spki->len, digest);
    cr_assert_arr_eq(signature.data, digest, 4);
    cr_assert(verifies(spki, alg, "SHA256", note, strlen(text), (unsigned char *)signature.data + 4,
                       signature.len - 4));
}
