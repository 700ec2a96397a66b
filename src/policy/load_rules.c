#include <stdlib.h>
#include <string.h>

#include "load_rule.h"

#define PATTERNS_MAX 1000 /* of one rule */

/* The members of either effect; those of a permit rule that may be left out stand last. */
static const char *const permit_members[] = {"id",
                                             "effect",
                                             "reason",
                                             "zones",
                                             "hosts",
                                             "certificate_authorities",
                                             "validity_days",
                                             "validation_methods",
                                             "cloudflare_branding",
                                             "geo_restrictions",
                                             "max_hosts",
                                             "geo_evidence",
                                             "max_orders",
                                             "change_windows",
                                             "freeze",
                                             "approvals",
                                             NULL};
static const char *const forbid_members[] = {"id",
                                             "effect",
                                             "reason",
                                             "zones",
                                             "hosts",
                                             "certificate_authorities",
                                             "validity_days",
                                             "validation_methods",
                                             "cloudflare_branding",
                                             "geo_restrictions",
                                             "max_hosts",
                                             "freeze",
                                             NULL};

static const cJSON *member(const struct reading *in, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(in->node, name);
}

/* A forbid rule may leave it out. */
static bool is_absent(const struct reading *in, const char *name)
{
    return !in->rule->permit && member(in, name) == NULL;
}

