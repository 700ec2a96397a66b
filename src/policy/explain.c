/* Why an order is denied: first found, small and sorted, then put into words. */
#include <stdlib.h>
#include <string.h>

#include "rule.h"

/* In the order of their codes' names. */
enum code {
    APPROVALS_MISSING,
    NOT_PERMITTED,
    FORBIDDEN,
    FROZEN,
    HOST_NOT_COVERED,
    ORDERS_REACHED,
    OUTSIDE_WINDOW,
    EXPIRED,
    NOT_EFFECTIVE,
    ZONE_UNKNOWN
};
static const char *const code_name[] = {
    "approvals_missing",
    "attribute_not_permitted",
    "forbidden",
    "frozen",
    "host_not_covered",
    "max_orders_reached",
    "outside_change_window",
    "policy_expired",
    "policy_not_effective",
    "zone_unknown",
};

/* Beside enum attribute: what else of an order may fail a rule. */
#define AT_MAX_HOSTS ATTRIBUTES
#define AT_LIMIT     (ATTRIBUTES + 1) /* and enum limit on top */
#define AT_NOTHING   (AT_LIMIT + LIMITS)
static const char *const limit_name[] = {"max_orders", "change_windows", "freeze", "approvals"};
static const enum code limit_code[] = {ORDERS_REACHED, OUTSIDE_WINDOW, FROZEN, APPROVALS_MISSING};

struct finding {
    enum code code;
    uint32_t host, rule, pattern; /* NONE: not about one */
    unsigned attribute;
};

struct search {
    const struct policy *policy;
    const struct order *order;
    const struct ask *ask;
    const uint32_t *chosen;
    bool life; /* whether the policy is in force is judged too */
    struct finding *finding;
    size_t count, room;
    bool failed;
};

static void finding_add(struct search *in, struct finding finding)
{
    if (in->count == in->room) {
        size_t room = in->room == 0 ? 16 : in->room * 2;
        struct finding *more = realloc(in->finding, room * sizeof *more);
        if (more == NULL) {
            in->failed = true;
            return;
        }
        in->finding = more;
        in->room = room;
    }
    in->finding[in->count++] = finding;
}

/* How far a rule is from permitting a host. */
#define FAILS_MAX (AT_NOTHING + 2)
struct near {
    uint32_t rule; /* NONE: no rule of the zone at all */
    unsigned fails;
    bool covers;
};

static unsigned limits_failing(const struct policy *policy, const struct rule *rule,
                               const struct circumstances *at)
{
    unsigned count = 0;
    for (enum limit limit = LIMIT_ORDERS; limit < LIMITS; limit++)
        count += limit_fails(policy, rule, at, limit);
    return count;
}

static unsigned fails_count(const struct policy *policy, const struct entry *entry,
                            const struct ask *ask)
{
    uint64_t bits = ask->bits & ~entry->attributes;
    unsigned count = ask->hosts > entry->hosts_max;
    for (; bits != 0; bits &= bits - 1)
        count++;
    return entry->limited ? count + limits_failing(policy, &policy->rule[entry->rule], ask->at)
                          : count;
}

/* At least so many. Up to two are told at a glance: most rules are left at that, and counting is
 * what costs. */
static inline unsigned fails_least(uint64_t bits)
{
    return (unsigned)(bits != 0) + (unsigned)((bits & (bits - 1)) != 0);
}

/* The rule of this zone with the fewest attributes amiss, its hosts left aside. */
static struct near rule_nearest(const struct policy *policy, const struct ask *ask)
{
    const struct zone *zone = &policy->zone[ask->zone];
    const struct entry *entry = &policy->zone_entry[zone->entry], *end = entry + zone->entries;
    struct near best = {.rule = NONE, .fails = FAILS_MAX};
    uint64_t bits = ask->bits;
    for (; entry < end && best.fails > 1; entry++) {
        if (fails_least(bits & ~entry->attributes) + 1 >= best.fails)
            continue;
        unsigned fails = fails_count(policy, entry, ask) + 1; /* one for the host */
        if (fails < best.fails)
            best = (struct near){.rule = entry->rule, .fails = fails};
    }
    return best;
}

