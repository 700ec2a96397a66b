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

/* The items about rules, as "code rule" lines. */
static void lint_is(const char *rules, const char *expected)
{
    static const char relations[] = "shadowed_rule duplicate_rule redundant_rule overridden_rule "
                                    "never_matches idle_forbid apex_not_permitted";
    __attribute__((cleanup(lint_free))) struct lint lint = {0};
    AUTO_POLICY *policy = policy_with(rules);
    AUTO_BUF out = BUF_INIT(65536);
    struct err err = {0};
    cr_assert_eq(policy_lint(policy, NOW, &lint, &err), RESULT_OK, "%s", err.text);
    for (size_t i = 0; i < lint.count; i++)
        if (strstr(relations, lint.item[i].code) != NULL)
            buf_printf(&out, "%s %s\n", lint.item[i].code, lint.item[i].rule);
    cr_assert_str_eq(buf_text(&out), expected, "%s", buf_text(&out));
}

#define RULE(id, hosts, cas, days, more)                                                           \
    "{\"id\": \"" id "\", \"effect\": \"permit\", \"reason\": \"r\", \"zones\": "                  \
    "[\"example.com\"], \"hosts\": [" hosts "], \"certificate_authorities\": [" cas                \
    "], \"validity_days\": [" days "], \"validation_methods\": [\"txt\"], "                        \
    "\"cloudflare_branding\": [false], \"geo_restrictions\": [\"none\"], \"max_hosts\": 5" more    \
    "}"
#define APEX "\"example.com\""

Test(survey, a_rule_that_several_others_replace_is_redundant)
{
    lint_is(RULE("a", APEX, "\"google\"", "30, 90", "") ", " RULE(
                "b", APEX, "\"google\"", "30", "") ", " RULE("c", APEX, "\"google\"", "90", ""),
            "shadowed_rule b\nshadowed_rule c\n");
    lint_is(RULE("a", APEX, "\"google\", \"ssl_com\"", "30",
                 "") ", " RULE("b", APEX, "\"google\", \"ssl_com\"", "90",
                               "") ", " RULE("c", APEX, "\"google\"", "30, 90", ""),
            "redundant_rule c\n");
    lint_is(RULE("a", APEX, "\"google\", \"ssl_com\"", "30", "") ", " RULE(
                "b", APEX, "\"google\", \"ssl_com\"", "90",
                ", \"max_orders\": 9") ", " RULE("c", APEX, "\"google\"", "30, 90", ""),
            "");
}

/* Its own patterns must not count as those of another rule. */
Test(survey, a_rule_whose_patterns_overlap_is_needed)
{
    lint_is(RULE("a",
                 APEX ", \"x.example.com\", \"*.example.com\", \"**.example.com\", "
                      "\"*.x.example.com\"",
                 "\"google\"", "90", ""),
            "");
}

Test(survey, of_two_limited_alike_each_is_redundant)
{
    lint_is(RULE("a", APEX, "\"google\"", "90", ", \"max_orders\": 2") ", " RULE(
                "b", APEX, "\"google\"", "90", ", \"max_orders\": 2"),
            "redundant_rule a\nredundant_rule b\n");
    lint_is(RULE("a", APEX, "\"google\"", "90", ", \"max_orders\": 2") ", " RULE(
                "b", APEX, "\"google\"", "90", ", \"max_orders\": 3"),
            "redundant_rule a\n");
    lint_is(RULE("a", APEX, "\"google\"", "90", "") ", " RULE("b", APEX, "\"google\"", "90", ""),
            "duplicate_rule b\n");
}

Test(survey, forbid_rules_together_leave_nothing)
{
    static const char both[] = RULE("a", APEX, "\"google\"", "30, 90", "");
    AUTO_BUF rules = BUF_INIT(65536);
    buf_printf(&rules,
               "%s, {\"id\": \"f\", \"effect\": \"forbid\", \"reason\": \"r\", \"hosts\": [" APEX
               "], \"validity_days\": [30]}, {\"id\": \"g\", \"effect\": \"forbid\", \"reason\": "
               "\"r\", \"validity_days\": [90]}",
               both);
    lint_is(buf_text(&rules), "never_matches a\n");
}

/* The apex is permitted with this CA, but where no order can name it. */
Test(survey, the_apex_that_is_forbidden_leaves_nothing)
{
    lint_is(RULE("a", APEX ", \"w.example.com\"", "\"google\"", "90", "") ", " FORBID("f", APEX),
            "never_matches a\n");
    lint_is(RULE("a", "\"w.example.com\"", "\"google\"", "90", ""), "apex_not_permitted a\n");
}

Test(survey, a_rule_of_one_host_never_permits_another_name)
{
    lint_is(
        RULE("a", APEX, "\"google\"", "90",
             "") ", "
                 "{\"id\": \"b\", \"effect\": \"permit\", \"reason\": \"r\", \"zones\": "
                 "[\"example.com\"], \"hosts\": [\"w.example.com\"], \"certificate_authorities\": "
                 "[\"google\"], \"validity_days\": [90], \"validation_methods\": [\"txt\"], "
                 "\"cloudflare_branding\": [false], \"geo_restrictions\": [\"none\"], "
                 "\"max_hosts\": 1}",
        "never_matches b\n");
}

Test(survey, forbid_rules_that_forbid_nothing_or_nothing_more)
{
    static const char permit[] = RULE("a", APEX ", \"**.example.com\"", "\"google\"", "90", "");
    AUTO_BUF rules = BUF_INIT(65536);
    buf_printf(&rules,
               "%s, %s, %s, %s, {\"id\": \"k\", \"effect\": \"forbid\", \"reason\": \"r\", "
               "\"certificate_authorities\": [\"lets_encrypt\"]}",
               permit, FORBID("f", "\"**.b.example.com\""), FORBID("g", "\"x.b.example.com\""),
               FORBID("h", "\"c.b.example.com\", \"d.example.com\""));
    lint_is(buf_text(&rules), "shadowed_rule g\nidle_forbid k\n");
}
