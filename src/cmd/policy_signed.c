#include "policy_signed.h"

#include <string.h>

#include "guard.h"

static const struct {
    const char *member, *what, *namespace;
} kinds[] = {
    [SIGNED_POLICY] = {"georder_policy", "policy", APPROVAL_POLICY},
    [SIGNED_APPROVERS] = {"georder_approvers", "trust list", APPROVAL_APPROVERS},
    [SIGNED_REQUEST] = {"georder_request", "request", APPROVAL_ORDER},
};

/* By its first member. */
static enum result kind_find(struct signed_file *file, struct err *err)
{
    struct json_doc doc = {.name = file->path,
                           .text = buf_text(&file->text),
                           .len = file->text.len,
                           .result = RESULT_CONFIG};
    const char *first;
    size_t kind = 0, count = sizeof kinds / sizeof *kinds;

    if (json_parse(&doc, JSON_OURS, err) != RESULT_OK)
        return err->result;
    first = cJSON_IsObject(doc.root) && doc.root->child != NULL ? doc.root->child->string : "";
    while (kind < count && strcmp(kinds[kind].member, first) != 0)
        kind++;
    json_free(&doc);
    if (kind == count)
        return err_set(err, RESULT_CONFIG,
                       "%s: its first member must be georder_policy, georder_approvers or "
                       "georder_request: nothing else is signed",
                       file->path);
    file->kind = (enum signed_kind)kind;
    file->what = kinds[kind].what;
    return RESULT_OK;
}

static enum result policy_take(struct session *session, struct signed_file *file, struct err *err)
{
    if (session_policy(session, file->path, err) != RESULT_OK)
        return err->result;
    /* What was judged is what is verified, even if the file was replaced in between. */
    buf_reset(&file->text);
    buf_put(&file->text, buf_text(&session->policy_text), session->policy_text.len);
    file->revision = session->facts.revision;
    return buf_check(&file->text, file->path, err);
}

static enum result approvers_take(struct signed_file *file, struct err *err)
{
    struct approvers_facts facts;

    if (approvers_load(file->path, buf_text(&file->text), file->text.len, &file->list, err) !=
        RESULT_OK)
        return err->result;
    approvers_facts(file->list, &facts);
    file->revision = facts.revision;
    return RESULT_OK;
}

static enum result content_read(struct session *session, struct signed_file *file, struct err *err)
{
    enum result result = kind_find(file, err);

    if (result == RESULT_OK && file->kind == SIGNED_POLICY)
        result = policy_take(session, file, err);
    else if (result == RESULT_OK && file->kind == SIGNED_APPROVERS)
        result = approvers_take(file, err);
    else if (result == RESULT_OK)
        result =
            request_parse(file->path, buf_text(&file->text), file->text.len, &file->request, err);
    if (result != RESULT_OK)
        return result;
    file->message =
        (struct signed_bytes){kinds[file->kind].namespace, buf_text(&file->text), file->text.len};
    sha256_hex(file->message.bytes, file->message.len, file->digest);
    return RESULT_OK;
}

static enum result config_read(struct session *session, const char *approvers,
                               const struct config **out, struct err *err)
{
    *out = NULL;
    if (approvers != NULL || !config_there(session->options.config))
        return RESULT_OK;
    *out = &session->config;
    return config_load(session->options.config, &session->config, err);
}

enum result signed_file_read(struct session *session, const char *path, const char *approvers,
                             struct signed_file *out, struct err *err)
{
    const struct config *config;

    if (path == NULL)
        return err_set(err, RESULT_USAGE, "name a file: a policy, a trust list or a request");
    out->path = path;
    if (config_read(session, approvers, &config, err) != RESULT_OK ||
        guard_read(path, GUARD_PUBLIC, RESULT_CONFIG, &out->text, err) != RESULT_OK ||
        content_read(session, out, err) != RESULT_OK ||
        signatures_read(path, &out->signatures, err) != RESULT_OK ||
        trust_list_read(config, approvers, &out->trust, err) != RESULT_OK)
        return err->result;
    return RESULT_OK;
}

void signed_file_free(struct signed_file *file)
{
    approvers_free(&file->list);
    request_free(&file->request);
    signatures_free(&file->signatures);
    trust_list_free(&file->trust);
    buf_free(&file->text);
}

void signed_file_tell(struct session *session, const struct signed_file *file)
{
    cJSON *out = cJSON_CreateObject();

    if (file->revision > 0)
        say(&session->output, "%s: %s, revision %lld, sha256 %s\n", shown(file->path), file->what,
            (long long)file->revision, file->digest);
    else
        say(&session->output, "%s: %s of %s, sha256 %s\n", shown(file->path), file->what,
            shown(file->request.requester), file->digest);
    cJSON_AddStringToObject(out, "path", file->path);
    cJSON_AddStringToObject(out, "kind", kinds[file->kind].member + strlen("georder_"));
    cJSON_AddStringToObject(out, "namespace", file->message.namespace);
    if (file->revision > 0)
        cJSON_AddNumberToObject(out, "revision", (double)file->revision);
    cJSON_AddStringToObject(out, "sha256", file->digest);
    output_add(&session->output, "file", out);
}

const struct approvers *signed_file_before(const struct signed_file *file)
{
    struct approvers_facts facts;

    if (file->kind != SIGNED_APPROVERS || file->trust.approvers == NULL)
        return NULL;
    approvers_facts(file->trust.approvers, &facts);
    return strcmp(facts.digest, file->digest) == 0 ? NULL : file->trust.approvers;
}

void approval_tell(struct session *session, const struct approval *approval)
{
    const struct output *output = &session->output;

    if (approval->valid)
        say(output, "  %-32s valid: %s %s\n", shown(approval->file), approval->type,
            approval->fingerprint);
    else if (approval->fingerprint[0] != '\0')
        say(output, "  %-32s not valid: %s (%s %s)\n", shown(approval->file), shown(approval->why),
            approval->type[0] != '\0' ? approval->type : "unknown key", approval->fingerprint);
    else
        say(output, "  %-32s not valid: %s\n", shown(approval->file), shown(approval->why));
}

cJSON *approval_json(const struct approval *approval)
{
    cJSON *out = cJSON_CreateObject();

    cJSON_AddStringToObject(out, "file", approval->file);
    cJSON_AddStringToObject(out, "principal", approval->principal);
    cJSON_AddStringToObject(out, "key_type", approval->type);
    cJSON_AddStringToObject(out, "fingerprint", approval->fingerprint);
    cJSON_AddBoolToObject(out, "valid", approval->valid);
    if (!approval->valid)
        cJSON_AddStringToObject(out, "why", approval->why);
    return out;
}
