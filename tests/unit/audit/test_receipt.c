#include "helper_log.h"

#include <string.h>
#include <unistd.h>

#include "find.h"
#include "receipt.h"

#define ORDER_A "0192f3a1-7b2c-7def-8123-456789abcdef"

static void prove(struct test_log *log, uint64_t index, struct buf *receipt)
{
    cr_assert_eq(audit_prove(log->fd, TEST_ORIGIN, log->key.kid, index, receipt, &log->err),
                 RESULT_OK, "record %zu: %s", (size_t)index, log->err.text);
}

static enum audit_verdict check(struct test_log *log, const struct buf *text, const char *kid)
{
    struct audit_receipt receipt = AUDIT_RECEIPT_INIT;
    enum audit_verdict verdict;

    cr_assert_eq(audit_receipt_check(text->data, text->len, NULL, kid, &receipt, &log->err),
                 RESULT_OK, "%s", log->err.text);
    verdict = receipt.verdict;
    audit_receipt_free(&receipt);
    return verdict;
}

static void make(struct test_log *log, int records)
{
    test_log_make(log);
    for (int i = 1; i < records; i++)
        test_append(log, i % 2 != 0 ? "order.intent" : "order.response", ORDER_A);
}

Test(receipt, of_each_record_verifies_by_the_thumbprint_alone)
{
    struct test_log log;
    AUTO_BUF text = BUF_INIT(AUDIT_RECEIPT_MAX);

    make(&log, 11);
    for (uint64_t i = 0; i < 11; i++) {
        struct audit_receipt receipt = AUDIT_RECEIPT_INIT;

        prove(&log, i, &text);
        cr_assert_eq(
            audit_receipt_check(text.data, text.len, TEST_ORIGIN, log.key.kid, &receipt, &log.err),
            RESULT_OK);
        cr_assert_eq(receipt.verdict, AUDIT_INTACT, "%s", receipt.text);
        cr_assert(receipt.index == i && receipt.size == 11);
        cr_assert_str_eq(receipt.event, i == 0       ? "log.created"
                                        : i % 2 != 0 ? "order.intent"
                                                     : "order.response");
        cr_assert_str_eq(receipt.order_id, i == 0 ? "" : ORDER_A);
        audit_receipt_free(&receipt);
    }
    cr_assert_eq(audit_prove(log.fd, TEST_ORIGIN, NULL, 11, &text, &log.err), RESULT_USAGE);
    cr_assert_eq(text.len, 0);
    test_log_free(&log);
}

Test(receipt, with_any_bit_changed_or_any_byte_less_is_refused, .timeout = 300)
{
    struct test_log log;
    AUTO_BUF text = BUF_INIT(AUDIT_RECEIPT_MAX);

    make(&log, 6);
    prove(&log, 3, &text);
    for (size_t i = 0; i < text.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            text.data[i] = (char)(text.data[i] ^ 1 << bit);
            cr_assert_neq(check(&log, &text, log.key.kid), AUDIT_INTACT, "byte %zu bit %d", i, bit);
            text.data[i] = (char)(text.data[i] ^ 1 << bit);
        }
    for (size_t len = text.len; text.len > 0;) {
        text.len--;
        cr_assert_neq(check(&log, &text, log.key.kid), AUDIT_INTACT, "%zu of %zu", text.len, len);
    }
    test_log_free(&log);
}

/* The receipt of record 3, with parts of another. */
Test(receipt, with_parts_of_another_is_refused)
{
    struct test_log log;
    AUTO_BUF three = BUF_INIT(AUDIT_RECEIPT_MAX), four = BUF_INIT(AUDIT_RECEIPT_MAX);
    AUTO_BUF mixed = BUF_INIT(AUDIT_RECEIPT_MAX);
    AUTO_RECEIPT a = RECEIPT_INIT, b = RECEIPT_INIT;

    make(&log, 6);
    prove(&log, 3, &three);
    prove(&log, 4, &four);
    cr_assert(receipt_parse(three.data, three.len, &a) && receipt_parse(four.data, four.len, &b));
    a.proof = b.proof;
    cr_assert_eq(receipt_put(&a, &mixed, &log.err), RESULT_OK);
    cr_assert_eq(check(&log, &mixed, log.key.kid), AUDIT_ALTERED);
    a.index = 4;
    cr_assert_eq(receipt_put(&a, &mixed, &log.err), RESULT_OK);
    cr_assert_eq(check(&log, &mixed, log.key.kid), AUDIT_ALTERED);
    b.proof.count--;
    cr_assert_eq(receipt_put(&b, &mixed, &log.err), RESULT_OK);
    cr_assert_eq(check(&log, &mixed, log.key.kid), AUDIT_ALTERED);
    test_log_free(&log);
}

