/* The bytes of the page. What its script makes of them is seen in a browser: tests/cli/report.bats.
 */
#include "report.h"

#include <string.h>

#include "helper_log.h"

#define KIB 1024

static enum result page_take(void *context, const void *bytes, size_t len, struct err *err)
{
    buf_put(context, bytes, len);
    return buf_check(context, "page", err);
}

static struct report_wish wish_make(struct buf *out, const cJSON *said)
{
    return (struct report_wish){.until = INT64_MAX,
                                .made = 1795458000123,
                                .said = said,
                                .write = page_take,
                                .context = out};
}

static void log_make(struct test_log *log, int records)
{
    test_log_make(log);
    for (int i = 1; i < records; i++)
        test_append(log, "order.denied", "");
}

static enum result page_make(struct test_log *log, const char *text, struct buf *out,
                             struct report_facts *facts)
{
    cJSON *said = cJSON_CreateObject();
    struct report_wish wish = wish_make(out, said);
    enum result result;

    cJSON_AddStringToObject(said, "verdict_text", text);
    result = audit_page(log->fd, TEST_ORIGIN, &wish, facts, &log->err);
    cJSON_Delete(said);
    return result;
}

/* What stands in a block, up to where HTML sees it end. */
static void block_read(const struct buf *page, const char *head, struct buf *out)
{
    const char *at = strstr(page->data, head), *end;

    cr_assert_not_null(at, "%s", head);
    at += strlen(head);
    end = strstr(at, "</script>");
    cr_assert_not_null(end);
    buf_put(out, at, (size_t)(end - at));
    cr_assert(buf_ok(out));
}
#define LOG_HEAD     "<script type=\"application/json\" id=\"log\">"
#define RECORDS_HEAD "<script type=\"text/plain\" id=\"records\">\n"

Test(report, carries_every_line_the_checkpoint_and_the_digest_of_its_bytes)
{
    struct test_log log;
    struct report_facts facts;
    AUTO_BUF page = BUF_INIT(1024 * KIB), lines = BUF_INIT(64 * KIB), block = BUF_INIT(64 * KIB);
    AUTO_BUF beside = BUF_INIT(64 * KIB);
    char digest[SHA256_HEX_LEN + 1];

    log_make(&log, 5);
    cr_assert_eq(page_make(&log, "good", &page, &facts), RESULT_OK, "%s", log.err.text);
    cr_assert(facts.first == 0 && facts.last == 4 && facts.size == 5);
    cr_assert_str_eq(facts.kid, log.key.kid);
    sha256_hex(page.data, page.len, digest);
    cr_assert_str_eq(facts.sha256, digest);
    test_read(&log, FIRST_SEGMENT, &lines);
    block_read(&page, RECORDS_HEAD, &block);
    cr_assert_str_eq(block.data, lines.data);
    block_read(&page, LOG_HEAD, &beside);
    cr_assert_not_null(strstr(beside.data, "\"checkpoint\":\"" TEST_ORIGIN "\\n5\\n"));
    cr_assert_not_null(strstr(beside.data, log.key.kid));
    test_log_free(&log);
}

/* Nothing ends a block, or begins a comment or an element in it. */
Test(report, text_beside_the_records_cannot_leave_its_block)
{
    static const char *const hostile[] = {
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "]]>&lt;",
        "\x1b[31m\xE2\x80\xAE\xE2\x80\xA8",
        "\"},\"keys\":[],\"x\":{\"",
    };
    struct test_log log;

    log_make(&log, 2);
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        AUTO_BUF page = BUF_INIT(1024 * KIB), block = BUF_INIT(64 * KIB);
        struct json_doc doc = {.name = "log", .result = RESULT_AUDIT};
        struct report_facts facts;

        cr_assert_eq(page_make(&log, hostile[i], &page, &facts), RESULT_OK, "%s", log.err.text);
        block_read(&page, LOG_HEAD, &block);
        cr_assert_null(strpbrk(block.data, "<>&\x1b"), "%s", block.data);
        doc.text = block.data;
        doc.len = block.len;
        cr_assert_eq(json_parse(&doc, JSON_OURS, &log.err), RESULT_OK, "%s", log.err.text);
        cr_assert_str_eq(
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(doc.root, "verdict_text")),
            hostile[i]);
        json_free(&doc);
    }
    test_log_free(&log);
}

/* Well sealed, and yet no form that is inert by itself. */
Test(report, a_line_with_markup_gets_no_page)
{
    static const char *const bad[] = {
        "{\"payload\":\"</script>\",\"protected\":\"e30\",\"signature\":\"AAAA\"}\n",
        "<script>\n",
        "{\"payload\":\"e30\",\"protected\":\"e30\"}\n",
    };
    struct test_log log;

    log_make(&log, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO_BUF page = BUF_INIT(1024 * KIB);
        struct report_facts facts;

        test_write(&log, FIRST_SEGMENT, bad[i], strlen(bad[i]));
        test_seal(&log);
        cr_assert_eq(page_make(&log, "good", &page, &facts), RESULT_AUDIT, "%s", bad[i]);
        cr_assert(page.len == 0 || strstr(page.data, bad[i]) == NULL);
        log.err = (struct err){0};
    }
    test_log_free(&log);
}

