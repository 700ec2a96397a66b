/* A log that one key hands on to another: who signs what, and who is trusted for which records. */
#include "helper_handed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "receipt.h"
#include "rotation.h"

static struct audit_report verify_by(struct test_log *log, const char *kid)
{
    struct audit_report report;

    cr_assert_eq(audit_verify(log->fd, TEST_ORIGIN, kid, &report, &log->err), RESULT_OK, "%s",
                 log->err.text);
    return report;
}

static void expect_by(struct test_log *log, const char *kid, enum audit_verdict verdict,
                      uint64_t where, const char *text)
{
    struct audit_report report = verify_by(log, kid);

    cr_assert_eq(report.verdict, verdict, "%s: %s", audit_verdict_name(report.verdict),
                 report.text);
    cr_assert_eq(report.where, where, "%zu: %s", (size_t)report.where, report.text);
    cr_assert_not_null(strstr(report.text, text), "%s", report.text);
}

static void must_rotate(struct test_log *log, struct test_heir *heir)
{
    cr_assert_eq(test_rotate(log, heir), RESULT_OK, "%s", log->err.text);
}

Test(rotation, is_trusted_by_the_first_the_last_and_a_key_between)
{
    struct test_log log;
    struct test_heir second, third;

    test_handed_make(&log, &second);
    test_heir_make(&third, "P-384", "ES384");
    must_rotate(&log, &third);
    expect_by(&log, log.key.kid, AUDIT_INTACT, 0, "all 6 records are good");
    expect_by(&log, second.key.kid, AUDIT_INTACT, 0, "all 6 records are good");
    expect_by(&log, third.key.kid, AUDIT_INTACT, 0, "all 6 records are good");
    expect_by(&log, NULL, AUDIT_INTACT, 0, "all 6 records are good");
    cr_assert_str_eq(verify_by(&log, NULL).kid, third.key.kid);
    test_heir_free(&third);
    test_handed_free(&log, &second);
}

Test(rotation, to_another_log_is_not_trusted)
{
    struct test_log log;
    struct test_heir heir, other;

    test_handed_make(&log, &heir);
    test_heir_make(&other, "P-256", "ES256");
    expect_by(&log, other.key.kid, AUDIT_UNKNOWN_KEY, 0, "record 0 is signed by the key");
    /* Its file in keys/ changes nothing: no rotation leads to it. */
    test_key_write(&log, &other.key);
    expect_by(&log, other.key.kid, AUDIT_UNKNOWN_KEY, 0, "no rotation leads to that");
    test_heir_free(&other);
    test_handed_free(&log, &heir);
}

/* From each kind to each. */
Test(rotation, between_all_algorithms)
{
    static const char *const kinds[][2] = {
        {"P-256", "ES256"}, {"P-384", "ES384"}, {"RSA", "PS256"}, {"RSA", "RS256"}};
    static const size_t tour[] = {1, 0, 2, 0, 3, 1, 2, 1, 3, 2, 3, 0, 1};
    enum { STEPS = sizeof tour / sizeof *tour };
    struct test_heir heir[STEPS];
    struct test_log log;
    AUTO_BUF receipt = BUF_INIT(AUDIT_RECEIPT_MAX);
    struct audit_receipt out = AUDIT_RECEIPT_INIT;

    test_log_make(&log);
    for (size_t i = 0; i < STEPS; i++) {
        test_heir_make(&heir[i], kinds[tour[i]][0], kinds[tour[i]][1]);
        must_rotate(&log, &heir[i]);
        test_append(&log, "order.denied", "");
    }
    test_expect(&log, AUDIT_INTACT);
    for (size_t i = 0; i < 1 + 2 * STEPS; i++) {
        cr_assert_eq(audit_prove(log.fd, TEST_ORIGIN, NULL, i, &receipt, &log.err), RESULT_OK, "%s",
                     log.err.text);
        cr_assert_eq(audit_receipt_check(receipt.data, receipt.len, TEST_ORIGIN, log.key.kid, &out,
                                         &log.err),
                     RESULT_OK);
        cr_assert_eq(out.verdict, AUDIT_INTACT, "%zu: %s", i, out.text);
    }
    audit_receipt_free(&out);
    for (size_t i = 0; i < STEPS; i++)
        test_heir_free(&heir[i]);
    test_log_free(&log);
}

