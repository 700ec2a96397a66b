/* Each thing in which two policies can differ, by itself. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "helper_policy.h"

#define AUTO_COMPARISON __attribute__((cleanup(comparison_free))) struct comparison

static const char base[] =
    "{\"id\": \"p\", \"effect\": \"permit\", \"reason\": \"r\", \"zones\": [\"example.com\"], "
    "\"hosts\": [\"example.com\"], \"certificate_authorities\": [\"google\"], "
    "\"validity_days\": [90], \"validation_methods\": [\"txt\"], \"cloudflare_branding\": [false], "
    "\"geo_restrictions\": [\"none\"], \"max_hosts\": 5}";

static struct policy *with_edits(const char *const edits[][2])
{
    struct buf text = BUF_INIT(65536), next = BUF_INIT(65536);
    buf_puts(&text, base);
    for (; (*edits)[0] != NULL; edits++) {
        text_edit(&next, buf_text(&text), (*edits)[0], (*edits)[1]);
        struct buf swap = text;
        text = next;
        next = swap;
        buf_reset(&next);
    }
    struct policy *policy = policy_with(buf_text(&text));
    buf_free(&text);
    buf_free(&next);
    return policy;
}
#define EDITED(...) with_edits((const char *const[][2]){__VA_ARGS__ __VA_OPT__(, ){NULL, NULL}})

static struct comparison compare(const struct policy *old, const struct policy *new,
                                 enum verdict verdict)
{
    struct comparison out;
    struct err err = {0};
    cr_assert_eq(policies_compare(old, new, &out, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(out.verdict, verdict, "%s instead of %s", verdict_name(out.verdict),
                 verdict_name(verdict));
    return out;
}

/* The witness is a valid order file, and has this in it. */
static void witness_check(const struct difference *it, size_t hosts, const char *fragment)
{
    AUTO_BUF text = BUF_INIT(65536);
    struct order order;
    struct err err = {0};
    cr_assert(it->found);
    order_json(&text, &it->order, false);
    cr_assert_eq(order_parse("order.json", buf_text(&text), text.len, &order, &err), RESULT_OK,
                 "%s", err.text);
    cr_assert_eq(it->order.hosts, hosts, "%s", buf_text(&text));
    cr_assert_not_null(strstr(buf_text(&text), fragment), "no %s in %s", fragment, buf_text(&text));
}

/* The new policy permits more; the other way round it permits less, with the same witness. */
static struct circumstances widens(struct policy *old, struct policy *new, size_t hosts,
                                   const char *fragment)
{
    AUTO_POLICY *first = old;
    AUTO_POLICY *second = new;
    AUTO_COMPARISON out = compare(first, second, WIDER);
    AUTO_COMPARISON back = compare(second, first, NARROWER);
    witness_check(&out.gained, hosts, fragment);
    witness_check(&back.lost, hosts, fragment);
    cr_assert_gt(out.gained.grants, 0);
    cr_assert_eq(out.gained.zones, 1);
    struct circumstances at = out.gained.at;
    at.approver = NULL; /* the comparison's */
    return at;
}

static void same(struct policy *old, struct policy *new)
{
    AUTO_POLICY *first = old;
    AUTO_POLICY *second = new;
    AUTO_COMPARISON out = compare(first, second, EQUIVALENT);
    AUTO_COMPARISON back = compare(second, first, EQUIVALENT);
    cr_assert(!out.gained.found && !out.lost.found && !back.gained.found && !back.lost.found);
}

static int64_t moment(const char *text)
{
    int64_t ms = 0;
    cr_assert(time_parse(text, &ms), "%s", text);
    return ms;
}

Test(compare, a_policy_is_equivalent_to_itself)
{
    same(EDITED(), EDITED());
    same(policy_get(policy_text), policy_get(policy_text));
}

Test(compare, another_certificate_authority)
{
    widens(EDITED(), EDITED({"[\"google\"]", "[\"google\", \"ssl_com\"]"}), 1,
           "\"certificate_authority\":\"ssl_com\"");
}

Test(compare, another_validity)
{
    widens(EDITED(), EDITED({"[90]", "[30, 90]"}), 1, "\"validity_days\":30");
}

Test(compare, another_method)
{
    widens(EDITED(), EDITED({"[\"txt\"]", "[\"txt\", \"email\"]"}), 1,
           "\"validation_method\":\"email\"");
}