Test(receipt, of_a_forger_with_a_key_of_his_own_is_of_an_unknown_key)
{
    struct test_log log, forged;
    AUTO_BUF text = BUF_INIT(AUDIT_RECEIPT_MAX);

    make(&log, 3);
    make(&forged, 3);
    prove(&forged, 2, &text);
    cr_assert_eq(check(&log, &text, forged.key.kid), AUDIT_INTACT);
    cr_assert_eq(check(&log, &text, log.key.kid), AUDIT_UNKNOWN_KEY);
    cr_assert_eq(audit_prove(forged.fd, TEST_ORIGIN, log.key.kid, 2, &text, &log.err),
                 RESULT_AUDIT);
    test_log_free(&log);
    test_log_free(&forged);
}

Test(receipt, is_made_from_records_when_tiles_are_wrong_or_gone)
{
    struct test_log log;
    AUTO_BUF text = BUF_INIT(AUDIT_RECEIPT_MAX), again = BUF_INIT(AUDIT_RECEIPT_MAX);
    char wrong[7 * SHA256_LEN] = "";

    make(&log, 7);
    prove(&log, 5, &text);
    test_write(&log, "tile/0/000.p/7", wrong, sizeof wrong);
    prove(&log, 5, &again);
    cr_assert(again.len == text.len && memcmp(again.data, text.data, text.len) == 0);
    cr_assert_eq(unlinkat(log.fd, "tile/0/000.p/7", 0), 0);
    prove(&log, 5, &again);
    cr_assert(again.len == text.len && memcmp(again.data, text.data, text.len) == 0);
    test_log_free(&log);
}

/* With a well signed line in the place of another, the log has no receipt for it. */
Test(receipt, of_a_record_that_was_exchanged_is_not_made)
{
    struct test_log log;
    struct test_lines lines;
    AUTO_BUF text = BUF_INIT(AUDIT_RECEIPT_MAX), line = BUF_INIT(AUDIT_LINE_MAX);
    uint8_t previous[SHA256_LEN];

    make(&log, 4);
    test_lines_read(&log, &lines);
    sha256(lines.line[1], lines.len[1] - 1, previous);
    test_forge(&log, 2, previous, "order.denied", &line);
    lines.line[2] = line.data;
    lines.len[2] = line.len;
    test_lines_write(&log, &lines, (int[]){0, 1, 2, 3, -1});
    cr_assert_eq(audit_prove(log.fd, TEST_ORIGIN, NULL, 2, &text, &log.err), RESULT_AUDIT);
    buf_free(&lines.text);
    test_log_free(&log);
}

/* What the key has sealed need not be a record of this place, nor signed. */
Test(receipt, of_a_sealed_line_that_is_no_record_of_its_place_is_refused)
{
    static const uint8_t zeros[SHA256_LEN];
    struct test_log log;
    AUTO_BUF line = BUF_INIT(AUDIT_LINE_MAX), note = BUF_INIT(NOTE_MAX);
    AUTO_BUF text = BUF_INIT(AUDIT_RECEIPT_MAX), honest = BUF_INIT(AUDIT_RECEIPT_MAX);
    AUTO_RECEIPT receipt = RECEIPT_INIT;

    make(&log, 1);
    prove(&log, 0, &honest);
    for (int wrong = 0; wrong < 3; wrong++) {
        buf_reset(&line);
        test_forge(&log, wrong == 1 ? 7 : 0, zeros, "log.created", &line);
        if (wrong == 2) /* within the signature */
            line.data[line.len - 10] = line.data[line.len - 10] == 'A' ? 'B' : 'A';
        test_write(&log, FIRST_SEGMENT, line.data, line.len);
        test_seal(&log);
        buf_reset(&note);
        test_read(&log, "checkpoint", &note);
        cr_assert(receipt_parse(honest.data, honest.len, &receipt));
        buf_put(&line, receipt.jwk[0].at, receipt.jwk[0].len);
        buf_reset(&receipt.extra);
        buf_put(&receipt.extra, line.data, line.len);
        receipt.note = note.data;
        receipt.note_len = note.len;
        cr_assert_eq(receipt_put(&receipt, &text, &log.err), RESULT_OK);
        cr_assert_eq(check(&log, &text, log.key.kid), wrong == 0 ? AUDIT_INTACT : AUDIT_ALTERED,
                     "%d", wrong);
    }
    test_log_free(&log);
}

