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

/* All that `inner` judges, `outer` judges too. The cheap tests come first: this is n squared. */
static bool rule_within(const struct policy *policy, const struct rule *inner,
                        const struct rule *outer)
{
    return (inner->attributes & ~outer->attributes) == 0 && inner->hosts_min >= outer->hosts_min &&
           inner->hosts_max <= outer->hosts_max && zones_within(inner, outer) &&
           hosts_within(policy, inner, outer);
}

/* Taken away, nothing changes: another rule of this effect says as much. A weaker demand for
 * evidence permits more. */
static bool is_shadowed(const struct policy *policy, const struct rule *rule, const struct rule *by)
{
    return rule->permit == by->permit && (rule->existing || !by->existing) && !rule_limited(by) &&
           rule_within(policy, rule, by);
}

/* False: no one rule says all that this one says. */
static bool lint_shadow(struct linting *in, uint32_t index)
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
        return true;
    }
    return false;
}

/* Then the other rule is told, also of two alike the later; this one may be what remains. */
static bool shadows_another(const struct linting *in, uint32_t index)
{
    const struct policy *policy = in->policy;
    for (uint32_t i = 0; i < policy->rules; i++)
        if (i != index && is_shadowed(policy, &policy->rule[i], &policy->rule[index]))
            return true;
    return false;
}

/* A rule without effect: one other says it all or, by the survey, others do together. */
static void lint_needed(struct linting *in, uint32_t index)
{
    const struct surveyed *found = &in->survey.rule[index];
    if (found->known && found->needed)
        return;
    if (lint_shadow(in, index) || !found->known || !found->reached || shadows_another(in, index))
        return;
    lint_say(lint_add(in, "redundant_rule", index, "%s", ""),
             "has no effect: other rules, one or several together, %s all of it; take it away, or "
             "narrow those",
             in->policy->rule[index].permit ? "permit" : "forbid");
}

static bool lint_overridden(struct linting *in, uint32_t index)
{
    const struct policy *policy = in->policy;
    for (uint32_t i = 0; i < policy->rules; i++) {
        const struct rule *by = &policy->rule[i];
        if (by->permit || rule_limited(by) || !rule_within(policy, &policy->rule[index], by))
            continue;
        char *text = lint_add(in, "overridden_rule", index, "%s", "");
        lint_say(text, "permits nothing: rule %s forbids all of it", by->id);
        return true;
    }
    return false;
}

/* Every order names its zone's apex, so a rule needs one, itself or another, that permits the apex
 * with attributes that this one permits too. */
static bool lint_apex(struct linting *in, uint32_t index)
{
    const struct policy *policy = in->policy;
    const struct rule *rule = &policy->rule[index];
    bool found = false;
    for (uint32_t i = 0; i < rule->zones; i++) {
        if (in->survey.apex[rule->zone + i - policy->zone_list])
            continue;
        const char *apex = policy->zone[rule->zone[i]].name;
        char *text = lint_add(in, "apex_not_permitted", index, "/hosts");
        lint_say(text,
                 "permits no order in the zone %s: every order must name the apex, and no rule "
                 "permits %s together with what this rule permits",
                 apex, apex);
        found = true;
    }
    return found;
}

static void lint_permits(struct linting *in, uint32_t index, bool told)
{
    const struct surveyed *found = &in->survey.rule[index];
    told = lint_apex(in, index) || told;
    if (found->known && found->reached)
        return;
    if (lint_overridden(in, index) || told || !found->known)
        return;
    lint_say(lint_add(in, "never_matches", index, "%s", ""),
             "permits no order: forbid rules, the apex that every order must name, or max_hosts, "
             "change_windows and freeze leave none of it");
}

static void lint_idle(struct linting *in, uint32_t index)
{
    const struct surveyed *found = &in->survey.rule[index];
    if (found->known && !found->reached)
        lint_say(lint_add(in, "idle_forbid", index, "%s", ""),
                 "forbids nothing that a permit rule permits: check its hosts, or keep it as a "
                 "guard and mean to");
}

void lint_relations(struct linting *in, uint32_t index, bool told)
{
    lint_needed(in, index);
    if (in->policy->rule[index].permit)
        lint_permits(in, index, told);
    else
        lint_idle(in, index);
}
