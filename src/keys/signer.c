#include "signer.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#define SIGNATURE_MAX 256

void signer_free(struct signer *signer)
{
    pkey_free(&signer->key);
    pkey_free(&signer->public);
    buf_free(&signer->spki);
    buf_free(&signer->protected);
}

/* The public half as a key of OpenSSL's own: a token's key does not give its numbers. */
static enum result public_half(struct signer *signer, struct err *err)
{
    unsigned char *der = NULL;
    const unsigned char *at;
    int len = i2d_PUBKEY(signer->key, &der);

    if (len <= 0)
        return err_set(err, RESULT_KEY, "the signing key does not show its public key");
    at = der;
    buf_put(&signer->spki, der, (size_t)len);
    signer->public = d2i_PUBKEY(NULL, &at, len);
    OPENSSL_free(der);
    signer->curve = signer->public != NULL ? curve_of(signer->public) : NULL;
    if (signer->curve == NULL)
        return err_set(err, RESULT_KEY,
                       "the signing key is not EC P-256 or P-384: checkpoints are signed by ECDSA");
    return buf_check(&signer->spki, "public key", err);
}

enum result signer_start(struct signer *signer, EVP_PKEY *key, struct err *err)
{
    AUTO_BUF jwk = BUF_INIT(JWK_MAX);
    AUTO_BUF kid = BUF_INIT(sizeof signer->kid);
    AUTO_BUF header = BUF_INIT(JWK_MAX);
    uint8_t digest[SHA256_LEN];

    signer->key = key;
    signer->spki = (struct buf)BUF_INIT(JWK_MAX);
    signer->protected = (struct buf)BUF_INIT(JWK_MAX);
    if (public_half(signer, err) != RESULT_OK ||
        jwk_put_public(&jwk, signer->public, err) != RESULT_OK)
        return err->result;
    sha256(jwk.data, jwk.len, digest);
    base64url_put(&kid, digest, sizeof digest);
    memcpy(signer->kid, buf_text(&kid), kid.len + 1);
    buf_printf(&header, "{\"alg\":\"%s\",\"kid\":\"%s\"}", signer->curve->alg, signer->kid);
    base64url_put(&signer->protected, buf_text(&header), header.len);
    return buf_check(&signer->protected, "protected header", err);
}

static enum result sign_der(EVP_PKEY *key, const char *digest, const void *bytes, size_t len,
                            unsigned char *out, size_t *out_len, struct err *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good;

    *out_len = SIGNATURE_MAX;
    ERR_clear_error();
    good = context != NULL &&
           EVP_DigestSignInit(context, NULL, EVP_get_digestbyname(digest), NULL, key) == 1 &&
           EVP_DigestSign(context, out, out_len, bytes, len) == 1;
    EVP_MD_CTX_free(context);
    if (good)
        return RESULT_OK;
    (void)err_set(err, RESULT_KEY,
                  "the signing key did not sign: %s; a token may need to be started anew",
                  ERR_reason_error_string(ERR_peek_last_error()) != NULL
                      ? ERR_reason_error_string(ERR_peek_last_error())
                      : "no reason given");
    ERR_clear_error();
    return err->result;
}

/* JOSE wants r||s, each as long as a coordinate (RFC 7518 section 3.4). */
static enum result signature_put(struct buf *out, const unsigned char *der, size_t len, size_t size,
                                 struct err *err)
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
    unsigned char raw[2 * 48];
    bool good = signature != NULL &&
                BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, (int)size) == (int)size &&
                BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + size, (int)size) == (int)size;

    ECDSA_SIG_free(signature);
    if (!good)
        return err_set(err, RESULT_KEY, "the signing key gave no ECDSA signature");
    base64url_put(out, raw, 2 * size);
    return RESULT_OK;
}

static enum result jws_build(struct signer *signer, const char *payload, size_t len,
                             struct buf *line, struct err *err)
{
    AUTO_BUF input = BUF_INIT(2 * LINE_MAX_LEN);
    unsigned char der[SIGNATURE_MAX];
    size_t der_len, head = signer->protected.len + 1;

