/* Which rule permits, and every reason when none does. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "helper_policy.h"

#define APEX "\"example.com\", "

static void reason_is(const struct decision *decision, size_t index, const char *code,
                      const char *host, const char *rule, const char *attribute, const char *asked,
                      const char *permitted)
{
    const struct reason *at = &decision->reason[index];
    cr_assert(index < decision->reasons);
    cr_assert_str_eq(at->code, code, "%zu: %s", index, at->text);
    cr_assert_str_eq(at->host, host, "%zu: %s", index, at->text);
    cr_assert_str_eq(at->rule, rule, "%zu: %s", index, at->text);
    cr_assert_str_eq(at->attribute, attribute, "%zu: %s", index, at->text);
    cr_assert_str_eq(at->asked, asked, "%zu: %s", index, at->text);
    cr_assert_str_eq(at->permitted, permitted, "%zu: %s", index, at->text);
}

Test(decide, names_the_rules_that_permit_in_the_policys_order)
{
    AUTO_POLICY *policy = policy_with(PERMIT("b", "\"x.example.com\"") ", " PERMIT(
        "unused", "\"z.example.com\"") ", " PERMIT("a", APEX "\"y.example.com\""));
    AUTO_DECISION decision = {0};
    struct order order;
    order_make(&order, "y.example.com", "x.example.com");
    decide_must(policy, &order, NOW, &decision);
    cr_assert(decision.permit);
    cr_assert_eq(decision.rules, 2);
    cr_assert_str_eq(decision.rule[0], "b");
    cr_assert_str_eq(decision.rule[1], "a");
    cr_assert_eq(decision.reasons, 0);
    cr_assert_eq(decision.warnings, 0);
}

Test(decide, takes_the_zone_by_name_or_by_id)
{
    AUTO_POLICY *policy = policy_with(PERMIT("p", "\"example.com\""));
    AUTO_DECISION decision = {0};
    struct order order;
    order_make(&order, "", "");
    (void)snprintf(order.zone, sizeof order.zone, "023e105f4ecef8ad9ca31a8372d0c353");
    decide_must(policy, &order, NOW, &decision);
    cr_assert(decision.permit);
    cr_assert_str_eq(order.apex, "example.com");
}

Test(decide, never_judges_an_order_whose_zone_is_not_from_this_policy)
{
    AUTO_POLICY *policy = policy_with(PERMIT("p", "\"example.com\""));
    struct decision decision = {.permit = true};
    struct order order;
    struct err err = {0};
    order_make(&order, "", "");
    cr_assert_eq(
        policy_decide(policy, &order, &(struct circumstances){.now = NOW}, &decision, &err),
        RESULT_INTERNAL);
    cr_assert(!decision.permit);
    cr_assert_str_eq(err.text, "the order's zone was not taken from this policy");
    cr_assert(policy_resolve_zone(policy, &order));
    order.hosts = 0;
    decision.permit = true;
    cr_assert_eq(
        policy_decide(policy, &order, &(struct circumstances){.now = NOW}, &decision, &err),
        RESULT_INTERNAL);
    cr_assert(!decision.permit);
}

Test(decide, a_rule_of_another_zone_permits_nothing)
{
    /* eu.example.com is a zone of its own below example.com. */
    AUTO_POLICY *policy = policy_with(PERMIT(
        "p",
        "\"example.com\"") ", {\"id\": \"eu\", \"effect\": \"permit\", \"reason\": "
                           "\"r\", \"zones\": [\"eu.example.com\", \"example.net\"], \"hosts\": "
                           "[\"*.eu.example.com\", "
                           "\"eu.example.com\"], \"certificate_authorities\": [\"google\"], "
                           "\"validity_days\": [90], "
                           "\"validation_methods\": [\"txt\"], \"cloudflare_branding\": [false], "
                           "\"geo_restrictions\": [\"none\"], \"max_hosts\": 5}");
    AUTO_DECISION in_parent = {0}, in_zone = {0};
    struct order order;
    order_make(&order, "a.eu.example.com", "");
    decide_must(policy, &order, NOW, &in_parent);
    cr_assert(!in_parent.permit);
    cr_assert_eq(in_parent.reasons, 1);
    reason_is(&in_parent, 0, "host_not_covered", "a.eu.example.com", "p", "hosts",
              "a.eu.example.com", "example.com");
    (void)snprintf(order.zone, sizeof order.zone, "eu.example.com");
    (void)snprintf(order.host[0], sizeof order.host[0], "eu.example.com");
    (void)snprintf(order.host[1], sizeof order.host[1], "a.eu.example.com");
    decide_must(policy, &order, NOW, &in_zone);
    cr_assert(in_zone.permit);
}

