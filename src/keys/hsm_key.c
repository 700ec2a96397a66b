/* A private key on a token: which one, what it is, and its public half. */
#include <openssl/objects.h>
#include <string.h>

#include "cryptoki.h"
#include "jwk.h"

#define NUMBER_MAX 1024 /* bytes of an RSA modulus or an EC point, generously */

static const char *key_type_name(CK_ULONG type)
{
    switch (type) {
    case CKK_RSA:
        return "RSA";
    case CKK_EC:
        return "EC";
    case CKK_EC_EDWARDS:
        return "Ed25519";
    default:
        return "other than RSA or EC";
    }
}

static void key_describe(const struct hsm_key *key, struct buf *out)
{
    buf_puts(out, out->len > 0 ? ", \"" : "\"");
    text_escape(out, (const char *)key->label, key->label_len);
    buf_putc(out, '"');
    if (key->id_len == 0)
        return;
    buf_puts(out, " (id ");
    for (size_t i = 0; i < key->id_len; i++)
        buf_printf(out, "%%%02x", (unsigned)key->id[i]);
    buf_putc(out, ')');
}

static size_t length_of(const CK_ATTRIBUTE *attribute)
{
    return attribute->ulValueLen == CK_UNAVAILABLE_INFORMATION ? 0 : attribute->ulValueLen;
}

/* All in one call, as each costs a round to the device. What a key has not stays empty. */
static enum result key_look(struct token *token, struct hsm_key *out, struct err *err)
{
    CK_BBOOL sensitive = CK_FALSE, extractable = CK_FALSE, always = CK_FALSE;
    CK_ATTRIBUTE wanted[] = {
        {CKA_KEY_TYPE, &out->type, sizeof out->type},
        {CKA_ID, out->id, sizeof out->id},
        {CKA_LABEL, out->label, sizeof out->label},
        {CKA_SENSITIVE, &sensitive, sizeof sensitive},
        {CKA_EXTRACTABLE, &extractable, sizeof extractable},
        {CKA_ALWAYS_AUTHENTICATE, &always, sizeof always},
    };
    CK_RV rv = token->module->f->C_GetAttributeValue(token->session, out->object, wanted,
                                                     sizeof wanted / sizeof wanted[0]);

    if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID)
        return err_ckr(token->module, err, rv, "token \"%s\": cannot look at a private key",
                       token->label);
    out->id_len = length_of(&wanted[1]);
    out->label_len = length_of(&wanted[2]);
    out->sensitive = sensitive != CK_FALSE;
    out->extractable = extractable != CK_FALSE;
    out->always_authenticate = always != CK_FALSE;
    return RESULT_OK;
}

static bool key_matches(const struct uri *uri, struct hsm_key *key)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE has[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_ID, key->id, key->id_len},
        {CKA_LABEL, key->label, key->label_len},
    };

    return p11_kit_uri_match_attributes(uri->match, has, sizeof has / sizeof has[0]);
}

struct keys_seen {
    size_t matching;
    struct buf all, matched;
    struct hsm_key key; /* the last that matched */
};

static void keys_seen_free(struct keys_seen *seen)
{
    buf_free(&seen->all);
    buf_free(&seen->matched);
}

static enum result keys_look(struct token *token, const struct uri *uri, struct keys_seen *seen,
                             struct err *err)
{
    struct objects all;

