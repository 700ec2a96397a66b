/* How often, when, and with whose approval a rule permits (issue 4). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "helper_policy.h"

#define LIMITED(id, limits)                                                                        \
    "{\"id\": \"" id                                                                               \
    "\", \"effect\": \"permit\", \"reason\": \"r\", \"zones\": [\"example.com\"], "                \
    "\"hosts\": [\"example.com\"], \"certificate_authorities\": [\"google\"], "                    \
    "\"validity_days\": [90], \"validation_methods\": [\"txt\"], "                                 \
    "\"cloudflare_branding\": [false], \"geo_restrictions\": [\"none\"], \"max_hosts\": "          \
    "50, " limits "}"

static struct decision judge(const struct policy *policy, struct circumstances at)
{
    struct err err = {0};
    struct order order;
    struct decision decision;
    order_make(&order, "", "");
    cr_assert_eq(order_check(&order, &err), RESULT_OK, "%s", err.text);
    cr_assert(policy_resolve_zone(policy, &order));
    cr_assert_eq(policy_decide(policy, &order, &at, &decision, &err), RESULT_OK, "%s", err.text);
    return decision;
}

static int64_t moment(const char *text)
{
    int64_t ms = 0;
    cr_assert(time_parse(text, &ms), "%s", text);
    return ms;
}

static void permits(const struct policy *policy, struct circumstances at, const char *rule)
{
    AUTO_DECISION decision = judge(policy, at);
    cr_assert(decision.permit, "%s", decision.reasons > 0 ? decision.reason[0].text : "");
    cr_assert_eq(decision.rules, 1);
    cr_assert_str_eq(decision.rule[0], rule);
}

static void denies(const struct policy *policy, struct circumstances at, const char *code,
                   const char *text)
{
    AUTO_DECISION decision = judge(policy, at);
    cr_assert(!decision.permit);
    cr_assert_eq(decision.reasons, 1);
    cr_assert_str_eq(decision.reason[0].code, code, "%s", decision.reason[0].text);
    cr_assert_str_eq(decision.reason[0].text, text);
}

Test(limits, max_orders_counts_the_orders_of_the_day)
{
    AUTO_POLICY *policy = policy_with(LIMITED("few", "\"max_orders\": 2"));
    permits(policy, (struct circumstances){.now = NOW, .orders = 0}, "few");
    permits(policy, (struct circumstances){.now = NOW, .orders = 1}, "few");
    denies(policy, (struct circumstances){.now = NOW, .orders = 2}, "max_orders_reached",
           "2 orders were placed for the zone example.com on this day (UTC), and rule few permits "
           "2 a day: order tomorrow, or ask pki@example.com");
    denies(policy, (struct circumstances){.now = NOW, .orders = 7}, "max_orders_reached",
           "7 orders were placed for the zone example.com on this day (UTC), and rule few permits "
           "2 a day: order tomorrow, or ask pki@example.com");
}

Test(limits, max_orders_that_is_not_judged_is_said)
{
    AUTO_POLICY *policy = policy_with(LIMITED("few", "\"max_orders\": 2"));
    AUTO_DECISION unknown =
        judge(policy, (struct circumstances){.now = NOW, .orders = ORDERS_UNKNOWN});
    AUTO_DECISION known = judge(policy, (struct circumstances){.now = NOW, .orders = 1});
    cr_assert(unknown.permit && unknown.orders_unjudged);
    cr_assert(known.permit && !known.orders_unjudged);
}

#define WINDOWS                                                                                    \
    "\"change_windows\": [{\"weekdays\": [\"mon\", \"thu\"], \"from\": \"08:00\", \"to\": "        \
    "\"16:30\", \"time_zone\": \"UTC\"}, {\"weekdays\": [\"sun\"], \"from\": \"00:00\", \"to\": "  \
    "\"24:00\", \"time_zone\": \"UTC\"}]"

Test(limits, change_windows_are_half_open_and_by_weekday)
{
    static const struct {
        const char *time;
        const char *closed; /* how the denial calls it; NULL: open */
    } cases[] = {
        {"2026-11-23T07:59:59Z", "mon 07:59"}, {"2026-11-23T08:00:00Z", NULL},
        {"2026-11-23T16:29:59Z", NULL},        {"2026-11-23T16:30:00Z", "mon 16:30"},
        {"2026-11-24T12:00:00Z", "tue 12:00"}, {"2026-11-26T12:00:00Z", NULL},
        {"2026-11-28T23:59:59Z", "sat 23:59"}, {"2026-11-29T00:00:00Z", NULL},
        {"2026-11-29T23:59:59Z", NULL},        {"2026-11-30T00:00:00Z", "mon 00:00"},
    };
    AUTO_POLICY *policy = policy_with(LIMITED("w", WINDOWS));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct circumstances at = {.now = moment(cases[i].time)};
        char text[256];
        if (cases[i].closed == NULL) {
            permits(policy, at, "w");
            continue;
        }
        (void)snprintf(text, sizeof text,
                       "it is %s UTC, and rule w permits orders in its change windows only: mon "
                       "thu 08:00-16:30 UTC; sun 00:00-24:00 UTC",
                       cases[i].closed);
        denies(policy, at, "outside_change_window", text);
    }
}

