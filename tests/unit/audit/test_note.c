#include "helper_log.h"

#include <string.h>

static struct test_log log_;
static struct keyring ring;
static struct buf note = BUF_INIT(NOTE_MAX);

static void setup(void)
{
    test_log_make(&log_);
    cr_assert_eq(keyring_load(log_.fd, &ring, &log_.err), RESULT_OK);
    cr_assert_eq(ring.count, 1);
    test_read(&log_, "checkpoint", &note);
}

static void teardown(void)
{
    keyring_free(&ring);
    buf_free(&note);
    test_log_free(&log_);
}

static enum note_status status_of(const char *text, size_t len)
{
    struct checkpoint checkpoint;

    return note_read(text, len, TEST_ORIGIN, &ring, &checkpoint);
}

Test(note, is_read_whole, .init = setup, .fini = teardown)
{
    struct checkpoint checkpoint;

    cr_assert_eq(note_read(note.data, note.len, TEST_ORIGIN, &ring, &checkpoint), NOTE_GOOD);
    cr_assert_eq(checkpoint.size, 1);
    cr_assert_eq(checkpoint.key, &ring.key[0]);
    cr_assert_eq(strncmp(note.data, TEST_ORIGIN "\n1\n", strlen(TEST_ORIGIN) + 3), 0);
}

Test(note, cut_anywhere_is_not_good, .init = setup, .fini = teardown)
{
    for (size_t len = 0; len < note.len; len++)
        cr_assert_neq(status_of(note.data, len), NOTE_GOOD, "%zu", len);
}

/* c2sp.org/signed-note: signatures by unknown keys must be ignored. */
Test(note, may_carry_cosignatures_of_others, .init = setup, .fini = teardown)
{
    buf_puts(&note, "\xE2\x80\x94 witness.example.com/w1 AAAAAAECAwQFBgc=\n");
    cr_assert_eq(status_of(note.data, note.len), NOTE_GOOD);
    buf_puts(&note, "\xE2\x80\x94 " TEST_ORIGIN " AAAAAAECAwQFBgc=\n");
    cr_assert_eq(status_of(note.data, note.len), NOTE_GOOD);
    buf_puts(&note, "a line that is no signature\n");
    cr_assert_eq(status_of(note.data, note.len), NOTE_MALFORMED);
}

Test(note, of_another_log_or_key_is_told_apart, .init = setup, .fini = teardown)
{
    struct checkpoint checkpoint;

    cr_assert_eq(note_read(note.data, note.len, "other.example.com", &ring, &checkpoint),
                 NOTE_ORIGIN);
    ring.key[0].note_id[0] ^= 1;
    cr_assert_eq(status_of(note.data, note.len), NOTE_KEY);
    ring.key[0].note_id[0] ^= 1;
    note.data[strlen(TEST_ORIGIN) + 1] = '2';
    cr_assert_eq(status_of(note.data, note.len), NOTE_SIGNATURE);
    note.data[strlen(TEST_ORIGIN) + 1] = '0';
    cr_assert_eq(status_of(note.data, note.len), NOTE_SIGNATURE);
    note.data[strlen(TEST_ORIGIN) + 1] = 'x';
    cr_assert_eq(status_of(note.data, note.len), NOTE_MALFORMED);
}