Test(decide, denies_an_unknown_zone)
{
    AUTO_POLICY *policy = policy_with(PERMIT("p", "\"example.com\""));
    AUTO_DECISION decision = {0};
    struct order order;
    order_make(&order, "", "");
    (void)snprintf(order.zone, sizeof order.zone, "example.org");
    decide_must(policy, &order, NOW, &decision);
    cr_assert(!decision.permit);
    cr_assert_eq(decision.reasons, 1);
    reason_is(&decision, 0, "zone_unknown", "", "", "", "example.org",
              "eu.example.com, example.com, example.net");
    cr_assert_str_eq(decision.reason[0].text,
                     "zone example.org is not in the policy: name one of its zones "
                     "(eu.example.com, example.com, example.net), or have the zone added to the "
                     "policy with its id");
}

Test(decide, is_in_force_from_effective_to_before_expires)
{
    AUTO_POLICY *policy = policy_with(PERMIT("p", "\"example.com\""));
    struct policy_facts facts;
    policy_facts(policy, &facts);
    const struct {
        int64_t now;
        const char *code;
    } moments[] = {{facts.effective_ms - 1, "policy_not_effective"},
                   {facts.effective_ms, NULL},
                   {facts.expires_ms - 1, NULL},
                   {facts.expires_ms, "policy_expired"}};
    for (size_t i = 0; i < 4; i++) {
        AUTO_DECISION decision = {0};
        struct order order;
        order_make(&order, "", "");
        decide_must(policy, &order, moments[i].now, &decision);
        cr_assert_eq(decision.permit, moments[i].code == NULL, "moment %zu", i);
        cr_assert_eq(decision.reasons, moments[i].code == NULL ? 0 : 1);
        if (moments[i].code != NULL)
            cr_assert_str_eq(decision.reason[0].code, moments[i].code);
    }
}

Test(decide, says_when_a_policy_is_in_force)
{
    AUTO_POLICY *policy = policy_with(PERMIT("p", "\"example.com\""));
    AUTO_DECISION early = {0}, late = {0};
    struct order order;
    order_make(&order, "", "");
    decide_must(policy, &order, 1, &early);
    cr_assert_str_eq(early.reason[0].text,
                     "the policy takes effect at 2026-11-01T00:00:00Z, and it is "
                     "1970-01-01T00:00:00.001Z: wait, or ask pki@example.com for the revision in "
                     "force");
    decide_must(policy, &order, INT64_C(1900000000000), &late);
    cr_assert_str_eq(late.reason[0].text,
                     "the policy expired at 2027-11-01T00:00:00Z, and it is "
                     "2030-03-17T17:46:40.000Z: have pki@example.com approve a new revision");
}

