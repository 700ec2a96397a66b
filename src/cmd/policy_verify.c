#include <stdio.h>
#include <string.h>

#include "decide.h"
#include "guard.h"
#include "policy_signed.h"

static const char help[] =
    "usage: georder policy verify FILE [--approvers FILE] [--policy FILE]\n"
    "\n"
    "Says who approved a policy, a trust list (approvers.json) or a request: each file in "
    "FILE.sig,\n"
    "valid or why not, and whether these are enough people.\n"
    "\n"
    "  a policy      the threshold of the trust list\n"
    "  a trust list  the threshold of the list in force, and its own\n"
    "  a request     what the rules of the policy demand; whoever requested it does not count\n"
    "\n"
    "  --approvers FILE          the trust list, instead of the config's, approvers.json beside\n"
    "                            the config, or /etc/georder/approvers.json\n"
    "  --policy FILE             what judges a request, instead of the config's policy\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 enough, 11 too few or a file is invalid; of a request also 3 denied by policy\n";

enum { VERIFY_APPROVERS = OWN_OPTION, VERIFY_POLICY };

static const struct option own[] = {{"approvers", required_argument, NULL, VERIFY_APPROVERS},
                                    {"policy", required_argument, NULL, VERIFY_POLICY},
                                    {NULL, 0, NULL, 0}};

static cJSON *signatures_json(const struct approvals *approvals)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < approvals->count; i++)
        cJSON_AddItemToArray(list, approval_json(&approvals->item[i]));
    return list;
}

/* How one trust list sees the signatures: whose they are, how many people, of how many. */
static cJSON *view_tell(struct session *session, const struct signed_file *file, const char *name,
                        const struct approvers *by, const struct approvals *approvals)
{
    cJSON *out = cJSON_CreateObject();
    struct approvers_facts facts;

    approvers_facts(by, &facts);
    say(&session->output, "by %s, revision %lld, sha256 %s:\n", shown(name),
        (long long)facts.revision, facts.digest);
    for (size_t i = 0; i < approvals->count; i++)
        approval_tell(session, &approvals->item[i]);
    cJSON_AddStringToObject(out, "path", name);
    cJSON_AddNumberToObject(out, "revision", (double)facts.revision);
    cJSON_AddStringToObject(out, "sha256", facts.digest);
    cJSON_AddNumberToObject(out, "people", (double)approvals->people);
    cJSON_AddItemToObject(out, "signatures", signatures_json(approvals));
    if (file->kind == SIGNED_REQUEST)
        return out;
    say(&session->output, "  approved by %zu of %u needed\n", approvals->people, facts.threshold);
    cJSON_AddNumberToObject(out, "threshold", facts.threshold);
    cJSON_AddBoolToObject(out, "met", approvals->people >= facts.threshold);
    return out;
}

static void signatures_check(const struct signed_file *file, const struct approvers *by,
                             struct approvals *out)
{
    approvals_check(by, &file->message, file->signatures.file, file->signatures.count, clock_now(),
                    out);
}

static enum result policy_verify(struct session *session, const struct signed_file *file,
                                 struct err *err)
{
    static struct approvals approvals;
    const struct trust_list *trust = &file->trust;

    signatures_check(file, trust->approvers, &approvals);
    output_add(&session->output, "approvers",
               view_tell(session, file, trust->path, trust->approvers, &approvals));
    return approvals_enough(trust->approvers, &approvals, file->path, err);
}

static enum result approvers_verify(struct session *session, const struct signed_file *file,
                                    struct err *err)
{
    static struct approvals approvals;
    const struct approvers *before = signed_file_before(file);

    if (before != NULL) {
        signatures_check(file, before, &approvals);
        output_add(&session->output, "in_force",
                   view_tell(session, file, file->trust.path, before, &approvals));
    }
    signatures_check(file, file->list, &approvals);
    output_add(&session->output, "approvers",
               view_tell(session, file, file->path, file->list, &approvals));
    if (approvers_change(before, file->list, file->message.bytes, file->message.len,
                         file->signatures.file, file->signatures.count, clock_now(),
                         err) != RESULT_OK)
        return err_prefix(err, "%s", file->path);
    return RESULT_OK;
}

static enum result request_current(const struct session *session, const struct signed_file *file,
                                   struct err *err)
{
    char expires[RFC3339_LEN + 1];

    time_format(file->request.expires, expires);
    if (clock_now() >= file->request.expires)
        return err_set(err, RESULT_CONFIG, "%s: expired at %s: prepare another request", file->path,
                       expires);
    if (strcmp(file->request.policy, session->facts.digest) != 0)
        return err_set(
            err, RESULT_CONFIG,
            "%s: was made under policy revision %lld (sha256 %s), not under the one here "
            "(sha256 %s): prepare another request",
            file->path, (long long)file->request.policy_revision, file->request.policy,
            session->facts.digest);
    return RESULT_OK;
}

