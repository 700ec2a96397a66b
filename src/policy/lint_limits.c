/* Limits of a rule against the life of the policy. */
#include "lint.h"

/* What is left of the policy's life, half open. */
struct life {
    int64_t from, to;
};

static struct life life_left(const struct linting *in)
{
    const struct policy_facts *facts = &in->policy->facts;
    return (struct life){in->now > facts->effective_ms ? in->now : facts->effective_ms,
                         facts->expires_ms};
}

/* The first moment at or after this one that lies in the window. */
static int64_t window_next(const struct window *window, int64_t at)
{
    int64_t midnight = at / DAY_MS * DAY_MS;
    for (unsigned day = 0; day < 8; day++, midnight += DAY_MS) {
        int64_t opens = midnight + (int64_t)window->from * MINUTE_MS;
        int64_t closes = midnight + (int64_t)window->to * MINUTE_MS;
        if ((window->weekdays & (1u << weekday_of(midnight))) != 0 && at < closes)
            return at > opens ? at : opens;
    }
    return INT64_MAX;
}

static int64_t windows_next(const struct policy *policy, const struct rule *rule, int64_t at)
{
    int64_t first = rule->windows == 0 ? at : INT64_MAX;
    for (uint32_t i = 0; i < rule->windows; i++) {
        int64_t next = window_next(&policy->window[rule->window + i], at);
        first = next < first ? next : first;
    }
    return first;
}

/* Each turn finds a moment or passes the end of a freeze, and there are few of those. */
static bool opens_within(const struct policy *policy, const struct rule *rule, struct life life)
{
    int64_t at = life.from;
    while ((at = windows_next(policy, rule, at)) < life.to) {
        const struct freeze *freeze = freeze_at(policy, rule, at);
        if (freeze == NULL)
            return true;
        at = freeze->to;
    }
    return false;
}

static void lint_freezes(struct linting *in, uint32_t index)
{
    const struct rule *rule = &in->policy->rule[index];
    const struct policy_facts *facts = &in->policy->facts;
    for (uint32_t i = 0; i < rule->freezes; i++) {
        const struct freeze *freeze = &in->policy->freeze[rule->freeze + i];
        if (freeze->to <= facts->effective_ms || freeze->from >= facts->expires_ms)
            lint_say(lint_add(in, "freeze_idle", index, "/freeze/%u", i),
                     "lies outside of the policy's life, %s to %s: it stops nothing",
                     facts->effective, facts->expires);
        else if (freeze->to <= in->now)
            lint_say(lint_add(in, "freeze_past", index, "/freeze/%u", i),
                     "ended at %s: take it away with the next revision", freeze->to_text);
    }
}

bool lint_limits(struct linting *in, uint32_t index)
{
    const struct rule *rule = &in->policy->rule[index];
    struct life life = life_left(in);
    lint_freezes(in, index);
    if (!rule->permit || (rule->windows == 0 && rule->freezes == 0) || life.from >= life.to ||
        opens_within(in->policy, rule, life))
        return false;
    lint_say(
        lint_add(in, "never_open", index, "%s", rule->windows > 0 ? "/change_windows" : "/freeze"),
        "permits nothing in what is left of the policy's life: at each moment until %s it is "
        "frozen%s",
        in->policy->facts.expires, rule->windows > 0 ? " or outside of its change windows" : "");
    return true;
}