Test(decide, names_every_reason_sorted_and_once)
{
    AUTO_POLICY *policy = policy_with(PERMIT("p", APEX "\"*.example.com\"") ", " FORBID(
        "z",
        "\"a.example.com\", "
        "\"*.example.com\"") ", " FORBID("f",
                                         "\"pay.example.com\", \"**.example.com\"") ", {\"id\": "
                                                                                    "\"g\", "
                                                                                    "\"effect\": "
                                                                                    "\"forbid\", "
                                                                                    "\"reason\": "
                                                                                    "\"no mail\", "
                                                                                    "\"validation_"
                                                                                    "methods\": "
                                                                                    "[\"email\"], "
                                                                                    "\"validity_"
                                                                                    "days\": [365, "
                                                                                    "14]}");
    AUTO_DECISION decision = {0};
    struct order order;
    order_make(&order, "x.y.example.com", "a.example.com");
    (void)snprintf(order.validation_method, sizeof order.validation_method, "email");
    order.validity_days = 365;
    decide_must(policy, &order, INT64_C(1900000000000), &decision);
    cr_assert(!decision.permit);
    cr_assert_eq(decision.rules, 0);
    cr_assert_eq(decision.reasons, 8);
    reason_is(&decision, 0, "attribute_not_permitted", "", "p", "validation_method", "email",
              "txt, http");
    reason_is(&decision, 1, "attribute_not_permitted", "", "p", "validity_days", "365", "30, 90");
    reason_is(&decision, 2, "forbidden", "", "g", "", "", "");
    reason_is(&decision, 3, "forbidden", "a.example.com", "f", "", "a.example.com", "");
    reason_is(&decision, 4, "forbidden", "a.example.com", "z", "", "a.example.com", "");
    reason_is(&decision, 5, "forbidden", "x.y.example.com", "f", "", "x.y.example.com", "");
    reason_is(&decision, 6, "host_not_covered", "x.y.example.com", "p", "hosts", "x.y.example.com",
              "example.com, *.example.com");
    reason_is(&decision, 7, "policy_expired", "", "", "", "2030-03-17T17:46:40.000Z",
              "2026-11-01T00:00:00Z to 2027-11-01T00:00:00Z");
    cr_assert_str_eq(decision.reason[1].text,
                     "validity_days 365 is not permitted: rule p came closest and permits 30, 90");
    cr_assert_str_eq(decision.reason[2].text,
                     "rule g forbids validity_days 365, validation_method email: no mail");
    cr_assert_str_eq(decision.reason[3].text,
                     "a.example.com is forbidden by rule f (**.example.com): never");
    cr_assert_str_eq(decision.reason[4].text,
                     "a.example.com is forbidden by rule z (a.example.com): never");
    cr_assert_str_eq(decision.reason[6].text,
                     "x.y.example.com is covered by no permit rule: rule p came closest, with the "
                     "hosts example.com, *.example.com; order such a host, or have the host added "
                     "to the policy");
}

Test(decide, says_that_a_wildcard_could_stand_for_a_forbidden_host)
{
    AUTO_POLICY *policy =
        policy_with(PERMIT("p", APEX "\"*.example.com\"") ", " FORBID("f", "\"pay.example.com\""));
    AUTO_DECISION decision = {0};
    struct order order;
    order_make(&order, "*.example.com", "");
    decide_must(policy, &order, NOW, &decision);
    cr_assert_eq(decision.reasons, 1);
    cr_assert_str_eq(
        decision.reason[0].text,
        "*.example.com is forbidden by rule f (pay.example.com), as the wildcard could "
        "stand for a host of that rule: never");
}

Test(decide, a_forbid_rule_needs_all_that_it_names)
{
    AUTO_POLICY *policy = policy_with(
        PERMIT("p", APEX "\"**.example.com\"") ", {\"id\": \"f\", \"effect\": \"forbid\", "
                                               "\"reason\": \"r\", \"zones\": [\"example.com\"], "
                                               "\"hosts\": [\"**.example.com\"], "
                                               "\"certificate_authorities\": [\"ssl_com\"], "
                                               "\"max_hosts\": 2}");
    static const struct {
        const char *authority, *second;
        bool permit;
    } cases[] = {{"google", "b.example.com", true},
                 {"ssl_com", "", true},
                 {"ssl_com", "b.example.com", false}};
    for (size_t i = 0; i < 3; i++) {
        AUTO_DECISION decision = {0};
        struct order order;
        order_make(&order, "a.example.com", cases[i].second);
        (void)snprintf(order.certificate_authority, sizeof order.certificate_authority, "%s",
                       cases[i].authority);
        decide_must(policy, &order, NOW, &decision);
        cr_assert_eq(decision.permit, cases[i].permit, "case %zu", i);
        if (!decision.permit)
            cr_assert_str_eq(decision.reason[0].text,
                             "a.example.com is forbidden by rule f (**.example.com, with "
                             "certificate_authority ssl_com, more than 2 hosts): r");
    }
}

