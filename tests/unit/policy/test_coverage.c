/* What stands for what; with one test for each class of name matching faults known elsewhere. */
#include <criterion/criterion.h>
#include <string.h>

#include "helper_policy.h"

/* One permit rule for the apex and the pattern, and the forbid rule, if any; is it permitted? */
static bool permits(const char *pattern, const char *forbidden, const char *host)
{
    AUTO_BUF rules = BUF_INIT(65536);
    AUTO_DECISION decision = {0};
    struct order order;
    if (strcmp(pattern, "example.com") == 0)
        buf_puts(&rules, PERMIT("p", "\"example.com\""));
    else
        text_edit(&rules, PERMIT("p", "\"example.com\", \"@\""), "@", pattern);
    if (forbidden[0] != '\0')
        buf_printf(&rules,
                   ", {\"id\": \"f\", \"effect\": \"forbid\", \"reason\": \"never\", "
                   "\"hosts\": [\"%s\"]}",
                   forbidden);
    AUTO_POLICY *policy = policy_with(buf_text(&rules));
    order_make(&order, strcmp(host, "example.com") == 0 ? "" : host, "");
    decide_must(policy, &order, NOW, &decision);
    return decision.permit;
}

static const struct {
    const char *pattern, *host;
    bool covered;
} covers[] = {
    {"a.example.com", "a.example.com", true},
    {"a.example.com", "b.example.com", false},
    {"a.example.com", "*.example.com", false},
    {"a.example.com", "*.a.example.com", false},
    {"a.example.com", "x.a.example.com", false},
    {"*.example.com", "*.example.com", true},
    {"*.example.com", "a.example.com", true},
    {"*.example.com", "b.a.example.com", false},
    {"*.example.com", "*.a.example.com", false},
    {"*.a.example.com", "a.example.com", false},
    {"*.a.example.com", "*.a.example.com", true},
    {"*.a.example.com", "*.example.com", false},
    {"*.a.example.com", "x.a.example.com", true},
    {"**.a.example.com", "a.example.com", false},
    {"**.a.example.com", "*.a.example.com", true},
    {"**.a.example.com", "*.c.a.example.com", true},
    {"**.a.example.com", "d.c.a.example.com", true},
    {"**.a.example.com", "x.a.example.com", true},
    {"**.a.example.com", "*.example.com", false},
    {"**.a.example.com", "ba.example.com", false},
    {"**.a.example.com", "x.ba.example.com", false},
};

Test(coverage, a_permit_rule_covers_what_lies_wholly_in_its_pattern)
{
    for (size_t i = 0; i < sizeof covers / sizeof *covers; i++)
        cr_assert_eq(permits(covers[i].pattern, "", covers[i].host), covers[i].covered,
                     "pattern %s, host %s", covers[i].pattern, covers[i].host);
}

static const struct {
    const char *forbidden, *host;
    bool touched;
} touches[] = {
    {"pay.example.com", "pay.example.com", true},
    {"pay.example.com", "*.example.com", true},
    {"pay.example.com", "*.pay.example.com", false},
    {"pay.example.com", "x.pay.example.com", false},
    {"pay.example.com", "*.x.example.com", false},
    {"pay.example.com", "xpay.example.com", false},
    {"x.pay.example.com", "*.example.com", false},
    {"x.pay.example.com", "*.pay.example.com", true},
    {"*.pay.example.com", "*.pay.example.com", true},
    {"*.pay.example.com", "x.pay.example.com", true},
    {"*.pay.example.com", "pay.example.com", false},
    {"*.pay.example.com", "*.example.com", false},
    {"*.pay.example.com", "*.x.pay.example.com", false},
    {"*.pay.example.com", "y.x.pay.example.com", false},
    {"**.pay.example.com", "*.pay.example.com", true},
    {"**.pay.example.com", "x.pay.example.com", true},
    {"**.pay.example.com", "y.x.pay.example.com", true},
    {"**.pay.example.com", "*.x.pay.example.com", true},
    {"**.pay.example.com", "pay.example.com", false},
    {"**.pay.example.com", "*.example.com", false},
    {"**.pay.example.com", "x.notpay.example.com", false},
};

