#include "policy_diff.h"

#include <string.h>

static void policy_put(struct buf *out, const struct policy_facts *facts)
{
    buf_printf(out, "%s, revision %lld (sha256 %.12s)", facts->name, (long long)facts->revision,
               facts->digest);
}

void diff_summary(struct buf *out, const struct diff *diff)
{
    static const char *const what[][2] = {
        [EQUIVALENT] = {"permits and trusts what ", " does, no more and no less"},
        [NARROWER] = {"permits or trusts less than ", ", and nothing more"},
        [WIDER] = {"permits or trusts more than ", ", and nothing less"},
        [INCOMPARABLE] = {"permits or trusts more than ", " in one respect and less in another"}};
    enum verdict verdict = diff->comparison->verdict;

    buf_printf(out, "%s: policy ", verdict_name(verdict));
    policy_put(out, diff->new);
    buf_printf(out, " %s%s", what[verdict][0], diff->within ? "the ceiling " : "");
    policy_put(out, diff->old);
    buf_puts(out, what[verdict][1]);
}

void diff_when(struct buf *out, const struct difference *difference)
{
    const struct circumstances *at = &difference->at;
    char time[RFC3339_LEN + 1];

    time_format(at->now, time);
    buf_printf(out, "at %s", time);
    if (at->orders > 0)
        buf_printf(out, ", when orders placed for the zone that day are %lld",
                   (long long)at->orders);
    for (size_t i = 0; i < at->approvers; i++) {
        buf_printf(out, "%s%s of", i == 0 ? ", approved by " : " and ", at->approver[i].principal);
        for (size_t g = 0; g < at->approver[i].groups; g++)
            buf_printf(out, "%s%s", g == 0 ? " " : ", ", at->approver[i].group[g]);
    }
    if (strcmp(difference->order.geo_label, "none") != 0)
        buf_printf(out, ", while %s live pack of the zone shows the label",
                   difference->evidence ? "a" : "no");
}

const char *diff_silence(const struct difference *difference)
{
    return difference->denial.permit ? "it demands a live pack that shows the label first"
                                     : "it has another zone id or another zone name for it";
}

void diff_grant(struct buf *out, const struct grant *grant)
{
    for (size_t a = 0; a < sizeof grant->values / sizeof *grant->values; a++) {
        buf_printf(out, "%s%s", a == 0 ? "" : "; ", grant_member(a));
        for (size_t v = 0; v < grant->values[a]; v++)
            buf_printf(out, "%s%s", v == 0 ? " " : ", ", grant->value[a][v]);
    }
}

static void tell_witness(const struct output *output, const struct difference *it,
                         const char *other)
{
    AUTO_BUF order = BUF_INIT(64 * KIB);
    AUTO_BUF when = BUF_INIT(64 * KIB);

    order_json(&order, &it->order, false); /* validated names and enumerations: nothing to escape */
    diff_when(&when, it);
    say(output, "  for example:\n    %s\n    %s\n  the %s policy denies it:\n", buf_text(&order),
        shown(buf_text(&when)), other);
    for (size_t i = 0; i < it->denial.reasons; i++)
        say(output, "    - %s\n", shown(it->denial.reason[i].text));
    if (it->denial.reasons == 0)
        say(output, "    - %s\n", diff_silence(it));
}

static void tell_difference(const struct output *output, const char *name,
                            const struct difference *it, const char *mine, const char *other)
{
    if (!it->found) {
        say(output, "%s: no order\n", name);
        return;
    }
    say(output, "%s: zones: %zu, classes of names: %zu, combinations of attributes: %zu\n", name,
        it->zones, it->classes, it->cells);
    tell_witness(output, it, other);
    say(output, "  rules of the %s policy that permit it or the like:\n", mine);
    for (size_t i = 0; i < it->grants; i++) {
        AUTO_BUF values = BUF_INIT(64 * KIB);

        diff_grant(&values, &it->grant[i]);
        say(output, "    - %s: zone %s, for example %s in an order of %u or more; %s\n",
            shown(it->grant[i].rule), shown(it->grant[i].zone), shown(it->grant[i].host),
            it->grant[i].hosts, shown(buf_text(&values)));
    }
}

static void tell_changes(const struct output *output, const struct comparison *comparison)
{
    for (size_t i = 0; i < comparison->changes; i++) {
        const struct policy_change *change = &comparison->change[i];
        bool same = change->direction == EQUIVALENT;

        if (i == 0)
            say(output, "changes:\n");
        say(output, "  %s%s%s: %s -> %s\n", shown(change->member), same ? "" : ", ",
            same ? "" : verdict_name(change->direction),
            change->was[0] != '\0' ? shown(change->was) : "(nothing)",
            change->is[0] != '\0' ? shown(change->is) : "(nothing)");
    }
}

void diff_text(const struct output *output, const struct diff *diff)
{
    AUTO_BUF summary = BUF_INIT(4096);
    const char *old = diff->within ? "ceiling" : "old", *new = diff->within ? "given" : "new";

    diff_summary(&summary, diff);
    say(output, "%s\n", shown(buf_text(&summary)));
    tell_difference(output, "gained", &diff->comparison->gained, new, old);
    tell_difference(output, "lost", &diff->comparison->lost, old, new);
    tell_changes(output, diff->comparison);
}
