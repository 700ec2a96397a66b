/* The only trust store: what main sent, or the system's bundle. Parsed once, before any fork, since
 * 140 certificates take longer than a handshake. */
#ifndef GEORDER_NET_TRUST_H
#define GEORDER_NET_TRUST_H

#include <openssl/x509.h>

#include "ipc.h"

struct trust {
    struct buf pem;    /* pieces that came since the store was made */
    X509_STORE *store; /* owned, NULL till trust_prepare() */
};

#define TRUST_INIT                                                                                 \
    {                                                                                              \
        .pem = BUF_INIT(4096 * KIB)                                                                \
    }

/* A NET_TRUST message; the first one after a request starts a new bundle. */
MUST_USE enum result trust_add(struct trust *trust, struct msg *msg, struct err *err);
MUST_USE enum result trust_prepare(struct trust *trust, struct err *err);
void trust_free(struct trust *trust);

#endif
