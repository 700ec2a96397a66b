#include <criterion/criterion.h>
#include <string.h>

#include "helper_answers.h"
#include "text.h"

#define ID  "\"id\":\"3822ff90-ea29-44df-9e55-21300bb9419b\""
#define NOW 1795458000000 /* 2026-11-23T18:20:00Z */

#define TYPE      "\"type\":\"advanced\","
#define HOSTS     "\"hosts\":[\"example.com\",\"*.example.com\"],"
#define AUTHORITY "\"certificate_authority\":\"google\","
#define METHOD    "\"validation_method\":\"txt\","
#define VALIDITY  "\"validity_days\":90,"
#define BRANDING  "\"cloudflare_branding\":false,"
#define STATUS    "\"status\":\"active\","
#define EXPIRY    "\"expires_on\":\"2027-02-21T18:00:00Z\""
#define LABEL     "\"geo_restrictions\":{\"label\":\"eu\"},"
#define CERT      "{\"status\":\"active\"," LABEL EXPIRY "}"
#define CERTS     "\"certificates\":[" CERT "],"

/* 120 KB: not for the stack of a test. */
static struct assessment assessment;

static struct order order_for(const char *label)
{
    struct order order = {.zone = "example.com",
                          .apex = "example.com",
                          .hosts = 2,
                          .host = {"*.example.com", "example.com"},
                          .certificate_authority = "google",
                          .validation_method = "txt",
                          .validity_days = 90};
    text_set(order.geo_label, sizeof(order.geo_label), "%s", label);
    return order;
}

static void assessed(const struct order *order, const char *members)
{
    AUTO_BUF text = BUF_INIT(65536);
    struct answer answer;
    struct err err = {0};
    buf_printf(&text, "{\"success\":true,\"result\":{%s" ID "}}", members);
    cr_assert_eq(answer_decode(200, "application/json", text.data, text.len, &answer, &err),
                 RESULT_OK);
    cr_assert_eq(answer.outcome, ANSWER_PLACED, "%s", answer.why);
    pack_assess(answer_pack(&answer), order, NOW, &assessment);
    answer_free(&answer);
}

static void item_is(const struct assessment_item *item, const char *code, const char *pointer,
                    const char *text)
{
    cr_assert_str_eq(item->code, code);
    cr_assert_str_eq(item->pointer, pointer);
    cr_assert_str_eq(item->text, text);
}

/* Just this one finding, and nothing open. */
static void found(const struct order *order, const char *members, const char *code,
                  const char *pointer, const char *text)
{
    assessed(order, members);
    cr_assert_eq(assessment.verdict, PACK_VIOLATION, "%s", members);
    cr_assert_eq(assessment.findings, 1, "%s", assessment.finding[1].text);
    cr_assert_eq(assessment.obligations, 0, "%s", assessment.obligation[0].text);
    item_is(&assessment.finding[0], code, pointer, text);
}

/* Just this one obligation. */
static void open_still(const struct order *order, const char *members, const char *code,
                       const char *pointer, const char *text)
{
    assessed(order, members);
    cr_assert_eq(assessment.verdict, PACK_PENDING, "%s", members);
    cr_assert_eq(assessment.findings, 0, "%s", assessment.finding[0].text);
    cr_assert_eq(assessment.obligations, 1, "%s", assessment.obligation[1].text);
    item_is(&assessment.obligation[0], code, pointer, text);
}

static void compliant(const struct order *order, const char *members)
{
    assessed(order, members);
    cr_assert_eq(assessment.findings, 0, "%s", assessment.finding[0].text);
    cr_assert_eq(assessment.obligations, 0, "%s", assessment.obligation[0].text);
    cr_assert_eq(assessment.verdict, PACK_COMPLIANT);
}

static void example_assessed(const char *file, const struct order *order)
{
    AUTO_BODY body = body_load(file);
    struct answer answer;
    struct err err = {0};
    cr_assert_eq(answer_decode(200, "application/json", body.text, body.len, &answer, &err),
                 RESULT_OK);
    pack_assess(answer_pack(&answer), order, NOW, &assessment);
    answer_free(&answer);
}

Test(assess, compliant)
{
    struct order order = order_for("eu");
    example_assessed("pack_active_eu.json", &order);
    cr_assert_eq(assessment.verdict, PACK_COMPLIANT);
    compliant(&order, TYPE HOSTS AUTHORITY METHOD VALIDITY BRANDING STATUS CERTS);
}

