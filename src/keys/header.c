#include "header.h"

#include <string.h>

static const char *const known[] = {"alg", "enc", "kid", "p2s", "p2c", "epk", "apu", "apv", NULL};

enum result bytes_get(const struct json_doc *doc, const cJSON *object, const char *member,
                      size_t min, struct buf *out, struct err *err)
{
    const char *text;

    if (json_string(doc, object, member, 2 * out->max, &text, err) != RESULT_OK)
        return err->result;
    if (!base64url_get(text, strlen(text), out) || out->len < min)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(object, member), err,
                         "is not base64url of %zu to %zu bytes", min, out->max);
    return RESULT_OK;
}

static enum result protected_parse(struct header *header, const cJSON *jwe, struct err *err)
{
    struct json_doc *doc = &header->protected;
    const char *enc;

    if (bytes_get(header->doc, jwe, "protected", 2, &header->text, err) != RESULT_OK)
        return err->result;
    buf_printf(&header->name, "%s: protected header", header->doc->name);
    *doc = (struct json_doc){.name = buf_text(&header->name),
                             .text = buf_text(&header->text),
                             .len = header->text.len,
                             .result = header->doc->result};
    if (json_parse(doc, JSON_OURS, err) != RESULT_OK ||
        json_object(doc, doc->root, known, err) != RESULT_OK ||
        json_string(doc, doc->root, "enc", 64, &enc, err) != RESULT_OK)
        return err->result;
    if (strcmp(enc, "A256GCM") != 0)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(doc->root, "enc"), err,
                         "must be A256GCM");
    return RESULT_OK;
}

enum result header_open(struct header *header, const struct json_doc *doc, const cJSON *jwe,
                        struct err *err)
{
    static const char *const parts[] = {"protected",  "unprotected", "recipients", "iv",
                                        "ciphertext", "tag",         NULL};

    header->doc = doc;
    if (json_object(doc, jwe, parts, err) != RESULT_OK)
        return err->result;
    header->shared = cJSON_GetObjectItemCaseSensitive(jwe, "unprotected");
    if (header->shared != NULL && json_object(doc, header->shared, known, err) != RESULT_OK)
        return err->result;
    return protected_parse(header, jwe, err);
}

void header_free(struct header *header)
{
    json_free(&header->protected);
    buf_free(&header->text);
    buf_free(&header->name);
}

static bool has(const cJSON *object, const char *member)
{
    return cJSON_GetObjectItemCaseSensitive(object, member) != NULL;
}

enum result header_take(struct header *header, const cJSON *recipient, struct err *err)
{
    static const char *const parts[] = {"header", "encrypted_key", NULL};
    const struct json_doc *doc = header->doc;

    if (json_object(doc, recipient, parts, err) != RESULT_OK)
        return err->result;
    header->own = cJSON_GetObjectItemCaseSensitive(recipient, "header");
    if (header->own != NULL && json_object(doc, header->own, known, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; known[i] != NULL; i++)
        if (has(header->own, known[i]) + has(header->shared, known[i]) +
                has(header->protected.root, known[i]) >
            1)
            return json_fail(doc, recipient, err,
                             "%s stands in more than one of its headers (RFC 7516, 7.2.1)",
                             known[i]);
    return RESULT_OK;
}

const struct json_doc *header_part(const struct header *header, const char *member,
                                   const cJSON **object)
{
    bool protected = has(header->protected.root, member);

    *object = header->own;
    if (protected || header->own == NULL)
        *object = header->protected.root;
    if (!protected && has(header->shared, member))
        *object = header->shared;
    return *object == header->protected.root ? &header->protected : header->doc;
}

enum result header_text(const struct header *header, const char *member, size_t max,
                        const char **out, struct err *err)
{
    const cJSON *object;
    const struct json_doc *doc = header_part(header, member, &object);

    return json_string_opt(doc, object, member, max, out, err);
}

enum result header_bytes(const struct header *header, const char *member, size_t min,
                         struct buf *out, struct err *err)
{
    const cJSON *object;
    const struct json_doc *doc = header_part(header, member, &object);

    if (min == 0 && !has(object, member))
        return RESULT_OK;
    return bytes_get(doc, object, member, min, out, err);
}