    if (objects_find(token, NULL, CKO_PRIVATE_KEY, &all, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < all.count; i++) {
        struct hsm_key key = {.object = all.handle[i]};

        if (key_look(token, &key, err) != RESULT_OK)
            return err->result;
        key_describe(&key, &seen->all);
        if (!key_matches(uri, &key))
            continue;
        seen->key = key;
        seen->matching++;
        key_describe(&key, &seen->matched);
    }
    return RESULT_OK;
}

static enum result key_choose(const struct token *token, const struct uri *uri,
                              const struct keys_seen *seen, struct err *err)
{
    if (seen->matching == 0)
        return err_set(err, RESULT_KEY,
                       "no private key on token \"%s\" matches %s (`georder init` makes it); "
                       "there are: %s",
                       token->label, uri->text, seen->all.len > 0 ? buf_text(&seen->all) : "none");
    if (seen->matching > 1)
        return err_set(err, RESULT_KEY, "%zu private keys on token \"%s\" match %s: %s",
                       seen->matching, token->label, uri->text, buf_text(&seen->matched));
    if (seen->key.type != CKK_EC && seen->key.type != CKK_RSA)
        return err_set(err, RESULT_KEY,
                       "the key that matches %s is of type %s: it must be EC P-256 or P-384, or "
                       "RSA of 2048 to 4096 bits",
                       uri->text, key_type_name(seen->key.type));
    return RESULT_OK;
}

enum result hsm_key_find(struct token *token, const struct uri *uri, struct hsm_key *out,
                         bool *missing, struct err *err)
{
    __attribute__((cleanup(keys_seen_free))) struct keys_seen seen = {.all = BUF_INIT(65536),
                                                                      .matched = BUF_INIT(65536)};

    *missing = false;
    if (keys_look(token, uri, &seen, err) != RESULT_OK)
        return err->result;
    *missing = seen.matching == 0;
    if (key_choose(token, uri, &seen, err) != RESULT_OK)
        return err->result;
    *out = seen.key;
    token->pin_needed = token->pin_needed || out->always_authenticate;
    return RESULT_OK;
}

/* The public key object of the same CKA_ID (without one: of the same label). Where a token keeps
 * none, the private key itself may show the numbers. */
static enum result public_object(struct token *token, const struct hsm_key *key,
                                 CK_OBJECT_HANDLE *out, struct err *err)
{
    struct hsm_key copy = *key;
    CK_ATTRIBUTE same = {CKA_ID, copy.id, copy.id_len};
    struct objects found;
    AUTO_BUF name = BUF_INIT(4096);

    if (key->id_len == 0)
        same = (CK_ATTRIBUTE){CKA_LABEL, copy.label, copy.label_len};
    if (objects_like(token, CKO_PUBLIC_KEY, &same, &found, err) != RESULT_OK)
        return err->result;
    *out = found.count == 1 ? found.handle[0] : key->object;
    if (found.count <= 1)
        return RESULT_OK;
    key_describe(key, &name);
    return err_set(err, RESULT_KEY,
                   "token \"%s\": %zu public keys have the CKA_ID or label of %s: give each key "
                   "pair an id of its own",
                   token->label, found.count, buf_text(&name));
}

/* CKA_EC_POINT is an OCTET STRING by PKCS#11 2.20; some modules give the bare point. */
static const char *point_bytes(const struct buf *attribute, size_t *len)
{
    const unsigned char *at = (const unsigned char *)attribute->data;

    *len = attribute->len;
    if (*len < 2 || at[0] != 0x04 || at[1] != *len - 2 || at[1] > 0x7f)
        return attribute->data;
    *len -= 2;
    return attribute->data + 2;
}

static const struct curve *curve_on(const struct buf *parameters)
{
    const unsigned char *at = (const unsigned char *)parameters->data;
    ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, (long)parameters->len);
    int nid = object != NULL ? OBJ_obj2nid(object) : NID_undef;

    ASN1_OBJECT_free(object);
    return nid == NID_X9_62_prime256v1 ? curve_named("P-256")
           : nid == NID_secp384r1      ? curve_named("P-384")
                                       : NULL;
}

static enum result ec_public(struct token *token, CK_OBJECT_HANDLE object, EVP_PKEY **out,
                             struct err *err)
{
    AUTO_BUF parameters = BUF_INIT(NUMBER_MAX), point = BUF_INIT(NUMBER_MAX);
    AUTO_BUF bare = BUF_INIT(NUMBER_MAX);
    const struct curve *curve;
    const char *bytes;
    size_t len;

    if (object_bytes(token, object, CKA_EC_PARAMS, &parameters, err) != RESULT_OK ||
        object_bytes(token, object, CKA_EC_POINT, &point, err) != RESULT_OK)
        return err->result;
    curve = parameters.len > 0 ? curve_on(&parameters) : NULL;
    if (parameters.len > 0 && curve == NULL)
        return err_set(err, RESULT_KEY,
                       "token \"%s\": the key is on a curve that is neither P-256 nor P-384",
                       token->label);
    if (curve != NULL && point.len > 0) {
        bytes = point_bytes(&point, &len);
        buf_put(&bare, bytes, len);
        *out = pkey_ec_public(curve, &bare);
    }
    return RESULT_OK;
}

static enum result rsa_public(struct token *token, CK_OBJECT_HANDLE object, EVP_PKEY **out,
                              struct err *err)
{
    AUTO_BUF modulus = BUF_INIT(NUMBER_MAX), exponent = BUF_INIT(NUMBER_MAX);

    if (object_bytes(token, object, CKA_MODULUS, &modulus, err) != RESULT_OK ||
        object_bytes(token, object, CKA_PUBLIC_EXPONENT, &exponent, err) != RESULT_OK)
        return err->result;
    if (modulus.len > 0 && exponent.len > 0)
        *out = pkey_rsa_public(&modulus, &exponent);
    return RESULT_OK;
}

enum result hsm_key_public(struct token *token, const struct hsm_key *key, EVP_PKEY **out,
                           struct err *err)
{
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    AUTO_BUF name = BUF_INIT(4096);

    *out = NULL;
    if (public_object(token, key, &object, err) != RESULT_OK ||
        (key->type == CKK_EC ? ec_public : rsa_public)(token, object, out, err) != RESULT_OK)
        return err->result;
    if (*out != NULL)
        return RESULT_OK;
    key_describe(key, &name);
    return err_set(err, RESULT_KEY,
                   "token \"%s\" does not show the public key of %s: its public key object, with "
                   "the same CKA_ID, is missing",
                   token->label, buf_text(&name));
}
