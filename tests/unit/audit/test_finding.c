/* What verify tells beside its verdict, and does not tell. */
#include "helper_clock.h"
#include "helper_log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ORDER_A "0192f3a1-7b2c-7def-8123-456789abcdef"
#define ORDER_B "0192f3a1-7b2c-7def-8123-456789abcde0"

static void expect_finding(const struct audit_report *report, size_t i, enum audit_verdict code,
                           uint64_t where, const char *text)
{
    cr_assert_lt(i, report->findings);
    cr_assert_str_eq(report->finding[i].text, text);
    cr_assert_eq(report->finding[i].code, code);
    cr_assert_eq(report->finding[i].where, where);
}

Test(finding, none_in_a_log_without_any)
{
    struct test_log log;

    test_log_make(&log);
    test_append(&log, "order.intent", ORDER_A);
    test_append(&log, "order.response", ORDER_A);
    cr_assert_eq(test_verify(&log).findings, 0);
    test_append(&log, "log.repaired", "");
    cr_assert_eq(test_verify(&log).verdict, AUDIT_REPAIRED);
    cr_assert_eq(test_verify(&log).findings, 0);
    test_log_free(&log);
}

Test(unclosed, an_intent_is_a_finding_and_the_log_stays_good)
{
    struct test_log log;
    struct audit_report report;

    test_log_make(&log);
    test_append(&log, "order.intent", ORDER_A);
    test_append(&log, "order.intent", ORDER_B);
    test_append(&log, "order.response", ORDER_A);
    report = test_verify(&log);
    cr_assert_eq(report.verdict, AUDIT_INTACT);
    cr_assert_eq(report.findings, 1);
    expect_finding(&report, 0, AUDIT_UNCLOSED_INTENT, 2,
                   "no outcome is recorded of the intent in record 2, of " ORDER_B);
    cr_assert_leq(report.finding[0].time, clock_now());
    cr_assert_geq(report.finding[0].time, clock_now() - 60000);
    test_append(&log, "order.not_sent", ORDER_B);
    cr_assert_eq(test_verify(&log).findings, 0);
    test_log_free(&log);
}

Test(unclosed, every_kind_of_intent_is_closed_by_each_of_its_outcomes)
{
    static const char *const kinds[][5] = {
        {"order.intent", "order.response", "order.unknown", "order.not_sent", NULL},
        {"pack.delete", "pack.deleted", "pack.not_deleted", "pack.unknown", NULL},
        {"credential.change", "credential.changed", "credential.unchanged", "credential.unknown",
         NULL},
        {"keystore.change", "keystore.changed", "keystore.unchanged", "keystore.unknown", NULL}};
    struct test_log log;

    test_log_make(&log);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        for (size_t o = 1; kinds[k][o] != NULL; o++) {
            test_append(&log, kinds[k][0], ORDER_A);
            cr_assert_eq(test_verify(&log).unclosed, 1, "%s", kinds[k][0]);
            test_append(&log, kinds[k][o], ORDER_A);
            cr_assert_eq(test_verify(&log).unclosed, 0, "%s", kinds[k][o]);
        }
    }
    test_log_free(&log);
}

/* The oldest are listed, in their order, whatever their ids are. */
Test(unclosed, many_intents_are_counted_and_the_oldest_are_listed)
{
    struct test_log log;
    struct audit_report report;
    char order[UUID_LEN + 1];

    test_log_make(&log);
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(order, sizeof order, "0192f3a1-7b2c-7def-8123-4567%08x", i * 2654435761U);
        test_append(&log, "order.intent", order);
    }
    report = test_verify(&log);
    cr_assert_eq(report.findings, 40);
    cr_assert_eq(report.unclosed, 40);
    cr_assert_eq(report.unclosed_first, 1);
    for (size_t i = 0; i < AUDIT_FINDINGS_MAX; i++)
        cr_assert_eq(report.finding[i].where, i + 1);
    test_log_free(&log);
}

