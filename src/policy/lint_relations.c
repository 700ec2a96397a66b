/* What the rules of a policy make of each other. */
#include <string.h>

#include "lint.h"

static const struct pattern *pattern_of(const struct policy *policy, const struct rule *rule,
                                        uint32_t index)
{
    return &policy->pattern[rule->pattern + index];
}

static bool zones_within(const struct rule *inner, const struct rule *outer)
{
    for (uint32_t i = 0; i < inner->zones; i++)
        if (!rule_in_zone(outer, inner->zone[i]))
            return false;
    return outer->zones == 0 || inner->zones > 0;
}

static bool zones_meet(const struct rule *a, const struct rule *b)
{
    for (uint32_t i = 0; i < a->zones; i++)
        if (rule_in_zone(b, a->zone[i]))
            return true;
    return a->zones == 0;
}

static bool hosts_within(const struct policy *policy, const struct rule *inner,
                         const struct rule *outer)
{
    for (uint32_t i = 0; i < inner->patterns; i++) {
        bool found = outer->patterns == 0;
        for (uint32_t o = 0; o < outer->patterns && !found; o++)
            found = pattern_within(pattern_of(policy, inner, i), pattern_of(policy, outer, o));
        if (!found)
            return false;
    }
    return outer->patterns == 0 || inner->patterns > 0;
}

static bool hosts_meet(const struct policy *policy, const struct rule *a, const struct rule *b)
{
    for (uint32_t i = 0; i < a->patterns; i++)
        for (uint32_t o = 0; o < b->patterns; o++)
            if (pattern_meets(pattern_of(policy, a, i), pattern_of(policy, b, o)))
                return true;
    return a->patterns == 0 || b->patterns == 0;
}

static bool attributes_meet(const struct rule *a, const struct rule *b)
{
    for (unsigned i = 0; i < ATTRIBUTES; i++)
        if ((a->attributes & b->attributes & attribute_group[i].mask) == 0)
            return false;
    return true;
}

/* All that `inner` judges, `outer` judges too. The cheap tests come first: this is n squared. */
static bool rule_within(const struct policy *policy, const struct rule *inner,
                        const struct rule *outer)
{
    return (inner->attributes & ~outer->attributes) == 0 && inner->hosts_min >= outer->hosts_min &&
           inner->hosts_max <= outer->hosts_max && zones_within(inner, outer) &&
           hosts_within(policy, inner, outer);
}

static bool rule_meets(const struct policy *policy, const struct rule *a, const struct rule *b)
{
    return attributes_meet(a, b) && a->hosts_min <= b->hosts_max && b->hosts_min <= a->hosts_max &&
           zones_meet(a, b) && hosts_meet(policy, a, b);
}

/* Taken away, nothing changes: another rule of this effect says as much. A weaker demand for
 * evidence permits more. */
static bool is_shadowed(const struct policy *policy, const struct rule *rule, const struct rule *by)
{
    return rule->permit == by->permit && (rule->existing || !by->existing) && !rule_limited(by) &&
           rule_within(policy, rule, by);
}

static void lint_shadow(struct linting *in, uint32_t index)
{
    const struct policy *policy = in->policy;
    const struct rule *rule = &policy->rule[index];
    for (uint32_t i = 0; i < policy->rules; i++) {
        const struct rule *by = &policy->rule[i];
        if (i == index || !is_shadowed(policy, rule, by))
            continue;
        bool same = is_shadowed(policy, by, rule);
        if (same && i > index) /* of two alike the later is told */
            continue;
        char *text = lint_add(in, same ? "duplicate_rule" : "shadowed_rule", index, "%s", "");
        lint_say(text,
                 same ? "says the same as rule %s: take one away"
                      : "has no effect: rule %s %s all of it and more; take it away, or narrow "
                        "that rule",
                 by->id, by->permit ? "permits" : "forbids");
        return;
    }
}

static void lint_overridden(struct linting *in, uint32_t index)
{
    const struct policy *policy = in->policy;
    for (uint32_t i = 0; i < policy->rules; i++) {
        const struct rule *by = &policy->rule[i];
        if (by->permit || rule_limited(by) || !rule_within(policy, &policy->rule[index], by))
            continue;
        char *text = lint_add(in, "overridden_rule", index, "%s", "");
        lint_say(text, "permits nothing: rule %s forbids all of it", by->id);
        return;
    }
}

/* Every order names its zone's apex, so a rule needs one, itself or another, that permits the apex
 * with attributes that this one permits too. */
static bool apex_permitted(const struct policy *policy, const struct rule *rule, uint32_t zone)
{
    struct hits hits;
    host_hits(policy, policy->zone[zone].name, &hits);
    for (uint32_t i = 0; i < hits.count; i++)
        for (const struct entry *at = hits.hit[i].entry;
             at < hits.hit[i].entry + hits.hit[i].entries; at++)
            if (at->permit && (at->kind & hits.hit[i].kinds) != 0 &&
                rule_in_zone(&policy->rule[at->rule], zone) &&
                attributes_meet(&policy->rule[at->rule], rule))
                return true;
    return false;
}

static void lint_apex(struct linting *in, uint32_t index)
{
    const struct rule *rule = &in->policy->rule[index];
    for (uint32_t i = 0; i < rule->zones; i++) {
        if (apex_permitted(in->policy, rule, rule->zone[i]))
            continue;
        const char *apex = in->policy->zone[rule->zone[i]].name;
        char *text = lint_add(in, "apex_not_permitted", index, "/hosts");
        lint_say(text,
                 "permits no order in the zone %s: every order must name the apex, and no rule "
                 "permits %s together with what this rule permits",
                 apex, apex);
    }
}

static void lint_idle(struct linting *in, uint32_t index)
{
    const struct policy *policy = in->policy;
    for (uint32_t i = 0; i < policy->rules; i++)
        if (policy->rule[i].permit && rule_meets(policy, &policy->rule[i], &policy->rule[index]))
            return;
    char *text = lint_add(in, "idle_forbid", index, "%s", "");
    lint_say(text, "forbids nothing that a permit rule permits: check its hosts, or keep it as a "
                   "guard and mean to");
}

void lint_relations(struct linting *in, uint32_t index)
{
    lint_shadow(in, index);
    if (in->policy->rule[index].permit) {
        lint_overridden(in, index);
        lint_apex(in, index);
    } else {
        lint_idle(in, index);
    }
}
