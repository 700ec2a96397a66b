/* An order file read and written, and the API's request written. */
#include <string.h>

#include "order_check.h"
#include "text.h"

/* Longer than any field may be, so that the field's own check says what is wrong with it. */
#define FIELD_MAX 1024

static const char *const order_members[] = {"zone",
                                            "hosts",
                                            "type",
                                            "certificate_authority",
                                            "validation_method",
                                            "validity_days",
                                            "cloudflare_branding",
                                            "geo_restrictions",
                                            "reference",
                                            NULL};
static const char *const geo_members[] = {"label", NULL};

/* Gives a check's text the place in the file. */
static enum result placed(enum result result, const struct json_doc *doc, const cJSON *node,
                          struct err *err)
{
    if (result == RESULT_OK || result == RESULT_INTERNAL)
        return result;
    struct err why = *err;
    return json_fail(doc, node, err, "%s", why.text);
}

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static enum result host_read(const struct json_doc *doc, const cJSON *item, struct order *order,
                             struct err *err)
{
    const char *name = NULL;
    enum result result = json_text(doc, item, FIELD_MAX, &name, err);
    if (result == RESULT_OK)
        result = placed(host_check(name, true, err), doc, item, err);
    if (result != RESULT_OK)
        return result;
    for (size_t i = 0; i < order->hosts; i++)
        if (strcmp(order->host[i], name) == 0)
            return json_fail(doc, item, err, "\"%s\" is listed twice: remove one", name);
    text_set(order->host[order->hosts++], sizeof(order->host[0]), "%s", name);
    return RESULT_OK;
}

static enum result hosts_read(const struct json_doc *doc, struct order *order, struct err *err)
{
    const cJSON *hosts = NULL;
    enum result result = json_array(doc, doc->root, "hosts", 0, SIZE_MAX, &hosts, err);
    if (result != RESULT_OK)
        return result;
    result = placed(host_count_check((size_t)cJSON_GetArraySize(hosts), err), doc, hosts, err);
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, hosts)
    {
        if (result == RESULT_OK)
            result = host_read(doc, item, order, err);
    }
    return result;
}

static enum result zone_read(const struct json_doc *doc, struct order *order, struct err *err)
{
    const char *zone = NULL;
    enum result result = json_string(doc, doc->root, "zone", FIELD_MAX, &zone, err);
    if (result == RESULT_OK)
        result = placed(zone_check(zone, err), doc, member(doc->root, "zone"), err);
    if (result == RESULT_OK)
        text_set(order->zone, sizeof(order->zone), "%s", zone);
    return result;
}

static enum result type_read(const struct json_doc *doc, struct err *err)
{
    const char *type = "advanced";
    enum result result = json_string_opt(doc, doc->root, "type", FIELD_MAX, &type, err);
    if (result == RESULT_OK)
        result = placed(type_check(type, err), doc, member(doc->root, "type"), err);
    return result;
}

static enum result authority_read(const struct json_doc *doc, struct order *order, struct err *err)
{
    static const char name[] = "certificate_authority";
    const char *text = NULL;
    enum result result = json_string(doc, doc->root, name, FIELD_MAX, &text, err);
    if (result == RESULT_OK)
        result = placed(name_check(text, "google", err), doc, member(doc->root, name), err);
    if (result == RESULT_OK)
        text_set(order->certificate_authority, sizeof(order->certificate_authority), "%s", text);
    return result;
}

static enum result method_read(const struct json_doc *doc, struct order *order, struct err *err)
{
    static const char name[] = "validation_method";
    const char *text = NULL;
    enum result result = json_string(doc, doc->root, name, FIELD_MAX, &text, err);
    if (result == RESULT_OK)
        result = placed(method_check(text, err), doc, member(doc->root, name), err);
    if (result == RESULT_OK)
        text_set(order->validation_method, sizeof(order->validation_method), "%s", text);
    return result;
}

static enum result validity_read(const struct json_doc *doc, struct order *order, struct err *err)
{
    static const char name[] = "validity_days";
    int64_t days = 0;
    enum result result = json_int(doc, doc->root, name, INT64_MIN, INT64_MAX, &days, err);
    if (result == RESULT_OK)
        result = placed(validity_check(days, err), doc, member(doc->root, name), err);
    if (result == RESULT_OK)
        order->validity_days = (int)days;
    return result;
}

