/* Private CKO_DATA objects: where a token keeps the credential. libp11 does not know them. */
#include <openssl/crypto.h>
#include <string.h>

#include "cryptoki.h"

static enum result data_missing(const struct token *token, const struct uri *uri, struct err *err)
{
    return err_set(err, RESULT_KEY,
                   "token \"%s\" holds no data object that matches %s: store it with `georder "
                   "credential put`",
                   token->label, uri->text);
}

enum result data_read(struct token *token, const struct uri *uri, struct buf *out, struct err *err)
{
    struct objects found;
    bool private;

    if (objects_find(token, uri, CKO_DATA, &found, err) != RESULT_OK)
        return err->result;
    if (found.count == 0)
        return data_missing(token, uri, err);
    if (found.count > 1) {
        (void)objects_ambiguous(token, uri, &found, err);
        return err_prefix(err, "store the credential again with `georder credential put`, which "
                               "leaves one");
    }
    if (object_flag(token, found.handle[0], CKA_PRIVATE, &private, err) != RESULT_OK)
        return err->result;
    if (!private)
        return err_set(err, RESULT_KEY,
                       "the data object that matches %s is not private, it can be read without a "
                       "PIN: revoke that credential, and store a new one with `georder credential "
                       "put`",
                       uri->text);
    return object_bytes(token, found.handle[0], CKA_VALUE, out, err);
}

static enum result data_create(struct token *token, CK_SESSION_HANDLE session,
                               const struct uri *uri, const struct buf *value,
                               CK_OBJECT_HANDLE *object, struct err *err)
{
    static CK_UTF8CHAR application[] = "georder";
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_APPLICATION, application, sizeof application - 1},
        {CKA_VALUE, value->data, value->len},
        *uri_attribute(uri, CKA_LABEL),
    };
    CK_RV rv = token->module->f->C_CreateObject(session, template,
                                                sizeof template / sizeof template[0], object);

    if (rv != CKR_OK)
        return err_ckr(token->module, err, rv, "token \"%s\": cannot store a private data object",
                       token->label);
    return RESULT_OK;
}

static enum result data_check(struct token *token, CK_OBJECT_HANDLE object, const struct buf *value,
                              struct err *err)
{
    AUTO_BUF back = BUF_SECRET(4096);

    if (object_bytes(token, object, CKA_VALUE, &back, err) != RESULT_OK)
        return err->result;
    if (back.len != value->len || CRYPTO_memcmp(back.data, value->data, value->len) != 0)
        return err_set(err, RESULT_KEY,
                       "token \"%s\" gives back something else than was stored; what was there "
                       "before is untouched",
                       token->label);
    return RESULT_OK;
}

static enum result data_destroy(struct token *token, CK_SESSION_HANDLE session,
                                const struct objects *objects, struct err *err)
{
    for (size_t i = 0; i < objects->count; i++) {
        CK_RV rv = token->module->f->C_DestroyObject(session, objects->handle[i]);

        if (rv != CKR_OK)
            return err_ckr(token->module, err, rv,
                           "token \"%s\": cannot destroy an older data object", token->label);
    }
    return RESULT_OK;
}

enum result data_write(struct token *token, const struct uri *uri, const struct buf *value,
                       struct err *err)
{
    struct objects older;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    enum result result;

    if (objects_find(token, uri, CKO_DATA, &older, err) != RESULT_OK ||
        token_writable(token, &session, err) != RESULT_OK)
        return err->result;
    result = data_create(token, session, uri, value, &object, err);
    if (result == RESULT_OK) {
        result = data_check(token, object, value, err);
        if (result != RESULT_OK)
            (void)token->module->f->C_DestroyObject(session, object);
    }
    if (result == RESULT_OK)
        result = data_destroy(token, session, &older, err);
    (void)token->module->f->C_CloseSession(session);
    return result;
}

enum result data_remove(struct token *token, const struct uri *uri, struct err *err)
{
    struct objects found;
    CK_SESSION_HANDLE session;
    enum result result;

    if (objects_find(token, uri, CKO_DATA, &found, err) != RESULT_OK)
        return err->result;
    if (found.count == 0)
        return data_missing(token, uri, err);
    if (token_writable(token, &session, err) != RESULT_OK)
        return err->result;
    result = data_destroy(token, session, &found, err);
    (void)token->module->f->C_CloseSession(session);
    return result;
}