#define FREEZE                                                                                     \
    "\"freeze\": [{\"from\": \"2026-12-18T00:00:00Z\", \"to\": \"2027-01-04T00:00:00Z\", "         \
    "\"reason\": \"year end\"}]"

Test(limits, a_freeze_is_half_open_and_gives_its_reason)
{
    AUTO_POLICY *policy = policy_with(LIMITED("f", FREEZE));
    const char *text =
        "rule f permits no order from 2026-12-18T00:00:00Z to 2027-01-04T00:00:00Z: year end";
    permits(policy, (struct circumstances){.now = moment("2026-12-17T23:59:59Z")}, "f");
    denies(policy, (struct circumstances){.now = moment("2026-12-18T00:00:00Z")}, "frozen", text);
    denies(policy, (struct circumstances){.now = moment("2027-01-03T23:59:59Z")}, "frozen", text);
    permits(policy, (struct circumstances){.now = moment("2027-01-04T00:00:00Z")}, "f");
}

Test(limits, a_forbid_rule_with_a_freeze_forbids_only_then)
{
    AUTO_POLICY *policy = policy_with(
        PERMIT("p", "\"example.com\"") ", {\"id\": \"no\", \"effect\": \"forbid\", \"reason\": "
                                       "\"why\", " FREEZE "}");
    permits(policy, (struct circumstances){.now = NOW}, "p");
    denies(policy, (struct circumstances){.now = moment("2026-12-20T00:00:00Z")}, "forbidden",
           "rule no forbids in the freeze until 2027-01-04T00:00:00Z (year end): why");
}

#define APPROVALS "\"approvals\": {\"count\": 2, \"from\": [\"oncall\", \"leads\"]}"

Test(limits, approvals_count_people_of_the_named_groups_once_each)
{
    AUTO_POLICY *policy = policy_with(LIMITED("two", APPROVALS));
    static const char *const both[] = {"leads", "oncall"}, *const other[] = {"guests"};
    const struct approver a = {"a@example.com", both, 2}, b = {"b@example.com", both + 1, 1},
                          c = {"c@example.com", other, 1};
    const struct approver one[] = {a}, strange[] = {a, c}, good[] = {a, c, b};
#define DEMANDS(given)                                                                             \
    "rule two demands approvals, 2 from oncall, leads, and " given                                 \
    " of these are there: write a request by georder order --prepare, and have it signed"
    denies(policy, (struct circumstances){.now = NOW}, "approvals_missing", DEMANDS("0"));
    denies(policy, (struct circumstances){.now = NOW, .approvers = 1, .approver = one},
           "approvals_missing", DEMANDS("1"));
    denies(policy, (struct circumstances){.now = NOW, .approvers = 2, .approver = strange},
           "approvals_missing", DEMANDS("1"));
    permits(policy, (struct circumstances){.now = NOW, .approvers = 3, .approver = good}, "two");
}

