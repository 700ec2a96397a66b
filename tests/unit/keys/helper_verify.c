#include "helper_verify.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "helper_keys.h"

static bool der_verifies(const struct buf *spki, const void *text, size_t len,
                         const unsigned char *der, size_t der_len)
{
    const unsigned char *at = (const unsigned char *)spki->data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki->len);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = key != NULL && context != NULL &&
                EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(context, der, der_len, text, len) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return good;
}

static bool raw_verifies(const struct buf *spki, const struct buf *input, const struct buf *raw)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    const unsigned char *bytes = (const unsigned char *)raw->data;
    unsigned char *der = NULL;
    bool good;
    int len;

    cr_assert_eq(raw->len, 64);
    cr_assert_eq(
        ECDSA_SIG_set0(signature, BN_bin2bn(bytes, 32, NULL), BN_bin2bn(bytes + 32, 32, NULL)), 1);
    len = i2d_ECDSA_SIG(signature, &der);
    good = der_verifies(spki, input->data, input->len, der, (size_t)len);
    OPENSSL_free(der);
    ECDSA_SIG_free(signature);
    return good;
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
    AUTO_BUF signature = BUF_INIT(256);
    AUTO_BUF raw = BUF_INIT(64);
    AUTO_BUF input = BUF_INIT(70000);

    part_take(&line, "{\"payload\":\"", &body);
    part_take(&line, "\",\"protected\":\"", &protected);
    part_take(&line, "\",\"signature\":\"", &signature);
    cr_assert_str_eq(line, "\"}");
    cr_assert(base64url_get(signature.data, signature.len, &raw));
    buf_printf(&input, "%s.%s", protected.data, body.data);
    cr_assert(raw_verifies(spki, &input, &raw));
    input.data[input.len - 1] ^= 1;
    cr_assert(!raw_verifies(spki, &input, &raw));
    cr_assert(base64url_get(protected.data, protected.len, header));
    cr_assert(base64url_get(body.data, body.len, payload));
}

void note_verify(const char *note, const struct buf *spki, const char *text)
{
    static const char dash[] = "\n\xe2\x80\x94 " ORIGIN " ";
    AUTO_BUF signature = BUF_INIT(256);
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
    cr_assert(der_verifies(spki, note, strlen(text), (unsigned char *)signature.data + 4,
                           signature.len - 4));
}