Test(compare, branding)
{
    widens(EDITED(), EDITED({"[false]", "[false, true]"}), 1, "\"cloudflare_branding\":true");
}

Test(compare, another_label)
{
    widens(EDITED(), EDITED({"[\"none\"]", "[\"none\", \"eu\"]"}), 1,
           "\"geo_restrictions\":{\"label\":\"eu\"}");
}

Test(compare, evidence_of_the_label_no_longer_demanded)
{
    AUTO_POLICY *old = EDITED({"[\"none\"]", "[\"none\", \"eu\"], \"geo_evidence\": \"existing\""});
    AUTO_POLICY *new = EDITED({"[\"none\"]", "[\"none\", \"eu\"]"});
    AUTO_COMPARISON out = compare(old, new, WIDER);
    witness_check(&out.gained, 1, "\"label\":\"eu\"");
    cr_assert(!out.gained.evidence);
    cr_assert(out.gained.denial.permit && out.gained.denial.geo_evidence_existing);
    same(EDITED({"[\"none\"]", "[\"none\"], \"geo_evidence\": \"existing\""}), EDITED());
}

Test(compare, one_more_name)
{
    widens(EDITED(),
           EDITED({"[\"example.com\"],", "[\"example.com\"],"},
                  {"\"hosts\": [\"example.com\"", "\"hosts\": [\"example.com\", "
                                                  "\"w.example.com\""}),
           2, "[\"example.com\",\"w.example.com\"]");
}

#define HOSTS(more)                                                                                \
    {                                                                                              \
        "\"hosts\": [\"example.com\"", "\"hosts\": [\"example.com\", " more                        \
    }

Test(compare, a_wildcard)
{
    widens(EDITED(), EDITED(HOSTS("\"*.w.example.com\"")), 2,
           "[\"*.w.example.com\",\"example.com\"]");
}

Test(compare, a_name_below_without_the_wildcard_method)
{
    widens(EDITED({"txt", "http"}), EDITED({"txt", "http"}, HOSTS("\"*.w.example.com\"")), 2,
           "[\"example.com\",\"x.w.example.com\"]");
}

Test(compare, any_depth)
{
    widens(EDITED(HOSTS("\"*.w.example.com\"")), EDITED(HOSTS("\"**.w.example.com\"")), 2,
           "[\"example.com\",\"x.x.w.example.com\"]");
    AUTO_POLICY *old = EDITED(HOSTS("\"*.w.example.com\""));
    AUTO_POLICY *new = EDITED(HOSTS("\"**.w.example.com\""));
    AUTO_COMPARISON out = compare(old, new, WIDER);
    cr_assert_eq(out.gained.classes, 2, "names and wildcards two or more labels below");
}

Test(compare, the_fresh_label_is_no_name_of_the_policies)
{
    widens(EDITED(HOSTS("\"x.w.example.com\", \"y.w.example.com\"")),
           EDITED(HOSTS("\"x.w.example.com\", \"*.w.example.com\"")), 2, "\"*.w.example.com\"");
    widens(EDITED({"txt", "http"}, HOSTS("\"x.w.example.com\", \"y.w.example.com\"")),
           EDITED({"txt", "http"}, HOSTS("\"*.w.example.com\"")), 2, "\"z.w.example.com\"");
}

#define NINE "a.b.c.d.e.f.g.example.com"

Test(compare, names_end_at_ten_labels)
{
    same(EDITED({"txt", "http"}, HOSTS("\"*." NINE "\"")),
         EDITED({"txt", "http"}, HOSTS("\"**." NINE "\"")));
    widens(EDITED(HOSTS("\"*." NINE "\"")), EDITED(HOSTS("\"**." NINE "\"")), 2,
           "\"*.x." NINE "\"");
    same(EDITED({"txt", "http"}, HOSTS("\"z." NINE "\"")),
         EDITED({"txt", "http"}, HOSTS("\"z." NINE "\", \"*.z." NINE "\"")));
}

#define L60 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"
/* 251 bytes: one label of one byte has room in front of it, and there are 36 of those. */
#define LONG                                                                                       \
    L60 "." L60 "." L60 ".aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffff.example.com"