/* The export before it does not read signatures. */
Test(report, a_signature_with_markup_gets_no_page)
{
    struct test_log log;
    struct report_facts facts;
    AUTO_BUF page = BUF_INIT(1024 * KIB), text = BUF_INIT(64 * KIB);

    log_make(&log, 1);
    test_read(&log, FIRST_SEGMENT, &text);
    memcpy(text.data + text.len - strlen("</script>\"}\n"), "</script>", strlen("</script>"));
    test_write(&log, FIRST_SEGMENT, text.data, text.len);
    test_seal(&log);
    cr_assert_eq(page_make(&log, "good", &page, &facts), RESULT_AUDIT);
    cr_assert_not_null(strstr(log.err.text, "record 0 is not a signed record"), "%s", log.err.text);
    test_log_free(&log);
}

/* Some years of daily anchors fit; what does not gets no page, rather than a part of one. */
Test(report, what_stands_beside_the_records_is_bounded)
{
    struct test_log log;
    AUTO_BUF text = BUF_INIT(4096 * KIB), page = BUF_INIT(8192 * KIB);
    struct report_facts facts;

    log_make(&log, 2);
    for (size_t i = 0; i < 1024 * KIB; i++)
        buf_putc(&text, 'x');
    cr_assert_eq(page_make(&log, text.data, &page, &facts), RESULT_OK, "%s", log.err.text);
    for (size_t i = 0; i < 1024 * KIB; i++)
        buf_putc(&text, '<');
    buf_reset(&page);
    cr_assert_eq(page_make(&log, text.data, &page, &facts), RESULT_INTERNAL);
    cr_assert_not_null(strstr(log.err.text, "the keys and anchors beside the records"));
    cr_assert_null(strstr(buf_text(&page), RECORDS_HEAD));
    test_log_free(&log);
}

static void append_at(struct test_log *log, int64_t when)
{
    struct audit_event event = test_event("order.denied", "");

    event.time = when;
    cr_assert_eq(audit_append(log->audit, &event, NULL, 0, NULL, &log->err), RESULT_OK, "%s",
                 log->err.text);
}

Test(report, of_a_part_has_its_lines_and_whole_subtrees_of_the_others)
{
    struct test_log log;
    AUTO_BUF page = BUF_INIT(1024 * KIB), block = BUF_INIT(64 * KIB), beside = BUF_INIT(64 * KIB);
    cJSON *said = cJSON_CreateObject();
    struct report_wish wish = wish_make(&page, said);
    struct report_facts facts;

    test_log_make(&log);
    for (int i = 1; i < 11; i++)
        append_at(&log, 1000 * i);
    wish.since = 5000;
    wish.until = 7000;
    cr_assert_eq(audit_page(log.fd, TEST_ORIGIN, &wish, &facts, &log.err), RESULT_OK, "%s",
                 log.err.text);
    cr_assert(facts.first == 5 && facts.last == 6 && facts.size == 11);
    block_read(&page, RECORDS_HEAD, &block);
    block_read(&page, LOG_HEAD, &beside);
    cr_assert_eq(strchr(strchr(block.data, '\n') + 1, '\n'), block.data + block.len - 1);
    /* 0-3, 4; 7, 8-9, 10 */
    cr_assert_not_null(strstr(beside.data, "\"before\":[[2,\""));
    cr_assert_not_null(strstr(beside.data, "\"],[0,\""));
    cr_assert_not_null(strstr(beside.data, "\"after\":[[0,\""));
    cr_assert_not_null(strstr(beside.data, "\"],[1,\""));
    wish.since = 1;
    wish.until = 2;
    cr_assert_eq(audit_page(log.fd, TEST_ORIGIN, &wish, &facts, &log.err), RESULT_USAGE);
    cJSON_Delete(said);
    test_log_free(&log);
}

static enum result bytes_refuse(void *context, const void *bytes, size_t len, struct err *err)
{
    (void)context, (void)bytes, (void)len;
    return err_set(err, RESULT_INTERNAL, "the disk is full");
}

Test(report, that_cannot_be_written_or_is_of_another_log_fails)
{
    struct test_log log;
    AUTO_BUF text = BUF_INIT(64 * KIB), page = BUF_INIT(1024 * KIB);
    cJSON *said = cJSON_CreateObject();
    struct report_wish wish = wish_make(NULL, said);
    struct report_facts facts;

    log_make(&log, 3);
    wish.write = bytes_refuse;
    cr_assert_eq(audit_page(log.fd, TEST_ORIGIN, &wish, &facts, &log.err), RESULT_INTERNAL);
    cr_assert_str_eq(log.err.text, "the disk is full");
    log.err = (struct err){0};
    test_read(&log, FIRST_SEGMENT, &text);
    text.data[100] ^= 1;
    test_write(&log, FIRST_SEGMENT, text.data, text.len);
    cr_assert_eq(page_make(&log, "good", &page, &facts), RESULT_AUDIT);
    cJSON_Delete(said);
    test_log_free(&log);
}
