/* What an auditor who kept a checkpoint can tell. */
#include "helper_clock.h"
#include "helper_scene.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ORDER "0192f3a1-7b2c-7def-8123-456789abcdef"

/* With records 0 to 5, and the checkpoint of the first four. */
struct kept {
    struct test_log log;
    struct buf note;
};

static void append_some(struct test_log *log, int count)
{
    for (int i = 0; i < count; i++)
        test_append(log, "order.denied", "");
}

static void kept_make(struct kept *kept)
{
    kept->note = (struct buf)BUF_INIT(NOTE_MAX);
    test_log_make(&kept->log);
    append_some(&kept->log, 3);
    test_read(&kept->log, "checkpoint", &kept->note);
    append_some(&kept->log, 2);
}

static void kept_free(struct kept *kept)
{
    buf_free(&kept->note);
    test_log_free(&kept->log);
}

static void expect_from(struct kept *kept, enum audit_verdict verdict, uint64_t where,
                        const char *text)
{
    struct audit_report report = test_verify_from(&kept->log, &kept->note);

    cr_assert_str_eq(report.text, text);
    cr_assert_eq(report.verdict, verdict, "%s", audit_verdict_name(report.verdict));
    cr_assert_eq(report.where, where, "%zu", (size_t)report.where);
}

Test(from, a_log_that_has_grown_is_intact)
{
    struct kept kept;
    struct audit_report report;

    kept_make(&kept);
    expect_from(&kept, AUDIT_INTACT, 0,
                "all 6 records are good; the first 4 are those of the checkpoint that was kept");
    report = test_verify_from(&kept.log, &kept.note);
    cr_assert_eq(report.from_size, 4);
    cr_assert_str_eq(report.root, test_verify(&kept.log).root);
    cr_assert_str_eq(report.kid, kept.log.key.kid);
    kept_free(&kept);
}

Test(from, a_log_that_stands_still_is_intact_even_without_its_key_known)
{
    struct kept kept;
    struct audit_report report;

    kept_make(&kept);
    buf_reset(&kept.note);
    test_read(&kept.log, "checkpoint", &kept.note);
    expect_from(&kept, AUDIT_INTACT, 0,
                "all 6 records are good; the first 6 are those of the checkpoint that was kept");
    cr_assert_eq(audit_verify_with(kept.log.fd,
                                   &(struct audit_verification){.origin = TEST_ORIGIN,
                                                                .from = buf_text(&kept.note),
                                                                .from_len = kept.note.len},
                                   &report, &kept.log.err),
                 RESULT_OK);
    cr_assert_eq(report.verdict, AUDIT_INTACT);
    cr_assert_str_eq(report.kid, kept.log.key.kid);
    kept_free(&kept);
}

/* The signatures of what is covered are not looked at: this one is wrong since before the seal. */
Test(from, what_the_checkpoint_covers_is_only_hashed)
{
    struct kept kept;
    struct test_lines lines;

    kept_make(&kept);
    test_lines_read(&kept.log, &lines);
    kept.log.key.wrong = true;
    AUTO_BUF forged = BUF_INIT(AUDIT_LINE_MAX);
    uint8_t hash[SHA256_LEN], later[SHA256_LEN];

    sha256(lines.line[1], lines.len[1] - 1, hash);
    test_forge(&kept.log, 2, hash, "order.denied", &forged);
    kept.log.key.wrong = false;
    AUTO_BUF next = BUF_INIT(AUDIT_LINE_MAX);

    sha256(forged.data, forged.len - 1, later);
    test_forge(&kept.log, 3, later, "order.denied", &next);
    lines.line[6] = forged.data;
    lines.len[6] = forged.len;
    lines.line[7] = next.data;
    lines.len[7] = next.len;
    test_lines_write(&kept.log, &lines, (int[]){0, 1, 6, -1});
    test_seal(&kept.log);
    buf_reset(&kept.note);
    test_read(&kept.log, "checkpoint", &kept.note);
    test_lines_write(&kept.log, &lines, (int[]){0, 1, 6, 7, -1});
    test_seal(&kept.log);
    expect_from(&kept, AUDIT_INTACT, 0,
                "all 4 records are good; the first 3 are those of the checkpoint that was kept");
    test_expect(&kept.log, AUDIT_ALTERED);
    buf_free(&lines.text);
    kept_free(&kept);
}

static void exchange(struct kept *kept, uint64_t index, bool well_signed)
{
    struct test_lines lines;
    uint8_t previous[SHA256_LEN] = {0};
    AUTO_BUF forged = BUF_INIT(AUDIT_LINE_MAX);
    int which[] = {0, 1, 2, 3, 4, 5, -1};

    test_lines_read(&kept->log, &lines);
    sha256(lines.line[index - 1], lines.len[index - 1] - 1, previous);
    kept->log.key.wrong = !well_signed;
    test_forge(&kept->log, index, previous, "order.response", &forged);
    kept->log.key.wrong = false;
    lines.line[6] = forged.data;
    lines.len[6] = forged.len;
    which[index] = 6;
    test_lines_write(&kept->log, &lines, which);
    buf_free(&lines.text);
}

Test(from, an_altered_record_is_found_on_either_side_and_named)
{
    struct kept kept;

    kept_make(&kept);
    exchange(&kept, 1, false);
    expect_from(&kept, AUDIT_ALTERED, 1, "record 1 does not fit its signature");
    kept_free(&kept);
    kept_make(&kept);
    exchange(&kept, 5, false);
    expect_from(&kept, AUDIT_ALTERED, 5, "record 5 does not fit its signature");
    kept_free(&kept);
}

