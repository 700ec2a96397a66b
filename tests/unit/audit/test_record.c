/* What a record says, and where the body of an answer goes. */
#include "helper_log.h"
#include "helper_payload.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ORDER_A "0192f3a1-7b2c-7def-8123-456789abcdef"

Test(record, is_a_whole_ocsf_event)
{
    struct test_log log;
    AUTO_JSON *detail = cJSON_Parse("{\"decision\":{\"permit\":true}}");
    struct audit_event event = test_event("order.response", ORDER_A);
    cJSON *payload;
    uint64_t index = 0;

    event.zone = "example.com";
    event.zone_id = "023e105f4ecef8ad9ca31a8372d0c353";
    event.url = "https://api.cloudflare.com/client/v4";
    event.http_status = 200;
    event.peer_address = "104.16.0.1";
    event.detail = detail;
    test_log_make(&log);
    cr_assert_eq(audit_append(log.audit, &event, NULL, 0, &index, &log.err), RESULT_OK);
    cr_assert_eq(index, 1);
    payload = test_payload(&log);
    cr_assert_eq(test_number_at(payload, "class_uid"), 6003);
    cr_assert_eq(test_number_at(payload, "category_uid"), 6);
    cr_assert_eq(test_number_at(payload, "type_uid"), 600301);
    cr_assert_eq(test_number_at(payload, "activity_id"), 1);
    cr_assert_str_eq(test_text_at(payload, "activity_name"), "Create");
    cr_assert_eq(test_number_at(payload, "severity_id"), 1);
    cr_assert_eq(test_number_at(payload, "status_id"), 1);
    cr_assert_str_eq(test_text_at(payload, "status"), "Success");
    cr_assert_eq(test_at(payload, "time")->valuedouble, 1795458000123.0);
    cr_assert_str_eq(test_text_at(payload, "metadata.version"), "1.8.0");
    cr_assert_str_eq(test_text_at(payload, "metadata.product.name"), "georder");
    cr_assert_str_eq(test_text_at(payload, "metadata.product.version"), GEORDER_VERSION);
    cr_assert_str_eq(test_text_at(payload, "metadata.log_name"), TEST_ORIGIN);
    cr_assert_str_eq(test_text_at(payload, "metadata.correlation_uid"), ORDER_A);
    cr_assert_str_eq(test_text_at(payload, "metadata.event_code"), "order.response");
    cr_assert_eq(strlen(test_text_at(payload, "metadata.uid")), UUID_LEN);
    cr_assert_str_eq(test_text_at(payload, "actor.user.name"), "root");
    cr_assert_str_eq(test_text_at(payload, "actor.user.uid"), "0");
    cr_assert_str_eq(test_text_at(payload, "api.operation"),
                     "POST /zones/{zone_id}/ssl/certificate_packs/order");
    cr_assert_str_eq(test_text_at(payload, "api.service.name"), "Cloudflare API v4");
    cr_assert_eq(test_number_at(payload, "api.response.code"), 200);
    cr_assert_str_eq(test_text_at(payload, "src_endpoint.hostname"), "host-17");
    cr_assert_str_eq(test_text_at(payload, "dst_endpoint.ip"), "104.16.0.1");
    cr_assert_str_eq(test_text_at(payload, "dst_endpoint.hostname"), "api.cloudflare.com");
    cr_assert_str_eq(test_text_at(payload, "http_request.http_method"), "POST");
    cr_assert_str_eq(test_text_at(payload, "http_request.url.path"), "/client/v4");
    cr_assert_eq(test_number_at(payload, "http_response.code"), 200);
    cr_assert_str_eq(test_text_at(payload, "resources.0.name"), "example.com");
    cr_assert_str_eq(test_text_at(payload, "unmapped.georder.event"), "order.response");
    cr_assert_eq(strlen(test_text_at(payload, "unmapped.georder.previous")), SHA256_HEX_LEN);
    cr_assert(cJSON_IsTrue(test_at(payload, "unmapped.georder.decision.permit")));
    cJSON_Delete(payload);
    test_log_free(&log);
}

Test(record, carries_hostile_text_unharmed)
{
    static const char hostile[] =
        "\"}\n\r\t\\ \x1b[2J\x7f \xe2\x80\xae {\"sequence\":9} \xf0\x9f\x94\x92";
    struct test_log log;
    struct audit_event event = test_event("order.denied", "");
    cJSON *payload;

    event.message = event.actor = event.host = event.zone = hostile;
    test_log_make(&log);
    cr_assert_eq(audit_append(log.audit, &event, NULL, 0, NULL, &log.err), RESULT_OK, "%s",
                 log.err.text);
    event.message = "not \xff UTF-8 \xc0\x80";
    cr_assert_eq(audit_append(log.audit, &event, NULL, 0, NULL, &log.err), RESULT_OK, "%s",
                 log.err.text);
    payload = test_payload(&log);
    cr_assert_str_eq(test_text_at(payload, "actor.user.name"), hostile);
    cr_assert_str_eq(test_text_at(payload, "message"),
                     "not \xef\xbf\xbd UTF-8 \xef\xbf\xbd\xef\xbf\xbd");
    test_expect(&log, AUDIT_INTACT);
    cJSON_Delete(payload);
    test_log_free(&log);
}