/* Small segments, and more of a log than one window. */
Test(receipt, finds_each_record_by_halving)
{
    struct test_log log;
    AUTO_BUF line = BUF_INIT(AUDIT_LINE_MAX);
    AUTO_SNAPSHOT snapshot = {.records = -1};
    struct jws jws;
    struct payload payload;
    AUTO_BUF room = BUF_INIT(AUDIT_LINE_MAX);

    test_log_make(&log);
    log.audit->segment_max = 600000;
    for (int i = 1; i < 700; i++)
        test_append(&log, "order.denied", "");
    cr_assert_eq(snapshot_locked(log.fd, &snapshot, &log.err), RESULT_OK);
    cr_assert_gt(snapshot.count, 1);
    for (uint64_t i = 0; i < 700; i++) {
        cr_assert_eq(record_find(&snapshot, i, &line, &log.err), RESULT_OK, "%s", log.err.text);
        cr_assert(jws_split(line.data, line.len, &jws) &&
                  payload_read(jws.payload.at, jws.payload.len, &room, &payload));
        cr_assert_eq(payload.sequence, i);
    }
    cr_assert_eq(record_find(&snapshot, 700, &line, &log.err), RESULT_USAGE);
    test_log_free(&log);
}

static struct audit_comparison compare(struct test_log *log, const struct buf *before)
{
    struct audit_comparison out = AUDIT_COMPARISON_INIT;

    cr_assert_eq(audit_compare(log->fd, TEST_ORIGIN, log->key.kid, before->data, before->len, &out,
                               &log->err),
                 RESULT_OK, "%s", log->err.text);
    audit_comparison_free(&out);
    return out;
}

Test(checkpoint, has_grown_out_of_each_earlier_one)
{
    struct test_log log;
    struct buf before[9];

    test_log_make(&log);
    for (int i = 0; i < 9; i++) {
        before[i] = (struct buf)BUF_INIT(NOTE_MAX);
        test_read(&log, "checkpoint", &before[i]);
        test_append(&log, "order.denied", "");
        for (int j = 0; j <= i; j++)
            cr_assert_eq(compare(&log, &before[j]).verdict, AUDIT_INTACT, "%d of %d", j + 1, i + 2);
    }
    cr_assert_eq(unlinkat(log.fd, "tile/0/000.p/10", 0), 0);
    for (int i = 0; i < 9; i++) {
        cr_assert_eq(compare(&log, &before[i]).verdict, AUDIT_INTACT);
        buf_free(&before[i]);
    }
    test_log_free(&log);
}

Test(checkpoint, of_another_log_by_the_same_key_is_a_fork)
{
    struct test_log log;
    struct test_lines lines;
    AUTO_BUF before = BUF_INIT(NOTE_MAX), line = BUF_INIT(AUDIT_LINE_MAX), all = BUF_INIT(65536);
    AUTO_BUF true_note = BUF_INIT(NOTE_MAX);
    uint8_t previous[SHA256_LEN];

    /* The key seals another record 3: at the size of 4, which is a whole subtree of 6, and at 3. */
    for (int size = 3; size <= 4; size++) {
        make(&log, size);
        test_lines_read(&log, &lines);
        sha256(lines.line[size - 2], lines.len[size - 2] - 1, previous);
        buf_reset(&line);
        test_forge(&log, (uint64_t)size - 1, previous, "order.not_sent", &line);
        buf_reset(&all);
        buf_put(&all, lines.text.data, lines.text.len);
        buf_reset(&true_note);
        test_read(&log, "checkpoint", &true_note);
        lines.line[size - 1] = line.data;
        lines.len[size - 1] = line.len;
        test_lines_write(&log, &lines, size == 3 ? (int[]){0, 1, 2, -1} : (int[]){0, 1, 2, 3, -1});
        test_seal(&log);
        buf_reset(&before);
        test_read(&log, "checkpoint", &before);
        cr_assert_eq(compare(&log, &true_note).verdict, AUDIT_FORKED);
        test_write(&log, FIRST_SEGMENT, all.data, all.len);
        test_write(&log, "checkpoint", true_note.data, true_note.len);
        test_log_reopen(&log);
        test_append(&log, "order.denied", "");
        test_append(&log, "order.denied", "");
        cr_assert_eq(compare(&log, &before).verdict, AUDIT_FORKED);
        cr_assert_eq(compare(&log, &true_note).verdict, AUDIT_INTACT);
        buf_free(&lines.text);
        test_log_free(&log);
    }
}

Test(checkpoint, of_more_records_than_there_are_is_a_rollback)
{
    struct test_log log;
    AUTO_BUF early = BUF_INIT(NOTE_MAX), late = BUF_INIT(NOTE_MAX);

    make(&log, 4);
    test_read(&log, "checkpoint", &early);
    test_append(&log, "order.denied", "");
    test_read(&log, "checkpoint", &late);
    test_write(&log, "checkpoint", early.data, early.len);
    cr_assert_eq(compare(&log, &late).verdict, AUDIT_ROLLED_BACK);
    late.data[strlen(TEST_ORIGIN) + 1] ^= 3;
    cr_assert_eq(compare(&log, &late).verdict, AUDIT_ALTERED);
    test_log_free(&log);
}
