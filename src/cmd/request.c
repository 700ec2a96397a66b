#include "placing.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "guard.h"
#include "parts.h"

#define HOUR_MS INT64_C(3600000)

void asked_free(struct asked *asked)
{
    buf_free(&asked->text);
    request_free(&asked->request);
    signatures_free(&asked->signatures);
}

void request_approvals(struct placing *placing)
{
    struct asked *asked = &placing->asked;
    const struct signed_bytes message = {APPROVAL_ORDER, buf_text(&asked->text), asked->text.len};
    const struct approvers *list = placing->session->list.approvers;

    if (asked->path == NULL || list == NULL)
        return;
    approvals_check(list, &message, asked->signatures.file, asked->signatures.count,
                    placing->at.now, &asked->approvals);
    placing->at.approver = asked->approver;
    placing->at.approvers = asked->approvers =
        approvals_by_others(list, &asked->approvals, asked->request.requester, asked->approver);
}

static void approvals_tell(const struct placing *placing)
{
    const struct approvals *approvals = &placing->asked.approvals;
    const struct output *output = &placing->session->output;

    for (size_t i = 0; i < approvals->count; i++) {
        const struct approval *approval = &approvals->item[i];

        if (approval->valid)
            say(output, "approved by %s\n", shown(approval->principal));
        else
            note(output, "note: %s does not count: %s\n", shown(approval->file),
                 shown(approval->why));
    }
}

enum result request_read(struct placing *placing, struct err *err)
{
    struct asked *asked = &placing->asked;
    const char *path = asked->path;

    if (guard_read(path, GUARD_PUBLIC, RESULT_USAGE, &asked->text, err) != RESULT_OK)
        return err->result;
    if (request_parse(path, buf_text(&asked->text), asked->text.len, &asked->request, err) !=
            RESULT_OK ||
        order_parse(path, buf_text(&asked->request.order), asked->request.order.len,
                    &placing->order, err) != RESULT_OK)
        return err->result = RESULT_USAGE;
    if (signatures_read(path, &asked->signatures, err) != RESULT_OK)
        return err->result;
    sha256_hex(buf_text(&asked->text), asked->text.len, asked->sha256);
    request_approvals(placing);
    approvals_tell(placing);
    return RESULT_OK;
}

static const char *request_fault(const struct placing *placing)
{
    const struct asked *asked = &placing->asked;
    const struct request *request = &asked->request;
    char body[SHA256_HEX_LEN + 1];

    sha256_hex(buf_text(&placing->body), placing->body.len, body);
    if (strcmp(request->origin, placing->session->config.origin) != 0)
        return "it is for the log of another host";
    if (strcmp(request->policy, placing->session->facts.digest) != 0)
        return "another policy is in force than the one it was prepared under";
    if (strcmp(request->zone_id, placing->order.zone_id) != 0 || strcmp(request->body, body) != 0)
        return "its order would not send the body that was approved";
    if (placing->at.now < request->created || placing->at.now >= request->expires)
        return "its time is over, or not yet come";
    if (asked->prepared[0] == '\0')
        return "the log does not know it: it was changed, or not prepared here";
    return asked->used ? "it has been used: a request places one order" : NULL;
}

enum result request_check(const struct placing *placing, struct err *err)
{
    const char *fault = placing->asked.path != NULL ? request_fault(placing) : NULL;

    if (fault == NULL)
        return RESULT_OK;
    return err_set(err, RESULT_DENIED,
                   "%s cannot be placed: %s; prepare a new one by georder "
                   "order --prepare",
                   placing->asked.path, fault);
}

static enum result request_fill(const struct placing *placing, int64_t hours,
                                struct request *request, struct err *err)
{
    const struct session *session = placing->session;
    AUTO_BUF nonce = BUF_INIT(NONCE_LEN);
    uint8_t bytes[NONCE_LEN / 2];

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return err_set(err, RESULT_INTERNAL, "no random numbers for the request");
    hex_put(&nonce, bytes, sizeof bytes);
    memcpy(request->nonce, buf_text(&nonce), NONCE_LEN + 1);
    (void)snprintf(request->origin, sizeof request->origin, "%s", session->config.origin);
    (void)snprintf(request->requester, sizeof request->requester, "%s", session->login);
    memcpy(request->zone_id, placing->order.zone_id, sizeof request->zone_id);
    memcpy(request->policy, session->facts.digest, sizeof request->policy);
    sha256_hex(buf_text(&placing->body), placing->body.len, request->body);
    request->policy_revision = session->facts.revision;
    request->created = placing->at.now / 1000 * 1000; /* as the file says it */
    request->expires = request->created + hours * HOUR_MS;
    order_json(&request->order, &placing->order, false);
    return RESULT_OK;
}

static void request_tell(const struct placing *placing, const struct request *request)
{
    const struct output *output = &placing->session->output;
    char expires[RFC3339_LEN + 1];

    time_format(request->expires, expires);
    for (size_t i = 0; i < placing->decision.demands; i++)
        note(output, "rule %s demands approvals: %u from %s\n",
             shown(placing->decision.demand[i].rule), placing->decision.demand[i].count,
             shown(placing->decision.demand[i].from));
    note(output,
         "the request may be placed until %s. Approvers sign it, each by:\n"
         "  ssh-keygen -Y sign -n " APPROVAL_ORDER " -f KEY <REQUEST >REQUEST.sig/PRINCIPAL.sig\n"
         "then: georder order --request REQUEST\n",
         expires);
}

enum result request_prepare(struct placing *placing, int64_t hours, struct err *err)
{
    struct asked *asked = &placing->asked;
    struct output *output = &placing->session->output;

    if (request_fill(placing, hours, &asked->request, err) != RESULT_OK ||
        request_put(&asked->text, &asked->request, err) != RESULT_OK)
        return err->result;
    sha256_hex(buf_text(&asked->text), asked->text.len, asked->sha256);
    if (record_prepared(placing, err) != RESULT_OK)
        return err->result;
    output_add_text(output, "request", buf_text(&asked->text));
    output_add_text(output, "request_sha256", asked->sha256);
    if (output->document == NULL)
        (void)fputs(buf_text(&asked->text), stdout);
    request_tell(placing, &asked->request);
    return RESULT_OK;
}

cJSON *request_facts(const struct asked *asked)
{
    cJSON *part = cJSON_CreateObject();
    char expires[RFC3339_LEN + 1];

    time_format(asked->request.expires, expires);
    cJSON_AddStringToObject(part, "sha256", asked->sha256);
    cJSON_AddStringToObject(part, "nonce", asked->request.nonce);
    cJSON_AddStringToObject(part, "requester", asked->request.requester);
    cJSON_AddStringToObject(part, "expires", expires);
    cJSON_AddStringToObject(part, "body_sha256", asked->request.body);
    cJSON_AddItemToObject(part, "approvals", approvals_json(&asked->approvals));
    return part;
}