static bool is_no_nearer(unsigned fails, const struct entry *entry, const struct near *best)
{
    return fails > best->fails || (fails == best->fails && best->rule <= entry->rule);
}

/* Of the rules that cover the host: the one with the fewest attributes amiss, then the earliest. */
static void near_choose(const struct search *in, const struct entry *entry, struct near *best)
{
    unsigned fails = fails_count(in->policy, entry, in->ask);
    if (is_no_nearer(fails, entry, best) || !entry_in_zone(in->policy, entry, in->ask->zone))
        return;
    *best = (struct near){.rule = entry->rule, .fails = fails, .covers = true};
}

/* Adds what forbids the host, and says how near the nearest permit rule that covers it is. */
static struct near host_search(struct search *in, uint32_t host)
{
    struct near best = {.rule = in->chosen[host], .covers = true};
    uint64_t bits = in->ask->bits;
    struct hits hits;
    if (best.rule != NONE)
        return best;
    best = (struct near){.rule = NONE, .fails = FAILS_MAX};
    host_hits(in->policy, in->order->host[host], &hits);
    for (uint32_t i = 0; i < hits.count; i++) {
        const struct hit *hit = &hits.hit[i];
        for (const struct entry *at = hit->entry; at < hit->entry + hit->entries; at++) {
            if ((at->kind & hit->kinds) == 0)
                continue;
            if (at->permit) {
                if (!is_no_nearer(fails_least(bits & ~at->attributes), at, &best))
                    near_choose(in, at, &best);
            } else if (entry_fits(in->policy, at, in->ask)) {
                finding_add(in,
                            (struct finding){FORBIDDEN, host, at->rule, at->pattern, AT_NOTHING});
            }
        }
    }
    return best;
}

static bool rule_fails(const struct search *in, uint32_t rule, unsigned attribute)
{
    const struct rule *at = &in->policy->rule[rule];
    if (attribute == AT_MAX_HOSTS)
        return in->ask->hosts > at->hosts_max;
    if (attribute >= AT_LIMIT)
        return limit_fails(in->policy, at, in->ask->at, (enum limit)(attribute - AT_LIMIT));
    return (in->ask->bits & ~at->attributes & attribute_group[attribute].mask) != 0;
}

static enum code fail_code(unsigned attribute)
{
    return attribute >= AT_LIMIT ? limit_code[attribute - AT_LIMIT] : NOT_PERMITTED;
}

static void permits_search(struct search *in)
{
    struct near near[HOSTS_MAX], nearest = {.rule = NONE, .fails = 0};
    bool same = true;
    for (uint32_t h = 0; h < in->ask->hosts; h++) {
        near[h] = host_search(in, h);
        if (near[h].fails > 1 && nearest.fails == 0)
            nearest = rule_nearest(in->policy, in->ask);
        /* A rule that covers the host wins unless it is further off. */
        if (near[h].fails > 1 && nearest.fails < near[h].fails)
            near[h] = nearest;
        same = same && near[h].rule == near[0].rule;
        if (!near[h].covers)
            finding_add(in, (struct finding){HOST_NOT_COVERED, h, near[h].rule, NONE, AT_NOTHING});
    }
    /* What fails for all hosts by one rule is said once, of the whole order. */
    for (uint32_t h = 0; h < in->ask->hosts; h++)
        for (unsigned a = 0; near[h].rule != NONE && a < AT_NOTHING; a++)
            if (rule_fails(in, near[h].rule, a) && (!same || h == 0))
                finding_add(in,
                            (struct finding){fail_code(a), same ? NONE : h, near[h].rule, NONE, a});
}

static void all_search(struct search *in)
{
    const struct policy *policy = in->policy;
    int64_t now = in->ask->at->now;
    if (in->life && now < policy->facts.effective_ms)
        finding_add(in, (struct finding){NOT_EFFECTIVE, NONE, NONE, NONE, AT_NOTHING});
    if (in->life && now >= policy->facts.expires_ms)
        finding_add(in, (struct finding){EXPIRED, NONE, NONE, NONE, AT_NOTHING});
    for (uint32_t i = 0; i < policy->forbids_any; i++)
        if (entry_fits(policy, &policy->forbid_any[i], in->ask))
            finding_add(in, (struct finding){FORBIDDEN, NONE, policy->forbid_any[i].rule, NONE,
                                             AT_NOTHING});
    if (in->ask->zone == NONE)
        finding_add(in, (struct finding){ZONE_UNKNOWN, NONE, NONE, NONE, AT_NOTHING});
    else
        permits_search(in);
}