Test(assess, just_ordered)
{
    struct order order = order_for("eu");
    example_assessed("order_placed.json", &order);
    cr_assert_eq(assessment.verdict, PACK_PENDING);
    cr_assert_eq(assessment.obligations, 2);
    item_is(&assessment.obligation[0], "certificate_unseen", "/certificates",
            "no certificate was seen yet");
    item_is(&assessment.obligation[1], "status_not_active", "/status",
            "the pack is initializing, not active yet");
}

Test(assess, a_bare_pack_owes_everything)
{
    static const char *const codes[] = {"type_unseen",
                                        "hosts_unseen",
                                        "certificate_authority_unseen",
                                        "validation_method_unseen",
                                        "validity_days_unseen",
                                        "certificate_unseen",
                                        "status_unseen"};
    struct order order = order_for("none");
    example_assessed("pack_bare.json", &order);
    cr_assert_eq(assessment.verdict, PACK_PENDING);
    cr_assert_eq(assessment.obligations, sizeof(codes) / sizeof(codes[0]));
    for (size_t i = 0; i < assessment.obligations; i++)
        cr_assert_str_eq(assessment.obligation[i].code, codes[i]);
}

Test(assess, each_member_left_out)
{
    struct order order = order_for("eu");
    open_still(&order, HOSTS AUTHORITY METHOD VALIDITY BRANDING STATUS CERTS, "type_unseen",
               "/type", "the pack's type was not shown yet");
    open_still(&order, TYPE AUTHORITY METHOD VALIDITY BRANDING STATUS CERTS, "hosts_unseen",
               "/hosts", "the pack's hosts were not shown yet");
    open_still(&order, TYPE HOSTS METHOD VALIDITY BRANDING STATUS CERTS,
               "certificate_authority_unseen", "/certificate_authority",
               "the certificate authority was not shown yet, google was ordered");
    open_still(&order, TYPE HOSTS AUTHORITY VALIDITY BRANDING STATUS CERTS,
               "validation_method_unseen", "/validation_method",
               "the validation method was not shown yet, txt was ordered");
    open_still(&order, TYPE HOSTS AUTHORITY METHOD BRANDING STATUS CERTS, "validity_days_unseen",
               "/validity_days", "the validity was not shown yet, 90 days were ordered");
    open_still(&order, TYPE HOSTS AUTHORITY METHOD VALIDITY BRANDING CERTS, "status_unseen",
               "/status", "the pack's status was not shown yet");
    open_still(&order, TYPE HOSTS AUTHORITY METHOD VALIDITY BRANDING STATUS, "certificate_unseen",
               "/certificates", "no certificate was seen yet");
    compliant(&order, TYPE HOSTS AUTHORITY METHOD VALIDITY STATUS CERTS);
}

Test(assess, type_authority_method_validity)
{
    struct order order = order_for("eu");
    found(&order, "\"type\":\"universal\"," HOSTS AUTHORITY METHOD VALIDITY STATUS CERTS,
          "type_differs", "/type", "the type is \"universal\", advanced was ordered");
    found(&order, TYPE HOSTS "\"certificate_authority\":\"ssl_com\"," METHOD VALIDITY STATUS CERTS,
          "certificate_authority_differs", "/certificate_authority",
          "the certificate authority is \"ssl_com\", google was ordered");
    found(&order, TYPE HOSTS AUTHORITY "\"validation_method\":\"http\"," VALIDITY STATUS CERTS,
          "validation_method_differs", "/validation_method",
          "the validation method is \"http\", txt was ordered");
    found(&order, TYPE HOSTS AUTHORITY METHOD "\"validity_days\":91," STATUS CERTS,
          "validity_days_longer", "/validity_days", "the validity is 91 days, 90 were ordered");
    compliant(&order, TYPE HOSTS AUTHORITY METHOD "\"validity_days\":30," STATUS CERTS);
}

