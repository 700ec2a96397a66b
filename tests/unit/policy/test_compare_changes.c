/* What an order does not show: how the API is known and reached, and the text of the file. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "helper_policy.h"

#define AUTO_COMPARISON __attribute__((cleanup(comparison_free))) struct comparison

static struct policy *edited(const char *what, const char *with)
{
    AUTO_BUF text = BUF_INIT(65536);
    text_edit(&text, policy_text, what, with);
    return policy_get(buf_text(&text));
}

/* One change, in this direction; the other way round in the other one. */
static void changes(struct policy *from, struct policy *to, const char *member,
                    enum verdict direction, const char *was, const char *is)
{
    AUTO_POLICY *old = from;
    AUTO_POLICY *new = to;
    AUTO_COMPARISON out = {0};
    AUTO_COMPARISON back = {0};
    struct err err = {0};
    cr_assert_eq(policies_compare(old, new, &out, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(policies_compare(new, old, &back, &err), RESULT_OK, "%s", err.text);
    cr_assert(!out.gained.found && !out.lost.found);
    cr_assert_eq(out.changes, 1, "%s: %zu changes", member, out.changes);
    cr_assert_str_eq(out.change[0].member, member);
    cr_assert_str_eq(out.change[0].was, was);
    cr_assert_str_eq(out.change[0].is, is);
    cr_assert_eq(out.verdict, direction, "%s: %s", member, verdict_name(out.verdict));
    bool one_way = direction == WIDER || direction == NARROWER;
    cr_assert_eq(back.verdict, one_way ? INCOMPARABLE - direction : direction);
    cr_assert_eq(back.changes, 1);
    cr_assert_str_eq(back.change[0].was, is);
}

static struct policy *plain(void)
{
    return policy_get(policy_text);
}

#define PIN_X1 "C5+lpZ7tcVwmwQIMcRtPbsQtWLABXhQzejna0wHFr8M="

Test(compare_changes, a_pin_more_is_wider)
{
    changes(edited(",\n      {\"sha256\": \"" PIN_X1 "\", \"subject\": \"ISRG X1\"}", ""), plain(),
            "api.spki_pins", WIDER, "", PIN_X1 " (ISRG X1)");
    changes(plain(), edited("\"ISRG X1\"", "\"ISRG Root X1\""), "api.spki_pins", EQUIVALENT,
            PIN_X1 " (ISRG X1)", PIN_X1 " (ISRG Root X1)");
}

Test(compare_changes, networks_are_sets_of_addresses)
{
    changes(plain(), edited("104.16.0.0/13", "104.16.0.0/12"), "api.networks", WIDER, "",
            "104.24.0.0");
    changes(plain(), edited("2606:4700::/32", "2606:4700::/31"), "api.networks", WIDER, "",
            "2606:4701::");
    changes(plain(), edited("\"2606:4700::/32\"", "\"2606:4700::/32\", \"1.0.0.1/32\""),
            "api.networks", WIDER, "", "1.0.0.1");
    changes(plain(), edited("104.16.0.0/13", "104.16.0.0/14\", \"104.20.0.0/14"), "api.networks",
            EQUIVALENT, "the same addresses", "the same addresses");
    changes(plain(), edited("104.16.0.0/13", "104.16.0.0/13\", \"104.17.0.0/16"), "api.networks",
            EQUIVALENT, "the same addresses", "the same addresses");
    changes(edited("104.16.0.0/13", "0.0.0.0/0"), edited("104.16.0.0/13", "0.0.0.0/1"),
            "api.networks", NARROWER, "128.0.0.0", "");
    changes(edited("104.16.0.0/13", "0.0.0.0/0"),
            edited("104.16.0.0/13", "0.0.0.0/1\", \"128.0.0.0/1"), "api.networks", EQUIVALENT,
            "the same addresses", "the same addresses");
    changes(edited("104.16.0.0/13", "255.255.255.254/31"),
            edited("104.16.0.0/13", "255.255.255.254/32"), "api.networks", NARROWER,
            "255.255.255.255", "");
}

Test(compare_changes, other_networks_are_incomparable)
{
    AUTO_POLICY *old = plain();
    AUTO_POLICY *new = edited("104.16.0.0/13", "104.24.0.0/14");
    AUTO_COMPARISON out = {0};
    struct err err = {0};
    cr_assert_eq(policies_compare(old, new, &out, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(out.verdict, INCOMPARABLE);
    cr_assert_eq(out.changes, 2);
    cr_assert_str_eq(out.change[0].is, "104.24.0.0");
    cr_assert_str_eq(out.change[1].was, "104.16.0.0");
}

Test(compare_changes, older_tls_is_wider)
{
    changes(plain(), edited("\"1.3\"", "\"1.2\""), "api.minimum_tls", WIDER, "1.3", "1.2");
}

Test(compare_changes, reporting_a_violation_is_wider_than_deleting_the_pack)
{
    changes(edited("\"report\"", "\"delete\""), plain(), "on_violation", WIDER, "delete", "report");
}

Test(compare_changes, preferring_locked_memory_is_wider_than_requiring_it)
{
    changes(plain(),
            edited("\"on_violation\"", "\"locked_memory\": \"preferred\",\n  \"on_violation\""),
            "locked_memory", WIDER, "required", "preferred");
}

static struct policy *requiring(const char *anchors)
{
    AUTO_BUF with = BUF_INIT(256);
    buf_printf(&with, "\"audit\": {\"require\": [%s]},\n  \"on_violation\"", anchors);
    return edited("\"on_violation\"", buf_text(&with));
}

Test(compare_changes, no_longer_requiring_an_anchor_is_wider)
{
    changes(requiring("\"hsm-head\""), plain(), "audit.require", WIDER, "hsm-head", "");
    changes(plain(), requiring("\"witness\""), "audit.require", NARROWER, "", "witness");
    changes(requiring("\"timestamp\", \"witness\""), requiring("\"witness\""), "audit.require",
            WIDER, "timestamp", "");
}

Test(compare_changes, another_anchor_in_the_place_of_one_is_incomparable)
{
    AUTO_POLICY *old = requiring("\"hsm-head\"");
    AUTO_POLICY *new = requiring("\"witness\"");
    AUTO_COMPARISON out = {0};
    struct err err = {0};
    cr_assert_eq(policies_compare(old, new, &out, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(out.verdict, INCOMPARABLE);
}

Test(compare_changes, another_api_is_incomparable)
{
    changes(plain(), edited("api.cloudflare.com", "api.example.com"), "api.base_url", INCOMPARABLE,
            "https://api.cloudflare.com/client/v4", "https://api.example.com/client/v4");
    changes(plain(), edited("api.cloudflare.com", "api.cloudflare.com:8443"), "api.base_url",
            INCOMPARABLE, "https://api.cloudflare.com/client/v4",
            "https://api.cloudflare.com:8443/client/v4");
    changes(plain(), edited("client/v4", "client/v5"), "api.base_url", INCOMPARABLE,
            "https://api.cloudflare.com/client/v4", "https://api.cloudflare.com/client/v5");
    changes(plain(), edited("client/v4", "client/v4/"), "api.base_url", EQUIVALENT,
            "https://api.cloudflare.com/client/v4", "https://api.cloudflare.com/client/v4/");
}

Test(compare_changes, what_permits_nothing_is_told_without_a_direction)
{
    changes(plain(), edited("\"revision\": 7", "\"revision\": 8"), "revision", EQUIVALENT, "7",
            "8");
    changes(plain(), edited("\"name\": \"test\"", "\"name\": \"other\""), "name", EQUIVALENT,
            "test", "other");
    changes(plain(), edited("pki@example.com", "ca@example.com"), "owner", EQUIVALENT,
            "pki@example.com", "ca@example.com");
    changes(plain(), edited("2027-11-01T00:00:00Z", "2027-12-01T00:00:00Z"), "expires", EQUIVALENT,
            "2027-11-01T00:00:00Z", "2027-12-01T00:00:00Z");
    changes(plain(), edited("\"2026-11-01T00:00:00Z\"", "\"2026-11-02T00:00:00Z\""), "effective",
            EQUIVALENT, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
    changes(edited(",\n    \"example.net\": \"353c0d2738a1daceea8fdcef4e501e32\"", ""), plain(),
            "zones.example.net", EQUIVALENT, "", "353c0d2738a1daceea8fdcef4e501e32");
    changes(plain(), edited("\"why\"", "\"because\""), "rules.p.reason", EQUIVALENT, "\"why\"",
            "\"because\"");
    changes(plain(),
            edited("\"example.com\", \"*.example.com\"", "\"*.example.com\", \"example.com\""),
            "rules.p.hosts", EQUIVALENT, "[\"example.com\",\"*.example.com\"]",
            "[\"*.example.com\",\"example.com\"]");
}

Test(compare_changes, a_rule_that_is_new_and_one_that_is_gone)
{
    AUTO_POLICY *old = plain();
    AUTO_POLICY *new = edited("\"id\": \"f\"", "\"id\": \"g\"");
    AUTO_COMPARISON out = {0};
    struct err err = {0};
    cr_assert_eq(policies_compare(old, new, &out, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(out.verdict, EQUIVALENT);
    cr_assert_eq(out.changes, 2);
    cr_assert_str_eq(out.change[0].member, "rules.f");
    cr_assert_str_eq(out.change[0].is, "");
    cr_assert_str_eq(out.change[1].member, "rules.g");
    cr_assert_str_eq(out.change[1].was, "");
    cr_assert_not_null(strstr(out.change[1].is, "pay.example.com"));
}
