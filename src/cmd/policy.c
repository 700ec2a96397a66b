#include "cmd.h"

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

static const struct verb *const verbs[] = {
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

enum result cmd_policy(int argc, char **argv)
{
    return verb_command("policy", verbs, help, argc, argv);
}