Test(assess, hosts)
{
    struct order order = order_for("eu");
    found(&order, TYPE "\"hosts\":[\"example.com\"]," AUTHORITY METHOD VALIDITY STATUS CERTS,
          "host_missing", "/hosts", "*.example.com was ordered and is not in the pack");
    found(&order,
          TYPE "\"hosts\":[\"example.com\",\"*.example.com\",\"www.example.org\"]," AUTHORITY METHOD
              VALIDITY STATUS CERTS,
          "host_extra", "/hosts/2", "www.example.org was not ordered");
    found(&order,
          TYPE HOSTS AUTHORITY METHOD VALIDITY STATUS
          "\"certificates\":[{\"status\":\"active\"," LABEL
          "\"hosts\":[\"example.com\",\"pay.example.com\"]," EXPIRY "}],",
          "host_extra", "/certificates/0/hosts/1", "pay.example.com was not ordered");
    compliant(
        &order, TYPE
        "\"hosts\":[\"*.EXAMPLE.com\",\"Example.com\"]," AUTHORITY METHOD VALIDITY STATUS CERTS);
}

Test(assess, the_apex_may_be_added)
{
    struct order order = order_for("eu");
    order.hosts = 1;
    compliant(&order, TYPE HOSTS AUTHORITY METHOD VALIDITY STATUS CERTS);
}

#define BRANDED "\"hosts\":[\"example.com\",\"*.example.com\",\"sni.cloudflaressl.com\"],"

Test(assess, branding)
{
    struct order order = order_for("eu");
    found(&order, TYPE HOSTS AUTHORITY METHOD VALIDITY STATUS CERTS "\"cloudflare_branding\":true,",
          "cloudflare_branding_differs", "/cloudflare_branding",
          "the branding is true, false was ordered");
    found(&order, TYPE BRANDED AUTHORITY METHOD VALIDITY STATUS CERTS, "host_extra", "/hosts/2",
          "sni.cloudflaressl.com was not ordered");
    order.cloudflare_branding = true;
    compliant(&order,
              TYPE BRANDED AUTHORITY METHOD VALIDITY STATUS CERTS "\"cloudflare_branding\":true,");
    found(&order, TYPE HOSTS AUTHORITY METHOD VALIDITY STATUS CERTS BRANDING,
          "cloudflare_branding_differs", "/cloudflare_branding",
          "the branding is false, true was ordered");
    open_still(&order, TYPE BRANDED AUTHORITY METHOD VALIDITY STATUS CERTS,
               "cloudflare_branding_unseen", "/cloudflare_branding",
               "the branding was not shown yet, and was ordered");
    found(&order,
          TYPE
          "\"hosts\":[\"example.com\",\"*.example.com\",\"cloudflaressl.com\"]," AUTHORITY METHOD
              VALIDITY STATUS CERTS "\"cloudflare_branding\":true,",
          "host_extra", "/hosts/2", "cloudflaressl.com was not ordered");
    found(&order,
          TYPE
          "\"hosts\":[\"example.com\",\"*.example.com\",\"a.evilcloudflaressl.com\"]," AUTHORITY
              METHOD VALIDITY STATUS CERTS "\"cloudflare_branding\":true,",
          "host_extra", "/hosts/2", "a.evilcloudflaressl.com was not ordered");
}

#define WITH_CERT(cert)                                                                            \
    TYPE HOSTS AUTHORITY METHOD VALIDITY STATUS "\"certificates\":[" CERT "," cert "],"

Test(assess, geo_label)
{
    struct order order = order_for("eu");
    static const char place[] = "/certificates/1/geo_restrictions/label";
    found(&order,
          WITH_CERT("{\"status\":\"active\",\"geo_restrictions\":{\"label\":\"us\"}," EXPIRY "}"),
          "geo_label_differs", place, "the certificate shows the geo label \"us\", eu was ordered");
    found(&order, WITH_CERT("{\"status\":\"active\"," EXPIRY "}"), "geo_label_missing", place,
          "the certificate is active and shows no geo label, eu was ordered");
    found(&order,
          WITH_CERT("{\"status\":\"active\",\"geo_restrictions\":{\"label\":\"\"}," EXPIRY "}"),
          "geo_label_missing", place,
          "the certificate is active and shows no geo label, eu was ordered");
    open_still(&order, WITH_CERT("{\"status\":\"pending_deployment\"," EXPIRY "}"),
               "geo_label_unseen", place,
               "the certificate's geo label was not seen yet, eu was ordered");
    open_still(&order, WITH_CERT("{\"geo_restrictions\":{}," EXPIRY "}"), "geo_label_unseen", place,
               "the certificate's geo label was not seen yet, eu was ordered");
}

