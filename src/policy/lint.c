#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lint.h"

#define SOON_DAYS      30
#define LONG_DAYS      (2 * 366)
#define REVISION_JUMP  1000000 /* more reviewed revisions than any team makes */
#define NETWORK_WIDE_4 8       /* Cloudflare's widest are /13 and /29 */
#define NETWORK_WIDE_6 20

char *lint_add(struct linting *in, const char *code, uint32_t rule, const char *fmt, ...)
{
    struct lint *out = in->out;
    struct lint_item *item = array_grown(out->item, out->count, sizeof *item);
    in->failed |= item == NULL;
    if (item == NULL)
        return NULL;
    out->item = item;
    item += out->count++;
    *item = (struct lint_item){.code = code};
    if (rule != NONE) {
        line_put(item->rule, sizeof item->rule, in->policy->rule[rule].id);
        line_add(item->pointer, sizeof item->pointer, "/rules/%u", rule);
    }
    va_list args;
    va_start(args, fmt);
    size_t used = strlen(item->pointer);
    (void)vsnprintf(item->pointer + used, sizeof item->pointer - used, fmt, args);
    va_end(args);
    return item->text;
}

void lint_free(struct lint *lint)
{
    free(lint->item);
    *lint = (struct lint){0};
}

void lint_say(char *text, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (text != NULL)
        (void)vsnprintf(text, LINT_TEXT, fmt, args);
    va_end(args);
}

static void lint_times(struct linting *in)
{
    const struct policy_facts *facts = &in->policy->facts;
    int64_t left = facts->expires_ms - in->now;
    if (facts->revision >= REVISION_JUMP)
        lint_say(
            lint_add(in, "revision_jump", NONE, "/revision"),
            "revision %lld looks like a date: every later one must be higher still; count from 1",
            (long long)facts->revision);
    if (in->now < facts->effective_ms)
        lint_say(lint_add(in, "not_yet_effective", NONE, "/effective"),
                 "the policy takes effect at %s: until then every order is denied",
                 facts->effective);
    if (left <= 0)
        lint_say(lint_add(in, "expired", NONE, "/expires"),
                 "the policy expired at %s: every order is denied", facts->expires);
    else if (left <= SOON_DAYS * DAY_MS)
        lint_say(lint_add(in, "expires_soon", NONE, "/expires"),
                 "the policy expires at %s, in %lld days: have the next revision approved",
                 facts->expires, (long long)(left / DAY_MS));
    if (facts->expires_ms - facts->effective_ms > LONG_DAYS * DAY_MS)
        lint_say(lint_add(in, "long_lived", NONE, "/expires"),
                 "the policy is in force for %lld days: a shorter life makes sure of a review",
                 (long long)((facts->expires_ms - facts->effective_ms) / DAY_MS));
}

/* A pin does not say whose it is, so the first word of its subject stands for the CA. */
static bool pins_of_one(const struct policy *policy)
{
    size_t len = strcspn(policy->subject[0], " ");
    for (size_t i = 1; i < policy->facts.pins; i++)
        if (strncmp(policy->subject[i], policy->subject[0], len) != 0 ||
            strcspn(policy->subject[i], " ") != len)
            return false;
    return true;
}

static void lint_api(struct linting *in)
{
    const struct policy *policy = in->policy;
    if (policy->facts.pins == 1)
        lint_say(
            lint_add(in, "single_pin", NONE, "/api/spki_pins"),
            "only one pin: when Cloudflare changes the CA of its API, no order can be placed; pin "
            "the roots in cloudflare.json");
    else if (pins_of_one(policy))
        lint_say(lint_add(in, "pins_of_one_ca", NONE, "/api/spki_pins"),
                 "by their subjects all pins are of one CA, %.*s: Cloudflare may change to another "
                 "without notice; pin the roots in cloudflare.json",
                 (int)strcspn(policy->subject[0], " "), policy->subject[0]);
    for (size_t i = 0; i < policy->facts.networks; i++) {
        const char *network = policy->network[i];
        unsigned wide = strchr(network, ':') != NULL ? NETWORK_WIDE_6 : NETWORK_WIDE_4;
        if (network_prefix(network) < wide)
            lint_say(lint_add(in, "network_wide", NONE, "/api/networks/%zu", i),
                     "%s is wider than /%u: it hardly restricts where the API may be", network,
                     wide);
    }
}

static void lint_zones(struct linting *in)
{
    const struct policy *policy = in->policy;
    for (uint32_t z = 0; z < policy->zones; z++)
        if (policy->zone[z].entries == 0)
            lint_say(lint_add(in, "unused_zone", NONE, "/zones/%s", policy->zone[z].name),
                     "no permit rule names the zone %s: every order for it is denied",
                     policy->zone[z].name);
}

static void lint_geo(struct linting *in, uint32_t index)
{
    const struct rule *rule = &in->policy->rule[index];
    bool labels = (rule->attributes & attribute_group[ATTRIBUTE_GEO].mask & ~BIT_GEO_NONE) != 0;
    if (!rule->permit)
        return;
    if (!labels && rule->existing)
        lint_say(lint_add(in, "geo_evidence_idle", index, "/geo_evidence"),
                 "asks for evidence of a label, but permits orders without a label only");
    if (labels && rule->existing)
        lint_say(
            lint_add(in, "geo_followed_up", index, "/geo_restrictions"),
            "a label cannot be asked of the order endpoint, and Cloudflare documents labels for "
            "custom certificates only. Evidence is strong as can be: an order needs a live pack of "
            "the zone that shows the label, and each new certificate is followed up until it does");
    if (labels && !rule->existing)
        lint_say(
            lint_add(in, "geo_followed_up", index, "/geo_restrictions"),
            "a label cannot be asked of the order endpoint, and Cloudflare documents labels for "
            "custom certificates only. Evidence is weak: the pack is ordered first and each "
            "certificate followed up until it shows the label, which it may never do; "
            "\"geo_evidence\": \"existing\" demands a live pack that shows it before");
}

/* What the survey could not say is said, not passed over. */
static void lint_unknown(struct linting *in)
{
    uint32_t unknown = 0;
    for (uint32_t i = 0; i < in->policy->rules; i++)
        unknown += !in->survey.rule[i].known;
    if (unknown > 0)
        lint_say(lint_add(in, "not_compared", NONE, "/rules"),
                 "rules that have too many different limits or approvals beside each other to say "
                 "which of them are needless: %u; make those alike that mean the same",
                 unknown);
}

enum result policy_lint(const struct policy *policy, int64_t now, struct lint *out, struct err *err)
{
    struct linting in = {.policy = policy, .now = now, .out = out};
    *out = (struct lint){0};
    TRY(policy_survey(policy, &in.survey, err));
    lint_times(&in);
    lint_api(&in);
    lint_zones(&in);
    lint_unknown(&in);
    for (uint32_t i = 0; i < policy->rules && !in.failed; i++) {
        lint_authorities(&in, i);
        lint_geo(&in, i);
        lint_relations(&in, i, lint_limits(&in, i));
    }
    survey_free(&in.survey);
    if (!in.failed)
        return RESULT_OK;
    lint_free(out);
    return err_set(err, RESULT_INTERNAL, "the lint of a policy: out of memory");
}
