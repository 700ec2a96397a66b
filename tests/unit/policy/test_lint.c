#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "helper_policy.h"

#define AUTO_LINT __attribute__((cleanup(lint_free))) struct lint

/* All items of a policy, as "code rule pointer" lines, but for the codes that are left out. */
static void lint_write(const struct policy *policy, int64_t now, const char *without,
                       struct buf *out)
{
    AUTO_LINT lint = {0};
    struct err err = {0};
    cr_assert_eq(policy_lint(policy, now, &lint, &err), RESULT_OK, "%s", err.text);
    for (size_t i = 0; i < lint.count; i++) {
        cr_assert(lint.item[i].text[0] != '\0', "%s has no text", lint.item[i].code);
        if (strstr(without, lint.item[i].code) == NULL)
            buf_printf(out, "%s %s %s\n", lint.item[i].code, lint.item[i].rule,
                       lint.item[i].pointer);
    }
}

static void rules_lint(const char *rules, const char *expected)
{
    AUTO_POLICY *policy = policy_with(rules);
    AUTO_BUF out = BUF_INIT(65536);
    lint_write(policy, NOW, "unused_zone geo_followed_up unissuable_validity", &out);
    cr_assert_str_eq(buf_text(&out), expected);
}

static void edit_lint(const char *what, const char *with, const char *expected)
{
    AUTO_BUF text = BUF_INIT(65536);
    AUTO_BUF out = BUF_INIT(65536);
    text_edit(&text, policy_text, what, with);
    AUTO_POLICY *policy = policy_get(buf_text(&text));
    lint_write(policy, NOW, "", &out);
    cr_assert_str_eq(buf_text(&out), expected, "%s", buf_text(&out));
}

#define ALWAYS "unused_zone  /zones/example.net\n"
#define GEO    "geo_followed_up p /rules/0/geo_restrictions\n"

Test(lint, finds_nothing_but_what_is_there)
{
    edit_lint("\"test\"", "\"test\"", ALWAYS GEO);
}

Test(lint, tells_how_strong_the_evidence_of_a_label_is)
{
    AUTO_POLICY *weak = policy_get(policy_text);
    AUTO_BUF text = BUF_INIT(65536);
    AUTO_LINT lint = {0}, strong_lint = {0};
    struct err err = {0};
    cr_assert_eq(policy_lint(weak, NOW, &lint, &err), RESULT_OK);
    cr_assert_not_null(strstr(lint.item[1].text, "cannot be asked of the order endpoint"));
    cr_assert_not_null(strstr(lint.item[1].text, "Evidence is weak"));
    text_edit(&text, policy_text, "\"max_hosts\": 20",
              "\"max_hosts\": 20, \"geo_evidence\": \"existing\"");
    AUTO_POLICY *strong = policy_get(buf_text(&text));
    cr_assert_eq(policy_lint(strong, NOW, &strong_lint, &err), RESULT_OK);
    cr_assert_not_null(strstr(strong_lint.item[1].text, "needs a live pack of the zone"));
    edit_lint("[\"eu\", \"none\"], \"max_hosts\": 20",
              "[\"none\"], \"max_hosts\": 20, \"geo_evidence\": \"existing\"",
              ALWAYS "geo_evidence_idle p /rules/0/geo_evidence\n");
}

Test(lint, knows_the_time)
{
    edit_lint("2026-11-01", "2026-12-01", "not_yet_effective  /effective\n" ALWAYS GEO);
    edit_lint("2027-11-01", "2026-11-20", "expired  /expires\n" ALWAYS GEO);
    edit_lint("2027-11-01", "2026-12-20", "expires_soon  /expires\n" ALWAYS GEO);
    edit_lint("2026-11-01", "2024-11-01", "long_lived  /expires\n" ALWAYS GEO);
    edit_lint("\"revision\": 7", "\"revision\": 20261101", "revision_jump  /revision\n" ALWAYS GEO);
}

Test(lint, knows_the_api)
{
    edit_lint("ISRG X1", "GTS R1", "pins_of_one_ca  /api/spki_pins\n" ALWAYS GEO);
    edit_lint(",\n      {\"sha256\": \"C5+lpZ7tcVwmwQIMcRtPbsQtWLABXhQzejna0wHFr8M=\", "
              "\"subject\": \"ISRG X1\"}",
              "", "single_pin  /api/spki_pins\n" ALWAYS GEO);
    edit_lint("104.16.0.0/13", "0.0.0.0/0", "network_wide  /api/networks/0\n" ALWAYS GEO);
    edit_lint("2606:4700::/32", "2000::/3", "network_wide  /api/networks/1\n" ALWAYS GEO);
}

