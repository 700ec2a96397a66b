/* Histories in which nothing bad happened: none may be accused, from no checkpoint that was kept.
 */
#include "helper_clock.h"
#include "helper_scene.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ORDER_A "0192f3a1-7b2c-7def-8123-456789abcdef"
#define ORDER_B "0192f3a1-7b2c-7def-8123-456789abcde0"
#define KEPT    64

struct history {
    struct test_log log;
    struct buf kept[KEPT]; /* some of its checkpoints */
    size_t count;
};

static void history_keep(struct history *history)
{
    cr_assert_lt(history->count, KEPT);
    history->kept[history->count] = (struct buf)BUF_INIT(NOTE_MAX);
    test_read(&history->log, "checkpoint", &history->kept[history->count++]);
}

static void history_begin(struct history *history)
{
    history->count = 0;
    test_log_make(&history->log);
    history_keep(history);
}

static void history_append(struct history *history, const char *event, const char *order)
{
    test_append(&history->log, event, order);
    history_keep(history);
}

static void expect_good(const struct audit_report *report, enum audit_verdict verdict,
                        const char *of)
{
    cr_assert_eq(report->verdict, verdict, "%s: %s: %s", of, audit_verdict_name(report->verdict),
                 report->text);
    cr_assert_eq(report->where, 0);
    cr_assert_eq(report->findings, 0, "%s: %s", of, report->finding[0].text);
}

/* With and without a key to trust; and from each kept checkpoint, through verify and compare. */
static void history_expect(struct history *history, enum audit_verdict verdict)
{
    struct test_log *log = &history->log;
    struct audit_report report = test_verify(log);

    expect_good(&report, verdict, "trusted");
    cr_assert_eq(audit_verify(log->fd, TEST_ORIGIN, NULL, &report, &log->err), RESULT_OK);
    expect_good(&report, verdict, "by any key");
    for (size_t i = 0; i < history->count; i++) {
        struct audit_comparison comparison = AUDIT_COMPARISON_INIT;
        const struct buf *kept = &history->kept[i];

        report = test_verify_from(log, kept);
        cr_assert(audit_verdict_good(report.verdict), "%s", report.text);
        expect_good(&report, report.verdict, "from");
        cr_assert_eq(audit_compare(log->fd, TEST_ORIGIN, NULL, kept->data, kept->len, &comparison,
                                   &log->err),
                     RESULT_OK, "%s", log->err.text);
        cr_assert_eq(comparison.verdict, AUDIT_INTACT, "%s", comparison.text);
        audit_comparison_free(&comparison);
    }
}

static void history_end(struct history *history, enum audit_verdict verdict)
{
    history_expect(history, verdict);
    while (history->count > 0)
        buf_free(&history->kept[--history->count]);
    test_log_free(&history->log);
}

Test(history, of_one_record)
{
    struct history history;

    history_begin(&history);
    history_end(&history, AUDIT_INTACT);
}

Test(history, of_orders_that_overlap)
{
    struct history history;

    history_begin(&history);
    history_append(&history, "order.intent", ORDER_A);
    history_append(&history, "order.intent", ORDER_B);
    history_append(&history, "order.response", ORDER_B);
    history_append(&history, "order.not_sent", ORDER_A);
    history_append(&history, "order.intent", ORDER_A);
    history_append(&history, "order.unknown", ORDER_A);
    history_append(&history, "pack.delete", ORDER_A);
    history_append(&history, "pack.deleted", ORDER_A);
    history_end(&history, AUDIT_INTACT);
}

Test(history, of_a_segment_a_record)
{
    struct history history;

    history_begin(&history);
    history.log.audit->segment_max = 1;
    for (int i = 0; i < 20; i++)
        history_append(&history, "order.denied", "");
    history_end(&history, AUDIT_INTACT);
}

/* Around what a tile holds, and a piece of the reader. */
Test(history, of_every_size_around_a_full_tile)
{
    struct history history;

    history_begin(&history);
    for (int size = 2; size <= 516; size++) {
        test_append(&history.log, "order.denied", "");
        if (size % 64 < 2 || size % 256 < 3)
            history_keep(&history);
        if (size % 256 < 3)
            history_expect(&history, AUDIT_INTACT);
    }
    history_end(&history, AUDIT_INTACT);
}

Test(history, of_answers_of_every_kind)
{
    static char body[200000];
    static const size_t sizes[] = {0, 1, 1000, 40000, 50000, 100000, sizeof body};
    struct history history;
    struct audit_event event = test_event("order.response", ORDER_A);

    history_begin(&history);
    for (int fill = 'x'; fill >= 0; fill -= 'x') {
        memset(body, fill, sizeof body);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            cr_assert_eq(
                audit_append(history.log.audit, &event, body, sizes[i], NULL, &history.log.err),
                RESULT_OK, "%s", history.log.err.text);
            history_keep(&history);
        }
    }
    history_end(&history, AUDIT_INTACT);
}

