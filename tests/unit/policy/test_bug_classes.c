/*
 * The classes of faults that policies for names had elsewhere, one test each; on the side of the
 * policy and on that of the order, wherever both read such a thing.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "helper_policy.h"
#include "helper_tree.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char whole_order[] =
    "{\"zone\": \"example.com\", \"hosts\": [\"example.com\", \"www.example.com\"], \"type\": "
    "\"advanced\", \"certificate_authority\": \"google\", \"validation_method\": \"txt\", "
    "\"validity_days\": 90, \"cloudflare_branding\": false, \"geo_restrictions\": {\"label\": "
    "\"eu\"}, \"reference\": \"CHG1\"}";

static const struct circumstances moment = {.now = NOW};

static enum result policy_try(const char *text, struct err *err)
{
    struct policy *policy = NULL;
    *err = (struct err){0};
    enum result result =
        policy_load("policy.json", text, strlen(text), authorities_get(), &policy, err);
    policy_free(&policy);
    return result;
}

static enum result order_try(const char *text, struct err *err)
{
    struct order order;
    *err = (struct err){0};
    return order_parse("order.json", text, strlen(text), &order, err);
}

enum kind { POLICY, ORDER };
static const char *const documents[] = {policy_whole, whole_order};

static enum result document_try(enum kind kind, const char *text, struct err *err)
{
    return kind == POLICY ? policy_try(text, err) : order_try(text, err);
}

static void printed(const cJSON *root, struct buf *out)
{
    json_put(out, root);
    cr_assert(buf_ok(out));
}

/* In an order's hosts and in a permit and a forbid rule's: refused, where the reader sees it. */
static void name_refused(const char *name)
{
    AUTO_BUF quoted = BUF_INIT(2048), permit = BUF_INIT(65536), forbid = BUF_INIT(65536);
    AUTO_BUF order = BUF_INIT(65536);
    struct err err;
    json_put_string(&quoted, name);
    text_edit(&permit, policy_text, "\"*.example.com\"", buf_text(&quoted));
    cr_assert_eq(policy_try(buf_text(&permit), &err), RESULT_CONFIG, "%s", name);
    cr_assert(strncmp(err.text, "policy.json:17:32: /rules/0/hosts/1: ", 37) == 0, "%s", err.text);
    text_edit(&forbid, policy_text, "\"pay.example.com\"", buf_text(&quoted));
    cr_assert_eq(policy_try(buf_text(&forbid), &err), RESULT_CONFIG, "%s", name);
    cr_assert_not_null(strstr(err.text, ": /rules/1/hosts/0: "), "%s", err.text);
    text_edit(&order, whole_order, "\"www.example.com\"", buf_text(&quoted));
    cr_assert_eq(order_try(buf_text(&order), &err), RESULT_USAGE, "%s", name);
    cr_assert_not_null(strstr(err.text, ": /hosts/1: "), "%s", err.text);
}