Test(compare, names_end_at_253_bytes)
{
    cr_assert_eq(strlen(LONG), 251);
    same(EDITED({"txt", "http"}, HOSTS("\"*." LONG "\""), {": 5}", ": 37}"}),
         EDITED({"txt", "http"}, HOSTS("\"*." LONG "\""), {": 5}", ": 50}"}));
    widens(EDITED({"txt", "http"}, HOSTS("\"*." LONG "\""), {": 5}", ": 36}"}),
           EDITED({"txt", "http"}, HOSTS("\"*." LONG "\""), {": 5}", ": 50}"}), 37,
           "\"9." LONG "\"");
}

Test(compare, more_hosts_in_one_order)
{
    widens(EDITED(HOSTS("\"*.example.com\"")), EDITED(HOSTS("\"*.example.com\""), {": 5}", ": 7}"}),
           6, "\"*.example.com\"");
    /* There are no more names to be ordered than these. */
    same(EDITED({": 5}", ": 1}"}), EDITED({": 5}", ": 50}"}));
}

Test(compare, more_orders_a_day)
{
    struct circumstances at = widens(EDITED({": 5}", ": 5, \"max_orders\": 2}"}),
                                     EDITED({": 5}", ": 5, \"max_orders\": 3}"}), 1, "example.com");
    cr_assert_eq(at.orders, 2);
    at = widens(EDITED({": 5}", ": 5, \"max_orders\": 100000}"}), EDITED(), 1, "example.com");
    cr_assert_eq(at.orders, 100000);
}

#define WINDOW(from, to)                                                                           \
    {                                                                                              \
        ": 5}", ": 5, \"change_windows\": [{\"weekdays\": [\"tue\"], \"from\": \"" from            \
                "\", \"to\": \"" to "\", \"time_zone\": \"UTC\"}]}"                                \
    }

Test(compare, a_longer_window)
{
    struct circumstances at = widens(EDITED(WINDOW("08:00", "17:00")),
                                     EDITED(WINDOW("08:00", "17:30")), 1, "example.com");
    cr_assert_eq(at.now, moment("2026-11-03T17:00:00Z"));
    at = widens(EDITED(WINDOW("08:00", "24:00")), EDITED(WINDOW("07:59", "24:00")), 1,
                "example.com");
    cr_assert_eq(at.now, moment("2026-11-03T07:59:00Z"));
    widens(EDITED(WINDOW("00:00", "24:00")), EDITED(), 1, "example.com");
}

#define FREEZE(from, to)                                                                           \
    {                                                                                              \
        ": 5}", ": 5, \"freeze\": [{\"from\": \"" from "\", \"to\": \"" to                         \
                "\", \"reason\": \"holidays\"}]}"                                                  \
    }

Test(compare, a_freeze_that_is_gone)
{
    struct circumstances at = widens(EDITED(FREEZE("2026-12-18T00:00:00Z", "2027-01-04T00:00:00Z")),
                                     EDITED(), 1, "example.com");
    cr_assert_eq(at.now, moment("2026-12-18T00:00:00Z"));
    at = widens(EDITED(FREEZE("2026-12-18T00:00:00Z", "2027-01-04T00:00:00Z")),
                EDITED(FREEZE("2026-12-18T00:00:00Z", "2027-01-03T23:59:59.999Z")), 1,
                "example.com");
    cr_assert_eq(at.now, moment("2027-01-03T23:59:59.999Z"));
}

/* Before the new policy takes effect and after it expires there is nothing to compare. */
Test(compare, a_freeze_outside_the_life_of_the_new_policy)
{
    same(EDITED(FREEZE("2025-12-18T00:00:00Z", "2026-11-01T00:00:00Z")), EDITED());
    same(EDITED(FREEZE("2027-11-01T00:00:00Z", "2028-01-01T00:00:00Z")), EDITED());
}

Test(compare, a_window_that_only_a_freeze_leaves_open)
{
    AUTO_POLICY *old = EDITED(WINDOW("08:00", "17:00"));
    AUTO_POLICY *new = policy_with(
        "{\"id\": \"p\", \"effect\": \"permit\", \"reason\": \"r\", \"zones\": [\"example.com\"], "
        "\"hosts\": [\"example.com\"], \"certificate_authorities\": [\"google\"], "
        "\"validity_days\": [90], \"validation_methods\": [\"txt\"], \"cloudflare_branding\": "
        "[false], \"geo_restrictions\": [\"none\"], \"max_hosts\": 5, \"freeze\": [{\"from\": "
        "\"2026-11-01T00:00:00Z\", \"to\": \"2027-10-26T12:00:00Z\", \"reason\": \"f\"}]}");
    AUTO_COMPARISON out = compare(old, new, INCOMPARABLE);
    cr_assert_eq(out.gained.at.now, moment("2027-10-26T17:00:00Z"), "a Tuesday");
    cr_assert_eq(out.lost.at.now, moment("2026-11-03T08:00:00Z"));
}