/* Every writer a process that knows nothing of the one before. */
Test(history, of_many_writers)
{
    struct history history;

    history_begin(&history);
    for (int i = 0; i < 20; i++) {
        test_log_reopen(&history.log);
        history_append(&history, "order.denied", "");
    }
    history_end(&history, AUDIT_INTACT);
}

static void tear(struct history *history)
{
    AUTO_FD fd = openat(history->log.fd, FIRST_SEGMENT, O_WRONLY | O_APPEND | O_CLOEXEC);

    cr_assert_eq(write(fd, "{\"payload\":\"e", 13), 13);
}

Test(history, of_writes_that_were_torn_and_repaired)
{
    struct history history;

    history_begin(&history);
    for (int i = 0; i < 5; i++) {
        tear(&history);
        test_log_reopen(&history.log);
        history_append(&history, "order.denied", "");
    }
    history_end(&history, AUDIT_REPAIRED);
}

/* A power cut behind the record and before its checkpoint, of which the next append makes good. */
Test(history, of_a_record_that_was_anchored_late)
{
    struct history history;

    history_begin(&history);
    history_append(&history, "order.denied", "");
    test_append(&history.log, "order.denied", "");
    test_write(&history.log, "checkpoint", history.kept[1].data, history.kept[1].len);
    test_expect(&history.log, AUDIT_UNANCHORED_TAIL);
    test_log_reopen(&history.log);
    history_append(&history, "order.denied", "");
    history_end(&history, AUDIT_INTACT);
}

Test(history, of_tiles_that_were_lost_or_spoiled)
{
    struct history history;

    history_begin(&history);
    history_append(&history, "order.denied", "");
    test_write(&history.log, "tile/0/000.p/2", "spoiled", 7);
    history_expect(&history, AUDIT_INTACT);
    cr_assert_eq(unlinkat(history.log.fd, "tile/0/000.p/2", 0), 0);
    history_expect(&history, AUDIT_INTACT);
    test_log_reopen(&history.log);
    history_append(&history, "order.denied", "");
    history_end(&history, AUDIT_INTACT);
}

/* What others leave in a directory: an editor's copy, a key of another log, no lock. */
Test(history, of_files_that_are_not_the_logs)
{
    struct history history;
    struct test_key foreign;
    char name[128];

    history_begin(&history);
    history_append(&history, "order.denied", "");
    test_key_make(&foreign, "P-256", "ES256");
    (void)snprintf(name, sizeof name, "keys/%s.jwk", foreign.kid);
    test_write(&history.log, name, "{}", 2);
    test_write(&history.log, "records/000000000000.jsonl~", "x", 1);
    test_write(&history.log, "checkpoint~", "x", 1);
    test_write(&history.log, "bodies/left", "x", 1);
    cr_assert_eq(unlinkat(history.log.fd, "lock", 0), 0);
    test_key_free(&foreign);
    history_end(&history, AUDIT_INTACT);
}

/* georder-audit(5): with the checkpoint first, a copy verifies though it is being appended to. */
Test(history, of_a_copy_that_was_made_with_the_checkpoint_first)
{
    struct history history;
    struct audit_report report;

    history_begin(&history);
    history_append(&history, "order.denied", "");
    AUTO_BUF note = BUF_INIT(NOTE_MAX);

    test_read(&history.log, "checkpoint", &note);
    history_append(&history, "order.denied", "");
    test_write(&history.log, "checkpoint", note.data, note.len);
    report = test_verify(&history.log);
    cr_assert_eq(report.verdict, AUDIT_UNANCHORED_TAIL);
    cr_assert_eq(report.findings, 1);
    history.count = 2; /* the third is of what is not anchored here */
    for (size_t i = 0; i < history.count; i++)
        cr_assert_eq(test_verify_from(&history.log, &history.kept[i]).verdict,
                     AUDIT_UNANCHORED_TAIL);
    buf_free(&history.kept[2]);
    buf_free(&history.kept[0]);
    buf_free(&history.kept[1]);
    test_log_free(&history.log);
}

Test(history, of_a_clock_that_was_set_forward)
{
    struct history history;

    history_begin(&history);
    for (int i = 0; i < 5; i++) {
        clock_shift += 40000000;
        history_append(&history, "order.denied", "");
    }
    history_end(&history, AUDIT_INTACT);
}

/* All states that a crash can leave, and an append after it. */
Test(history, of_every_scene_that_went_on)
{
    for (size_t i = 0; i < scene_count; i++) {
        struct test_log log;
        struct audit_report report;

        scene_make(&scenes[i], &log);
        cr_assert_eq(scene_act(&scenes[i], &log), RESULT_OK, "%s: %s", scenes[i].name,
                     log.err.text);
        report = test_verify(&log);
        cr_assert(audit_verdict_good(report.verdict), "%s: %s", scenes[i].name, report.text);
        for (size_t f = 0; f < report.findings && f < AUDIT_FINDINGS_MAX; f++)
            cr_assert_eq(report.finding[f].code, AUDIT_UNCLOSED_INTENT, "%s: %s", scenes[i].name,
                         report.finding[f].text);
        audit_close(&log.audit);
        test_log_free(&log);
    }
}