Test(decide, an_unknown_ca_or_label_is_permitted_by_none_and_forbidden_by_any)
{
    AUTO_POLICY *open = policy_with(PERMIT("p", APEX "\"*.example.com\""));
    AUTO_POLICY *closed =
        policy_with(PERMIT("p", APEX "\"*.example.com\"") ", " FORBID("f", "\"a.example.com\""));
    AUTO_DECISION first = {0}, second = {0};
    struct order order;
    order_make(&order, "a.example.com", "");
    (void)snprintf(order.certificate_authority, sizeof order.certificate_authority, "new_ca");
    (void)snprintf(order.geo_label, sizeof order.geo_label, "mars");
    decide_must(open, &order, NOW, &first);
    cr_assert_eq(first.reasons, 2);
    reason_is(&first, 0, "attribute_not_permitted", "", "p", "certificate_authority", "new_ca",
              "google, lets_encrypt, ssl_com");
    reason_is(&first, 1, "attribute_not_permitted", "", "p", "geo_restrictions", "mars",
              "eu, none");
    decide_must(closed, &order, NOW, &second);
    cr_assert_eq(second.reasons, 3);
    reason_is(&second, 2, "forbidden", "a.example.com", "f", "", "a.example.com", "");
}

Test(decide, the_closest_rule_is_the_one_with_the_fewest_faults)
{
    /* far covers the host but fails thrice; near fails in the host alone; of another zone never. */
    AUTO_POLICY *policy = policy_with(
        "{\"id\": \"far\", \"effect\": \"permit\", \"reason\": \"r\", \"zones\": "
        "[\"example.com\"], "
        "\"hosts\": [\"**.example.com\"], \"certificate_authorities\": [\"ssl_com\"], "
        "\"validity_days\": [14], \"validation_methods\": [\"http\"], \"cloudflare_branding\": "
        "[true, false], \"geo_restrictions\": [\"us\", \"none\"], \"max_hosts\": 50}, " PERMIT(
            "near", "\"example.com\""));
    AUTO_DECISION decision = {0};
    struct order order;
    order_make(&order, "a.example.com", "");
    decide_must(policy, &order, NOW, &decision);
    cr_assert_eq(decision.reasons, 1);
    reason_is(&decision, 0, "host_not_covered", "a.example.com", "near", "hosts", "a.example.com",
              "example.com");
}

Test(decide, a_rule_that_covers_wins_over_one_as_close_that_does_not)
{
    AUTO_POLICY *policy = policy_with(
        PERMIT("apex", "\"example.com\"") ", {\"id\": \"other\", \"effect\": \"permit\", "
                                          "\"reason\": \"r\", \"zones\": "
                                          "[\"example.com\"], \"hosts\": [\"a.example.com\"], "
                                          "\"certificate_authorities\": "
                                          "[\"google\"], \"validity_days\": [30, 14], "
                                          "\"validation_methods\": [\"txt\"], "
                                          "\"cloudflare_branding\": [false], \"geo_restrictions\": "
                                          "[\"none\"], \"max_hosts\": 50}");
    AUTO_DECISION decision = {0};
    struct order order;
    order_make(&order, "a.example.com", "");
    decide_must(policy, &order, NOW, &decision);
    cr_assert_eq(decision.reasons, 1);
    reason_is(&decision, 0, "attribute_not_permitted", "a.example.com", "other", "validity_days",
              "90", "14, 30");
    cr_assert_str_eq(decision.reason[0].text,
                     "validity_days 90 is not permitted for a.example.com: rule other came closest "
                     "and permits 14, 30");
}

#define NARROW(id, hosts, days, method)                                                            \
    "{\"id\": \"" id                                                                               \
    "\", \"effect\": \"permit\", \"reason\": \"r\", \"zones\": [\"example.com\"], "                \
    "\"hosts\": [" hosts "], \"certificate_authorities\": [\"google\"], \"validity_days\": [" days \
    "], \"validation_methods\": [\"" method "\"], \"cloudflare_branding\": [false], "              \
    "\"geo_restrictions\": [\"none\"], \"max_hosts\": 50}"