#define APPROVALS(count, from)                                                                     \
    {                                                                                              \
        ": 5}", ": 5, \"approvals\": {\"count\": " #count ", \"from\": [" from "]}}"               \
    }

Test(compare, fewer_approvals)
{
    struct circumstances at =
        widens(EDITED(APPROVALS(2, "\"a\"")), EDITED(APPROVALS(1, "\"a\"")), 1, "example.com");
    (void)at; /* its approvers are gone with the comparison */
    AUTO_POLICY *old = EDITED(APPROVALS(3, "\"a\""));
    AUTO_POLICY *new = EDITED(APPROVALS(2, "\"a\""));
    AUTO_COMPARISON out = compare(old, new, WIDER);
    cr_assert_eq(out.gained.at.approvers, 2);
    cr_assert_str_eq(out.gained.at.approver[0].group[0], "a");
    cr_assert_str_neq(out.gained.at.approver[0].principal, out.gained.at.approver[1].principal);
    widens(EDITED(APPROVALS(1, "\"a\"")), EDITED(), 1, "example.com");
}

Test(compare, approvals_from_other_groups)
{
    AUTO_POLICY *old = EDITED(APPROVALS(1, "\"a\""));
    AUTO_POLICY *new = EDITED(APPROVALS(1, "\"b\""));
    AUTO_COMPARISON out = compare(old, new, INCOMPARABLE);
    cr_assert_eq(out.gained.at.approvers, 1);
    cr_assert_str_eq(out.gained.at.approver[0].group[0], "b");
    cr_assert_str_eq(out.lost.at.approver[0].group[0], "a");
    widens(EDITED(APPROVALS(2, "\"a\"")), EDITED(APPROVALS(2, "\"a\", \"b\"")), 1, "example.com");
    same(EDITED(APPROVALS(2, "\"a\", \"b\"")), EDITED(APPROVALS(2, "\"b\", \"a\"")));
}

/* One person of both groups meets two demands, and counts once for the third. */
Test(compare, an_approver_of_two_groups_counts_once)
{
    static const char rule[] =
        "{\"id\": \"%s\", \"effect\": \"permit\", \"reason\": \"r\", \"zones\": "
        "[\"example.com\"], \"hosts\": [%s], \"certificate_authorities\": [\"google\"], "
        "\"validity_days\": [90], \"validation_methods\": [\"txt\"], \"cloudflare_branding\": "
        "[false], \"geo_restrictions\": [\"none\"], \"max_hosts\": 5, \"approvals\": {\"count\": "
        "%d, \"from\": [%s]}}";
    AUTO_BUF before = BUF_INIT(65536);
    AUTO_BUF after = BUF_INIT(65536);
    buf_printf(&before, rule, "p", "\"example.com\", \"w.example.com\"", 2, "\"a\", \"b\"");
    buf_printf(&before, ", ");
    buf_printf(&before, rule, "q", "\"example.com\"", 1, "\"a\"");
    buf_printf(&after, rule, "p", "\"w.example.com\"", 1, "\"b\"");
    buf_printf(&after, ", ");
    buf_printf(&after, rule, "q", "\"example.com\"", 1, "\"a\"");
    buf_printf(&after, ", ");
    buf_printf(&after, rule, "s", "\"example.com\", \"w.example.com\"", 2, "\"a\", \"b\"");
    AUTO_POLICY *old = policy_with(buf_text(&before));
    AUTO_POLICY *new = policy_with(buf_text(&after));
    AUTO_COMPARISON out = compare(old, new, WIDER);
    witness_check(&out.gained, 2, "[\"example.com\",\"w.example.com\"]");
    cr_assert_eq(out.gained.at.approvers, 1);
    cr_assert_eq(out.gained.at.approver[0].groups, 2);
}