/* The outcome may stand behind the fault, or have been what was cut off. */
Test(unclosed, is_not_told_of_a_log_whose_end_is_not_known)
{
    struct test_log log;
    struct test_lines lines;
    struct audit_report report;

    test_log_make(&log);
    test_append(&log, "order.intent", ORDER_A);
    test_append(&log, "order.denied", "");
    test_append(&log, "order.response", ORDER_A);
    test_lines_read(&log, &lines);
    test_lines_write(&log, &lines, (int[]){0, 1, 3, -1});
    report = test_verify(&log);
    cr_assert_eq(report.verdict, AUDIT_GAP);
    cr_assert_eq(report.unclosed, 0);
    cr_assert_eq(report.findings, 1);
    test_lines_write(&log, &lines, (int[]){0, 1, 2, -1});
    report = test_verify(&log);
    cr_assert_eq(report.verdict, AUDIT_ROLLED_BACK);
    cr_assert_eq(report.findings, 1);
    buf_free(&lines.text);
    test_log_free(&log);
}

Test(unclosed, is_told_of_a_log_with_a_torn_tail)
{
    struct test_log log;
    struct test_lines lines;
    struct audit_report report;

    test_log_make(&log);
    test_append(&log, "order.intent", ORDER_A);
    test_append(&log, "order.response", ORDER_A);
    test_lines_read(&log, &lines);
    test_write(&log, FIRST_SEGMENT, lines.text.data, lines.text.len - 1);
    cr_assert_eq(test_verify(&log).verdict, AUDIT_ROLLED_BACK);
    test_lines_write(&log, &lines, (int[]){0, -1});
    test_seal(&log);
    test_write(&log, FIRST_SEGMENT, lines.text.data, lines.text.len - 1);
    report = test_verify(&log);
    cr_assert_eq(report.verdict, AUDIT_TORN_TAIL);
    cr_assert_eq(report.findings, 3);
    cr_assert_eq(report.finding[0].code, AUDIT_TORN_TAIL);
    cr_assert_eq(report.finding[1].code, AUDIT_UNANCHORED_TAIL);
    cr_assert_eq(report.finding[2].code, AUDIT_UNCLOSED_INTENT);
    buf_free(&lines.text);
    test_log_free(&log);
}

Test(finding, of_each_fault_that_was_seen_the_verdict_first)
{
    struct test_log log;
    struct test_lines lines;
    struct audit_report report;
    AUTO_BUF note = BUF_INIT(NOTE_MAX);

    test_log_make(&log);
    test_append(&log, "order.denied", "");
    test_append(&log, "order.denied", "");
    test_lines_read(&log, &lines);
    test_lines_write(&log, &lines, (int[]){0, 2, -1});
    test_read(&log, "checkpoint", &note);
    note.data[strlen(TEST_ORIGIN) + 1] = '9';
    test_write(&log, "checkpoint", note.data, note.len);
    report = test_verify(&log);
    cr_assert_eq(report.verdict, AUDIT_GAP);
    cr_assert_eq(report.where, 1);
    cr_assert_eq(report.findings, 2);
    expect_finding(&report, 0, AUDIT_GAP, 1, report.text);
    expect_finding(&report, 1, AUDIT_ALTERED, 1, "the checkpoint does not fit its signature");
    buf_free(&lines.text);
    test_log_free(&log);
}