Test(decide, so_it_does_with_two_faults_each)
{
    AUTO_POLICY *policy = policy_with(NARROW("apex", "\"example.com\"", "30", "txt") ", " NARROW(
        "other", "\"a.example.com\"", "30", "http"));
    AUTO_DECISION decision = {0};
    struct order order;
    order_make(&order, "a.example.com", "");
    decide_must(policy, &order, NOW, &decision);
    cr_assert_eq(decision.reasons, 3);
    reason_is(&decision, 0, "attribute_not_permitted", "a.example.com", "other",
              "validation_method", "txt", "http");
    reason_is(&decision, 1, "attribute_not_permitted", "a.example.com", "other", "validity_days",
              "90", "30");
    reason_is(&decision, 2, "attribute_not_permitted", "example.com", "apex", "validity_days", "90",
              "30");
}

Test(decide, of_two_as_close_the_earlier_is_named)
{
    static const char *const first[] = {"\"a.example.com\"", "\"*.example.com\""};
    for (size_t i = 0; i < 2; i++) {
        AUTO_BUF rules = BUF_INIT(8192);
        AUTO_DECISION decision = {0};
        struct order order;
        buf_puts(&rules, PERMIT("apex", "\"example.com\""));
        for (size_t rule = 0; rule < 2; rule++) {
            AUTO_BUF made = BUF_INIT(4096);
            text_edit(&made, NARROW("@", "HOSTS", "30", "txt"), "HOSTS", first[(i + rule) % 2]);
            buf_puts(&rules, ", ");
            text_edit(&rules, buf_text(&made), "@", rule == 0 ? "one" : "two");
        }
        AUTO_POLICY *policy = policy_with(buf_text(&rules));
        order_make(&order, "a.example.com", "");
        decide_must(policy, &order, NOW, &decision);
        cr_assert_eq(decision.reasons, 1);
        cr_assert_str_eq(decision.reason[0].rule, "one");
    }
}

Test(decide, a_zone_without_rules_names_no_rule)
{
    AUTO_POLICY *policy = policy_with(PERMIT("p", "\"example.com\""));
    AUTO_DECISION decision = {0};
    struct order order;
    order_make(&order, "", "");
    (void)snprintf(order.zone, sizeof order.zone, "example.net");
    (void)snprintf(order.host[0], sizeof order.host[0], "example.net");
    decide_must(policy, &order, NOW, &decision);
    cr_assert_eq(decision.reasons, 1);
    reason_is(&decision, 0, "host_not_covered", "example.net", "", "hosts", "example.net", "");
    cr_assert_str_eq(decision.reason[0].text,
                     "example.net is covered by no permit rule: none names the zone example.net; "
                     "have one added to the policy");
}

Test(decide, counts_the_hosts)
{
    AUTO_POLICY *policy = policy_with(
        "{\"id\": \"p\", \"effect\": \"permit\", \"reason\": \"r\", \"zones\": [\"example.com\"], "
        "\"hosts\": [\"example.com\", \"*.example.com\"], \"certificate_authorities\": "
        "[\"google\"], \"validity_days\": [90], \"validation_methods\": [\"txt\"], "
        "\"cloudflare_branding\": [false], \"geo_restrictions\": [\"none\"], \"max_hosts\": 2}");
    AUTO_DECISION two = {0}, three = {0};
    struct order order;
    order_make(&order, "a.example.com", "");
    decide_must(policy, &order, NOW, &two);
    cr_assert(two.permit);
    order_make(&order, "a.example.com", "b.example.com");
    decide_must(policy, &order, NOW, &three);
    cr_assert_eq(three.reasons, 1);
    reason_is(&three, 0, "attribute_not_permitted", "", "p", "max_hosts", "3", "2");
    cr_assert_str_eq(three.reason[0].text,
                     "3 hosts are more than rule p permits, 2: split the order");
}

Test(decide, drops_no_reason_silently)
{
    AUTO_BUF rules = BUF_INIT(POLICY_MAX);
    AUTO_DECISION decision = {0};
    struct order order;
    buf_puts(&rules, PERMIT("p", "\"example.com\""));
    for (int i = 0; i < 700; i++)
        buf_printf(&rules,
                   ", {\"id\": \"f%03d\", \"effect\": \"forbid\", \"reason\": \"r\", \"hosts\": "
                   "[\"example.com\"]}",
                   i);
    AUTO_POLICY *policy = policy_with(buf_text(&rules));
    order_make(&order, "", "");
    decide_must(policy, &order, NOW, &decision);
    cr_assert_eq(decision.reasons, REASONS_MAX);
    cr_assert_eq(decision.omitted, 700 - REASONS_MAX);
    cr_assert_str_eq(decision.reason[REASONS_MAX - 1].rule, "f511");
}

