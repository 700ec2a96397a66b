#include "verb.h"

#include <string.h>

static bool takes_value(const struct option *own, const char *word)
{
    for (; own != NULL && own->name != NULL; own++)
        if (own->has_arg == required_argument && strcmp(own->name, word + strlen("--")) == 0)
            return true;
    return false;
}

/* Whether the next word belongs to this option: of which verb it is, is not known yet. */
static bool value_follows(const struct verb *const *verbs, const char *word)
{
    if (strncmp(word, "--", strlen("--")) != 0)
        return false;
    for (; *verbs != NULL; verbs++)
        if (takes_value((*verbs)->own, word))
            return true;
    return strcmp(word, "--config") == 0;
}

static const struct verb *verb_named(const struct verb *const *verbs, const char *name)
{
    for (; *verbs != NULL; verbs++)
        if (strcmp((*verbs)->name, name) == 0)
            return *verbs;
    return NULL;
}

/* The verb is the first word that is one, wherever the options stand; it is taken out of argv. */
static const struct verb *verb_take(const struct verb *const *verbs, int *argc, char **argv)
{
    const struct verb *verb;

    for (int i = 1; i < *argc; i++) {
        if (argv[i][0] == '-') {
            i += value_follows(verbs, argv[i]);
            continue;
        }
        verb = verb_named(verbs, argv[i]);
        if (verb == NULL)
            continue;
        memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(char *));
        (*argc)--;
        return verb;
    }
    return NULL;
}

static enum result verb_missing(const char *command, const struct verb *const *verbs,
                                struct err *err)
{
    AUTO_BUF names = BUF_INIT(256);

    for (size_t v = 0; verbs[v] != NULL; v++)
        buf_printf(&names, "%s%s",
                   v == 0                 ? ""
                   : verbs[v + 1] != NULL ? ", "
                                          : " or ",
                   verbs[v]->name);
    return err_set(err, RESULT_USAGE, "say %s; see georder %s --help", buf_text(&names), command);
}

static enum result options_take(struct verb_call *call, const struct verb *verb, int argc,
                                char **argv, struct err *err)
{
    struct options *options = &call->session->options;
    int option;

    while ((option = options_next(options, argc, argv, verb != NULL ? verb->own : NULL, err)) > 0)
        call->value[option - OWN_OPTION] = optarg != NULL ? optarg : "";
    return option == OPTIONS_BAD ? err->result : RESULT_OK;
}

static enum result words_take(struct verb_call *call, const char *command, const struct verb *verb,
                              int argc, char **argv, struct err *err)
{
    if (argc - optind > verb->words)
        return err_set(err, RESULT_USAGE, "%s: one word too many; see georder %s %s --help",
                       argv[optind + verb->words], command, verb->name);
    for (int i = optind; i < argc; i++)
        call->word[i - optind] = argv[i];
    return RESULT_OK;
}

enum result verb_command(const char *command, const struct verb *const *verbs, const char *help,
                         int argc, char **argv)
{
    AUTO_SESSION session = SESSION_INIT;
    struct verb_call call = {.session = &session};
    struct err err = {0};
    const struct verb *verb = verb_take(verbs, &argc, argv);
    enum result result = options_take(&call, verb, argc, argv, &err);

    output_start(&session.output, command, &session.options);
    if (result == RESULT_OK && session.options.help)
        return output_help(&session.output, verb != NULL ? verb->help : help);
    if (result == RESULT_OK && verb == NULL)
        result = verb_missing(command, verbs, &err);
    if (result == RESULT_OK && words_take(&call, command, verb, argc, argv, &err) == RESULT_OK)
        (void)verb->run(&call, &err);
    return output_end(&session.output, &err);
}
