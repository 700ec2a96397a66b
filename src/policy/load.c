/* A policy file read: everything but its rules. */
#include <stdlib.h>
#include <string.h>

#include "rule.h"

#define ZONES_MAX    10000
#define PINS_MAX     64
#define NETWORKS_MAX 256

static const char *const top_members[] = {
    "georder_policy", "name",  "revision",     "effective",     "expires", "owner", "api",
    "zones",          "rules", "on_violation", "locked_memory", "audit",   NULL};
static const char *const api_members[] = {"base_url", "spki_pins", "networks", "minimum_tls", NULL};
static const char *const pin_members[] = {"sha256", "subject", NULL};

static bool is_plain(const char *text)
{
    while (*text >= ' ' && *text <= '~')
        text++;
    return *text == '\0';
}

enum result prose_load(const struct json_doc *doc, const cJSON *object, const char *name,
                       size_t max, const char **out, struct err *err)
{
    AUTO_BUF shown = BUF_INIT(16384);
    TRY(json_string(doc, object, name, max, out, err));
    size_t len = strlen(*out);
    if (is_plain(*out))
        return RESULT_OK;
    text_escape(&shown, *out, len);
    TRY(buf_check(&shown, name, err));
    if (shown.len != len)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(object, name), err,
                         "has a character that is not seen or that reorders the text: remove it "
                         "from \"%s\"",
                         buf_text(&shown));
    return RESULT_OK;
}

struct item {
    const cJSON *node;
    const char *text;
    size_t order;
};

static int item_compare(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    int texts = strcmp(a->text, b->text);
    if (texts != 0)
        return texts;
    return a->order < b->order ? -1 : a->order > b->order;
}

static size_t items_collect(const cJSON *list, const char *member, struct item *items)
{
    const cJSON *node = NULL;
    size_t count = 0;
    cJSON_ArrayForEach(node, list)
    {
        const cJSON *text = member == NULL ? node : cJSON_GetObjectItemCaseSensitive(node, member);
        if (cJSON_IsString(text)) {
            items[count] = (struct item){text, text->valuestring, count};
            count++;
        }
    }
    return count;
}

enum result repeat_check(const struct json_doc *doc, const cJSON *list, const char *member,
                         struct err *err)
{
    if (list->child == NULL || list->child->next == NULL)
        return RESULT_OK;
    struct item *items = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *items);
    const struct item *first = NULL;
    if (items == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", doc->name);
    size_t count = items_collect(list, member, items);
    qsort(items, count, sizeof *items, item_compare);
    for (size_t i = 1; i < count; i++)
        if (strcmp(items[i - 1].text, items[i].text) == 0 &&
            (first == NULL || items[i].order < first->order))
            first = &items[i];
    enum result result =
        first == NULL
            ? RESULT_OK
            : json_fail(doc, first->node, err, "\"%s\" stands here twice: keep one", first->text);
    free(items);
    return result;
}

static enum result head_load(struct policy *policy, struct err *err)
{
    const struct json_doc *doc = &policy->doc;
    struct policy_facts *facts = &policy->facts;
    int64_t version = 0;
    TRY(json_object(doc, doc->root, top_members, err));
    TRY(json_int(doc, doc->root, "georder_policy", 1, 999999999, &version, err));
    if (version != 1)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(doc->root, "georder_policy"), err,
                         "this program reads format 1 only: write 1, or use a newer georder");
    TRY(prose_load(doc, doc->root, "name", 128, &facts->name, err));
    TRY(json_int(doc, doc->root, "revision", 1, 999999999, &facts->revision, err));
    TRY(json_moment(doc, doc->root, "effective", &facts->effective, &facts->effective_ms, err));
    TRY(json_moment(doc, doc->root, "expires", &facts->expires, &facts->expires_ms, err));
    if (facts->effective_ms >= facts->expires_ms)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(doc->root, "expires"), err,
                         "is not later than effective, %s", facts->effective);
    return prose_load(doc, doc->root, "owner", 254, &facts->owner, err);
}

enum result digest_load(const struct json_doc *doc, const cJSON *object, const char *name,
                        uint8_t out[SHA256_LEN], struct err *err)
{
    AUTO_BUF digest = BUF_INIT(64);
    const char *text = NULL;
    TRY(json_string(doc, object, name, 64, &text, err));
    if (!base64_get(text, strlen(text), &digest) || digest.len != SHA256_LEN)
        return json_fail(
            doc, cJSON_GetObjectItemCaseSensitive(object, name), err,
            "is not the base64 of a SHA-256 digest: 44 characters, the last one \"=\"");
    memcpy(out, digest.data, SHA256_LEN);
    return RESULT_OK;
}

static enum result pin_load(const struct json_doc *doc, const cJSON *node, struct policy *policy,
                            struct err *err)
{
    TRY(json_object(doc, node, pin_members, err));
    TRY(digest_load(doc, node, "sha256", policy->pin[policy->facts.pins], err));
    return prose_load(doc, node, "subject", 256, &policy->subject[policy->facts.pins++], err);
}

static enum result pins_load(const struct json_doc *doc, const cJSON *api, struct policy *policy,
                             struct err *err)
{
    const cJSON *list = NULL, *item = NULL;
    TRY(json_array(doc, api, "spki_pins", 1, PINS_MAX, &list, err));
    cJSON_ArrayForEach(item, list)
    {
        TRY(pin_load(doc, item, policy, err));
    }
    policy->facts.pin = (const uint8_t(*)[SHA256_LEN])policy->pin;
    return repeat_check(doc, list, "sha256", err);
}

