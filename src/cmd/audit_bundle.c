#include "audit_bundle.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "bundle.h"
#include "guard.h"

enum result audit_bundle_make(struct verb_call *call, const char *path, struct audit_bundle *out,
                              struct err *err)
{
    AUTO_BUF policy = BUF_INIT(2 * PATH_MAX);

    if (path == NULL)
        return RESULT_OK;
    if (audit_verb_value(call, AUDIT_DIRECTORY) == NULL) {
        session_policy_path(call->session, NULL, &policy);
        if (guard_read(buf_text(&policy), GUARD_PUBLIC, RESULT_CONFIG, &out->policy, err) !=
            RESULT_OK)
            return err->result;
    }
    return out_file_make(&out->file, path, err);
}

void audit_bundle_free(struct audit_bundle *bundle)
{
    out_file_close(&bundle->file);
    buf_free(&bundle->policy);
}

/* The policies that the log remembers, in the order of their first use. */
struct naming {
    cJSON *policies;
    char present[SHA256_HEX_LEN + 1]; /* the digest of the one that is at hand, or "" */
    bool named;                       /* the log remembers that one */
};

static bool is_listed(const cJSON *policies, const char *digest)
{
    const cJSON *policy;

    cJSON_ArrayForEach(policy, policies) if (strcmp(member_text(policy, "sha256"), digest) ==
                                             0) return true;
    return false;
}

static bool policy_name(void *context, uint64_t index, const char *line, size_t len,
                        const cJSON *payload)
{
    const cJSON *policy = cJSON_GetObjectItemCaseSensitive(record_georder(payload), "policy");
    struct naming *naming = context;
    const char *digest = member_text(policy, "sha256");
    bool here = strcmp(digest, naming->present) == 0;
    cJSON *copy;

    (void)index;
    (void)line;
    (void)len;
    if (digest[0] == '\0' || is_listed(naming->policies, digest))
        return true;
    copy = cJSON_Duplicate(policy, true);
    cJSON_AddBoolToObject(copy, "in_bundle", here);
    cJSON_AddItemToArray(naming->policies, copy);
    naming->named = naming->named || here;
    return true;
}

static enum result policies_name(struct session *session, const char *origin, struct naming *naming,
                                 struct err *err)
{
    static const char *const changes[] = {"policy.changed", NULL};

    if (audit_open(session->audit_fd, origin, NULL, &session->audit, err) != RESULT_OK)
        return err->result;
    return audit_each_of(session->audit, changes, policy_name, naming, err);
}

static enum result text_add(struct bundle *bundle, const char *name, const struct buf *text,
                            struct err *err)
{
    return bundle_add(bundle, &(struct audit_part){name, -1, buf_text(text), text->len}, err);
}

/* Which policies the records are about, and the file of the one that is at hand. */
static enum result policies_add(struct verb_call *call, const struct buf *policy,
                                struct bundle *bundle, struct err *err)
{
    AUTO_JSON *list = cJSON_CreateArray();
    AUTO_BUF text = BUF_INIT(1024 * KIB), name = BUF_INIT(128);
    struct naming naming = {.policies = list};

    if (policy->len > 0)
        sha256_hex(buf_text(policy), policy->len, naming.present);
    if (policies_name(call->session, audit_verb_origin(call), &naming, err) != RESULT_OK)
        return err->result;
    json_put_pretty(&text, list);
    buf_putc(&text, '\n');
    buf_printf(&name, "policies/%s.json", naming.present);
    if (buf_check(&text, "policies.json", err) != RESULT_OK ||
        text_add(bundle, "policies.json", &text, err) != RESULT_OK)
        return err->result;
    return naming.named ? text_add(bundle, buf_text(&name), policy, err) : RESULT_OK;
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

enum result audit_bundle_write(struct verb_call *call, struct audit_bundle *made,
                               const struct out_file *page, struct err *err)
{
    AUTO_BUNDLE bundle = BUNDLE_INIT;

    if (made->file.path == NULL)
        return RESULT_OK;
    if (bundle_begin(&bundle, &made->file, err) != RESULT_OK ||
        page_add(&bundle, page, err) != RESULT_OK ||
        policies_add(call, &made->policy, &bundle, err) != RESULT_OK ||
        audit_files(call->session->audit_fd, bundle_add, &bundle, err) != RESULT_OK)
        return err->result;
    return bundle_end(&bundle, err);
}
