#include "signer.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#define POINT_MAX (1 + 2 * 48)

void signer_free(struct signer *signer)
{
    private_free(&signer->key);
    buf_free(&signer->spki);
    buf_free(&signer->protected);
}

/* By hand: OpenSSL's encoders take longer for this (1.3 ms) than a token does to log in. */
static int ec_spki(const EVP_PKEY *key, const struct curve *curve, unsigned char **der)
{
    X509_PUBKEY *spki = X509_PUBKEY_new();
    unsigned char *point = OPENSSL_malloc(POINT_MAX);
    size_t len = 0;
    int got = -1;

    if (spki != NULL && point != NULL &&
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_MAX, &len) ==
            1 &&
        X509_PUBKEY_set0_param(spki, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
                               OBJ_txt2obj(curve->group, 0), point, (int)len) == 1) {
        point = NULL; /* the other's now */
        got = i2d_X509_PUBKEY(spki, der);
    }
    OPENSSL_free(point);
    X509_PUBKEY_free(spki);
    return got;
}

static enum result spki_put(struct signer *signer, struct err *err)
{
    const struct curve *curve = curve_of(signer->key.public);
    unsigned char *der = NULL;
    int len = curve != NULL ? ec_spki(signer->key.public, curve, &der)
                            : i2d_PUBKEY(signer->key.public, &der);

    if (len <= 0)
        return err_set(err, RESULT_KEY, "the signing key does not show its public key");
    buf_put(&signer->spki, der, (size_t)len);
    OPENSSL_free(der);
    return buf_check(&signer->spki, "public key", err);
}

enum result signer_start(struct signer *signer, struct private_key *key, const char *algorithm,
                         struct err *err)
{
    AUTO_BUF header = BUF_INIT(JWK_MAX);

    signer->key = *key;
    *key = (struct private_key){0};
    signer->spki = (struct buf)BUF_INIT(JWK_MAX);
    signer->protected = (struct buf)BUF_INIT(JWK_MAX);
    if (private_algorithm(&signer->key, algorithm, &signer->algorithm, err) != RESULT_OK ||
        spki_put(signer, err) != RESULT_OK ||
        jwk_thumbprint(signer->key.public, signer->kid, err) != RESULT_OK)
        return err->result;
    buf_printf(&header, "{\"alg\":\"%s\",\"kid\":\"%s\"}", signer->algorithm->name, signer->kid);
    base64url_put(&signer->protected, buf_text(&header), header.len);
    return buf_check(&signer->protected, "protected header", err);
}

/* A signature as OpenSSL and C2SP notes have it: r and s in a SEQUENCE. */
static bool openssl_put(struct buf *out, const struct algorithm *algorithm, const struct buf *raw)
{
    const unsigned char *r = (const unsigned char *)raw->data, *s = r + algorithm->size;
    ECDSA_SIG *signature;
    unsigned char *der = NULL;
    int len = 0;

    if (algorithm->group == NULL) {
        buf_put(out, raw->data, raw->len);
        return buf_ok(out);
    }
    signature = ECDSA_SIG_new();
    if (signature != NULL && ECDSA_SIG_set0(signature, BN_bin2bn(r, (int)algorithm->size, NULL),
                                            BN_bin2bn(s, (int)algorithm->size, NULL)) == 1)
        len = i2d_ECDSA_SIG(signature, &der);
    ECDSA_SIG_free(signature);
    if (len > 0)
        buf_put(out, der, (size_t)len);
    OPENSSL_free(der);
    return len > 0 && buf_ok(out);
}

/* signature: as OpenSSL has it. */
static bool fits(const struct signer *signer, const char *digest, const void *bytes, size_t len,
                 const char *signature, size_t signature_len)
{
    EVP_PKEY_CTX *how = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        context != NULL &&
        EVP_DigestVerifyInit(context, &how, EVP_get_digestbyname(digest), NULL,
                             signer->key.public) == 1 &&
        private_padding(how, signer->algorithm) &&
        EVP_DigestVerify(context, (const unsigned char *)signature, signature_len, bytes, len) == 1;

    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}

static bool verified(const struct signer *signer, const char *digest, const void *bytes, size_t len,
                     const struct buf *raw)
{
    AUTO_BUF signature = BUF_INIT(SIGNATURE_MAX);

    return openssl_put(&signature, signer->algorithm, raw) &&
           fits(signer, digest, bytes, len, signature.data, signature.len);
}

/* The first signature of a process is verified: a private key beside another's public key would
 * make a log that nobody can verify. */
static enum result sign(struct signer *signer, const char *digest, const void *bytes, size_t len,
                        struct buf *signature, struct err *err)
{
    if (private_sign(&signer->key, signer->algorithm, digest, bytes, len, signature, err) !=
        RESULT_OK)
        return err->result;
    if (!signer->proved && !verified(signer, digest, bytes, len, signature))
        return err_set(err, RESULT_KEY,
                       "a signature does not verify with the public key: do the private and the "
                       "public key belong together?");
    signer->proved = true;
    return RESULT_OK;
}