    buf_put(&input, signer->protected.data, signer->protected.len);
    buf_putc(&input, '.');
    base64url_put(&input, payload, len);
    if (buf_check(&input, "record", err) != RESULT_OK ||
        sign_der(signer->key, signer->curve->digest, input.data, input.len, der, &der_len, err) !=
            RESULT_OK)
        return err->result;
    buf_puts(line, "{\"payload\":\"");
    buf_put(line, input.data + head, input.len - head);
    buf_printf(line, "\",\"protected\":\"%s\",\"signature\":\"", buf_text(&signer->protected));
    if (signature_put(line, der, der_len, signer->curve->size, err) != RESULT_OK)
        return err->result;
    buf_puts(line, "\"}");
    return buf_check(line, "record", err);
}

/* Before the key is used: the length of a line follows from that of its payload. */
static enum result length_check(const struct signer *signer, size_t len, struct err *err)
{
    size_t frame = strlen("{\"payload\":\"\",\"protected\":\"\",\"signature\":\"\"}");
    size_t signature = (2 * signer->curve->size * 4 + 2) / 3;
    size_t total = frame + signer->protected.len + (len * 4 + 2) / 3 + signature;

    if (total > LINE_MAX_LEN)
        return err_set(err, RESULT_KEY,
                       "refused to sign: the line would have %zu bytes, %d are permitted", total,
                       LINE_MAX_LEN);
    return RESULT_OK;
}

enum result signer_line(struct signer *signer, const char *payload, size_t len, struct buf *line,
                        struct err *err)
{
    uint64_t sequence;

    if (length_check(signer, len, err) != RESULT_OK ||
        record_check(&signer->state, payload, len, &sequence, err) != RESULT_OK ||
        jws_build(signer, payload, len, line, err) != RESULT_OK)
        return err->result;
    signer->state.signed_any = true;
    signer->state.sequence = sequence;
    sha256_hex(line->data, line->len, signer->state.line_hash);
    return RESULT_OK;
}

/* "— NAME base64(key id || signature)": type 0x02, whose key id is SHA-256(SPKI)[:4]. */
static enum result note_sign(struct signer *signer, struct buf *note, struct err *err)
{
    unsigned char der[SIGNATURE_MAX];
    uint8_t digest[SHA256_LEN];
    size_t len;
    AUTO_BUF signature = BUF_INIT(4 + SIGNATURE_MAX);

    if (sign_der(signer->key, "SHA256", note->data, note->len, der, &len, err) != RESULT_OK)
        return err->result;
    sha256(signer->spki.data, signer->spki.len, digest);
    buf_put(&signature, digest, 4);
    buf_put(&signature, der, len);
    buf_printf(note, "\n\xe2\x80\x94 %s ", signer->state.origin);
    base64_put(note, buf_text(&signature), signature.len);
    buf_putc(note, '\n');
    return buf_check(note, "checkpoint", err);
}

enum result signer_note(struct signer *signer, uint64_t size, const uint8_t root[SHA256_LEN],
                        struct buf *note, struct err *err)
{
    if (size < signer->size)
        return err_set(err, RESULT_KEY,
                       "refused to sign: a checkpoint of %llu records, after one of %llu",
                       (unsigned long long)size, (unsigned long long)signer->size);
    buf_printf(note, "%s\n%llu\n", signer->state.origin, (unsigned long long)size);
    base64_put(note, root, SHA256_LEN);
    buf_putc(note, '\n');
    if (buf_check(note, "checkpoint", err) != RESULT_OK ||
        note_sign(signer, note, err) != RESULT_OK)
        return err->result;
    signer->size = size;
    return RESULT_OK;
}

enum result signer_test(struct signer *signer, struct err *err)
{
    static const char text[] = "georder doctor: a test, neither a record nor a checkpoint";
    unsigned char der[SIGNATURE_MAX];
    size_t len;
    EVP_MD_CTX *context;
    bool good;

    if (sign_der(signer->key, signer->curve->digest, text, sizeof text - 1, der, &len, err) !=
        RESULT_OK)
        return err->result;
    context = EVP_MD_CTX_new();
    good = context != NULL &&
           EVP_DigestVerifyInit(context, NULL, EVP_get_digestbyname(signer->curve->digest), NULL,
                                signer->public) == 1 &&
           EVP_DigestVerify(context, der, len, (const unsigned char *)text, sizeof text - 1) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    if (!good)
        return err_set(err, RESULT_KEY,
                       "a test signature does not verify with the public key: do the private and "
                       "the public key belong together?");
    return RESULT_OK;
}