Test(coverage, a_forbid_rule_touches_what_lies_partly_in_its_pattern)
{
    for (size_t i = 0; i < sizeof touches / sizeof *touches; i++)
        cr_assert_eq(permits("**.example.com", touches[i].forbidden, touches[i].host),
                     !touches[i].touched, "forbidden %s, host %s", touches[i].forbidden,
                     touches[i].host);
}

Test(coverage, a_forbidden_apex_touches_no_wildcard_below_it)
{
    /* Every order names the apex, so it is forbidden for that alone: one reason, and no other. */
    AUTO_POLICY *policy = policy_with(
        PERMIT("p", "\"example.com\", \"**.example.com\"") ", " FORBID("f", "\"example.com\""));
    AUTO_DECISION decision = {0};
    struct order order;
    order_make(&order, "*.example.com", "");
    decide_must(policy, &order, NOW, &decision);
    cr_assert(!decision.permit);
    cr_assert_eq(decision.reasons, 1);
    cr_assert_str_eq(decision.reason[0].host, "example.com");
}

/* The classes of policy faults elsewhere: deny that the covering wildcard slips through ... */
Test(classes, deny_stops_the_covering_wildcard)
{
    cr_assert(!permits("*.example.com", "pay.example.com", "*.example.com"));
    cr_assert(permits("*.example.com", "", "*.example.com"));
}

Test(classes, deny_does_not_stop_other_wildcards)
{
    cr_assert(permits("**.example.com", "a.b.example.com", "*.x.example.com"));
    cr_assert(permits("**.example.com", "a.b.example.com", "*.b.b.example.com"));
    cr_assert(permits("**.example.com", "a.b.example.com", "*.example.com"));
}

Test(classes, wildcard_is_not_granted_by_the_bare_domain)
{
    cr_assert(!permits("example.com", "", "*.example.com"));
}

Test(classes, star_does_not_cross_dots)
{
    cr_assert(!permits("*.example.com", "", "a.b.example.com"));
}

Test(classes, suffix_ends_at_a_dot)
{
    AUTO_POLICY *policy = policy_with(PERMIT("p", "\"example.com\", \"**.example.com\""));
    static const char *const outside[] = {"evil-example.com", "xexample.com",
                                          "example.com.evil.net"};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        struct decision decision;
        struct err err = {0};
        struct order order;
        order_make(&order, outside[i], "");
        cr_assert_eq(order_check(&order, &err), RESULT_OK);
        cr_assert(policy_resolve_zone(policy, &order));
        cr_assert_eq(
            policy_decide(policy, &order, &(struct circumstances){.now = NOW}, &decision, &err),
            RESULT_USAGE);
        cr_assert(!decision.permit);
        cr_assert_not_null(strstr(err.text, "is not in the zone example.com"), "%s", err.text);
    }
}

/* ... names that one side would map to another: refused in a policy and in an order. */
static const char *const refused[] = {
    "WWW.Example.COM",
    "www.example.com.",
    "www.example.com..",
    "*.example.com.",
    "x*.xn--p1ai.example.com",
    "xn--*.example.com",
    "a_b.example.com",
    "ex\xC2\xAD"
    "ample.example.com",
    "\xEF\xBD\x81.example.com",
    "a\xE3\x80\x82"
    "example.com",
    "*.*.example.com",
    "a.*.example.com",
    "*example.com",
    "***.example.com",
    "user@example.com",
    "^a|b$.example.com",
    "*",
    "**",
    "*.com",
    "**.com",
    ".example.com",
    "a..example.com",
    "192.0.2.1",
    "a b.example.com",
};