Test(compare, another_zone_of_that_name)
{
    AUTO_BUF text = BUF_INIT(65536);
    AUTO_POLICY *old = policy_get(policy_text);
    text_edit(&text, policy_text, "023e105f4ecef8ad9ca31a8372d0c353",
              "ffffffffffffffffffffffffffffffff");
    AUTO_POLICY *new = policy_get(buf_text(&text));
    AUTO_COMPARISON out = compare(old, new, INCOMPARABLE);
    witness_check(&out.gained, 1, "{\"zone\":\"ffffffffffffffffffffffffffffffff\"");
    witness_check(&out.lost, 1, "{\"zone\":\"023e105f4ecef8ad9ca31a8372d0c353\"");
}

Test(compare, zones_that_exchange_their_ids)
{
    static const char head[] =
        "\"zones\": {\"example.com\": \"%032d\", \"example.net\": \"%032d\"}";
    struct policy *policy[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        AUTO_BUF text = BUF_INIT(65536);
        AUTO_BUF zones = BUF_INIT(1024);
        buf_printf(&zones, head, 1 + i, 2 - i);
        text_edit(&text, policy_text,
                  "\"zones\": {\"example.com\": \"023e105f4ecef8ad9ca31a8372d0c353\",\n"
                  "    \"example.net\": \"353c0d2738a1daceea8fdcef4e501e32\"}",
                  buf_text(&zones));
        policy[i] = policy_get(buf_text(&text));
    }
    AUTO_POLICY *old = policy[0];
    AUTO_POLICY *new = policy[1];
    AUTO_COMPARISON out = compare(old, new, INCOMPARABLE);
    witness_check(&out.gained, 1, "{\"zone\":\"00000000000000000000000000000002\"");
}

Test(compare, a_zone_that_is_new)
{
    AUTO_BUF text = BUF_INIT(65536);
    text_edit(&text, policy_text, "\"rules\": [",
              "\"rules\": [{\"id\": \"net\", \"effect\": \"permit\", \"reason\": \"r\", \"zones\": "
              "[\"example.net\"], \"hosts\": [\"example.net\"], \"certificate_authorities\": "
              "[\"google\"], \"validity_days\": [90], \"validation_methods\": [\"txt\"], "
              "\"cloudflare_branding\": [false], \"geo_restrictions\": [\"none\"], \"max_hosts\": "
              "1},");
    widens(policy_get(policy_text), policy_get(buf_text(&text)), 1, "{\"zone\":\"example.net\"");
}

Test(compare, a_pattern_above_the_zone)
{
    static const char rule[] =
        "{\"id\": \"p\", \"effect\": \"permit\", \"reason\": \"r\", \"zones\": [\"example.com\", "
        "\"eu.example.com\"], \"hosts\": [\"example.com\", \"%s.example.com\"], "
        "\"certificate_authorities\": [\"google\"], \"validity_days\": [90], "
        "\"validation_methods\": [\"http\"], \"cloudflare_branding\": [false], "
        "\"geo_restrictions\": [\"none\"], \"max_hosts\": 5}";
    struct policy *policy[2];
    for (int i = 0; i < 2; i++) {
        AUTO_BUF text = BUF_INIT(4096);
        buf_printf(&text, rule, i == 0 ? "*" : "**");
        policy[i] = policy_with(buf_text(&text));
    }
    AUTO_POLICY *old = policy[0];
    AUTO_POLICY *new = policy[1];
    AUTO_COMPARISON out = compare(old, new, WIDER);
    cr_assert_eq(out.gained.zones, 2);
}

Test(compare, a_forbid_rule)
{
    static const char both[] = PERMIT("p", "\"example.com\", \"**.example.com\"") ", ";
    AUTO_BUF text = BUF_INIT(65536);
    buf_puts(&text, both);
    buf_puts(&text, FORBID("f", "\"pay.example.com\""));
    widens(policy_with(buf_text(&text)),
           policy_with(PERMIT("p", "\"example.com\", \"**.example.com\"")), 2, "example.com");
    AUTO_POLICY *old = policy_with(buf_text(&text));
    AUTO_POLICY *new = policy_with(PERMIT("p", "\"example.com\", \"**.example.com\""));
    AUTO_COMPARISON out = compare(old, new, WIDER);
    cr_assert_eq(out.gained.classes, 2, "the name and the wildcard that covers it");
    cr_assert_eq(out.gained.denial.reasons, 1);
    cr_assert_str_eq(out.gained.denial.reason[0].code, "forbidden");
}

