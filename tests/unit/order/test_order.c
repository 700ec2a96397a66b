#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "order.h"

#define HEAD "{\"zone\":\"example.com\",\"hosts\":[\"example.com\",\"*.example.com\"],"
#define TAIL                                                                                       \
    "\"certificate_authority\":\"google\",\"validity_days\":90,\"validation_method\":\"txt\"}"
#define WHOLE                                                                                      \
    "{\"zone\":\"example.com\",\"hosts\":[\"www.example.com\",\"example.com\",\"*.example.com\"]," \
    "\"type\":\"advanced\",\"certificate_authority\":\"google\",\"validity_days\":90,"             \
    "\"validation_method\":\"txt\",\"cloudflare_branding\":true,"                                  \
    "\"geo_restrictions\":{\"label\":\"eu\"},\"reference\":\"CHG0012345 \\\"x\\\"\"}"

static void parsed(const char *text, struct order *order)
{
    struct err err = {0};
    cr_assert_eq(order_parse("order.json", text, strlen(text), order, &err), RESULT_OK, "%s",
                 err.text);
}

static void refused(const char *text, const char *why)
{
    struct err err = {0};
    struct order order;
    cr_assert_eq(order_parse("order.json", text, strlen(text), &order, &err), RESULT_USAGE, "%s",
                 text);
    cr_assert_str_eq(err.text, why);
}

static void refused_checked(const struct order *order, const char *why)
{
    struct err err = {0};
    struct order copy = *order;
    cr_assert_eq(order_check(&copy, &err), RESULT_USAGE, "%s", why);
    cr_assert_str_eq(err.text, why);
}

static void refused_in_zone(const struct order *order, const char *why)
{
    struct err err = {0};
    cr_assert_eq(order_check_zone(order, &err), RESULT_USAGE, "%s", why);
    cr_assert_str_eq(err.text, why);
}

static struct order good_order(void)
{
    struct order order;
    parsed(HEAD TAIL, &order);
    (void)snprintf(order.zone_id, sizeof(order.zone_id), "023e105f4ecef8ad9ca31a8372d0c353");
    (void)snprintf(order.apex, sizeof(order.apex), "example.com");
    return order;
}

Test(order_parse, every_field)
{
    struct order order;
    parsed(WHOLE, &order);
    cr_assert_str_eq(order.zone, "example.com");
    cr_assert_str_eq(order.zone_id, "");
    cr_assert_str_eq(order.apex, "");
    cr_assert_eq(order.hosts, 3);
    cr_assert_str_eq(order.host[0], "*.example.com");
    cr_assert_str_eq(order.host[1], "example.com");
    cr_assert_str_eq(order.host[2], "www.example.com");
    cr_assert_str_eq(order.certificate_authority, "google");
    cr_assert_str_eq(order.validation_method, "txt");
    cr_assert_eq(order.validity_days, 90);
    cr_assert(order.cloudflare_branding);
    cr_assert_str_eq(order.geo_label, "eu");
    cr_assert_str_eq(order.reference, "CHG0012345 \"x\"");
}

Test(order_parse, defaults)
{
    struct order order;
    parsed(HEAD TAIL, &order);
    cr_assert_not(order.cloudflare_branding);
    cr_assert_str_eq(order.geo_label, "none");
    cr_assert_str_eq(order.reference, "");
}

Test(order_parse, a_zone_by_its_id)
{
    struct order order;
    parsed("{\"zone\":\"023e105f4ecef8ad9ca31a8372d0c353\",\"hosts\":[\"example.com\"]," TAIL,
           &order);
    cr_assert_str_eq(order.zone, "023e105f4ecef8ad9ca31a8372d0c353");
}

Test(order_parse, an_unknown_ca_and_label_are_the_policys_to_close)
{
    struct order order;
    parsed("{\"zone\":\"example.com\",\"hosts\":[\"example.com\"],\"certificate_authority\":"
           "\"example_ca_2\",\"validity_days\":14,\"validation_method\":\"email\","
           "\"geo_restrictions\":{\"label\":\"moon\"}}",
           &order);
    cr_assert_str_eq(order.certificate_authority, "example_ca_2");
    cr_assert_str_eq(order.geo_label, "moon");
}

