/* Signatures of each type of key (RFC 8332, 5656 3.1.2, 8709 6; PROTOCOL.u2f), by libcrypto. */
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <string.h>

#include "internal.h"

#define ED25519_SIGNATURE 64
#define SK_TOUCHED        0x01 /* user presence */
#define SK_VERIFIED       0x04 /* user verification */

static enum result fault(struct err *err, const char *what)
{
    return err_set(err, RESULT_CONFIG, "%s", what);
}

/* What stands in the signature's blob, and what its key signed. */
struct claim {
    struct slice raw;   /* as libcrypto wants it, but for ECDSA */
    struct slice r, s;  /* ECDSA */
    const char *digest; /* NULL: the scheme's own */
    struct slice data;
};

static bool evp_verify(EVP_PKEY *pkey, const char *digest, struct slice signature,
                       struct slice data)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL &&
                EVP_DigestVerifyInit_ex(context, NULL, digest, NULL, NULL, pkey, NULL) == 1 &&
                EVP_DigestVerify(context, signature.at, signature.len, data.at, data.len) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}

/* libcrypto takes the DER form, and itself refuses r and s that are 0 or not below the order. */
static bool ecdsa_verify(const struct ssh_key *key, const struct claim *claim)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(claim->r.at, (int)claim->r.len, NULL);
    BIGNUM *s = BN_bin2bn(claim->s.at, (int)claim->s.len, NULL);
    unsigned char *der = NULL;
    if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(sig);
        return false;
    }
    int len = i2d_ECDSA_SIG(sig, &der);
    bool good = len > 0 &&
                evp_verify(key->pkey, claim->digest, (struct slice){der, (size_t)len}, claim->data);
    OPENSSL_free(der);
    ECDSA_SIG_free(sig);
    return good;
}

static bool ecdsa_read(struct slice blob, const struct ssh_key *key, struct claim *claim)
{
    size_t order = (key->type->point - 1) / 2;
    claim->digest = key->type->digest;
    return wire_mpint(&blob, &claim->r) && wire_mpint(&blob, &claim->s) && blob.len == 0 &&
           claim->r.len <= order && claim->s.len <= order;
}

static bool raw_read(struct slice blob, const struct ssh_key *key, struct claim *claim)
{
    size_t len = key->type->kind == KEY_RSA ? key->material.len : ED25519_SIGNATURE;
    claim->raw = blob;
    return blob.len == len;
}

static enum result flags_check(uint8_t flags, bool user_verification, struct err *err)
{
    if ((flags & ~(SK_TOUCHED | SK_VERIFIED)) != 0)
        return err_set(err, RESULT_CONFIG,
                       "has flags 0x%02x of the security key: only touched (0x01) and verified "
                       "(0x04) are known",
                       flags);
    if ((flags & SK_TOUCHED) == 0)
        return fault(err, "was made without a touch of the security key: sign with a key made "
                          "without -O no-touch-required");
    if (user_verification && (flags & SK_VERIFIED) == 0)
        return fault(err, "was made without PIN or finger, which approvers.json demands of this "
                          "key: sign with a key made with -O verify-required");
    return RESULT_OK;
}

/* Behind the signature: flags and a counter; both are signed, with the application. */
static enum result sk_read(const struct ssh_key *key, bool user_verification, struct slice *rest,
                           struct claim *claim, struct buf *data, struct err *err)
{
    struct slice tail = *rest, flags, counter;
    uint8_t digest[SHA256_LEN];
    if (!wire_bytes(rest, 1, &flags) || !wire_bytes(rest, 4, &counter))
        return fault(err, "is cut short: sign again");
    TRY(flags_check(flags.at[0], user_verification, err));
    sha256(key->application.at, key->application.len, digest);
    buf_put(data, digest, sizeof digest);
    buf_put(data, tail.at, flags.len + counter.len);
    sha256(claim->data.at, claim->data.len, digest);
    buf_put(data, digest, sizeof digest);
    claim->data = (struct slice){(const uint8_t *)data->data, data->len};
    return buf_check(data, "the signed data", err);
}

/* SHA-1, which is what "ssh-rsa" means here, is not taken. */
static enum result algorithm_check(struct slice name, const struct ssh_key *key,
                                   struct claim *claim, struct err *err)
{
    bool rsa = key->type->kind == KEY_RSA;
    if (rsa && (slice_is(name, "rsa-sha2-512") || slice_is(name, "rsa-sha2-256"))) {
        claim->digest = slice_is(name, "rsa-sha2-512") ? "SHA512" : "SHA256";
        return RESULT_OK;
    }
    if (!rsa && slice_is(name, key->type->name))
        return RESULT_OK;
    return fault(err, rsa ? "is an RSA signature, but not by rsa-sha2-256 or rsa-sha2-512"
                          : "is by another algorithm than its key");
}

enum result ssh_key_verify(const struct ssh_key *key, bool user_verification,
                           struct slice signature, struct slice data, struct err *err)
{
    AUTO_BUF sk_data = BUF_INIT(256);
    struct claim claim = {.data = data};
    struct slice name, blob;
    bool ecdsa = key->type->kind == KEY_ECDSA;
    if (!wire_string(&signature, &name) || !wire_string(&signature, &blob))
        return fault(err, "is cut short: sign again");
    TRY(algorithm_check(name, key, &claim, err));
    if (key->type->security_key)
        TRY(sk_read(key, user_verification, &signature, &claim, &sk_data, err));
    if (signature.len != 0)
        return fault(err, "has bytes behind its end: sign again");
    if (!(ecdsa ? ecdsa_read : raw_read)(blob, key, &claim))
        return fault(err, "has numbers of a wrong length or form: sign again");
    if (!(ecdsa ? ecdsa_verify(key, &claim)
                : evp_verify(key->pkey, claim.digest, claim.raw, claim.data)))
        return fault(err, "is not over these bytes: the file was changed, or another was signed");
    return RESULT_OK;
}