static const char *finding_host(const struct search *in, const struct finding *finding)
{
    return finding->host == NONE ? "" : in->order->host[finding->host];
}

static const char *finding_rule(const struct search *in, const struct finding *finding)
{
    return finding->rule == NONE ? "" : in->policy->rule[finding->rule].id;
}

static const char *finding_attribute(const struct finding *finding)
{
    if (finding->code == HOST_NOT_COVERED)
        return "hosts";
    if (finding->attribute == AT_MAX_HOSTS)
        return "max_hosts";
    if (finding->attribute >= AT_LIMIT && finding->attribute < AT_NOTHING)
        return limit_name[finding->attribute - AT_LIMIT];
    return finding->attribute == AT_NOTHING ? "" : attribute_group[finding->attribute].order_name;
}

static int finding_compare(const void *left, const void *right, void *context)
{
    const struct finding *a = left, *b = right;
    const struct search *in = context;
    int order = a->code < b->code ? -1 : a->code > b->code;
    if (order == 0)
        order = strcmp(finding_host(in, a), finding_host(in, b));
    if (order == 0)
        order = strcmp(finding_rule(in, a), finding_rule(in, b));
    if (order == 0)
        order = strcmp(finding_attribute(a), finding_attribute(b));
    return order != 0 ? order : a->pattern < b->pattern ? -1 : a->pattern > b->pattern;
}

/* Of two patterns of one rule that forbid one host, the first stands for both. */
static void findings_unify(struct search *in)
{
    size_t kept = 0;
    for (size_t i = 0; i < in->count; i++) {
        const struct finding *at = &in->finding[i], *last = &in->finding[kept - (kept > 0)];
        if (kept > 0 && at->code == FORBIDDEN && last->code == FORBIDDEN &&
            at->host == last->host && at->rule == last->rule)
            continue;
        in->finding[kept++] = *at;
    }
    in->count = kept;
}

/* The value that the order asks for. */
static const char *ask_value(const struct search *in, unsigned attribute)
{
    switch (attribute) {
    case ATTRIBUTE_AUTHORITY:
        return in->order->certificate_authority;
    case ATTRIBUTE_METHOD:
        return in->order->validation_method;
    case ATTRIBUTE_GEO:
        return in->order->geo_label;
    default:
        break;
    }
    uint64_t bits = in->ask->bits & attribute_group[attribute].mask;
    return attribute_value(&in->policy->authorities, (unsigned)__builtin_ctzll(bits));
}

static void zone_unknown_say(const struct search *in, struct reason *out)
{
    for (uint32_t z = 0; z < in->policy->zones; z++)
        line_add(out->permitted, sizeof out->permitted, "%s%s", z == 0 ? "" : ", ",
                 in->policy->zone[z].name);
    line_put(out->asked, sizeof out->asked, in->order->zone);
    line_add(out->text, sizeof out->text,
             "zone %s is not in the policy: name one of its zones (%s), or have the zone added "
             "to the policy with its id",
             out->asked, out->permitted);
}

static void time_say(const struct search *in, const struct finding *finding, struct reason *out)
{
    const struct policy_facts *facts = &in->policy->facts;
    bool expired = finding->code == EXPIRED;
    char now[RFC3339_LEN + 1];
    time_format(in->ask->at->now, now);
    line_put(out->asked, sizeof out->asked, now);
    line_add(out->permitted, sizeof out->permitted, "%s to %s", facts->effective, facts->expires);
    line_add(out->text, sizeof out->text,
             expired ? "the policy expired at %s, and it is %s: have %s approve a new revision"
                     : "the policy takes effect at %s, and it is %s: wait, or ask %s for the "
                       "revision in force",
             expired ? facts->expires : facts->effective, now, facts->owner);
}

