/* main's side of the conversation with georder-net (src/ipc/net_msg.h has the messages). */
#ifndef GEORDER_NET_CLIENT_H
#define GEORDER_NET_CLIENT_H

#include "config.h"
#include "ipc.h"

struct net {
    struct ipc ipc;
    pid_t pid;
};

#define NET_INIT                                                                                   \
    {                                                                                              \
        .ipc = {.fd = -1 }                                                                         \
    }

struct exchange {
    enum net_outcome outcome;
    struct err why;                /* unless NET_ANSWERED */
    struct msg peer_msg, head_msg; /* own what peer and head point into */
    bool has_peer, has_head;
    struct net_peer peer;
    struct net_head head;
    struct buf body;
};

#define EXCHANGE_INIT                                                                              \
    {                                                                                              \
        .peer_msg = MSG_INIT, .head_msg = MSG_INIT, .body = BUF_INIT(NET_ANSWER_MAX)               \
    }
#define AUTO_EXCHANGE __attribute__((cleanup(exchange_free))) struct exchange

/* Starts the process: early, since libcurl takes its time to load. */
MUST_USE enum result net_start(struct net *net, struct err *err);
/* Hands it the trust store: ca_file's bytes, or none for the system's. */
MUST_USE enum result net_trust(struct net *net, const struct buf *trust, struct err *err);
/* One request. credential: the pipe's read end, which is closed here. Whatever happens is an
 * outcome; unless it is NET_ANSWERED, out->why tells. */
void net_exchange(struct net *net, const struct net_request *request, int *credential,
                  struct exchange *out);
/* Its two halves. From net_ask() on net connects and checks the peer, and then waits: nothing is
 * sent before the credential comes down the pipe. out is only what became of it. */
MUST_USE enum result net_ask(struct net *net, const struct net_request *request, int *credential,
                             struct err *err);
void net_await(struct net *net, const struct net_request *request, struct exchange *out);
/* A stream to a syslog server: what is written to *rows goes there, once this has returned. Not OK:
 * there is no connection, and why. When net has closed its end of the pipe, it is over. */
MUST_USE enum result net_stream(struct net *net, const struct net_request *request, int *rows,
                                struct exchange *out, struct err *err);
/* With *rows closed: what became of it. NET_ANSWERED: all was handed to TLS; no server tells more.
 */
void net_stream_end(struct net *net, const struct net_request *request, struct exchange *out);
/* Ends net in the middle of a request that it cannot have sent, for want of the credential. */
void net_abandon(struct net *net);
void exchange_free(struct exchange *exchange);
void net_stop(struct net *net);

#endif
