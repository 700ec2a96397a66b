#include <criterion/criterion.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base.h"

Test(buf, empty_is_empty_text)
{
    AUTO_BUF buf = BUF_INIT(8);
    cr_assert_str_eq(buf_text(&buf), "");
    cr_assert_eq(buf.len, 0);
    cr_assert(buf_ok(&buf));
}

Test(buf, puts_are_joined_and_ended)
{
    AUTO_BUF buf = BUF_INIT(64);
    buf_puts(&buf, "abc");
    buf_putc(&buf, '-');
    buf_printf(&buf, "%05d|%s", 42, "x");
    buf_put(&buf, "y\0z", 3);
    buf_put(&buf, NULL, 0);
    cr_assert_eq(buf.len, 14);
    cr_assert_arr_eq(buf.data, "abc-00042|xy\0z", 15);
}

Test(buf, holds_exactly_its_limit)
{
    AUTO_BUF buf = BUF_INIT(4);
    buf_puts(&buf, "1234");
    cr_assert(buf_ok(&buf));
    buf_puts(&buf, "");
    cr_assert(buf_ok(&buf));
    buf_putc(&buf, '5');
    cr_assert_not(buf_ok(&buf));
    cr_assert_str_eq(buf_text(&buf), "1234");
}

Test(buf, failure_stays_and_changes_nothing)
{
    AUTO_BUF buf = BUF_INIT(4);
    buf_puts(&buf, "12");
    buf_printf(&buf, "%s", "345");
    cr_assert_not(buf_ok(&buf));
    buf_putc(&buf, '3');
    cr_assert_null(buf_room(&buf, 1));
    cr_assert_str_eq(buf_text(&buf), "12");
    cr_assert_eq(buf.len, 2);
}

Test(buf, a_limit_of_nothing_holds_nothing)
{
    AUTO_BUF buf = BUF_INIT(0);
    buf_puts(&buf, "");
    cr_assert(buf_ok(&buf));
    buf_putc(&buf, 'a');
    cr_assert_not(buf_ok(&buf));
    cr_assert_str_eq(buf_text(&buf), "");
}

Test(buf, lengths_that_wrap_are_refused)
{
    AUTO_BUF buf = BUF_INIT(64);
    buf_puts(&buf, "ab");
    cr_assert_null(buf_room(&buf, SIZE_MAX));
    buf_reset(&buf);
    cr_assert_null(buf_room(&buf, SIZE_MAX - 1));
}

Test(buf, room_counts_when_grown)
{
    AUTO_BUF buf = BUF_INIT(1000);
    char *room = buf_room(&buf, 500);
    cr_assert_not_null(room);
    memset(room, 'x', 500);
    cr_assert_eq(buf.len, 0);
    buf_grew(&buf, 3);
    cr_assert_str_eq(buf_text(&buf), "xxx");
}

Test(buf, keeps_content_as_it_grows)
{
    AUTO_BUF buf = BUF_INIT(100000);
    for (int i = 0; i < 20000; i++)
        buf_printf(&buf, "%04d ", i % 10000);
    cr_assert(buf_ok(&buf));
    cr_assert_eq(buf.len, 100000);
    for (int i = 0; i < 20000; i++) {
        char wanted[16];
        (void)snprintf(wanted, sizeof wanted, "%04d ", i % 10000);
        cr_assert_eq(memcmp(buf.data + (size_t)i * 5, wanted, 5), 0, "item %d", i);
    }
}

Test(buf, reset_wipes_and_begins_anew)
{
    AUTO_BUF buf = BUF_INIT(6);
    buf_puts(&buf, "secret");
    buf_putc(&buf, '!');
    char *memory = buf.data;
    buf_reset(&buf);
    cr_assert_eq(buf.data, memory);
    cr_assert_arr_eq(memory, "\0\0\0\0\0\0", 6);
    cr_assert_eq(buf.len, 0);
    buf_puts(&buf, "new");
    cr_assert(buf_ok(&buf));
    cr_assert_str_eq(buf_text(&buf), "new");
}

Test(buf, free_is_safe_twice)
{
    struct buf buf = BUF_INIT(6);
    buf_free(&buf);
    buf_puts(&buf, "abc");
    buf_free(&buf);
    cr_assert_null(buf.data);
    cr_assert_eq(buf.len, 0);
    buf_free(&buf);
    buf_puts(&buf, "again");
    cr_assert_str_eq(buf_text(&buf), "again");
    buf_free(&buf);
}

Test(buf, secrets_live_in_the_secure_heap)
{
    cr_assert_eq(CRYPTO_secure_malloc_init(65536, 32), 1);
    AUTO_BUF secret = BUF_SECRET(4096);
    AUTO_BUF plain = BUF_INIT(4096);
    for (int i = 0; i < 400; i++) {
        buf_puts(&secret, "0123456789");
        buf_puts(&plain, "0123456789");
        cr_assert_eq(CRYPTO_secure_allocated(secret.data), 1);
    }
    cr_assert(buf_ok(&secret));
    cr_assert_eq(CRYPTO_secure_allocated(plain.data), 0);
    cr_assert_arr_eq(secret.data, plain.data, 4001);
    buf_free(&secret);
    cr_assert_eq(CRYPTO_secure_used(), 0);
}

Test(buf, a_full_secure_heap_is_a_failure)
{
    cr_assert_eq(CRYPTO_secure_malloc_init(4096, 32), 1);
    AUTO_BUF secret = BUF_SECRET(1 << 20);
    struct err err = {0};
    for (int i = 0; i < 1000; i++)
        buf_puts(&secret, "0123456789");
    cr_assert_not(buf_ok(&secret));
    cr_assert_lt(secret.len, 4096);
    cr_assert_eq(buf_check(&secret, "the token", &err), RESULT_INTERNAL);
}

Test(buf, check_says_what_and_how_much)
{
    AUTO_BUF buf = BUF_INIT(2);
    struct err err = {0};
    buf_puts(&buf, "ab");
    cr_assert_eq(buf_check(&buf, "the request", &err), RESULT_OK);
    cr_assert_str_eq(err.text, "");
    buf_puts(&buf, "c");
    cr_assert_eq(buf_check(&buf, "the request", &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "the request: no memory, or more than 2 bytes");
}