/* "existing" is demanded only where no rule permits the host without. */
Test(decide, demands_evidence_whatever_the_order_of_the_rules)
{
    static const char *const policies[] = {"strict", "strict, loose", "loose, strict"};
    for (size_t i = 0; i < 3; i++) {
        AUTO_BUF strict = BUF_INIT(4096);
        AUTO_BUF rules = BUF_INIT(8192);
        AUTO_DECISION labelled = {0}, plain = {0};
        struct order order;
        text_edit(&strict, PERMIT("strict", "\"example.com\""), "\"max_hosts\"",
                  "\"geo_evidence\": \"existing\", \"max_hosts\"");
        const char *loose = PERMIT("loose", "\"example.com\"");
        buf_printf(&rules, "%s%s%s", i == 2 ? loose : buf_text(&strict), i == 0 ? "" : ", ",
                   i == 0   ? ""
                   : i == 1 ? loose
                            : buf_text(&strict));
        AUTO_POLICY *policy = policy_with(buf_text(&rules));
        order_make(&order, "", "");
        (void)snprintf(order.geo_label, sizeof order.geo_label, "eu");
        decide_must(policy, &order, NOW, &labelled);
        cr_assert(labelled.permit);
        cr_assert_eq(labelled.geo_evidence_existing, i == 0, "%s", policies[i]);
        cr_assert_str_eq(labelled.rule[0], i == 0 ? "strict" : "loose");
        order_make(&order, "", "");
        decide_must(policy, &order, NOW, &plain);
        cr_assert(plain.permit && !plain.geo_evidence_existing, "%s", policies[i]);
    }
}

static void warning_is(const char *authority, int days, const char *method, const char *host,
                       const char *expected)
{
    AUTO_POLICY *policy = policy_with(PERMIT("p", "\"example.com\""));
    AUTO_DECISION decision = {0};
    struct order order;
    order_make(&order, host, "");
    (void)snprintf(order.certificate_authority, sizeof order.certificate_authority, "%s",
                   authority);
    (void)snprintf(order.validation_method, sizeof order.validation_method, "%s", method);
    order.validity_days = days;
    decide_must(policy, &order, NOW, &decision);
    cr_assert_eq(decision.warnings, expected[0] == '\0' ? 0 : 1, "%s",
                 decision.warnings > 0 ? decision.warning[decision.warnings - 1] : "");
    if (decision.warnings > 0)
        cr_assert_str_eq(decision.warning[0], expected);
}

#define PAGE                                                                                       \
    "(https://developers.cloudflare.com/ssl/reference/certificate-authorities/, read 2026-11-23)"

/* "TEXT, SOURCE)": where the Baseline Requirements were read stands in the data alone. */
static const char *with_source(const char *text)
{
    static char whole[512];
    AUTO_BUF data = BUF_INIT(65536);
    file_load("policy/authorities.json", &data);
    const char *at = strstr(buf_text(&data), "\"baseline_requirements\": {\n    \"source\": \"");
    cr_assert_not_null(at);
    at = strstr(at, "https://");
    (void)snprintf(whole, sizeof whole, "%s, %.*s)", text, (int)strcspn(at, "\""), at);
    return whole;
}

Test(warnings, tell_what_a_ca_is_documented_not_to_issue)
{
    warning_is("google", 14, "txt", "", "");
    warning_is("new_ca", 14, "txt", "", "");
    warning_is("lets_encrypt", 90, "http", "xn--p1ai.example.com", "");
    warning_is("lets_encrypt", 14, "txt", "",
               "lets_encrypt is documented to issue 90 days only, not 14 " PAGE);
    warning_is("ssl_com", 365, "txt", "",
               with_source("no public CA may issue for 365 days from 2026-03-15 on: the limit is "
                           "200 days (Baseline Requirements 2.2.6 of 2026-03-31, section 6.3.2"));
    warning_is("google", 90, "txt", "a.xn--p1ai.example.com",
               "google is documented not to issue for punycode names such as "
               "a.xn--p1ai.example.com " PAGE);
}