Test(order_parse, zone)
{
    refused("{\"hosts\":[\"example.com\"]," TAIL, "order.json:1:1: member \"zone\" is missing");
    refused("{\"zone\":\"*.example.com\",\"hosts\":[\"example.com\"]," TAIL,
            "order.json:1:9: /zone: \"*.example.com\": a wildcard cannot stand here: write it "
            "without \"*.\"");
    refused("{\"zone\":\"contains:example\",\"hosts\":[\"example.com\"]," TAIL,
            "order.json:1:9: /zone: \"contains:example\": character 9 is not allowed: give the "
            "bare name, of a-z, 0-9, \"-\" and \".\" only");
    refused("{\"zone\":\"023E105f4ecef8ad9ca31a8372d0c353\",\"hosts\":[\"example.com\"]," TAIL,
            "order.json:1:9: /zone: \"023E105f4ecef8ad9ca31a8372d0c353\": upper case: write it as "
            "\"023e105f4ecef8ad9ca31a8372d0c353\"");
}

Test(order_parse, hosts)
{
    refused("{\"zone\":\"example.com\",\"hosts\":[]," TAIL,
            "order.json:1:31: /hosts: no host: give at least the zone's apex");
    refused("{\"zone\":\"example.com\",\"hosts\":[\"example.com\",\"WWW.example.com\"]," TAIL,
            "order.json:1:46: /hosts/1: \"WWW.example.com\": upper case: write it as "
            "\"www.example.com\"");
    refused("{\"zone\":\"example.com\",\"hosts\":[\"a.example.com\",\n\"b.example.com\",\n"
            "\"a.example.com\"]," TAIL,
            "order.json:3:1: /hosts/2: \"a.example.com\" is listed twice: remove one");
    refused("{\"zone\":\"example.com\",\"hosts\":[1]," TAIL,
            "order.json:1:32: /hosts/0: must be a string, not a number");
}

static void hosts_text(struct buf *text, int hosts)
{
    buf_puts(text, "{\"zone\":\"example.com\",\"hosts\":[\"example.com\"");
    for (int i = 1; i < hosts; i++)
        buf_printf(text, ",\"h%02d.example.com\"", hosts - i);
    buf_puts(text, "]," TAIL);
}

Test(order_parse, fifty_hosts_and_no_more)
{
    AUTO_BUF fifty = BUF_INIT(65536);
    AUTO_BUF more = BUF_INIT(65536);
    struct order order;
    hosts_text(&fifty, 50);
    parsed(buf_text(&fifty), &order);
    cr_assert_eq(order.hosts, 50);
    cr_assert_str_eq(order.host[0], "example.com");
    cr_assert_str_eq(order.host[1], "h01.example.com");
    cr_assert_str_eq(order.host[49], "h49.example.com");
    hosts_text(&more, 51);
    refused(buf_text(&more),
            "order.json:1:31: /hosts: 51 hosts: the API takes at most 50, split the order");
}

Test(order_parse, attributes)
{
    refused(HEAD "\"type\":\"universal\"," TAIL,
            "order.json:1:70: /type: only \"advanced\" can be ordered: write that, or leave it "
            "out");
    refused(HEAD "\"certificate_authority\":\"Google\",\"validity_days\":90,"
                 "\"validation_method\":\"txt\"}",
            "order.json:1:87: /certificate_authority: \"Google\" is not a name of 1 to 63 of a-z, "
            "0-9 and \"_\": write one such as google");
    refused(HEAD "\"certificate_authority\":\"google\",\"validity_days\":90,"
                 "\"validation_method\":\"cname\"}",
            "order.json:1:135: /validation_method: \"cname\" is not one of txt, http, email");
    refused(HEAD "\"certificate_authority\":\"google\",\"validity_days\":45,"
                 "\"validation_method\":\"txt\"}",
            "order.json:1:112: /validity_days: 45 is not one of 14, 30, 90, 365");
    refused(HEAD "\"certificate_authority\":\"google\",\"validity_days\":\"90\","
                 "\"validation_method\":\"txt\"}",
            "order.json:1:112: /validity_days: must be an integer, not a string");
    refused(HEAD "\"cloudflare_branding\":0," TAIL,
            "order.json:1:85: /cloudflare_branding: must be true or false, not a number");
    refused(HEAD "\"colour\":1," TAIL,
            "order.json:1:63: /colour: unknown member \"colour\"; known are \"zone\", \"hosts\", "
            "\"type\", \"certificate_authority\", \"validation_method\", \"validity_days\", "
            "\"cloudflare_branding\", \"geo_restrictions\", \"reference\"");
}