Test(rotation, ends_the_turn_of_the_old_key)
{
    struct test_log log;
    struct test_heir heir;
    struct audit_event event = test_event("order.denied", "");

    test_handed_make(&log, &heir);
    test_log_reopen(&log); /* by the first key */
    cr_assert_eq(audit_append(log.audit, &event, NULL, 0, NULL, &log.err), RESULT_AUDIT);
    cr_assert_not_null(strstr(log.err.text, heir.key.kid), "%s", log.err.text);
    cr_assert_not_null(strstr(log.err.text, "audit.signing_key"), "%s", log.err.text);
    test_log_adopt(&log, &heir);
    test_log_reopen(&log);
    test_append(&log, "order.denied", "");
    test_expect(&log, AUDIT_INTACT);
    test_handed_free(&log, &heir);
}

/* Of a process that had the log open, and has never seen the new key. */
Test(rotation, by_another_process_ends_the_turn_of_this_one)
{
    struct test_log log;
    struct test_heir heir;
    struct audit *open = NULL;
    struct audit_event event = test_event("order.denied", "");

    test_log_make(&log);
    test_append(&log, "order.denied", "");
    cr_assert_eq(audit_open(log.fd, TEST_ORIGIN, &log.signer, &open, &log.err), RESULT_OK);
    cr_assert_eq(audit_append(open, &event, NULL, 0, NULL, &log.err), RESULT_OK);
    test_heir_make(&heir, "P-256", "ES256");
    must_rotate(&log, &heir);
    cr_assert_eq(audit_append(open, &event, NULL, 0, NULL, &log.err), RESULT_AUDIT);
    cr_assert_not_null(strstr(log.err.text, heir.key.kid), "%s", log.err.text);
    test_append(&log, "order.denied", "");
    cr_assert_eq(audit_append(open, &event, NULL, 0, NULL, &log.err), RESULT_AUDIT);
    cr_assert_not_null(strstr(log.err.text, heir.key.kid), "%s", log.err.text);
    test_expect(&log, AUDIT_INTACT);
    audit_close(&open);
    test_handed_free(&log, &heir);
}

static bool seen(void *context, uint64_t index, const char *line, size_t len, const cJSON *payload)
{
    (void)line;
    (void)len;
    (void)payload;
    *(uint64_t *)context = index;
    return true;
}

/* What an order looks up before it is sent. */
Test(rotation, hands_over_what_is_believed)
{
    struct test_log log;
    struct test_heir heir;
    uint64_t last = 0;

    test_log_make(&log);
    test_heir_make(&heir, "P-256", "ES256");
    must_rotate(&log, &heir);
    test_log_reopen(&log);
    cr_assert_eq(audit_each(log.audit, seen, &last, &log.err), RESULT_AUDIT);
    cr_assert_not_null(strstr(log.err.text, heir.key.kid), "%s", log.err.text);
    test_log_adopt(&log, &heir);
    test_log_reopen(&log);
    cr_assert_eq(audit_each(log.audit, seen, &last, &log.err), RESULT_OK, "%s", log.err.text);
    cr_assert_eq(last, 1);
    test_handed_free(&log, &heir);
}