Test(lint, knows_what_cas_issue)
{
    edit_lint("\"google\", \"ssl_com\"], \"validity_days\": [30, 90]",
              "\"lets_encrypt\"], \"validity_days\": [14, 90]",
              ALWAYS "unissuable_validity p /rules/0/validity_days\n" GEO);
    edit_lint("\"google\", \"ssl_com\"], \"validity_days\": [30, 90]",
              "\"ssl_com\"], \"validity_days\": [365]",
              ALWAYS "over_limit p /rules/0/validity_days\nunissuable_rule p /rules/0\n" GEO);
    edit_lint("[\"txt\"]", "[\"http\"]",
              ALWAYS "wildcard_without_method p /rules/0/hosts/1\n"
                     "wildcard_without_method p /rules/0/hosts/1\n" GEO);
    edit_lint("[\"txt\"]", "[\"txt\", \"email\"]",
              ALWAYS "unissuable_method p /rules/0/validation_methods\n"
                     "unissuable_method p /rules/0/validation_methods\n"
                     "method_ends p /rules/0/validation_methods\n" GEO);
    edit_lint("*.example.com", "*.xn--p1ai.example.com",
              ALWAYS "unissuable_name p /rules/0/hosts/1\n" GEO "idle_forbid f /rules/1\n");
}

Test(lint, knows_which_limits_come_before_the_policy_expires)
{
    AUTO_BUF text = BUF_INIT(65536);
    AUTO_BUF out = BUF_INIT(65536);
    text_edit(&text, policy_text, "2027-11-01", "2029-04-01");
    AUTO_POLICY *policy = policy_get(buf_text(&text));
    lint_write(policy, NOW, "unused_zone geo_followed_up long_lived", &out);
    cr_assert_str_eq(buf_text(&out), "over_limit_soon p /rules/0/validity_days\n");
}

Test(lint, finds_rules_without_effect)
{
    rules_lint(PERMIT("a", "\"example.com\", \"x.example.com\"") ", " PERMIT(
                   "b", "\"example.com\", \"*.example.com\""),
               "shadowed_rule a /rules/0\n");
    rules_lint(PERMIT("a", "\"example.com\"") ", " PERMIT("b", "\"example.com\""),
               "duplicate_rule b /rules/1\n");
    rules_lint(PERMIT("a", "\"example.com\", \"**.x.example.com\"") ", " PERMIT(
                   "b", "\"example.com\", \"*.x.example.com\", \"x.example.com\""),
               "");
    rules_lint(PERMIT("a", "\"example.com\", \"**.example.com\"") ", " FORBID(
                   "f", "\"a.example.com\"") ", " FORBID("g", "\"*.example.com\""),
               "shadowed_rule f /rules/1\n");
    rules_lint(PERMIT("a", "\"example.com\"") ", " PERMIT("b", "\"x.example.com\"") ", " FORBID(
                   "f", "\"*.example.com\""),
               "overridden_rule b /rules/1\n");
    rules_lint(
        PERMIT("a", "\"example.com\", \"*.example.com\"") ", " FORBID("f", "\"**.x.example.com\""),
        "idle_forbid f /rules/1\n");
    rules_lint(
        PERMIT("a", "\"example.com\", \"*.example.com\"") ", " FORBID("f", "\"x.example.com\""),
        "");
}

Test(lint, a_stricter_demand_for_evidence_shadows_nothing)
{
    AUTO_BUF strict = BUF_INIT(4096);
    AUTO_BUF rules = BUF_INIT(8192);
    text_edit(&strict, PERMIT("strict", "\"example.com\""), "\"max_hosts\"",
              "\"geo_evidence\": \"existing\", \"max_hosts\"");
    buf_printf(&rules, "%s, %s", PERMIT("loose", "\"example.com\""), buf_text(&strict));
    rules_lint(buf_text(&rules), "shadowed_rule strict /rules/1\n");
}

