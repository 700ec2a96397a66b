/*
 * Messages from main's pipe to a syslog server, over TLS (RFC 5425) and over nothing else. The
 * server acknowledges nothing: that all was sent says that TLS has taken it, and no more.
 */
#ifndef GEORDER_NET_STREAM_H
#define GEORDER_NET_STREAM_H

#include "exchange.h"

/* Where to, checked again. */
MUST_USE enum result stream_check(const struct net_request *request, struct err *err);
/* Over x->socket, from x->rows to its end. NET_ANSWERED: TLS took all of it, and the connection
 * held to its end. */
enum net_outcome stream_run(struct exchange *x, struct err *err);

#endif
