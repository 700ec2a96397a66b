#include "helper_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"

#define ORDER_A "0192f3a1-7b2c-7def-8123-456789abcdef"
#define ORDER_B "0192f3a1-7b2c-7def-8123-456789abcde0"

/* log.created and three more. */
static void make_four(struct test_log *log, struct test_lines *lines)
{
    test_log_make(log);
    test_append(log, "order.intent", ORDER_A);
    test_append(log, "order.response", ORDER_A);
    test_append(log, "order.denied", "");
    test_lines_read(log, lines);
    cr_assert_eq(lines->count, 4);
}

static void free_four(struct test_log *log, struct test_lines *lines)
{
    buf_free(&lines->text);
    test_log_free(log);
}

static void expect(struct test_log *log, enum audit_verdict verdict, uint64_t where,
                   const char *text)
{
    struct audit_report report = test_verify(log);

    cr_assert_str_eq(report.text, text);
    cr_assert_eq(report.verdict, verdict, "%s", audit_verdict_name(report.verdict));
    cr_assert_eq(report.where, where, "%zu", (size_t)report.where);
}

Test(verdict, intact)
{
    struct test_log log;
    struct test_lines lines;

    make_four(&log, &lines);
    expect(&log, AUDIT_INTACT, 0, "all 4 records are good");
    free_four(&log, &lines);
}

Test(verdict, gap_in_the_middle)
{
    struct test_log log;
    struct test_lines lines;

    make_four(&log, &lines);
    test_lines_write(&log, &lines, (int[]){0, 3, -1});
    expect(&log, AUDIT_GAP, 1, "2 records are missing: record 3 stands where 1 should be");
    free_four(&log, &lines);
}

Test(verdict, gap_at_the_beginning)
{
    struct test_log log;
    struct test_lines lines;

    make_four(&log, &lines);
    test_lines_write(&log, &lines, (int[]){1, 2, 3, -1});
    expect(&log, AUDIT_GAP, 0, "1 records are missing: record 1 stands where 0 should be");
    free_four(&log, &lines);
}

Test(verdict, gap_of_a_whole_segment)
{
    struct test_log log;

    test_log_make(&log);
    log.audit->segment_max = 1;
    for (int i = 0; i < 3; i++)
        test_append(&log, "order.denied", "");
    cr_assert_eq(unlinkat(log.fd, "records/000000000001.jsonl", 0), 0);
    expect(&log, AUDIT_GAP, 1, "1 records are missing: record 2 stands where 1 should be");
    test_log_free(&log);
}

Test(verdict, duplicate)
{
    struct test_log log;
    struct test_lines lines;

    make_four(&log, &lines);
    test_lines_write(&log, &lines, (int[]){0, 1, 2, 1, 3, -1});
    expect(&log, AUDIT_DUPLICATE, 3, "record 1 is there twice, again behind 2");
    test_lines_write(&log, &lines, (int[]){0, 1, 2, 3, 3, -1});
    expect(&log, AUDIT_DUPLICATE, 4, "record 3 is there twice, again behind 3");
    free_four(&log, &lines);
}

Test(verdict, altered_content)
{
    struct test_log log;
    struct test_lines lines;

    make_four(&log, &lines);
    lines.text.data[lines.len[0] + 200] ^= 1;
    test_lines_write(&log, &lines, (int[]){0, 1, 2, 3, -1});
    expect(&log, AUDIT_ALTERED, 1, "record 1 does not fit its signature");
    free_four(&log, &lines);
}

Test(verdict, altered_order)
{
    struct test_log log;
    struct test_lines lines;

    make_four(&log, &lines);
    test_lines_write(&log, &lines, (int[]){0, 2, 1, 3, -1});
    expect(&log, AUDIT_ALTERED, 1,
           "the records are out of order: record 2 stands in the place of 1");
    free_four(&log, &lines);
}

Test(verdict, altered_name_of_a_segment)
{
    struct test_log log;

    test_log_make(&log);
    log.audit->segment_max = 1;
    test_append(&log, "order.denied", "");
    cr_assert_eq(
        renameat(log.fd, "records/000000000001.jsonl", log.fd, "records/000000000007.jsonl"), 0);
    expect(&log, AUDIT_ALTERED, 1,
           "record 1 begins a file in records/ that is named by another number");
    test_log_free(&log);
}