Test(lint, a_forbid_rule_meets_permit_rules_above_and_below_it)
{
    rules_lint(
        PERMIT("a", "\"example.com\", \"**.example.com\"") ", " FORBID("f", "\"**.x.example.com\""),
        "");
    rules_lint(PERMIT("a", "\"example.com\", \"**.x.y.example.com\"") ", " FORBID(
                   "f", "\"**.y.example.com\""),
               "");
    rules_lint(PERMIT("a", "\"example.com\", \"**.x.example.com\"") ", " FORBID(
                   "f", "\"**.y.example.com\""),
               "idle_forbid f /rules/1\n");
}

Test(lint, has_expired_from_that_moment_on)
{
    AUTO_POLICY *policy = policy_get(policy_text);
    AUTO_BUF out = BUF_INIT(65536);
    struct policy_facts facts;
    policy_facts(policy, &facts);
    lint_write(policy, facts.expires_ms, "unused_zone geo_followed_up", &out);
    cr_assert_str_eq(buf_text(&out), "expired  /expires\n");
}

Test(lint, tells_which_rule_has_no_apex)
{
    rules_lint(PERMIT("a", "\"*.example.com\""), "apex_not_permitted a /rules/0/hosts\n");
    rules_lint(PERMIT("a", "\"*.example.com\"") ", " PERMIT("b", "\"example.com\""), "");
    rules_lint(PERMIT("a", "\"*.example.com\"") ", {\"id\": \"b\", \"effect\": \"permit\", "
                                                "\"reason\": \"r\", \"zones\": "
                                                "[\"example.com\"], \"hosts\": [\"example.com\"], "
                                                "\"certificate_authorities\": "
                                                "[\"google\"], \"validity_days\": [14], "
                                                "\"validation_methods\": [\"txt\"], "
                                                "\"cloudflare_branding\": [false], "
                                                "\"geo_restrictions\": [\"none\"], "
                                                "\"max_hosts\": 5}",
               "apex_not_permitted a /rules/0/hosts\n");
}

/* What a rule permits, whether there is anything in it that a CA issues. */
static void unissuable_is(const char *authorities, const char *days, const char *methods,
                          int64_t now, bool expected)
{
    AUTO_BUF rule = BUF_INIT(4096);
    AUTO_LINT lint = {0};
    struct err err = {0};
    buf_printf(&rule,
               "{\"id\": \"p\", \"effect\": \"permit\", \"reason\": \"r\", \"zones\": "
               "[\"example.com\"], \"hosts\": [\"example.com\"], \"certificate_authorities\": "
               "[%s], \"validity_days\": [%s], \"validation_methods\": [%s], "
               "\"cloudflare_branding\": [false], \"geo_restrictions\": [\"none\"], "
               "\"max_hosts\": 5}",
               authorities, days, methods);
    AUTO_POLICY *policy = policy_with(buf_text(&rule));
    bool found = false;
    cr_assert_eq(policy_lint(policy, now, &lint, &err), RESULT_OK);
    for (size_t i = 0; i < lint.count; i++)
        found |= strcmp(lint.item[i].code, "unissuable_rule") == 0 &&
                 strcmp(lint.item[i].pointer, "/rules/0") == 0;
    cr_assert_eq(found, expected, "%s, %s days, %s", authorities, days, methods);
}

Test(lint, finds_grants_that_no_ca_can_issue)
{
    unissuable_is("\"google\"", "90", "\"txt\"", NOW, false);
    unissuable_is("\"lets_encrypt\"", "14, 30", "\"txt\"", NOW, true);
    unissuable_is("\"lets_encrypt\"", "14, 90", "\"txt\"", NOW, false);
    unissuable_is("\"lets_encrypt\", \"google\"", "14", "\"txt\"", NOW, false);
    unissuable_is("\"google\"", "90", "\"email\"", NOW, true);
    unissuable_is("\"google\"", "90", "\"email\", \"http\"", NOW, false);
    /* SSL.com is documented to issue a year, which no CA has been allowed to since 2026-03-15. */
    unissuable_is("\"ssl_com\"", "365", "\"txt\"", NOW, true);
    unissuable_is("\"ssl_com\"", "365, 30", "\"txt\"", NOW, false);
}