Test(rotation, to_a_key_of_this_log_is_refused)
{
    struct test_log log;
    struct test_heir heir, back;

    test_handed_make(&log, &heir);
    cr_assert_eq(test_rotate(&log, &heir), RESULT_USAGE);
    cr_assert_not_null(strstr(log.err.text, "signs this log already"), "%s", log.err.text);
    back = heir;
    back.signer = log.signer;
    back.to.signer = &back.signer;
    cr_assert_eq(test_rotate(&log, &back), RESULT_USAGE);
    cr_assert_not_null(strstr(log.err.text, "signed this log before"), "%s", log.err.text);
    test_append(&log, "order.denied", "");
    test_expect(&log, AUDIT_INTACT);
    test_handed_free(&log, &heir);
}

Test(rotation, without_the_new_keys_agreement_is_not_written)
{
    struct test_log log;
    struct test_heir heir;

    test_log_make(&log);
    test_heir_make(&heir, "P-256", "ES256");
    heir.key.wrong = true;
    cr_assert_eq(test_rotate(&log, &heir), RESULT_AUDIT);
    cr_assert_not_null(strstr(log.err.text, "has not agreed"), "%s", log.err.text);
    heir.key.wrong = false;
    heir.key.notes_left = 0;
    cr_assert_eq(test_rotate(&log, &heir), RESULT_KEY);
    test_append(&log, "order.denied", "");
    test_expect(&log, AUDIT_INTACT);
    cr_assert_eq(verify_by(&log, NULL).records, 2);
    test_handed_free(&log, &heir);
}

/* A rotation record by hand: the log's key signs it, and `by` the text, for this log and place. */
static void forge_rotation(struct test_log *log, const struct test_lines *lines, size_t at,
                           const char *origin, struct test_heir *to, struct test_heir *by,
                           struct buf *line)
{
    struct record_place place = {.origin = TEST_ORIGIN, .index = at};
    struct audit_event event = test_event("key.rotated", "");
    uint8_t previous[SHA256_LEN];
    AUTO_BUF payload = BUF_INIT(AUDIT_LINE_MAX), signature = BUF_INIT(SIGNATURE_MAX);
    AUTO_JSON *detail = cJSON_CreateObject();
    struct key old = {0}, new = {0};
    char kid[AUDIT_KID_LEN + 1];

    sha256(lines->line[at - 1], lines->len[at - 1] - 1, previous);
    place.previous = previous;
    cr_assert_eq(key_from_spki(log->key.alg, (uint8_t *)log->key.spki.data, log->key.spki.len, &old,
                               &log->err),
                 RESULT_OK);
    cr_assert_eq(
        key_from_spki(to->key.alg, (uint8_t *)to->key.spki.data, to->key.spki.len, &new, &log->err),
        RESULT_OK);
    memcpy(kid, by->key.kid, sizeof kid);
    memcpy(by->key.kid, to->key.kid, sizeof kid); /* the text names whom it is to */
    cr_assert_eq(by->to.agree(&by->key, at + (strcmp(origin, TEST_ORIGIN) != 0), previous, old.kid,
                              &signature, &log->err),
                 RESULT_OK);
    memcpy(by->key.kid, kid, sizeof kid);
    cr_assert(cJSON_AddItemToObject(detail, "rotation", rotation_json(&old, &new, &signature)));
    cr_assert_eq(record_build(&event, &place, detail, &payload, &log->err), RESULT_OK);
    cr_assert_eq(log->signer.sign(&log->key, payload.data, payload.len, line, &log->err),
                 RESULT_OK);
    buf_putc(line, '\n');
    key_free(&old);
    key_free(&new);
}