static enum result networks_load(const struct json_doc *doc, const cJSON *api,
                                 struct policy *policy, struct err *err)
{
    const cJSON *list = NULL, *item = NULL;
    TRY(json_array(doc, api, "networks", 1, NETWORKS_MAX, &list, err));
    cJSON_ArrayForEach(item, list)
    {
        TRY(network_check(doc, item, &policy->network[policy->facts.networks++], err));
    }
    policy->facts.network = policy->network;
    return repeat_check(doc, list, NULL, err);
}

static enum result api_load(struct policy *policy, struct err *err)
{
    const struct json_doc *doc = &policy->doc;
    const cJSON *api = NULL;
    const char *tls = NULL;
    TRY(json_member(doc, doc->root, "api", &api, err));
    TRY(json_object(doc, api, api_members, err));
    TRY(url_load(doc, api, policy, err));
    TRY(pins_load(doc, api, policy, err));
    TRY(networks_load(doc, api, policy, err));
    TRY(json_string(doc, api, "minimum_tls", 64, &tls, err));
    if (strcmp(tls, "1.2") != 0 && strcmp(tls, "1.3") != 0)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(api, "minimum_tls"), err,
                         "must be \"1.2\" or \"1.3\"");
    policy->facts.minimum_tls = strcmp(tls, "1.2") == 0 ? 0x0303 : 0x0304;
    return RESULT_OK;
}

static enum result zone_load(const struct json_doc *doc, const cJSON *node, struct zone *zone,
                             struct err *err)
{
    struct err why;
    if (host_check(node->string, false, &why) != RESULT_OK)
        return json_fail(doc, node, err, "%s", why.text);
    TRY(json_text(doc, node, 64, &zone->id, err));
    if (strlen(zone->id) != 32 || strspn(zone->id, "0123456789abcdef") != 32)
        return json_fail(doc, node, err,
                         "is not a zone id: 32 lower-case hexadecimal digits, from the zone's "
                         "overview page");
    zone->name = node->string;
    return RESULT_OK;
}

static int zone_compare(const void *left, const void *right)
{
    const struct zone *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static int id_compare(const void *left, const void *right, void *context)
{
    const struct policy *policy = context;
    const uint32_t *a = left, *b = right;
    return strcmp(policy->zone[*a].id, policy->zone[*b].id);
}

static void zones_sort(struct policy *policy)
{
    qsort(policy->zone, policy->zones, sizeof *policy->zone, zone_compare);
    for (uint32_t i = 0; i < policy->zones; i++)
        policy->zone_by_id[i] = i;
    qsort_r(policy->zone_by_id, policy->zones, sizeof *policy->zone_by_id, id_compare, policy);
}

static enum result zones_load(struct policy *policy, struct err *err)
{
    const struct json_doc *doc = &policy->doc;
    const cJSON *zones = NULL, *item = NULL;
    TRY(json_member(doc, doc->root, "zones", &zones, err));
    int count = cJSON_GetArraySize(zones);
    if (!cJSON_IsObject(zones) || count < 1 || count > ZONES_MAX)
        return json_fail(doc, zones, err,
                         "must be an object of 1 to %d zones: {\"example.com\": \"<zone id>\"}",
                         ZONES_MAX);
    policy->zone = calloc((size_t)count, sizeof *policy->zone);
    policy->zone_by_id = calloc((size_t)count, sizeof *policy->zone_by_id);
    if (policy->zone == NULL || policy->zone_by_id == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", doc->name);
    cJSON_ArrayForEach(item, zones)
    {
        TRY(zone_load(doc, item, &policy->zone[policy->zones], err));
        policy->zones++;
    }
    zones_sort(policy);
    policy->facts.zones = policy->zones;
    return repeat_check(doc, zones, NULL, err);
}

static enum result document_load(struct policy *policy, struct err *err)
{
    const char *memory = "required", *then = NULL;
    const struct json_doc *doc = &policy->doc;
    TRY(json_parse(&policy->doc, JSON_OURS, err));
    TRY(head_load(policy, err));
    TRY(api_load(policy, err));
    TRY(zones_load(policy, err));
    TRY(rules_load(policy, err));
    TRY(json_string(doc, doc->root, "on_violation", 64, &then, err));
    if (strcmp(then, "report") != 0 && strcmp(then, "delete") != 0)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(doc->root, "on_violation"), err,
                         "must be \"report\" or \"delete\"");
    policy->facts.delete_on_violation = strcmp(then, "delete") == 0;
    TRY(json_string_opt(doc, doc->root, "locked_memory", 64, &memory, err));
    if (strcmp(memory, "required") != 0 && strcmp(memory, "preferred") != 0)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(doc->root, "locked_memory"), err,
                         "must be required (the default) or preferred");
    policy->facts.locked_memory = strcmp(memory, "required") == 0;
    TRY(anchors_load(policy, err));
    if (!match_index(policy))
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", doc->name);
    return RESULT_OK;
}

enum result policy_load(const char *name, const char *text, size_t len,
                        const struct authorities *authorities, struct policy **out, struct err *err)
{
    *out = NULL;
    if (len > POLICY_MAX)
        return err_set(err, RESULT_CONFIG, "%s: has %zu bytes; at most %d are allowed", name, len,
                       POLICY_MAX);
    struct policy *policy = calloc(1, sizeof *policy);
    if (policy == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", name);
    policy->doc =
        (struct json_doc){.name = name, .text = text, .len = len, .result = RESULT_CONFIG};
    policy->authorities = *authorities;
    sha256_hex(text, len, policy->facts.digest);
    enum result result = document_load(policy, err);
    /* The name and the text are the caller's. */
    policy->doc.name = policy->doc.text = NULL;
    if (result == RESULT_OK)
        *out = policy;
    else
        policy_free(&policy);
    return result;
}