Test(order_parse, geo_restrictions)
{
    refused(HEAD "\"geo_restrictions\":\"eu\"," TAIL,
            "order.json:1:82: /geo_restrictions: must be an object, not a string");
    refused(HEAD "\"geo_restrictions\":{}," TAIL,
            "order.json:1:82: /geo_restrictions: member \"label\" is missing");
    refused(HEAD "\"geo_restrictions\":{\"label\":\"EU\"}," TAIL,
            "order.json:1:91: /geo_restrictions/label: \"EU\" is not a name of 1 to 63 of a-z, "
            "0-9 and \"_\": write one such as eu, or none");
    refused(HEAD "\"geo_restrictions\":{\"label\":\"eu\",\"policy\":\"x\"}," TAIL,
            "order.json:1:96: /geo_restrictions/policy: unknown member \"policy\"; known are "
            "\"label\"");
}

Test(order_parse, reference)
{
    AUTO_BUF text = BUF_INIT(65536);
    struct order order;
    buf_puts(&text, HEAD "\"reference\":\"");
    for (int i = 0; i < REFERENCE_LEN; i++)
        buf_putc(&text, '~');
    size_t full = text.len;
    buf_puts(&text, "\"," TAIL);
    parsed(buf_text(&text), &order);
    cr_assert_eq(strlen(order.reference), REFERENCE_LEN);
    text.len = full;
    buf_puts(&text, "~\"," TAIL);
    refused(buf_text(&text), "order.json:1:75: /reference: has 129 bytes: at most 128");
    refused(HEAD "\"reference\":\"\"," TAIL, "order.json:1:75: /reference: must not be empty");
    refused(HEAD "\"reference\":\"a\\nb\"," TAIL,
            "order.json:1:75: /reference: byte 2 is not printable ASCII: leave it out");
}

Test(order_parse, not_json)
{
    struct err err = {0};
    struct order order;
    cr_assert_eq(order_parse("order.json", "{", 1, &order, &err), RESULT_USAGE);
    cr_assert_eq(strncmp(err.text, "order.json:1:2: ", 16), 0, "%s", err.text);
    refused("[]", "order.json:1:1: must be an object, not an array");
}

Test(order_check, sorts_and_keeps)
{
    struct err err = {0};
    struct order order = good_order();
    (void)snprintf(order.host[0], sizeof(order.host[0]), "z.example.com");
    (void)snprintf(order.host[1], sizeof(order.host[1]), "a.example.com");
    cr_assert_eq(order_check(&order, &err), RESULT_OK, "%s", err.text);
    cr_assert_str_eq(order.host[0], "a.example.com");
    cr_assert_str_eq(order.host[1], "z.example.com");
    cr_assert_str_eq(order.zone_id, "023e105f4ecef8ad9ca31a8372d0c353");
}

Test(order_check, names_the_field)
{
    struct order order = good_order();
    order.hosts = 51;
    refused_checked(&order, "hosts: 51 hosts: the API takes at most 50, split the order");
    order.hosts = 0;
    refused_checked(&order, "hosts: no host: give at least the zone's apex");
    order = good_order();
    (void)snprintf(order.host[0], sizeof(order.host[0]), "example.com");
    refused_checked(&order, "hosts: \"example.com\" is listed twice: remove one");
    (void)snprintf(order.host[0], sizeof(order.host[0]), "example.com.");
    refused_checked(&order, "hosts: \"example.com.\": a final dot: write it as \"example.com\"");
    order = good_order();
    order.zone[0] = '\0';
    refused_checked(&order, "zone: a host name is empty: write one such as example.com");
    order = good_order();
    order.certificate_authority[0] = '\0';
    refused_checked(&order, "certificate_authority: \"\" is not a name of 1 to 63 of a-z, 0-9 "
                            "and \"_\": write one such as google");
    order = good_order();
    order.validation_method[0] = 'T';
    refused_checked(&order, "validation_method: \"Txt\" is not one of txt, http, email");
    order = good_order();
    order.validity_days = -90;
    refused_checked(&order, "validity_days: -90 is not one of 14, 30, 90, 365");
    order = good_order();
    order.geo_label[0] = '\0';
    refused_checked(&order, "geo_restrictions.label: \"\" is not a name of 1 to 63 of a-z, 0-9 "
                            "and \"_\": write one such as eu, or none");
    order = good_order();
    order.reference[0] = '\t';
    refused_checked(&order, "reference: byte 1 is not printable ASCII: leave it out");
}

