/* What the retired key of a log can still sign, against who trusts the key that came after it. */
#include "helper_handed.h"

#include <stdio.h>
#include <string.h>

#include "receipt.h"

/* The first two records, the second by whoever got hold of the retired key, and sealed by it; and
 * behind them what the log has in truth. */
static void forge_the_past(struct test_log *log, struct test_lines *lines, struct buf *forged)
{
    uint8_t previous[SHA256_LEN];

    test_lines_read(log, lines);
    sha256(lines->line[0], lines->len[0] - 1, previous);
    test_forge(log, 1, previous, "order.response", forged);
    lines->line[1] = forged->data;
    lines->len[1] = forged->len;
    test_lines_write(log, lines, (int[]){0, 1, -1});
    test_seal(log);
    test_lines_write(log, lines, (int[]){0, 1, 2, 3, 4, -1});
}

static void extra_put(struct buf *extra, const struct test_lines *lines, const struct receipt *real)
{
    buf_put(extra, lines->line[1], lines->len[1]);
    for (size_t i = 0; i < real->keys; i++)
        buf_put(extra, real->jwk[i].at, real->jwk[i].len);
    buf_put(extra, real->rotation[0].at, real->rotation[0].len);
    buf_putc(extra, '\n');
}

/* Every receipt carries the rotation: to what it leads is known to all, and old checkpoints are by
 * the old key. */
Test(retired, key_signs_a_receipt_of_before_its_rotation)
{
    struct test_log log;
    struct test_heir heir;
    struct test_lines lines;
    AUTO_BUF forged = BUF_INIT(AUDIT_LINE_MAX), text = BUF_INIT(AUDIT_RECEIPT_MAX);
    AUTO_BUF note = BUF_INIT(NOTE_MAX);
    AUTO_RECEIPT real = RECEIPT_INIT, receipt = RECEIPT_INIT;
    struct hasher hasher;
    char why[512];

    test_handed_make(&log, &heir);
    cr_assert_eq(audit_prove(log.fd, TEST_ORIGIN, NULL, 1, &text, &log.err), RESULT_OK);
    cr_assert(receipt_parse(text.data, text.len, &real));
    forge_the_past(&log, &lines, &forged);
    test_read(&log, "checkpoint", &note);
    extra_put(&receipt.extra, &lines, &real);
    receipt.index = receipt.proof.count = 1;
    receipt.note = note.data;
    receipt.note_len = note.len;
    cr_assert_eq(hasher_open(&hasher, "SHA256", &log.err), RESULT_OK);
    tree_leaf(&hasher, lines.line[0], lines.len[0] - 1, receipt.proof.hash[0]);
    hasher_close(&hasher);
    cr_assert_eq(receipt_put(&receipt, &text, &log.err), RESULT_OK);
    cr_assert_eq(test_receipt_verdict(&text, heir.key.kid, why), AUDIT_UNKNOWN_KEY, "%s", why);
    cr_assert_not_null(strstr(why, "cannot answer for"), "%s", why);
    /* Who trusts the key that forged it has nothing to hold against it. */
    cr_assert_eq(test_receipt_verdict(&text, log.key.kid, why), AUDIT_INTACT, "%s", why);
    buf_free(&lines.text);
    test_handed_free(&log, &heir);
}

/* The same, in the log: only verify goes along the chain. */
Test(retired, key_signs_a_checkpoint_of_before_its_rotation)
{
    struct test_log log;
    struct test_heir heir;
    struct test_lines lines;
    AUTO_BUF forged = BUF_INIT(AUDIT_LINE_MAX), text = BUF_INIT(AUDIT_RECEIPT_MAX);
    AUTO_BUF note = BUF_INIT(NOTE_MAX);
    struct audit_checkpoint checkpoint;
    struct audit_report verified;
    struct export_report report;
    size_t len = 0;
    struct export_wish wish = {
        .format = EXPORT_JSONL, .until = INT64_MAX, .write = test_count, .context = &len};

    test_handed_make(&log, &heir);
    wish.kid = heir.key.kid;
    forge_the_past(&log, &lines, &forged);
    cr_assert_eq(audit_verify(log.fd, TEST_ORIGIN, heir.key.kid, &verified, &log.err), RESULT_OK);
    cr_assert_eq(verified.verdict, AUDIT_FORKED, "%s", verified.text);
    cr_assert_eq(
        audit_checkpoint_read(log.fd, TEST_ORIGIN, heir.key.kid, &note, &checkpoint, &log.err),
        RESULT_OK);
    cr_assert_eq(checkpoint.verdict, AUDIT_UNKNOWN_KEY, "%s", checkpoint.text);
    cr_assert_eq(audit_export(log.fd, TEST_ORIGIN, &wish, &report, &log.err), RESULT_AUDIT);
    cr_assert_not_null(strstr(log.err.text, "cannot answer for"), "%s", log.err.text);
    buf_free(&report.note);
    cr_assert_eq(audit_prove(log.fd, TEST_ORIGIN, heir.key.kid, 1, &text, &log.err), RESULT_AUDIT);
    buf_free(&lines.text);
    test_handed_free(&log, &heir);
}
