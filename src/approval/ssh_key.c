/* Public keys read: the text, then the blob (RFC 4253 6.6, 5656 3.1, 8709 4; PROTOCOL.u2f). */
#include "ssh_key.h"

#include <openssl/err.h>
#include <string.h>

#include "internal.h"

#define KEY_TEXT_MAX 4096
#define RSA_BITS_MIN 3072
#define RSA_BITS_MAX 16384
#define RSA_E_BITS   64 /* OpenSSL takes no larger one with such a modulus */
#define ED25519_LEN  32

static const struct key_type types[] = {
    {"ssh-ed25519", KEY_ED25519, false, NULL, NULL, 0, NULL},
    {"ecdsa-sha2-nistp256", KEY_ECDSA, false, "nistp256", "prime256v1", 65, "SHA256"},
    {"ecdsa-sha2-nistp384", KEY_ECDSA, false, "nistp384", "secp384r1", 97, "SHA384"},
    {"ecdsa-sha2-nistp521", KEY_ECDSA, false, "nistp521", "secp521r1", 133, "SHA512"},
    {"ssh-rsa", KEY_RSA, false, NULL, NULL, 0, NULL},
    {"sk-ssh-ed25519@openssh.com", KEY_ED25519, true, NULL, NULL, 0, NULL},
    {"sk-ecdsa-sha2-nistp256@openssh.com", KEY_ECDSA, true, "nistp256", "prime256v1", 65, "SHA256"},
};

const struct key_type *key_type_find(struct slice name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (slice_is(name, types[i].name))
            return &types[i];
    return NULL;
}

void ssh_fingerprint(struct slice blob, char out[FINGERPRINT_LEN + 1])
{
    AUTO_BUF text = BUF_INIT(64);
    uint8_t digest[SHA256_LEN];
    sha256(blob.at, blob.len, digest);
    base64_put(&text, digest, sizeof digest);
    (void)snprintf(out, FINGERPRINT_LEN + 1, "SHA256:%.43s", buf_text(&text));
}

static enum result fault(struct err *err, const char *what)
{
    ERR_clear_error();
    return err_set(err, RESULT_CONFIG, "%s", what);
}

static enum result ed25519_read(struct slice *in, struct ssh_key *key, struct err *err)
{
    if (!wire_string(in, &key->material) || key->material.len != ED25519_LEN)
        return fault(err, "is broken: an Ed25519 key has 32 bytes; copy the .pub file again");
    key->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->material.at, ED25519_LEN);
    return key->pkey != NULL ? RESULT_OK : fault(err, "libcrypto does not take this Ed25519 key");
}

static enum result ecdsa_read(struct slice *in, struct ssh_key *key, struct err *err)
{
    struct slice curve, point;
    if (!wire_string(in, &curve) || !slice_is(curve, key->type->curve))
        return fault(err, "is broken: the curve is not that of the key's type");
    if (!wire_string(in, &point) || point.len != key->type->point || point.at[0] != 0x04)
        return fault(err, "is broken: not an uncompressed point of its curve");
    key->material = point;
    key->pkey = pkey_of_point(key->type->group, point.at, point.len);
    return key->pkey != NULL ? RESULT_OK
                             : fault(err, "is broken: the point does not lie on its curve");
}

static size_t bits_of(struct slice number)
{
    size_t bits = number.len * 8;
    for (uint8_t top = number.at[0]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

static bool is_odd(struct slice number)
{
    return (number.at[number.len - 1] & 1) != 0;
}

static enum result rsa_read(struct slice *in, struct ssh_key *key, struct err *err)
{
    struct slice e, n;
    if (!wire_mpint(in, &e) || !wire_mpint(in, &n) || !is_odd(e) || !is_odd(n))
        return fault(err, "is broken: not an RSA exponent and modulus");
    size_t bits = bits_of(n);
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return err_set(err, RESULT_CONFIG,
                       "is an RSA key of %zu bits; %d to %d are taken: run ssh-keygen -t ed25519",
                       bits, RSA_BITS_MIN, RSA_BITS_MAX);
    if (bits_of(e) > RSA_E_BITS || bits_of(e) < 2)
        return fault(err, "has an RSA exponent of 1, or of more than 64 bits");
    key->material = n;
    key->pkey = pkey_of_modulus(n.at, n.len, e.at, e.len);
    return key->pkey != NULL ? RESULT_OK : fault(err, "libcrypto does not take this RSA key");
}

static enum result application_read(struct slice *in, struct ssh_key *key, struct err *err)
{
    if (!key->type->security_key)
        return RESULT_OK;
    if (!wire_string(in, &key->application) || key->application.len < 4 ||
        memcmp(key->application.at, "ssh:", 4) != 0)
        return fault(err, "is a security key for something else than SSH: its application must "
                          "begin with \"ssh:\"");
    return RESULT_OK;
}

static enum result blob_read(struct slice in, struct ssh_key *key, struct err *err)
{
    static enum result (*const read[])(struct slice *, struct ssh_key *, struct err *) = {
        [KEY_ED25519] = ed25519_read, [KEY_ECDSA] = ecdsa_read, [KEY_RSA] = rsa_read};
    struct slice name;
    if (!wire_string(&in, &name) || !slice_is(name, key->type->name))
        return fault(err, "is broken: the type before the base64 is not the one in it");
    TRY(read[key->type->kind](&in, key, err));
    TRY(application_read(&in, key, err));
    return in.len == 0 ? RESULT_OK : fault(err, "is broken: it has bytes behind its end");
}

static enum result type_unknown(struct slice word, struct err *err)
{
    static const char certificate[] = "-cert-v01@openssh.com";
    const char *text = (const char *)word.at;
    size_t tail = sizeof certificate - 1;
    if (word.len > tail && memcmp(text + word.len - tail, certificate, tail) == 0)
        return fault(err, "is a certificate: list the key itself, the line of its .pub file");
    if (word.len >= 14 && memcmp(text, "cert-authority", 14) == 0)
        return fault(err, "is a certificate authority: list each person's own key");
    if (slice_is(word, "ssh-dss"))
        return fault(err, "is a DSA key, which is too weak: run ssh-keygen -t ed25519");
    return fault(err, "must begin with ssh-ed25519, ecdsa-sha2-nistp256, -nistp384 or -nistp521, "
                      "ssh-rsa, sk-ssh-ed25519@openssh.com or sk-ecdsa-sha2-nistp256@openssh.com, "
                      "without options: write the line of the .pub file");
}

static bool is_printable(const char *text)
{
    while (*text >= ' ' && *text <= '~')
        text++;
    return *text == '\0';
}

enum result ssh_key_read(const char *text, struct ssh_key *out, struct err *err)
{
    struct slice word = {(const uint8_t *)text, strcspn(text, " ")};
    *out = (struct ssh_key){.type = key_type_find(word), .blob = BUF_INIT(KEY_TEXT_MAX)};
    if (!is_printable(text))
        return fault(err, "has a character that is not printable ASCII: write the line of the .pub "
                          "file");
    if (out->type == NULL)
        return type_unknown(word, err);
    const char *digits = text + word.len + (text[word.len] == ' ');
    if (!base64_get(digits, strcspn(digits, " "), &out->blob) || out->blob.len == 0)
        return fault(err, "is broken: no canonical base64 behind one space; copy the .pub file "
                          "again");
    struct slice blob = {(const uint8_t *)out->blob.data, out->blob.len};
    return blob_read(blob, out, err);
}

void ssh_key_free(struct ssh_key *key)
{
    EVP_PKEY_free(key->pkey);
    key->pkey = NULL;
    buf_free(&key->blob);
}
