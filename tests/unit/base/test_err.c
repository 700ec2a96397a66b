#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base.h"

Test(err, set_fills_and_returns)
{
    struct err err = {.result = RESULT_OK, .text = "before"};
    cr_assert_eq(err_set(&err, RESULT_KEY, "%s: slot %d", "hsm", 7), RESULT_KEY);
    cr_assert_eq(err.result, RESULT_KEY);
    cr_assert_str_eq(err.text, "hsm: slot 7");
}

Test(err, prefix_keeps_the_result)
{
    struct err err = {0};
    (void)err_set(&err, RESULT_CONFIG, "100%% wrong");
    cr_assert_eq(err_prefix(&err, "line %d", 3), RESULT_CONFIG);
    cr_assert_eq(err.result, RESULT_CONFIG);
    cr_assert_str_eq(err.text, "line 3: 100% wrong");
}

Test(err, errno_is_put_behind)
{
    struct err err = {0};
    errno = ENOENT;
    cr_assert_eq(err_errno(&err, RESULT_AUDIT, "%s: cannot open", "log"), RESULT_AUDIT);
    cr_assert_str_eq(err.text, "log: cannot open: No such file or directory");
}

static void fill(char *text, size_t len)
{
    memset(text, 'a', len);
    text[len] = '\0';
}

Test(err, longest_text_is_whole)
{
    struct err err = {0};
    char text[sizeof err.text];
    fill(text, sizeof text - 1);
    (void)err_set(&err, RESULT_USAGE, "%s", text);
    cr_assert_str_eq(err.text, text);
}

Test(err, longer_text_is_cut_with_dots)
{
    struct err err = {0};
    char text[sizeof err.text + 1];
    fill(text, sizeof text - 1);
    (void)err_set(&err, RESULT_USAGE, "%s", text);
    cr_assert_eq(strlen(err.text), sizeof err.text - 1);
    cr_assert_str_eq(err.text + sizeof err.text - 5, "a...");
    (void)err_set(&err, RESULT_USAGE, "%.1000s", text);
    cr_assert_eq(err_prefix(&err, "%s", "a context of some twenty bytes"), RESULT_USAGE);
    cr_assert_eq(strlen(err.text), sizeof err.text - 1);
    cr_assert_eq(strncmp(err.text, "a context of some twenty bytes: aaa", 35), 0);
    cr_assert_str_eq(err.text + sizeof err.text - 5, "a...");
}

/* These are the exit codes of DESIGN and of scripts: they may never change. */
Test(err, names_and_codes_are_stable)
{
    static const char *const names[] = {"done",      "internal", "usage",     "denied",  "refused",
                                        "violation", "peer",     "unreached", "unknown", "key",
                                        "audit",     "config",   "failed"};
    cr_assert_eq(RESULT_COUNT, sizeof names / sizeof *names);
    for (int i = 0; i < RESULT_COUNT; i++) {
        cr_assert_str_eq(result_name((enum result)i), names[i]);
        cr_assert_gt(strlen(result_meaning((enum result)i)), 3, "%d has no meaning", i);
        cr_assert_eq(result_exit((enum result)i), i == RESULT_FAILED ? 1 : i);
    }
    cr_assert_str_eq(result_meaning(RESULT_DENIED), "denied by policy");
    cr_assert_str_eq(result_name(RESULT_COUNT), "internal");
    cr_assert_str_eq(result_meaning(RESULT_COUNT), "internal error");
}
