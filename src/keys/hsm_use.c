/* What a private key on a token does: sign, agree, decrypt. */
#include <openssl/rsa.h>
#include <string.h>

#include "cryptoki.h"

/* What a token of this kind can do instead, as measured on the five modules of the tests. */
enum result hsm_other_way(struct err *err, const char *alg)
{
    static const struct {
        const char *alg, *other;
    } ways[] = {
        {"ES256", "take an RSA key: RS256"},
        {"ES384", "take an EC P-256 key (ES256) or an RSA key (RS256)"},
        {"RS256", "take an EC P-256 key: ES256"},
        {"PS256", "the same RSA key can sign by RS256 (audit.signing_algorithm)"},
        {"ECDH-ES+A256KW", "make the recipient an RSA key: RSA-OAEP-256"},
        {"RSA-OAEP-256", "make the recipient an EC P-256 key: ECDH-ES+A256KW"},
    };
    AUTO_BUF text = BUF_INIT(sizeof err->text);

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(ways[i].alg, alg) == 0)
            buf_printf(&text, "%s; %s", err->text, ways[i].other);
    return buf_ok(&text) && text.len > 0 ? err_set(err, RESULT_KEY, "%s", buf_text(&text))
                                         : err->result;
}

static const char *alg_of(CK_MECHANISM_TYPE mechanism, size_t len)
{
    switch (mechanism) {
    case CKM_RSA_PKCS:
        return "RS256";
    case CKM_RSA_PKCS_PSS:
        return "PS256";
    default:
        return len > 32 ? "ES384" : "ES256";
    }
}

static enum result use_failed(struct token *token, CK_RV rv, const char *what, const char *alg,
                              struct err *err)
{
    (void)err_ckr(token->module, err, rv, "token \"%s\": cannot %s (%s)", token->label, what, alg);
    return ckr_unable(rv) ? hsm_other_way(err, alg) : err->result;
}

/* Behind each *Init for a key that wants the PIN every time. A PIN that was refused is never tried
 * again: the next wrong one might lock the token. */
static enum result login_again(struct token *token, const struct hsm_key *key, struct err *err)
{
    bool pad = token->pin.len == 0;
    CK_RV rv;

    if (!key->always_authenticate)
        return RESULT_OK;
    rv = token->module->f->C_Login(token->session, CKU_CONTEXT_SPECIFIC,
                                   pad ? NULL : (CK_UTF8CHAR *)token->pin.data,
                                   pad ? 0 : token->pin.len);
    if (rv == CKR_OK)
        return RESULT_OK;
    buf_free(&token->pin);
    (void)err_ckr(token->module, &token->refusal, rv,
                  "token \"%s\": the key wants the PIN at each use", token->label);
    *err = token->refusal;
    return err->result;
}

/* CKM_ECDSA and CKM_RSA_PKCS take none. */
static void mechanism_fill(CK_MECHANISM *mechanism, CK_RSA_PKCS_PSS_PARAMS *pss)
{
    if (mechanism->mechanism != CKM_RSA_PKCS_PSS)
        return;
    mechanism->pParameter = pss;
    mechanism->ulParameterLen = sizeof *pss;
}

static CK_RV sign_bytes(struct token *token, const void *bytes, size_t len, struct buf *signature)
{
    unsigned char copy[128]; /* a digest, or its DigestInfo */
    char *room = buf_room(signature, signature->max - signature->len);
    CK_ULONG got = signature->max - signature->len;
    CK_RV rv;

    if (len > sizeof copy || room == NULL)
        return CKR_HOST_MEMORY;
    memcpy(copy, bytes, len);
    rv = token->module->f->C_Sign(token->session, copy, len, (CK_BYTE *)room, &got);
    if (rv == CKR_OK)
        buf_grew(signature, got);
    return rv;
}

enum result hsm_sign(struct token *token, const struct hsm_key *key, CK_MECHANISM_TYPE mechanism,
                     const void *bytes, size_t len, struct buf *signature, struct err *err)
{
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, SHA256_LEN};
    CK_MECHANISM how = {mechanism, NULL, 0};
    const char *alg = alg_of(mechanism, len);
    CK_RV rv;

    if (token->refusal.result != RESULT_OK) {
        *err = token->refusal;
        return err->result;
    }
    mechanism_fill(&how, &pss);
    rv = token->module->f->C_SignInit(token->session, &how, key->object);
    if (rv == CKR_OK) {
        if (login_again(token, key, err) != RESULT_OK)
            return err->result;
        rv = sign_bytes(token, bytes, len, signature);
    }
    return rv == CKR_OK ? RESULT_OK : use_failed(token, rv, "sign", alg, err);
}

