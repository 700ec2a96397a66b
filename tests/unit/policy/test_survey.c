/* What each rule is good for, against sets (helper_model.h), and what lint makes of it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "helper_model.h"
#include "survey.h"

#define PAIRS 400 /* of policies: each is surveyed */

static struct model without(const struct model *model, unsigned rule)
{
    struct model out = *model;
    out.rules--;
    memmove(&out.rule[rule], &out.rule[rule + 1], (out.rules - rule) * sizeof out.rule[0]);
    return out;
}

static unsigned counts[2][3]; /* by effect: rules, not needed, not reached */

static void rule_check(const struct model *model, unsigned rule, const struct surveyed *found,
                       const char *text)
{
    struct pair pair = {0};
    struct expected needed, reached;
    bool permit = model->rule[rule].permit;
    pair.model[permit] = *model;
    pair.model[1 - permit] = without(model, rule);
    model_compare(&pair, 1, &needed);
    pair.model[1] = *model;
    pair.model[0] = (struct model){.zone = {true, true}};
    model_compare(&pair, 1, &reached);
    cr_assert(found->known);
    if (permit) {
        cr_assert_eq(found->needed, needed.found, "rule r%u: needed %d\n%s", rule, found->needed,
                     text);
        cr_assert_eq(found->reached, (reached.rules_bits >> rule) & 1, "rule r%u: reached %d\n%s",
                     rule, found->reached, text);
    } else {
        cr_assert(found->needed || !needed.found, "forbid rule r%u is needed\n%s", rule, text);
        cr_assert(found->reached || !needed.found, "forbid rule r%u is reached\n%s", rule, text);
    }
    counts[permit][0]++;
    counts[permit][1] += !found->needed;
    counts[permit][2] += !found->reached;
}

Test(survey, a_rule_is_needed_when_without_it_the_sets_change)
{
    model_start(4);
    for (unsigned i = 0; i < PAIRS; i++) {
        __attribute__((cleanup(pair_free))) struct pair pair = {0};
        pair_draw(&pair);
        for (unsigned p = 0; p < 2; p++) {
            __attribute__((cleanup(survey_free))) struct survey survey = {0};
            struct err err = {0};
            cr_assert_eq(policy_survey(pair.policy[p], &survey, &err), RESULT_OK, "%s", err.text);
            for (unsigned r = 0; r < pair.model[p].rules; r++)
                rule_check(&pair.model[p], r, &survey.rule[r], buf_text(&pair.text[p]));
        }
    }
    for (unsigned permit = 0; permit < 2; permit++)
        cr_assert(counts[permit][1] > 50 && counts[permit][2] > 20 &&
                      counts[permit][0] > counts[permit][1] + 50,
                  "%u rules, %u not needed, %u not reached", counts[permit][0], counts[permit][1],
                  counts[permit][2]);
}
