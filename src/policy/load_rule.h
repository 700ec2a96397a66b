/* One rule on its way in: what load_rules.c and load_limits.c share. */
#ifndef GEORDER_LOAD_RULE_H
#define GEORDER_LOAD_RULE_H

#include "rule.h"

#define LIMIT_ITEMS 50 /* change windows or freezes of one rule */
#define GROUPS_MAX  8

struct reading {
    struct policy *policy;
    const struct json_doc *doc;
    const cJSON *node;
    struct rule *rule;
    struct err *err;
    uint32_t zone_refs; /* of policy->zone_list, in use */
};

MUST_USE enum result rule_limits_load(struct reading *in);
/* Adds what a rule has, be it valid or not. */
void rule_limits_count(const cJSON *rule, size_t *windows, size_t *freezes, size_t *groups);

#endif
