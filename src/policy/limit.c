/* What a rule demands beside hosts and attributes: how often, when, and with whose approval. */
#include <stdio.h>
#include <string.h>

#include "rule.h"

#define DAY_MINUTES  1440
#define FIRST_MONDAY 3 /* 1970-01-01 was a Thursday */

static const char *const weekday_name[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

unsigned weekday_of(int64_t now)
{
    return (unsigned)((now / DAY_MS + FIRST_MONDAY) % 7);
}

unsigned minute_of(int64_t now)
{
    return (unsigned)(now / MINUTE_MS % DAY_MINUTES);
}

bool weekday_named(const char *name, unsigned *out)
{
    for (*out = 0; *out < LENGTH(weekday_name); (*out)++)
        if (strcmp(weekday_name[*out], name) == 0)
            return true;
    return false;
}

static bool window_open(const struct window *window, int64_t now)
{
    unsigned minute = minute_of(now);
    return (window->weekdays & (1u << weekday_of(now))) != 0 && minute >= window->from &&
           minute < window->to;
}

static bool windows_closed(const struct policy *policy, const struct rule *rule, int64_t now)
{
    for (uint32_t i = 0; i < rule->windows; i++)
        if (window_open(&policy->window[rule->window + i], now))
            return false;
    return rule->windows > 0;
}

const struct freeze *freeze_at(const struct policy *policy, const struct rule *rule, int64_t now)
{
    for (uint32_t i = 0; i < rule->freezes; i++) {
        const struct freeze *freeze = &policy->freeze[rule->freeze + i];
        if (now >= freeze->from && now < freeze->to)
            return freeze;
    }
    return NULL;
}

static bool approver_counts(const struct policy *policy, const struct rule *rule,
                            const struct approver *approver)
{
    for (uint32_t i = 0; i < rule->groups; i++)
        for (size_t g = 0; g < approver->groups; g++)
            if (strcmp(policy->group[rule->group + i], approver->group[g]) == 0)
                return true;
    return false;
}

unsigned approvals_given(const struct policy *policy, const struct rule *rule,
                         const struct circumstances *at)
{
    unsigned count = 0;
    for (size_t i = 0; i < at->approvers; i++)
        count += approver_counts(policy, rule, &at->approver[i]);
    return count;
}

bool limit_fails(const struct policy *policy, const struct rule *rule,
                 const struct circumstances *at, enum limit limit)
{
    switch (limit) {
    case LIMIT_ORDERS:
        return at->orders != ORDERS_UNKNOWN && at->orders >= (int64_t)rule->orders_max;
    case LIMIT_WINDOWS:
        return windows_closed(policy, rule, at->now);
    case LIMIT_FREEZE:
        return freeze_at(policy, rule, at->now) != NULL;
    case LIMIT_APPROVALS:
        return !at->approvals_assumed && approvals_given(policy, rule, at) < rule->approvals;
    case LIMITS:
        break;
    }
    return true;
}

bool rule_limited(const struct rule *rule)
{
    return rule->orders_max != ORDERS_ANY || rule->windows > 0 || rule->freezes > 0 ||
           rule->approvals > 0;
}

bool limits_fit(const struct policy *policy, const struct rule *rule,
                const struct circumstances *at)
{
    if (!rule->permit)
        return rule->freezes == 0 || freeze_at(policy, rule, at->now) != NULL;
    for (enum limit limit = LIMIT_ORDERS; limit < LIMITS; limit++)
        if (limit_fails(policy, rule, at, limit))
            return false;
    return true;
}

void windows_say(const struct policy *policy, const struct rule *rule, char *out, size_t size)
{
    for (uint32_t i = 0; i < rule->windows; i++) {
        const struct window *window = &policy->window[rule->window + i];
        const char *between = i == 0 ? "" : "; ";
        for (unsigned day = 0; day < LENGTH(weekday_name); day++)
            if ((window->weekdays & (1u << day)) != 0) {
                line_add(out, size, "%s%s", between, weekday_name[day]);
                between = " ";
            }
        line_add(out, size, " %02u:%02u-%02u:%02u UTC", window->from / 60, window->from % 60,
                 window->to / 60, window->to % 60);
    }
}

void moment_say(int64_t now, char *out, size_t size)
{
    unsigned minute = minute_of(now);
    line_add(out, size, "%s %02u:%02u UTC", weekday_name[weekday_of(now)], minute / 60,
             minute % 60);
}

void groups_say(const struct policy *policy, const struct rule *rule, char *out, size_t size)
{
    for (uint32_t i = 0; i < rule->groups; i++)
        line_add(out, size, "%s%s", i == 0 ? "" : ", ", policy->group[rule->group + i]);
}
