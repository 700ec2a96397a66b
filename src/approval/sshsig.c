/* An SSH signature file: its armor, its parts, and what was signed (PROTOCOL.sshsig). */
#include <openssl/evp.h>
#include <string.h>

#include "internal.h"

#define MAGIC       "SSHSIG"
#define MAGIC_LEN   6
#define VERSION     1
#define LINE_MAX_76 76 /* of PEM-like files; ssh-keygen writes 70 */

static const char head[] = "-----BEGIN SSH SIGNATURE-----\n";
static const char foot[] = "-----END SSH SIGNATURE-----";

static enum result fault(struct err *err, const char *what)
{
    return err_set(err, RESULT_CONFIG, "%s", what);
}

/* The lines between head and foot, the last newline included; the foot may have one newline. */
static bool lines_find(struct slice text, struct slice *lines)
{
    size_t foot_len = sizeof foot - 1, head_len = sizeof head - 1;
    if (text.len > 0 && text.at[text.len - 1] == '\n')
        text.len--;
    if (text.len < head_len + foot_len || memcmp(text.at, head, head_len) != 0 ||
        memcmp(text.at + text.len - foot_len, foot, foot_len) != 0)
        return false;
    *lines = (struct slice){text.at + head_len, text.len - head_len - foot_len};
    return lines->len > 0 && lines->at[lines->len - 1] == '\n';
}

/* One form only: all lines but the last are equally long. */
static bool lines_join(struct slice lines, struct buf *digits)
{
    size_t width = 0;
    while (lines.len > 0) {
        const uint8_t *end = memchr(lines.at, '\n', lines.len);
        size_t line = (size_t)(end - lines.at);
        bool last = line + 1 == lines.len;
        width = width == 0 ? line : width;
        if (line == 0 || line > LINE_MAX_76 || (last ? line > width : line != width))
            return false;
        buf_put(digits, lines.at, line);
        lines.at += line + 1;
        lines.len -= line + 1;
    }
    return true;
}

static enum result armor_read(struct slice text, struct buf *blob, struct err *err)
{
    AUTO_BUF digits = BUF_INIT(SIGNATURE_MAX);
    struct slice lines;
    if (memchr(text.at, '\r', text.len) != NULL)
        return fault(err, "has Windows line ends: copy it as it was, in binary");
    if (!lines_find(text, &lines) || !lines_join(lines, &digits))
        return fault(err, "is no file of ssh-keygen -Y sign, or has something before or behind it: "
                          "sign again");
    if (!base64_get(buf_text(&digits), digits.len, blob))
        return fault(err, "has base64 that is broken or not canonical: sign again");
    return RESULT_OK;
}

static enum result parts_read(struct slice in, struct sshsig *out, struct err *err)
{
    struct slice magic;
    uint32_t version;
    if (!wire_bytes(&in, MAGIC_LEN, &magic) || !slice_is(magic, MAGIC) || !wire_u32(&in, &version))
        return fault(err, "is no SSH signature");
    if (version != VERSION)
        return err_set(err, RESULT_CONFIG, "has SSHSIG version %u; only %d is known", version,
                       VERSION);
    if (!wire_string(&in, &out->key) || !wire_string(&in, &out->namespace) ||
        !wire_string(&in, &out->reserved) || !wire_string(&in, &out->hash) ||
        !wire_string(&in, &out->signature))
        return fault(err, "is cut short: sign again");
    return in.len == 0 ? RESULT_OK : fault(err, "has bytes behind its end: sign again");
}

enum result sshsig_read(const char *text, size_t len, struct sshsig *out, struct err *err)
{
    *out = (struct sshsig){.blob = BUF_INIT(SIGNATURE_MAX)};
    if (len > SIGNATURE_MAX)
        return err_set(err, RESULT_CONFIG, "has %zu bytes; at most %d are read", len,
                       SIGNATURE_MAX);
    if (len == 0)
        return fault(err, "is empty: sign again");
    TRY(armor_read((struct slice){(const uint8_t *)text, len}, &out->blob, err));
    return parts_read((struct slice){(const uint8_t *)out->blob.data, out->blob.len}, out, err);
}

void sshsig_free(struct sshsig *sig)
{
    buf_free(&sig->blob);
}

static const EVP_MD *hash_find(struct slice name)
{
    if (slice_is(name, "sha512"))
        return EVP_sha512();
    return slice_is(name, "sha256") ? EVP_sha256() : NULL;
}

static enum result namespace_check(struct slice got, const char *wanted, struct err *err)
{
    AUTO_BUF text = BUF_INIT(1024);
    if (slice_is(got, wanted))
        return RESULT_OK;
    text_escape(&text, (const char *)got.at, got.len < 64 ? got.len : 64);
    return err_set(err, RESULT_CONFIG, "was signed for \"%s\", not for \"%s\": sign with -n %s",
                   buf_text(&text), wanted, wanted);
}

enum result sshsig_data(const struct sshsig *sig, const struct signed_bytes *message,
                        struct buf *out, struct err *err)
{
    const EVP_MD *hash = hash_find(sig->hash);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    TRY(namespace_check(sig->namespace, message->namespace, err));
    if (sig->reserved.len != 0)
        return fault(err, "has something in the field that is reserved");
    if (hash == NULL)
        return fault(err, "has a hash other than sha256 and sha512");
    if (EVP_Digest(message->bytes, message->len, digest, &len, hash, NULL) != 1)
        return err_set(err, RESULT_INTERNAL, "libcrypto makes no digest");
    buf_puts(out, MAGIC);
    wire_put_string(out, message->namespace, strlen(message->namespace));
    wire_put_string(out, "", 0);
    wire_put_string(out, sig->hash.at, sig->hash.len);
    wire_put_string(out, digest, len);
    return buf_check(out, "the signed data", err);
}