Test(clock, set_back_is_said_by_the_record_and_found)
{
    struct test_log log;
    struct test_lines lines;
    struct audit_report report;
    AUTO_BUF payload = BUF_INIT(AUDIT_LINE_MAX);
    struct jws jws;

    test_log_make(&log);
    test_append(&log, "order.denied", "");
    clock_shift = -86400;
    test_append(&log, "order.denied", "");
    test_append(&log, "order.denied", "");
    report = test_verify(&log);
    cr_assert_eq(report.verdict, AUDIT_INTACT);
    cr_assert_eq(report.findings, 1);
    cr_assert_eq(report.finding[0].code, AUDIT_CLOCK_SET_BACK);
    cr_assert_eq(report.finding[0].where, 2);
    cr_assert_not_null(strstr(report.finding[0].text, "record 2 was made 86"), "%s",
                       report.finding[0].text);
    test_lines_read(&log, &lines);
    for (size_t i = 0; i < lines.count; i++) {
        cr_assert(jws_split(lines.line[i], lines.len[i] - 1, &jws));
        buf_reset(&payload);
        cr_assert(base64url_get(jws.payload.at, jws.payload.len, &payload));
        cr_assert_eq(strstr(buf_text(&payload), "\"clock_set_back_ms\":86") != NULL, i == 2);
    }
    buf_free(&lines.text);
    test_log_free(&log);
}

/* By a process that did not see the record before. */
Test(clock, set_back_is_said_by_another_process_too)
{
    struct test_log log;
    struct test_lines lines;
    AUTO_BUF payload = BUF_INIT(AUDIT_LINE_MAX);
    struct jws jws;

    test_log_make(&log);
    clock_shift = -3600;
    test_log_reopen(&log);
    test_append(&log, "order.denied", "");
    test_lines_read(&log, &lines);
    cr_assert(jws_split(lines.line[1], lines.len[1] - 1, &jws));
    cr_assert(base64url_get(jws.payload.at, jws.payload.len, &payload));
    cr_assert_not_null(strstr(buf_text(&payload), "\"clock_set_back_ms\":3"));
    buf_free(&lines.text);
    test_log_free(&log);
}

Test(clock, set_forward_is_nothing_and_its_correction_is_told)
{
    struct test_log log;
    struct audit_report report;

    test_log_make(&log);
    clock_shift = 86400;
    test_append(&log, "order.denied", "");
    cr_assert_eq(test_verify(&log).findings, 0);
    clock_shift = 0;
    test_append(&log, "order.denied", "");
    report = test_verify(&log);
    cr_assert_eq(report.findings, 1);
    cr_assert_eq(report.finding[0].code, AUDIT_CLOCK_SET_BACK);
    test_log_free(&log);
}

Test(clock, of_a_record_cannot_be_given_by_who_appends)
{
    struct test_log log;
    struct audit_event event = test_event("order.denied", "");
    AUTO_JSON *detail = cJSON_Parse("{\"clock_set_back_ms\":1}");

    test_log_make(&log);
    event.detail = detail;
    cr_assert_eq(audit_append(log.audit, &event, NULL, 0, NULL, &log.err), RESULT_INTERNAL);
    test_log_free(&log);
}

/* The rotation stands behind the fault: whose turn it was at the checkpoint is not known. */
Test(finding, a_fault_before_a_rotation_accuses_no_key)
{
    struct test_log log;
    struct test_heir heir;
    struct test_lines lines;
    struct audit_report report;

    test_log_make(&log);
    test_append(&log, "order.denied", "");
    test_heir_make(&heir, "P-256", "ES256");
    cr_assert_eq(test_rotate(&log, &heir), RESULT_OK, "%s", log.err.text);
    test_append(&log, "order.denied", "");
    test_lines_read(&log, &lines);
    lines.text.data[lines.len[0] + lines.len[1] / 4] ^= 1;
    test_lines_write(&log, &lines, (int[]){0, 1, 2, 3, -1});
    const char *const kid[] = {NULL, log.key.kid, heir.key.kid};

    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(audit_verify(log.fd, TEST_ORIGIN, kid[i], &report, &log.err), RESULT_OK);
        cr_assert_eq(report.where, 1);
        cr_assert_eq(report.findings, 1, "%zu: %s", i, report.finding[1].text);
    }
    buf_free(&lines.text);
    test_heir_free(&heir);
    test_log_free(&log);
}
