#include "policy_verb.h"

static const char help[] =
    "usage: georder policy lint [FILE]\n"
    "\n"
    "Loads a policy strictly and names what a reviewer should know of it: grants that no CA can\n"
    "serve, rules without effect, pins that are too few or that end. Without FILE: the policy of\n"
    "the config.\n"
    "\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 valid (remarks are no error), 11 invalid or unsafe\n";

/* What of a policy is judged: by itself, and by what is known of the roots that it pins. */
static enum result remarks_find(struct verb_call *call, struct lint *found, struct err *err)
{
    struct session *session = call->session;
    AUTO_BUF policy = BUF_INIT(2 * PATH_MAX);
    AUTO_BUF path = BUF_INIT(2 * PATH_MAX);
    AUTO_BUF text = BUF_INIT(ROOTS_TEXT_MAX);
    __attribute__((cleanup(roots_free))) struct roots *roots = NULL;
    int64_t now = clock_now();

    if (policy_verb_open(session, call->word[0], err) != RESULT_OK)
        return err->result;
    session_policy_path(session, call->word[0], &policy);
    if (session_data(buf_text(&policy), "cloudflare.json", &path, &text, err) != RESULT_OK ||
        policy_verb_lock(session, err) != RESULT_OK ||
        roots_load(buf_text(&path), buf_text(&text), text.len, &roots, err) != RESULT_OK ||
        policy_lint(session->policy, now, found, err) != RESULT_OK)
        return err->result;
    return roots_lint(session->policy, roots, now, found, err);
}

static void remark_tell(struct session *session, const struct lint_item *item, cJSON *list)
{
    cJSON *entry = cJSON_CreateObject();

    cJSON_AddStringToObject(entry, "code", item->code);
    cJSON_AddStringToObject(entry, "rule", item->rule);
    cJSON_AddStringToObject(entry, "pointer", item->pointer);
    cJSON_AddStringToObject(entry, "text", item->text);
    cJSON_AddItemToArray(list, entry);
    say(&session->output, "%s: %s: %s\n", shown(item->pointer), item->code, shown(item->text));
}

static enum result lint(struct verb_call *call, struct err *err)
{
    __attribute__((cleanup(lint_free))) struct lint found = {0};
    struct session *session = call->session;
    cJSON *list;

    if (remarks_find(call, &found, err) != RESULT_OK)
        return err->result;
    list = cJSON_CreateArray();
    for (size_t i = 0; i < found.count; i++)
        remark_tell(session, &found.item[i], list);
    output_add(&session->output, "remarks", list);
    say(&session->output, "valid: policy %s, revision %lld, rules: %zu, remarks: %zu, sha256 %s\n",
        shown(session->facts.name), (long long)session->facts.revision, session->facts.rules,
        found.count, session->facts.digest);
    return RESULT_OK;
}

const struct verb policy_lint_verb = {"lint", help, NULL, 1, lint};
