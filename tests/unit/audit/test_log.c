#include "helper_disk.h"
#include "helper_log.h"
#include "helper_payload.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"

#define ORDER_A "0192f3a1-7b2c-7def-8123-456789abcdef"
#define ORDER_B "0192f3a1-7b2c-7def-8123-456789abcde0"

Test(create, makes_the_layout_and_the_first_record)
{
    struct test_log log;
    struct audit_report report;
    struct stat status;
    char name[128];

    test_log_make(&log);
    report = test_verify(&log);
    cr_assert_eq(report.verdict, AUDIT_INTACT, "%s", report.text);
    cr_assert_eq(report.records, 1);
    cr_assert_eq(report.checkpoint_size, 1);
    cr_assert_str_eq(report.kid, log.key.kid);
    cr_assert_str_eq(report.text, "all 1 records are good");
    (void)snprintf(name, sizeof name, "keys/%s.jwk", log.key.kid);
    cr_assert(test_exists(&log, name));
    cr_assert(test_exists(&log, "tile/0/000.p/1"));
    cr_assert_eq(fstatat(log.fd, FIRST_SEGMENT, &status, 0), 0);
    cr_assert_eq(status.st_mode & 07777, 0600);
    cr_assert_eq(fstatat(log.fd, "bodies", &status, 0), 0);
    cr_assert_eq(status.st_mode & 07777, 0700);
    test_log_free(&log);
}

Test(create, refuses_where_a_log_is)
{
    struct test_log log;

    test_log_make(&log);
    cr_assert_eq(audit_create(log.fd, TEST_ORIGIN, &log.signer, &log.err), RESULT_AUDIT);
    cr_assert_str_eq(log.err.text,
                     "a log is already in the audit directory: it is never overwritten; name "
                     "another directory in the config, or keep this log");
    test_expect(&log, AUDIT_INTACT);
    test_log_free(&log);
}

Test(create, can_be_tried_again_after_the_key_failed)
{
    struct test_log log;

    test_log_place(&log);
    log.key.lines_left = 0;
    cr_assert_eq(audit_create(log.fd, TEST_ORIGIN, &log.signer, &log.err), RESULT_KEY);
    log.key.lines_left = -1;
    log.key.notes_left = 0;
    cr_assert_eq(audit_create(log.fd, TEST_ORIGIN, &log.signer, &log.err), RESULT_KEY);
    log.key.notes_left = -1;
    cr_assert_eq(audit_create(log.fd, TEST_ORIGIN, &log.signer, &log.err), RESULT_OK, "%s",
                 log.err.text);
    test_expect(&log, AUDIT_INTACT);
    test_log_free(&log);
}

Test(create, refuses_an_origin_that_is_no_key_name)
{
    static const char *const bad[] = {"", "a b", "a+b", "caf\xc3\xa9", "a\nb", "a\"b"};
    struct test_log log;

    test_log_place(&log);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(audit_create(log.fd, bad[i], &log.signer, &log.err), RESULT_CONFIG, "%s",
                     bad[i]);
    cr_assert_str_eq(log.err.text, "audit.origin: byte 2 may not stand in a log's name: take "
                                   "letters, digits, '.', '-', '_' and '/'");
    test_log_free(&log);
}

Test(open, says_when_there_is_no_log)
{
    struct test_log log;

    test_log_place(&log);
    cr_assert_eq(audit_open(log.fd, TEST_ORIGIN, NULL, &log.audit, &log.err), RESULT_AUDIT);
    cr_assert_str_eq(log.err.text, "the audit directory holds no log (no records/): make one by "
                                   "`georder init`, or name the right directory in the config");
    cr_assert_null(log.audit);
    test_log_free(&log);
}

Test(open, refuses_a_key_that_is_not_the_logs)
{
    struct test_log log;
    struct audit *audit = NULL;
    struct test_key other;

    test_log_make(&log);
    test_key_make(&other, "P-256", "ES256");
    log.signer.spki = (const uint8_t *)other.spki.data;
    cr_assert_eq(audit_open(log.fd, TEST_ORIGIN, &log.signer, &audit, &log.err), RESULT_AUDIT);
    cr_assert_not_null(strstr(log.err.text, "is not a key of this log"), "%s", log.err.text);
    cr_assert_null(audit);
    test_key_free(&other);
    test_log_free(&log);
}

