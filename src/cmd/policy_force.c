#include "memory.h"

#include "parts.h"

#include <string.h>

/* One look at what is to be in force. */
struct force {
    struct session *session;
    struct memory memory;
    struct approvals approvals; /* of the policy */
    const char *reason;         /* of `policy trust`, or NULL */
    bool look_only;             /* nothing is recorded */
    int64_t now;
};

#define TRUST_HINT                                                                                 \
    "look at what is there, then say so by `georder policy trust --reason TEXT`, which is "        \
    "recorded"

/* file: is kept in the log, as it is; or NULL. */
static enum result append(struct force *force, const char *name, const char *message, cJSON *detail,
                          const struct buf *file, struct err *err)
{
    struct audit_event event = event_of(force->session, name, "georder policy");

    event.activity = 3; /* Update */
    event.message = message;
    event.body_apart = true;
    cJSON_AddItemToObject(detail, "sandbox", sandbox_part(force->session, NULL));
    return event_append(force->session, &event, detail, file, NULL, err);
}

/* The list that the log has, to be asked for its successor; NULL: there is none. */
static enum result list_before(const struct force *force, struct approvers **out, struct err *err)
{
    const struct buf *text = &force->memory.list_text;

    *out = NULL;
    if (!force->memory.list)
        return RESULT_OK;
    return approvers_load("the trust list in the log", buf_text(text), text->len, out, err);
}

static enum result list_change(struct force *force, struct err *err)
{
    const struct trust_list *list = &force->session->list;
    struct approvers *old = NULL;
    enum result result = list_before(force, &old, err);

    if (result == RESULT_OK)
        result = approvers_change(old, list->approvers, buf_text(&list->text), list->text.len,
                                  list->signatures.file, list->signatures.count, force->now, err);
    approvers_free(&old);
    return result == RESULT_OK ? result : err_prefix(err, "%s", list->path);
}

static enum result list_record(struct force *force, struct err *err)
{
    const struct trust_list *list = &force->session->list;
    cJSON *detail = cJSON_CreateObject(), *part = cJSON_AddObjectToObject(detail, "approvers");
    struct approvers_facts facts;
    static struct approvals approvals;

    approvers_facts(list->approvers, &facts);
    approvals_check(
        list->approvers,
        &(struct signed_bytes){APPROVAL_APPROVERS, buf_text(&list->text), list->text.len},
        list->signatures.file, list->signatures.count, force->now, &approvals);
    cJSON_AddNumberToObject(part, "revision", (double)facts.revision);
    cJSON_AddStringToObject(part, "sha256", facts.digest);
    cJSON_AddNumberToObject(part, "threshold", facts.threshold);
    cJSON_AddItemToObject(part, "approvals", approvals_json(&approvals));
    add_given(part, "trusted_because", force->reason);
    cJSON_AddStringToObject(part, "text", buf_text(&list->text));
    return append(force, "approvers.changed", "another trust list is in force from here on", detail,
                  NULL, err);
}

static enum result list_force(struct force *force, struct err *err)
{
    const struct trust_list *list = &force->session->list;
    struct approvers_facts facts;

    if (list->approvers == NULL)
        return err_set(err, RESULT_CONFIG,
                       "approvals are demanded, and there is no trust list: put approvers.json "
                       "beside the config, or name it there as \"approvers\"");
    approvers_facts(list->approvers, &facts);
    if (force->memory.list && strcmp(facts.digest, force->memory.list_sha256) == 0)
        return RESULT_OK;
    if (!force->memory.list && force->reason == NULL)
        return err_set(err, RESULT_CONFIG,
                       "the log remembers no trust list, so nothing vouches for %s: " TRUST_HINT,
                       list->path);
    if (list_change(force, err) != RESULT_OK)
        return err->result;
    return force->look_only ? RESULT_OK : list_record(force, err);
}

static enum result policy_approved(const struct session *session, int64_t now,
                                   struct approvals *out, struct err *err)
{
    const struct buf *text = &session->policy_text;

    if (!session->config.require_approvals)
        return RESULT_OK;
    approvals_check(session->list.approvers,
                    &(struct signed_bytes){APPROVAL_POLICY, buf_text(text), text->len},
                    session->policy_signatures.file, session->policy_signatures.count, now, out);
    return approvals_enough(session->list.approvers, out, session->config.policy, err);
}

static enum result policy_compare(const struct force *force, struct err *err)
{
    const struct policy_facts *facts = &force->session->facts;
    const struct memory *memory = &force->memory;

