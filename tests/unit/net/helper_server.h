/* A TLS server in a process of its own that notes every application byte it gets. */
#ifndef TEST_NET_SERVER_H
#define TEST_NET_SERVER_H

#include <stdatomic.h>

#include "helper_pki.h"

struct server_log { /* shared with the server */
    _Atomic unsigned connections, handshakes, requests;
    _Atomic size_t len; /* decrypted bytes; of a proxy: what it was asked */
    char bytes[100 * 1024];
};

typedef void server_answer(SSL *ssl);

struct server_plan {
    const struct identity *leaf;
    const struct identity *also[4]; /* sent behind the leaf */
    int max_tls;                    /* 0: any */
    server_answer *answer;
    bool mute; /* accepts, and never says a byte */
};

struct server {
    pid_t pid;
    uint16_t port;
    struct server_log *log;
};

struct server server_start(const struct server_plan *plan);
struct server proxy_start(uint16_t to_port); /* answers CONNECT, notes what it was asked */
void server_stop(struct server *server);
/* A port of 127.0.0.1 at which nobody listens. */
uint16_t port_closed(void);

void say(SSL *ssl, const char *text);
void say_bytes(SSL *ssl, const void *bytes, size_t len);

#endif
