#include <stdlib.h>
#include <string.h>

#include "rule.h"

void policy_free(struct policy **policy)
{
    if (*policy == NULL)
        return;
    json_free(&(*policy)->doc);
    free((*policy)->zone);
    free((*policy)->zone_by_id);
    free((*policy)->zone_list);
    free((*policy)->rule);
    free((*policy)->pattern);
    free((*policy)->window);
    free((*policy)->freeze);
    free((*policy)->group);
    free((*policy)->entry);
    free((*policy)->zone_entry);
    free((*policy)->forbid_any);
    free((*policy)->anchor);
    free(*policy);
    *policy = NULL;
}

void policy_facts(const struct policy *policy, struct policy_facts *out)
{
    *out = policy->facts;
}

uint32_t zone_named(const struct policy *policy, const char *name)
{
    uint32_t low = 0, high = policy->zones;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(name, policy->zone[middle].name);
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NONE;
}

uint32_t zone_find(const struct policy *policy, const char *name_or_id)
{
    uint32_t low = 0, high = policy->zones;
    if (strchr(name_or_id, '.') != NULL)
        return zone_named(policy, name_or_id);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, zone = policy->zone_by_id[middle];
        int order = strcmp(name_or_id, policy->zone[zone].id);
        if (order == 0)
            return zone;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NONE;
}

const char *policy_zone_id(const struct policy *policy, const char *name)
{
    uint32_t zone = zone_named(policy, name);
    return zone == NONE ? NULL : policy->zone[zone].id;
}

void policy_zone(const struct policy *policy, size_t index, const char **name, const char **id)
{
    *name = index < policy->zones ? policy->zone[index].name : "";
    *id = index < policy->zones ? policy->zone[index].id : "";
}

bool policy_resolve_zone(const struct policy *policy, struct order *order)
{
    order->zone_id[0] = order->apex[0] = '\0';
    uint32_t zone = zone_find(policy, order->zone);
    if (zone == NONE)
        return false;
    line_put(order->zone_id, sizeof order->zone_id, policy->zone[zone].id);
    line_put(order->apex, sizeof order->apex, policy->zone[zone].name);
    return true;
}

bool rule_in_zone(const struct rule *rule, uint32_t zone)
{
    uint32_t low = 0, high = rule->zones;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (rule->zone[middle] == zone)
            return true;
        if (rule->zone[middle] < zone)
            low = middle + 1;
        else
            high = middle;
    }
    return rule->zones == 0;
}

void rule_values(const struct policy *policy, const struct rule *rule, enum attribute attribute,
                 char *out, size_t size)
{
    const struct attribute_group *group = &attribute_group[attribute];
    out[0] = '\0';
    for (unsigned i = 0; i < group->values; i++) {
        if ((rule->attributes & BIT(group->first + i)) == 0)
            continue;
        line_put(out, size, out[0] == '\0' ? "" : ", ");
        line_put(out, size, attribute_value(&policy->authorities, group->first + i));
    }
}

void rule_hosts(const struct policy *policy, const struct rule *rule, char *out, size_t size)
{
    out[0] = '\0';
    for (uint32_t i = 0; i < rule->patterns; i++) {
        const char *text = policy->pattern[rule->pattern + i].text;
        if (strlen(out) + strlen(text) + sizeof ", and 10000 more" > size) {
            line_add(out, size, " and %u more", rule->patterns - i);
            return;
        }
        line_put(out, size, i == 0 ? "" : ", ");
        line_put(out, size, text);
    }
}

static uint64_t days_bit(int days)
{
    const struct attribute_group *group = &attribute_group[ATTRIBUTE_DAYS];
    unsigned bit = group->first;
    while (bit < group->first + group->values && attribute_days(bit) != days)
        bit++;
    return BIT(bit);
}

void ask_from_order(const struct policy *policy, const struct order *order,
                    const struct circumstances *at, struct ask *out)
{
    const struct authorities *known = &policy->authorities;
    out->bits = attribute_bit(known, ATTRIBUTE_AUTHORITY, order->certificate_authority) |
                days_bit(order->validity_days) |
                attribute_bit(known, ATTRIBUTE_METHOD, order->validation_method) |
                BIT(attribute_group[ATTRIBUTE_BRANDING].first + order->cloudflare_branding) |
                attribute_bit(known, ATTRIBUTE_GEO, order->geo_label);
    out->hosts = (uint32_t)order->hosts;
    out->zone = zone_find(policy, order->zone);
    out->at = at;
}

void *array_grown(void *array, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return array;
    return reallocarray(array, count == 0 ? 1 : count * 2, size);
}
