#include <criterion/criterion.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "helper_approval.h"

static void put32(struct buf *out, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_putc(out, (char)(value >> shift));
}

static void put_string(struct buf *out, const void *bytes, size_t len)
{
    put32(out, (uint32_t)len);
    buf_put(out, bytes, len);
}

static void put_text(struct buf *out, const char *text)
{
    put_string(out, text, strlen(text));
}

static void put_mpint(struct buf *out, const BIGNUM *number)
{
    uint8_t bytes[1024] = {0};
    int len = BN_bn2bin(number, bytes + 1);
    if ((bytes[1] & 0x80) != 0)
        put_string(out, bytes, (size_t)len + 1);
    else
        put_string(out, bytes + 1, (size_t)len);
}

static const struct {
    const char *type, *digest;
} kinds[] = {
    [FORGE_ED25519] = {"ssh-ed25519", NULL},
    [FORGE_ECDSA] = {"ecdsa-sha2-nistp256", "SHA256"},
    [FORGE_RSA] = {"ssh-rsa", "SHA512"},
    [FORGE_SK_ED25519] = {"sk-ssh-ed25519@openssh.com", NULL},
    [FORGE_SK_ECDSA] = {"sk-ecdsa-sha2-nistp256@openssh.com", "SHA256"},
};

static bool is_sk(const struct forge *forge)
{
    return forge->kind >= FORGE_SK_ED25519;
}

static bool is_ecdsa(const struct forge *forge)
{
    return forge->kind == FORGE_ECDSA || forge->kind == FORGE_SK_ECDSA;
}

static void public_put(const struct forge *forge, struct buf *out)
{
    uint8_t bytes[256];
    size_t len = sizeof bytes;
    BIGNUM *e = NULL, *n = NULL;
    if (forge->kind == FORGE_RSA) {
        cr_assert_eq(EVP_PKEY_get_bn_param(forge->pkey, OSSL_PKEY_PARAM_RSA_E, &e), 1);
        cr_assert_eq(EVP_PKEY_get_bn_param(forge->pkey, OSSL_PKEY_PARAM_RSA_N, &n), 1);
        put_mpint(out, e);
        put_mpint(out, n);
        BN_free(e);
        BN_free(n);
        return;
    }
    if (is_ecdsa(forge)) {
        put_text(out, "nistp256");
        cr_assert_eq(EVP_PKEY_get_octet_string_param(forge->pkey, OSSL_PKEY_PARAM_PUB_KEY, bytes,
                                                     sizeof bytes, &len),
                     1);
    } else {
        cr_assert_eq(EVP_PKEY_get_raw_public_key(forge->pkey, bytes, &len), 1);
    }
    put_string(out, bytes, len);
}

void forge_make(struct forge *forge, enum forge_kind kind)
{
    *forge = (struct forge){.kind = kind,
                            .blob = BUF_INIT(4096),
                            .type = kinds[kind].type,
                            .algorithm = kinds[kind].type,
                            .digest = kinds[kind].digest,
                            .namespace = APPROVAL_POLICY,
                            .reserved = "",
                            .hash = "sha512",
                            .application = "ssh:",
                            .version = 1,
                            .flags = 1,
                            .tail = "",
                            .signature_tail = "",
                            .raw_tail = "",
                            .width = 70};
    if (kind == FORGE_RSA)
        forge->algorithm = "rsa-sha2-512";
    forge->pkey = kind == FORGE_RSA ? EVP_RSA_gen(3072)
                  : is_ecdsa(forge) ? EVP_EC_gen("P-256")
                                    : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    cr_assert_not_null(forge->pkey);
    put_text(&forge->blob, forge->type);
    public_put(forge, &forge->blob);
    if (is_sk(forge))
        put_text(&forge->blob, forge->application);
}

void forge_free(struct forge *forge)
{
    EVP_PKEY_free(forge->pkey);
    buf_free(&forge->blob);
}

const char *forge_line(const struct forge *forge)
{
    static char line[2048];
    AUTO_BUF text = BUF_INIT(2000);
    base64_put(&text, buf_text(&forge->blob), forge->blob.len);
    (void)snprintf(line, sizeof line, "%s %.1900s forged", forge->type, buf_text(&text));
    return line;
}