Test(compare, a_forbid_rule_of_any_host)
{
    static const char forbid[] = ", {\"id\": \"f\", \"effect\": \"forbid\", \"reason\": \"no\", "
                                 "\"certificate_authorities\": [\"ssl_com\"], \"max_hosts\": 1}";
    AUTO_BUF text = BUF_INIT(65536);
    buf_puts(&text, PERMIT("p", "\"example.com\", \"*.example.com\""));
    buf_puts(&text, forbid);
    widens(policy_with(buf_text(&text)),
           policy_with(PERMIT("p", "\"example.com\", \"*.example.com\"")), 2,
           "\"certificate_authority\":\"ssl_com\"");
}

Test(compare, a_forbid_rule_that_forbids_only_in_a_freeze)
{
    AUTO_BUF text = BUF_INIT(65536);
    buf_puts(&text, PERMIT("p", "\"example.com\""));
    buf_puts(&text, ", {\"id\": \"f\", \"effect\": \"forbid\", \"reason\": \"no\", \"freeze\": "
                    "[{\"from\": \"2026-12-18T00:00:00Z\", \"to\": \"2027-01-04T00:00:00Z\", "
                    "\"reason\": \"f\"}]}");
    struct circumstances at = widens(policy_with(buf_text(&text)),
                                     policy_with(PERMIT("p", "\"example.com\"")), 1, "example.com");
    cr_assert_eq(at.now, moment("2026-12-18T00:00:00Z"));
}

Test(compare, nothing_is_gained_where_the_apex_is_not_permitted)
{
    AUTO_BUF text = BUF_INIT(65536), more = BUF_INIT(65536);
    text_edit(&more, base, "[\"example.com\"], \"cert", "[\"w.example.com\"], \"cert");
    AUTO_BUF other = BUF_INIT(65536);
    text_edit(&other, buf_text(&more), "[\"google\"]", "[\"ssl_com\"]");
    buf_printf(&text, "%s, ", base);
    text_edit(&text, buf_text(&other), "\"id\": \"p\"", "\"id\": \"q\"");
    same(EDITED(), policy_with(buf_text(&text)));
    buf_free(&more);
}

Test(compare, two_rules_that_say_together_what_one_said)
{
    AUTO_BUF text = BUF_INIT(65536);
    text_edit(&text, base, "[90]", "[30]");
    buf_puts(&text, ", ");
    AUTO_BUF second = BUF_INIT(65536);
    text_edit(&second, base, "\"id\": \"p\"", "\"id\": \"q\"");
    buf_puts(&text, buf_text(&second));
    same(EDITED({"[90]", "[30, 90]"}), policy_with(buf_text(&text)));
}

Test(compare, the_rules_that_permit_what_is_gained_are_named)
{
    AUTO_POLICY *old = policy_get(policy_text);
    AUTO_BUF text = BUF_INIT(65536);
    text_edit(&text, policy_text, "\"validity_days\": [30, 90]", "\"validity_days\": [14, 30, 90]");
    AUTO_POLICY *new = policy_get(buf_text(&text));
    AUTO_COMPARISON out = compare(old, new, WIDER);
    cr_assert_eq(out.gained.grants, 1);
    const struct grant *grant = &out.gained.grant[0];
    cr_assert_str_eq(grant->rule, "p");
    cr_assert_str_eq(grant->zone, "example.com");
    cr_assert_str_eq(grant->host, "example.com");
    cr_assert_eq(grant->hosts, 1);
    cr_assert_eq(grant->values[0], 2);
    cr_assert_str_eq(grant->value[0][1], "ssl_com");
    cr_assert_eq(grant->values[1], 1);
    cr_assert_str_eq(grant->value[1][0], "14");
    cr_assert_eq(grant->values[4], 2);
    cr_assert_eq(out.gained.cells, 4, "two CAs, two labels");
    cr_assert_eq(out.gained.denial.reasons, 1);
    cr_assert_str_eq(out.gained.denial.reason[0].attribute, "validity_days");
}

