#include "policy_verb.h"

static const char help[] =
    "usage: georder policy lint [FILE]\n"
    "\n"
    "Loads a policy strictly and names what a reviewer should know of it: grants that no CA can\n"
    "serve, rules without effect, pins that are too few. Without FILE: the policy of the config.\n"
    "\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 valid (remarks are no error), 11 invalid or unsafe\n";

static enum result lint(struct policy_call *call, struct err *err)
{
    __attribute__((cleanup(lint_free))) struct lint found = {0};
    struct session *session = call->session;
    cJSON *list;

    if (policy_verb_load(session, call->word[0], err) != RESULT_OK ||
        policy_lint(session->policy, clock_now(), &found, err) != RESULT_OK)
        return err->result;
    list = cJSON_CreateArray();
    for (size_t i = 0; i < found.count; i++) {
        const struct lint_item *item = &found.item[i];
        cJSON *entry = cJSON_CreateObject();

        cJSON_AddStringToObject(entry, "code", item->code);
        cJSON_AddStringToObject(entry, "rule", item->rule);
        cJSON_AddStringToObject(entry, "pointer", item->pointer);
        cJSON_AddStringToObject(entry, "text", item->text);
        cJSON_AddItemToArray(list, entry);
        say(&session->output, "%s: %s: %s\n", shown(item->pointer), item->code, shown(item->text));
    }
    output_add(&session->output, "remarks", list);
    say(&session->output, "valid: policy %s, revision %lld, rules: %zu, remarks: %zu, sha256 %s\n",
        shown(session->facts.name), (long long)session->facts.revision, session->facts.rules,
        found.count, session->facts.digest);
    return RESULT_OK;
}

const struct policy_verb policy_lint_verb = {"lint", help, NULL, 1, lint};