Test(verdict, altered_checkpoint)
{
    struct test_log log;
    AUTO_BUF note = BUF_INIT(NOTE_MAX);

    test_log_make(&log);
    test_read(&log, "checkpoint", &note);
    note.data[strlen(TEST_ORIGIN) + 1] = '9';
    test_write(&log, "checkpoint", note.data, note.len);
    expect(&log, AUDIT_ALTERED, 1, "the checkpoint does not fit its signature");
    test_log_free(&log);
}

Test(verdict, forked_by_two_records_of_one_number)
{
    struct test_log log;
    struct test_lines lines;
    uint8_t previous[SHA256_LEN];
    AUTO_BUF forged = BUF_INIT(AUDIT_LINE_MAX);

    make_four(&log, &lines);
    sha256(lines.line[1], lines.len[1] - 1, previous);
    test_forge(&log, 2, previous, "order.denied", &forged);
    lines.line[4] = forged.data;
    lines.len[4] = forged.len;
    test_lines_write(&log, &lines, (int[]){0, 1, 2, 4, 3, -1});
    expect(&log, AUDIT_FORKED, 3, "two different well signed records have the number 2");
    free_four(&log, &lines);
}

Test(verdict, forked_by_a_record_that_was_exchanged)
{
    struct test_log log;
    struct test_lines lines;
    uint8_t previous[SHA256_LEN];
    AUTO_BUF forged = BUF_INIT(AUDIT_LINE_MAX);

    make_four(&log, &lines);
    sha256(lines.line[1], lines.len[1] - 1, previous);
    test_forge(&log, 2, previous, "order.denied", &forged);
    lines.line[4] = forged.data;
    lines.len[4] = forged.len;
    test_lines_write(&log, &lines, (int[]){0, 1, 4, 3, -1});
    expect(&log, AUDIT_FORKED, 3,
           "record 3 is well signed, but it followed another record 2 than the one that is there");
    free_four(&log, &lines);
}

Test(verdict, forked_from_the_checkpoint)
{
    struct test_log log;
    struct test_lines lines;
    uint8_t previous[SHA256_LEN];
    AUTO_BUF forged = BUF_INIT(AUDIT_LINE_MAX);

    make_four(&log, &lines);
    sha256(lines.line[2], lines.len[2] - 1, previous);
    test_forge(&log, 3, previous, "order.response", &forged);
    lines.line[4] = forged.data;
    lines.len[4] = forged.len;
    test_lines_write(&log, &lines, (int[]){0, 1, 2, 4, -1});
    expect(&log, AUDIT_FORKED, 4,
           "all records are well signed, but the checkpoint of 4 records is of other ones");
    free_four(&log, &lines);
}

Test(verdict, rolled_back)
{
    struct test_log log;
    struct test_lines lines;

    make_four(&log, &lines);
    test_lines_write(&log, &lines, (int[]){0, 1, -1});
    expect(&log, AUDIT_ROLLED_BACK, 2,
           "the checkpoint is of 4 records, but only 2 are there (and 0 bytes behind them)");
    cr_assert_eq(unlinkat(log.fd, FIRST_SEGMENT, 0), 0);
    expect(&log, AUDIT_ROLLED_BACK, 0,
           "the checkpoint is of 4 records, but only 0 are there (and 0 bytes behind them)");
    free_four(&log, &lines);
}

Test(verdict, unanchored_tail)
{
    struct test_log log;
    struct test_lines lines;

    make_four(&log, &lines);
    test_lines_write(&log, &lines, (int[]){0, 1, -1});
    test_seal(&log);
    test_expect(&log, AUDIT_INTACT);
    test_lines_write(&log, &lines, (int[]){0, 1, 2, 3, -1});
    expect(&log, AUDIT_UNANCHORED_TAIL, 2,
           "2 good records follow the checkpoint of 2; the next append anchors them");
    cr_assert_eq(unlinkat(log.fd, "checkpoint", 0), 0);
    expect(&log, AUDIT_UNANCHORED_TAIL, 0, "4 good records, but no checkpoint (0)");
    free_four(&log, &lines);
}

