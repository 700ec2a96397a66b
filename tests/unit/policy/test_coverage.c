/* What stands for what. */
#include <criterion/criterion.h>
#include <string.h>

#include "helper_policy.h"

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
        cr_assert_eq(host_permitted(covers[i].pattern, "", covers[i].host), covers[i].covered,
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
        cr_assert_eq(host_permitted("**.example.com", touches[i].forbidden, touches[i].host),
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

Test(coverage, the_longest_names_are_judged_and_longer_ones_refused)
{
    static const char name[] = "a.a.a.a.a.a.a.a.a.example.com";
    struct err err = {0};
    cr_assert_eq(host_check(name, false, &err), RESULT_USAGE, "11 labels");
    cr_assert(host_permitted("**.example.com", "", name + 2));
}