/* In policy_with() the life is from 2026-11-01 (a Sunday) to 2027-11-01. */
static void limits_lint(const char *effect, const char *limits, int64_t now, const char *expected)
{
    AUTO_BUF rule = BUF_INIT(4096);
    AUTO_BUF out = BUF_INIT(65536);
    if (effect[0] == 'p')
        buf_puts(&rule, PERMIT("p", "\"example.com\""));
    else
        buf_puts(&rule, PERMIT("p", "\"example.com\"") ", " FORBID("f", "\"example.com\""));
    rule.len--; /* the last brace */
    buf_printf(&rule, ", %s}", limits);
    AUTO_POLICY *policy = policy_with(buf_text(&rule));
    lint_write(policy, now, "unused_zone geo_followed_up unissuable_validity expires_soon", &out);
    cr_assert_str_eq(buf_text(&out), expected, "%s: %s", limits, buf_text(&out));
}

#define WINDOW(days, from, to)                                                                     \
    "\"change_windows\": [{\"weekdays\": [" days "], \"from\": \"" from "\", \"to\": \"" to        \
    "\", \"time_zone\": \"UTC\"}]"
#define FROZEN(from, to)                                                                           \
    "{\"from\": \"" from "T00:00:00Z\", \"to\": \"" to "T00:00:00Z\", \"reason\": \"r\"}"
#define FREEZE(list) "\"freeze\": [" list "]"

Test(lint, finds_rules_that_never_open)
{
    limits_lint("permit", WINDOW("\"mon\"", "08:00", "17:00"), NOW, "");
    limits_lint("permit", FREEZE(FROZEN("2026-10-01", "2027-12-01")), NOW,
                "never_open p /rules/0/freeze\n");
    limits_lint("permit",
                FREEZE(FROZEN("2026-10-01", "2027-05-01") ", " FROZEN("2027-05-01", "2027-11-01")),
                NOW, "never_open p /rules/0/freeze\n");
    limits_lint("permit",
                FREEZE(FROZEN("2026-10-01", "2027-05-01") ", " FROZEN("2027-05-02", "2027-11-01")),
                NOW, "");
    /* The one day between is a Saturday. */
    limits_lint("permit",
                WINDOW("\"mon\", \"fri\"", "00:00", "24:00") ", " FREEZE(
                    FROZEN("2026-10-01", "2027-05-01") ", " FROZEN("2027-05-02", "2027-11-01")),
                NOW, "never_open p /rules/0/change_windows\n");
    limits_lint("permit",
                WINDOW("\"sat\"", "23:59", "24:00") ", " FREEZE(
                    FROZEN("2026-10-01", "2027-05-01") ", " FROZEN("2027-05-02", "2027-11-01")),
                NOW, "");
    /* The last day of the policy is 2027-10-31, a Sunday; at its noon nothing is left but that. */
    limits_lint("permit", WINDOW("\"mon\"", "00:00", "24:00"), INT64_C(1824984000000),
                "never_open p /rules/0/change_windows\n");
    limits_lint("permit", WINDOW("\"sun\"", "00:00", "12:00"), INT64_C(1824984000000),
                "never_open p /rules/0/change_windows\n");
    limits_lint("permit", WINDOW("\"sun\"", "00:00", "12:01"), INT64_C(1824984000000), "");
    limits_lint("permit", WINDOW("\"sun\"", "23:59", "24:00"), INT64_C(1824984000000), "");
}

Test(lint, finds_freezes_that_stop_nothing)
{
    limits_lint("permit", FREEZE(FROZEN("2026-11-05", "2026-11-06")), NOW,
                "freeze_past p /rules/0/freeze/0\n");
    limits_lint("permit", FREEZE(FROZEN("2026-12-05", "2026-12-06")), NOW, "");
    limits_lint("permit",
                FREEZE(FROZEN("2026-12-05", "2026-12-06") ", " FROZEN("2027-11-01", "2027-11-02")),
                NOW, "freeze_idle p /rules/0/freeze/1\n");
    limits_lint("permit", FREEZE(FROZEN("2026-10-05", "2026-11-01")), NOW,
                "freeze_idle p /rules/0/freeze/0\n");
    limits_lint("forbid", FREEZE(FROZEN("2026-11-05", "2026-11-06")), NOW,
                "freeze_past f /rules/1/freeze/0\n");
    limits_lint("forbid", FREEZE(FROZEN("2026-10-01", "2027-12-01")), NOW,
                "never_matches p /rules/0\n");
}