Test(rotation, that_the_new_key_did_not_sign_is_altered)
{
    struct test_log log;
    struct test_heir heir, other;
    struct test_lines lines;
    AUTO_BUF line = BUF_INIT(AUDIT_LINE_MAX);

    test_log_make(&log);
    test_lines_read(&log, &lines);
    test_heir_make(&heir, "P-256", "ES256");
    test_heir_make(&other, "P-256", "ES256");
    test_key_write(&log, &heir.key);
    for (int wrong = 0; wrong < 3; wrong++) {
        buf_reset(&line);
        /* well; by a key that is not the one it names; for another place */
        forge_rotation(&log, &lines, 1, wrong == 2 ? "elsewhere" : TEST_ORIGIN, &heir,
                       wrong == 1 ? &other : &heir, &line);
        lines.line[1] = line.data;
        lines.len[1] = line.len;
        test_lines_write(&log, &lines, (int[]){0, 1, -1});
        if (wrong == 0)
            expect_by(&log, NULL, AUDIT_UNANCHORED_TAIL, 1, "1 good records follow");
        else
            expect_by(&log, NULL, AUDIT_ALTERED, 1,
                      "record 1 hands the log on to a key that has not agreed to it");
    }
    buf_free(&lines.text);
    test_heir_free(&other);
    test_handed_free(&log, &heir);
}

/* "key rotation gap, old key reused later": whoever got hold of the retired key goes on by it. */
Test(attack, old_key_reused_after_its_rotation)
{
    struct test_log log;
    struct test_heir heir;
    struct test_lines lines;
    uint8_t previous[SHA256_LEN];
    AUTO_BUF forged = BUF_INIT(AUDIT_LINE_MAX);
    char text[128];

    test_handed_make(&log, &heir);
    test_lines_read(&log, &lines);
    (void)snprintf(text, sizeof text, "record 5 is signed by the key %s, which record 2 retired",
                   log.key.kid);
    sha256(lines.line[4], lines.len[4] - 1, previous);
    test_forge(&log, 5, previous, "order.response", &forged);
    lines.line[5] = forged.data;
    lines.len[5] = forged.len;
    test_lines_write(&log, &lines, (int[]){0, 1, 2, 3, 4, 5, -1});
    test_seal(&log);
    expect_by(&log, log.key.kid, AUDIT_UNKNOWN_KEY, 5, text);
    expect_by(&log, heir.key.kid, AUDIT_UNKNOWN_KEY, 5, text);
    expect_by(&log, NULL, AUDIT_UNKNOWN_KEY, 5, text);
    /* The checkpoint alone, over records that are good. */
    test_lines_write(&log, &lines, (int[]){0, 1, 2, 3, 4, -1});
    test_seal(&log);
    expect_by(&log, NULL, AUDIT_UNKNOWN_KEY, 5, "which record 2 retired");
    buf_free(&lines.text);
    test_handed_free(&log, &heir);
}

/* All that was behind the rotation, and it too, are gone; the old key goes on as if nothing had
 * been. By the last key's thumbprint, which is what is noted after a rotation, it is seen. */
Test(attack, old_key_goes_on_from_before_its_rotation)
{
    struct test_log log;
    struct test_heir heir;
    struct test_lines lines;

    test_handed_make(&log, &heir);
    test_lines_read(&log, &lines);
    test_lines_write(&log, &lines, (int[]){0, 1, -1});
    /* The checkpoint by the new key is still there. */
    expect_by(&log, heir.key.kid, AUDIT_ROLLED_BACK, 2, "the checkpoint is of 5 records");
    test_seal(&log);
    expect_by(&log, heir.key.kid, AUDIT_UNKNOWN_KEY, 0, "its end was cut off");
    buf_free(&lines.text);
    test_handed_free(&log, &heir);
}

/* A gap: the rotation's record is missing. */
Test(attack, rotation_is_missing)
{
    struct test_log log;
    struct test_heir heir;
    struct test_lines lines;

    test_handed_make(&log, &heir);
    test_lines_read(&log, &lines);
    test_lines_write(&log, &lines, (int[]){0, 1, 3, 4, -1});
    expect_by(&log, log.key.kid, AUDIT_UNKNOWN_KEY, 2, "record 2 is signed by the key");
    buf_free(&lines.text);
    test_handed_free(&log, &heir);
}

