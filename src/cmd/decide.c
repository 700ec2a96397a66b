#include "decide.h"

#include <string.h>

enum result decide(struct session *session, struct order *order, const struct circumstances *at,
                   struct decision *decision, struct err *err)
{
    if (policy_resolve_zone(session->policy, order) && order_check_zone(order, err) != RESULT_OK)
        return err->result;
    return policy_decide(session->policy, order, at, decision, err);
}

static void tell_rules(const struct session *session, const struct decision *decision)
{
    say(&session->output, "permitted by %s", decision->rules == 1 ? "rule" : "rules");
    for (size_t i = 0; i < decision->rules; i++)
        say(&session->output, "%s %s", i == 0 ? "" : ",", shown(decision->rule[i]));
    say(&session->output, " of policy %s, revision %lld\n", shown(session->facts.name),
        (long long)session->facts.revision);
}

static void tell_reasons(const struct session *session, const struct decision *decision)
{
    say(&session->output, "denied by policy %s, revision %lld:\n", shown(session->facts.name),
        (long long)session->facts.revision);
    for (size_t i = 0; i < decision->reasons; i++)
        say(&session->output, "  - %s\n", shown(decision->reason[i].text));
    if (decision->omitted > 0)
        say(&session->output, "  - and %zu more\n", decision->omitted);
}

/* DESIGN section 3: said plainly, wherever an order with a label is looked at. */
static void tell_evidence(struct session *session, const struct order *order,
                          const struct decision *decision)
{
    const char *evidence = decision->geo_evidence_existing ? "existing" : "issued";

    output_add_text(&session->output, "geo_evidence", evidence);
    if (strcmp(order->geo_label, "none") == 0)
        return;
    say(&session->output,
        "geo label %s: Cloudflare's order endpoint takes no label, so none is sent. %s\n",
        shown(order->geo_label),
        decision->geo_evidence_existing
            ? "The policy demands evidence first: a live pack of the zone that shows this label."
            : "The policy accepts evidence after issue: the order stays open until every "
              "certificate shows this label.");
}

static void tell_limits(const struct session *session, const struct decision *decision)
{
    for (size_t i = 0; i < decision->demands; i++)
        say(&session->output, "rule %s demands approvals: %u from %s\n",
            shown(decision->demand[i].rule), decision->demand[i].count,
            shown(decision->demand[i].from));
    if (decision->orders_unjudged)
        say(&session->output,
            "the orders of the day are counted from the log when it is ordered\n");
}

void decision_tell(struct session *session, const struct order *order,
                   const struct decision *decision)
{
    if (decision->permit) {
        tell_rules(session, decision);
        tell_evidence(session, order, decision);
        tell_limits(session, decision);
    } else {
        tell_reasons(session, decision);
    }
    for (size_t i = 0; i < decision->warnings; i++)
        say(&session->output, "warning: %s\n", shown(decision->warning[i]));
    if (session->output.document != NULL)
        output_add(&session->output, "decision", decision_json(session->policy, decision));
}

/* An expired policy denies, but it is the policy that needs a person, not the order. */
static bool policy_is_out_of_force(const struct decision *decision)
{
    for (size_t i = 0; i < decision->reasons; i++)
        if (strcmp(decision->reason[i].code, "policy_expired") == 0 ||
            strcmp(decision->reason[i].code, "policy_not_effective") == 0)
            return true;
    return false;
}

enum result decision_error(const struct session *session, const struct decision *decision,
                           struct err *err)
{
    size_t all = decision->reasons + decision->omitted;

    return err_set(err, policy_is_out_of_force(decision) ? RESULT_CONFIG : RESULT_DENIED,
                   "denied by policy %s, revision %lld, for %zu %s", session->facts.name,
                   (long long)session->facts.revision, all, all == 1 ? "reason" : "reasons");
}