Test(record, that_cannot_be_read_back_is_refused)
{
    static const char *const bad[] = {"{\"n\":-1}",          "{\"n\":1.5}",
                                      "{\"n\":null}",        "{\"n\":1e15}",
                                      "{\"event\":\"x\"}",   "{\"a\":[{\"b\":null}]}",
                                      "{\"previous\":\"x\"}"};
    struct test_log log;
    struct audit_event event = test_event("order.intent", "");

    test_log_make(&log);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO_JSON *detail = cJSON_Parse(bad[i]);

        event.detail = detail;
        cr_assert_eq(audit_append(log.audit, &event, NULL, 0, NULL, &log.err), RESULT_AUDIT, "%s",
                     bad[i]);
    }
    AUTO_JSON *foreign = cJSON_Parse("{\"body_file\":\"bodies/x\"}");
    event.detail = foreign;
    cr_assert_eq(audit_append(log.audit, &event, NULL, 0, NULL, &log.err), RESULT_INTERNAL);
    cr_assert_eq(test_verify(&log).records, 1);
    test_log_free(&log);
}

Test(record, too_large_for_a_line_is_refused)
{
    struct test_log log;
    struct audit_event event = test_event("order.intent", "");
    static char text[60000];

    memset(text, 'x', sizeof text - 1);
    event.message = text;
    test_log_make(&log);
    cr_assert_eq(audit_append(log.audit, &event, NULL, 0, NULL, &log.err), RESULT_AUDIT);
    cr_assert_not_null(strstr(log.err.text, "audit record order.intent: would pass"), "%s",
                       log.err.text);
    text[40000] = '\0';
    cr_assert_eq(audit_append(log.audit, &event, NULL, 0, NULL, &log.err), RESULT_OK, "%s",
                 log.err.text);
    test_expect(&log, AUDIT_INTACT);
    test_log_free(&log);
}

static cJSON *append_body(struct test_log *log, const char *body, size_t len)
{
    AUTO_JSON *detail = cJSON_Parse("{\"response\":{\"status\":200}}");
    struct audit_event event = test_event("order.response", ORDER_A);

    event.detail = detail;
    cr_assert_eq(audit_append(log->audit, &event, body, len, NULL, &log->err), RESULT_OK, "%s",
                 log->err.text);
    return test_payload(log);
}

Test(body, that_fits_stands_in_the_record)
{
    struct test_log log;
    cJSON *payload;

    test_log_make(&log);
    payload = append_body(&log, "{\"success\":true}trailing", 16);
    cr_assert_str_eq(test_text_at(payload, "unmapped.georder.response.body"), "{\"success\":true}");
    cr_assert_eq(test_number_at(payload, "unmapped.georder.response.status"), 200);
    cr_assert_null(test_at(payload, "unmapped.georder.body_file"));
    test_expect(&log, AUDIT_INTACT);
    cJSON_Delete(payload);
    test_log_free(&log);
}

Test(body, that_is_large_or_no_text_goes_to_a_file_that_verify_checks)
{
    struct test_log log;
    static char large[200000];
    AUTO_BUF stored = BUF_INIT(sizeof large);
    char name[128];
    cJSON *payload;

    memset(large, '"', sizeof large);
    test_log_make(&log);
    /* As many bytes fit as a line holds, but not with their escapes. */
    payload = append_body(&log, large, 40000);
    cr_assert_null(test_at(payload, "unmapped.georder.response.body"));
    cJSON_Delete(payload);
    payload = append_body(&log, "a\0b", 3);
    cr_assert_null(test_at(payload, "unmapped.georder.response.body"));
    cJSON_Delete(payload);
    payload = append_body(&log, large, sizeof large);
    (void)snprintf(name, sizeof name, "%s", test_text_at(payload, "unmapped.georder.body_file"));
    cJSON_Delete(payload);
    cr_assert_eq(strncmp(name, "bodies/", 7), 0, "%s", name);
    test_read(&log, name, &stored);
    cr_assert_eq(stored.len, sizeof large);
    cr_assert_arr_eq(stored.data, large, sizeof large);
    test_expect(&log, AUDIT_INTACT);

    test_write(&log, name, "other", 5);
    test_expect(&log, AUDIT_ALTERED);
    cr_assert_str_eq(test_verify(&log).text, "record 3 names a body that is missing from bodies/ "
                                             "or was altered there");
    cr_assert_eq(unlinkat(log.fd, name, 0), 0);
    test_expect(&log, AUDIT_ALTERED);
    test_log_free(&log);
}

Test(body, that_stands_apart_goes_to_a_file_however_short)
{
    struct test_log log;
    struct audit_event event = test_event("policy.changed", "");
    AUTO_BUF stored = BUF_INIT(64);
    cJSON *payload;

    event.body_apart = true;
    test_log_make(&log);
    cr_assert_eq(audit_append(log.audit, &event, "{}", 2, NULL, &log.err), RESULT_OK, "%s",
                 log.err.text);
    payload = test_payload(&log);
    cr_assert_null(test_at(payload, "unmapped.georder.response"));
    test_read(&log, test_text_at(payload, "unmapped.georder.body_file"), &stored);
    cr_assert_str_eq(buf_text(&stored), "{}");
    test_expect(&log, AUDIT_INTACT);
    cJSON_Delete(payload);
    test_log_free(&log);
}