static void raw_sign(const struct forge *forge, const struct buf *data, struct buf *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t bytes[1024];
    size_t len = sizeof bytes;
    cr_assert_eq(EVP_DigestSignInit_ex(context, NULL, forge->digest, NULL, NULL, forge->pkey, NULL),
                 1);
    cr_assert_eq(EVP_DigestSign(context, bytes, &len, (const uint8_t *)buf_text(data), data->len),
                 1);
    EVP_MD_CTX_free(context);
    if (is_ecdsa(forge)) {
        const uint8_t *at = bytes;
        ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
        put_mpint(out, ECDSA_SIG_get0_r(sig));
        put_mpint(out, ECDSA_SIG_get0_s(sig));
        ECDSA_SIG_free(sig);
    } else {
        buf_put(out, bytes, len);
    }
    buf_puts(out, forge->raw_tail);
}

/* PROTOCOL.sshsig; a hash that is not known here is forged with SHA-512's digest. */
static void data_put(const struct forge *forge, struct buf *out)
{
    uint8_t digest[64];
    unsigned len = 0;
    bool is_256 = strcmp(forge->hash, "sha256") == 0;
    cr_assert_eq(EVP_Digest(MESSAGE, strlen(MESSAGE), digest, &len,
                            is_256 ? EVP_sha256() : EVP_sha512(), NULL),
                 1);
    buf_puts(out, "SSHSIG");
    put_text(out, forge->namespace);
    put_text(out, forge->reserved);
    put_text(out, forge->hash);
    put_string(out, digest, len);
}

/* PROTOCOL.u2f: what the token itself signs. */
static void sk_data_put(const struct forge *forge, const struct buf *data, struct buf *out)
{
    uint8_t digest[SHA256_LEN];
    sha256(forge->application, strlen(forge->application), digest);
    buf_put(out, digest, sizeof digest);
    buf_putc(out, (char)forge->flags);
    put32(out, 7);
    sha256(buf_text(data), data->len, digest);
    buf_put(out, digest, sizeof digest);
}

static void signature_put(const struct forge *forge, struct buf *out)
{
    AUTO_BUF data = BUF_INIT(4096);
    AUTO_BUF sk_data = BUF_INIT(4096);
    AUTO_BUF raw = BUF_INIT(4096);
    data_put(forge, &data);
    sk_data_put(forge, &data, &sk_data);
    raw_sign(forge, is_sk(forge) ? &sk_data : &data, &raw);
    put_text(out, forge->algorithm);
    put_string(out, buf_text(&raw), raw.len);
    if (is_sk(forge)) {
        buf_putc(out, (char)forge->flags);
        put32(out, 7);
    }
    buf_puts(out, forge->signature_tail);
}

void armor(const struct buf *blob, size_t width, struct buf *out)
{
    AUTO_BUF digits = BUF_INIT(16384);
    base64_put(&digits, buf_text(blob), blob->len);
    buf_puts(out, "-----BEGIN SSH SIGNATURE-----\n");
    for (size_t at = 0; at < digits.len; at += width) {
        buf_put(out, buf_text(&digits) + at, digits.len - at < width ? digits.len - at : width);
        buf_putc(out, '\n');
    }
    buf_puts(out, "-----END SSH SIGNATURE-----\n");
    cr_assert(buf_ok(out) && buf_ok(&digits));
}

void forge_sign(const struct forge *forge, struct buf *out)
{
    AUTO_BUF blob = BUF_INIT(8192);
    AUTO_BUF signature = BUF_INIT(4096);
    buf_puts(&blob, "SSHSIG");
    put32(&blob, forge->version);
    put_string(&blob, buf_text(&forge->blob), forge->blob.len);
    put_text(&blob, forge->namespace);
    put_text(&blob, forge->reserved);
    put_text(&blob, forge->hash);
    signature_put(forge, &signature);
    put_string(&blob, buf_text(&signature), signature.len);
    buf_puts(&blob, forge->tail);
    armor(&blob, forge->width, out);
}
