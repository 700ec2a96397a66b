/* Key pairs made on a token: for signing, or for a keystore's recipient. */
#include <openssl/rand.h>
#include <string.h>

#include "cryptoki.h"

#define RSA_BITS 3072

struct kind {
    const char *alg, *what; /* RFC 7518's name; for people */
    CK_MECHANISM_TYPE mechanism;
    CK_ATTRIBUTE_TYPE use, counterpart; /* of the private key, of the public key (0: none) */
    const unsigned char *curve;         /* CKA_EC_PARAMS; NULL: RSA */
    size_t curve_len;
};

static const unsigned char p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const unsigned char p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};

#define ON(curve) (curve), sizeof(curve)
static const struct kind kinds[] = {
    {"ES256", "EC P-256", CKM_EC_KEY_PAIR_GEN, CKA_SIGN, CKA_VERIFY, ON(p256)},
    {"ES384", "EC P-384", CKM_EC_KEY_PAIR_GEN, CKA_SIGN, CKA_VERIFY, ON(p384)},
    {"RS256", "RSA 3072", CKM_RSA_PKCS_KEY_PAIR_GEN, CKA_SIGN, CKA_VERIFY, NULL, 0},
    {"PS256", "RSA 3072", CKM_RSA_PKCS_KEY_PAIR_GEN, CKA_SIGN, CKA_VERIFY, NULL, 0},
    {"ECDH-ES+A256KW", "EC P-256", CKM_EC_KEY_PAIR_GEN, CKA_DERIVE, CKA_DERIVE, ON(p256)},
    {"RSA-OAEP-256", "RSA 3072", CKM_RSA_PKCS_KEY_PAIR_GEN, CKA_DECRYPT, CKA_ENCRYPT, NULL, 0},
};
#undef ON

static const struct kind *kind_find(const char *alg)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].alg, alg) == 0)
            return &kinds[i];
    return NULL;
}

static enum result label_check(struct token *token, const struct uri *uri, struct err *err)
{
    struct objects found;

    if (uri_attribute(uri, CKA_LABEL) == NULL)
        return err_set(err, RESULT_CONFIG, "%s: to make a key, add object=LABEL", uri->text);
    if (objects_find(token, uri, CKO_PRIVATE_KEY, &found, err) != RESULT_OK)
        return err->result;
    if (found.count > 0)
        return err_set(err, RESULT_KEY,
                       "token \"%s\" already holds a private key that matches %s; it was left "
                       "alone",
                       token->label, uri->text);
    return RESULT_OK;
}

/* p11-kit's types know no const; nothing is written through these. */
static CK_ULONG public_template(const struct kind *kind, CK_ATTRIBUTE out[8])
{
    static CK_BBOOL yes = CK_TRUE;
    static CK_ULONG bits = RSA_BITS;
    static CK_BYTE exponent[] = {0x01, 0x00, 0x01};
    union {
        const unsigned char *in;
        void *out;
    } curve = {.in = kind->curve};
    CK_ULONG count = 0;

    out[count++] = (CK_ATTRIBUTE){CKA_TOKEN, &yes, sizeof yes};
    out[count++] = (CK_ATTRIBUTE){kind->counterpart, &yes, sizeof yes};
    if (kind->curve != NULL) {
        out[count++] = (CK_ATTRIBUTE){CKA_EC_PARAMS, curve.out, kind->curve_len};
        return count;
    }
    out[count++] = (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof bits};
    out[count++] = (CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, exponent, sizeof exponent};
    return count;
}

static enum result pair_generate(struct token *token, CK_SESSION_HANDLE session,
                                 const struct kind *kind, const CK_ATTRIBUTE *label,
                                 CK_ATTRIBUTE id, CK_OBJECT_HANDLE pair[2], struct err *err)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_MECHANISM mechanism = {kind->mechanism, NULL, 0};
    CK_ATTRIBUTE public[8];
    CK_ATTRIBUTE private[] = {
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},
        {kind->use, &yes, sizeof yes},
        *label,
        id,
    };
    CK_ULONG count = public_template(kind, public);
    CK_RV rv;

    public[count++] = *label;
    public[count++] = id;
    rv =
        token->module->f->C_GenerateKeyPair(session, &mechanism, public, count, private,
                                            sizeof private / sizeof private[0], &pair[0], &pair[1]);
    if (rv == CKR_OK)
        return RESULT_OK;
    (void)err_ckr(token->module, err, rv, "token \"%s\": cannot make an %s key pair for %s",
                  token->label, kind->what, kind->alg);
    return ckr_unable(rv) ? hsm_other_way(err, kind->alg) : err->result;
}

static enum result pair_destroy(struct token *token, CK_SESSION_HANDLE session,
                                const CK_OBJECT_HANDLE pair[2], struct err *err)
{
    CK_RV rv = CKR_OK;

    for (int i = 0; i < 2; i++) {
        CK_RV one = token->module->f->C_DestroyObject(session, pair[i]);

        rv = rv == CKR_OK ? one : rv;
    }
    return err_prefix(err, rv == CKR_OK ? "the new key was destroyed"
                                        : "the new key could not be destroyed, do it with the "
                                          "token's tool");
}

static enum result pair_check(struct token *token, CK_SESSION_HANDLE session,
                              const CK_OBJECT_HANDLE pair[2], struct err *err)
{
    bool sensitive = false, extractable = true;

    if (object_flag(token, pair[1], CKA_SENSITIVE, &sensitive, err) != RESULT_OK ||
        object_flag(token, pair[1], CKA_EXTRACTABLE, &extractable, err) != RESULT_OK)
        return pair_destroy(token, session, pair, err);
    if (sensitive && !extractable)
        return RESULT_OK;
    (void)err_set(err, RESULT_KEY,
                  "token \"%s\" made a key that can be extracted, though it was told not to",
                  token->label);
    return pair_destroy(token, session, pair, err);
}

enum result hsm_key_create(struct token *token, const struct uri *uri, const char *alg,
                           struct err *err)
{
    const struct kind *kind = kind_find(alg);
    CK_BYTE random[16];
    CK_ATTRIBUTE id = {CKA_ID, random, sizeof random};
    CK_OBJECT_HANDLE pair[2];
    CK_SESSION_HANDLE session;
    enum result result;

    if (kind == NULL)
        return err_set(err, RESULT_USAGE,
                       "there is no key for %s: take ES256, ES384, RS256 or PS256 to sign, "
                       "ECDH-ES+A256KW or RSA-OAEP-256 for a keystore",
                       alg);
    if (label_check(token, uri, err) != RESULT_OK)
        return err->result;
    if (uri_attribute(uri, CKA_ID) != NULL)
        id = *uri_attribute(uri, CKA_ID);
    else if (RAND_bytes(random, sizeof random) != 1)
        return err_set(err, RESULT_INTERNAL, "no random bytes");
    if (token_writable(token, &session, err) != RESULT_OK)
        return err->result;
    result = pair_generate(token, session, kind, uri_attribute(uri, CKA_LABEL), id, pair, err);
    if (result == RESULT_OK)
        result = pair_check(token, session, pair, err);
    (void)token->module->f->C_CloseSession(session);
    return result;
}
