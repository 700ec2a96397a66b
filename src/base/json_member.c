#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "clock.h"
#include "codec.h"
#include "json_internal.h"

#define INTEGER_LIMIT 9007199254740992.0 /* 2^53: from here on doubles skip integers */

static const char *type_name(const cJSON *node)
{
    if (cJSON_IsNull(node))
        return "null";
    if (cJSON_IsBool(node))
        return "a boolean";
    if (cJSON_IsNumber(node))
        return "a number";
    if (cJSON_IsString(node))
        return "a string";
    return cJSON_IsArray(node) ? "an array" : "an object";
}

static enum result fail_type(const struct json_doc *doc, const cJSON *node, const char *wanted,
                             struct err *err)
{
    return json_fail(doc, node, err, "must be %s, not %s", wanted, type_name(node));
}

static bool is_known(const char *name, const char *const known[])
{
    for (; *known != NULL; known++)
        if (strcmp(name, *known) == 0)
            return true;
    return false;
}

static enum result fail_unknown(const struct json_doc *doc, const cJSON *node,
                                const char *const known[], struct err *err)
{
    AUTO_BUF name = BUF_INIT(256);
    AUTO_BUF list = BUF_INIT(1024);
    text_escape(&name, node->string, strlen(node->string));
    for (size_t i = 0; known[i] != NULL; i++)
        buf_printf(&list, "%s\"%s\"", i == 0 ? "" : ", ", known[i]);
    return json_fail_name(doc, node, err, "unknown member \"%s\"; known are %s", buf_text(&name),
                          buf_text(&list));
}

enum result json_object(const struct json_doc *doc, const cJSON *node, const char *const known[],
                        struct err *err)
{
    if (!cJSON_IsObject(node))
        return fail_type(doc, node, "an object", err);
    for (const cJSON *child = node->child; child != NULL; child = child->next)
        if (!is_known(child->string, known))
            return fail_unknown(doc, child, known, err);
    return RESULT_OK;
}

/* *out is NULL when there is no such member. */
static enum result member_find(const struct json_doc *doc, const cJSON *object, const char *name,
                               const cJSON **out, struct err *err)
{
    if (!cJSON_IsObject(object))
        return fail_type(doc, object, "an object", err);
    *out = cJSON_GetObjectItemCaseSensitive(object, name);
    return RESULT_OK;
}

enum result json_member(const struct json_doc *doc, const cJSON *object, const char *name,
                        const cJSON **out, struct err *err)
{
    const cJSON *node = NULL;
    enum result result = member_find(doc, object, name, &node, err);
    if (result != RESULT_OK)
        return result;
    if (node == NULL)
        return json_fail(doc, object, err, "member \"%s\" is missing", name);
    if (cJSON_IsNull(node))
        return json_fail(doc, node, err, "must not be null");
    *out = node;
    return RESULT_OK;
}

enum result json_text(const struct json_doc *doc, const cJSON *node, size_t max, const char **out,
                      struct err *err)
{
    if (node == NULL || !cJSON_IsString(node))
        return fail_type(doc, node, "a string", err);
    size_t len = strlen(node->valuestring);
    if (len == 0)
        return json_fail(doc, node, err, "must not be empty");
    if (len > max)
        return json_fail(doc, node, err, "has %zu bytes; at most %zu are allowed", len, max);
    *out = node->valuestring;
    return RESULT_OK;
}

enum result json_string(const struct json_doc *doc, const cJSON *object, const char *name,
                        size_t max, const char **out, struct err *err)
{
    const cJSON *node = NULL;
    enum result result = json_member(doc, object, name, &node, err);
    return result == RESULT_OK ? json_text(doc, node, max, out, err) : result;
}

enum result json_string_opt(const struct json_doc *doc, const cJSON *object, const char *name,
                            size_t max, const char **out, struct err *err)
{
    const cJSON *node = NULL;
    enum result result = member_find(doc, object, name, &node, err);
    return node != NULL ? json_text(doc, node, max, out, err) : result;
}

static bool is_integer(const cJSON *node)
{
    double value = node->valuedouble;
    return cJSON_IsNumber(node) && fabs(value) < INTEGER_LIMIT && (double)(int64_t)value == value;
}

enum result json_int(const struct json_doc *doc, const cJSON *object, const char *name, int64_t min,
                     int64_t max, int64_t *out, struct err *err)
{
    const cJSON *node = NULL;
    enum result result = json_member(doc, object, name, &node, err);
    if (result != RESULT_OK)
        return result;
    if (node == NULL || !cJSON_IsNumber(node))
        return fail_type(doc, node, "an integer", err);
    /* valueint saturates and cuts fractions off, so it says nothing. */
    if (!is_integer(node) || (int64_t)node->valuedouble < min || (int64_t)node->valuedouble > max)
        return json_fail(doc, node, err,
                         "must be an integer from %" PRId64 " to %" PRId64 ", not %.16g", min, max,
                         node->valuedouble);
    *out = (int64_t)node->valuedouble;
    return RESULT_OK;
}

static enum result node_bool(const struct json_doc *doc, const cJSON *node, bool *out,
                             struct err *err)
{
    if (!cJSON_IsBool(node))
        return fail_type(doc, node, "true or false", err);
    *out = cJSON_IsTrue(node);
    return RESULT_OK;
}

enum result json_bool(const struct json_doc *doc, const cJSON *object, const char *name, bool *out,
                      struct err *err)
{
    const cJSON *node = NULL;
    enum result result = json_member(doc, object, name, &node, err);
    return result == RESULT_OK ? node_bool(doc, node, out, err) : result;
}

enum result json_bool_opt(const struct json_doc *doc, const cJSON *object, const char *name,
                          bool *out, struct err *err)
{
    const cJSON *node = NULL;
    enum result result = member_find(doc, object, name, &node, err);
    return node != NULL ? node_bool(doc, node, out, err) : result;
}

enum result json_array(const struct json_doc *doc, const cJSON *object, const char *name,
                       size_t min, size_t max, const cJSON **out, struct err *err)
{
    const cJSON *node = NULL;
    enum result result = json_member(doc, object, name, &node, err);
    if (result != RESULT_OK)
        return result;
    if (!cJSON_IsArray(node))
        return fail_type(doc, node, "an array", err);
    size_t count = (size_t)cJSON_GetArraySize(node);
    if (count < min || count > max)
        return json_fail(doc, node, err, "must have %zu to %zu items, not %zu", min, max, count);
    *out = node;
    return RESULT_OK;
}

enum result json_moment(const struct json_doc *doc, const cJSON *object, const char *name,
                        const char **text, int64_t *unix_ms, struct err *err)
{
    const char *there = "";
    TRY(json_string(doc, object, name, 40, &there, err));
    size_t len = strlen(there);
    if (len == 0 || there[len - 1] != 'Z' || !time_parse(there, unix_ms))
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(object, name), err,
                         "is not a time in UTC by RFC 3339: write it as 2026-11-01T00:00:00Z");
    if (text != NULL)
        *text = there;
    return RESULT_OK;
}
