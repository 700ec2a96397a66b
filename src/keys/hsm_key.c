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
static enum result key_look(struct token *token, CK_OBJECT_HANDLE object, struct hsm_key *out,
                            struct err *err)
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
    CK_RV rv = token->module->f->C_GetAttributeValue(token->session, object, wanted,
                                                     sizeof wanted / sizeof wanted[0]);

    if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID)
        return err_ckr(err, rv, "token \"%s\": cannot look at a private key", token->label);
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
    struct buf all, matched, foreign;
    struct hsm_key key, stranger; /* the last that matched, the last that libp11 does not know */
};

static void keys_seen_free(struct keys_seen *seen)
{
    buf_free(&seen->all);
    buf_free(&seen->matched);
    buf_free(&seen->foreign);
}

static enum result keys_look(struct token *token, const struct uri *uri, struct keys_seen *seen,
                             struct err *err)
{
    struct objects all;

    if (objects_find(token, NULL, CKO_PRIVATE_KEY, &all, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < all.count; i++) {
        struct hsm_key key = {0};

        if (key_look(token, all.handle[i], &key, err) != RESULT_OK)
            return err->result;
        key_describe(&key, &seen->all);
        if (key.type != CKK_RSA && key.type != CKK_EC) {
            seen->stranger = key;
            key_describe(&key, &seen->foreign);
        }
        if (!key_matches(uri, &key))
            continue;
        seen->key = key;
        seen->matching++;
        key_describe(&key, &seen->matched);
    }
    return RESULT_OK;
}

/* One key of a type that libp11 does not know makes it list none at all, without a reason. */
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
    if (seen->key.type != CKK_EC)
        return err_set(err, RESULT_KEY,
                       "the key that matches %s is of type %s: the audit key must be EC P-256 "
                       "(or P-384)",
                       uri->text, key_type_name(seen->key.type));
    if (seen->foreign.len > 0)
        return err_set(err, RESULT_KEY,
                       "token \"%s\" also holds the key %s of type %s, and libp11 cannot use a "
                       "token with such a key: keep the audit key on a token of its own",
                       token->label, buf_text(&seen->foreign), key_type_name(seen->stranger.type));
    return RESULT_OK;
}

enum result hsm_key_find(struct token *token, const struct uri *uri, struct hsm_key *out,
                         bool *missing, struct err *err)
{
    __attribute__((cleanup(keys_seen_free))) struct keys_seen seen = {
        .all = BUF_INIT(65536), .matched = BUF_INIT(65536), .foreign = BUF_INIT(65536)};

    *missing = false;
    if (keys_look(token, uri, &seen, err) != RESULT_OK)
        return err->result;
    *missing = seen.matching == 0;
    if (key_choose(token, uri, &seen, err) != RESULT_OK)
        return err->result;
    *out = seen.key;
    token->pin_needed = out->always_authenticate;
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

/* By CKA_ID, as libp11 hides its handles; two of an id cannot be told apart. */
static enum result p11_key(struct token *token, const struct hsm_key *key, PKCS11_KEY **out,
                           struct err *err)
{
    PKCS11_TOKEN *p11 = p11_token(token);
    PKCS11_KEY *keys = NULL;
    unsigned count = 0, same = 0;
    AUTO_BUF name = BUF_INIT(4096);

    if (p11 == NULL || PKCS11_enumerate_keys(p11, &keys, &count) != 0)
        return p11_fail(token, "list the private keys", err);
    for (unsigned i = 0; i < count; i++)
        if (keys[i].id_len == key->id_len && memcmp(keys[i].id, key->id, key->id_len) == 0) {
            *out = &keys[i];
            same++;
        }
    if (same == 1 && key->id_len > 0)
        return RESULT_OK;
    key_describe(key, &name);
    return err_set(err, RESULT_KEY,
                   "token \"%s\": %u private keys have the CKA_ID of %s: give each key an id of "
                   "its own",
                   token->label, same, buf_text(&name));
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

    if (session_spare(token, err) != RESULT_OK || p11_start(token, err) != RESULT_OK)
        return err->result;
    if (key->always_authenticate && p11_ask_pin(token, err) != RESULT_OK)
        return err->result;
    if (p11_key(token, key, &found, err) != RESULT_OK)
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