Test(verdict, torn_tail)
{
    struct test_log log;
    AUTO_BUF text = BUF_INIT(100000);

    test_log_make(&log);
    test_read(&log, FIRST_SEGMENT, &text);
    buf_puts(&text, "{\"payload");
    test_write(&log, FIRST_SEGMENT, text.data, text.len);
    expect(&log, AUDIT_TORN_TAIL, 1,
           "9 bytes of a record that was never completed are at the end; the next append moves "
           "them aside");
    test_log_free(&log);
}

Test(verdict, repaired)
{
    struct test_log log;

    test_log_make(&log);
    test_append(&log, "log.repaired", "");
    expect(&log, AUDIT_REPAIRED, 0,
           "all 2 records are good; 1 of them tell of incomplete bytes that were moved aside");
    test_log_free(&log);
}

Test(verdict, unknown_key)
{
    struct test_log log;
    struct test_key other;
    struct audit_report report;
    char name[128], text[256];

    test_log_make(&log);
    test_key_make(&other, "P-256", "ES256");
    cr_assert_eq(audit_verify(log.fd, TEST_ORIGIN, other.kid, &report, &log.err), RESULT_OK);
    cr_assert_eq(report.verdict, AUDIT_UNKNOWN_KEY);
    cr_assert_eq(audit_verify(log.fd, TEST_ORIGIN, "", &report, &log.err), RESULT_OK);
    cr_assert_eq(report.verdict, AUDIT_UNKNOWN_KEY);
    cr_assert_eq(audit_verify(log.fd, TEST_ORIGIN, NULL, &report, &log.err), RESULT_OK);
    cr_assert_eq(report.verdict, AUDIT_INTACT);
    cr_assert_str_eq(report.kid, log.key.kid);
    (void)snprintf(name, sizeof name, "keys/%s.jwk", log.key.kid);
    cr_assert_eq(unlinkat(log.fd, name, 0), 0);
    (void)snprintf(text, sizeof text,
                   "record 0 is signed by the key %s, whose public key is not in keys/",
                   log.key.kid);
    expect(&log, AUDIT_UNKNOWN_KEY, 0, text);
    test_key_free(&other);
    test_log_free(&log);
}

/* Who can put a key into keys/ can sign well by it, but not for the log. */
Test(verdict, unknown_key_of_a_record_that_was_added)
{
    struct test_log log;
    struct test_lines lines;
    struct test_key ours;
    struct key foreign;
    struct audit_report report;
    uint8_t previous[SHA256_LEN];
    AUTO_BUF forged = BUF_INIT(AUDIT_LINE_MAX);
    AUTO_BUF jwk = BUF_INIT(KEY_MAX);
    char name[128];

    make_four(&log, &lines);
    ours = log.key;
    test_key_make(&log.key, "P-256", "ES256");
    cr_assert_eq(
        key_from_spki("ES256", (uint8_t *)log.key.spki.data, log.key.spki.len, &foreign, &log.err),
        RESULT_OK);
    cr_assert_eq(key_jwk(&foreign, &jwk, &log.err), RESULT_OK);
    (void)snprintf(name, sizeof name, "keys/%s.jwk", foreign.kid);
    test_write(&log, name, jwk.data, jwk.len);
    sha256(lines.line[3], lines.len[3] - 1, previous);
    test_forge(&log, 4, previous, "order.response", &forged);
    lines.line[4] = forged.data;
    lines.len[4] = forged.len;
    test_lines_write(&log, &lines, (int[]){0, 1, 2, 3, 4, -1});
    test_seal(&log);
    test_key_free(&log.key);
    log.key = ours;
    test_expect(&log, AUDIT_UNKNOWN_KEY);
    cr_assert_eq(audit_verify(log.fd, TEST_ORIGIN, NULL, &report, &log.err), RESULT_OK);
    cr_assert_eq(report.verdict, AUDIT_UNKNOWN_KEY, "%s", report.text);
    cr_assert_eq(report.where, 4);
    key_free(&foreign);
    free_four(&log, &lines);
}

