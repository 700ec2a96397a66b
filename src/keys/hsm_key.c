/*
 * A private key on a token as an EVP_PKEY, by libp11, which never sees the PIN. Never call its
 * PKCS11_login (keeps a copy of the PIN), PKCS11_open_session (closes our session) or
 * PKCS11_get_public_key (leaks).
 */
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ui.h>
#include <string.h>

#include "cryptoki.h"

#define ID_MAX 255

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

static enum result key_missing(struct token *token, const struct uri *uri, struct err *err)
{
    struct objects all;
    AUTO_BUF list = BUF_INIT(8192);

    if (objects_find(token, NULL, CKO_PRIVATE_KEY, &all, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < all.count; i++) {
        buf_puts(&list, i > 0 ? ", " : "");
        object_describe(token, all.handle[i], &list);
    }
    return err_set(err, RESULT_KEY,
                   "no private key on token \"%s\" matches %s (`georder init` makes it); there "
                   "are: %s",
                   token->label, uri->text, all.count > 0 ? buf_text(&list) : "none");
}

/* One key of a type that libp11 does not know makes it list none at all, without a reason. */
static enum result keys_listable(struct token *token, struct err *err)
{
    struct objects all;

    if (objects_find(token, NULL, CKO_PRIVATE_KEY, &all, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < all.count; i++) {
        CK_ULONG type = object_ulong(token, all.handle[i], CKA_KEY_TYPE);
        AUTO_BUF name = BUF_INIT(2048);

        if (type == CKK_RSA || type == CKK_EC)
            continue;
        object_describe(token, all.handle[i], &name);
        return err_set(err, RESULT_KEY,
                       "token \"%s\" also holds the key %s of type %s, and libp11 cannot use a "
                       "token with such a key: keep the audit key on a token of its own",
                       token->label, buf_text(&name), key_type_name(type));
    }
    return RESULT_OK;
}

enum result hsm_key_find(struct token *token, const struct uri *uri, struct hsm_key *out,
                         bool *missing, struct err *err)
{
    struct objects found;
    CK_ULONG type;

    *missing = false;
    if (objects_find(token, uri, CKO_PRIVATE_KEY, &found, err) != RESULT_OK)
        return err->result;
    *missing = found.count == 0;
    if (found.count == 0)
        return key_missing(token, uri, err);
    if (found.count > 1)
        return objects_ambiguous(token, uri, &found, err);
    out->object = found.handle[0];
    type = object_ulong(token, out->object, CKA_KEY_TYPE);
    if (type != CKK_EC)
        return err_set(err, RESULT_KEY,
                       "the key that matches %s is of type %s: the audit key must be EC P-256 "
                       "(or P-384)",
                       uri->text, key_type_name(type));
    out->sensitive = object_flag(token, out->object, CKA_SENSITIVE);
    out->extractable = object_flag(token, out->object, CKA_EXTRACTABLE);
    out->always_authenticate = object_flag(token, out->object, CKA_ALWAYS_AUTHENTICATE);
    if (!out->always_authenticate)
        token_forget_pin(token);
    return RESULT_OK;
}

/* libp11 0.4.12 waits for ever when it gets no session of its own. */
static enum result session_spare(struct token *token, struct err *err)
{
    CK_SESSION_HANDLE session;
    CK_RV rv =
        token->module->f->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL, &session);

    if (rv != CKR_OK)
        return err_ckr(err, rv, "token \"%s\": no second session, which signing needs",
                       token->label);
    (void)token->module->f->C_CloseSession(session);
    return RESULT_OK;
}

static enum result p11_fail(const struct token *token, const char *what, struct err *err)
{
    CK_RV rv = (CK_RV)ERR_GET_REASON(ERR_peek_last_error());

    ERR_clear_error();
    return err_ckr(err, rv, "token \"%s\": libp11 cannot %s", token->label, what);
}

/* The PIN again, for a key that wants it at each signature. */
static int pin_answer(UI *ui, UI_STRING *string)
{
    const struct token *token = UI_get0_user_data(ui);

    if (UI_get_string_type(string) == UIT_PROMPT)
        return UI_set_result_ex(ui, string, buf_text(&token->pin), (int)token->pin.len) == 0;
    return 1;
}

static enum result p11_start(struct token *token, struct err *err)
{
    struct module *module = token->module;

    if (module->p11 != NULL)
        return RESULT_OK;
    module->p11 = PKCS11_CTX_new();
    if (module->p11 == NULL)
        return err_set(err, RESULT_INTERNAL, "no memory");
    if (PKCS11_CTX_load(module->p11, module->path) != 0)
        return p11_fail(token, "load the module", err);
    if (PKCS11_enumerate_slots(module->p11, &module->p11_slots, &module->p11_slot_count) != 0)
        return p11_fail(token, "list the slots (is one of them out of order?)", err);
    return RESULT_OK;
}

static PKCS11_TOKEN *p11_token(const struct token *token)
{
    const struct module *module = token->module;

    for (unsigned i = 0; i < module->p11_slot_count; i++)
        if (PKCS11_get_slotid_from_slot(&module->p11_slots[i]) == token->slot)
            return module->p11_slots[i].token;
    return NULL;
}

/* By CKA_ID and label, as libp11 hides its handles; two of a kind cannot be told apart. */
static enum result p11_key(struct token *token, CK_OBJECT_HANDLE object, PKCS11_KEY **out,
                           struct err *err)
{
    PKCS11_TOKEN *p11 = p11_token(token);
    PKCS11_KEY *keys = NULL;
    unsigned count = 0, same = 0;
    AUTO_BUF id = BUF_INIT(ID_MAX);
    AUTO_BUF label = BUF_INIT(ID_MAX);