Test(classes, names_are_refused_and_never_mapped)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        AUTO_BUF text = BUF_INIT(65536);
        AUTO_BUF quoted = BUF_INIT(1024);
        struct policy *policy = NULL;
        struct err err = {0};
        struct order order;
        buf_printf(&quoted, "\"%s\"", refused[i]);
        text_edit(&text, policy_text, "\"*.example.com\"", buf_text(&quoted));
        cr_assert_eq(
            policy_load("policy.json", buf_text(&text), text.len, authorities_get(), &policy, &err),
            RESULT_CONFIG, "%s", refused[i]);
        cr_assert_null(policy);
        cr_assert(strncmp(err.text, "policy.json:17:32: /rules/0/hosts/1: ", 37) == 0, "%s",
                  err.text);
        order_make(&order, refused[i], "");
        cr_assert_eq(order_check(&order, &err), RESULT_USAGE, "%s", refused[i]);
    }
}

Test(classes, public_suffixes_are_out_of_reach)
{
    static const char *const suffixes[] = {"*.co.uk", "*.github.io", "**.ck.uk"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        AUTO_BUF text = BUF_INIT(65536);
        struct policy *policy = NULL;
        struct err err = {0};
        text_edit(&text, policy_text, "*.example.com", suffixes[i]);
        cr_assert_eq(
            policy_load("policy.json", buf_text(&text), text.len, authorities_get(), &policy, &err),
            RESULT_CONFIG);
        cr_assert_str_eq(err.text, "policy.json:17:32: /rules/0/hosts/1: lies in no zone of this "
                                   "rule: add the zone, or take the host out");
    }
}

static void refuse(const char *what, const char *with)
{
    AUTO_BUF text = BUF_INIT(65536);
    struct policy *policy = NULL;
    struct err err = {0};
    text_edit(&text, policy_text, what, with);
    cr_assert_eq(
        policy_load("policy.json", buf_text(&text), text.len, authorities_get(), &policy, &err),
        RESULT_CONFIG, "%s instead of %s", with, what);
}

Test(classes, empty_never_means_all)
{
    static const char *const lists[][2] = {
        {"\"zones\": [", "\"example.com\"]"},
        {"\"hosts\": [", "\"example.com\", \"*.example.com\"]"},
        {"\"certificate_authorities\": [", "\"google\", \"ssl_com\"]"},
        {"\"validity_days\": [", "30, 90]"},
        {"\"validation_methods\": [", "\"txt\"]"},
        {"\"cloudflare_branding\": [", "false]"},
        {"\"geo_restrictions\": [", "\"eu\", \"none\"]"},
        {"\"networks\": [", "\"104.16.0.0/13\", \"2606:4700::/32\"]"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        AUTO_BUF what = BUF_INIT(256);
        AUTO_BUF with = BUF_INIT(256);
        buf_printf(&what, "%s%s", lists[i][0], lists[i][1]);
        buf_printf(&with, "%s]", lists[i][0]);
        refuse(buf_text(&what), buf_text(&with));
        buf_reset(&with);
        buf_printf(&with, "%.*s null", (int)strlen(lists[i][0]) - 2, lists[i][0]);
        refuse(buf_text(&what), buf_text(&with));
        buf_reset(&with);
        buf_printf(&with, "%s\"\"]", lists[i][0]);
        refuse(buf_text(&what), buf_text(&with));
    }
}

Test(classes, an_unknown_member_is_an_error)
{
    refuse("\"max_hosts\": 20", "\"max_hosts\": 20, \"allowed_domains\": [\"a\"]");
    refuse("\"max_hosts\": 20", "\"Max_hosts\": 20");
}

Test(classes, the_longest_names_are_judged_and_longer_ones_refused)
{
    static const char name[] = "a.a.a.a.a.a.a.a.a.example.com";
    struct err err = {0};
    cr_assert_eq(host_check(name, false, &err), RESULT_USAGE, "11 labels");
    cr_assert(permits("**.example.com", "", name + 2));
}