static CK_RV derive(struct token *token, const struct hsm_key *key, CK_MECHANISM *mechanism,
                    CK_ULONG size, CK_OBJECT_HANDLE *out)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},   {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_TOKEN, &no, sizeof no},         {CKA_SENSITIVE, &no, sizeof no},
        {CKA_EXTRACTABLE, &yes, sizeof yes}, {CKA_VALUE_LEN, &size, sizeof size},
    };

    return token->module->f->C_DeriveKey(token->session, mechanism, key->object, template,
                                         sizeof template / sizeof *template, out);
}

enum result hsm_agree(struct token *token, const struct hsm_key *key, const struct buf *point,
                      size_t size, struct buf *secret, struct err *err)
{
    CK_ECDH1_DERIVE_PARAMS params = {
        .kdf = CKD_NULL, .ulPublicDataLen = point->len, .pPublicData = (CK_BYTE *)point->data};
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &params, sizeof params};
    CK_OBJECT_HANDLE derived = CK_INVALID_HANDLE;
    CK_RV rv = derive(token, key, &mechanism, size, &derived);
    enum result result;

    if (rv != CKR_OK)
        return use_failed(token, rv, "agree on a secret", "ECDH-ES+A256KW", err);
    result = object_bytes(token, derived, CKA_VALUE, secret, err);
    (void)token->module->f->C_DestroyObject(token->session, derived);
    if (result == RESULT_OK && secret->len != size)
        return err_set(err, RESULT_KEY, "token \"%s\": the secret has %zu bytes, not %zu",
                       token->label, secret->len, size);
    return result;
}

static CK_RV decrypt(struct token *token, const struct hsm_key *key, CK_MECHANISM *mechanism,
                     const struct buf *in, struct buf *out, struct err *err)
{
    CK_FUNCTION_LIST *f = token->module->f;
    CK_ULONG got = in->len;
    char *room = buf_room(out, in->len);
    CK_RV rv = f->C_DecryptInit(token->session, mechanism, key->object);

    if (rv != CKR_OK || room == NULL)
        return room == NULL ? CKR_HOST_MEMORY : rv;
    if (login_again(token, key, err) != RESULT_OK)
        return CKR_PIN_INCORRECT;
    rv = f->C_Decrypt(token->session, (CK_BYTE *)in->data, in->len, (CK_BYTE *)room, &got);
    if (rv == CKR_OK)
        buf_grew(out, got);
    return rv;
}

/* libcrypto's own check of the padding, in constant time: 3.0 has no other name for it. */
static bool padding_open(const struct buf *padded, size_t size, struct buf *plain)
{
    char *room = buf_room(plain, size);
    int len;

    if (room == NULL || padded->len > size)
        return false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    len = RSA_padding_check_PKCS1_OAEP_mgf1((unsigned char *)room, (int)size,
                                            (const unsigned char *)padded->data, (int)padded->len,
                                            (int)size, NULL, 0, EVP_sha256(), EVP_sha256());
#pragma GCC diagnostic pop
    if (len < 0)
        return false;
    buf_grew(plain, (size_t)len);
    return true;
}

/* SoftHSM 2.6 takes OAEP with SHA-1 alone, but RSA without any padding, too. What is decrypted is
 * our own file, so nobody can ask this for the padding of a text of theirs. */
static enum result decrypt_raw(struct token *token, const struct hsm_key *key,
                               const struct buf *wrapped, struct buf *plain, CK_RV before,
                               struct err *err)
{
    CK_MECHANISM mechanism = {CKM_RSA_X_509, NULL, 0};
    AUTO_BUF padded = BUF_SECRET(4096);
    CK_RV rv = decrypt(token, key, &mechanism, wrapped, &padded, err);

    if (rv != CKR_OK)
        return use_failed(token, before, "decrypt", "RSA-OAEP-256", err);
    if (!padding_open(&padded, wrapped->len, plain))
        return err_set(err, RESULT_KEY,
                       "token \"%s\": what was encrypted does not fit the key, or was altered",
                       token->label);
    return RESULT_OK;
}

enum result hsm_decrypt(struct token *token, const struct hsm_key *key, const struct buf *wrapped,
                        struct buf *plain, struct err *err)
{
    CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep};
    CK_RV rv = decrypt(token, key, &mechanism, wrapped, plain, err);

    if (token->refusal.result != RESULT_OK) {
        *err = token->refusal;
        return err->result;
    }
    if (ckr_unable(rv))
        return decrypt_raw(token, key, wrapped, plain, rv, err);
    return rv == CKR_OK ? RESULT_OK : use_failed(token, rv, "decrypt", "RSA-OAEP-256", err);
}