static enum result geo_read(const struct json_doc *doc, struct order *order, struct err *err)
{
    const char *label = "none";
    const cJSON *geo = member(doc->root, "geo_restrictions");
    enum result result = RESULT_OK;
    if (geo != NULL) {
        result = json_object(doc, geo, geo_members, err);
        if (result == RESULT_OK)
            result = json_string(doc, geo, "label", FIELD_MAX, &label, err);
        if (result == RESULT_OK)
            result = placed(name_check(label, "eu, or none", err), doc, member(geo, "label"), err);
    }
    if (result == RESULT_OK)
        text_set(order->geo_label, sizeof(order->geo_label), "%s", label);
    return result;
}

static enum result reference_read(const struct json_doc *doc, struct order *order, struct err *err)
{
    const char *text = "";
    enum result result = json_string_opt(doc, doc->root, "reference", FIELD_MAX, &text, err);
    if (result == RESULT_OK)
        result = placed(reference_check(text, err), doc, member(doc->root, "reference"), err);
    if (result == RESULT_OK)
        text_set(order->reference, sizeof(order->reference), "%s", text);
    return result;
}

static enum result order_read(const struct json_doc *doc, struct order *order, struct err *err)
{
    enum result result = json_object(doc, doc->root, order_members, err);
    if (result == RESULT_OK)
        result = zone_read(doc, order, err);
    if (result == RESULT_OK)
        result = hosts_read(doc, order, err);
    if (result == RESULT_OK)
        result = type_read(doc, err);
    if (result == RESULT_OK)
        result = authority_read(doc, order, err);
    if (result == RESULT_OK)
        result = method_read(doc, order, err);
    if (result == RESULT_OK)
        result = validity_read(doc, order, err);
    if (result == RESULT_OK)
        result =
            json_bool_opt(doc, doc->root, "cloudflare_branding", &order->cloudflare_branding, err);
    if (result == RESULT_OK)
        result = geo_read(doc, order, err);
    if (result == RESULT_OK)
        result = reference_read(doc, order, err);
    return result;
}

enum result order_parse(const char *name, const char *text, size_t len, struct order *order,
                        struct err *err)
{
    struct json_doc doc = {.name = name, .text = text, .len = len, .result = RESULT_USAGE};
    memset(order, 0, sizeof(*order));
    enum result result = json_parse(&doc, JSON_OURS, err);
    if (result == RESULT_OK)
        result = order_read(&doc, order, err);
    json_free(&doc);
    return result == RESULT_OK ? order_check(order, err) : result;
}

static void hosts_put(struct buf *out, const struct order *order)
{
    buf_putc(out, '[');
    for (size_t i = 0; i < order->hosts; i++) {
        if (i > 0)
            buf_putc(out, ',');
        json_put_string(out, order->host[i]);
    }
    buf_putc(out, ']');
}

static void member_put(struct buf *out, const char *key, const char *value)
{
    buf_puts(out, key);
    json_put_string(out, value);
}

void order_body(struct buf *out, const struct order *order)
{
    buf_puts(out, "{\"type\":\"advanced\",\"hosts\":");
    hosts_put(out, order);
    member_put(out, ",\"validation_method\":", order->validation_method);
    buf_printf(out, ",\"validity_days\":%d", order->validity_days);
    member_put(out, ",\"certificate_authority\":", order->certificate_authority);
    buf_printf(out, ",\"cloudflare_branding\":%s}", order->cloudflare_branding ? "true" : "false");
}

void order_json(struct buf *out, const struct order *order, bool identity)
{
    /* A zone may be written as its name or its id: one order has one identity. */
    const char *zone = identity && order->zone_id[0] != '\0' ? order->zone_id : order->zone;
    member_put(out, "{\"zone\":", zone);
    buf_puts(out, ",\"hosts\":");
    hosts_put(out, order);
    member_put(out,
               ",\"type\":\"advanced\",\"certificate_authority\":", order->certificate_authority);
    buf_printf(out, ",\"validity_days\":%d", order->validity_days);
    member_put(out, ",\"validation_method\":", order->validation_method);
    buf_printf(out, ",\"cloudflare_branding\":%s", order->cloudflare_branding ? "true" : "false");
    member_put(out, ",\"geo_restrictions\":{\"label\":", order->geo_label);
    buf_putc(out, '}');
    if (!identity && order->reference[0] != '\0')
        member_put(out, ",\"reference\":", order->reference);
    buf_putc(out, '}');
}

cJSON *order_tree(const struct order *order)
{
    AUTO_BUF text = BUF_INIT(64 * 1024);
    struct err ignored;
    order_json(&text, order, false);
    struct json_doc doc = {
        .name = "order", .text = buf_text(&text), .len = text.len, .result = RESULT_INTERNAL};
    return json_parse(&doc, JSON_OURS, &ignored) == RESULT_OK ? doc.root : NULL;
}