Test(limits, a_decision_tells_which_approvals_are_demanded)
{
    AUTO_POLICY *policy = policy_with(LIMITED("two", APPROVALS));
    AUTO_DECISION decision =
        judge(policy, (struct circumstances){.now = NOW, .approvals_assumed = true});
    cr_assert(decision.permit);
    cr_assert_eq(decision.demands, 1);
    cr_assert_str_eq(decision.demand[0].rule, "two");
    cr_assert_eq(decision.demand[0].count, 2);
    cr_assert_str_eq(decision.demand[0].from, "oncall, leads");
}

Test(limits, of_two_rules_the_one_that_demands_no_approval_permits)
{
    AUTO_POLICY *first =
        policy_with(LIMITED("two", APPROVALS) ", " LIMITED("free", "\"max_orders\": 9"));
    permits(first, (struct circumstances){.now = NOW}, "free");
    permits(first, (struct circumstances){.now = NOW, .approvals_assumed = true}, "free");
}

Test(limits, every_limit_that_failed_is_a_reason)
{
    AUTO_POLICY *policy =
        policy_with(LIMITED("all", "\"max_orders\": 1, " WINDOWS ", " FREEZE ", " APPROVALS));
    static const char *const codes[] = {"approvals_missing", "frozen", "max_orders_reached",
                                        "outside_change_window"};
    static const char *const attributes[] = {"approvals", "freeze", "max_orders", "change_windows"};
    AUTO_DECISION decision =
        judge(policy, (struct circumstances){.now = moment("2026-12-19T09:00:00Z"), .orders = 1});
    cr_assert(!decision.permit);
    cr_assert_eq(decision.reasons, 4);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_str_eq(decision.reason[i].code, codes[i]);
        cr_assert_str_eq(decision.reason[i].attribute, attributes[i]);
        cr_assert_str_eq(decision.reason[i].rule, "all");
    }
}