/* The chain reaches over to what is only hashed. */
Test(from, the_first_new_record_must_follow_the_last_kept_one)
{
    struct kept kept;
    struct test_lines lines;
    uint8_t previous[SHA256_LEN] = {1};
    AUTO_BUF forged = BUF_INIT(AUDIT_LINE_MAX);

    kept_make(&kept);
    test_lines_read(&kept.log, &lines);
    test_forge(&kept.log, 4, previous, "order.denied", &forged);
    lines.line[6] = forged.data;
    lines.len[6] = forged.len;
    test_lines_write(&kept.log, &lines, (int[]){0, 1, 2, 3, 6, -1});
    test_seal(&kept.log);
    expect_from(
        &kept, AUDIT_FORKED, 4,
        "record 4 is well signed, but it followed another record 3 than the one that is there");
    buf_free(&lines.text);
    kept_free(&kept);
}

Test(from, a_log_that_was_cut_back_is_rolled_back)
{
    struct kept kept;
    struct test_lines lines;

    kept_make(&kept);
    test_lines_read(&kept.log, &lines);
    test_lines_write(&kept.log, &lines, (int[]){0, 1, -1});
    test_seal(&kept.log);
    test_expect(&kept.log, AUDIT_INTACT);
    expect_from(&kept, AUDIT_ROLLED_BACK, 2,
                "the checkpoint that was kept is of 4 records, but only 2 are there");
    buf_free(&lines.text);
    kept_free(&kept);
}

static void expect_refused(struct kept *kept, enum audit_verdict verdict, const char *why)
{
    struct audit_report report = test_verify_from(&kept->log, &kept->note);

    cr_assert_eq(report.verdict, verdict, "%s: %s", audit_verdict_name(report.verdict),
                 report.text);
    cr_assert_not_null(strstr(report.text, why), "%s", report.text);
    cr_assert_not_null(strstr(report.text, "the log was not looked at"), "%s", report.text);
    cr_assert_eq(report.records, 0);
    cr_assert_eq(report.findings, 1);
}

Test(from, a_bad_checkpoint_accuses_itself_and_not_the_log)
{
    struct kept kept;
    struct test_key foreign, ours;

    kept_make(&kept);
    kept.note.data[strlen(TEST_ORIGIN) + 1] = '3';
    expect_refused(&kept, AUDIT_ALTERED, "carries a wrong signature");
    buf_reset(&kept.note);
    buf_puts(&kept.note, "nothing");
    expect_refused(&kept, AUDIT_MALFORMED, "kept");
    buf_reset(&kept.note);
    expect_refused(&kept, AUDIT_MALFORMED, "kept");
    test_key_make(&foreign, "P-256", "ES256");
    ours = kept.log.key;
    AUTO_BUF true_note = BUF_INIT(NOTE_MAX);

    test_read(&kept.log, "checkpoint", &true_note);
    kept.log.key = foreign;
    test_seal(&kept.log);
    kept.log.key = ours;
    buf_reset(&kept.note);
    test_read(&kept.log, "checkpoint", &kept.note);
    test_write(&kept.log, "checkpoint", true_note.data, true_note.len);
    expect_refused(&kept, AUDIT_UNKNOWN_KEY, "key");
    test_expect(&kept.log, AUDIT_INTACT);
    test_key_free(&foreign);
    kept_free(&kept);
}

Test(from, over_segments_and_many_records_names_the_same_root)
{
    struct kept kept;
    struct audit_report report;

    kept.note = (struct buf)BUF_INIT(NOTE_MAX);
    test_log_make(&kept.log);
    kept.log.audit->segment_max = 20000;
    append_some(&kept.log, 299);
    test_read(&kept.log, "checkpoint", &kept.note);
    append_some(&kept.log, 300);
    report = test_verify_from(&kept.log, &kept.note);
    cr_assert_eq(report.verdict, AUDIT_INTACT, "%s", report.text);
    cr_assert_eq(report.from_size, 300);
    cr_assert_str_eq(report.root, test_verify(&kept.log).root);
    kept_free(&kept);
}

Test(from, a_segment_with_a_wrong_name_is_found_in_what_is_only_hashed)
{
    struct kept kept;

    kept.note = (struct buf)BUF_INIT(NOTE_MAX);
    test_log_make(&kept.log);
    kept.log.audit->segment_max = 1;
    append_some(&kept.log, 3);
    test_read(&kept.log, "checkpoint", &kept.note);
    cr_assert_eq(renameat(kept.log.fd, "records/000000000003.jsonl", kept.log.fd,
                          "records/000000000007.jsonl"),
                 0);
    expect_from(&kept, AUDIT_ALTERED, 3,
                "record 3 begins a file in records/ that is named by another number");
    kept_free(&kept);
}

struct steps {
    uint64_t calls, done, total;
};

static void step(void *context, uint64_t done, uint64_t total)
{
    struct steps *steps = context;

    cr_assert_geq(done, steps->done);
    *steps = (struct steps){steps->calls + 1, done, total};
}

Test(progress, never_goes_back_and_ends_with_all_records)
{
    struct test_log log;
    struct audit_report report;
    struct steps steps = {0};

    test_log_make(&log);
    append_some(&log, 499);
    cr_assert_eq(audit_verify_with(log.fd,
                                   &(struct audit_verification){
                                       .origin = TEST_ORIGIN, .progress = step, .context = &steps},
                                   &report, &log.err),
                 RESULT_OK);
    cr_assert_eq(report.verdict, AUDIT_INTACT);
    cr_assert_geq(steps.calls, 500 / CHUNK_LINES);
    cr_assert_eq(steps.done, 500);
    cr_assert_eq(steps.total, 500);
    test_log_free(&log);
}
