/*
 * Attacks on a log, one a test, by someone who may write all its files: without the key, or with
 * it. What a log alone cannot tell, a checkpoint that was kept elsewhere does.
 */
#include "helper_clock.h"
#include "helper_scene.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORDER_A "0192f3a1-7b2c-7def-8123-456789abcdef"
#define ORDER_B "0192f3a1-7b2c-7def-8123-456789abcde0"
#define RECORDS 10

/* Ten records; checkpoints that an auditor has of the first five, and of all. */
struct victim {
    struct test_log log;
    struct test_lines lines;
    struct buf five, ten;
};

static void append_denied(struct test_log *log, int count)
{
    for (int i = 0; i < count; i++)
        test_append(log, "order.denied", "");
}

static void victim_make(struct victim *victim)
{
    victim->five = (struct buf)BUF_INIT(NOTE_MAX);
    victim->ten = (struct buf)BUF_INIT(NOTE_MAX);
    test_log_make(&victim->log);
    test_append(&victim->log, "order.intent", ORDER_A);
    test_append(&victim->log, "order.response", ORDER_A);
    append_denied(&victim->log, 2);
    test_read(&victim->log, "checkpoint", &victim->five);
    append_denied(&victim->log, RECORDS - 5);
    test_read(&victim->log, "checkpoint", &victim->ten);
    test_lines_read(&victim->log, &victim->lines);
    cr_assert_eq(victim->lines.count, RECORDS);
}

static void victim_free(struct victim *victim)
{
    buf_free(&victim->lines.text);
    buf_free(&victim->five);
    buf_free(&victim->ten);
    test_log_free(&victim->log);
}

static void expect_verdict(const struct audit_report *report, enum audit_verdict verdict,
                           uint64_t where)
{
    cr_assert_eq(report->verdict, verdict, "%s: %s", audit_verdict_name(report->verdict),
                 report->text);
    cr_assert_eq(report->where, where, "%zu: %s", (size_t)report->where, report->text);
}

static void expect(struct victim *victim, enum audit_verdict verdict, uint64_t where)
{
    struct audit_report report = test_verify(&victim->log);

    expect_verdict(&report, verdict, where);
}

static void expect_kept(struct test_log *log, const struct buf *kept, enum audit_verdict verdict,
                        uint64_t where)
{
    struct audit_report report = test_verify_from(log, kept);

    expect_verdict(&report, verdict, where);
}

static void expect_compared(struct test_log *log, const struct buf *kept,
                            enum audit_verdict verdict)
{
    struct audit_comparison comparison = AUDIT_COMPARISON_INIT;

    cr_assert_eq(audit_compare(log->fd, TEST_ORIGIN, log->key.kid, kept->data, kept->len,
                               &comparison, &log->err),
                 RESULT_OK, "%s", log->err.text);
    cr_assert_eq(comparison.verdict, verdict, "%s", comparison.text);
    audit_comparison_free(&comparison);
}

/* Another record of this number, by the log's key; `line` is where test_lines_write() takes it. */
static void forge(struct victim *victim, uint64_t index, const uint8_t previous[SHA256_LEN],
                  struct buf *forged, size_t line)
{
    test_forge(&victim->log, index, previous, "order.response", forged);
    victim->lines.line[line] = forged->data;
    victim->lines.len[line] = forged->len;
}

static void previous_of(const struct victim *victim, size_t line, uint8_t out[SHA256_LEN])
{
    sha256(victim->lines.line[line], victim->lines.len[line] - 1, out);
}

/* --- without the key --- */

/* The payload is another one, and the signature that which was there. */
Test(attack, edit_of_a_record)
{
    struct victim victim;
    AUTO_BUF edited = BUF_INIT(AUDIT_LINE_MAX);
    struct jws old, other;

    victim_make(&victim);
    cr_assert(jws_split(victim.lines.line[4], victim.lines.len[4] - 1, &old));
    cr_assert(jws_split(victim.lines.line[3], victim.lines.len[3] - 1, &other));
    buf_printf(&edited, "{\"payload\":\"%.*s\",\"protected\":\"%.*s\",\"signature\":\"%.*s\"}\n",
               (int)other.payload.len, other.payload.at, (int)old.protected.len, old.protected.at,
               (int)old.signature.len, old.signature.at);
    victim.lines.line[10] = edited.data;
    victim.lines.len[10] = edited.len;
    test_lines_write(&victim.log, &victim.lines, (int[]){0, 1, 2, 3, 10, 5, 6, 7, 8, 9, -1});
    expect(&victim, AUDIT_ALTERED, 4);
    victim_free(&victim);
}

