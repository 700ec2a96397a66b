#include <stdlib.h>
#include <string.h>

#include "rule.h"

void decision_free(struct decision *decision)
{
    free(decision->rule);
    free(decision->demand);
    free(decision->reason);
    free(decision->warning);
    *decision = (struct decision){0};
}

/* Where there is no label to show, no pack can give evidence of it. */
static bool wants_evidence(const struct policy *policy, uint32_t rule, const struct ask *ask)
{
    return policy->rule[rule].existing && (ask->bits & BIT_GEO_NONE) == 0;
}

/* Of two rules that permit a host: the one that demands less, then the earlier. The outcome must
 * not depend on the order of the rules. */
static uint32_t rule_choose(const struct policy *policy, const struct ask *ask, uint32_t best,
                            uint32_t rule)
{
    if (best == NONE)
        return rule;
    bool best_wants = wants_evidence(policy, best, ask), wants = wants_evidence(policy, rule, ask);
    if (best_wants != wants)
        return wants ? best : rule;
    unsigned best_count = policy->rule[best].approvals, count = policy->rule[rule].approvals;
    if (best_count != count)
        return count > best_count ? best : rule;
    return rule < best ? rule : best;
}

/* The rule that permits this host, or NONE: none does, or one forbids it. */
static uint32_t host_judge(const struct policy *policy, const char *host, const struct ask *ask)
{
    struct hits hits;
    uint32_t best = NONE;
    host_hits(policy, host, &hits);
    for (uint32_t i = 0; i < hits.count; i++) {
        const struct hit *hit = &hits.hit[i];
        for (const struct entry *at = hit->entry; at < hit->entry + hit->entries; at++) {
            if (!entry_fits(policy, at, ask) || (at->kind & hit->kinds) == 0)
                continue;
            if (!at->permit)
                return NONE;
            best = rule_choose(policy, ask, best, at->rule);
        }
    }
    return best;
}

/* Whether each value asked for is permitted by some rule of the zone; most denials end here. */
static bool values_permitted(const struct policy *policy, const struct ask *ask)
{
    return ask->zone != NONE && (ask->bits & ~policy->zone[ask->zone].attributes) == 0;
}

/* Judges all hosts even after one failed: the reasons build on it. */
static bool hosts_judge(const struct policy *policy, const struct order *order,
                        const struct ask *ask, uint32_t chosen[HOSTS_MAX])
{
    bool permitted = true, hope = values_permitted(policy, ask);
    for (uint32_t i = 0; i < policy->forbids_any; i++)
        permitted = permitted && !entry_fits(policy, &policy->forbid_any[i], ask);
    for (size_t i = 0; i < order->hosts; i++) {
        chosen[i] = hope ? host_judge(policy, order->host[i], ask) : NONE;
        permitted = permitted && chosen[i] != NONE;
    }
    return permitted;
}

static size_t rules_sort(uint32_t chosen[HOSTS_MAX], size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t rule = chosen[i];
        size_t at = kept;
        while (at > 0 && chosen[at - 1] > rule)
            at--;
        if (at > 0 && chosen[at - 1] == rule)
            continue;
        memmove(chosen + at + 1, chosen + at, (kept - at) * sizeof *chosen);
        chosen[at] = rule;
        kept++;
    }
    return kept;
}

static void permit_add(const struct policy *policy, const struct ask *ask, uint32_t index,
                       struct decision *out)
{
    const struct rule *rule = &policy->rule[index];
    line_put(out->rule[out->rules++], sizeof *out->rule, rule->id);
    out->geo_evidence_existing |= wants_evidence(policy, index, ask);
    out->orders_unjudged |= rule->orders_max != ORDERS_ANY && ask->at->orders == ORDERS_UNKNOWN;
    if (rule->approvals == 0)
        return;
    struct demand *demand = &out->demand[out->demands++];
    line_put(demand->rule, sizeof demand->rule, rule->id);
    groups_say(policy, rule, demand->from, sizeof demand->from);
    demand->count = rule->approvals;
}

static enum result permit_fill(const struct policy *policy, const struct ask *ask,
                               uint32_t chosen[HOSTS_MAX], struct decision *out, struct err *err)
{
    size_t count = rules_sort(chosen, ask->hosts);
    out->rule = calloc(count + 1, sizeof *out->rule);
    out->demand = calloc(count + 1, sizeof *out->demand);
    if (out->rule == NULL || out->demand == NULL)
        return err_set(err, RESULT_INTERNAL, "the decision: out of memory");
    for (size_t i = 0; i < count; i++)
        permit_add(policy, ask, chosen[i], out);
    out->permit = true;
    return RESULT_OK;
}

/* What the caller must have done before; the zone of the order and of the policy must be one. */
static enum result order_ready(const struct policy *policy, const struct order *order,
                               const struct ask *ask, struct err *err)
{
    if (order->hosts == 0 || order->hosts > HOSTS_MAX)
        return err_set(err, RESULT_INTERNAL, "the order was not checked: it has %zu hosts",
                       order->hosts);
    if (ask->zone == NONE)
        return RESULT_OK;
    if (strcmp(order->zone_id, policy->zone[ask->zone].id) != 0 ||
        strcmp(order->apex, policy->zone[ask->zone].name) != 0)
        return err_set(err, RESULT_INTERNAL, "the order's zone was not taken from this policy");
    return order_check_zone(order, err);
}

static bool in_force(const struct policy *policy, int64_t now)
{
    return now >= policy->facts.effective_ms && now < policy->facts.expires_ms;
}

static enum result judge(const struct policy *policy, const struct order *order,
                         const struct circumstances *at, bool life, struct decision *out,
                         struct err *err)
{
    struct ask ask;
    uint32_t chosen[HOSTS_MAX + 1];
    *out = (struct decision){0};
    ask_from_order(policy, order, at, &ask);
    TRY(order_ready(policy, order, &ask, err));
    bool permitted = hosts_judge(policy, order, &ask, chosen);
    if (life && !in_force(policy, at->now))
        permitted = false;
    enum result result = permitted ? permit_fill(policy, &ask, chosen, out, err)
                                   : policy_explain(policy, order, &ask, chosen, life, out, err);
    if (result == RESULT_OK)
        result = warnings_make(policy, order, &ask, at->now, out, err);
    if (result != RESULT_OK)
        decision_free(out);
    return result;
}

enum result policy_decide(const struct policy *policy, const struct order *order,
                          const struct circumstances *at, struct decision *out, struct err *err)
{
    return judge(policy, order, at, true, out, err);
}

enum result policy_judge(const struct policy *policy, const struct order *order,
                         const struct circumstances *at, struct decision *out, struct err *err)
{
    return judge(policy, order, at, false, out, err);
}
