/* Test cases of a policy: what is one, and what passes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper_policy.h"
#include "helper_tree.h"

#define ORDER(hosts)                                                                               \
    "{\"zone\": \"example.com\", \"hosts\": [" hosts "], \"certificate_authority\": \"google\", "  \
    "\"validity_days\": 90, \"validation_method\": \"txt\"}"
#define CASE(name, hosts, more) "{\"name\": \"" name "\", \"order\": " ORDER(hosts) ", " more "}"
#define PERMITTED               "\"expect\": \"permit\", \"rules\": [\"p\"]"
#define APEX                    "\"example.com\""

#define AUTO_CASES  __attribute__((cleanup(cases_free))) struct cases
#define AUTO_RESULT __attribute__((cleanup(case_result_free))) struct case_result

static enum result cases_try(const char *text, struct cases **out, struct err *err)
{
    *err = (struct err){0};
    return cases_load("tests.json", text, strlen(text), out, err);
}

static struct cases *cases_get(const char *list)
{
    struct cases *cases = NULL;
    struct err err;
    AUTO_BUF text = BUF_INIT(1 << 20);
    buf_printf(&text, "{\"georder_policy_tests\": 1, \"cases\": [%s]}", list);
    cr_assert_eq(cases_try(buf_text(&text), &cases, &err), RESULT_OK, "%s", err.text);
    return cases;
}

/* One case judged by this policy. actual: what the result must say came; "" to pass over. */
static void case_is(const struct policy *policy, const char *text, bool passes, const char *actual)
{
    AUTO_CASES *cases = cases_get(text);
    AUTO_RESULT result = {0};
    struct err err = {0};
    bool decided[16] = {false};
    cr_assert_eq(cases_count(cases), 1);
    cr_assert_eq(case_judge(cases, 0, policy, decided, &result, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(result.passed, passes, "%s: expected %s, came %s", result.name,
                 buf_text(&result.expected), buf_text(&result.actual));
    if (actual[0] != '\0')
        cr_assert_str_eq(buf_text(&result.actual), actual);
}

static struct policy *guarded(void)
{
    return policy_with(
        PERMIT("p", APEX ", \"*.example.com\"") ", " FORBID("f", "\"pay.example.com\""));
}

Test(cases, a_permit_passes_by_exactly_its_rules)
{
    AUTO_POLICY *policy = policy_with(PERMIT("p", APEX) ", " PERMIT("q", "\"a.example.com\""));
    case_is(policy, CASE("a", APEX, PERMITTED), true, "permit by p");
    case_is(policy, CASE("a", APEX ", \"a.example.com\"", PERMITTED), false, "permit by p, q");
    case_is(
        policy,
        CASE("a", APEX ", \"a.example.com\"", "\"expect\": \"permit\", \"rules\": [\"q\", \"p\"]"),
        true, "permit by p, q");
    case_is(policy, CASE("a", APEX, "\"expect\": \"permit\", \"rules\": [\"p\", \"q\"]"), false,
            "permit by p");
    case_is(policy, CASE("a", APEX, "\"expect\": \"permit\", \"rules\": [\"q\"]"), false, "");
    case_is(policy, CASE("a", APEX, "\"expect\": \"permit\", \"rules\": [\"gone\"]"), false, "");
    case_is(policy, CASE("a", APEX ", \"b.example.com\"", PERMITTED), false,
            "deny: host_not_covered (rule p, host b.example.com, attribute hosts)");
}

#define DENIED(reasons) "\"expect\": \"deny\", \"reasons\": [" reasons "]"

Test(cases, a_denial_passes_by_its_reasons_only)
{
    AUTO_POLICY *policy = guarded();
    const char *const pay = CASE("a", APEX ", \"pay.example.com\"", "@");
    static const struct {
        const char *expect;
        bool passes;
    } rows[] = {
        {DENIED("{\"code\": \"forbidden\"}"), true},
        {DENIED("{\"code\": \"forbidden\", \"rule\": \"f\"}"), true},
        {DENIED("{\"code\": \"forbidden\", \"host\": \"pay.example.com\"}"), true},
        {DENIED("{\"code\": \"forbidden\", \"rule\": \"f\", \"host\": \"pay.example.com\"}"), true},
        {DENIED("{\"code\": \"forbidden\", \"rule\": \"p\"}"), false},
        {DENIED("{\"code\": \"forbidden\", \"host\": \"example.com\"}"), false},
        {DENIED("{\"code\": \"forbidden\", \"attribute\": \"hosts\"}"), false},
        {DENIED("{\"code\": \"host_not_covered\"}"), false},
        {DENIED("{\"code\": \"forbidden\"}, {\"code\": \"zone_unknown\"}"), false},
        {PERMITTED, false},
        {"\"expect\": \"invalid\", \"text\": \"pay\"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_BUF text = BUF_INIT(65536);
        text_edit(&text, pay, "@", rows[i].expect);
        case_is(policy, buf_text(&text), rows[i].passes,
                "deny: forbidden (rule f, host pay.example.com)");
    }
}

Test(cases, no_reason_may_be_left_over)
{
    AUTO_POLICY *policy = guarded();
    const char *const two = CASE("a", APEX ", \"pay.example.com\", \"a.b.example.com\"", "@");
    static const struct {
        const char *expect;
        bool passes;
    } rows[] = {
        {DENIED("{\"code\": \"forbidden\"}, {\"code\": \"host_not_covered\"}"), true},
        {DENIED("{\"code\": \"forbidden\"}"), false},
        {DENIED("{\"code\": \"host_not_covered\"}"), false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_BUF text = BUF_INIT(65536);
        text_edit(&text, two, "@", rows[i].expect);
        case_is(policy, buf_text(&text), rows[i].passes, "");
    }
}

Test(cases, reasons_that_were_omitted_match_nothing)
{
    AUTO_BUF rules = BUF_INIT(POLICY_MAX);
    buf_puts(&rules, PERMIT("p", APEX));
    for (int i = 0; i < REASONS_MAX + 1; i++)
        buf_printf(&rules,
                   ", {\"id\": \"f%d\", \"effect\": \"forbid\", \"reason\": \"r\", \"hosts\": "
                   "[\"example.com\"]}",
                   i);
    AUTO_POLICY *policy = policy_with(buf_text(&rules));
    bool decided[REASONS_MAX + 2] = {false};
    AUTO_CASES *cases = cases_get(CASE("a", APEX, DENIED("{\"code\": \"forbidden\"}")));
    AUTO_RESULT result = {0};
    struct err err = {0};
    cr_assert_eq(case_judge(cases, 0, policy, decided, &result, &err), RESULT_OK, "%s", err.text);
    cr_assert(!result.passed);
    cr_assert_not_null(strstr(buf_text(&result.actual), "; and 1 reasons more"));
}

Test(cases, an_invalid_order_passes_only_where_it_is_expected_with_its_words)
{
    AUTO_POLICY *policy = guarded();
    const char *const actual = "invalid: the API demands the zone's apex among the hosts: add "
                               "example.com";
    case_is(policy, CASE("a", "\"a.example.com\"", PERMITTED), false, actual);
    case_is(policy, CASE("a", "\"a.example.com\"", "\"expect\": \"invalid\", \"text\": \"apex\""),
            true, actual);
    case_is(policy, CASE("a", "\"a.example.com\"", "\"expect\": \"invalid\", \"text\": \"Apex\""),
            false, actual);
    case_is(policy, CASE("a", "\"A.example.com\"", "\"expect\": \"invalid\", \"text\": \"case\""),
            true,
            "invalid: /hosts/0: \"A.example.com\": upper case: write it as \"a.example.com\"");
    case_is(policy, CASE("a", APEX, "\"expect\": \"invalid\", \"text\": \"p\""), false,
            "permit by p");
}

/* Results must not depend on the day on which they are made. */
Test(cases, are_judged_when_the_policy_takes_effect_unless_they_say_when)
{
    AUTO_POLICY *policy = guarded();
    case_is(policy, CASE("a", APEX, PERMITTED), true, "");
    case_is(policy, CASE("a", APEX, "\"at\": \"2026-11-01T00:00:00Z\", " PERMITTED), true, "");
    case_is(policy, CASE("a", APEX, "\"at\": \"2026-10-31T23:59:59Z\", " PERMITTED), false,
            "deny: policy_not_effective");
    case_is(policy, CASE("a", APEX, "\"at\": \"2027-11-01T00:00:00Z\", " PERMITTED), false,
            "deny: policy_expired");
}

Test(cases, say_how_many_orders_there_were_and_who_approved)
{
    AUTO_BUF rule = BUF_INIT(4096);
    text_edit(&rule, PERMIT("p", APEX), "\"max_hosts\"",
              "\"max_orders\": 2, \"approvals\": {\"count\": 2, \"from\": [\"oncall\"]}, "
              "\"max_hosts\"");
    AUTO_POLICY *policy = policy_with(buf_text(&rule));
#define ALICE "{\"principal\": \"alice@example.com\", \"groups\": [\"oncall\"]}"
#define BOB   "{\"principal\": \"bob@example.com\", \"groups\": [\"web\", \"oncall\"]}"
#define CAROL "{\"principal\": \"carol@example.com\", \"groups\": [\"web\"]}"
    case_is(policy, CASE("a", APEX, PERMITTED), false,
            "deny: approvals_missing (rule p, attribute approvals)");
    case_is(policy, CASE("a", APEX, "\"approvals\": [" ALICE ", " CAROL "], " PERMITTED), false,
            "deny: approvals_missing (rule p, attribute approvals)");
    case_is(policy, CASE("a", APEX, "\"approvals\": [" ALICE ", " BOB "], " PERMITTED), true, "");
    case_is(policy,
            CASE("a", APEX, "\"orders_today\": 1, \"approvals\": [" ALICE ", " BOB "], " PERMITTED),
            true, "");
    case_is(policy,
            CASE("a", APEX, "\"orders_today\": 2, \"approvals\": [" ALICE ", " BOB "], " PERMITTED),
            false, "deny: max_orders_reached (rule p, attribute max_orders)");
}

Test(cases, may_say_which_evidence_of_the_label_is_demanded)
{
    AUTO_BUF strict = BUF_INIT(4096), text = BUF_INIT(4096);
    text_edit(&strict, PERMIT("p", APEX), "\"max_hosts\"",
              "\"geo_evidence\": \"existing\", \"max_hosts\"");
    AUTO_POLICY *policy = policy_with(buf_text(&strict));
    AUTO_POLICY *loose = policy_with(PERMIT("p", APEX));
    text_edit(&text, CASE("a", APEX, "\"geo_evidence\": \"existing\", " PERMITTED),
              "\"validity_days\"", "\"geo_restrictions\": {\"label\": \"eu\"}, \"validity_days\"");
    case_is(policy, buf_text(&text), true, "permit by p, geo_evidence existing");
    case_is(loose, buf_text(&text), false, "permit by p");
    case_is(policy, CASE("a", APEX, "\"geo_evidence\": \"existing\", " PERMITTED), false, "");
    case_is(policy, CASE("a", APEX, "\"geo_evidence\": \"issued\", " PERMITTED), true, "");
}

static void decided_is(const char *list, size_t count, const char *expected)
{
    AUTO_POLICY *policy = policy_with(PERMIT("p", APEX) ", " FORBID(
        "f", "\"pay.example.com\"") ", " PERMIT("q", "\"*.example.com\""));
    AUTO_CASES *cases = cases_get(list);
    AUTO_BUF out = BUF_INIT(256);
    bool decided[3] = {false};
    for (size_t i = 0; i < count; i++) {
        AUTO_RESULT result = {0};
        struct err err = {0};
        cr_assert_eq(case_judge(cases, i, policy, decided, &result, &err), RESULT_OK);
    }
    for (size_t i = 0; i < 3; i++)
        if (decided[i])
            buf_printf(&out, "%s ", policy_rule_id(policy, i));
    cr_assert_str_eq(buf_text(&out), expected);
}

Test(cases, tell_which_rules_decided_one)
{
    const char *const pay =
        CASE("b", APEX ", \"pay.example.com\"", DENIED("{\"code\": \"forbidden\"}"));
    AUTO_BUF both = BUF_INIT(4096);
    decided_is(CASE("a", APEX, PERMITTED), 1, "p ");
    decided_is(pay, 1, "f ");
    buf_printf(&both, "%s, %s", CASE("a", APEX, PERMITTED), pay);
    decided_is(buf_text(&both), 2, "p f ");
    /* A case that fails shows nothing of a rule. */
    decided_is(CASE("a", APEX ", \"a.example.com\"", PERMITTED), 1, "");
    /* A rule that a denial only came closest to did not decide it. */
    decided_is(CASE("a", APEX ", \"a.b.example.com\"", DENIED("{\"code\": \"host_not_covered\"}")),
               1, "");
}

#define WHOLE                                                                                                                                                          \
    "{\"georder_policy_tests\": 1, \"cases\": [\n" CASE(                                                                                                               \
        "permit", APEX,                                                                                                                                                \
        "\"at\": \"2026-12-01T09:00:00Z\", \"orders_today\": 1, \"approvals\": "                                                                                       \
        "[{\"principal\": \"alice@example.com\", \"groups\": [\"oncall\"]}], " PERMITTED) ","                                                                          \
                                                                                          "\n" CASE(                                                                   \
                                                                                              "de"                                                                     \
                                                                                              "n"                                                                      \
                                                                                              "y",                                                                     \
                                                                                              APEX,                                                                    \
                                                                                              DENIED(                                                                  \
                                                                                                  "{\"code\": \"forbidden\", \"rule\": \"f\", \"host\": "              \
                                                                                                  "\"example.com\", \"attribute\": \"hosts\"}")) ",\n" CASE("invalid", \
                                                                                                                                                            "",        \
                                                                                                                                                            "\"expect\": \"invalid\", \"text\": \"no host\"") "]}"

Test(cases, an_edit_that_makes_them_no_cases_is_told_at_its_place)
{
    static const struct {
        const char *what, *with, *error;
    } rows[] = {
        {"_tests\": 1", "_tests\": 2", "1:26: /georder_policy_tests: must be"},
        {"{\"georder", "{\"about\": 1, \"georder", "1:2: /about: unknown member \"about\""},
        {"\"permit\", \"rules\"", "\"allow\", \"rules\"",
         "/cases/0/expect: must be \"permit\", \"deny\" or \"invalid\""},
        {"\"rules\": [\"p\"]", "\"reasons\": [{\"code\": \"forbidden\"}]",
         "/cases/0/reasons: unknown member \"reasons\""},
        {"\"rules\": [\"p\"]", "\"rules\": []", "/cases/0/rules: must have 1 to 50 items, not 0"},
        {"\"rules\": [\"p\"]", "\"rules\": [\"p\", \"p\"]", "/cases/0/rules/1: \"p\" stands here"},
        {"\"expect\": \"permit\", \"rules\": [\"p\"]", "\"expect\": \"permit\"",
         "/cases/0: member \"rules\" is missing"},
        {"\"name\": \"deny\"", "\"name\": \"permit\"",
         "/cases/1/name: \"permit\" stands here twice"},
        {"\"name\": \"deny\"", "\"name\": \"\"", "/cases/1/name: must not be empty"},
        {"\"reasons\": [{\"code\": \"forbidden\", ", "\"reasons\": [{",
         "/cases/1/reasons/0: member \"code\" is missing"},
        {"\"attribute\": \"hosts\"", "\"text\": \"x\"", "/cases/1/reasons/0/text: unknown member"},
        {"2026-12-01T09:00:00Z", "2026-12-01", "/cases/0/at: is not a time in UTC"},
        {"\"orders_today\": 1", "\"orders_today\": \"1\"",
         "/cases/0/orders_today: must be an integer"},
        {"[{\"principal\": \"alice@example.com\", \"groups\": [\"oncall\"]}]", "[]",
         "/cases/0/approvals: must have 1 to 64 items"},
        {"\"groups\": [\"oncall\"]", "\"groups\": []", "/cases/0/approvals/0/groups: must have"},
        {"\"groups\": [\"oncall\"]}",
         "\"groups\": [\"oncall\"]}, {\"principal\": \"alice@example.com\", \"groups\": [\"b\"]}",
         "/cases/0/approvals/1/principal: \"alice@example.com\" stands here twice"},
        {"\"text\": \"no host\"", "\"text\": \"\"", "/cases/2/text: must not be empty"},
        {", \"text\": \"no host\"", "", "/cases/2: member \"text\" is missing"},
        {"\"order\": {", "\"order\": [], \"x\": {", "/cases/0/x: unknown member"},
        {"\"order\": {", "\"Order\": {", "/cases/0/Order: unknown member"},
    };
    struct cases *cases = NULL;
    struct err err;
    cr_assert_eq(cases_try(WHOLE, &cases, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(cases_count(cases), 3);
    cases_free(&cases);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_BUF text = BUF_INIT(65536);
        text_edit(&text, WHOLE, rows[i].what, rows[i].with);
        cr_assert_eq(cases_try(buf_text(&text), &cases, &err), RESULT_CONFIG, "%s", rows[i].with);
        cr_assert_null(cases);
        cr_assert_not_null(strstr(err.text, rows[i].error), "%s: %s", rows[i].error, err.text);
        cr_assert_eq(strncmp(err.text, "tests.json:", 11), 0, "%s", err.text);
    }
}

Test(cases, none_is_a_failure_and_no_pass)
{
    struct cases *cases = NULL;
    struct err err;
    cr_assert_eq(cases_try("{\"georder_policy_tests\": 1, \"cases\": []}", &cases, &err),
                 RESULT_FAILED);
    cr_assert_null(cases);
    cr_assert_str_eq(err.text, "tests.json: no cases found: a policy without tests is not a tested "
                               "one");
}

/* Whatever node is taken away or emptied, there is an answer; what the order lacks is found when it
 * is judged. */
Test(cases, every_node_emptied)
{
    static const char *const empties[] = {"null", "\"\"", "[]", "{}", "0"};
    AUTO_POLICY *policy = guarded();
    AUTO_JSON *whole = tree_parse(WHOLE);
    for (size_t i = 0; i < tree_size(whole) * 5; i++) {
        AUTO_JSON *root = tree_parse(WHOLE);
        AUTO_BUF text = BUF_INIT(65536);
        cJSON *parent, *node = tree_node(root, i / 5, &parent), *with = tree_parse(empties[i % 5]);
        struct cases *cases = NULL;
        struct err err;
        if (cJSON_IsObject(parent))
            cJSON_ReplaceItemInObjectCaseSensitive(parent, node->string, with);
        else
            cJSON_ReplaceItemViaPointer(parent, node, with);
        json_put(&text, root);
        if (cases_try(buf_text(&text), &cases, &err) != RESULT_OK)
            continue;
        bool decided[2] = {false};
        AUTO_RESULT result = {0};
        cr_assert_eq(case_judge(cases, 0, policy, decided, &result, &err), RESULT_OK);
        cases_free(&cases);
    }
}
