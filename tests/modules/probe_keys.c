#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "probe.h"
#include "software.h"

/* The key pair under test. */
struct subject {
    const struct token *token;
    const char *kind;
    struct pair pair;
    EVP_PKEY *public;
};

static CK_RV attribute_read(const struct token *token, CK_OBJECT_HANDLE object,
                            CK_ATTRIBUTE_TYPE type, struct bytes *out)
{
    CK_ATTRIBUTE attribute = {type, out->data, sizeof out->data};
    CK_RV rv = token->f->C_GetAttributeValue(token->session, object, &attribute, 1);

    out->len = rv == CKR_OK ? attribute.ulValueLen : 0;
    return rv == CKR_OK && out->len == 0 ? CKR_ATTRIBUTE_TYPE_INVALID : rv;
}

static CK_RV sign(const struct token *token, CK_OBJECT_HANDLE key, CK_MECHANISM *mechanism,
                  const struct bytes *input, struct bytes *signature, const char **call)
{
    struct bytes copy = *input;
    CK_RV rv = token->f->C_SignInit(token->session, mechanism, key);

    *call = "C_SignInit";
    if (rv != CKR_OK)
        return rv;
    *call = "C_Sign";
    signature->len = sizeof signature->data;
    return token->f->C_Sign(token->session, copy.data, copy.len, signature->data, &signature->len);
}

/* `padding` and `hash`: how OpenSSL verifies it. */
static void row_sign(const struct subject *subject, const char *name, CK_MECHANISM mechanism,
                     struct bytes input, const char *hash, int padding)
{
    struct bytes signature;
    const char *call;
    CK_RV rv = sign(subject->token, subject->pair.private, &mechanism, &input, &signature, &call);

    if (rv != CKR_OK)
        row_rv(name, call, rv);
    else
        row(name,
            signature_fits(subject->public, hash, padding, &signature) ? "ok" : "wrong signature");
}

static struct bytes message(void)
{
    static const char text[] = "what the token signs";
    struct bytes out = {.len = sizeof text - 1};

    memcpy(out.data, text, out.len);
    return out;
}

static void probe_ec(const struct subject *subject)
{
    bool p256 = strcmp(subject->kind, "ec256") == 0;
    const char *hash = p256 ? "SHA256" : "SHA384";
    CK_MECHANISM bare = {CKM_ECDSA, NULL, 0};
    CK_MECHANISM hashing = {p256 ? CKM_ECDSA_SHA256 : CKM_ECDSA_SHA384, NULL, 0};

    row_sign(subject, p256 ? "ES256" : "ES384", bare, digest_make(hash), hash, 0);
    row_sign(subject, p256 ? "ES256_token_hashes" : "ES384_token_hashes", hashing, message(), hash,
             0);
}

static void probe_rsa(const struct subject *subject)
{
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    size_t size = (size_t)EVP_PKEY_get_size(subject->public);

    row_sign(subject, "RS256", (CK_MECHANISM){CKM_RSA_PKCS, NULL, 0}, digest_info(), "SHA256",
             RSA_PKCS1_PADDING);
    row_sign(subject, "RS256_token_hashes", (CK_MECHANISM){CKM_SHA256_RSA_PKCS, NULL, 0}, message(),
             "SHA256", RSA_PKCS1_PADDING);
    row_sign(subject, "PS256", (CK_MECHANISM){CKM_RSA_PKCS_PSS, &pss, sizeof pss},
             digest_make("SHA256"), "SHA256", RSA_PKCS1_PSS_PADDING);
    row_sign(subject, "PS256_token_hashes",
             (CK_MECHANISM){CKM_SHA256_RSA_PKCS_PSS, &pss, sizeof pss}, message(), "SHA256",
             RSA_PKCS1_PSS_PADDING);
    row_sign(subject, "raw_RSA_sign", (CK_MECHANISM){CKM_RSA_X_509, NULL, 0}, digest_padded(size),
             "SHA256", RSA_PKCS1_PADDING);
}

