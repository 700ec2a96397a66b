#include "private.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#define P384_LEN 48

static const struct algorithm algorithms[] = {
    {"ES256", "SHA256", "prime256v1", 32, CKK_EC, CKM_ECDSA},
    {"ES384", "SHA384", "secp384r1", P384_LEN, CKK_EC, CKM_ECDSA},
    {"RS256", "SHA256", NULL, 0, CKK_RSA, CKM_RSA_PKCS},
    {"PS256", "SHA256", NULL, 0, CKK_RSA, CKM_RSA_PKCS_PSS},
};

const struct algorithm *algorithm_find(const char *name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}

void private_free(struct private_key *key)
{
    pkey_free(&key->public);
    pkey_free(&key->soft);
}

enum result private_soft(EVP_PKEY *soft, struct private_key *out, struct err *err)
{
    *out = (struct private_key){.soft = soft};
    if (EVP_PKEY_up_ref(soft) != 1)
        return err_set(err, RESULT_INTERNAL, "no memory");
    out->public = soft;
    return RESULT_OK;
}

enum result private_token(struct ring *ring, struct token *token, const struct uri *uri,
                          struct private_key *out, bool *missing, struct err *err)
{
    enum result result = token_login(ring, token, uri, err);

    *missing = false;
    *out = (struct private_key){.token = token};
    if (result == RESULT_OK)
        result = hsm_key_find(token, uri, &out->found, missing, err);
    token_forget_pin(token);
    if (result != RESULT_OK)
        return result;
    return hsm_key_public(token, &out->found, &out->public, err);
}

static bool algorithm_fits(const struct algorithm *algorithm, EVP_PKEY *public)
{
    const struct curve *curve = curve_of(public);

    if (algorithm->group == NULL)
        return EVP_PKEY_get_base_id(public) == EVP_PKEY_RSA;
    return curve != NULL && strcmp(curve->group, algorithm->group) == 0;
}

enum result private_algorithm(const struct private_key *key, const char *wanted,
                              const struct algorithm **out, struct err *err)
{
    int bits = EVP_PKEY_get_bits(key->public);

    if (EVP_PKEY_get_base_id(key->public) == EVP_PKEY_RSA && (bits < 2048 || bits > 4096))
        return err_set(err, RESULT_KEY, "the RSA key has %d bits: take one of 2048 to 4096", bits);
    if (wanted[0] != '\0' && algorithm_find(wanted) == NULL)
        return err_set(err, RESULT_CONFIG,
                       "audit.signing_algorithm: there are ES256, ES384, RS256 and PS256");
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (algorithm_fits(&algorithms[i], key->public) &&
            (wanted[0] == '\0' || strcmp(algorithms[i].name, wanted) == 0)) {
            *out = &algorithms[i];
            return RESULT_OK;
        }
    if (wanted[0] != '\0')
        return err_set(err, RESULT_KEY, "the key is %s, which does not sign by %s: see %s",
                       EVP_PKEY_get_base_id(key->public) == EVP_PKEY_RSA ? "RSA"
                       : curve_of(key->public) != NULL ? curve_of(key->public)->crv
                                                       : "on another curve",
                       wanted, "audit.signing_algorithm");
    return err_set(err, RESULT_KEY, "the key is neither EC P-256 or P-384, nor RSA");
}

/* JOSE wants r || s, each as long as a coordinate (RFC 7518 section 3.4). */
static bool raw_put(struct buf *out, const unsigned char *der, size_t len, size_t size)
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
    unsigned char raw[2 * P384_LEN];
    bool good = signature != NULL &&
                BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, (int)size) == (int)size &&
                BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + size, (int)size) == (int)size;

    ECDSA_SIG_free(signature);
    if (good)
        buf_put(out, raw, 2 * size);
    return good;
}

bool private_padding(EVP_PKEY_CTX *context, const struct algorithm *algorithm)
{
    if (algorithm->mechanism != CKM_RSA_PKCS_PSS)
        return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static enum result soft_sign(EVP_PKEY *key, const struct algorithm *algorithm, const char *digest,
                             const void *bytes, size_t len, struct buf *signature, struct err *err)
{
    unsigned char out[SIGNATURE_MAX];
    size_t out_len = sizeof out;
    EVP_PKEY_CTX *how = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL &&
                EVP_DigestSignInit(context, &how, EVP_get_digestbyname(digest), NULL, key) == 1 &&
                private_padding(how, algorithm) &&
                EVP_DigestSign(context, out, &out_len, bytes, len) == 1;

    EVP_MD_CTX_free(context);
    if (good && algorithm->group != NULL)
        good = raw_put(signature, out, out_len, algorithm->size);
    else if (good)
        buf_put(signature, out, out_len);
    ERR_clear_error();
    return good ? RESULT_OK : err_set(err, RESULT_KEY, "the signing key did not sign");
}

/* RFC 8017 section 9.2, note 1: DigestInfo of SHA-256. */
static const unsigned char digest_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                            0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                            0x01, 0x05, 0x00, 0x04, 0x20};