static enum result jws_build(struct signer *signer, const char *payload, size_t len,
                             struct buf *line, struct err *err)
{
    AUTO_BUF input = BUF_INIT(2 * LINE_MAX_LEN);
    AUTO_BUF signature = BUF_INIT(SIGNATURE_MAX);
    size_t head = signer->protected.len + 1;

    buf_put(&input, signer->protected.data, signer->protected.len);
    buf_putc(&input, '.');
    base64url_put(&input, payload, len);
    if (buf_check(&input, "record", err) != RESULT_OK ||
        sign(signer, signer->algorithm->digest, input.data, input.len, &signature, err) !=
            RESULT_OK)
        return err->result;
    buf_puts(line, "{\"payload\":\"");
    buf_put(line, input.data + head, input.len - head);
    buf_printf(line, "\",\"protected\":\"%s\",\"signature\":\"", buf_text(&signer->protected));
    base64url_put(line, signature.data, signature.len);
    buf_puts(line, "\"}");
    return buf_check(line, "record", err);
}

/* Before the key is used: the length of a line follows from that of its payload. */
static enum result length_check(const struct signer *signer, size_t len, struct err *err)
{
    size_t frame = strlen("{\"payload\":\"\",\"protected\":\"\",\"signature\":\"\"}");
    size_t bytes = signer->algorithm->size > 0 ? 2 * signer->algorithm->size
                                               : (size_t)EVP_PKEY_get_size(signer->key.public);
    size_t signature = (bytes * 4 + 2) / 3;
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
    uint8_t digest[SHA256_LEN];
    AUTO_BUF raw = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF signature = BUF_INIT(4 + SIGNATURE_MAX);

    if (sign(signer, "SHA256", note->data, note->len, &raw, err) != RESULT_OK)
        return err->result;
    sha256(signer->spki.data, signer->spki.len, digest);
    buf_put(&signature, digest, 4);
    if (!openssl_put(&signature, signer->algorithm, &raw))
        return err_set(err, RESULT_KEY, "the signing key gave no ECDSA signature");
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

static bool thumbprint_valid(const char *text)
{
    AUTO_BUF digest = BUF_INIT(SHA256_LEN);

    return strlen(text) == THUMBPRINT_LEN && base64url_get(text, THUMBPRINT_LEN, &digest) &&
           digest.len == SHA256_LEN;
}

enum result signer_agree(struct signer *signer, uint64_t index, const uint8_t previous[SHA256_LEN],
                         const char *from, struct buf *signature, struct err *err)
{
    AUTO_BUF text = BUF_INIT(1024);

    if (!thumbprint_valid(from) || strcmp(from, signer->kid) == 0)
        return err_set(err, RESULT_KEY,
                       "refused to sign: a rotation is from another key's thumbprint");
    buf_printf(&text, "georder key rotation v1\n%s\n%llu\n", signer->state.origin,
               (unsigned long long)index);
    hex_put(&text, previous, SHA256_LEN);
    buf_printf(&text, "\n%s\n%s\n", from, signer->kid);
    if (buf_check(&text, "rotation", err) != RESULT_OK)
        return err->result;
    return sign(signer, signer->algorithm->digest, text.data, text.len, signature, err);
}

bool signer_signed(const struct signer *signer, const struct buf *note, size_t *text_len)
{
    AUTO_BUF dash = BUF_INIT(512), signature = BUF_INIT(4 + SIGNATURE_MAX);
    const char *text = buf_text(note), *blank = memmem(text, note->len, "\n\n", 2), *from;
    size_t rest;

    buf_printf(&dash, "\n\n\xe2\x80\x94 %s ", signer->state.origin);
    *text_len = blank != NULL ? (size_t)(blank - text) + 1 : 0;
    rest = blank != NULL ? note->len - (size_t)(blank - text) : 0;
    if (!buf_ok(&dash) || rest <= dash.len + 1 || memcmp(blank, dash.data, dash.len) != 0 ||
        text[note->len - 1] != '\n')
        return false;
    from = blank + dash.len;
    return base64_get(from, rest - dash.len - 1, &signature) && signature.len > 4 &&
           fits(signer, "SHA256", text, *text_len, signature.data + 4, signature.len - 4);
}

enum result signer_test(struct signer *signer, struct err *err)
{
    static const char text[] = "georder doctor: a test, neither a record nor a checkpoint";
    AUTO_BUF signature = BUF_INIT(SIGNATURE_MAX);

    signer->proved = false;
    return sign(signer, signer->algorithm->digest, text, sizeof text - 1, &signature, err);
}