static CK_RV derive(const struct subject *subject, struct bytes *point, struct bytes *secret,
                    const char **call)
{
    const struct token *token = subject->token;
    CK_ECDH1_DERIVE_PARAMS params = {CKD_NULL, 0, NULL, point->len, point->data};
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &params, sizeof params};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG len = 32;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},   {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_TOKEN, &no, sizeof no},         {CKA_SENSITIVE, &no, sizeof no},
        {CKA_EXTRACTABLE, &yes, sizeof yes}, {CKA_VALUE_LEN, &len, sizeof len},
    };
    CK_OBJECT_HANDLE key;
    CK_RV rv = token->f->C_DeriveKey(token->session, &mechanism, subject->pair.private, template,
                                     sizeof template / sizeof template[0], &key);

    *call = "C_DeriveKey";
    if (rv != CKR_OK)
        return rv;
    *call = "C_GetAttributeValue";
    return attribute_read(token, key, CKA_VALUE, secret);
}

static void row_derive(const struct subject *subject, const char *name, bool wrapped)
{
    struct bytes point, given = {.len = 0}, secret = {.len = 0}, expected;
    EVP_PKEY *own = ec_ephemeral(&point);
    const char *call;
    CK_RV rv;

    if (wrapped)
        given = (struct bytes){.data = {4, (unsigned char)point.len}, .len = 2};
    memcpy(given.data + given.len, point.data, point.len);
    given.len += point.len;
    rv = derive(subject, &given, &secret, &call);
    expected = ec_agree(own, subject->public);
    if (rv != CKR_OK)
        row_rv(name, call, rv);
    else
        row(name, secret.len == expected.len && memcmp(secret.data, expected.data, secret.len) == 0
                      ? "ok"
                      : "another secret");
    EVP_PKEY_free(own);
}

static void probe_derive(const struct subject *subject)
{
    row_derive(subject, "ECDH", false);
    row_derive(subject, "ECDH_wrapped_point", true);
}

static CK_RV decrypt(const struct subject *subject, CK_MECHANISM *mechanism, struct bytes *cipher,
                     struct bytes *plain, const char **call)
{
    CK_FUNCTION_LIST *f = subject->token->f;
    CK_SESSION_HANDLE session = subject->token->session;
    CK_RV rv = f->C_DecryptInit(session, mechanism, subject->pair.private);

    *call = "C_DecryptInit";
    if (rv != CKR_OK)
        return rv;
    *call = "C_Decrypt";
    plain->len = sizeof plain->data;
    return f->C_Decrypt(session, cipher->data, cipher->len, plain->data, &plain->len);
}

static void row_decrypt(const struct subject *subject, const char *name, CK_MECHANISM mechanism,
                        int padding, const char *hash, const struct bytes *plain)
{
    struct bytes cipher = encrypted(subject->public, padding, hash, plain), back;
    const char *call;
    CK_RV rv = decrypt(subject, &mechanism, &cipher, &back, &call);

    if (rv != CKR_OK)
        row_rv(name, call, rv);
    else
        row(name, back.len == plain->len && memcmp(back.data, plain->data, back.len) == 0
                      ? "ok"
                      : "another plaintext");
}

static void probe_decrypt(const struct subject *subject)
{
    CK_RSA_PKCS_OAEP_PARAMS sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    struct bytes plain = digest_make("SHA256");
    struct bytes block = digest_padded((size_t)EVP_PKEY_get_size(subject->public));

    row_decrypt(subject, "OAEP_SHA256", (CK_MECHANISM){CKM_RSA_PKCS_OAEP, &sha256, sizeof sha256},
                RSA_PKCS1_OAEP_PADDING, "SHA256", &plain);
    row_decrypt(subject, "OAEP_SHA1", (CK_MECHANISM){CKM_RSA_PKCS_OAEP, &sha1, sizeof sha1},
                RSA_PKCS1_OAEP_PADDING, "SHA1", &plain);
    row_decrypt(subject, "raw_RSA_decrypt", (CK_MECHANISM){CKM_RSA_X_509, NULL, 0}, RSA_NO_PADDING,
                NULL, &block);
}

