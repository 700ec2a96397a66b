/* Command lines: what options_next() gives back, keeps, and refuses, and in which words. */
#include "options.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "session.h"

enum { COLOUR = OWN_OPTION, LOUD, KEY };

static const struct option own[] = {{"colour", required_argument, NULL, COLOUR},
                                    {"loud", no_argument, NULL, LOUD},
                                    {"key", required_argument, NULL, KEY},
                                    {NULL, 0, NULL, 0}};

/* Words for getopt, which may reorder them. */
static char text[300], *argv[16];
static int argc;

static void words(const char *line)
{
    char *rest = text;

    (void)snprintf(text, sizeof text, "check %s", line);
    argc = 0;
    while ((argv[argc] = strsep(&rest, " ")) != NULL)
        argc++;
    optind = 0;
}

static void refused(const char *line, const char *why)
{
    struct options options = {0};
    struct err err = {0};
    int got;

    words(line);
    do
        got = options_next(&options, argc, argv, own, &err);
    while (got > 0);
    cr_assert_eq(got, OPTIONS_BAD);
    cr_assert_eq(err.result, RESULT_USAGE);
    cr_assert_str_eq(err.text, why);
}

Test(options, own_ones_come_in_turn_and_common_ones_are_kept)
{
    struct options options = {0};
    struct err err = {0};

    words("--colour red --json word --loud --config=here --quiet --verbose last");
    cr_assert_eq(options_next(&options, argc, argv, own, &err), COLOUR);
    cr_assert_str_eq(optarg, "red");
    cr_assert_eq(options_next(&options, argc, argv, own, &err), LOUD);
    cr_assert_eq(options_next(&options, argc, argv, own, &err), OPTIONS_END);
    cr_assert(options.json && options.quiet && options.verbose && !options.help);
    cr_assert_str_eq(options.config, "here");
    cr_assert_eq(argc - optind, 2);
    cr_assert_str_eq(argv[optind], "word");
    cr_assert_str_eq(argv[optind + 1], "last");
}

Test(options, nothing_behind_two_dashes_is_an_option)
{
    struct options options = {0};
    struct err err = {0};

    words("--loud -- --json --colour");
    cr_assert_eq(options_next(&options, argc, argv, own, &err), LOUD);
    cr_assert_eq(options_next(&options, argc, argv, own, &err), OPTIONS_END);
    cr_assert_not(options.json);
    cr_assert_eq(argc - optind, 2);
}

Test(options, help_has_a_short_form)
{
    struct options options = {0};
    struct err err = {0};

    words("-h");
    cr_assert_eq(options_next(&options, argc, argv, own, &err), OPTIONS_END);
    cr_assert(options.help);
}

Test(options, json_is_seen_ahead_of_a_mistake)
{
    struct options options = {0};
    struct err err = {0};

    words("--wrong --json");
    cr_assert_eq(options_next(&options, argc, argv, own, &err), OPTIONS_BAD);
    cr_assert(options.json);
}

Test(options, what_is_unknown)
{
    refused("--wrong=red",
            "--wrong: unknown option, or one that takes no value; see georder check --help");
    refused("--loud=yes",
            "--loud: unknown option, or one that takes no value; see georder check --help");
    refused("--loud -xy", "-x: unknown option; see georder check --help");
}

Test(options, what_lacks_its_value)
{
    refused("--loud --colour", "--colour needs a value");
    refused("--key", "--key needs a value"); /* it is known here, and so no secret */
}

Test(options, secrets_are_refused_and_not_repeated)
{
    static const char *const names[] = {"token",      "api-token", "pin",
                                        "passphrase", "password",  "api-key"};
    char line[40], why[300];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(line, sizeof line, "--%s=SeCrEt", names[i]);
        (void)snprintf(why, sizeof why,
                       "--%s: secrets are never given on the command line, where every user can "
                       "read them; they come from a key source, standard input or a prompt",
                       names[i]);
        refused(line, why);
    }
}

Test(options, only_takes_as_many_words_as_it_says)
{
    struct options options = {0};
    struct err err = {0};

    words("one --json two");
    cr_assert_eq(options_only(&options, argc, argv, 2, &err), RESULT_OK);
    cr_assert_str_eq(argv[optind], "one");
    optind = 0;
    cr_assert_eq(options_only(&options, argc, argv, 1, &err), RESULT_USAGE);
    cr_assert_str_eq(err.text, "two: one word too many; see georder check --help");
}

Test(number, decimal_digits_up_to_the_limit)
{
    static const struct {
        const char *text;
        int64_t max, value; /* -1: refused */
    } rows[] = {
        {"0", 10, 0},
        {"10", 10, 10},
        {"11", 10, -1},
        {"007", 10, 7},
        {"", 10, -1},
        {"-1", 10, -1},
        {"+1", 10, -1},
        {" 1", 10, -1},
        {"1 ", 10, -1},
        {"1e1", 100, -1},
        {"0x1", 10, -1},
        {"9", 9, 9},
        {"100", 99, -1},
        {"99", 99, 99},
        {"0", 0, 0},
        {"1", 0, -1},
        {"9223372036854775807", INT64_MAX, INT64_MAX},
        {"9223372036854775808", INT64_MAX, -1},
        {"99999999999999999999999999", INT64_MAX, -1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t out = 5;
        bool good = number_parse(rows[i].text, rows[i].max, &out);

        cr_assert_eq(good, rows[i].value >= 0, "%s", rows[i].text);
        if (good)
            cr_assert_eq(out, rows[i].value, "%s", rows[i].text);
    }
}
