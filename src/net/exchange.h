/*
 * One request, from its resolving to its end, as the worker sees it. The worker reports its end
 * through memory that it shares with its parent, so that exactly one NET_END goes out, by the
 * parent, however the worker ended.
 */
#ifndef GEORDER_NET_EXCHANGE_H
#define GEORDER_NET_EXCHANGE_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "address.h"
#include "base.h"
#include "head.h"
#include "ipc.h"

enum stage {
    STAGE_OPEN,   /* no TLS yet: nothing was sent */
    STAGE_LOCKED, /* from here on a sudden death counts as "may have been sent" */
    STAGE_DONE,   /* outcome and err are valid */
};

struct verdict {
    _Atomic int stage;
    enum net_outcome outcome;
    struct err err;
};

struct exchange {
    struct ipc *ipc;
    const struct net_request *request;
    X509_STORE *trust;
    struct verdict *verdict;
    int credential; /* read end of the pipe, or -1 */
    int rows;       /* of a stream: read end of the pipe of its messages; else -1 */
    int64_t connect_deadline, deadline;

    struct target target;     /* what we connect to: the API's host, or the proxy */
    struct endpoint endpoint; /* where that is: checked and connected */
    int socket;               /* connected to it; -1 once libcurl has it */

    struct net_peer peer;
    bool peer_sent, head_sent;
    bool sending; /* PREREQ passed: the request may be out */
    struct head head;
    size_t answer_len;
    struct err err; /* the first thing that a callback found wrong */
};

/* The whole life of a worker process; parent: who must be alive. */
_Noreturn void worker_run(struct exchange *x, pid_t parent);

/* Both times are within 1 ms to 1 h. */
MUST_USE enum result times_check(const struct net_request *request, struct err *err);
MUST_USE bool host_valid(const char *host);
MUST_USE enum result request_check(const struct net_request *request, struct err *err);
/* Splits "http://host:port". */
MUST_USE bool proxy_parse(const char *text, struct target *out);

/* Resolves x->target, leaves out what x->request->network does not hold, connects to the first
 * address that answers: fills x->endpoint and x->socket. */
MUST_USE enum result dial(struct exchange *x, struct err *err);

/* One NET_PEER an exchange: with all that is known by now. */
enum result peer_send(struct exchange *x, struct err *err);

#endif