/* Two rules side by side in every match: each permits what is gained at another name. */
Test(compare, every_rule_that_permits_what_is_gained_is_named)
{
    static const char rules[] = "{\"id\": \"%s\", \"effect\": \"permit\", \"reason\": \"r\", "
                                "\"zones\": [\"example.com\"], \"hosts\": [\"example.com\", "
                                "\"**.example.com\"], \"certificate_authorities\": [\"google\"], "
                                "\"validity_days\": [%d], \"validation_methods\": [\"http\"], "
                                "\"cloudflare_branding\": [false], \"geo_restrictions\": "
                                "[\"none\"], \"max_hosts\": 5}";
    static const char forbid[] = ", {\"id\": \"%s\", \"effect\": \"forbid\", \"reason\": \"r\", "
                                 "\"hosts\": [\"%s.example.com\"], \"validity_days\": [%d]}";
    AUTO_BUF text = BUF_INIT(65536);
    buf_printf(&text, rules, "thirty", 30);
    buf_puts(&text, ", ");
    buf_printf(&text, rules, "ninety", 90);
    AUTO_POLICY *new = policy_with(buf_text(&text));
    buf_printf(&text, forbid, "f", "a", 30);
    buf_printf(&text, forbid, "g", "b", 90);
    AUTO_POLICY *old = policy_with(buf_text(&text));
    AUTO_COMPARISON out = compare(old, new, WIDER);
    cr_assert_eq(out.gained.grants, 2);
    cr_assert_str_eq(out.gained.grant[0].rule, "thirty");
    cr_assert_str_eq(out.gained.grant[0].host, "a.example.com");
    cr_assert_eq(out.gained.grant[0].values[1], 1);
    cr_assert_str_eq(out.gained.grant[1].rule, "ninety");
    cr_assert_str_eq(out.gained.grant[1].host, "b.example.com");
}

/* The CAs are known by their names: each policy may come with data of its own. */
Test(compare, authorities_in_another_order)
{
    AUTO_BUF text = BUF_INIT(65536);
    struct authorities *other = NULL;
    struct err err = {0};
    file_load("policy/authorities.json", &text);
    char *google = strstr(text.data, "\"google\":"), *ssl = strstr(text.data, "\"ssl_com\":");
    cr_assert(google != NULL && ssl != NULL);
    memcpy(google, "\"goggle\":", 9);
    memcpy(ssl, "\"google\" :", 10);
    cr_assert_eq(authorities_load("other.json", buf_text(&text), text.len, &other, &err), RESULT_OK,
                 "%s", err.text);
    AUTO_BUF edited = BUF_INIT(65536);
    text_edit(&edited, policy_text, "[\"google\", \"ssl_com\"]", "[\"goggle\", \"google\"]");
    AUTO_POLICY *old = policy_get(policy_text);
    AUTO_POLICY *new = NULL;
    cr_assert_eq(policy_load("new.json", buf_text(&edited), edited.len, other, &new, &err),
                 RESULT_OK, "%s", err.text);
    AUTO_COMPARISON out = compare(old, new, INCOMPARABLE);
    witness_check(&out.gained, 1, "\"certificate_authority\":\"goggle\"");
    witness_check(&out.lost, 1, "\"certificate_authority\":\"ssl_com\"");
    authorities_free(&other);
}

Test(compare, too_many_limits_are_an_error_and_never_a_guess)
{
    AUTO_BUF rules = BUF_INIT(1024 * 1024);
    struct comparison out;
    struct err err = {0};
    for (int i = 0; i < 65; i++) {
        AUTO_BUF rule = BUF_INIT(65536), named = BUF_INIT(65536);
        char id[32], approvals[128];
        (void)snprintf(id, sizeof id, "\"id\": \"p%d\"", i);
        (void)snprintf(approvals, sizeof approvals,
                       ": 5, \"approvals\": {\"count\": 1, \"from\": [\"g%d\"]}}", i);
        text_edit(&named, base, "\"id\": \"p\"", id);
        text_edit(&rule, buf_text(&named), ": 5}", approvals);
        buf_printf(&rules, "%s%s", i == 0 ? "" : ", ", buf_text(&rule));
        buf_free(&named);
    }
    AUTO_POLICY *policy = policy_with(buf_text(&rules));
    cr_assert_eq(policies_compare(policy, policy, &out, &err), RESULT_CONFIG);
    cr_assert_not_null(strstr(err.text, "zone example.com demand too many different approvals"),
                       "%s", err.text);
}