Test(order_check_zone, good)
{
    struct err err = {0};
    struct order order = good_order();
    cr_assert_eq(order_check_zone(&order, &err), RESULT_OK, "%s", err.text);
}

Test(order_check_zone, each_problem)
{
    struct order order = good_order();
    (void)snprintf(order.host[1], sizeof(order.host[1]), "www.example.com");
    refused_in_zone(&order, "the API demands the zone's apex among the hosts: add example.com");
    order = good_order();
    (void)snprintf(order.host[0], sizeof(order.host[0]), "evil-example.com");
    refused_in_zone(&order, "evil-example.com is not in the zone example.com: order it in its "
                            "own zone");
    order = good_order();
    (void)snprintf(order.validation_method, sizeof(order.validation_method), "http");
    refused_in_zone(&order, "*.example.com is a wildcard, which http cannot validate: use txt");
}

Test(order_check_zone, all_problems_at_once)
{
    struct order order = good_order();
    (void)snprintf(order.host[1], sizeof(order.host[1]), "example.org");
    (void)snprintf(order.validation_method, sizeof(order.validation_method), "email");
    refused_in_zone(&order, "the API demands the zone's apex among the hosts: add example.com; "
                            "*.example.com is a wildcard, which email cannot validate: use txt; "
                            "example.org is not in the zone example.com: order it in its own zone");
}

Test(order_body, exact_bytes)
{
    AUTO_BUF body = BUF_INIT(4096);
    struct order order;
    parsed(WHOLE, &order);
    order_body(&body, &order);
    cr_assert(buf_ok(&body));
    cr_assert_str_eq(buf_text(&body),
                     "{\"type\":\"advanced\",\"hosts\":[\"*.example.com\",\"example.com\","
                     "\"www.example.com\"],\"validation_method\":\"txt\",\"validity_days\":90,"
                     "\"certificate_authority\":\"google\",\"cloudflare_branding\":true}");
}

Test(order_json, exact_bytes)
{
    AUTO_BUF json = BUF_INIT(4096);
    struct order order;
    parsed(WHOLE, &order);
    order_json(&json, &order, false);
    cr_assert_str_eq(
        buf_text(&json),
        "{\"zone\":\"example.com\",\"hosts\":[\"*.example.com\",\"example.com\","
        "\"www.example.com\"],\"type\":\"advanced\",\"certificate_authority\":\"google\","
        "\"validity_days\":90,\"validation_method\":\"txt\",\"cloudflare_branding\":true,"
        "\"geo_restrictions\":{\"label\":\"eu\"},\"reference\":\"CHG0012345 \\\"x\\\"\"}");
}

Test(order_json, reads_back_as_the_same_order)
{
    AUTO_BUF json = BUF_INIT(4096);
    AUTO_BUF again = BUF_INIT(4096);
    struct order order;
    parsed(HEAD TAIL, &order);
    order_json(&json, &order, false);
    parsed(buf_text(&json), &order);
    order_json(&again, &order, false);
    cr_assert_str_eq(buf_text(&again), buf_text(&json));
}

Test(order_json, one_identity_however_it_was_written)
{
    AUTO_BUF by_name = BUF_INIT(4096);
    AUTO_BUF by_id = BUF_INIT(4096);
    struct order order = good_order();
    (void)snprintf(order.reference, sizeof(order.reference), "CHG1");
    order_json(&by_name, &order, true);
    (void)snprintf(order.zone, sizeof(order.zone), "%s", order.zone_id);
    (void)snprintf(order.reference, sizeof(order.reference), "CHG2");
    order_json(&by_id, &order, true);
    cr_assert_str_eq(buf_text(&by_id), buf_text(&by_name));
    cr_assert_str_eq(buf_text(&by_id),
                     "{\"zone\":\"023e105f4ecef8ad9ca31a8372d0c353\",\"hosts\":[\"*.example.com\","
                     "\"example.com\"],\"type\":\"advanced\",\"certificate_authority\":\"google\","
                     "\"validity_days\":90,\"validation_method\":\"txt\","
                     "\"cloudflare_branding\":false,\"geo_restrictions\":{\"label\":\"none\"}}");
}
