/* A small log, cut at every length. */
#include "helper_log.h"

#include <string.h>

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

Test(cut, at_any_length_gets_the_true_verdict)
{
    struct test_log log;
    struct test_lines lines;

    make_four(&log);
    test_lines_read(&log, &lines);
    for (size_t len = 0; len <= lines.text.len; len += STEP)
        expect_cut(&log, &lines, len, 4);
    test_write(&log, FIRST_SEGMENT, lines.text.data, lines.len[0] + lines.len[1]);
    test_seal(&log);
    for (size_t len = 0; len <= lines.text.len; len += STEP)
        expect_cut(&log, &lines, len, 2);
    buf_free(&lines.text);
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
