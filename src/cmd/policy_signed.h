/* What people sign, for the verbs sign and verify: a policy, a trust list or a request. */
#ifndef GEORDER_POLICY_SIGNED_H
#define GEORDER_POLICY_SIGNED_H

#include "approvals.h"
#include "policy_verb.h"

enum signed_kind { SIGNED_POLICY, SIGNED_APPROVERS, SIGNED_REQUEST };

struct signed_file {         /* owned, signed_file_free() */
    const char *path, *what; /* "policy", "trust list", "request" */
    enum signed_kind kind;
    struct signed_bytes message; /* into text */
    struct buf text;
    int64_t revision; /* 0 for a request */
    char digest[SHA256_HEX_LEN + 1];
    struct approvers *list; /* of a trust list */
    struct request request;
    struct signatures signatures;
    struct trust_list trust; /* the one in force */
};
#define SIGNED_FILE_INIT                                                                           \
    {                                                                                              \
        .text = BUF_INIT(POLICY_MAX), .request = REQUEST_INIT, .trust = TRUST_LIST_INIT            \
    }
#define AUTO_SIGNED __attribute__((cleanup(signed_file_free))) struct signed_file

/* Reads FILE, which must be valid, the signatures beside it, and the trust list. */
MUST_USE enum result signed_file_read(struct session *session, const char *path,
                                      const char *approvers, struct signed_file *out,
                                      struct err *err);
void signed_file_free(struct signed_file *file);
/* Says what it is; puts "file" into the document. */
void signed_file_tell(struct session *session, const struct signed_file *file);
/* The list in force, when this file is a trust list that would replace it; else NULL. */
const struct approvers *signed_file_before(const struct signed_file *file);

/* Says one; an object with all of it, the caller's. */
void approval_tell(struct session *session, const struct approval *approval);
cJSON *approval_json(const struct approval *approval);

#endif
