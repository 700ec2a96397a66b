/* What georder-keys holds while it serves. */
#ifndef GEORDER_KEYS_SERVER_H
#define GEORDER_KEYS_SERVER_H

#include "ipc.h"
#include "signer.h"
#include "source.h"

struct server {
    struct ipc ipc;
    struct ring ring;
    struct source key, credential;
    struct source recipient; /* of a keystore: whom it is about to be encrypted to */
    struct source next;      /* the keystore, with the source of the passphrase that it gets */
    struct signer signer;
    char algorithm[16];      /* audit.signing_algorithm, or "" */
    uint32_t flags, timeout; /* of KEYS_OPEN */
    bool heap, heap_locked, opened, locked, has_signer;
    struct err no_signer; /* why there is none */
};

/* report.c: the body of KEYS_DONE. Never fails for what it finds; says it. */
void report_put(struct server *server, struct buf *out);

/* serve_keystore.c: the body of KEYS_DONE. */
MUST_USE enum result serve_keystore(struct server *server, struct msg *msg, struct buf *json,
                                    struct err *err);

#endif
