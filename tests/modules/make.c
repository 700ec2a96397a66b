/* What the tests put on a token: keys as georder makes them, and data objects. */
#include <string.h>

#include "cryptoki.h"

#define ID_LEN 8
#define OID(...)                                                                                   \
    sizeof(const unsigned char[]){__VA_ARGS__},                                                    \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
static const struct kind {
    const char *name;
    CK_MECHANISM_TYPE mechanism;
    CK_ULONG bits; /* of RSA */
    bool derive, decrypt;
    size_t len;
    unsigned char params[16]; /* DER of the curve's name */
} kinds[] = {
    {"ec256", CKM_EC_KEY_PAIR_GEN, 0, false, false,
     OID(6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7)},
    {"ec384", CKM_EC_KEY_PAIR_GEN, 0, false, false, OID(6, 5, 0x2b, 0x81, 4, 0, 0x22)},
    {"ec256-derive", CKM_EC_KEY_PAIR_GEN, 0, true, false,
     OID(6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7)},
    {"rsa2048", CKM_RSA_PKCS_KEY_PAIR_GEN, 2048, false, false, 0, {0}},
    {"rsa3072", CKM_RSA_PKCS_KEY_PAIR_GEN, 3072, false, false, 0, {0}},
    {"rsa3072-decrypt", CKM_RSA_PKCS_KEY_PAIR_GEN, 3072, false, true, 0, {0}},
    {"ed25519", CKM_EC_EDWARDS_KEY_PAIR_GEN, 0, false, false, OID(6, 3, 0x2b, 0x65, 0x70)},
};

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

struct template
{
    CK_ATTRIBUTE attributes[16];
    CK_ULONG count;
};

static void put(struct template *template, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
    CK_ATTRIBUTE *attribute = &template->attributes[template->count++];

    *attribute = (CK_ATTRIBUTE){.type = type, .ulValueLen = len};
    memcpy(&attribute->pValue, &value, sizeof value); /* Cryptoki knows no const */
}

static const struct kind *kind_find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    fault("%s: no such kind of key", name);
}

static CK_ATTRIBUTE_TYPE use(const struct kind *kind, CK_ATTRIBUTE_TYPE sign)
{
    if (kind->derive)
        return CKA_DERIVE;
    if (kind->decrypt)
        return sign == CKA_SIGN ? CKA_DECRYPT : CKA_ENCRYPT;
    return sign;
}

CK_RV pair_generate(const struct token *token, const char *name, const char *label,
                    struct pair *pair)
{
    static const unsigned char exponent[] = {1, 0, 1};
    const struct kind *kind = kind_find(name);
    CK_MECHANISM mechanism = {kind->mechanism, NULL, 0};
    struct template public = {.count = 0}, private = {.count = 0}, *both[] = {&public, &private};
    unsigned char id[ID_LEN];

    must("C_GenerateRandom", token->f->C_GenerateRandom(token->session, id, sizeof id));
    for (size_t i = 0; i < 2; i++) {
        put(both[i], CKA_TOKEN, &yes, sizeof yes);
        put(both[i], CKA_LABEL, label, strlen(label));
        put(both[i], CKA_ID, id, sizeof id);
    }
    if (kind->bits > 0) {
        put(&public, CKA_MODULUS_BITS, &kind->bits, sizeof kind->bits);
        put(&public, CKA_PUBLIC_EXPONENT, exponent, sizeof exponent);
    } else {
        put(&public, CKA_EC_PARAMS, kind->params, kind->len);
    }
    put(&public, use(kind, CKA_VERIFY), &yes, sizeof yes);
    put(&private, use(kind, CKA_SIGN), &yes, sizeof yes);
    put(&private, CKA_PRIVATE, &yes, sizeof yes);
    put(&private, CKA_SENSITIVE, &yes, sizeof yes);
    put(&private, CKA_EXTRACTABLE, &no, sizeof no);
    return token->f->C_GenerateKeyPair(token->session, &mechanism, public.attributes, public.count,
                                       private.attributes, private.count, &pair->public,
                                       &pair->private);
}

CK_RV data_create(const struct token *token, const char *label, const void *value, size_t len,
                  CK_OBJECT_HANDLE *object)
{
    static const CK_OBJECT_CLASS class = CKO_DATA;
    static const char application[] = "georder";
    struct template data = {.count = 0};

    put(&data, CKA_CLASS, &class, sizeof class);
    put(&data, CKA_TOKEN, &yes, sizeof yes);
    put(&data, CKA_PRIVATE, &yes, sizeof yes);
    put(&data, CKA_MODIFIABLE, &yes, sizeof yes);
    put(&data, CKA_LABEL, label, strlen(label));
    put(&data, CKA_APPLICATION, application, sizeof application - 1);
    put(&data, CKA_VALUE, value, len);
    return token->f->C_CreateObject(token->session, data.attributes, data.count, object);
}
