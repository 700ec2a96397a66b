#include "helper_ten.h"

#include "helper_memo.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ORDER "0192f3a1-7b2c-7def-8123-456789abcdef"

/* Sanitizers make it slow: then some of the bits must do. */
#define STEP (GEORDER_SANITIZED ? 37 : 1)

void ten_make(struct test_log *log, char body[128], char key[128])
{
    static const char bytes[] = "an answer\0that is no text";
    struct audit_event response = test_event("order.response", ORDER);
    char digest[SHA256_HEX_LEN + 1];

    test_log_make(log);
    test_append(log, "order.intent", ORDER);
    cr_assert_eq(audit_append(log->audit, &response, bytes, sizeof bytes, NULL, &log->err),
                 RESULT_OK, "%s", log->err.text);
    for (int i = 3; i < TEN; i++)
        test_append(log, "order.denied", "");
    sha256_hex(bytes, sizeof bytes, digest);
    (void)snprintf(body, 128, "bodies/%s", digest);
    (void)snprintf(key, 128, "keys/%s.jwk", log->key.kid);
    cr_assert(test_exists(log, body));
    cr_assert_eq(test_verify(log).records, TEN);
}

void ten_flip(struct test_log *log, const char *name, size_t from, size_t to)
{
    AUTO_BUF text = BUF_INIT(100000);
    AUTO_FD fd = openat(log->fd, name, O_WRONLY | O_CLOEXEC);

    memo.on = true;
    test_read(log, name, &text);
    to = to < text.len ? to : text.len;
    cr_assert_lt(from, to);
    for (size_t bit = 8 * from; bit < 8 * to; bit += STEP) {
        char turned = (char)(text.data[bit / 8] ^ 1 << bit % 8);
        enum audit_verdict verdict;

        cr_assert_eq(pwrite(fd, &turned, 1, (off_t)(bit / 8)), 1);
        verdict = test_verify(log).verdict;
        cr_assert_not(audit_verdict_good(verdict), "%s: bit %zu of byte %zu", name, bit % 8,
                      bit / 8);
        cr_assert_eq(pwrite(fd, &text.data[bit / 8], 1, (off_t)(bit / 8)), 1);
    }
    memo.on = false;
    test_expect(log, AUDIT_INTACT);
    cr_log_info("%s: %zu bits; %" PRIu64 " signatures, %" PRIu64 " of them new", name,
                8 * (to - from), memo.asked, memo.checked);
}

void ten_flip_records(size_t from, size_t to)
{
    struct test_log log;
    struct test_lines lines;
    char body[128], key[128];
    size_t start = 0, end = 0;

    ten_make(&log, body, key);
    test_lines_read(&log, &lines);
    for (size_t i = 0; i < to; i++) {
        start += i < from ? lines.len[i] : 0;
        end += lines.len[i];
    }
    ten_flip(&log, FIRST_SEGMENT, start, end);
    buf_free(&lines.text);
    test_log_free(&log);
}
