#include <stdio.h>
#include <string.h>

#include "rule.h"

const struct attribute_group attribute_group[ATTRIBUTES] = {
    {"certificate_authority", "certificate_authorities", 0, AUTHORITIES_MAX, UINT64_C(0xFFFFFFFF)},
    {"validity_days", "validity_days", 32, 4, UINT64_C(0x1F) << 32},
    {"validation_method", "validation_methods", 37, 3, UINT64_C(0xF) << 37},
    {"cloudflare_branding", "cloudflare_branding", 41, 2, UINT64_C(0x3) << 41},
    {"geo_restrictions", "geo_restrictions", 43, 4, UINT64_C(0x1F) << 43},
};

/* Closed by the API: its schema of the order, and of the label that a certificate shows. */
static const char *const value_name[] = {
    [32] = "14",   [33] = "30",   [34] = "90",    [35] = "365",
    [37] = "txt",  [38] = "http", [39] = "email", [41] = "false",
    [42] = "true", [43] = "us",   [44] = "eu",    [45] = "highest_security",
    [46] = "none",
};

const char *attribute_value(const struct authorities *known, unsigned bit)
{
    if (bit < known->count)
        return known->authority[bit].name;
    if (bit < LENGTH(value_name) && value_name[bit] != NULL)
        return value_name[bit];
    return "another value";
}

enum attribute attribute_of(unsigned bit)
{
    enum attribute at = ATTRIBUTE_AUTHORITY;
    while (at < ATTRIBUTE_GEO && (attribute_group[at].mask & BIT(bit)) == 0)
        at++;
    return at;
}

int64_t attribute_days(unsigned bit)
{
    static const int64_t days[] = {14, 30, 90, 365};
    unsigned first = attribute_group[ATTRIBUTE_DAYS].first;
    return bit >= first && bit - first < LENGTH(days) ? days[bit - first] : 0;
}

static unsigned group_values(const struct authorities *known, enum attribute attribute)
{
    return attribute == ATTRIBUTE_AUTHORITY ? (unsigned)known->count
                                            : attribute_group[attribute].values;
}

uint64_t attribute_bit(const struct authorities *known, enum attribute attribute, const char *value)
{
    const struct attribute_group *group = &attribute_group[attribute];
    for (unsigned i = 0; i < group_values(known, attribute); i++)
        if (strcmp(attribute_value(known, group->first + i), value) == 0)
            return BIT(group->first + i);
    return attribute == ATTRIBUTE_BRANDING ? 0 : BIT(group->first + group->values);
}

static bool item_text(const cJSON *item, enum attribute attribute, char *out, size_t size)
{
    if (attribute == ATTRIBUTE_DAYS) {
        (void)snprintf(out, size, "%lld", (long long)item->valuedouble);
        return cJSON_IsNumber(item);
    }
    if (attribute == ATTRIBUTE_BRANDING) {
        (void)snprintf(out, size, "%s", cJSON_IsTrue(item) ? "true" : "false");
        return cJSON_IsBool(item);
    }
    (void)snprintf(out, size, "%s", cJSON_IsString(item) ? item->valuestring : "");
    return cJSON_IsString(item);
}

static enum result item_fail(const struct json_doc *doc, const cJSON *item, const char *shown,
                             const struct authorities *known, enum attribute attribute,
                             struct err *err)
{
    AUTO_BUF safe = BUF_INIT(1024);
    char list[512] = "";
    for (unsigned i = 0; i < group_values(known, attribute); i++)
        line_add(list, sizeof list, "%s%s", i == 0 ? "" : ", ",
                 attribute_value(known, attribute_group[attribute].first + i));
    if (shown == NULL)
        return json_fail(doc, item, err, "must be one of %s", list);
    text_escape(&safe, shown, strlen(shown));
    return json_fail(doc, item, err, "%s is not one of %s", buf_text(&safe), list);
}

enum result attribute_load(const struct json_doc *doc, const cJSON *object, const char *member,
                           const struct authorities *known, enum attribute attribute, uint64_t *out,
                           struct err *err)
{
    const struct attribute_group *group = &attribute_group[attribute];
    const cJSON *list = NULL, *item = NULL;
    TRY(json_array(doc, object, member, 1, group->values, &list, err));
    uint64_t bits = 0;
    cJSON_ArrayForEach(item, list)
    {
        char text[NAME_LEN + 2];
        if (!item_text(item, attribute, text, sizeof text))
            return item_fail(doc, item, NULL, known, attribute, err);
        uint64_t bit = attribute_bit(known, attribute, text);
        if (bit == BIT(group->first + group->values))
            return item_fail(doc, item, text, known, attribute, err);
        if ((bits & bit) != 0)
            return json_fail(doc, item, err, "%s stands here twice: keep one", text);
        bits |= bit;
    }
    *out = bits;
    return RESULT_OK;
}
