/*
 * What the log remembers of the policies and trust lists that were in force (issue 4): the records
 * policy.changed and approvers.changed.
 */
#ifndef GEORDER_MEMORY_H
#define GEORDER_MEMORY_H

#include "session.h"

struct memory {
    bool ordered; /* no policy.changed, and yet orders were sent, so some policy was in force */
    bool policy;  /* there is a policy.changed; the next three are of the highest revision */
    int64_t revision;
    char sha256[SHA256_HEX_LEN + 1];
    bool approvals_required; /* by the last one */
    bool list;               /* there is an approvers.changed; the next three are of the last */
    int64_t list_revision;
    char list_sha256[SHA256_HEX_LEN + 1];
    struct buf list_text; /* the trust list itself */
};
#define MEMORY_INIT                                                                                \
    {                                                                                              \
        .list_text = BUF_INIT(APPROVERS_MAX)                                                       \
    }
#define AUTO_MEMORY __attribute__((cleanup(memory_free))) struct memory

/* One record's part of it, in the order of the log. */
void memory_take(struct memory *memory, const cJSON *payload);
MUST_USE enum result memory_read(struct session *session, struct memory *out, struct err *err);
void memory_free(struct memory *memory);

/*
 * Before the session's policy is used, with the log open for appending: is it signed by those whom
 * the trust list names (when the config requires it), and not older than what was in force? What is
 * newly in force is recorded first. reason: NULL, or why a person trusts what is there although the
 * log remembers nothing (`policy trust`). list_needed: the trust list will be relied on, too.
 * RESULT_CONFIG when it may not be used.
 */
MUST_USE enum result policy_force(struct session *session, bool list_needed, const char *reason,
                                  struct err *err);
/* The same question, with the log open for reading and nothing recorded. */
MUST_USE enum result policy_force_look(struct session *session, struct err *err);
/* Whether what policy_force() found good is in force yet, by a later look at the log: while an
 * order waited, another process may have brought in a newer one. */
MUST_USE enum result policy_remains(const struct session *session, const struct memory *memory,
                                    bool list_needed, struct err *err);

#endif