Test(open, for_reading_works_on_a_read_only_directory_and_refuses_to_append)
{
    struct test_log log;
    struct audit *audit = NULL;
    struct audit_event event = test_event("order.intent", "");

    test_log_make(&log);
    cr_assert_eq(fchmodat(log.fd, "lock", 0400, 0), 0);
    cr_assert_eq(fchmod(log.fd, 0500), 0);
    cr_assert_eq(audit_open(log.fd, TEST_ORIGIN, NULL, &audit, &log.err), RESULT_OK);
    cr_assert_eq(audit_append(audit, &event, NULL, 0, NULL, &log.err), RESULT_INTERNAL);
    cr_assert_str_eq(log.err.text, "the audit log was opened for reading only");
    test_expect(&log, AUDIT_INTACT);
    audit_close(&audit);
    cr_assert_null(audit);
    cr_assert_eq(fchmod(log.fd, 0700), 0);
    test_log_free(&log);
}

struct seen {
    uint64_t count, stop;
    char events[256], message[256];
};
static bool see(void *context, uint64_t index, const char *line, size_t len, const cJSON *payload)
{
    struct seen *seen = context;
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(payload, "metadata");
    size_t at = strlen(seen->events);

    cr_assert_eq(index, seen->count++);
    cr_assert_eq(line[len - 1], '}');
    cr_assert_eq((uint64_t)cJSON_GetObjectItemCaseSensitive(metadata, "sequence")->valuedouble,
                 index);
    (void)snprintf(seen->events + at, sizeof seen->events - at, "%s ",
                   cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, "event_code")));
    (void)snprintf(seen->message, sizeof seen->message, "%s",
                   cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(payload, "message")));
    return seen->count != seen->stop;
}

Test(each, shows_every_record_in_turn_and_stops_when_asked)
{
    struct test_log log;
    struct seen all = {0}, two = {.stop = 2};

    test_log_make(&log);
    test_append(&log, "order.intent", ORDER_A);
    test_append(&log, "order.response", ORDER_A);
    cr_assert_eq(audit_each(log.audit, see, &all, &log.err), RESULT_OK, "%s", log.err.text);
    cr_assert_str_eq(all.events, "log.created order.intent order.response ");
    cr_assert_eq(audit_each(log.audit, see, &two, &log.err), RESULT_OK);
    cr_assert_str_eq(two.events, "log.created order.intent ");
    test_log_free(&log);
}

static bool name_events(void *context, uint64_t index, const char *line, size_t len,
                        const cJSON *payload)
{
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(payload, "metadata");

    (void)line;
    (void)len;
    buf_printf(context, "%d %s ", (int)index,
               cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, "event_code")));
    return true;
}

Test(each, of_some_events_shows_these_alone_where_they_are)
{
    static const char *const two[] = {"order.response", "log.created", NULL}, *const none[] = {
                                                                                  NULL};
    AUTO_BUF seen = BUF_INIT(1024), nothing = BUF_INIT(1024);
    struct test_log log;

    test_log_make(&log);
    test_append(&log, "order.intent", ORDER_A);
    test_append(&log, "order.response", ORDER_A);
    test_append(&log, "order.unknown", ORDER_B);
    test_append(&log, "order.response", ORDER_B);
    cr_assert_eq(audit_each_of(log.audit, two, name_events, &seen, &log.err), RESULT_OK, "%s",
                 log.err.text);
    cr_assert_str_eq(buf_text(&seen), "0 log.created 2 order.response 4 order.response ");
    cr_assert_eq(audit_each_of(log.audit, none, name_events, &nothing, &log.err), RESULT_OK);
    cr_assert_eq(nothing.len, 0);
    test_log_free(&log);
}

Test(append, never_forks_when_eight_processes_append_at_once)
{
    struct test_log log;
    struct audit_report report;

    test_log_make(&log);
    for (int i = 0; i < 8; i++) {
        if (fork() != 0)
            continue;
        test_log_reopen(&log);
        log.audit->segment_max = 64 * 1024;
        for (int j = 0; j < 50; j++)
            test_append(&log, "order.denied", "");
        _exit(42);
    }
    for (int i = 0; i < 8; i++) {
        int status;

        cr_assert_gt(wait(&status), 0);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    }
    report = test_verify(&log);
    cr_assert_eq(report.verdict, AUDIT_INTACT, "%s", report.text);
    cr_assert_eq(report.records, 401);
    cr_assert(test_exists(&log, "tile/0/000"));
    cr_assert(test_exists(&log, "tile/0/001.p/145"));
    cr_assert_not(test_exists(&log, "tile/0/001.p/144"));
    cr_assert_not(test_exists(&log, "tile/0/000.p"));
    cr_assert(test_exists(&log, "tile/1/000.p/1"));
    test_log_free(&log);
}