static void host_say(const struct search *in, const struct finding *finding, struct reason *out)
{
    const char *host = finding_host(in, finding);
    line_put(out->asked, sizeof out->asked, host);
    if (finding->rule == NONE) {
        line_add(out->text, sizeof out->text,
                 "%s is covered by no permit rule: none names the zone %s; have one added to the "
                 "policy",
                 host, in->order->apex);
        return;
    }
    rule_hosts(in->policy, &in->policy->rule[finding->rule], out->permitted, sizeof out->permitted);
    line_add(out->text, sizeof out->text,
             "%s is covered by no permit rule: rule %s came closest, with the hosts %s; order "
             "such a host, or have the host added to the policy",
             host, out->rule, out->permitted);
}

static void attribute_say(const struct search *in, const struct finding *finding,
                          struct reason *out)
{
    const struct rule *rule = &in->policy->rule[finding->rule];
    if (finding->attribute == AT_MAX_HOSTS) {
        line_add(out->asked, sizeof out->asked, "%u", in->ask->hosts);
        line_add(out->permitted, sizeof out->permitted, "%u", rule->hosts_max);
        line_add(out->text, sizeof out->text,
                 "%s hosts are more than rule %s permits, %s: split the order", out->asked,
                 out->rule, out->permitted);
        return;
    }
    line_put(out->asked, sizeof out->asked, ask_value(in, finding->attribute));
    rule_values(in->policy, rule, finding->attribute, out->permitted, sizeof out->permitted);
    line_add(out->text, sizeof out->text,
             "%s %s is not permitted%s%s: rule %s came closest and permits %s", out->attribute,
             out->asked, out->host[0] == '\0' ? "" : " for ", out->host, out->rule, out->permitted);
}

/* What of the order a forbid rule looks at, as it stands in the order. */
static void forbidden_what(const struct search *in, const struct rule *rule, char *out, size_t size)
{
    for (unsigned a = 0; a < ATTRIBUTES; a++)
        if ((rule->attributes & attribute_group[a].mask) != attribute_group[a].mask)
            line_add(out, size, "%s%s %s", out[0] == '\0' ? "" : ", ",
                     attribute_group[a].order_name, ask_value(in, a));
    const struct freeze *freeze = freeze_at(in->policy, rule, in->ask->at->now);
    if (freeze != NULL)
        line_add(out, size, "%sin the freeze until %s (%s)", out[0] == '\0' ? "" : ", ",
                 freeze->to_text, freeze->reason);
    if (rule->hosts_min > 1)
        line_add(out, size, "%smore than %u hosts", out[0] == '\0' ? "" : ", ",
                 rule->hosts_min - 1);
}

static void forbidden_say(const struct search *in, const struct finding *finding,
                          struct reason *out)
{
    const struct rule *rule = &in->policy->rule[finding->rule];
    char what[512] = "";
    forbidden_what(in, rule, what, sizeof what);
    if (finding->host == NONE) {
        line_add(out->text, sizeof out->text, "rule %s forbids %s%s%s: %s", rule->id,
                 what[0] == '\0' ? "every order" : what, rule->zones == 0 ? "" : " in the zone ",
                 rule->zones == 0 ? "" : in->order->apex, rule->reason);
        return;
    }
    const char *pattern = in->policy->pattern[finding->pattern].text;
    line_put(out->asked, sizeof out->asked, out->host);
    line_add(out->text, sizeof out->text, "%s is forbidden by rule %s (%s%s%s)%s: %s", out->host,
             rule->id, pattern, what[0] == '\0' ? "" : ", with ", what,
             out->host[0] == '*' && strcmp(out->host, pattern) != 0
                 ? ", as the wildcard could stand for a host of that rule"
                 : "",
             rule->reason);
}

static void orders_say(const struct search *in, const struct rule *rule, struct reason *out)
{
    line_add(out->asked, sizeof out->asked, "%lld", (long long)in->ask->at->orders + 1);
    line_add(out->permitted, sizeof out->permitted, "%u", rule->orders_max);
    line_add(out->text, sizeof out->text,
             "%lld orders were placed for the zone %s on this day (UTC), and rule %s permits %s a "
             "day: order tomorrow, or ask %s",
             (long long)in->ask->at->orders, in->order->apex, out->rule, out->permitted,
             in->policy->facts.owner);
}