static const struct {
    const char *limits, *error; /* behind "policy.json:LINE:COLUMN: /rules/0/" */
} bad[] = {
    {"\"max_orders\": 0", "max_orders: must be"},
    {"\"max_orders\": 100001", "max_orders: must be"},
    {"\"max_orders\": null", "max_orders: must not be null"},
    {"\"change_windows\": []", "change_windows: must"},
    {"\"change_windows\": [{\"weekdays\": [], \"from\": \"08:00\", \"to\": \"09:00\", "
     "\"time_zone\": \"UTC\"}]",
     "change_windows/0/weekdays: must"},
    {"\"change_windows\": [{\"weekdays\": [\"Mon\"], \"from\": \"08:00\", \"to\": \"09:00\", "
     "\"time_zone\": \"UTC\"}]",
     "change_windows/0/weekdays/0: is not one of mon"},
    {"\"change_windows\": [{\"weekdays\": [\"mon\", \"mon\"], \"from\": \"08:00\", \"to\": "
     "\"09:00\", \"time_zone\": \"UTC\"}]",
     "change_windows/0/weekdays/1: mon stands here twice"},
    {"\"change_windows\": [{\"weekdays\": [\"mon\"], \"from\": \"8:00\", \"to\": \"09:00\", "
     "\"time_zone\": \"UTC\"}]",
     "change_windows/0/from: is not a time of the day"},
    {"\"change_windows\": [{\"weekdays\": [\"mon\"], \"from\": \"08:60\", \"to\": \"09:00\", "
     "\"time_zone\": \"UTC\"}]",
     "change_windows/0/from: is not a time of the day"},
    {"\"change_windows\": [{\"weekdays\": [\"mon\"], \"from\": \"08:00\", \"to\": \"24:01\", "
     "\"time_zone\": \"UTC\"}]",
     "change_windows/0/to: is not a time of the day"},
    {"\"change_windows\": [{\"weekdays\": [\"mon\"], \"from\": \"09:00\", \"to\": \"09:00\", "
     "\"time_zone\": \"UTC\"}]",
     "change_windows/0/to: is not later than from"},
    {"\"change_windows\": [{\"weekdays\": [\"mon\"], \"from\": \"08:00\", \"to\": \"09:00\", "
     "\"time_zone\": \"Europe/Berlin\"}]",
     "change_windows/0/time_zone: must be \"UTC\""},
    {"\"change_windows\": [{\"weekdays\": [\"mon\"], \"from\": \"08:00\", \"to\": \"09:00\"}]",
     "change_windows/0: "},
    {"\"freeze\": []", "freeze: must"},
    {"\"freeze\": [{\"from\": \"2026-12-18T00:00:00\", \"to\": \"2027-01-04T00:00:00Z\", "
     "\"reason\": \"x\"}]",
     "freeze/0/from: is not a time in UTC"},
    {"\"freeze\": [{\"from\": \"2026-12-18T00:00:00Z\", \"to\": \"2026-12-18T00:00:00Z\", "
     "\"reason\": \"x\"}]",
     "freeze/0/to: is not later than from"},
    {"\"freeze\": [{\"from\": \"2026-12-18T00:00:00Z\", \"to\": \"2027-01-04T00:00:00Z\"}]",
     "freeze/0: "},
    {"\"approvals\": 2", "approvals: must be an object"},
    {"\"approvals\": {\"count\": 0, \"from\": [\"a\"]}", "approvals/count: must be"},
    {"\"approvals\": {\"count\": 2, \"from\": []}", "approvals/from: must"},
    {"\"approvals\": {\"count\": 2}", "approvals: "},
    {"\"approvals\": {\"count\": 2, \"from\": [\"a\", \"a\"]}", "approvals/from/1: \"a\" stands"},
    {"\"approvals\": {\"count\": 2, \"from\": [\"A\"]}", "approvals/from/0: a group of approvers"},
};

Test(limits, refuses_what_is_no_limit_and_says_where)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO_BUF text = BUF_INIT(65536), with = BUF_INIT(4096);
        struct policy *policy = NULL;
        struct err err = {0};
        buf_printf(&with, "\"max_hosts\": 20, %s", bad[i].limits);
        text_edit(&text, policy_text, "\"max_hosts\": 20", buf_text(&with));
        cr_assert_eq(
            policy_load("policy.json", buf_text(&text), text.len, authorities_get(), &policy, &err),
            RESULT_CONFIG, "%s", bad[i].limits);
        const char *at = strstr(err.text, ": /rules/0/");
        cr_assert_not_null(at, "%s", err.text);
        cr_assert_eq(strncmp(at + 11, bad[i].error, strlen(bad[i].error)), 0, "%s\n%s",
                     bad[i].limits, err.text);
    }
}

Test(limits, a_forbid_rule_takes_a_freeze_and_no_other_limit)
{
    static const char *const limits[] = {"\"max_orders\": 2", WINDOWS, APPROVALS};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        AUTO_BUF text = BUF_INIT(65536), with = BUF_INIT(4096);
        struct policy *policy = NULL;
        struct err err = {0};
        buf_printf(&with, "\"hosts\": [\"pay.example.com\"], %s", limits[i]);
        text_edit(&text, policy_text, "\"hosts\": [\"pay.example.com\"]", buf_text(&with));
        cr_assert_eq(
            policy_load("policy.json", buf_text(&text), text.len, authorities_get(), &policy, &err),
            RESULT_CONFIG, "%s", limits[i]);
        cr_assert_not_null(strstr(err.text, "unknown member"), "%s", err.text);
    }
}
