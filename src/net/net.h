/*
 * georder-net: the only process that talks to the network. One request at a time, each in a forked
 * worker that resolves, connects, checks the peer's address, locks itself, and only then reads the
 * first TLS byte. An anchor of the log (a time stamping authority, a witness) is asked in the same
 * way, without pins and credential. DESIGN section 4, "TLS to Cloudflare"; ipc's net_msg.h has its
 * messages.
 */
#ifndef GEORDER_NET_H
#define GEORDER_NET_H

#include "base.h"
#include "ipc.h"

/* Serves `channel` (an ipc of ROLE_NET) until it closes. The process' exit status. */
int net_run(int channel);

#endif
