#include "policy_verb.h"

#include <string.h>

#include "guard.h"
#include "policy_diff.h"

enum { DIFF_WITHIN = OWN_OPTION, DIFF_MARKDOWN, DIFF_FAIL_ON };

static const struct option own[] = {{"within", required_argument, NULL, DIFF_WITHIN},
                                    {"markdown", no_argument, NULL, DIFF_MARKDOWN},
                                    {"fail-on", required_argument, NULL, DIFF_FAIL_ON},
                                    {0}};

static const char help[] =
    "usage: georder policy diff OLD NEW\n"
    "       georder policy diff --within CEILING POLICY\n"
    "\n"
    "Compares two policies exactly, over all orders and circumstances: equivalent, narrower, "
    "wider\n"
    "or incomparable. For each direction: an order of the fewest hosts that one permits and the\n"
    "other denies, judged again by both, and the rules that permit it. Pins, networks, TLS,\n"
    "on_violation, locked_memory and audit.require are compared too. The lives of the policies "
    "are\n"
    "not: a new revision always has another; both are compared for the time in which NEW is in\n"
    "force.\n"
    "With --within the question is whether POLICY permits anything that CEILING does not.\n"
    "\n"
    "  --within CEILING  compare with a policy that changes slowly\n"
    "  --markdown        as text for a merge request\n"
    "  --fail-on WHAT    wider (the default) or any: exit 1 when wider or incomparable, or\n"
    "                    unless equivalent\n"
    "  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 equivalent or narrower, 1 wider or incomparable, 11 a policy is invalid or unsafe, "
    "or\n"
    "has too many different limits to be compared exactly\n";

static const char *value_of(const struct verb_call *call, int option)
{
    return call->value[option - OWN_OPTION];
}

static enum result words_check(const struct verb_call *call, struct err *err)
{
    bool within = value_of(call, DIFF_WITHIN) != NULL;
    const char *fail_on = value_of(call, DIFF_FAIL_ON);

    if (within && (call->word[0] == NULL || call->word[1] != NULL))
        return err_set(err, RESULT_USAGE,
                       "with --within CEILING give one policy; see georder policy diff --help");
    if (!within && call->word[1] == NULL)
        return err_set(err, RESULT_USAGE,
                       "give two policies, OLD and NEW; see georder policy diff --help");
    if (fail_on != NULL && strcmp(fail_on, "wider") != 0 && strcmp(fail_on, "any") != 0)
        return err_set(err, RESULT_USAGE, "--fail-on is wider or any");
    if (value_of(call, DIFF_MARKDOWN) != NULL && call->session->options.json)
        return err_set(err, RESULT_USAGE, "--markdown and --json: give one of them");
    return RESULT_OK;
}

static void document_fill(struct output *output, const struct policy *old, const struct policy *new,
                          const struct comparison *comparison)
{
    cJSON *all = output->document != NULL ? comparison_json(old, new, comparison) : NULL;

    while (all != NULL && all->child != NULL) {
        cJSON *member = cJSON_DetachItemViaPointer(all, all->child);

        output_add(output, member->string, member);
    }
    cJSON_Delete(all);
}

static enum result conclude(const struct verb_call *call, const struct diff *diff, struct err *err)
{
    AUTO_BUF summary = BUF_INIT(4096);
    const char *fail_on = value_of(call, DIFF_FAIL_ON);
    bool any = fail_on != NULL && strcmp(fail_on, "any") == 0;
    enum verdict verdict = diff->comparison->verdict;

    if (any ? verdict == EQUIVALENT : (verdict & WIDER) == 0)
        return RESULT_OK;
    diff_summary(&summary, diff);
    return err_set(err, RESULT_FAILED, "%s", buf_text(&summary));
}

static enum result compare(struct verb_call *call, const struct session *old, struct err *err)
{
    __attribute__((cleanup(comparison_free))) struct comparison comparison = {0};
    struct session *session = call->session;
    struct diff diff = {.old = &old->facts,
                        .new = &session->facts,
                        .comparison = &comparison,
                        .within = value_of(call, DIFF_WITHIN) != NULL};

    if (policies_compare(old->policy, session->policy, &comparison, err) != RESULT_OK)
        return err->result;
    document_fill(&session->output, old->policy, session->policy, &comparison);
    if (value_of(call, DIFF_MARKDOWN) == NULL)
        diff_text(&session->output, &diff);
    else if (diff_markdown(&session->output, &diff, err) != RESULT_OK)
        return err->result;
    return conclude(call, &diff, err);
}

static enum result diff(struct verb_call *call, struct err *err)
{
    AUTO_SESSION old = SESSION_INIT;
    const char *ceiling = value_of(call, DIFF_WITHIN);

    if (words_check(call, err) != RESULT_OK ||
        session_policy(&old, ceiling != NULL ? ceiling : call->word[0], err) != RESULT_OK ||
        session_policy(call->session, call->word[ceiling != NULL ? 0 : 1], err) != RESULT_OK ||
        guard_lock_main(-1, false, err) != RESULT_OK)
        return err->result;
    return compare(call, &old, err);
}

const struct verb policy_diff_verb = {"diff", help, own, 2, diff};
