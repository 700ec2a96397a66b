/* What people approve, and with which files: FILE.sig/PRINCIPAL.sig beside each signed FILE. */
#ifndef GEORDER_APPROVALS_H
#define GEORDER_APPROVALS_H

#include "approval.h"
#include "config.h"
#include "policy.h"

struct signatures {        /* owned, signatures_free() */
    size_t count, ignored; /* ignored: names there that are no *.sig */
    struct signature_file file[SIGNATURES_MAX];
};

/* The files beside `path`, by name; none when there is no directory PATH.sig. RESULT_CONFIG when
 * one is unsafe, too large, or there are too many. */
MUST_USE enum result signatures_read(const char *path, struct signatures *out, struct err *err);
void signatures_free(struct signatures *signatures);
#define AUTO_SIGNATURES __attribute__((cleanup(signatures_free))) struct signatures

/* The trust list as it lies on this host. */
struct trust_list {
    char path[PATH_MAX]; /* "" when there is none */
    struct buf text;
    struct approvers *approvers; /* owned; NULL when there is none */
    struct signatures signatures;
};
#define TRUST_LIST_INIT                                                                            \
    {                                                                                              \
        .text = BUF_INIT(APPROVERS_MAX)                                                            \
    }
/* file: --approvers, or NULL: what the config names, approvers.json beside the config, or
 * /etc/georder/approvers.json, the first that exists. config may be NULL. None at all is no error.
 */
MUST_USE enum result trust_list_read(const struct config *config, const char *file,
                                     struct trust_list *out, struct err *err);
void trust_list_free(struct trust_list *list);

/* Each valid approval: principal, key type and fingerprint; the caller's. */
cJSON *approvals_json(const struct approvals *approvals);
/* Who approved a request; an approval by the requester (a login name) becomes invalid, with the
 * reason. Names and groups are the approvers'. How many people. */
size_t approvals_by_others(const struct approvers *approvers, struct approvals *approvals,
                           const char *requester, struct approver out[SIGNATURES_MAX]);

#endif
