#include "policy_verb.h"

#include <string.h>

#include "guard.h"
#include "memory.h"

static const char help[] =
    "usage: georder policy trust --reason TEXT\n"
    "\n"
    "The log remembers which policy and which trust list were last in force. Where it remembers\n"
    "none (the first trust list of a log, a log that lost its memory), or where approvals are no\n"
    "more required, nothing is used until a person says so here: it is recorded, with TEXT. An "
    "older\n"
    "policy is never trusted again, and the first trust list needs its own threshold.\n"
    "\n"
    "  --reason TEXT             why, 1 to 500 characters\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 recorded, 9 key trouble, 10 the log cannot be written, 11 it may not be trusted\n";

enum { REASON = OWN_OPTION };

static const struct option own[] = {{"reason", required_argument, NULL, REASON},
                                    {NULL, 0, NULL, 0}};

static enum result prepare(struct session *session, struct err *err)
{
    if (session_config(session, err) != RESULT_OK || session_approvals(session, err) != RESULT_OK ||
        session_directory(session, err) != RESULT_OK ||
        keys_start(&session->keys, &session->config, true, err) != RESULT_OK ||
        guard_lock_main(session->audit_fd, true, err) != RESULT_OK ||
        session_ready(session, err) != RESULT_OK)
        return err->result;
    return session_audit(session, err);
}

/* Whether there is something that only a person can decide. */
static enum result needed(struct session *session, struct err *err)
{
    AUTO_MEMORY memory = MEMORY_INIT;
    bool list = session->list.approvers != NULL;
    int64_t now = clock_now();

    if (now < session->facts.effective_ms || now >= session->facts.expires_ms)
        return err_set(err, RESULT_CONFIG, "the policy is in force from %s to %s: not now",
                       session->facts.effective, session->facts.expires);
    if (memory_read(session, &memory, err) != RESULT_OK)
        return err->result;
    if (!memory.policy || (list && !memory.list) ||
        (memory.approvals_required && !session->config.require_approvals))
        return RESULT_OK;
    return err_set(err, RESULT_CONFIG,
                   "the log remembers what was in force: a new policy or trust list takes effect "
                   "by its revision and its approvals, not by trust");
}

static enum result trust(struct verb_call *call, struct err *err)
{
    struct session *session = call->session;
    const char *reason = call->value[REASON - OWN_OPTION];

    if (reason == NULL || reason[0] == '\0' || strnlen(reason, 501) > 500 ||
        !utf8_valid(reason, strlen(reason)))
        return err_set(err, RESULT_USAGE, "--reason: say why, in 1 to 500 characters");
    if (prepare(session, err) != RESULT_OK || needed(session, err) != RESULT_OK ||
        policy_force(session, session->list.approvers != NULL, reason, err) != RESULT_OK)
        return err->result;
    output_add(&session->output, "policy", facts_json(&session->facts));
    say(&session->output, "recorded: policy %s, revision %lld%s\n", shown(session->facts.name),
        (long long)session->facts.revision,
        session->list.approvers != NULL ? ", and the trust list" : "");
    return RESULT_OK;
}

const struct verb policy_trust_verb = {"trust", help, own, 0, trust};