Test(attack, reorder_of_two_records)
{
    struct victim victim;

    victim_make(&victim);
    test_lines_write(&victim.log, &victim.lines, (int[]){0, 1, 2, 4, 3, 5, 6, 7, 8, 9, -1});
    expect(&victim, AUDIT_ALTERED, 3);
    victim_free(&victim);
}

Test(attack, insertion_of_a_record_that_is_there_already)
{
    struct victim victim;

    victim_make(&victim);
    test_lines_write(&victim.log, &victim.lines, (int[]){0, 1, 2, 3, 4, 2, 5, 6, 7, 8, 9, -1});
    expect(&victim, AUDIT_DUPLICATE, 5);
    victim_free(&victim);
}

/* By a key that was put into keys/ for that. */
Test(attack, insertion_of_a_record_by_another_key)
{
    struct victim victim;
    struct test_key ours, foreign;
    struct key key;
    uint8_t previous[SHA256_LEN];
    char name[128];
    AUTO_BUF jwk = BUF_INIT(KEY_MAX);
    AUTO_BUF forged = BUF_INIT(AUDIT_LINE_MAX);

    victim_make(&victim);
    test_key_make(&foreign, "P-256", "ES256");
    cr_assert_eq(key_from_spki("ES256", (uint8_t *)foreign.spki.data, foreign.spki.len, &key,
                               &victim.log.err),
                 RESULT_OK);
    cr_assert_eq(key_jwk(&key, &jwk, &victim.log.err), RESULT_OK);
    (void)snprintf(name, sizeof name, "keys/%s.jwk", key.kid);
    test_write(&victim.log, name, jwk.data, jwk.len);
    ours = victim.log.key;
    victim.log.key = foreign;
    previous_of(&victim, 9, previous);
    forge(&victim, 10, previous, &forged, 10);
    test_lines_write(&victim.log, &victim.lines, (int[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -1});
    test_seal(&victim.log);
    victim.log.key = ours;
    expect(&victim, AUDIT_UNKNOWN_KEY, 10);
    expect_kept(&victim.log, &victim.ten, AUDIT_UNKNOWN_KEY, 10);
    key_free(&key);
    test_key_free(&foreign);
    victim_free(&victim);
}

Test(attack, interior_deletion)
{
    struct victim victim;

    victim_make(&victim);
    test_lines_write(&victim.log, &victim.lines, (int[]){0, 1, 2, 3, 6, 7, 8, 9, -1});
    expect(&victim, AUDIT_GAP, 4);
    expect_kept(&victim.log, &victim.five, AUDIT_GAP, 4);
    victim_free(&victim);
}

Test(attack, tail_truncation)
{
    struct victim victim;

    victim_make(&victim);
    test_lines_write(&victim.log, &victim.lines, (int[]){0, 1, 2, 3, 4, 5, 6, -1});
    expect(&victim, AUDIT_ROLLED_BACK, 7);
    victim_free(&victim);
}

/* The old checkpoint fits the old records: the log alone is intact. */
Test(attack, tail_truncation_to_an_old_checkpoint)
{
    struct victim victim;

    victim_make(&victim);
    test_lines_write(&victim.log, &victim.lines, (int[]){0, 1, 2, 3, 4, -1});
    test_write(&victim.log, "checkpoint", victim.five.data, victim.five.len);
    expect(&victim, AUDIT_INTACT, 0);
    expect_kept(&victim.log, &victim.five, AUDIT_INTACT, 0);
    expect_kept(&victim.log, &victim.ten, AUDIT_ROLLED_BACK, 5);
    expect_compared(&victim.log, &victim.ten, AUDIT_ROLLED_BACK);
    victim_free(&victim);
}

/* The whole directory as it was, and then the host goes on: longer than it ever was. */
Test(attack, rollback_of_the_whole_log)
{
    struct victim victim;
    struct test_log old;

    victim_make(&victim);
    scene_copy(&victim.log, &old);
    append_denied(&victim.log, 3);
    AUTO_BUF kept = BUF_INIT(NOTE_MAX);

    test_read(&victim.log, "checkpoint", &kept);
    test_expect(&old, AUDIT_INTACT);
    expect_kept(&old, &kept, AUDIT_ROLLED_BACK, 10);
    expect_compared(&old, &kept, AUDIT_ROLLED_BACK);
    test_log_reopen(&old);
    append_denied(&old, 5);
    test_expect(&old, AUDIT_INTACT);
    expect_kept(&old, &kept, AUDIT_FORKED, 12);
    expect_compared(&old, &kept, AUDIT_FORKED);
    expect_kept(&old, &victim.ten, AUDIT_INTACT, 0);
    scene_copy_free(&old);
    victim_free(&victim);
}

/* --- with the key --- */

/* A clone of the host: both go on, and each is a good log. */
Test(attack, fork_by_two_hosts)
{
    struct victim victim;
    struct test_log clone;
    AUTO_BUF kept = BUF_INIT(NOTE_MAX);

    victim_make(&victim);
    scene_copy(&victim.log, &clone);
    test_log_reopen(&clone);
    append_denied(&victim.log, 1);
    test_append(&clone, "order.intent", ORDER_B);
    test_append(&clone, "order.response", ORDER_B);
    test_read(&victim.log, "checkpoint", &kept);
    test_expect(&victim.log, AUDIT_INTACT);
    test_expect(&clone, AUDIT_INTACT);
    expect_kept(&victim.log, &kept, AUDIT_INTACT, 0);
    expect_kept(&clone, &kept, AUDIT_FORKED, 10);
    expect_compared(&clone, &kept, AUDIT_FORKED);
    scene_copy_free(&clone);
    victim_free(&victim);
}

/* The two are put together, so that no record is missing. */
Test(attack, fork_that_was_merged)
{
    struct victim victim;
    uint8_t previous[SHA256_LEN];
    AUTO_BUF forged = BUF_INIT(AUDIT_LINE_MAX);

    victim_make(&victim);
    previous_of(&victim, 6, previous);
    forge(&victim, 7, previous, &forged, 10);
    test_lines_write(&victim.log, &victim.lines, (int[]){0, 1, 2, 3, 4, 5, 6, 7, 10, 8, 9, -1});
    test_seal(&victim.log);
    expect(&victim, AUDIT_FORKED, 8);
    test_lines_write(&victim.log, &victim.lines, (int[]){0, 1, 2, 3, 4, 5, 6, 10, 8, 9, -1});
    test_seal(&victim.log);
    expect(&victim, AUDIT_FORKED, 8);
    victim_free(&victim);
}

/* The operator makes a history that never was, from its first record on. */
Test(attack, history_signed_again_by_the_operator)
{
    struct victim victim;
    struct test_log again;

    victim_make(&victim);
    scene_place_like(&victim.log, &again);
    cr_assert_eq(audit_create(again.fd, TEST_ORIGIN, &again.signer, &again.err), RESULT_OK);
    test_log_reopen(&again);
    append_denied(&again, RECORDS + 2);
    test_expect(&again, AUDIT_INTACT);
    expect_kept(&again, &victim.five, AUDIT_FORKED, 4);
    expect_kept(&again, &victim.ten, AUDIT_FORKED, 9);
    expect_compared(&again, &victim.five, AUDIT_FORKED);
    scene_copy_free(&again);
    victim_free(&victim);
}

/* Who got hold of the key today changes one old record, and signs again what came after. */
Test(attack, late_compromise_of_the_key)
{
    struct victim victim;
    struct test_log log;

    victim_make(&victim);
    scene_copy(&victim.log, &log);
    test_lines_write(&log, &victim.lines, (int[]){0, 1, 2, 3, 4, 5, 6, -1});
    test_seal(&log);
    test_log_reopen(&log);
    test_append(&log, "order.response", ORDER_B);
    append_denied(&log, 2);
    test_expect(&log, AUDIT_INTACT);
    expect_kept(&log, &victim.five, AUDIT_INTACT, 0);
    expect_kept(&log, &victim.ten, AUDIT_FORKED, 9);
    expect_compared(&log, &victim.ten, AUDIT_FORKED);
    scene_copy_free(&log);
    victim_free(&victim);
}

/* --- of chance --- */

static void children_append(struct test_log *log, int processes, int each)
{
    int status;

    for (int i = 0; i < processes; i++) {
        if (fork() != 0)
            continue;
        test_log_reopen(log);
        append_denied(log, each);
        _exit(42);
    }
    for (int i = 0; i < processes; i++) {
        cr_assert_gt(wait(&status), 0);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    }
}

Test(attack, two_processes_at_once_use_no_number_twice)
{
    struct victim victim;
    struct audit_report report;

    victim_make(&victim);
    children_append(&victim.log, 4, 10);
    report = test_verify_from(&victim.log, &victim.ten);
    expect_verdict(&report, AUDIT_INTACT, 0);
    cr_assert_eq(report.records, RECORDS + 40);
    victim_free(&victim);
}

/* By a writer that saw the log before another one appended. */
Test(attack, one_number_used_twice)
{
    struct victim victim;
    uint8_t previous[SHA256_LEN];
    AUTO_BUF forged = BUF_INIT(AUDIT_LINE_MAX);

    victim_make(&victim);
    previous_of(&victim, 8, previous);
    forge(&victim, 9, previous, &forged, 10);
    test_lines_write(&victim.log, &victim.lines, (int[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -1});
    expect(&victim, AUDIT_FORKED, 10);
    victim_free(&victim);
}

Test(attack, torn_write_is_no_attack)
{
    struct victim victim;

    victim_make(&victim);
    AUTO_BUF text = BUF_INIT(1024 * 1024);

    test_read(&victim.log, FIRST_SEGMENT, &text);
    buf_put(&text, victim.lines.line[9], victim.lines.len[9] / 2);
    test_write(&victim.log, FIRST_SEGMENT, text.data, text.len);
    expect(&victim, AUDIT_TORN_TAIL, RECORDS);
    test_log_reopen(&victim.log);
    append_denied(&victim.log, 1);
    expect(&victim, AUDIT_REPAIRED, 0);
    expect_kept(&victim.log, &victim.five, AUDIT_REPAIRED, 0);
    expect_kept(&victim.log, &victim.ten, AUDIT_REPAIRED, 0);
    victim_free(&victim);
}

/* Killed between intent and outcome: the intent is there, for it is made first. */
Test(attack, act_without_a_record_of_its_outcome)
{
    struct victim victim;
    struct audit_report report;

    victim_make(&victim);
    test_append(&victim.log, "order.intent", ORDER_B);
    report = test_verify(&victim.log);
    expect_verdict(&report, AUDIT_INTACT, 0);
    cr_assert_eq(report.findings, 1);
    cr_assert_eq(report.finding[0].code, AUDIT_UNCLOSED_INTENT);
    cr_assert_eq(report.finding[0].where, RECORDS);
    victim_free(&victim);
}

/* To place an order into the past, say before a freeze. */
Test(attack, clock_set_back)
{
    struct victim victim;
    struct audit_report report;

    victim_make(&victim);
    clock_shift = -7 * 86400;
    test_append(&victim.log, "order.intent", ORDER_B);
    test_append(&victim.log, "order.response", ORDER_B);
    clock_shift = 0;
    append_denied(&victim.log, 1);
    report = test_verify(&victim.log);
    expect_verdict(&report, AUDIT_INTACT, 0);
    cr_assert_eq(report.findings, 1);
    cr_assert_eq(report.finding[0].code, AUDIT_CLOCK_SET_BACK);
    cr_assert_eq(report.finding[0].where, RECORDS);
    victim_free(&victim);
}