Test(rotation, whose_public_key_is_lost_says_so)
{
    struct test_log log;
    struct test_heir heir;
    char name[128], text[256];
    struct audit_event event = test_event("order.denied", "");

    test_handed_make(&log, &heir);
    (void)snprintf(name, sizeof name, "keys/%s.jwk", heir.key.kid);
    (void)snprintf(text, sizeof text, "whose public key is lost: restore %s from a copy", name);
    cr_assert_eq(unlinkat(log.fd, name, 0), 0);
    expect_by(&log, log.key.kid, AUDIT_UNKNOWN_KEY, 2, text);
    test_key_write(&log, &heir.key);
    (void)snprintf(name, sizeof name, "keys/%s.jwk", log.key.kid);
    cr_assert_eq(unlinkat(log.fd, name, 0), 0);
    expect_by(&log, heir.key.kid, AUDIT_UNKNOWN_KEY, 0, "whose public key is not in keys/");
    test_log_adopt(&log, &heir);
    test_log_reopen(&log); /* the last record is its own: it goes on */
    cr_assert_eq(audit_append(log.audit, &event, NULL, 0, NULL, &log.err), RESULT_OK);
    test_handed_free(&log, &heir);
}

/* --- receipts, checkpoints, export --- */

Test(rotation, receipt_is_checked_by_the_first_or_the_last_key)
{
    struct test_log log;
    struct test_heir heir, other;
    AUTO_BUF receipt = BUF_INIT(AUDIT_RECEIPT_MAX);
    char text[512];

    test_handed_make(&log, &heir);
    test_heir_make(&other, "P-256", "ES256");
    for (uint64_t i = 0; i < 5; i++) {
        for (int by = 0; by < 3; by++) {
            const char *kid[] = {NULL, log.key.kid, heir.key.kid};

            cr_assert_eq(audit_prove(log.fd, TEST_ORIGIN, kid[by], i, &receipt, &log.err),
                         RESULT_OK, "%s", log.err.text);
        }
        cr_assert_eq(test_receipt_verdict(&receipt, log.key.kid, text), AUDIT_INTACT, "%s", text);
        cr_assert_eq(test_receipt_verdict(&receipt, heir.key.kid, text), AUDIT_INTACT, "%s", text);
        cr_assert_eq(test_receipt_verdict(&receipt, other.key.kid, text), AUDIT_UNKNOWN_KEY, "%s",
                     text);
    }
    cr_assert_eq(audit_prove(log.fd, TEST_ORIGIN, other.key.kid, 0, &receipt, &log.err),
                 RESULT_AUDIT);
    test_heir_free(&other);
    test_handed_free(&log, &heir);
}

/* Without the rotation between them, the keys in a receipt are two logs'. */
Test(rotation, receipt_without_the_rotation_is_refused)
{
    struct test_log log;
    struct test_heir heir;
    AUTO_BUF text = BUF_INIT(AUDIT_RECEIPT_MAX), extra = BUF_INIT(AUDIT_LINE_MAX * 4);
    AUTO_RECEIPT receipt = RECEIPT_INIT;
    char why[512];

    test_handed_make(&log, &heir);
    for (uint64_t record = 0; record < 5; record++) {
        cr_assert_eq(audit_prove(log.fd, TEST_ORIGIN, NULL, record, &text, &log.err), RESULT_OK);
        cr_assert(receipt_parse(text.data, text.len, &receipt));
        cr_assert_eq(receipt.keys, 2);
        buf_reset(&extra);
        buf_put(&extra, receipt.line.at, receipt.line.len);
        buf_putc(&extra, '\n');
        for (int i = 0; i < 2; i++)
            buf_put(&extra, receipt.jwk[i].at, receipt.jwk[i].len);
        /* Another record in the place of the rotation. */
        buf_put(&extra, receipt.line.at, receipt.line.len);
        buf_putc(&extra, '\n');
        buf_reset(&receipt.extra);
        buf_put(&receipt.extra, extra.data, extra.len);
        AUTO_BUF note = BUF_INIT(NOTE_MAX);
        buf_put(&note, receipt.note, receipt.note_len);
        receipt.note = note.data;
        cr_assert_eq(receipt_put(&receipt, &text, &log.err), RESULT_OK);
        cr_assert_eq(test_receipt_verdict(&text, log.key.kid, why),
                     record == 2 ? AUDIT_INTACT : AUDIT_UNKNOWN_KEY, "%zu: %s", (size_t)record,
                     why);
    }
    test_handed_free(&log, &heir);
}

