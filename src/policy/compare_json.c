#include <string.h>

#include "comparison.h"
#include "rule.h"

static cJSON *when_json(const struct difference *it)
{
    char time[RFC3339_LEN + 1];
    cJSON *out = cJSON_CreateObject();
    time_format(it->at.now, time);
    cJSON_AddStringToObject(out, "time", time);
    cJSON_AddNumberToObject(out, "orders_today", (double)it->at.orders);
    cJSON *approvals = cJSON_AddArrayToObject(out, "approvals");
    for (size_t i = 0; i < it->at.approvers; i++) {
        cJSON *approver = cJSON_CreateObject();
        cJSON_AddStringToObject(approver, "principal", it->at.approver[i].principal);
        cJSON_AddItemToObject(
            approver, "groups",
            cJSON_CreateStringArray(it->at.approver[i].group, (int)it->at.approver[i].groups));
        cJSON_AddItemToArray(approvals, approver);
    }
    if (strcmp(it->order.geo_label, "none") != 0)
        cJSON_AddBoolToObject(out, "live_pack_shows_label", it->evidence);
    return out;
}

static cJSON *grant_json(const struct grant *grant)
{
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "rule", grant->rule);
    cJSON_AddStringToObject(out, "zone", grant->zone);
    cJSON_AddStringToObject(out, "host", grant->host);
    cJSON_AddNumberToObject(out, "hosts", grant->hosts);
    for (size_t a = 0; a < LENGTH(grant->values); a++)
        cJSON_AddItemToObject(out, grant_member(a),
                              cJSON_CreateStringArray(grant->value[a], (int)grant->values[a]));
    return out;
}

static void member_put(cJSON *out, const char *prefix, const char *name, cJSON *value)
{
    char member[32] = "";
    line_add(member, sizeof member, "%s%s", prefix, name);
    cJSON_AddItemToObject(out, member, value != NULL ? value : cJSON_CreateNull());
}

static void difference_put(cJSON *out, const char *name, const struct difference *it)
{
    cJSON *reasons = cJSON_CreateArray(), *grants = cJSON_CreateArray();
    cJSON *extent = cJSON_CreateObject();
    member_put(out, name, "", it->found ? order_tree(&it->order) : NULL);
    member_put(out, name, "_when", it->found ? when_json(it) : NULL);
    for (size_t i = 0; i < it->denial.reasons; i++)
        cJSON_AddItemToArray(reasons, reason_json(&it->denial.reason[i]));
    member_put(out, name, "_reasons", reasons);
    for (size_t i = 0; i < it->grants; i++)
        cJSON_AddItemToArray(grants, grant_json(&it->grant[i]));
    member_put(out, name, "_by", grants);
    cJSON_AddNumberToObject(extent, "zones", (double)it->zones);
    cJSON_AddNumberToObject(extent, "host_classes", (double)it->classes);
    cJSON_AddNumberToObject(extent, "attribute_cells", (double)it->cells);
    member_put(out, name, "_extent", extent);
}

static cJSON *change_json(const struct policy_change *change)
{
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "member", change->member);
    cJSON_AddStringToObject(out, "direction",
                            change->direction == EQUIVALENT ? "none"
                                                            : verdict_name(change->direction));
    cJSON_AddStringToObject(out, "was", change->was);
    cJSON_AddStringToObject(out, "is", change->is);
    return out;
}

cJSON *comparison_json(const struct policy *old, const struct policy *new,
                       const struct comparison *comparison)
{
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "verdict", verdict_name(comparison->verdict));
    difference_put(out, "gained", &comparison->gained);
    difference_put(out, "lost", &comparison->lost);
    cJSON *changes = cJSON_AddArrayToObject(out, "changes");
    for (size_t i = 0; i < comparison->changes; i++)
        cJSON_AddItemToArray(changes, change_json(&comparison->change[i]));
    cJSON_AddItemToObject(out, "old", policy_json(&old->facts));
    cJSON_AddItemToObject(out, "new", policy_json(&new->facts));
    return out;
}
