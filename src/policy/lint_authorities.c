/* Grants that no CA can serve, or none from some day on. */
#include <string.h>

#include "lint.h"

static unsigned first_of(enum attribute attribute)
{
    return attribute_group[attribute].first;
}

static void lint_issues(struct linting *in, uint32_t index, const struct authority *authority)
{
    const struct authorities *known = &in->policy->authorities;
    uint64_t bits = in->policy->rule[index].attributes;
    for (unsigned i = 0; i < attribute_group[ATTRIBUTE_DAYS].values; i++) {
        unsigned bit = first_of(ATTRIBUTE_DAYS) + i;
        if ((bits & ~authority->days & BIT(bit)) == 0)
            continue;
        char *text = lint_add(in, "unissuable_validity", index, "/validity_days");
        if (text != NULL)
            days_say(known, authority, attribute_days(bit), text, LINT_TEXT);
    }
    for (unsigned i = 0; i < attribute_group[ATTRIBUTE_METHOD].values; i++) {
        unsigned bit = first_of(ATTRIBUTE_METHOD) + i;
        if ((bits & ~authority->methods & BIT(bit)) == 0)
            continue;
        char *text = lint_add(in, "unissuable_method", index, "/validation_methods");
        if (text != NULL)
            method_say(known, authority, attribute_value(known, bit), text, LINT_TEXT);
    }
}

static void lint_names(struct linting *in, uint32_t index, const struct authority *authority)
{
    const struct rule *rule = &in->policy->rule[index];
    bool wildcards = (rule->attributes & authority->wildcard_methods) != 0;
    for (uint32_t p = 0; p < rule->patterns; p++) {
        const struct pattern *pattern = &in->policy->pattern[rule->pattern + p];
        char *text = NULL;
        if (!wildcards && pattern->kind != PATTERN_EXACT)
            text = lint_add(in, "wildcard_without_method", index, "/hosts/%u", p);
        lint_say(text,
                 "%s can validate a wildcard below %s by none of the rule's methods: add txt, "
                 "or mean that only plain names are ordered",
                 authority->name, pattern->base);
        text = NULL;
        if (!authority->punycode && name_punycode(pattern->base))
            text = lint_add(in, "unissuable_name", index, "/hosts/%u", p);
        lint_say(text, "%s is documented not to issue for punycode names such as %s",
                 authority->name, pattern->base);
    }
}

/* The first limit within the policy's life that is lower. */
static void lint_limit(struct linting *in, uint32_t index, int64_t days)
{
    const struct authorities *known = &in->policy->authorities;
    for (size_t i = 0; i < known->limits; i++) {
        const struct validity_limit *limit = &known->limit[i];
        if (days <= limit->days || limit->from >= in->policy->facts.expires_ms)
            continue;
        bool dead = limit->from <= in->now;
        char *text = lint_add(in, dead ? "over_limit" : "over_limit_soon", index, "/validity_days");
        if (text != NULL)
            limit_say(known, limit, days, text, LINT_TEXT);
        return;
    }
}

static void lint_baseline(struct linting *in, uint32_t index)
{
    const struct authorities *known = &in->policy->authorities;
    uint64_t bits = in->policy->rule[index].attributes;
    for (unsigned i = 0; i < attribute_group[ATTRIBUTE_DAYS].values; i++)
        if ((bits & BIT(first_of(ATTRIBUTE_DAYS) + i)) != 0)
            lint_limit(in, index, attribute_days(first_of(ATTRIBUTE_DAYS) + i));
    for (unsigned i = 0; i < attribute_group[ATTRIBUTE_METHOD].values; i++) {
        const struct method_end *end = &known->method_end[i];
        if ((bits & BIT(first_of(ATTRIBUTE_METHOD) + i)) == 0 || end->from == INT64_MAX)
            continue;
        char *text = lint_add(in, "method_ends", index, "/validation_methods");
        if (text != NULL)
            method_end_say(known, end, attribute_value(known, first_of(ATTRIBUTE_METHOD) + i), text,
                           LINT_TEXT);
    }
}

/* Limits only ever get lower, so what can be issued at all can be issued first thing. */
static uint64_t days_allowed(const struct linting *in, int64_t from)
{
    const struct validity_limit *limit = authority_limit(&in->policy->authorities, from);
    uint64_t bits = 0;
    for (unsigned i = 0; i < attribute_group[ATTRIBUTE_DAYS].values; i++) {
        unsigned bit = first_of(ATTRIBUTE_DAYS) + i;
        if (limit == NULL || attribute_days(bit) <= limit->days)
            bits |= BIT(bit);
    }
    return bits;
}

static uint64_t methods_allowed(const struct linting *in, int64_t from)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < attribute_group[ATTRIBUTE_METHOD].values; i++)
        if (in->policy->authorities.method_end[i].from > from)
            bits |= BIT(first_of(ATTRIBUTE_METHOD) + i);
    return bits;
}

/* No combination of its CAs, validities and methods is both documented and allowed. */
static void lint_unissuable(struct linting *in, uint32_t index)
{
    const struct authorities *known = &in->policy->authorities;
    const struct policy_facts *facts = &in->policy->facts;
    int64_t from = in->now > facts->effective_ms ? in->now : facts->effective_ms;
    uint64_t bits = in->policy->rule[index].attributes;
    uint64_t days = bits & days_allowed(in, from), methods = bits & methods_allowed(in, from);
    for (unsigned i = 0; i < known->count; i++)
        if ((bits & BIT(i)) != 0 && (days & known->authority[i].days) != 0 &&
            (methods & known->authority[i].methods) != 0)
            return;
    lint_say(
        lint_add(in, "unissuable_rule", index, "%s", ""),
        "permits nothing that a CA issues: no CA of the rule is documented to issue any of its "
        "validities by any of its methods (%s, read %s) within what the Baseline Requirements "
        "%s allow",
        known->source, known->read, known->version);
}

void lint_authorities(struct linting *in, uint32_t index)
{
    const struct rule *rule = &in->policy->rule[index];
    const struct authorities *known = &in->policy->authorities;
    if (!rule->permit)
        return;
    for (unsigned i = 0; i < known->count; i++)
        if ((rule->attributes & BIT(i)) != 0) {
            lint_issues(in, index, &known->authority[i]);
            lint_names(in, index, &known->authority[i]);
        }
    lint_baseline(in, index);
    lint_unissuable(in, index);
}
