#include "policy_verb.h"

static const char help[] =
    "usage: georder policy show [FILE]\n"
    "\n"
    "Says who may be asked for what. Without FILE: the policy of the config.\n"
    "\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 shown, 11 invalid or unsafe\n";

static void show_anchors(const struct output *output, const struct policy_facts *facts)
{
    for (unsigned anchor = 1; anchor < REQUIRE_END; anchor <<= 1)
        if ((facts->anchors & anchor) != 0)
            say(output, "the log's anchor %s is required before an order is sent\n",
                policy_anchor_name(anchor));
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
    show_anchors(&session->output, facts);
    cJSON_ArrayForEach(rule, cJSON_GetObjectItemCaseSensitive(doc.root, "rules"))
        show_rule(&session->output, rule);
    output_add(&session->output, "content", doc.root);
    doc.root = NULL;
    return RESULT_OK;
}

static enum result show_verb(struct verb_call *call, struct err *err)
{
    const char *file = call->word[0];

    if (policy_verb_load(call->session, file, err) != RESULT_OK)
        return err->result;
    return show(call->session, file != NULL ? file : "policy", err);
}

const struct verb policy_show_verb = {"show", help, NULL, 1, show_verb};