Test(assess, no_geo_label_asked)
{
    struct order order = order_for("none");
    found(&order, TYPE HOSTS AUTHORITY METHOD VALIDITY STATUS CERTS, "geo_label_unasked",
          "/certificates/0/geo_restrictions/label",
          "the certificate shows the geo label \"eu\", none was ordered");
    compliant(&order, TYPE HOSTS AUTHORITY METHOD VALIDITY STATUS
              "\"certificates\":[{\"status\":\"active\"," EXPIRY "}],");
}

#define EXPIRING(time)                                                                             \
    TYPE HOSTS AUTHORITY METHOD VALIDITY STATUS "\"certificates\":[{\"status\":\"active\"," LABEL  \
                                                "\"expires_on\":\"" time "\"}],"

Test(assess, expiry)
{
    struct order order = order_for("eu");
    static const char place[] = "/certificates/0/expires_on";
    compliant(&order, EXPIRING("2027-02-21T19:20:00Z"));
    compliant(&order, EXPIRING("2027-02-21T20:20:00+01:00"));
    found(&order, EXPIRING("2027-02-21T19:20:00.001Z"), "expiry_too_late", place,
          "the certificate expires on 2027-02-21T19:20:00.001Z, later than the 90 days that were "
          "ordered");
    open_still(&order, EXPIRING(""), "expiry_unseen", place,
               "the certificate's expiry was not seen yet");
    open_still(&order, EXPIRING("next year"), "expiry_unreadable", place,
               "the certificate's expiry \"next year\" is no RFC 3339 time");
    open_still(&order,
               TYPE HOSTS AUTHORITY METHOD VALIDITY STATUS
               "\"certificates\":[{\"status\":\"active\"," LABEL "\"expires_on\":null}],",
               "expiry_unseen", place, "the certificate's expiry was not seen yet");
}

static void with_status(struct buf *members, const char *status)
{
    buf_reset(members);
    buf_printf(members, TYPE HOSTS AUTHORITY METHOD VALIDITY CERTS "\"status\":\"%s\",", status);
}

Test(assess, status_under_way)
{
    static const char *const names[] = {
        "initializing",       "pending_validation", "pending_issuance", "pending_deployment",
        "staging_deployment", "staging_active",     "backup_issued",    "holding_deployment"};
    struct order order = order_for("eu");
    AUTO_BUF members = BUF_INIT(4096);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[128];
        text_set(text, sizeof(text), "the pack is %s, not active yet", names[i]);
        with_status(&members, names[i]);
        open_still(&order, buf_text(&members), "status_not_active", "/status", text);
    }
}

Test(assess, status_timed_out)
{
    static const char *const names[] = {"initializing_timed_out", "validation_timed_out",
                                        "issuance_timed_out", "deployment_timed_out"};
    struct order order = order_for("eu");
    AUTO_BUF members = BUF_INIT(4096);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[128];
        text_set(text, sizeof(text), "the pack is %s: restart its validation at Cloudflare",
                 names[i]);
        with_status(&members, names[i]);
        open_still(&order, buf_text(&members), "status_timed_out", "/status", text);
    }
}

Test(assess, status_ended)
{
    static const char *const names[] = {
        "deleted",          "expired",         "inactive",           "deactivating",
        "pending_deletion", "pending_cleanup", "pending_expiration", "deletion_timed_out"};
    struct order order = order_for("eu");
    AUTO_BUF members = BUF_INIT(4096);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[128];
        text_set(text, sizeof(text), "the pack is %s and cannot become active: order again",
                 names[i]);
        with_status(&members, names[i]);
        found(&order, buf_text(&members), "status_ended", "/status", text);
    }
}

Test(assess, status_unknown)
{
    struct order order = order_for("eu");
    AUTO_BUF members = BUF_INIT(4096);
    with_status(&members, "pending_audit");
    open_still(&order, buf_text(&members), "status_unknown", "/status",
               "the pack is \"pending_audit\", a status that this version does not know");
}

