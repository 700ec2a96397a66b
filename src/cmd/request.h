/*
 * Dual control (issue 4): an order that others approve before it is placed. `order --prepare`
 * writes a request and records it; approvers sign the file; `order --request` places it once.
 */
#ifndef GEORDER_CMD_REQUEST_H
#define GEORDER_CMD_REQUEST_H

#include "session.h"

struct placing;

struct asked {
    const char *path; /* of the request file; NULL: an order without one */
    struct buf text;
    char sha256[SHA256_HEX_LEN + 1]; /* of the file's bytes: what its records know it by */
    struct request request;
    struct signatures signatures;
    struct approvals approvals;
    size_t approvers; /* of the valid ones: whose approval counts */
    struct approver approver[SIGNATURES_MAX];
    char prepared[UUID_LEN + 1]; /* by the log: the order's id; "" when it knows no such request */
    bool used;                   /* by the log: an intent has burnt it */
};
#define ASKED_INIT                                                                                 \
    {                                                                                              \
        .text = BUF_INIT(REQUEST_MAX), .request = REQUEST_INIT                                     \
    }
void asked_free(struct asked *asked);

/* Reads the request, its order and its signatures, with the session's trust list at hand. The
 * requester's own approval does not count. */
MUST_USE enum result request_read(struct placing *placing, struct err *err);
/* Who approves it at placing->at.now: a key may end while the order waits. */
void request_approvals(struct placing *placing);
/* RESULT_DENIED when it is not for this order, policy, host and time, or the log says that it was
 * not prepared here, or is burnt. */
MUST_USE enum result request_check(const struct placing *placing, struct err *err);
/* Records and prints a request for the order that was judged; hours: how long it may be placed. */
MUST_USE enum result request_prepare(struct placing *placing, int64_t hours, struct err *err);
/* What a record tells of it; the caller's. */
cJSON *request_facts(const struct asked *asked);

#endif