Test(verdict, malformed)
{
    struct test_log log;
    struct test_lines lines;
    static char endless[100000];

    make_four(&log, &lines);
    lines.line[4] = "\n";
    lines.len[4] = 1;
    lines.line[5] = "{\"payload\":\"\",\"protected\":\"e30\",\"signature\":\"\"}\n";
    lines.len[5] = strlen(lines.line[5]);
    test_lines_write(&log, &lines, (int[]){0, 4, 1, -1});
    expect(&log, AUDIT_MALFORMED, 1, "record 1 is not a signed record (a flattened JWS)");
    test_lines_write(&log, &lines, (int[]){0, 5, 1, -1});
    expect(&log, AUDIT_MALFORMED, 1,
           "record 1 has a protected header that no record of this log has");
    memset(endless, 'x', sizeof endless);
    test_write(&log, FIRST_SEGMENT, endless, sizeof endless);
    expect(&log, AUDIT_MALFORMED, 0, "record 0 has no end: a newline is missing within the log");
    cr_assert_eq(unlinkat(log.fd, "checkpoint", 0), 0);
    test_write(&log, FIRST_SEGMENT, "", 0);
    expect(&log, AUDIT_MALFORMED, 0, "there is no record, not even that of its creation");
    free_four(&log, &lines);
}

Test(verdict, malformed_where_the_origin_is_another_ones)
{
    struct test_log log;
    struct audit_report report;

    test_log_make(&log);
    cr_assert_eq(audit_verify(log.fd, "other.example.com/georder", NULL, &report, &log.err),
                 RESULT_OK);
    cr_assert_eq(report.verdict, AUDIT_MALFORMED);
    cr_assert_str_eq(report.text, "record 0 belongs to another log");
    test_log_free(&log);
}

Test(verdict, malformed_where_a_newline_is_missing_inside)
{
    struct test_log log;
    AUTO_BUF text = BUF_INIT(100000);

    test_log_make(&log);
    log.audit->segment_max = 1;
    test_append(&log, "order.denied", "");
    test_read(&log, FIRST_SEGMENT, &text);
    test_write(&log, FIRST_SEGMENT, text.data, text.len - 1);
    expect(&log, AUDIT_MALFORMED, 0, "record 0 has no end: a newline is missing within the log");
    test_log_free(&log);
}

Test(verdict, has_a_name_and_a_judgement)
{
    static const struct {
        enum audit_verdict verdict;
        const char *name;
        bool good;
    } all[] = {{AUDIT_INTACT, "intact", true},
               {AUDIT_REPAIRED, "repaired", true},
               {AUDIT_UNANCHORED_TAIL, "unanchored_tail", false},
               {AUDIT_TORN_TAIL, "torn_tail", false},
               {AUDIT_DUPLICATE, "duplicate", false},
               {AUDIT_GAP, "gap", false},
               {AUDIT_ALTERED, "altered", false},
               {AUDIT_FORKED, "forked", false},
               {AUDIT_ROLLED_BACK, "rolled_back", false},
               {AUDIT_UNKNOWN_KEY, "unknown_key", false},
               {AUDIT_MALFORMED, "malformed", false}};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        cr_assert_str_eq(audit_verdict_name(all[i].verdict), all[i].name);
        cr_assert_eq(audit_verdict_good(all[i].verdict), all[i].good, "%s", all[i].name);
    }
}

Test(unclosed, intents_are_counted)
{
    struct test_log log;
    struct audit_report report;

    test_log_make(&log);
    test_append(&log, "order.intent", ORDER_A);
    test_append(&log, "order.intent", ORDER_B);
    test_append(&log, "order.intent", ORDER_B);
    report = test_verify(&log);
    cr_assert_eq(report.verdict, AUDIT_INTACT);
    cr_assert_eq(report.unclosed, 2);
    cr_assert_eq(report.unclosed_first, 1);
    test_append(&log, "order.not_sent", ORDER_A);
    report = test_verify(&log);
    cr_assert_eq(report.unclosed, 1);
    cr_assert_eq(report.unclosed_first, 2);
    test_append(&log, "order.unknown", ORDER_B);
    test_append(&log, "order.response", ORDER_B);
    cr_assert_eq(test_verify(&log).unclosed, 0);
    test_log_free(&log);
}

static void expect_algorithm(const char *kind, const char *alg)
{
    struct test_log log;

    test_log_place(&log);
    test_key_free(&log.key);
    test_key_make(&log.key, kind, alg);
    log.signer.spki = (const uint8_t *)log.key.spki.data;
    log.signer.spki_len = log.key.spki.len;
    cr_assert_eq(audit_create(log.fd, TEST_ORIGIN, &log.signer, &log.err), RESULT_OK, "%s: %s", alg,
                 log.err.text);
    test_log_reopen(&log);
    test_append(&log, "order.denied", "");
    test_expect(&log, AUDIT_INTACT);
    test_log_free(&log);
}