static struct audit_comparison compare_by(struct test_log *log, const char *kid,
                                          const struct buf *before)
{
    struct audit_comparison out = AUDIT_COMPARISON_INIT;

    cr_assert_eq(
        audit_compare(log->fd, TEST_ORIGIN, kid, before->data, before->len, &out, &log->err),
        RESULT_OK, "%s", log->err.text);
    audit_comparison_free(&out);
    return out;
}

Test(rotation, checkpoints_of_both_keys_are_compared)
{
    struct test_log log;
    struct test_heir heir;
    AUTO_BUF before = BUF_INIT(NOTE_MAX), late = BUF_INIT(NOTE_MAX);
    struct audit_checkpoint checkpoint;

    test_log_make(&log);
    test_append(&log, "order.denied", "");
    test_read(&log, "checkpoint", &before);
    test_heir_make(&heir, "P-256", "ES256");
    must_rotate(&log, &heir);
    test_append(&log, "order.denied", "");
    cr_assert_eq(compare_by(&log, NULL, &before).verdict, AUDIT_INTACT);
    cr_assert_eq(compare_by(&log, log.key.kid, &before).verdict, AUDIT_INTACT);
    cr_assert_eq(compare_by(&log, heir.key.kid, &before).verdict, AUDIT_INTACT);
    cr_assert_eq(
        audit_checkpoint_read(log.fd, TEST_ORIGIN, log.key.kid, &late, &checkpoint, &log.err),
        RESULT_OK);
    cr_assert_eq(checkpoint.verdict, AUDIT_INTACT, "%s", checkpoint.text);
    cr_assert_str_eq(checkpoint.kid, heir.key.kid);
    test_seal(&log); /* by the old key, whose turn it is not */
    buf_reset(&before);
    test_read(&log, "checkpoint", &before);
    cr_assert_eq(audit_checkpoint_read(log.fd, TEST_ORIGIN, NULL, &late, &checkpoint, &log.err),
                 RESULT_OK);
    cr_assert_eq(checkpoint.verdict, AUDIT_UNKNOWN_KEY);
    cr_assert_not_null(strstr(checkpoint.text, "which record 2 retired"), "%s", checkpoint.text);
    test_handed_free(&log, &heir);
}

static void expect_from(struct test_log *log, const struct buf *note, const char *kid,
                        enum audit_verdict verdict, const char *text)
{
    struct audit_verification how = {
        .origin = TEST_ORIGIN, .kid = kid, .from = note->data, .from_len = note->len};
    struct audit_report report;

    cr_assert_eq(audit_verify_with(log->fd, &how, &report, &log->err), RESULT_OK, "%s",
                 log->err.text);
    cr_assert_eq(report.verdict, verdict, "%s: %s", audit_verdict_name(report.verdict),
                 report.text);
    cr_assert_not_null(strstr(report.text, text), "%s", report.text);
}

