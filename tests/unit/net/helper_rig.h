/* A net role in a process of its own, and main's end of its channel. */
#ifndef TEST_NET_RIG_H
#define TEST_NET_RIG_H

#include "helper_server.h"
#include "ipc.h"

/* Milliseconds that no exchange needs which goes well, however busy the machine is. What must run
 * into its time gets less of it; but still enough for TLS where that comes first: STALL. */
#define CONNECT_MS 20000
#define TOTAL_MS   25000
#define STALL_MS   4000
#define ANSWER_MS  60000 /* for all that the role says of one exchange */

#define TOKEN "cfut_0123456789abcdefghijklmnopqrstuvwxyzABCD12345"

struct answer {
    unsigned peers, heads; /* messages of that kind */
    struct net_peer peer;
    struct net_head head;
    struct buf body;
    enum net_outcome outcome;
    struct err err;
    char text[16][128]; /* what peer and head point into */
};

struct rig {
    struct pki pki;
    struct ipc ipc;
    pid_t net;
    struct server server;
    struct net_request request; /* to be changed at will */
    const char *credential;     /* what goes down the pipe; NULL: no pipe */
    bool silent;                /* the pipe's write end stays open, nothing comes */
};

/* A good request to a server that does as planned; what the plan leaves out is the good chain. */
void rig_start(struct rig *rig, struct server_plan plan);
void rig_pin(struct rig *rig, const struct identity *identity); /* the only pin */
void rig_trust(struct rig *rig, const struct identity *identity);
void rig_ask(struct rig *rig, struct answer *answer);
void rig_stop(struct rig *rig); /* net must end with 0 */

void answer_ok(SSL *ssl);
/* The peer was refused: PEER, UNSENT, and no application byte came to the server. */
void assert_refused(const struct rig *rig, const struct answer *answer, const char *text);
void assert_text(const struct answer *answer, const char *text);

#endif
