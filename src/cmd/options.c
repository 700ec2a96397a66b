#include "options.h"

#include <string.h>

#define OPTIONS_MAX 40

enum { CONFIG = 1, JSON, QUIET, VERBOSE, HELP };

static const struct option common[] = {
    {"config", required_argument, NULL, CONFIG}, {"json", no_argument, NULL, JSON},
    {"quiet", no_argument, NULL, QUIET},         {"verbose", no_argument, NULL, VERBOSE},
    {"help", no_argument, NULL, HELP},
};

static void options_join(struct option *all, const struct option *own)
{
    size_t count = 0;

    while (own != NULL && own[count].name != NULL && count < OPTIONS_MAX - 8) {
        all[count] = own[count];
        count++;
    }
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        all[count++] = common[i];
    all[count] = (struct option){0};
}

static bool is_secret_option(const char *name, size_t len)
{
    static const char *const secret[] = {"token",    "api-token", "pin",    "passphrase",
                                         "password", "key",       "api-key"};

    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        if (strlen(secret[i]) == len && strncmp(secret[i], name, len) == 0)
            return true;
    return false;
}

/* Asked for ahead, so that a mistake before --json is told in JSON too. */
static bool json_wanted(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

/* getopt has already stepped over the long option, and over its value if that is a word of its own.
 */
static const char *option_word(char **argv)
{
    return argv[optind - 1] == optarg ? argv[optind - 2] : argv[optind - 1];
}

/* getopt takes --pin for --pin-source when there is no --pin: nobody must have meant that. */
static bool is_abbreviated(char **argv, const struct option *option)
{
    return strcspn(option_word(argv), "=") != strlen("--") + strlen(option->name);
}

static int option_bad(char **argv, bool argument_missing, struct err *err)
{
    const char *word = option_word(argv);
    const char *name = strncmp(word, "--", 2) == 0 ? word + 2 : word;
    size_t len = strcspn(name, "=");

    if (argument_missing)
        (void)err_set(err, RESULT_USAGE, "--%.*s needs a value", (int)len, name);
    else if (optopt > ' ' && optopt < 0x7f)
        (void)err_set(err, RESULT_USAGE, "-%c: unknown option; see georder %s --help", optopt,
                      argv[0]);
    else if (is_secret_option(name, len))
        (void)err_set(err, RESULT_USAGE,
                      "--%.*s: secrets are never given on the command line, where every user can "
                      "read them; they come from a key source, standard input or a prompt",
                      (int)len, name);
    else
        (void)err_set(err, RESULT_USAGE,
                      "%.*s: unknown option, or one that takes no value; see georder %s --help",
                      (int)(len + (size_t)(name - word)), word, argv[0]);
    return OPTIONS_BAD;
}

int options_next(struct options *options, int argc, char **argv, const struct option *own,
                 struct err *err)
{
    struct option all[OPTIONS_MAX];

    options_join(all, own);
    options->json = options->json || json_wanted(argc, argv);
    opterr = 0;
    for (;;) {
        int index = -1, got = getopt_long(argc, argv, ":h", all, &index);

        if (index >= 0 && is_abbreviated(argv, &all[index])) {
            optopt = 0;
            got = '?';
        }

        switch (got) {
        case CONFIG:
            options->config = optarg;
            break;
        case JSON:
            options->json = true;
            break;
        case QUIET:
            options->quiet = true;
            break;
        case VERBOSE:
            options->verbose = true;
            break;
        case 'h':
        case HELP:
            options->help = true;
            break;
        case -1:
            return OPTIONS_END;
        case ':':
        case '?':
            return option_bad(argv, got == ':', err);
        default:
            return got;
        }
    }
}

enum result options_only(struct options *options, int argc, char **argv, int words, struct err *err)
{
    if (options_next(options, argc, argv, NULL, err) == OPTIONS_BAD)
        return err->result;
    if (argc - optind > words)
        return err_set(err, RESULT_USAGE, "%s: one word too many; see georder %s --help",
                       argv[optind + words], argv[0]);
    return RESULT_OK;
}