static void names_refused(const char *const name[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        name_refused(name[i]);
}

/* The same name as a zone: its key in the policy, and the order's zone. */
static void zone_refused(const char *name)
{
    AUTO_BUF quoted = BUF_INIT(2048), policy = BUF_INIT(65536), order = BUF_INIT(65536);
    struct err err;
    json_put_string(&quoted, name);
    text_edit(&policy, policy_text, "\"example.net\"", buf_text(&quoted));
    cr_assert_eq(policy_try(buf_text(&policy), &err), RESULT_CONFIG, "%s", name);
    cr_assert_not_null(strstr(err.text, ": /zones/"), "%s", err.text);
    text_edit(&order, whole_order, "\"example.com\"", buf_text(&quoted));
    cr_assert_eq(order_try(buf_text(&order), &err), RESULT_USAGE, "%s", name);
    cr_assert_not_null(strstr(err.text, ": /zone: "), "%s", err.text);
}

Test(bug_classes, base_documents_are_good)
{
    struct err err;
    for (enum kind kind = POLICY; kind <= ORDER; kind++)
        cr_assert_eq(document_try(kind, documents[kind], &err), RESULT_OK, "%s", err.text);
}

/* CVE-2025-61727: a name is denied, and a wildcard that stands for it gets through. */
Test(bug_classes, deny_does_not_stop_the_covering_wildcard)
{
    cr_assert(host_permitted("*.example.com", "", "*.example.com"));
    cr_assert(!host_permitted("*.example.com", "pay.example.com", "*.example.com"));
    cr_assert(!host_permitted("**.example.com", "x.pay.example.com", "*.pay.example.com"));
    cr_assert(!host_permitted("**.example.com", "*.pay.example.com", "*.pay.example.com"));
    cr_assert(!host_permitted("**.example.com", "**.pay.example.com", "*.x.pay.example.com"));
}

/* golang/go#76935: the mending of it then hit every wildcard. */
Test(bug_classes, the_mended_deny_matches_too_much)
{
    name_refused("example"); /* a single label denies nothing here: it is no name */
    cr_assert(host_permitted("**.example.com", "a.b.example.com", "*.x.example.com"));
    cr_assert(host_permitted("**.example.com", "a.b.example.com", "*.b.b.example.com"));
    cr_assert(host_permitted("**.example.com", "a.b.example.com", "*.example.com"));
    cr_assert(host_permitted("**.example.com", "*.pay.example.com", "*.example.com"));
    cr_assert(!host_permitted("**.example.com", "a.b.example.com", "*.b.example.com"));
}

/* CVE-2022-25243 */
Test(bug_classes, a_wildcard_is_granted_where_only_the_bare_domain_was)
{
    cr_assert(host_permitted("example.com", "", "example.com"));
    cr_assert(!host_permitted("example.com", "", "*.example.com"));
    cr_assert(!host_permitted("a.example.com", "", "*.a.example.com"));
    cr_assert(!host_permitted("*.a.example.com", "", "a.example.com"));
}

/* Globs, LIKE patterns. */
Test(bug_classes, a_star_crosses_dots)
{
    cr_assert(host_permitted("*.example.com", "", "b.example.com"));
    cr_assert(!host_permitted("*.example.com", "", "a.b.example.com"));
    cr_assert(!host_permitted("*.example.com", "", "*.b.example.com"));
    cr_assert(host_permitted("**.example.com", "*.example.com", "a.b.example.com"));
    cr_assert(host_permitted("**.example.com", "", "a.b.example.com"));
}

static void outside_refused(const struct policy *policy, const char *host)
{
    AUTO_DECISION decision = {.permit = true};
    struct err err = {0};
    struct order order;
    order_make(&order, host, "");
    cr_assert_eq(order_check(&order, &err), RESULT_OK);
    cr_assert(policy_resolve_zone(policy, &order));
    cr_assert_eq(policy_decide(policy, &order, &moment, &decision, &err), RESULT_USAGE);
    cr_assert(!decision.permit);
    cr_assert_not_null(strstr(err.text, "is not in the zone example.com"), "%s", err.text);
}

/* tinyproxy#627 */
Test(bug_classes, a_suffix_has_no_dot_before_it)
{
    AUTO_POLICY *policy = policy_with(PERMIT("p", "\"example.com\", \"**.example.com\""));
    outside_refused(policy, "evil-example.com");
    outside_refused(policy, "xexample.com");
    outside_refused(policy, "example.com.evil.net");
    cr_assert(!host_permitted("**.a.example.com", "", "ba.example.com"));
    cr_assert(!host_permitted("**.a.example.com", "", "x.ba.example.com"));
    cr_assert(!host_permitted("*.a.example.com", "", "x.ba.example.com"));
    cr_assert(host_permitted("**.example.com", "**.pay.example.com", "x.notpay.example.com"));
    name_refused("xexample.com."); /* and not mended into the zone's end */
    struct err err;
    AUTO_BUF text = BUF_INIT(65536);
    text_edit(&text, policy_text, "\"*.example.com\"", "\"*.xexample.com\"");
    cr_assert_eq(policy_try(buf_text(&text), &err), RESULT_CONFIG);
    cr_assert_not_null(strstr(err.text, "lies in no zone of this rule"), "%s", err.text);
}

static void edit_refused(enum kind kind, const char *what, const char *with)
{
    AUTO_BUF text = BUF_INIT(65536);
    struct err err;
    text_edit(&text, documents[kind], what, with);
    cr_assert_neq(document_try(kind, buf_text(&text), &err), RESULT_OK, "%s", with);
}

Test(bug_classes, case_is_folded_on_one_side_only)
{
    static const char *const names[] = {"WWW.Example.COM", "Www.example.com", "*.EXAMPLE.COM",
                                        "www.example.cOm", "XN--P1AI.example.com"};
    names_refused(names, LENGTH(names));
    zone_refused("Example.com");
    edit_refused(POLICY, "[\"google\"]", "[\"Google\"]");
    edit_refused(POLICY, "[\"txt\"]", "[\"TXT\"]");
    edit_refused(POLICY, "[\"eu\"]", "[\"EU\"]");
    edit_refused(POLICY, "\"zones\": [\"example.com\"]", "\"zones\": [\"Example.com\"]");
    edit_refused(POLICY, "\"023e105f4ecef8ad", "\"023E105F4ECEF8AD");
    edit_refused(ORDER, "\"google\"", "\"Google\"");
    edit_refused(ORDER, "\"txt\"", "\"TXT\"");
    edit_refused(ORDER, "\"eu\"", "\"EU\"");
    edit_refused(ORDER, "\"advanced\"", "\"Advanced\"");
    edit_refused(ORDER, "\"example.com\"", "\"023E105F4ECEF8AD9CA31A8372D0C353\"");
}

/* CVE-2026-8924 (curl), rockdaboot/libpsl#279 */
Test(bug_classes, a_final_dot_makes_another_name_of_it)
{
    static const char *const names[] = {"example.com.", "www.example.com..", "*.example.com.", ".",
                                        "..",           "**.example.com."};
    names_refused(names, LENGTH(names));
    zone_refused("example.com.");
    zone_refused("example.com..");
    edit_refused(POLICY, "\"zones\": [\"example.com\"]", "\"zones\": [\"example.com.\"]");
    edit_refused(POLICY, "https://api.cloudflare.com/", "https://api.cloudflare.com./");
}

/* CVE-2023-28321 (curl) */
Test(bug_classes, a_wildcard_stands_within_an_a_label)
{
    static const char *const names[] = {"x*.xn--p1ai.example.com", "xn--*.example.com",
                                        "xn--p1*.example.com", "*xn--p1ai.example.com",
                                        "xn--p1ai.*.example.com"};
    names_refused(names, LENGTH(names));
    cr_assert(host_permitted("*.xn--p1ai.example.com", "", "a.xn--p1ai.example.com"));
    cr_assert(host_permitted("*.example.com", "", "xn--p1ai.example.com"));
    cr_assert(!host_permitted("*.xn--p1ai.example.com", "", "xn--p1ai.example.com"));
    cr_assert(!host_permitted("*.example.com", "xn--p1ai.example.com", "*.example.com"));
}

/* libidn2 with STD3 rules drops them, UTS 46 maps them. */
Test(bug_classes, invalid_characters_are_mapped_away)
{
    static const char *const names[] = {
        "a_b.example.com",
        "a b.example.com",
        " www.example.com",
        "www.example.com ",
        "www.example.com\n",
        "www.example.com/",
        "www.example.com:443",
        "a%2eb.example.com",
        "ex\xC2\xAD"
        "ample.example.com",        /* soft hyphen */
        "\xEF\xBD\x81.example.com", /* full-width a */
        "a\xE3\x80\x82"
        "example.com", /* ideographic full stop */
        "a\xEF\xBC\x8E"
        "example.com",               /* full-width full stop */
        "a\xE2\x80\x8B.example.com", /* zero-width space */
        "\xE2\x80\xAE.example.com",  /* right-to-left override */
        "b\xC3\xBC"
        "cher.example.com",
        "\xD0\xB0.example.com", /* Cyrillic a */
        "ab--cd.example.com",
        "-a.example.com",
        "a-.example.com",
    };
    names_refused(names, LENGTH(names));
    zone_refused("a_b.example");
    zone_refused("ex\xC2\xAD"
                 "ample.com");
}

/* boulder#901: no list of public suffixes is asked, as none can be up to date. A host must lie in
 * a zone that the policy names by its id, and every order names the zone's apex. */
Test(bug_classes, a_public_suffix_is_within_reach)
{
    static const char *const never[] = {"*.CO.UK", "*.co.uk.", "*.ck",  "**.ck",
                                        "*",       "**",       "*.com", "co.uk."};
    static const char *const elsewhere[] = {"*.co.uk", "**.co.uk", "*.github.io", "co.uk"};
    AUTO_POLICY *policy = policy_with(PERMIT("p", "\"example.com\", \"**.example.com\""));
    names_refused(never, LENGTH(never));
    for (size_t i = 0; i < LENGTH(elsewhere); i++) {
        AUTO_BUF text = BUF_INIT(65536);
        AUTO_BUF quoted = BUF_INIT(64);
        struct err err;
        json_put_string(&quoted, elsewhere[i]);
        text_edit(&text, policy_text, "\"*.example.com\"", buf_text(&quoted));
        cr_assert_eq(policy_try(buf_text(&text), &err), RESULT_CONFIG);
        cr_assert_str_eq(err.text, "policy.json:17:32: /rules/0/hosts/1: lies in no zone of this "
                                   "rule: add the zone, or take the host out");
        if (elsewhere[i][1] != '*')
            outside_refused(policy, elsewhere[i]);
    }
    zone_refused("uk");
}

/* In their place each node of the document gets what says nothing. */
static const char *const empties[] = {"null", "\"\"", "[]", "{}", "[\"\"]", "[null]", "0"};

static void empty_refused(enum kind kind, size_t index, const char *empty)
{
    AUTO_JSON *root = tree_parse(documents[kind]);
    AUTO_BUF text = BUF_INIT(65536), where = BUF_INIT(256);
    struct err err;
    cJSON *parent, *node = tree_node(root, index, &parent);
    tree_pointer(root, node, &where);
    cJSON *with = tree_parse(empty);
    if (cJSON_IsObject(parent))
        cJSON_ReplaceItemInObjectCaseSensitive(parent, node->string, with);
    else
        cJSON_ReplaceItemViaPointer(parent, node, with);
    printed(root, &text);
    cr_assert_neq(document_try(kind, buf_text(&text), &err), RESULT_OK, "%s at %s", empty,
                  buf_text(&where));
}

/* What may be left out, and what it then means; nothing else may. */
static const char *const optional[][24] = {
    {"/locked_memory", "/audit", "/rules/0", "/rules/0/geo_evidence", "/rules/0/max_orders",
     "/rules/0/change_windows", "/rules/0/freeze", "/rules/0/approvals", "/rules/1/freeze",
     "/rules/1", "/rules/1/zones", "/rules/1/hosts", "/rules/1/certificate_authorities",
     "/rules/1/validity_days", "/rules/1/validation_methods", "/rules/1/cloudflare_branding",
     "/rules/1/geo_restrictions", "/rules/1/max_hosts"},
    {"/hosts/0", "/hosts/1", "/type", "/cloudflare_branding", "/geo_restrictions", "/reference"},
};

static bool is_optional(enum kind kind, const char *pointer)
{
    for (size_t i = 0; i < LENGTH(optional[kind]) && optional[kind][i] != NULL; i++)
        if (strcmp(optional[kind][i], pointer) == 0)
            return true;
    return false;
}

static void missing_refused(enum kind kind, size_t index)
{
    AUTO_JSON *root = tree_parse(documents[kind]);
    AUTO_BUF text = BUF_INIT(65536), where = BUF_INIT(256);
    struct err err;
    cJSON *parent, *node = tree_node(root, index, &parent);
    tree_pointer(root, node, &where);
    cJSON_Delete(cJSON_DetachItemViaPointer(parent, node));
    printed(root, &text);
    cr_assert_eq(document_try(kind, buf_text(&text), &err) == RESULT_OK,
                 is_optional(kind, buf_text(&where)), "without %s: %s", buf_text(&where), err.text);
}

/* vcert domains, OpenBao CIDRs, step-ca without constraints, Go's empty nameConstraints */
Test(bug_classes, empty_means_all)
{
    for (enum kind kind = POLICY; kind <= ORDER; kind++) {
        AUTO_JSON *root = tree_parse(documents[kind]);
        size_t size = tree_size(root);
        cr_assert_gt(size, 10);
        for (size_t i = 0; i < size; i++) {
            for (size_t e = 0; e < LENGTH(empties); e++)
                empty_refused(kind, i, empties[e]);
            missing_refused(kind, i);
        }
    }
    struct err err;
    AUTO_BUF text = BUF_INIT(65536);
    text_edit(&text, policy_text, ", \"hosts\": [\"pay.example.com\"]", "");
    cr_assert_eq(policy_try(buf_text(&text), &err), RESULT_CONFIG);
    cr_assert_str_eq(err.text, "policy.json:21:5: /rules/1: says not what it forbids: add zones, "
                               "hosts or another member");
}

/* vcert: ^a|b$ */
Test(bug_classes, an_expression_is_not_anchored)
{
    static const char *const names[] = {"^a|b$.example.com",  "a|b.example.com",
                                        "(a|b).example.com",  "[ab].example.com",
                                        "a?.example.com",     "a+.example.com",
                                        "a{1,9}.example.com", ".*\\.example.com",
                                        "a\\.example.com",    "{a,b}.example.com",
                                        "!www.example.com",   "regexp:www.example.com",
                                        "%.example.com",      "www.example.com,evil.example.com",
                                        "$.example.com",      "..example.com",
                                        "**example.com"};
    names_refused(names, LENGTH(names));
}

static double seconds(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Hosts of as many labels as there may be, none of them permitted, against patterns that end where
 * they do; how long it takes depends on the policy's size alone. */
static double longest_decision(int rules)
{
    AUTO_BUF text = BUF_INIT(POLICY_MAX);
    AUTO_DECISION decision = {0};
    struct order order;
    for (int i = 0; i < rules; i++)
        buf_printf(&text, "%s%s%d%s", i == 0 ? "" : ", ", "{\"id\": \"r", i,
                   "\", \"effect\": \"forbid\", \"reason\": \"r\", \"hosts\": "
                   "[\"**.a.a.a.a.a.a.example.com\", \"*.a.a.a.a.a.a.a.example.com\"], "
                   "\"validity_days\": [14]}");
    buf_puts(&text, ", " PERMIT("p", "\"example.com\""));
    AUTO_POLICY *policy = policy_with(buf_text(&text));
    order_make(&order, "", "");
    for (int i = 1; i < HOSTS_MAX; i++)
        (void)snprintf(order.host[order.hosts++], sizeof order.host[0],
                       "h%d.a.a.a.a.a.a.a.example.com", i);
    double start = seconds();
    decide_must(policy, &order, NOW, &decision);
    cr_assert(!decision.permit);
    return seconds() - start;
}

/* approver-policy PR #925 */
Test(bug_classes, the_matcher_is_exponential)
{
    static const char *const names[] = {
        "*.*.example.com",        "a.*.example.com",  "*a.example.com",    "a*.example.com",
        "***.example.com",        "**.*.example.com", "**.**.example.com", "*.**.example.com",
        "a*a*a*a*a*.example.com", "*example.com"};
    names_refused(names, LENGTH(names));
    (void)longest_decision(10);
    cr_assert_lt(longest_decision(1000), 0.25);
}

static void member_is(const cJSON *body, const char *name, const char *expected)
{
    AUTO_BUF text = BUF_INIT(65536);
    printed(cJSON_GetObjectItemCaseSensitive(body, name), &text);
    cr_assert_str_eq(buf_text(&text), expected, "%s", name);
}

static void body_is_the_order(const struct order *order)
{
    AUTO_BUF body = BUF_INIT(65536), expected = BUF_INIT(65536);
    order_body(&body, order);
    AUTO_JSON *root = tree_parse(buf_text(&body));
    cr_assert_eq(cJSON_GetArraySize(root), 6);
    const cJSON *hosts = cJSON_GetObjectItemCaseSensitive(root, "hosts");
    cr_assert_eq((size_t)cJSON_GetArraySize(hosts), order->hosts);
    for (size_t i = 0; i < order->hosts; i++)
        cr_assert_str_eq(cJSON_GetArrayItem(hosts, (int)i)->valuestring, order->host[i]);
    buf_printf(&expected, "%d", order->validity_days);
    member_is(root, "validity_days", buf_text(&expected));
    member_is(root, "cloudflare_branding", order->cloudflare_branding ? "true" : "false");
    member_is(root, "type", "\"advanced\"");
    buf_reset(&expected);
    json_put_string(&expected, order->certificate_authority);
    member_is(root, "certificate_authority", buf_text(&expected));
    buf_reset(&expected);
    json_put_string(&expected, order->validation_method);
    member_is(root, "validation_method", buf_text(&expected));
}

static void judged_is_sent(const struct policy *policy, const char *text)
{
    AUTO_DECISION decision = {0};
    AUTO_BUF again = BUF_INIT(65536);
    struct order order, judged, second;
    struct err err = {0};
    cr_assert_eq(order_parse("order.json", text, strlen(text), &order, &err), RESULT_OK, "%s",
                 err.text);
    cr_assert(policy_resolve_zone(policy, &order));
    memcpy(&judged, &order, sizeof order);
    cr_assert_eq(policy_decide(policy, &order, &moment, &decision, &err), RESULT_OK, "%s",
                 err.text);
    cr_assert(decision.permit, "%s", text);
    cr_assert_eq(memcmp(&judged, &order, sizeof order), 0, "judging changed the order");
    body_is_the_order(&order);
    order_json(&again, &order, false);
    cr_assert_eq(order_parse("order.json", buf_text(&again), again.len, &second, &err), RESULT_OK);
    cr_assert(policy_resolve_zone(policy, &second));
    cr_assert_eq(memcmp(&second, &order, sizeof order), 0, "read back it is another");
}

/* approver-policy #915, #945 */
Test(bug_classes, the_gate_and_the_actor_see_different_data)
{
    static const char *const authorities[] = {"google", "ssl_com"};
    AUTO_POLICY *policy = policy_with(PERMIT("p", "\"example.com\", \"**.example.com\""));
    for (int i = 0; i < 16; i++) {
        AUTO_BUF text = BUF_INIT(65536);
        buf_printf(&text,
                   "{ \"hosts\" : [\"z.example.com\",%s \"e\\u0078ample.com\"], \"zone\": "
                   "\"%s\", \"validity_days\": %d, \"reference\": \"a \\\"b\\\" \\\\ c\", "
                   "\"certificate_authority\": \"%s\", \"validation_method\": \"txt\", "
                   "\"geo_restrictions\": {\"label\": \"%s\"}}",
                   i & 1 ? " \"*.a.example.com\", \"b.example.com\"," : "",
                   i & 2 ? "example.com" : "023e105f4ecef8ad9ca31a8372d0c353", i & 4 ? 30 : 90,
                   authorities[i >> 3], i & 8 ? "eu" : "none");
        judged_is_sent(policy, buf_text(&text));
    }
}

/* CVE-2026-78664 (Go): there are no names of mail here, so none can be taken for a host. */
Test(bug_classes, a_mail_address_is_taken_for_a_name)
{
    static const char *const names[] = {
        "user@example.com",   "@example.com",       "*@example.com",          "user@*.example.com",
        "*.user@example.com", "user%40example.com", "mailto:user@example.com"};
    names_refused(names, LENGTH(names));
    zone_refused("user@example.com");
}

static void stranger_refused(enum kind kind, size_t index)
{
    AUTO_JSON *root = tree_parse(documents[kind]);
    AUTO_BUF text = BUF_INIT(65536), where = BUF_INIT(256);
    struct err err;
    cJSON *parent, *node = tree_node(root, index, &parent);
    tree_pointer(root, node, &where);
    if (!cJSON_IsObject(node))
        return;
    cJSON_AddTrueToObject(node, "allowed_domains");
    printed(root, &text);
    cr_assert_neq(document_try(kind, buf_text(&text), &err), RESULT_OK, "%s", buf_text(&where));
    cr_assert_not_null(strstr(err.text, "/allowed_domains: "), "%s: %s", buf_text(&where),
                       err.text);
}

/* Another case of the first letter, or of the last, is another name. */
static void misspelt_refused(enum kind kind, size_t index, bool last)
{
    AUTO_JSON *root = tree_parse(documents[kind]);
    AUTO_BUF text = BUF_INIT(65536);
    struct err err;
    cJSON *parent, *node = tree_node(root, index, &parent);
    if (!cJSON_IsObject(parent))
        return;
    char *letter = node->string + (last ? strlen(node->string) - 1 : 0);
    *letter = (char)(*letter - 'a' + 'A');
    printed(root, &text);
    cr_assert_neq(document_try(kind, buf_text(&text), &err), RESULT_OK, "%s", node->string);
}

/* vault-pki-backend-venafi#133 */
Test(bug_classes, a_parameter_is_ignored)
{
    for (enum kind kind = POLICY; kind <= ORDER; kind++) {
        AUTO_JSON *root = tree_parse(documents[kind]);
        for (size_t i = 0; i < tree_size(root); i++) {
            stranger_refused(kind, i);
            misspelt_refused(kind, i, false);
            misspelt_refused(kind, i, true);
        }
        AUTO_BUF text = BUF_INIT(65536);
        struct err err;
        cJSON_AddTrueToObject(root, "allowed_domains");
        printed(root, &text);
        cr_assert_neq(document_try(kind, buf_text(&text), &err), RESULT_OK);
        cr_assert_not_null(strstr(err.text, " /allowed_domains: unknown member"), "%s", err.text);
    }
}