static enum result identity_load(struct reading *in)
{
    struct rule *rule = in->rule;
    const char *effect = NULL;
    if (!cJSON_IsObject(in->node))
        return json_fail(in->doc, in->node, in->err, "must be an object: a rule");
    TRY(json_string(in->doc, in->node, "effect", 64, &effect, in->err));
    rule->permit = strcmp(effect, "permit") == 0;
    if (!rule->permit && strcmp(effect, "forbid") != 0)
        return json_fail(in->doc, member(in, "effect"), in->err,
                         "must be \"permit\" or \"forbid\"");
    TRY(json_object(in->doc, in->node, rule->permit ? permit_members : forbid_members, in->err));
    TRY(json_string(in->doc, in->node, "id", RULE_ID_LEN, &rule->id, in->err));
    if (strspn(rule->id, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(rule->id))
        return json_fail(in->doc, member(in, "id"), in->err,
                         "a rule's id is 1 to %d of a-z, 0-9 and \"-\"", RULE_ID_LEN);
    return prose_load(in->doc, in->node, "reason", 1000, &rule->reason, in->err);
}

static int index_compare(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

static enum result rule_zones_load(struct reading *in)
{
    const cJSON *list = NULL, *item = NULL;
    uint32_t *zones = in->policy->zone_list + in->zone_refs;
    in->rule->zone = zones;
    if (is_absent(in, "zones"))
        return RESULT_OK;
    TRY(json_array(in->doc, in->node, "zones", 1, in->policy->zones, &list, in->err));
    TRY(repeat_check(in->doc, list, NULL, in->err));
    cJSON_ArrayForEach(item, list)
    {
        const char *name = NULL;
        TRY(json_text(in->doc, item, HOST_LEN, &name, in->err));
        zones[in->rule->zones] = zone_named(in->policy, name);
        if (zones[in->rule->zones++] == NONE)
            return json_fail(in->doc, item, in->err,
                             "the policy has no such zone: add it to /zones with its id, or name "
                             "one that is there");
    }
    qsort(zones, in->rule->zones, sizeof *zones, index_compare);
    in->zone_refs += in->rule->zones;
    return RESULT_OK;
}

static enum result pattern_read(const struct reading *in, const cJSON *item, struct pattern *out)
{
    struct err why;
    TRY(json_text(in->doc, item, HOST_LEN + 1, &out->text, in->err));
    bool deep = strncmp(out->text, "**.", 3) == 0;
    out->kind = deep                               ? PATTERN_DEEP
                : strncmp(out->text, "*.", 2) == 0 ? PATTERN_ONE
                                                   : PATTERN_EXACT;
    out->base = out->text + (out->kind == PATTERN_EXACT ? 0 : out->kind == PATTERN_ONE ? 2 : 3);
    if (strchr(out->base, '*') != NULL)
        return json_fail(in->doc, item, in->err,
                         "a pattern is a name, \"*.\" and a name, or \"**.\" and a name: nothing "
                         "else stands for other names");
    if (host_check(out->base, false, &why) != RESULT_OK)
        return json_fail(in->doc, item, in->err, "%s", why.text);
    if (strlen(out->text) > HOST_LEN + (size_t)deep)
        return json_fail(in->doc, item, in->err, "has no room for a label within %d bytes",
                         HOST_LEN);
    return RESULT_OK;
}

/* At or below a zone that the rule names, or any zone when it names none. */
static bool pattern_in_zones(const struct reading *in, const struct pattern *pattern)
{
    for (const char *at = pattern->base; *at != '\0'; at = name_parent(at)) {
        uint32_t zone = zone_named(in->policy, at);
        if (zone != NONE && rule_in_zone(in->rule, zone))
            return true;
    }
    return false;
}

static enum result rule_hosts_load(struct reading *in)
{
    const cJSON *list = NULL, *item = NULL;
    in->rule->pattern = in->policy->patterns;
    if (is_absent(in, "hosts"))
        return RESULT_OK;
    TRY(json_array(in->doc, in->node, "hosts", 1, PATTERNS_MAX, &list, in->err));
    TRY(repeat_check(in->doc, list, NULL, in->err));
    cJSON_ArrayForEach(item, list)
    {
        struct pattern *pattern = &in->policy->pattern[in->policy->patterns];
        TRY(pattern_read(in, item, pattern));
        if (!pattern_in_zones(in, pattern))
            return json_fail(in->doc, item, in->err,
                             "lies in no zone of %s: add the zone, or take the host out",
                             in->rule->zones == 0 ? "the policy" : "this rule");
        in->policy->patterns++;
        in->rule->patterns++;
    }
    return RESULT_OK;
}

static enum result attributes_load(struct reading *in)
{
    for (enum attribute a = 0; a < ATTRIBUTES; a++) {
        uint64_t bits = attribute_group[a].mask;
        if (!is_absent(in, attribute_group[a].rule_name))
            TRY(attribute_load(in->doc, in->node, attribute_group[a].rule_name,
                               &in->policy->authorities, a, &bits, in->err));
        in->rule->attributes |= bits;
    }
    return RESULT_OK;
}

/* A permit rule permits up to max_hosts, a forbid rule forbids more than that. */
static enum result counts_load(struct reading *in)
{
    struct rule *rule = in->rule;
    int64_t hosts = 0;
    const char *evidence = "issued";
    rule->hosts_max = HOSTS_MAX;
    if (!is_absent(in, "max_hosts"))
        TRY(json_int(in->doc, in->node, "max_hosts", 1, HOSTS_MAX, &hosts, in->err));
    if (rule->permit)
        rule->hosts_max = (uint32_t)hosts;
    rule->hosts_min = rule->permit ? 1 : (uint32_t)hosts + 1;
    TRY(json_string_opt(in->doc, in->node, "geo_evidence", 64, &evidence, in->err));
    rule->existing = strcmp(evidence, "existing") == 0;
    if (!rule->existing && strcmp(evidence, "issued") != 0)
        return json_fail(in->doc, member(in, "geo_evidence"), in->err,
                         "must be \"existing\" or \"issued\"");
    return RESULT_OK;
}

static enum result rule_load(struct reading *in)
{
    TRY(identity_load(in));
    TRY(rule_zones_load(in));
    TRY(rule_hosts_load(in));
    TRY(attributes_load(in));
    TRY(counts_load(in));
    TRY(rule_limits_load(in));
    if (!in->rule->permit && cJSON_GetArraySize(in->node) == 3)
        return json_fail(in->doc, in->node, in->err,
                         "says not what it forbids: add zones, hosts or another member");
    return RESULT_OK;
}

/* Room for all that the rules can hold; what is no list is refused later. */
static enum result rules_allocate(struct policy *policy, const cJSON *list, struct err *err)
{
    size_t patterns = 1, zones = 1, windows = 1, freezes = 1, groups = 1;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, list)
    {
        patterns += (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(item, "hosts"));
        zones += (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(item, "zones"));
        rule_limits_count(item, &windows, &freezes, &groups);
    }
    policy->rule = calloc((size_t)cJSON_GetArraySize(list), sizeof *policy->rule);
    policy->pattern = calloc(patterns, sizeof *policy->pattern);
    policy->zone_list = calloc(zones, sizeof *policy->zone_list);
    policy->window = calloc(windows, sizeof *policy->window);
    policy->freeze = calloc(freezes, sizeof *policy->freeze);
    policy->group = calloc(groups, sizeof *policy->group);
    if (policy->rule == NULL || policy->pattern == NULL || policy->zone_list == NULL ||
        policy->window == NULL || policy->freeze == NULL || policy->group == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", policy->doc.name);
    return RESULT_OK;
}

enum result rules_load(struct policy *policy, struct err *err)
{
    struct reading in = {.policy = policy, .doc = &policy->doc, .err = err};
    const cJSON *list = NULL;
    TRY(json_array(in.doc, in.doc->root, "rules", 1, RULES_MAX, &list, err));
    TRY(rules_allocate(policy, list, err));
    cJSON_ArrayForEach(in.node, list)
    {
        in.rule = &policy->rule[policy->rules];
        TRY(rule_load(&in));
        policy->rules++;
    }
    policy->facts.rules = policy->rules;
    return repeat_check(in.doc, list, "id", err);
}
