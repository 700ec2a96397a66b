/* The one document of --json, when it is longer than one may be. */
#include "output.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

#define TOO_LONG (65 * 1024 * 1024)
#define LEFT_OUT                                                                                   \
    "  \"command\": \"report\",\n"                                                                 \
    "  \"result\": \"internal\",\n"                                                                \
    "  \"exit\": 1,\n"                                                                             \
    "  \"error\": \"the JSON document would pass 64 MiB and was left out: "                        \
    "ask for less at a time\"\n"                                                                   \
    "}\n"

static const struct options json = {.json = true};
static struct output output;

static void setup(void)
{
    cr_redirect_stdout();
    cr_redirect_stderr();
    output_start(&output, "report", &json);
}

static void add_too_much(void)
{
    char *text = malloc(TOO_LONG + 1);

    cr_assert(text != NULL);
    memset(text, 'x', TOO_LONG);
    text[TOO_LONG] = '\0';
    output_add_text(&output, "long", text);
    free(text);
}

Test(output, is_left_out_whole_when_it_is_too_long, .init = setup)
{
    struct err none = {0};

    add_too_much();
    cr_assert_eq(output_end(&output, &none), RESULT_INTERNAL);
    cr_assert_stdout_eq_str("{\n" LEFT_OUT);
}

Test(output, keeps_the_error_that_it_was_to_tell, .init = setup)
{
    struct err err = {0};

    (void)err_set(&err, RESULT_DENIED, "no");
    add_too_much();
    cr_assert_eq(output_end(&output, &err), RESULT_DENIED);
    cr_assert_stdout_eq_str("{\n"
                            "  \"command\": \"report\",\n"
                            "  \"result\": \"denied\",\n"
                            "  \"exit\": 3,\n"
                            "  \"error\": \"no\"\n"
                            "}\n");
}

Test(output, ends_the_list_that_was_printed_already, .init = setup)
{
    AUTO_JSON *item = cJSON_CreateString("first");
    struct err none = {0};

    output_item(&output, "records", item);
    add_too_much();
    cr_assert_eq(output_end(&output, &none), RESULT_INTERNAL);
    cr_assert_stdout_eq_str("{\n"
                            "\"records\": [\n"
                            "\"first\"\n"
                            "],\n" LEFT_OUT);
}