static void window_say(const struct search *in, const struct rule *rule, struct reason *out)
{
    moment_say(in->ask->at->now, out->asked, sizeof out->asked);
    windows_say(in->policy, rule, out->permitted, sizeof out->permitted);
    line_add(out->text, sizeof out->text,
             "it is %s, and rule %s permits orders in its change windows only: %s", out->asked,
             out->rule, out->permitted);
}

static void freeze_say(const struct search *in, const struct rule *rule, struct reason *out)
{
    const struct freeze *freeze = freeze_at(in->policy, rule, in->ask->at->now);
    if (freeze == NULL)
        return;
    time_format(in->ask->at->now, out->asked);
    line_add(out->permitted, sizeof out->permitted, "before %s, from %s", freeze->from_text,
             freeze->to_text);
    line_add(out->text, sizeof out->text, "rule %s permits no order from %s to %s: %s", out->rule,
             freeze->from_text, freeze->to_text, freeze->reason);
}

static void approvals_say(const struct search *in, const struct rule *rule, struct reason *out)
{
    line_add(out->asked, sizeof out->asked, "%u", approvals_given(in->policy, rule, in->ask->at));
    line_add(out->permitted, sizeof out->permitted, "%u from ", (unsigned)rule->approvals);
    groups_say(in->policy, rule, out->permitted, sizeof out->permitted);
    line_add(out->text, sizeof out->text,
             "rule %s demands approvals, %s, and %s of these are there: write a request by georder "
             "order --prepare, and have it signed",
             out->rule, out->permitted, out->asked);
}

static void limited_say(const struct search *in, const struct finding *finding, struct reason *out)
{
    const struct rule *rule = &in->policy->rule[finding->rule];
    if (finding->code == ORDERS_REACHED)
        orders_say(in, rule, out);
    else if (finding->code == OUTSIDE_WINDOW)
        window_say(in, rule, out);
    else if (finding->code == FROZEN)
        freeze_say(in, rule, out);
    else
        approvals_say(in, rule, out);
}

static void reason_say(const struct search *in, const struct finding *finding, struct reason *out)
{
    out->code = code_name[finding->code];
    line_put(out->rule, sizeof out->rule, finding_rule(in, finding));
    line_put(out->host, sizeof out->host, finding_host(in, finding));
    line_put(out->attribute, sizeof out->attribute, finding_attribute(finding));
    switch (finding->code) {
    case NOT_PERMITTED:
        attribute_say(in, finding, out);
        return;
    case FORBIDDEN:
        forbidden_say(in, finding, out);
        return;
    case APPROVALS_MISSING:
    case FROZEN:
    case ORDERS_REACHED:
    case OUTSIDE_WINDOW:
        limited_say(in, finding, out);
        return;
    case HOST_NOT_COVERED:
        host_say(in, finding, out);
        return;
    case EXPIRED:
    case NOT_EFFECTIVE:
        time_say(in, finding, out);
        return;
    case ZONE_UNKNOWN:
        zone_unknown_say(in, out);
        return;
    }
}

enum result policy_explain(const struct policy *policy, const struct order *order,
                           const struct ask *ask, const uint32_t chosen[HOSTS_MAX], bool life,
                           struct decision *out, struct err *err)
{
    struct search in = {
        .policy = policy, .order = order, .ask = ask, .chosen = chosen, .life = life};
    all_search(&in);
    if (in.count > 0)
        qsort_r(in.finding, in.count, sizeof *in.finding, finding_compare, &in);
    findings_unify(&in);
    size_t count = in.count < REASONS_MAX ? in.count : REASONS_MAX;
    out->reason = calloc(count > 0 ? count : 1, sizeof *out->reason);
    out->omitted = in.count - count;
    for (size_t i = 0; out->reason != NULL && i < count; i++)
        reason_say(&in, &in.finding[i], &out->reason[out->reasons++]);
    free(in.finding);
    if (in.failed || out->reason == NULL)
        return err_set(err, RESULT_INTERNAL, "the reasons of a denial: out of memory");
    return RESULT_OK;
}
