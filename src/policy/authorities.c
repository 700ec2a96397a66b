#include <stdlib.h>
#include <string.h>

#include "rule.h"

static const char *const top_members[] = {"georder_authorities",   "about",       "source", "read",
                                          "baseline_requirements", "authorities", NULL};
static const char *const baseline_members[] = {"source", "version", "validity_limits",
                                               "method_ends", NULL};
static const char *const limit_members[] = {"from", "days", NULL};
static const char *const end_members[] = {"txt", "http", "email", NULL};
static const char *const authority_members[] = {
    "title", "source", "validity_days", "validation_methods", "wildcard_methods", "punycode",
    "note",  NULL};

/* "2026-03-15", the start of that day in UTC. */
static enum result date_load(const struct json_doc *doc, const cJSON *object, const char *name,
                             char date[11], int64_t *ms, struct err *err)
{
    const char *text = NULL;
    char moment[RFC3339_LEN + 1] = "";
    TRY(json_string(doc, object, name, 10, &text, err));
    line_add(moment, sizeof moment, "%sT00:00:00Z", text);
    if (!time_parse(moment, ms))
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(object, name), err,
                         "\"%s\" is not a date such as 2026-03-15", text);
    memcpy(date, moment, 10);
    date[10] = '\0';
    return RESULT_OK;
}

static enum result limits_load(const struct json_doc *doc, const cJSON *baseline,
                               struct authorities *out, struct err *err)
{
    const cJSON *list = NULL, *item = NULL;
    TRY(json_array(doc, baseline, "validity_limits", 1, LIMITS_MAX, &list, err));
    cJSON_ArrayForEach(item, list)
    {
        struct validity_limit *limit = &out->limit[out->limits];
        TRY(json_object(doc, item, limit_members, err));
        TRY(date_load(doc, item, "from", limit->date, &limit->from, err));
        TRY(json_int(doc, item, "days", 1, 9999, &limit->days, err));
        if (out->limits > 0 && limit->from <= limit[-1].from)
            return json_fail(doc, item, err, "is not later than the one before: sort by date");
        out->limits++;
    }
    return RESULT_OK;
}

static enum result ends_load(const struct json_doc *doc, const cJSON *baseline,
                             struct authorities *out, struct err *err)
{
    const cJSON *ends = NULL;
    TRY(json_member(doc, baseline, "method_ends", &ends, err));
    TRY(json_object(doc, ends, end_members, err));
    for (size_t i = 0; end_members[i] != NULL; i++) {
        struct method_end *end = &out->method_end[i];
        end->from = INT64_MAX;
        if (cJSON_GetObjectItemCaseSensitive(ends, end_members[i]) != NULL)
            TRY(date_load(doc, ends, end_members[i], end->date, &end->from, err));
    }
    return RESULT_OK;
}

static enum result baseline_load(const struct json_doc *doc, struct authorities *out,
                                 struct err *err)
{
    const cJSON *baseline = NULL;
    const char *text = NULL;
    TRY(json_member(doc, doc->root, "baseline_requirements", &baseline, err));
    TRY(json_object(doc, baseline, baseline_members, err));
    TRY(json_string(doc, baseline, "source", sizeof out->requirements - 1, &text, err));
    line_put(out->requirements, sizeof out->requirements, text);
    TRY(json_string(doc, baseline, "version", sizeof out->version - 1, &text, err));
    line_put(out->version, sizeof out->version, text);
    TRY(limits_load(doc, baseline, out, err));
    return ends_load(doc, baseline, out, err);
}

static enum result authority_load(const struct json_doc *doc, const cJSON *node,
                                  struct authority *out, struct authorities *known, struct err *err)
{
    const char *text = NULL;
    if (strspn(node->string, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(node->string) ||
        node->string[0] == '\0' || strlen(node->string) > NAME_LEN)
        return json_fail(doc, node, err,
                         "an authority's name is 1 to %d of a-z, 0-9 and \"_\": write it as the "
                         "API does",
                         NAME_LEN);
    line_put(out->name, sizeof out->name, node->string);
    TRY(json_object(doc, node, authority_members, err));
    TRY(json_string(doc, node, "title", 255, &text, err));
    TRY(json_string(doc, node, "source", 255, &text, err));
    TRY(json_string_opt(doc, node, "note", 1000, &text, err));
    TRY(attribute_load(doc, node, "validity_days", known, ATTRIBUTE_DAYS, &out->days, err));
    TRY(attribute_load(doc, node, "validation_methods", known, ATTRIBUTE_METHOD, &out->methods,
                       err));
    TRY(attribute_load(doc, node, "wildcard_methods", known, ATTRIBUTE_METHOD,
                       &out->wildcard_methods, err));
    return json_bool(doc, node, "punycode", &out->punycode, err);
}

static enum result all_load(const struct json_doc *doc, struct authorities *out, struct err *err)
{
    const cJSON *all = NULL, *item = NULL;
    TRY(json_member(doc, doc->root, "authorities", &all, err));
    if (!cJSON_IsObject(all))
        return json_fail(doc, all, err, "must be an object of authorities by name");
    int count = cJSON_GetArraySize(all);
    if (count < 1 || count > AUTHORITIES_MAX)
        return json_fail(doc, all, err, "must have 1 to %d authorities, not %d", AUTHORITIES_MAX,
                         count);
    cJSON_ArrayForEach(item, all)
    {
        TRY(authority_load(doc, item, &out->authority[out->count], out, err));
        out->count++;
    }
    return RESULT_OK;
}

static enum result document_load(const struct json_doc *doc, struct authorities *out,
                                 struct err *err)
{
    int64_t version = 0, read = 0;
    const char *source = NULL;
    TRY(json_object(doc, doc->root, top_members, err));
    TRY(json_int(doc, doc->root, "georder_authorities", 1, 1, &version, err));
    TRY(json_string(doc, doc->root, "source", sizeof out->source - 1, &source, err));
    line_put(out->source, sizeof out->source, source);
    TRY(date_load(doc, doc->root, "read", out->read, &read, err));
    TRY(baseline_load(doc, out, err));
    return all_load(doc, out, err);
}

enum result authorities_load(const char *name, const char *text, size_t len,
                             struct authorities **out, struct err *err)
{
    struct json_doc doc = {.name = name, .text = text, .len = len, .result = RESULT_CONFIG};
    *out = NULL;
    TRY(json_parse(&doc, JSON_OURS, err));
    struct authorities *made = calloc(1, sizeof *made);
    enum result result = made == NULL ? err_set(err, RESULT_INTERNAL, "%s: out of memory", name)
                                      : document_load(&doc, made, err);
    json_free(&doc);
    if (result == RESULT_OK)
        *out = made;
    else
        free(made);
    return result;
}

void authorities_free(struct authorities **authorities)
{
    free(*authorities);
    *authorities = NULL;
}

const struct validity_limit *authority_limit(const struct authorities *known, int64_t now)
{
    const struct validity_limit *found = NULL;
    for (size_t i = 0; i < known->limits && known->limit[i].from <= now; i++)
        found = &known->limit[i];
    return found;
}
