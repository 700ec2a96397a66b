/* A small log, and a log of ten records, cut at every length. */
#include "helper_memo.h"
#include "helper_ten.h"

#include <string.h>
#include <unistd.h>

#define ORDER "0192f3a1-7b2c-7def-8123-456789abcdef"

/* Sanitizers make it slow: then some of the lengths must do. */
#define STEP (GEORDER_SANITIZED ? 37 : 1)

static void make_four(struct test_log *log)
{
    test_log_make(log);
    test_append(log, "order.intent", ORDER);
    test_append(log, "order.response", ORDER);
    test_append(log, "order.denied", "");
}

/* Whole records behind which the checkpoint of `sealed` records stands, cut to len bytes. */
static void expect_cut(struct test_log *log, const struct test_lines *lines, size_t len,
                       uint64_t sealed)
{
    struct audit_report report;
    uint64_t whole = 0;
    size_t at = 0;
    enum audit_verdict truth;

    while (whole < lines->count && at + lines->len[whole] <= len)
        at += lines->len[whole++];
    truth = whole < sealed   ? AUDIT_ROLLED_BACK
            : at != len      ? AUDIT_TORN_TAIL
            : whole > sealed ? AUDIT_UNANCHORED_TAIL
                             : AUDIT_INTACT;
    test_write(log, FIRST_SEGMENT, lines->text.data, len);
    report = test_verify(log);
    cr_assert_eq(report.verdict, truth, "%zu bytes, %zu sealed: %s", len, (size_t)sealed,
                 report.text);
    cr_assert_eq(report.records, whole);
}

static void cut_everywhere(size_t sealed)
{
    struct test_log log;
    struct test_lines lines;
    char body[128], key[128];
    size_t bytes = 0;

    memo.on = true;
    ten_make(&log, body, key);
    test_lines_read(&log, &lines);
    for (size_t i = 0; i < sealed; i++)
        bytes += lines.len[i];
    test_write(&log, FIRST_SEGMENT, lines.text.data, bytes);
    test_seal(&log);
    for (size_t len = 0; len <= lines.text.len; len += STEP)
        expect_cut(&log, &lines, len, sealed);
    buf_free(&lines.text);
    test_log_free(&log);
}

Test(cut, at_any_length_gets_the_true_verdict)
{
    cut_everywhere(TEN);
}

Test(cut, at_any_length_gets_the_true_verdict_by_an_older_checkpoint)
{
    cut_everywhere(2);
}

static void cut_file(struct test_log *log, const char *name)
{
    AUTO_BUF text = BUF_INIT(100000);

    test_read(log, name, &text);
    for (size_t len = 0; len < text.len; len++) {
        test_write(log, name, text.data, len);
        cr_assert_not(audit_verdict_good(test_verify(log).verdict), "%s cut to %zu", name, len);
    }
    test_write(log, name, text.data, text.len);
    test_expect(log, AUDIT_INTACT);
    cr_assert_eq(unlinkat(log->fd, name, 0), 0);
    cr_assert_not(audit_verdict_good(test_verify(log).verdict), "without %s", name);
    test_write(log, name, text.data, text.len);
}

Test(cut, of_any_other_file_at_any_length_is_noticed)
{
    struct test_log log;
    char body[128], key[128];

    memo.on = true;
    ten_make(&log, body, key);
    cut_file(&log, "checkpoint");
    cut_file(&log, key);
    cut_file(&log, body);
    test_log_free(&log);
}

/* A crash at any byte of an append: the next append repairs, and says so. */
Test(cut, of_a_write_is_repaired_at_any_length)
{
    struct test_log log;
    struct test_lines lines;
    size_t sealed;

    make_four(&log);
    test_lines_read(&log, &lines);
    sealed = lines.text.len - lines.len[3];
    for (size_t len = sealed; len <= lines.text.len; len += 13) {
        test_write(&log, FIRST_SEGMENT, lines.text.data, sealed);
        test_seal(&log);
        test_write(&log, FIRST_SEGMENT, lines.text.data, len);
        test_append(&log, "order.denied", "");
        test_expect(&log, len == sealed || len == lines.text.len ? AUDIT_INTACT : AUDIT_REPAIRED);
        cr_assert_eq(test_verify(&log).records, len == sealed ? 4 : 5, "%zu", len);
    }
    buf_free(&lines.text);
    test_log_free(&log);
}