Test(append, begins_a_new_segment_when_one_is_full)
{
    struct test_log log;
    AUTO_BUF text = BUF_INIT(1024 * 1024);

    test_log_make(&log);
    log.audit->segment_max = 2000;
    for (int i = 0; i < 7; i++)
        test_append(&log, "order.denied", "");
    cr_assert(test_exists(&log, "records/000000000002.jsonl"));
    test_read(&log, "records/000000000002.jsonl", &text);
    cr_assert_geq(text.len, 2000);
    test_expect(&log, AUDIT_INTACT);
    test_log_reopen(&log);
    test_append(&log, "order.denied", "");
    test_expect(&log, AUDIT_INTACT);
    test_log_free(&log);
}

static void expect_refused(struct test_log *log, enum result result, const char *text)
{
    struct audit_event event = test_event("order.intent", ORDER_A);

    cr_assert_eq(audit_append(log->audit, &event, NULL, 0, NULL, &log->err), result, "%s",
                 log->err.text);
    cr_assert_not_null(strstr(log->err.text, text), "%s", log->err.text);
}

Test(append, leaves_no_record_when_the_signer_fails)
{
    struct test_log log;

    test_log_make(&log);
    log.key.lines_left = 0;
    expect_refused(&log, RESULT_KEY, "the token was taken out");
    log.key.lines_left = -1;
    log.key.notes_left = 0;
    expect_refused(&log, RESULT_KEY, "the token was taken out");
    log.key.notes_left = -1;
    cr_assert_eq(test_verify(&log).records, 1);
    test_expect(&log, AUDIT_INTACT);
    test_append(&log, "order.intent", ORDER_A);
    cr_assert_eq(test_verify(&log).records, 2);
    test_log_free(&log);
}

Test(append, leaves_no_record_when_the_signature_is_wrong)
{
    struct test_log log;

    test_log_make(&log);
    log.key.wrong = true;
    expect_refused(&log, RESULT_AUDIT,
                   "the signer's record does not fit its signature: it was not written");
    cr_assert_eq(test_verify(&log).records, 1);
    test_log_free(&log);
}