Test(warnings, tell_of_email)
{
    AUTO_POLICY *policy = policy_with(PERMIT("p", "\"example.com\""));
    AUTO_DECISION decision = {0};
    struct order order;
    order_make(&order, "", "");
    (void)snprintf(order.validation_method, sizeof order.validation_method, "email");
    decide_must(policy, &order, NOW, &decision);
    cr_assert_eq(decision.warnings, 2);
    cr_assert_str_eq(decision.warning[0], "email validation is not documented for google " PAGE);
    cr_assert_str_eq(decision.warning[1],
                     with_source("no public CA may validate by email from 2028-03-15 on "
                                 "(Baseline Requirements 2.2.6 of 2026-03-31, section 3.2.2.4"));
}

Test(json, tells_the_decision_and_the_policy)
{
    AUTO_POLICY *policy = policy_with(PERMIT("p", "\"example.com\""));
    struct policy_facts facts;
    AUTO_DECISION permit = {0}, denial = {0};
    struct order order;
    AUTO_BUF out = BUF_INIT(65536), expected = BUF_INIT(65536);
    policy_facts(policy, &facts);
    order_make(&order, "", "");
    decide_must(policy, &order, NOW, &permit);
    AUTO_JSON *first = decision_json(policy, &permit);
    json_put(&out, first);
    buf_printf(&expected,
               "{\"permit\":true,\"rules\":[\"p\"],\"geo_evidence\":\"issued\",\"reasons\":[],"
               "\"warnings\":[],\"policy\":{\"name\":\"test\",\"revision\":7,\"sha256\":\"%s\"}}",
               facts.digest);
    cr_assert_str_eq(buf_text(&out), buf_text(&expected));
    order.validity_days = 14;
    decide_must(policy, &order, NOW, &denial);
    AUTO_JSON *second = decision_json(policy, &denial);
    buf_reset(&out);
    buf_reset(&expected);
    json_put(&out, second);
    buf_printf(&expected,
               "{\"permit\":false,\"rules\":[],\"reasons\":[{\"code\":\"attribute_not_permitted\","
               "\"rule\":\"p\",\"attribute\":\"validity_days\",\"asked\":\"14\",\"permitted\":"
               "\"30, 90\",\"text\":\"validity_days 14 is not permitted: rule p came closest and "
               "permits 30, 90\"}],\"warnings\":[],\"policy\":{\"name\":\"test\",\"revision\":7,"
               "\"sha256\":\"%s\"}}",
               facts.digest);
    cr_assert_str_eq(buf_text(&out), buf_text(&expected));
}

Test(facts, are_those_of_the_file)
{
    AUTO_POLICY *policy = policy_get(policy_text);
    struct policy_facts facts;
    char digest[SHA256_HEX_LEN + 1];
    const char *name, *id;
    sha256_hex(policy_text, strlen(policy_text), digest);
    policy_facts(policy, &facts);
    cr_assert_str_eq(facts.name, "test");
    cr_assert_str_eq(facts.owner, "pki@example.com");
    cr_assert_str_eq(facts.digest, digest);
    cr_assert_str_eq(facts.host, "api.cloudflare.com");
    cr_assert_str_eq(facts.path, "/client/v4");
    cr_assert_eq(facts.port, 443);
    cr_assert_eq(facts.minimum_tls, 0x0304);
    cr_assert_eq(facts.revision, 7);
    cr_assert_eq(facts.effective_ms, INT64_C(1793491200000));
    cr_assert_eq(facts.expires_ms, INT64_C(1825027200000));
    cr_assert(facts.pins == 2 && facts.networks == 2 && facts.zones == 2 && facts.rules == 2);
    cr_assert_str_eq(facts.network[1], "2606:4700::/32");
    cr_assert_eq(facts.pin[1][0], 0x0B);
    cr_assert(!facts.delete_on_violation);
    cr_assert_str_eq(policy_zone_id(policy, "example.net"), "353c0d2738a1daceea8fdcef4e501e32");
    cr_assert_null(policy_zone_id(policy, "example.org"));
    policy_zone(policy, 1, &name, &id);
    cr_assert_str_eq(name, "example.net");
    cr_assert_str_eq(id, "353c0d2738a1daceea8fdcef4e501e32");
}