static enum result token_sign(struct private_key *key, const struct algorithm *algorithm,
                              const char *digest, const void *bytes, size_t len,
                              struct buf *signature, struct err *err)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int hash_len = 0;
    AUTO_BUF input = BUF_INIT(sizeof digest_info + sizeof hash);
    size_t before = signature->len;

    if (EVP_Digest(bytes, len, hash, &hash_len, EVP_get_digestbyname(digest), NULL) != 1)
        return err_set(err, RESULT_INTERNAL, "cannot make a digest");
    if (algorithm->mechanism == CKM_RSA_PKCS)
        buf_put(&input, digest_info, sizeof digest_info);
    buf_put(&input, hash, hash_len);
    if (hsm_sign(key->token, &key->found, algorithm->mechanism, input.data, input.len, signature,
                 err) != RESULT_OK)
        return err->result;
    if (algorithm->size > 0 && signature->len - before != 2 * algorithm->size)
        return err_set(err, RESULT_KEY, "token \"%s\": a signature of %zu bytes is none by %s",
                       key->token->label, signature->len - before, algorithm->name);
    return RESULT_OK;
}

enum result private_sign(struct private_key *key, const struct algorithm *algorithm,
                         const char *digest, const void *bytes, size_t len, struct buf *signature,
                         struct err *err)
{
    if (key->soft != NULL)
        return soft_sign(key->soft, algorithm, digest, bytes, len, signature, err);
    return token_sign(key, algorithm, digest, bytes, len, signature, err);
}

static enum result soft_agree(EVP_PKEY *key, EVP_PKEY *peer, struct buf *secret, struct err *err)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t len = secret->max;
    char *room = buf_room(secret, len);
    bool good = context != NULL && room != NULL && EVP_PKEY_derive_init(context) == 1 &&
                EVP_PKEY_derive_set_peer(context, peer) == 1 &&
                EVP_PKEY_derive(context, (unsigned char *)room, &len) == 1;

    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    if (!good)
        return err_set(err, RESULT_KEY, "the key cannot agree on a secret: not on the same curve?");
    buf_grew(secret, len);
    return RESULT_OK;
}

static enum result token_agree(struct private_key *key, EVP_PKEY *peer, struct buf *secret,
                               struct err *err)
{
    const struct curve *ours = curve_of(key->public), *theirs = curve_of(peer);
    AUTO_BUF point = BUF_INIT(1 + 2 * P384_LEN);
    char *room = buf_room(&point, point.max);
    size_t len = 0;

    if (ours == NULL || ours != theirs || room == NULL ||
        EVP_PKEY_get_octet_string_param(peer, OSSL_PKEY_PARAM_PUB_KEY, (unsigned char *)room,
                                        point.max, &len) != 1)
        return err_set(err, RESULT_KEY, "the key cannot agree on a secret: not on the same curve?");
    buf_grew(&point, len);
    return hsm_agree(key->token, &key->found, &point, ours->size, secret, err);
}

enum result private_agree(struct private_key *key, EVP_PKEY *peer, struct buf *secret,
                          struct err *err)
{
    if (key->soft != NULL)
        return soft_agree(key->soft, peer, secret, err);
    return token_agree(key, peer, secret, err);
}

static bool oaep_set(EVP_PKEY_CTX *context)
{
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1;
}

static enum result soft_decrypt(EVP_PKEY *key, const struct buf *wrapped, struct buf *plain,
                                struct err *err)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t len = wrapped->len;
    char *room = buf_room(plain, len);
    bool good = context != NULL && room != NULL && EVP_PKEY_decrypt_init(context) == 1 &&
                oaep_set(context) &&
                EVP_PKEY_decrypt(context, (unsigned char *)room, &len,
                                 (const unsigned char *)wrapped->data, wrapped->len) == 1;

    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    if (!good)
        return err_set(err, RESULT_KEY, "what was encrypted does not fit the key, or was altered");
    buf_grew(plain, len);
    return RESULT_OK;
}

enum result private_decrypt(struct private_key *key, const struct buf *wrapped, struct buf *plain,
                            struct err *err)
{
    if (key->soft != NULL)
        return soft_decrypt(key->soft, wrapped, plain, err);
    return hsm_decrypt(key->token, &key->found, wrapped, plain, err);
}
