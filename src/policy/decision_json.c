#include "rule.h"

/* A member that has something to say. */
static void text_put(cJSON *object, const char *name, const char *text)
{
    if (text[0] != '\0')
        cJSON_AddStringToObject(object, name, text);
}

cJSON *reason_json(const struct reason *reason)
{
    cJSON *out = cJSON_CreateObject();
    text_put(out, "code", reason->code);
    text_put(out, "host", reason->host);
    text_put(out, "rule", reason->rule);
    text_put(out, "attribute", reason->attribute);
    text_put(out, "asked", reason->asked);
    text_put(out, "permitted", reason->permitted);
    text_put(out, "text", reason->text);
    return out;
}

cJSON *policy_json(const struct policy_facts *facts)
{
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "name", facts->name);
    cJSON_AddNumberToObject(out, "revision", (double)facts->revision);
    cJSON_AddStringToObject(out, "sha256", facts->digest);
    return out;
}

static void demands_put(cJSON *out, const struct decision *decision)
{
    cJSON *list = decision->demands == 0 ? NULL : cJSON_AddArrayToObject(out, "approvals_demanded");
    for (size_t i = 0; i < decision->demands; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "rule", decision->demand[i].rule);
        cJSON_AddNumberToObject(item, "count", decision->demand[i].count);
        cJSON_AddStringToObject(item, "from", decision->demand[i].from);
        cJSON_AddItemToArray(list, item);
    }
    if (decision->orders_unjudged)
        cJSON_AddFalseToObject(out, "max_orders_judged");
}

cJSON *decision_json(const struct policy *policy, const struct decision *decision)
{
    cJSON *out = cJSON_CreateObject();
    cJSON_AddBoolToObject(out, "permit", decision->permit);
    cJSON *rules = cJSON_AddArrayToObject(out, "rules");
    for (size_t i = 0; i < decision->rules; i++)
        cJSON_AddItemToArray(rules, cJSON_CreateString(decision->rule[i]));
    if (decision->permit)
        cJSON_AddStringToObject(out, "geo_evidence",
                                decision->geo_evidence_existing ? "existing" : "issued");
    demands_put(out, decision);
    cJSON *reasons = cJSON_AddArrayToObject(out, "reasons");
    for (size_t i = 0; i < decision->reasons; i++)
        cJSON_AddItemToArray(reasons, reason_json(&decision->reason[i]));
    if (decision->omitted > 0)
        cJSON_AddNumberToObject(out, "reasons_omitted", (double)decision->omitted);
    cJSON *warnings = cJSON_AddArrayToObject(out, "warnings");
    for (size_t i = 0; i < decision->warnings; i++)
        cJSON_AddItemToArray(warnings, cJSON_CreateString(decision->warning[i]));
    cJSON_AddItemToObject(out, "policy", policy_json(&policy->facts));
    return out;
}