/* By each key, from a checkpoint by each of them; and from one by the old key out of its turn. */
Test(rotation, is_verified_from_a_checkpoint_before_at_and_behind_it)
{
    struct test_log log;
    struct test_heir heir, other;
    AUTO_BUF before = BUF_INIT(NOTE_MAX), at = BUF_INIT(NOTE_MAX), behind = BUF_INIT(NOTE_MAX);
    AUTO_BUF forged = BUF_INIT(NOTE_MAX);
    const struct buf *const notes[] = {&before, &at, &behind};

    test_log_make(&log);
    test_append(&log, "order.denied", "");
    test_read(&log, "checkpoint", &before);
    test_heir_make(&heir, "P-256", "ES256");
    test_heir_make(&other, "P-256", "ES256");
    must_rotate(&log, &heir);
    test_read(&log, "checkpoint", &at);
    test_append(&log, "order.denied", "");
    test_read(&log, "checkpoint", &behind);
    test_append(&log, "order.denied", "");
    for (size_t i = 0; i < 3; i++) {
        expect_from(&log, notes[i], NULL, AUDIT_INTACT, "all 5 records are good");
        expect_from(&log, notes[i], log.key.kid, AUDIT_INTACT, "all 5 records are good");
        expect_from(&log, notes[i], heir.key.kid, AUDIT_INTACT, "all 5 records are good");
        expect_from(&log, notes[i], other.key.kid, AUDIT_UNKNOWN_KEY, "signed by another key");
    }
    test_seal(&log);
    test_read(&log, "checkpoint", &forged);
    expect_from(&log, &forged, NULL, AUDIT_UNKNOWN_KEY, "signed by another key");
    test_heir_free(&other);
    test_handed_free(&log, &heir);
}

Test(rotation, export_is_by_the_key_whose_turn_it_is)
{
    struct test_log log;
    struct test_heir heir, other;
    size_t len = 0;
    struct export_wish wish = {
        .format = EXPORT_JSONL, .until = INT64_MAX, .write = test_count, .context = &len};
    struct export_report report;

    test_handed_make(&log, &heir);
    test_heir_make(&other, "P-256", "ES256");
    const char *const good[] = {NULL, log.key.kid, heir.key.kid};

    for (size_t i = 0; i < 3; i++) {
        wish.kid = good[i];
        cr_assert_eq(audit_export(log.fd, TEST_ORIGIN, &wish, &report, &log.err), RESULT_OK, "%s",
                     log.err.text);
        cr_assert_eq(report.rows, 5);
        buf_free(&report.note);
    }
    wish.kid = other.key.kid;
    cr_assert_eq(audit_export(log.fd, TEST_ORIGIN, &wish, &report, &log.err), RESULT_AUDIT);
    buf_free(&report.note);
    test_heir_free(&other);
    test_handed_free(&log, &heir);
}

Test(rotation, keys_are_listed_with_their_ranges)
{
    struct test_log log;
    struct test_heir heir, third, other;
    struct audit_keys keys;

    test_handed_make(&log, &heir);
    test_heir_make(&third, "RSA", "PS256");
    test_heir_make(&other, "P-384", "ES384");
    must_rotate(&log, &third);
    test_key_write(&log, &other.key);
    cr_assert_eq(audit_keys(log.fd, TEST_ORIGIN, &keys, &log.err), RESULT_OK, "%s", log.err.text);
    cr_assert_eq(keys.count, 4);
    cr_assert_eq(keys.turns, 3);
    cr_assert_eq(keys.records, 6);
    cr_assert(strcmp(keys.key[0].kid, log.key.kid) == 0 && keys.key[0].first == 0 &&
              keys.key[0].last == 2);
    cr_assert(strcmp(keys.key[1].kid, heir.key.kid) == 0 && keys.key[1].first == 3 &&
              keys.key[1].last == 5);
    cr_assert(strcmp(keys.key[2].kid, third.key.kid) == 0 && keys.key[2].first > keys.key[2].last);
    cr_assert_str_eq(keys.key[2].alg, "PS256");
    cr_assert(strcmp(keys.key[3].kid, other.key.kid) == 0 && keys.key[3].first > keys.key[3].last);
    test_heir_free(&third);
    test_heir_free(&other);
    test_handed_free(&log, &heir);
}
