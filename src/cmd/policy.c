#include "cmd.h"

#include <string.h>

#include "guard.h"
#include "session.h"

static const char help[] =
    "usage: georder policy lint [FILE]\n"
    "       georder policy show [FILE]\n"
    "\n"
    "lint loads a policy strictly and names what a reviewer should know of it: grants that no CA "
    "can\n"
    "serve, rules without effect, pins that are too few. show says who may be asked for what.\n"
    "Without FILE: the policy of the config.\n"
    "\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 valid (lint prints its remarks), 11 invalid or unsafe\n";

static enum result load(struct session *session, const char *file, struct err *err)
{
    enum result result =
        file != NULL ? session_policy(session, file, err) : session_config(session, err);

    if (result != RESULT_OK)
        return result;
    return guard_lock_main(-1, false, err);
}

static cJSON *facts_json(const struct policy_facts *facts)
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

static enum result lint(struct session *session, struct err *err)
{
    __attribute__((cleanup(lint_free))) struct lint found = {0};
    cJSON *list = cJSON_CreateArray();

    if (policy_lint(session->policy, clock_now(), &found, err) != RESULT_OK) {
        cJSON_Delete(list);
        return err->result;
    }
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

static void show_rule(const struct output *output, const cJSON *rule)
{
    const cJSON *member;

    say(output, "\n");
    cJSON_ArrayForEach(member, rule)
    {
        AUTO_BUF text = BUF_INIT(256 * KIB);

        json_put(&text, member);
        say(output, "  %-24s %s\n", shown(member->string), shown(buf_text(&text)));
    }
}

/* The file has passed policy_load(), so this parse cannot fail but for want of memory. */
static enum result show(struct session *session, const char *name, struct err *err)
{
    const struct policy_facts *facts = &session->facts;
    struct json_doc doc = {.name = name,
                           .text = buf_text(&session->policy_text),
                           .len = session->policy_text.len,
                           .result = RESULT_CONFIG};
    const cJSON *rule;

    if (json_parse(&doc, JSON_OURS, err) != RESULT_OK)
        return err->result;
    say(&session->output, "policy %s, revision %lld, of %s\n", shown(facts->name),
        (long long)facts->revision, shown(facts->owner));
    say(&session->output, "in force %s to %s, sha256 %s\n", facts->effective, facts->expires,
        facts->digest);
    say(&session->output, "API %s, pins: %zu, networks: %zu, TLS %s or newer; a violation is %s\n",
        shown(facts->base_url), facts->pins, facts->networks,
        facts->minimum_tls == 0x0304 ? "1.3" : "1.2",
        facts->delete_on_violation ? "reported and the pack deleted" : "reported");
    cJSON_ArrayForEach(rule, cJSON_GetObjectItemCaseSensitive(doc.root, "rules"))
        show_rule(&session->output, rule);
    output_add(&session->output, "content", doc.root);
    doc.root = NULL;
    return RESULT_OK;
}

static enum result dispatch(struct session *session, int argc, char **argv, struct err *err)
{
    const char *verb = optind < argc ? argv[optind] : "";
    const char *file = optind + 1 < argc ? argv[optind + 1] : NULL;
    bool is_lint = strcmp(verb, "lint") == 0;

    if (!is_lint && strcmp(verb, "show") != 0)
        return err_set(err, RESULT_USAGE, "say lint or show; see georder policy --help");
    if (load(session, file, err) != RESULT_OK)
        return err->result;
    output_add(&session->output, "policy", facts_json(&session->facts));
    return is_lint ? lint(session, err) : show(session, file != NULL ? file : "policy", err);
}

enum result cmd_policy(int argc, char **argv)
{
    AUTO_SESSION session = SESSION_INIT;
    struct err err = {0};
    enum result result = options_only(&session.options, argc, argv, 2, &err);

    output_start(&session.output, "policy", &session.options);
    if (result == RESULT_OK && session.options.help)
        return output_help(&session.output, help);
    if (result == RESULT_OK)
        (void)dispatch(&session, argc, argv, &err);
    return output_end(&session.output, &err);
}
