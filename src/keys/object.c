#include <stdlib.h>
#include <string.h>

#include "cryptoki.h"

static enum result find_run(struct token *token, CK_ATTRIBUTE *template, CK_ULONG count,
                            struct objects *out, struct err *err)
{
    CK_FUNCTION_LIST *f = token->module->f;
    CK_ULONG got = 0;
    CK_RV rv = f->C_FindObjectsInit(token->session, template, count);

    out->count = 0;
    if (rv != CKR_OK)
        return err_ckr(token->module, err, rv, "token \"%s\": cannot search", token->label);
    do {
        rv = f->C_FindObjects(token->session, out->handle + out->count, OBJECTS_MAX - out->count,
                              &got);
        out->count += got;
    } while (rv == CKR_OK && got > 0 && out->count < OBJECTS_MAX);
    (void)f->C_FindObjectsFinal(token->session);
    if (rv != CKR_OK)
        return err_ckr(token->module, err, rv, "token \"%s\": cannot search", token->label);
    if (out->count == OBJECTS_MAX)
        return err_set(err, RESULT_KEY,
                       "token \"%s\" holds %d or more such objects: give georder "
                       "a token of its own",
                       token->label, OBJECTS_MAX);
    return RESULT_OK;
}

enum result objects_find(struct token *token, const struct uri *uri, CK_OBJECT_CLASS class,
                         struct objects *out, struct err *err)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_LABEL, CKA_ID};
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[4] = {{CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &yes, sizeof yes}};
    CK_ULONG count = 2;

    for (size_t i = 0; uri != NULL && i < sizeof types / sizeof types[0]; i++) {
        const CK_ATTRIBUTE *wanted = uri_attribute(uri, types[i]);

        if (wanted != NULL)
            template[count++] = *wanted;
    }
    return find_run(token, template, count, out, err);
}

enum result objects_like(struct token *token, CK_OBJECT_CLASS class, const CK_ATTRIBUTE *attribute,
                         struct objects *out, struct err *err)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &yes, sizeof yes}, *attribute};

    return find_run(token, template, sizeof template / sizeof *template, out, err);
}

enum result object_bytes(struct token *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                         struct buf *out, struct err *err)
{
    CK_ATTRIBUTE wanted = {type, NULL, 0};
    CK_FUNCTION_LIST *f = token->module->f;
    CK_RV rv = f->C_GetAttributeValue(token->session, object, &wanted, 1);
    char *room;

    if (rv == CKR_ATTRIBUTE_TYPE_INVALID)
        return RESULT_OK;
    if (rv == CKR_OK && wanted.ulValueLen != CK_UNAVAILABLE_INFORMATION) {
        room = buf_room(out, wanted.ulValueLen);
        if (room == NULL)
            return err_set(err, RESULT_KEY, "token \"%s\": an attribute has %lu bytes, too many",
                           token->label, wanted.ulValueLen);
        wanted.pValue = room;
        rv = f->C_GetAttributeValue(token->session, object, &wanted, 1);
        if (rv == CKR_OK)
            buf_grew(out, wanted.ulValueLen);
    }
    if (rv != CKR_OK)
        return err_ckr(token->module, err, rv, "token \"%s\": cannot read an attribute",
                       token->label);
    return RESULT_OK;
}

enum result object_flag(struct token *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                        bool *out, struct err *err)
{
    CK_BBOOL value = CK_FALSE;
    CK_ATTRIBUTE wanted = {type, &value, sizeof value};
    CK_RV rv = token->module->f->C_GetAttributeValue(token->session, object, &wanted, 1);

    if (rv != CKR_OK)
        return err_ckr(token->module, err, rv, "token \"%s\": cannot read an attribute",
                       token->label);
    *out = value != CK_FALSE;
    return RESULT_OK;
}