Test(assess, validation_errors)
{
    struct order order = order_for("eu");
    AUTO_BUF members = BUF_INIT(4096);
    with_status(&members, "pending_validation");
    buf_puts(&members, "\"validation_errors\":[{\"message\":\"SERVFAIL\"},{}],");
    assessed(&order, buf_text(&members));
    cr_assert_eq(assessment.verdict, PACK_PENDING);
    cr_assert_eq(assessment.obligations, 3);
    item_is(&assessment.obligation[1], "validation_error", "/validation_errors/0/message",
            "the CA could not validate: SERVFAIL");
    item_is(&assessment.obligation[2], "validation_error", "/validation_errors/1/message",
            "the CA could not validate: ");
    with_status(&members, "active");
    buf_puts(&members, "\"validation_errors\":[{\"message\":\"SERVFAIL\"}],");
    compliant(&order, buf_text(&members));
}

Test(assess, a_finding_outweighs_obligations)
{
    struct order order = order_for("eu");
    example_assessed("pack_unknown.json", &order);
    cr_assert_eq(assessment.verdict, PACK_VIOLATION);
    cr_assert_eq(assessment.findings, 4);
    cr_assert_str_eq(assessment.finding[0].code, "type_differs");
    cr_assert_str_eq(assessment.finding[1].code, "host_missing");
    cr_assert_str_eq(assessment.finding[2].code, "certificate_authority_differs");
    cr_assert_str_eq(assessment.finding[3].code, "geo_label_differs");
    cr_assert_gt(assessment.obligations, 0);
}

Test(assess, more_than_fit)
{
    struct order order = order_for("eu");
    AUTO_BUF members = BUF_INIT(65536);
    with_status(&members, "active");
    members.len -= strlen("\"status\":\"active\",");
    buf_puts(&members, "\"validation_errors\":[{}");
    for (int i = 0; i < ASSESSMENT_ITEMS_MAX; i++)
        buf_puts(&members, ",{}");
    buf_puts(&members, "],");
    assessed(&order, buf_text(&members));
    cr_assert_eq(assessment.verdict, PACK_PENDING);
    cr_assert_eq(assessment.obligations, ASSESSMENT_ITEMS_MAX);
    item_is(&assessment.obligation[ASSESSMENT_ITEMS_MAX - 1], "more", "",
            "there are more than 127: read the pack itself");
}

Test(assess, text_from_outside_is_raw_and_bounded)
{
    struct order order = order_for("eu");
    AUTO_BUF members = BUF_INIT(65536);
    buf_puts(&members, HOSTS AUTHORITY METHOD VALIDITY STATUS CERTS "\"type\":\"\\u001b[31m");
    for (int i = 0; i < 400; i++)
        buf_puts(&members, "\u00e4");
    buf_puts(&members, "\",");
    assessed(&order, buf_text(&members));
    const char *text = assessment.finding[0].text;
    cr_assert_eq(strncmp(text, "the type is \"\x1b[31m\u00e4", 20), 0);
    cr_assert(utf8_valid(text, strlen(text)));
    cr_assert_leq(strlen(text), sizeof(assessment.finding[0].text) - 1);
    cr_assert_geq(strlen(text), sizeof(assessment.finding[0].text) - 2);
    cr_assert_str_eq(text + strlen(text) - 5, "\u00e4...");
}

Test(assess, names_of_verdicts)
{
    cr_assert_str_eq(assessment_verdict_name(PACK_COMPLIANT), "compliant");
    cr_assert_str_eq(assessment_verdict_name(PACK_PENDING), "pending");
    cr_assert_str_eq(assessment_verdict_name(PACK_VIOLATION), "violation");
}

Test(assess, json)
{
    struct order order = order_for("none");
    AUTO_BUF text = BUF_INIT(65536);
    AUTO_BUF members = BUF_INIT(4096);
    with_status(&members, "initializing");
    assessed(&order, buf_text(&members));
    AUTO_JSON *json = assessment_json(&assessment);
    json_put(&text, json);
    cr_assert_str_eq(
        buf_text(&text),
        "{\"verdict\":\"violation\",\"findings\":[{\"code\":\"geo_label_unasked\","
        "\"pointer\":\"/certificates/0/geo_restrictions/label\","
        "\"text\":\"the certificate shows the geo label \\\"eu\\\", none was ordered\"}],"
        "\"obligations\":[{\"code\":\"status_not_active\",\"pointer\":\"/status\","
        "\"text\":\"the pack is initializing, not active yet\"}]}");
}
