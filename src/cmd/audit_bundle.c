#include "audit_bundle.h"

#include <string.h>
#include <sys/stat.h>

#include "bundle.h"
#include "parts.h"

static bool is_listed(const cJSON *policies, const char *digest)
{
    const cJSON *policy;

    cJSON_ArrayForEach(policy, policies) if (strcmp(member_text(policy, "sha256"), digest) ==
                                             0) return true;
    return false;
}

/* Into an array, in the order of their first use. */
static bool policy_name(void *context, uint64_t index, const char *line, size_t len,
                        const cJSON *payload)
{
    const cJSON *ours = record_georder(payload);
    const cJSON *policy = cJSON_GetObjectItemCaseSensitive(ours, "policy");
    cJSON *policies = context, *copy;

    (void)index;
    (void)line;
    (void)len;
    if (policy == NULL || is_listed(policies, member_text(policy, "sha256")))
        return true;
    copy = cJSON_Duplicate(policy, true);
    add_given(copy, "file", member_text(ours, "body_file"));
    cJSON_AddItemToArray(policies, copy);
    return true;
}

static enum result policies_name(struct session *session, const char *origin, cJSON *policies,
                                 struct err *err)
{
    static const char *const changes[] = {"policy.changed", NULL};

    if (audit_open(session->audit_fd, origin, NULL, &session->audit, err) != RESULT_OK)
        return err->result;
    return audit_each_of(session->audit, changes, policy_name, policies, err);
}

/* Which policies the records are about; their files are among the bodies. */
static enum result policies_add(struct verb_call *call, struct bundle *bundle, struct err *err)
{
    AUTO_JSON *list = cJSON_CreateArray();
    AUTO_BUF text = BUF_INIT(1024 * KIB);

    if (policies_name(call->session, audit_verb_origin(call), list, err) != RESULT_OK)
        return err->result;
    json_put_pretty(&text, list);
    buf_putc(&text, '\n');
    if (buf_check(&text, "policies.json", err) != RESULT_OK)
        return err->result;
    return bundle_add(bundle, &(struct audit_part){"policies.json", -1, buf_text(&text), text.len},
                      err);
}

static enum result page_add(struct bundle *bundle, const struct out_file *page, struct err *err)
{
    struct audit_part part = {"report.html", page->fd, NULL, 0};
    struct stat status;

    if (fstat(page->fd, &status) != 0)
        return err_errno(err, RESULT_INTERNAL, "%s: cannot read", page->path);
    part.size = (uint64_t)status.st_size;
    return bundle_add(bundle, &part, err);
}

enum result audit_bundle_write(struct verb_call *call, struct out_file *to,
                               const struct out_file *page, struct err *err)
{
    AUTO_BUNDLE bundle = BUNDLE_INIT;

    if (to->path == NULL)
        return RESULT_OK;
    if (bundle_begin(&bundle, to, err) != RESULT_OK || page_add(&bundle, page, err) != RESULT_OK ||
        policies_add(call, &bundle, err) != RESULT_OK ||
        audit_files(call->session->audit_fd, bundle_add, &bundle, err) != RESULT_OK)
        return err->result;
    return bundle_end(&bundle, err);
}
