#include "junit.h"

#include <string.h>

#define NONCHARACTER_LEN 3 /* U+FFFE and U+FFFF in UTF-8: no XML may hold them */

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    default:
        return NULL;
    }
}

static bool is_noncharacter(const char *at)
{
    return strncmp(at, "\xEF\xBF\xBE", NONCHARACTER_LEN) == 0 ||
           strncmp(at, "\xEF\xBF\xBF", NONCHARACTER_LEN) == 0;
}

static void xml_put(struct buf *out, const char *text)
{
    AUTO_BUF safe = BUF_INIT(8 * 1024 * 1024);

    text_escape(&safe, text, strlen(text));
    for (const char *at = buf_text(&safe); *at != '\0'; at++) {
        if (is_noncharacter(at)) {
            buf_puts(out, "\xEF\xBF\xBD");
            at += NONCHARACTER_LEN - 1;
        } else if (entity(*at) != NULL) {
            buf_puts(out, entity(*at));
        } else {
            buf_putc(out, *at);
        }
    }
    out->failed |= safe.failed;
}

static void attribute_put(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, " %s=\"", name);
    xml_put(out, value);
    buf_putc(out, '"');
}

static void counts_put(struct buf *out, size_t tests, size_t failures)
{
    buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\">\n", tests,
               failures);
}

void junit_case(struct junit *junit, const char *class_name, const char *name, const char *message,
                const char *details)
{
    struct buf *out = &junit->cases;

    junit->suite_tests++;
    buf_puts(out, "    <testcase");
    attribute_put(out, "classname", class_name);
    attribute_put(out, "name", name);
    if (message == NULL) {
        buf_puts(out, "/>\n");
        return;
    }
    junit->suite_failures++;
    buf_puts(out, ">\n      <failure");
    attribute_put(out, "message", message);
    buf_putc(out, '>');
    xml_put(out, details);
    buf_puts(out, "</failure>\n    </testcase>\n");
}

void junit_suite(struct junit *junit, const char *name)
{
    buf_puts(&junit->suites, "  <testsuite");
    attribute_put(&junit->suites, "name", name);
    counts_put(&junit->suites, junit->suite_tests, junit->suite_failures);
    buf_put(&junit->suites, buf_text(&junit->cases), junit->cases.len);
    buf_puts(&junit->suites, "  </testsuite>\n");
    junit->suites.failed |= junit->cases.failed;
    buf_reset(&junit->cases);
    junit->tests += junit->suite_tests;
    junit->failures += junit->suite_failures;
    junit->suite_tests = junit->suite_failures = 0;
}

enum result junit_write(struct junit *junit, const char *name, int fd, const char *path,
                        struct err *err)
{
    AUTO_BUF out = BUF_INIT(65 * 1024 * 1024);

    buf_puts(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    attribute_put(&out, "name", name);
    counts_put(&out, junit->tests, junit->failures);
    buf_put(&out, buf_text(&junit->suites), junit->suites.len);
    buf_puts(&out, "</testsuites>\n");
    out.failed |= junit->suites.failed;
    if (buf_check(&out, "the JUnit report", err) != RESULT_OK)
        return err->result;
    return file_write(fd, path, buf_text(&out), out.len, err);
}

void junit_free(struct junit *junit)
{
    buf_free(&junit->suites);
    buf_free(&junit->cases);
}