/* Nothing but approvals is in the way. */
static bool lacks_approvals_only(const struct decision *decision)
{
    for (size_t i = 0; i < decision->reasons; i++)
        if (strcmp(decision->reason[i].code, "approvals_missing") != 0)
            return false;
    return decision->omitted == 0;
}

/* As a request is placed only if it is: the people who sign read the order, not the digest. */
static enum result body_check(const struct signed_file *file, const struct order *order,
                              struct err *err)
{
    AUTO_BUF body = BUF_INIT(32 * KIB);
    char digest[SHA256_HEX_LEN + 1];

    order_body(&body, order);
    if (buf_check(&body, "the body of the order", err) != RESULT_OK)
        return err->result;
    sha256_hex(buf_text(&body), body.len, digest);
    if (strcmp(digest, file->request.body) == 0 &&
        (order->zone_id[0] == '\0' || strcmp(order->zone_id, file->request.zone_id) == 0))
        return RESULT_OK;
    return err_set(err, RESULT_CONFIG,
                   "%s: body_sha256 and zone_id are not those of its order: it cannot be placed; "
                   "prepare another request",
                   file->path);
}

static enum result request_decide(struct session *session, const struct signed_file *file,
                                  const struct circumstances *at, struct err *err)
{
    __attribute__((cleanup(decision_free))) struct decision decision = {0};
    const struct buf *text = &file->request.order;
    struct order order;

    if (order_parse(file->path, buf_text(text), text->len, &order, err) != RESULT_OK ||
        decide(session, &order, at, &decision, err) != RESULT_OK)
        return err->result;
    decision_tell(session, &order, &decision);
    if (decision.permit)
        return body_check(file, &order, err);
    (void)decision_error(session, &decision, err);
    if (lacks_approvals_only(&decision))
        err->result = RESULT_CONFIG;
    return err_prefix(err, "%s", file->path);
}

static enum result request_verify(struct session *session, const struct signed_file *file,
                                  struct err *err)
{
    static struct approvals approvals;
    static struct approver approver[SIGNATURES_MAX];
    const struct trust_list *trust = &file->trust;
    struct circumstances at = {.now = clock_now(), .orders = ORDERS_UNKNOWN, .approver = approver};

    signatures_check(file, trust->approvers, &approvals);
    at.approvers =
        approvals_by_others(trust->approvers, &approvals, file->request.requester, approver);
    output_add(&session->output, "approvers",
               view_tell(session, file, trust->path, trust->approvers, &approvals));
    if (request_current(session, file, err) != RESULT_OK)
        return err->result;
    return request_decide(session, file, &at, err);
}

/* What judges a request, before the lock. */
static enum result judge_read(struct session *session, const char *policy, struct err *err)
{
    AUTO_BUF path = BUF_INIT(2 * PATH_MAX);

    if (policy != NULL)
        return session_policy(session, policy, err);
    if (session->config.path[0] == '\0' &&
        config_load(session->options.config, &session->config, err) != RESULT_OK)
        return err->result;
    guard_path(&path, session->config.directory, session->config.policy);
    return session_policy(session, buf_text(&path), err);
}

static enum result trust_needed(const struct signed_file *file, struct err *err)
{
    if (file->trust.approvers != NULL || file->kind == SIGNED_APPROVERS)
        return RESULT_OK;
    return err_set(err, RESULT_CONFIG,
                   "%s: there is no trust list to hold it against: give --approvers FILE, or put "
                   "approvers.json beside the config or into /etc/georder",
                   file->path);
}

static enum result verify(struct verb_call *call, struct err *err)
{
    static enum result (*const by_kind[])(struct session *, const struct signed_file *,
                                          struct err *) = {[SIGNED_POLICY] = policy_verify,
                                                           [SIGNED_APPROVERS] = approvers_verify,
                                                           [SIGNED_REQUEST] = request_verify};
    struct session *session = call->session;
    AUTO_SIGNED file = SIGNED_FILE_INIT;

    if (signed_file_read(session, call->word[0], call->value[VERIFY_APPROVERS - OWN_OPTION], &file,
                         err) != RESULT_OK ||
        trust_needed(&file, err) != RESULT_OK ||
        (file.kind == SIGNED_REQUEST &&
         judge_read(session, call->value[VERIFY_POLICY - OWN_OPTION], err) != RESULT_OK) ||
        guard_lock_main(-1, false, err) != RESULT_OK)
        return err->result;
    signed_file_tell(session, &file);
    if (file.signatures.ignored > 0)
        note(&session->output, "note: %s.sig: names that do not end in .sig: %zu\n",
             shown(file.path), file.signatures.ignored);
    return by_kind[file.kind](session, &file, err);
}

const struct verb policy_verify_verb = {"verify", help, own, 1, verify};
