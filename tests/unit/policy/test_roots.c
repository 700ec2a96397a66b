/* Pins against the roots that are known of Cloudflare's API. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "helper_policy.h"

#define AUTO_ROOTS __attribute__((cleanup(roots_free))) struct roots
#define AUTO_LINT  __attribute__((cleanup(lint_free))) struct lint

#define R4 "mEflZT5enoR1FuXLgYYGqnVEoZvmf9c2bVBpiOjYQ0c="
#define X1 "C5+lpZ7tcVwmwQIMcRtPbsQtWLABXhQzejna0wHFr8M="
#define ROOT(name, pin, end)                                                                       \
    "{\"name\": \"" name "\", \"ca\": \"c\", \"spki_sha256\": \"" pin "\", \"not_after\": \"" end  \
    "\"}"
#define ROOTS(list) "{\"georder_cloudflare\": 1, \"roots\": [" list "]}"
#define DAY         INT64_C(86400000)

static enum result roots_try(const char *text, struct roots **out, struct err *err)
{
    *err = (struct err){0};
    return roots_load("cloudflare.json", text, strlen(text), out, err);
}

/* The pins of policy_text are of GTS R4 and ISRG X1, by these subjects; it expires 2027-11-01. */
static void pins_lint(const char *list, int64_t now, const char *expected)
{
    AUTO_POLICY *policy = policy_get(policy_text);
    AUTO_ROOTS *roots = NULL;
    AUTO_LINT lint = {0};
    AUTO_BUF out = BUF_INIT(65536);
    struct err err;
    cr_assert_eq(roots_try(list, &roots, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(roots_lint(policy, roots, now, &lint, &err), RESULT_OK, "%s", err.text);
    for (size_t i = 0; i < lint.count; i++)
        buf_printf(&out, "%s %s\n", lint.item[i].code, lint.item[i].pointer);
    cr_assert_str_eq(buf_text(&out), expected);
}

Test(roots, that_outlive_the_policy_are_no_matter)
{
    pins_lint(ROOTS(ROOT("GTS R4", R4, "2036-06-22T00:00:00Z") ", " ROOT("ISRG X1", X1,
                                                                         "2027-11-01T00:00:00Z")),
              NOW, "");
}

Test(roots, that_end_before_the_policy_or_soon_are_told)
{
    const char *const list = ROOTS(ROOT("GTS R4", R4, "2036-06-22T00:00:00Z") ", " ROOT(
        "ISRG X1", X1, "2027-12-01T00:00:00Z"));
    pins_lint(ROOTS(ROOT("GTS R4", R4, "2027-10-31T23:59:59Z") ", " ROOT("ISRG X1", X1,
                                                                         "2036-06-22T00:00:00Z")),
              NOW, "pin_expires /api/spki_pins/0\n");
    /* 2027-12-01 is after the policy's end, and 180 days off until 2027-06-04. */
    pins_lint(list, NOW, "");
    pins_lint(list, INT64_C(1827619200000) - 180 * DAY, "");
    pins_lint(list, INT64_C(1827619200000) - 180 * DAY + 1, "pin_expires /api/spki_pins/1\n");
}

Test(roots, that_are_not_known_or_named_otherwise_are_told)
{
    pins_lint(ROOTS(ROOT("GTS R4", R4, "2036-06-22T00:00:00Z")), NOW,
              "pin_unknown /api/spki_pins/1\n");
    pins_lint(ROOTS(ROOT("GTS R4", X1, "2036-06-22T00:00:00Z") ", " ROOT("ISRG X1", R4,
                                                                         "2036-06-22T00:00:00Z")),
              NOW,
              "pin_misnamed /api/spki_pins/0/subject\npin_misnamed /api/spki_pins/1/subject\n");
}

Test(roots, add_to_a_lint_that_has_items)
{
    AUTO_POLICY *policy = policy_get(policy_text);
    AUTO_ROOTS *roots = NULL;
    AUTO_LINT lint = {0};
    struct err err;
    cr_assert_eq(roots_try(ROOTS(ROOT("GTS R4", R4, "2020-06-22T00:00:00Z")), &roots, &err),
                 RESULT_OK);
    cr_assert_eq(policy_lint(policy, NOW, &lint, &err), RESULT_OK);
    size_t before = lint.count;
    cr_assert_gt(before, 0);
    cr_assert_eq(roots_lint(policy, roots, NOW, &lint, &err), RESULT_OK);
    cr_assert_eq(lint.count, before + 2);
    cr_assert_str_eq(lint.item[before].text,
                     "GTS R4 ended at 2020-06-22T00:00:00Z: before the policy does; pin the CA's "
                     "next root beside it");
}

Test(roots, of_cloudflare_know_all_pins_of_the_example)
{
    AUTO_BUF text = BUF_INIT(65536), data = BUF_INIT(ROOTS_TEXT_MAX);
    AUTO_ROOTS *roots = NULL;
    AUTO_LINT lint = {0};
    struct err err;
    file_load("policy/example.json", &text);
    file_load("policy/cloudflare.json", &data);
    AUTO_POLICY *policy = policy_get(buf_text(&text));
    cr_assert_eq(roots_try(buf_text(&data), &roots, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(roots_lint(policy, roots, NOW, &lint, &err), RESULT_OK);
    cr_assert_eq(lint.count, 0, "%s", lint.item[0].text);
}

Test(roots, that_are_none_are_refused_at_their_place)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"{\"georder_cloudflare\": 2, \"roots\": []}", "1:24: /georder_cloudflare: must be"},
        {ROOTS(""), "/roots: must have 1 to 64 items, not 0"},
        {ROOTS("{}"), "/roots/0: member \"name\" is missing"},
        {ROOTS(ROOT("a", "AAAA", "2036-06-22T00:00:00Z")),
         "/roots/0/spki_sha256: is not the base64"},
        {ROOTS(ROOT("a", R4, "2036")), "/roots/0/not_after: is not a time in UTC"},
        {ROOTS(ROOT("a", R4, "2036-06-22T00:00:00Z") ", " ROOT("b", R4, "2036-06-22T00:00:00Z")),
         "/roots/1/spki_sha256: \"" R4 "\" stands here twice"},
        {"{\"georder_cloudflare\": 1, \"root\": []}", "/root: unknown member"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct roots *roots = NULL;
        struct err err;
        cr_assert_eq(roots_try(rows[i].text, &roots, &err), RESULT_CONFIG, "%s", rows[i].text);
        cr_assert_null(roots);
        cr_assert_not_null(strstr(err.text, rows[i].error), "%s", err.text);
    }
}
