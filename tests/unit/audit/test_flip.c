/* A small log, with every single bit of it turned. */
#include "helper_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ORDER "0192f3a1-7b2c-7def-8123-456789abcdef"

/* Sanitizers make it slow: then some of the bits must do. */
#define STEP (GEORDER_SANITIZED ? 37 : 1)

static void make_four(struct test_log *log)
{
    test_log_make(log);
    test_append(log, "order.intent", ORDER);
    test_append(log, "order.response", ORDER);
    test_append(log, "order.denied", "");
}

static void flip_all(struct test_log *log, const char *name, size_t from, size_t to)
{
    AUTO_BUF text = BUF_INIT(100000);
    AUTO_FD fd = openat(log->fd, name, O_WRONLY | O_CLOEXEC);

    test_read(log, name, &text);
    to = to < text.len ? to : text.len;
    for (size_t bit = 8 * from; bit < 8 * to; bit += STEP) {
        char turned = (char)(text.data[bit / 8] ^ 1 << bit % 8);
        enum audit_verdict verdict;

        cr_assert_eq(pwrite(fd, &turned, 1, (off_t)(bit / 8)), 1);
        verdict = test_verify(log).verdict;
        cr_assert_not(audit_verdict_good(verdict), "%s: bit %zu of byte %zu", name, bit % 8,
                      bit / 8);
        cr_assert_eq(pwrite(fd, &text.data[bit / 8], 1, (off_t)(bit / 8)), 1);
    }
    test_expect(log, AUDIT_INTACT);
}

static void flip_quarter(size_t quarter)
{
    struct test_log log;
    AUTO_BUF text = BUF_INIT(100000);

    make_four(&log);
    test_read(&log, FIRST_SEGMENT, &text);
    flip_all(&log, FIRST_SEGMENT, text.len / 4 * quarter,
             quarter == 3 ? text.len : text.len / 4 * (quarter + 1));
    test_log_free(&log);
}

Test(flip, of_any_bit_in_the_first_quarter_is_noticed)
{
    flip_quarter(0);
}

Test(flip, of_any_bit_in_the_second_quarter_is_noticed)
{
    flip_quarter(1);
}

Test(flip, of_any_bit_in_the_third_quarter_is_noticed)
{
    flip_quarter(2);
}

Test(flip, of_any_bit_in_the_last_quarter_is_noticed)
{
    flip_quarter(3);
}

Test(flip, of_any_bit_in_the_checkpoint_is_noticed)
{
    struct test_log log;

    make_four(&log);
    flip_all(&log, "checkpoint", 0, SIZE_MAX);
    test_log_free(&log);
}

Test(flip, of_any_bit_in_the_key_is_noticed)
{
    struct test_log log;
    char name[128];

    make_four(&log);
    (void)snprintf(name, sizeof name, "keys/%s.jwk", log.key.kid);
    flip_all(&log, name, 0, SIZE_MAX);
    test_log_free(&log);
}