Test(append, takes_a_short_write_back)
{
    struct test_log log;
    struct stat status;
    struct rlimit limit, tight;

    test_log_make(&log);
    test_append(&log, "order.intent", ORDER_A);
    cr_assert_eq(fstatat(log.fd, FIRST_SEGMENT, &status, 0), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    tight = limit;
    for (int extra = 0; extra < 1200; extra += 300) {
        struct stat after;

        tight.rlim_cur = (rlim_t)(status.st_size + extra);
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
        expect_refused(&log, RESULT_AUDIT, "records: cannot write the whole record");
        cr_assert_eq(fstatat(log.fd, FIRST_SEGMENT, &after, 0), 0);
        cr_assert_eq(after.st_size, status.st_size);
    }
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    test_expect(&log, AUDIT_INTACT);
    test_append(&log, "order.response", ORDER_A);
    cr_assert_eq(test_verify(&log).records, 3);
    test_expect(&log, AUDIT_INTACT);
    test_log_free(&log);
}

Test(append, fails_closed_on_a_full_disk)
{
    struct test_log log;
    struct audit_event event = test_event("order.denied", "");
    uint64_t good = 1;

    test_log_place(&log);
    if (mount("none", log.path, "tmpfs", 0, "size=64k") != 0)
        cr_skip_test("only root may mount a small disk");
    fd_close(&log.fd);
    log.fd = open(log.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(audit_create(log.fd, TEST_ORIGIN, &log.signer, &log.err), RESULT_OK, "%s",
                 log.err.text);
    test_log_reopen(&log);
    while (audit_append(log.audit, &event, NULL, 0, NULL, &log.err) == RESULT_OK)
        good++;
    cr_assert_eq(log.err.result, RESULT_AUDIT, "%s", log.err.text);
    cr_assert_gt(good, 5);
    cr_assert_eq(test_verify(&log).records, good);
    test_expect(&log, AUDIT_INTACT);
    audit_close(&log.audit);
    fd_close(&log.fd);
    cr_assert_eq(umount(log.path), 0);
    test_log_free(&log);
}

Test(append, never_goes_on_after_a_failed_flush)
{
    struct test_log log;

    test_log_make(&log);
    test_append(&log, "order.denied", "");
    disk.mode = DISK_FLUSHES_FAIL;
    expect_refused(&log, RESULT_AUDIT, "records: cannot flush to the disk");
    disk.mode = DISK_GOOD;
    expect_refused(&log, RESULT_AUDIT, "a flush of the audit log failed earlier");
    cr_assert_eq(test_verify(&log).records, 2);
    test_log_reopen(&log);
    test_append(&log, "order.intent", ORDER_A);
    test_expect(&log, AUDIT_INTACT);
    cr_assert_eq(test_verify(&log).records, 3);
    test_log_free(&log);
}

Test(append, flushes_the_record_before_it_returns)
{
    struct test_log log;

    test_log_make(&log);
    test_append(&log, "order.denied", "");
    disk.flushes = 0;
    test_append(&log, "order.intent", ORDER_A);
    cr_assert_eq(disk.flushes, 2, "the record, then the checkpoint");
    test_log_free(&log);
}

static void tear(struct test_log *log, const char *bytes)
{
    AUTO_FD fd = openat(log->fd, FIRST_SEGMENT, O_WRONLY | O_APPEND | O_CLOEXEC);

    cr_assert_eq(write(fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
}

Test(repair, moves_a_torn_tail_aside_and_records_it)
{
    struct test_log log;
    struct seen seen = {0};
    AUTO_BUF moved = BUF_INIT(1024);
    char digest[SHA256_HEX_LEN + 1], name[128];

    test_log_make(&log);
    test_append(&log, "order.intent", ORDER_A);
    tear(&log, "{\"payload\":\"eyJ");
    test_expect(&log, AUDIT_TORN_TAIL);
    test_append(&log, "order.unknown", ORDER_A);
    test_expect(&log, AUDIT_REPAIRED);
    cr_assert_eq(audit_each(log.audit, see, &seen, &log.err), RESULT_OK);
    cr_assert_str_eq(seen.events, "log.created order.intent log.repaired order.unknown ");
    sha256_hex("{\"payload\":\"eyJ", 15, digest);
    (void)snprintf(name, sizeof name, "records/torn-000000000002-%.16s", digest);
    test_read(&log, name, &moved);
    cr_assert_str_eq(moved.data, "{\"payload\":\"eyJ");
    test_append(&log, "order.denied", "");
    cr_assert_eq(test_verify(&log).records, 5);
    cr_assert_eq(test_verify(&log).unclosed, 0);
    test_log_free(&log);
}

Test(repair, tells_what_was_moved)
{
    struct test_log log;
    cJSON *payload = NULL;

    test_log_make(&log);
    tear(&log, "torn");
    log.key.lines_left = 1;
    expect_refused(&log, RESULT_KEY, "the token was taken out");
    payload = test_payload(&log);
    cr_assert_str_eq(test_text_at(payload, "unmapped.georder.event"), "log.repaired");
    cr_assert_str_eq(test_text_at(payload, "unmapped.georder.moved.0.file"),
                     "torn-000000000001-00cc10cc5ab0a89f");
    cr_assert_eq(test_number_at(payload, "unmapped.georder.moved.0.bytes"), 4);
    cr_assert_str_eq(test_text_at(payload, "unmapped.georder.moved.0.sha256"),
                     "00cc10cc5ab0a89fbf4d84a229bf234e739ba6294a832d2c042ce8d9a1949cf7");
    cJSON_Delete(payload);
    test_log_free(&log);
}

Test(repair, is_recorded_even_after_a_crash_in_the_middle_of_it)
{
    struct test_log log;
    struct seen seen = {0};

    test_log_make(&log);
    tear(&log, "torn");
    log.key.lines_left = 0;
    expect_refused(&log, RESULT_KEY, "the token was taken out");
    log.key.lines_left = -1;
    test_expect(&log, AUDIT_INTACT);
    test_log_reopen(&log);
    test_append(&log, "order.denied", "");
    cr_assert_eq(audit_each(log.audit, see, &seen, &log.err), RESULT_OK);
    cr_assert_str_eq(seen.events, "log.created log.repaired order.denied ");
    test_expect(&log, AUDIT_REPAIRED);
    test_log_free(&log);
}

Test(repair, of_a_segment_that_holds_torn_bytes_only)
{
    struct test_log log;

    test_log_make(&log);
    test_write(&log, "records/000000000001.jsonl", "torn", 4);
    test_expect(&log, AUDIT_TORN_TAIL);
    test_append(&log, "order.denied", "");
    test_expect(&log, AUDIT_REPAIRED);
    cr_assert_eq(test_verify(&log).records, 3);
    test_log_free(&log);
}

Test(heal, anchors_records_that_a_crash_left_without_a_checkpoint)
{
    struct test_log log;
    AUTO_BUF note = BUF_INIT(NOTE_MAX);

    test_log_make(&log);
    test_append(&log, "order.intent", ORDER_A);
    test_read(&log, "checkpoint", &note);
    test_append(&log, "order.response", ORDER_A);
    test_append(&log, "order.intent", ORDER_B);
    test_write(&log, "checkpoint", note.data, note.len);
    test_expect(&log, AUDIT_UNANCHORED_TAIL);
    cr_assert_eq(test_verify(&log).where, 2);
    test_append(&log, "order.response", ORDER_B);
    test_expect(&log, AUDIT_INTACT);
    cr_assert_eq(test_verify(&log).records, 5);
    cr_assert(test_exists(&log, "tile/0/000.p/5"));
    test_log_free(&log);
}

Test(heal, anchors_the_very_first_record)
{
    struct test_log log;

    test_log_make(&log);
    cr_assert_eq(unlinkat(log.fd, "checkpoint", 0), 0);
    test_expect(&log, AUDIT_UNANCHORED_TAIL);
    test_append(&log, "order.denied", "");
    test_expect(&log, AUDIT_INTACT);
    test_log_free(&log);
}

Test(heal, makes_tiles_anew_that_do_not_fit_the_checkpoint)
{
    struct test_log log;
    AUTO_BUF before = BUF_INIT(16384);
    AUTO_BUF after = BUF_INIT(16384);

    test_log_make(&log);
    for (int i = 0; i < 300; i++)
        test_append(&log, "order.denied", "");
    test_read(&log, "tile/0/000", &before);
    test_write(&log, "tile/0/000", "", 0);
    test_write(&log, "tile/0/001.p/45", "altered", 7);
    test_log_reopen(&log);
    test_append(&log, "order.denied", "");
    test_read(&log, "tile/0/000", &after);
    cr_assert_eq(after.len, 8192);
    cr_assert_arr_eq(after.data, before.data, 8192);
    cr_assert(test_exists(&log, "tile/0/001.p/46"));
    test_expect(&log, AUDIT_INTACT);
    test_log_free(&log);
}

Test(append, refuses_to_go_on_from_a_log_that_does_not_verify)
{
    struct test_log log;
    struct test_lines lines;

    test_log_make(&log);
    for (int i = 0; i < 3; i++)
        test_append(&log, "order.denied", "");
    test_lines_read(&log, &lines);

    test_lines_write(&log, &lines, (int[]){0, 1, 2, -1});
    test_log_reopen(&log);
    expect_refused(&log, RESULT_AUDIT,
                   "the log was rolled back: its checkpoint is of 4 records, 3 are there");
    test_lines_write(&log, &lines, (int[]){0, 1, 3, -1});
    test_log_reopen(&log);
    cr_assert_eq(unlinkat(log.fd, "tile/0/000.p/4", 0), 0);
    expect_refused(&log, RESULT_AUDIT, "the last record says that it is number 3");
    test_lines_write(&log, &lines, (int[]){0, 2, 1, 3, -1});
    expect_refused(&log, RESULT_AUDIT, "the records are not those of the checkpoint");
    test_lines_write(&log, &lines, (int[]){0, 1, 2, 3, -1});
    cr_assert_eq(unlinkat(log.fd, "checkpoint", 0), 0);
    expect_refused(&log, RESULT_AUDIT, "the checkpoint is missing, though 4 records are there");
    test_write(&log, "checkpoint", "x", 1);
    expect_refused(&log, RESULT_AUDIT, "the checkpoint is no checkpoint of three lines");
    buf_free(&lines.text);
    test_log_free(&log);
}

Test(append, works_behind_the_lock_of_main)
{
    struct test_log log;
    int status;
    pid_t child;

    test_log_make(&log);
    child = fork();
    if (child == 0) {
        if (guard_lock_main(log.fd, true, &log.err) != RESULT_OK)
            _exit(3);
        for (int i = 0; i < 300; i++)
            test_append(&log, "order.denied", "");
        _exit(test_verify(&log).verdict == AUDIT_INTACT ? 42 : 4);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42, "%x", (unsigned)status);
    test_log_free(&log);
}