    if (object_bytes(token, object, CKA_ID, &id, err) != RESULT_OK ||
        object_bytes(token, object, CKA_LABEL, &label, err) != RESULT_OK)
        return err->result;
    if (p11 == NULL || PKCS11_enumerate_keys(p11, &keys, &count) != 0)
        return p11_fail(token, "list the private keys", err);
    for (unsigned i = 0; i < count; i++)
        if (keys[i].id_len == id.len && memcmp(keys[i].id, buf_text(&id), id.len) == 0) {
            *out = &keys[i];
            same++;
        }
    if (same == 1 && id.len > 0)
        return RESULT_OK;
    return err_set(err, RESULT_KEY,
                   "token \"%s\": %u private keys have the CKA_ID of \"%s\" (or it is empty): "
                   "give each key an id of its own",
                   token->label, same, buf_text(&label));
}

static enum result p11_ask_pin(struct token *token, struct err *err)
{
    static UI_METHOD *method;

    if (method == NULL && ((method = UI_create_method("georder")) == NULL ||
                           UI_method_set_reader(method, pin_answer) != 0))
        return err_set(err, RESULT_INTERNAL, "no memory");
    if (PKCS11_set_ui_method(token->module->p11, method, token) != 0)
        return p11_fail(token, "take the PIN for each signature", err);
    return RESULT_OK;
}

enum result hsm_key_open(struct token *token, const struct hsm_key *key, EVP_PKEY **out,
                         struct err *err)
{
    PKCS11_KEY *found = NULL;

    if (keys_listable(token, err) != RESULT_OK || session_spare(token, err) != RESULT_OK ||
        p11_start(token, err) != RESULT_OK)
        return err->result;
    if (key->always_authenticate && p11_ask_pin(token, err) != RESULT_OK)
        return err->result;
    if (p11_key(token, key->object, &found, err) != RESULT_OK)
        return err->result;
    *out = PKCS11_get_private_key(found);
    if (*out == NULL)
        return p11_fail(token, "use the key (is its public key, with the same CKA_ID, missing?)",
                        err);
    return RESULT_OK;
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

static enum result pair_generate(struct token *token, CK_SESSION_HANDLE session,
                                 const CK_ATTRIBUTE *label, CK_ATTRIBUTE id,
                                 CK_OBJECT_HANDLE pair[2], struct err *err)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE public[] = {
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_VERIFY, &yes, sizeof yes},
        {CKA_EC_PARAMS, p256, sizeof p256},
        *label,
        id,
    };
    CK_ATTRIBUTE private[] = {
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},
        {CKA_SIGN, &yes, sizeof yes},
        *label,
        id,
    };
    CK_RV rv = token->module->f->C_GenerateKeyPair(
        session, &mechanism, public, sizeof public / sizeof public[0], private,
        sizeof private / sizeof private[0], &pair[0], &pair[1]);

    if (rv != CKR_OK)
        return err_ckr(err, rv, "token \"%s\": cannot make an EC P-256 key pair", token->label);
    return RESULT_OK;
}

static enum result pair_check(struct token *token, CK_SESSION_HANDLE session,
                              const CK_OBJECT_HANDLE pair[2], struct err *err)
{
    if (object_flag(token, pair[1], CKA_SENSITIVE) && !object_flag(token, pair[1], CKA_EXTRACTABLE))
        return RESULT_OK;
    for (int i = 0; i < 2; i++)
        (void)token->module->f->C_DestroyObject(session, pair[i]);
    return err_set(err, RESULT_KEY,
                   "token \"%s\" made a key that can be extracted, though it was told not to; the "
                   "key was destroyed",
                   token->label);
}

enum result hsm_key_create(struct token *token, const struct uri *uri, struct err *err)
{
    CK_BYTE random[16];
    CK_ATTRIBUTE id = {CKA_ID, random, sizeof random};
    CK_OBJECT_HANDLE pair[2];
    CK_SESSION_HANDLE session;
    enum result result;

    if (label_check(token, uri, err) != RESULT_OK)
        return err->result;
    if (uri_attribute(uri, CKA_ID) != NULL)
        id = *uri_attribute(uri, CKA_ID);
    else if (RAND_bytes(random, sizeof random) != 1)
        return err_set(err, RESULT_INTERNAL, "no random bytes");
    if (token_writable(token, &session, err) != RESULT_OK)
        return err->result;
    result = pair_generate(token, session, uri_attribute(uri, CKA_LABEL), id, pair, err);
    if (result == RESULT_OK)
        result = pair_check(token, session, pair, err);
    (void)token->module->f->C_CloseSession(session);
    return result;
}