Test(algorithms, are_es256_es384_rs256_and_ps256)
{
    expect_algorithm("P-256", "ES256");
    expect_algorithm("P-384", "ES384");
    expect_algorithm("RSA", "RS256");
    expect_algorithm("RSA", "PS256");
}

Test(algorithms, must_fit_the_key)
{
    static const char *const wrong[] = {"ES384", "RS256", "none", ""};
    struct test_log log;

    test_log_place(&log);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        log.signer.alg = wrong[i];
        cr_assert_eq(audit_create(log.fd, TEST_ORIGIN, &log.signer, &log.err), RESULT_KEY);
    }
    test_log_free(&log);
}

/* RFC 7638 has an example, in section 3.1. */
Test(algorithms, name_keys_by_their_thumbprint)
{
    static const char spki[] =
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM7"
        "8LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc/BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ/2W+5JsGY4Hc5n9"
        "yBXArwl93lqt7/RN5w6Cf0h4QyQ5v+65YGjQR0/FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvR"
        "L5hajrn1n91CbOpbISD08qNLyrdkt+bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ+G/xBniIqbw0Ls1jF44"
        "+csFCur+kEgU8awapJzKnqDKgwIDAQAB";
    AUTO_BUF der = BUF_INIT(1024);
    struct key key;
    struct err err = {0};

    cr_assert(base64_get(spki, sizeof spki - 1, &der));
    cr_assert_eq(key_from_spki("RS256", (uint8_t *)der.data, der.len, &key, &err), RESULT_OK, "%s",
                 err.text);
    cr_assert_str_eq(key.kid, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    key_free(&key);
}

Test(verify, tells_the_root_in_base64)
{
    struct test_log log;
    struct test_lines lines;
    uint8_t leaf[SHA256_LEN];
    AUTO_BUF root = BUF_INIT(64);
    struct hasher hasher;

    test_log_make(&log);
    test_lines_read(&log, &lines);
    cr_assert_eq(hasher_open(&hasher, "SHA256", &log.err), RESULT_OK);
    tree_leaf(&hasher, lines.line[0], lines.len[0] - 1, leaf);
    base64_put(&root, leaf, sizeof leaf);
    cr_assert_str_eq(test_verify(&log).root, buf_text(&root));
    hasher_close(&hasher);
    buf_free(&lines.text);
    test_log_free(&log);
}

Test(verify, is_the_same_each_time_and_flat_over_many_segments)
{
    struct test_log log;
    struct audit_report first, again;

    test_log_make(&log);
    log.audit->segment_max = 50000;
    for (int i = 0; i < 700; i++)
        test_append(&log, "order.intent", i % 2 ? ORDER_A : ORDER_B);
    first = test_verify(&log);
    cr_assert_eq(first.verdict, AUDIT_INTACT, "%s", first.text);
    cr_assert_eq(first.records, 701);
    for (int i = 0; i < 5; i++) {
        again = test_verify(&log);
        cr_assert_eq(memcmp(&first, &again, sizeof first), 0);
    }
    test_log_free(&log);
}

/* Readers see whole states only, though a writer is at work. */
Test(verify, never_accuses_while_another_process_appends)
{
    struct test_log log;
    pid_t child;
    int status;

    test_log_make(&log);
    child = fork();
    if (child == 0) {
        test_log_reopen(&log);
        for (int i = 0; i < 200; i++)
            test_append(&log, "order.denied", "");
        _exit(42);
    }
    while (waitpid(child, &status, WNOHANG) == 0)
        test_expect(&log, AUDIT_INTACT);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    cr_assert_eq(test_verify(&log).records, 201);
    test_log_free(&log);
}

Test(verify, works_behind_the_lock_of_main)
{
    struct test_log log;
    int status;
    pid_t child;

    test_log_make(&log);
    child = fork();
    if (child == 0) {
        if (guard_lock_main(log.fd, false, &log.err) != RESULT_OK)
            _exit(3);
        _exit(test_verify(&log).verdict == AUDIT_INTACT ? 42 : 4);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42, "%x", (unsigned)status);
    test_log_free(&log);
}
