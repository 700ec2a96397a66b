/* Several records at once: all of them or none, each signed, with the flushes of one. */
#include "helper_disk.h"
#include "helper_log.h"

#include <string.h>

#define MANY AUDIT_GROUP_MAX

static struct audit_event event;
static struct audit_entry entries[MANY + 1];

static enum result group_append(struct test_log *log, size_t count, uint64_t *first)
{
    event = test_event("order.settled", "");
    for (size_t i = 0; i <= MANY; i++)
        entries[i] = (struct audit_entry){.event = &event};
    return audit_append_group(log->audit, entries, count, first, &log->err);
}

static struct {
    unsigned writes, flushes, renames;
} calls;

static void count(const struct disk_call *call)
{
    calls.writes += strcmp(call->name, "write") == 0 && call->size > 10000;
    calls.flushes += strstr(call->name, "sync") != NULL;
    calls.renames += strcmp(call->name, "renameat") == 0;
}

Test(group, of_a_hundred_has_the_write_the_flushes_and_the_checkpoint_of_one)
{
    struct test_log log;
    uint64_t first = 0;

    test_log_make(&log);
    test_append(&log, "order.intent", "");
    log.key.notes_left = 1;
    disk_witness = count;
    disk_arm(DISK_GOOD, 0, 0);
    cr_assert_eq(group_append(&log, MANY, &first), RESULT_OK, "%s", log.err.text);
    disk_disarm();
    disk_witness = NULL;
    cr_assert_eq(first, 2);
    cr_assert_eq(calls.writes, 1);
    cr_assert_eq(calls.flushes, 2, "%u flushes", calls.flushes);
    cr_assert_eq(calls.renames, 2, "a tile and the checkpoint, not %u", calls.renames);
    cr_assert_eq(log.key.notes_left, 0);
    cr_assert_eq(test_verify(&log).records, 2 + MANY);
    cr_assert_eq(test_verify(&log).checkpoint_size, 2 + MANY);
    test_expect(&log, AUDIT_INTACT);
    test_log_free(&log);
}

Test(group, of_none_or_too_many_is_refused)
{
    struct test_log log;

    test_log_make(&log);
    cr_assert_eq(group_append(&log, 0, NULL), RESULT_INTERNAL);
    cr_assert_eq(group_append(&log, MANY + 1, NULL), RESULT_INTERNAL);
    cr_assert_str_eq(log.err.text, "a group of 101 records: 1 to 100 are permitted");
    cr_assert_eq(test_verify(&log).records, 1);
    test_log_free(&log);
}

static void expect_none(struct test_log *log, enum result result, const char *text)
{
    cr_assert_eq(group_append(log, 5, NULL), result, "%s", log->err.text);
    cr_assert_not_null(strstr(log->err.text, text), "%s", log->err.text);
    cr_assert_eq(test_verify(log).records, 1);
    test_expect(log, AUDIT_INTACT);
}

Test(group, is_not_there_when_one_record_or_its_checkpoint_cannot_be_signed)
{
    struct test_log log;

    test_log_make(&log);
    log.key.lines_left = 4;
    expect_none(&log, RESULT_KEY, "the token was taken out");
    log.key.lines_left = -1;
    log.key.notes_left = 0;
    expect_none(&log, RESULT_KEY, "the token was taken out");
    log.key.notes_left = -1;
    cr_assert_eq(group_append(&log, 5, NULL), RESULT_OK, "%s", log.err.text);
    cr_assert_eq(test_verify(&log).records, 6);
    test_log_free(&log);
}

Test(group, is_not_there_when_the_signature_of_any_record_is_wrong)
{
    struct test_log log;

    test_log_make(&log);
    log.key.wrong = true;
    for (log.key.wrong_line = 1; log.key.wrong_line <= 5; log.key.wrong_line++) {
        log.key.lines_left = 6;
        expect_none(&log, RESULT_AUDIT,
                    "the signer's record does not fit its signature: it was not written");
    }
    test_log_free(&log);
}

/* The leaf hashes of the whole log, as its tiles have them. */
static void leaves_read(struct test_log *log, struct buf *leaves)
{
    static const char *const tiles[] = {"tile/0/000", "tile/0/001", "tile/0/002.p/119"};

    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        AUTO_BUF tile = BUF_INIT(TILE_WIDTH * SHA256_LEN);

        test_read(log, tiles[i], &tile);
        buf_put(leaves, tile.data, tile.len);
    }
    cr_assert_eq(leaves->len, 631 * SHA256_LEN);
}

/* The 256th and the 512th record fill a tile, within a group. */
Test(group, over_a_full_tile_leaves_each_tile_right)
{
    struct test_log log;
    AUTO_BUF leaves = BUF_INIT(3 * TILE_WIDTH * SHA256_LEN), text = BUF_INIT(4 * 1024 * 1024);
    uint8_t leaf[SHA256_LEN];
    const char *line;

    test_log_make(&log);
    disk.lazy = true;
    for (int i = 0; i < 7; i++)
        cr_assert_eq(group_append(&log, 90, NULL), RESULT_OK, "%s", log.err.text);
    disk.lazy = false;
    cr_assert(test_exists(&log, "tile/1/000.p/2"));
    cr_assert(!test_exists(&log, "tile/0/000.p") && !test_exists(&log, "tile/0/001.p"));
    leaves_read(&log, &leaves);
    test_read(&log, FIRST_SEGMENT, &text);
    line = text.data;
    for (size_t i = 0; i < 631; i++) {
        size_t len = strcspn(line, "\n");

        tree_leaf(&log.audit->checker.sha256, line, len, leaf);
        cr_assert_arr_eq(leaf, leaves.data + i * SHA256_LEN, SHA256_LEN, "record %zu", i);
        line += len + 1;
    }
    test_log_reopen(&log);
    test_append(&log, "order.intent", "");
    test_expect(&log, AUDIT_INTACT);
    test_log_free(&log);
}