/* Where the public half can be read: on the private object, the public one, both. */
static const char *public_where(const struct subject *subject, CK_ATTRIBUTE_TYPE type,
                                struct bytes *out)
{
    struct bytes own;
    bool private = attribute_read(subject->token, subject->pair.private, type, &own) == CKR_OK;
    bool public = attribute_read(subject->token, subject->pair.public, type, out) == CKR_OK;

    if (!public)
        *out = own;
    if (private)
        return public ? "private and public" : "private";
    return public ? "public" : "nowhere";
}

static void public_read(struct subject *subject)
{
    bool rsa = strncmp(subject->kind, "rsa", 3) == 0;
    struct bytes value, exponent;

    row("public", public_where(subject, rsa ? CKA_MODULUS : CKA_EC_POINT, &value));
    if (!rsa) {
        subject->public =
            ec_public(strcmp(subject->kind, "ec384") == 0 ? "P-384" : "P-256", &value);
        return;
    }
    must("CKA_PUBLIC_EXPONENT",
         attribute_read(subject->token, subject->pair.public, CKA_PUBLIC_EXPONENT, &exponent));
    subject->public = rsa_public(&value, &exponent);
}

static const char *flag_text(const struct subject *subject, CK_ATTRIBUTE_TYPE type)
{
    struct bytes value;
    CK_RV rv = attribute_read(subject->token, subject->pair.private, type, &value);

    if (rv != CKR_OK)
        return ckr_name(rv);
    return value.data[0] == CK_TRUE ? "true" : "false";
}

/* A key pair, what its attributes say, its operations; nothing of it stays. */
static void subject_probe(struct subject *subject, void (*probe)(const struct subject *))
{
    const struct token *token = subject->token;
    CK_RV rv = pair_generate(token, subject->kind, "probe", &subject->pair);

    row_rv("generate", "C_GenerateKeyPair", rv);
    if (rv != CKR_OK)
        return;
    row("sensitive", flag_text(subject, CKA_SENSITIVE));
    row("extractable", flag_text(subject, CKA_EXTRACTABLE));
    public_read(subject);
    probe(subject);
    EVP_PKEY_free(subject->public);
    rv = token->f->C_DestroyObject(token->session, subject->pair.private);
    if (rv == CKR_OK)
        rv = token->f->C_DestroyObject(token->session, subject->pair.public);
    row_rv("destroy", "C_DestroyObject", rv);
}

void probe_key(const struct token *token, const char *kind)
{
    static const struct {
        const char *kind;
        void (*probe)(const struct subject *);
    } checks[] = {
        {"ec256", probe_ec},
        {"ec384", probe_ec},
        {"rsa2048", probe_rsa},
        {"rsa3072", probe_rsa},
        {"ec256-derive", probe_derive},
        {"rsa3072-decrypt", probe_decrypt},
    };
    struct subject subject = {.token = token, .kind = kind};

    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (strcmp(kind, checks[i].kind) == 0) {
            subject_probe(&subject, checks[i].probe);
            return;
        }
    fault("%s: no such check", kind);
}

void probe_sign(const struct token *token, CK_OBJECT_HANDLE key)
{
    struct bytes signature, input = digest_info();
    CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
    CK_KEY_TYPE type = 0;
    /* NSS does not take a longer buffer for a number. */
    CK_ATTRIBUTE attribute = {CKA_KEY_TYPE, &type, sizeof type};
    const char *call;
    CK_RV rv;

    must("CKA_KEY_TYPE", token->f->C_GetAttributeValue(token->session, key, &attribute, 1));
    if (type == CKK_EC) {
        mechanism.mechanism = CKM_ECDSA;
        input = digest_make("SHA256");
    }
    rv = sign(token, key, &mechanism, &input, &signature, &call);
    must(call, rv);
}
