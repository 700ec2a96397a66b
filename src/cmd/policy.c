#include "cmd.h"

#include <string.h>

#include "guard.h"
#include "policy_verb.h"

static const char help[] =
    "usage: georder policy lint [FILE]\n"
    "       georder policy show [FILE]\n"
    "       georder policy test [FILE] [--tests FILE] [--coverage]\n"
    "       georder policy diff OLD NEW\n"
    "       georder policy sign FILE [--principal NAME]\n"
    "       georder policy verify FILE\n"
    "       georder policy trust --reason TEXT\n"
    "\n"
    "The reviewed file of rules. georder policy VERB --help tells more.\n"
    "\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 done, 1 a check did not pass, 11 invalid, unsafe or not approved; each verb's help\n"
    "has its own\n";

static const struct policy_verb *const verbs[] = {
    &policy_lint_verb, &policy_show_verb,   &policy_test_verb,  &policy_diff_verb,
    &policy_sign_verb, &policy_verify_verb, &policy_trust_verb, NULL};

cJSON *facts_json(const struct policy_facts *facts)
{
    cJSON *out = cJSON_CreateObject();

    cJSON_AddStringToObject(out, "name", facts->name);
    cJSON_AddNumberToObject(out, "revision", (double)facts->revision);
    cJSON_AddStringToObject(out, "owner", facts->owner);
    cJSON_AddStringToObject(out, "effective", facts->effective);
    cJSON_AddStringToObject(out, "expires", facts->expires);
    cJSON_AddStringToObject(out, "sha256", facts->digest);
    cJSON_AddStringToObject(out, "base_url", facts->base_url);
    cJSON_AddNumberToObject(out, "zones", (double)facts->zones);
    cJSON_AddNumberToObject(out, "rules", (double)facts->rules);
    return out;
}

enum result policy_verb_open(struct session *session, const char *file, struct err *err)
{
    return file != NULL ? session_policy(session, file, err) : session_config(session, err);
}

enum result policy_verb_lock(struct session *session, struct err *err)
{
    if (guard_lock_main(-1, false, err) != RESULT_OK)
        return err->result;
    output_add(&session->output, "policy", facts_json(&session->facts));
    return RESULT_OK;
}

enum result policy_verb_load(struct session *session, const char *file, struct err *err)
{
    return policy_verb_open(session, file, err) == RESULT_OK ? policy_verb_lock(session, err)
                                                             : err->result;
}

/* The verb is the first word that is one, wherever the options stand; it is taken out of argv. */
static const struct policy_verb *verb_take(int *argc, char **argv)
{
    for (int i = 1; i < *argc; i++) {
        if (argv[i][0] == '-') {
            i += strcmp(argv[i], "--config") == 0;
            continue;
        }
        for (const struct policy_verb *const *verb = verbs; *verb != NULL; verb++) {
            if (strcmp((*verb)->name, argv[i]) != 0)
                continue;
            memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(char *));
            (*argc)--;
            return *verb;
        }
    }
    return NULL;
}

static enum result verb_missing(struct err *err)
{
    AUTO_BUF names = BUF_INIT(256);

    for (size_t v = 0; verbs[v] != NULL; v++)
        buf_printf(&names, "%s%s",
                   v == 0                 ? ""
                   : verbs[v + 1] != NULL ? ", "
                                          : " or ",
                   verbs[v]->name);
    return err_set(err, RESULT_USAGE, "say %s; see georder policy --help", buf_text(&names));
}

static enum result arguments(struct policy_call *call, const struct policy_verb *verb, int argc,
                             char **argv, struct err *err)
{
    struct options *options = &call->session->options;
    int option;

    while ((option = options_next(options, argc, argv, verb != NULL ? verb->own : NULL, err)) > 0)
        call->value[option - OWN_OPTION] = optarg != NULL ? optarg : "";
    if (option == OPTIONS_BAD || options->help)
        return err->result;
    if (verb == NULL)
        return verb_missing(err);
    if (argc - optind > verb->words)
        return err_set(err, RESULT_USAGE, "%s: one word too many; see georder policy %s --help",
                       argv[optind + verb->words], verb->name);
    for (int i = optind; i < argc; i++)
        call->word[i - optind] = argv[i];
    return RESULT_OK;
}

enum result cmd_policy(int argc, char **argv)
{
    AUTO_SESSION session = SESSION_INIT;
    struct policy_call call = {.session = &session};
    struct err err = {0};
    const struct policy_verb *verb = verb_take(&argc, argv);
    enum result result = arguments(&call, verb, argc, argv, &err);

    output_start(&session.output, "policy", &session.options);
    if (result == RESULT_OK && session.options.help)
        return output_help(&session.output, verb != NULL ? verb->help : help);
    if (result == RESULT_OK)
        (void)verb->run(&call, &err);
    return output_end(&session.output, &err);
}