    if (memory->policy && facts->revision < memory->revision)
        return err_set(err, RESULT_CONFIG,
                       "policy revision %lld is older than revision %lld, which was in force: put "
                       "that back, or have what you want approved as a higher revision",
                       (long long)facts->revision, (long long)memory->revision);
    if (memory->policy && facts->revision == memory->revision &&
        strcmp(facts->digest, memory->sha256) != 0)
        return err_set(err, RESULT_CONFIG,
                       "policy revision %lld was in force with other bytes (sha256 %s): a changed "
                       "policy needs a higher revision",
                       (long long)facts->revision, memory->sha256);
    if (!memory->policy && memory->ordered && force->reason == NULL)
        return err_set(
            err, RESULT_CONFIG,
            "the log has orders, and yet remembers no policy that was in force: " TRUST_HINT);
    if (memory->approvals_required && !force->session->config.require_approvals &&
        force->reason == NULL)
        return err_set(
            err, RESULT_CONFIG,
            "the policy in force needed approvals, and the config does not require them "
            "any more: set \"require_approvals\": true; or, if that is meant, " TRUST_HINT);
    return RESULT_OK;
}

static bool is_remembered(const struct force *force)
{
    const struct memory *memory = &force->memory;

    return memory->policy && memory->revision == force->session->facts.revision &&
           memory->approvals_required == force->session->config.require_approvals;
}

static enum result policy_record(struct force *force, struct err *err)
{
    const struct session *session = force->session;
    const struct memory *memory = &force->memory;
    cJSON *detail = cJSON_CreateObject(), *change, *from;

    cJSON_AddItemToObject(detail, "policy", policy_json(&session->facts));
    change = cJSON_AddObjectToObject(detail, "policy_change");
    if (memory->policy) {
        from = cJSON_AddObjectToObject(change, "from");
        cJSON_AddNumberToObject(from, "revision", (double)memory->revision);
        cJSON_AddStringToObject(from, "sha256", memory->sha256);
    }
    cJSON_AddBoolToObject(change, "approvals_required", session->config.require_approvals);
    cJSON_AddItemToObject(change, "approvals", approvals_json(&force->approvals));
    add_given(change, "trusted_because", force->reason);
    return append(force, "policy.changed", "another policy is in force from here on", detail,
                  &session->policy_text, err);
}

/* A policy that is not in force yet, or no more, is not remembered: orders are denied, and until
 * its time comes the one before may be put back. */
static bool is_in_force(const struct force *force)
{
    const struct policy_facts *facts = &force->session->facts;

    return force->now >= facts->effective_ms && force->now < facts->expires_ms;
}

static enum result force_all(struct force *force, bool list_needed, struct err *err)
{
    if (memory_read(force->session, &force->memory, err) != RESULT_OK)
        return err->result;
    if ((list_needed || force->session->config.require_approvals) &&
        list_force(force, err) != RESULT_OK)
        return err->result;
    if (policy_approved(force->session, force->now, &force->approvals, err) != RESULT_OK ||
        policy_compare(force, err) != RESULT_OK)
        return err->result;
    if (force->look_only || is_remembered(force) || !is_in_force(force))
        return RESULT_OK;
    return policy_record(force, err);
}

static enum result force_once(struct session *session, const struct force *how, bool list_needed,
                              struct err *err)
{
    static struct force force; /* large */
    enum result result;

    force = *how;
    force.session = session;
    force.memory = (struct memory)MEMORY_INIT;
    force.now = clock_now();
    result = force_all(&force, list_needed, err);
    memory_free(&force.memory);
    return result;
}

enum result policy_force(struct session *session, bool list_needed, const char *reason,
                         struct err *err)
{
    return force_once(session, &(struct force){.reason = reason}, list_needed, err);
}

enum result policy_force_look(struct session *session, struct err *err)
{
    return force_once(session, &(struct force){.look_only = true}, false, err);
}

static enum result overtaken(const char *what, struct err *err)
{
    return err_set(err, RESULT_CONFIG,
                   "another %s came into force while this order waited: nothing was sent; order "
                   "again",
                   what);
}

enum result policy_remains(const struct session *session, const struct memory *memory,
                           bool list_needed, struct err *err)
{
    static struct approvals approvals;
    struct approvers_facts facts;

    if (!memory->policy || strcmp(memory->sha256, session->facts.digest) != 0)
        return overtaken("policy", err);
    if (!list_needed && !session->config.require_approvals)
        return RESULT_OK;
    approvers_facts(session->list.approvers, &facts);
    if (strcmp(memory->list_sha256, facts.digest) != 0)
        return overtaken("trust list", err);
    return policy_approved(session, clock_now(), &approvals, err);
}
