/* What georder-keys holds while it serves. */
#ifndef GEORDER_KEYS_SERVER_H
#define GEORDER_KEYS_SERVER_H

#include "credential.h"
#include "ipc.h"
#include "signer.h"
#include "source.h"

struct server {
    struct ipc ipc;
    struct ring ring;
    struct source key, credential;
    struct source head;      /* of the log; its token may be out of reach: */
    struct err no_head;      /* why */
    struct buf head_seen;    /* the text of the head that was read or written last */
    struct source recipient; /* of a keystore: whom it is about to be encrypted to */
    struct source next;      /* the keystore, with the source of the passphrase that it gets */
    struct signer signer;
    struct credential pending; /* between KEYS_STORE and KEYS_COMMIT; else empty */
    char algorithm[16];        /* audit.signing_algorithm, or "" */
    uint32_t flags, timeout;   /* of KEYS_OPEN */
    bool heap, heap_locked, opened, locked, has_signer;
    struct err no_signer; /* why there is none */
};

/* What is sent back: KEYS_FAILED instead when the handler fails. */
struct answer {
    enum msg_type type;
    struct buf body;
};
typedef enum result handler(struct server *server, struct msg *msg, struct answer *answer,
                            struct err *err);
/* KEYS_DONE with this object. */
void answer_done(struct answer *answer, const struct buf *json);
/* The message's next text, which must fit. */
MUST_USE enum result text_keep(struct msg *msg, char *out, size_t size, const char *what,
                               struct err *err);

/* serve_credential.c */
handler handle_credential, handle_store, handle_commit, handle_remove, handle_list;
/* The stored one. */
MUST_USE enum result credential_load(struct server *server, struct credential *credential,
                                     struct err *err);

/* serve_head.c */
handler handle_head_read, handle_head_write;

/* report.c: the body of KEYS_DONE. Never fails for what it finds; says it. */
void report_put(struct server *server, struct buf *out);

/* serve_keystore.c: the body of KEYS_DONE. */
MUST_USE enum result serve_keystore(struct server *server, struct msg *msg, struct buf *json,
                                    struct err *err);

#endif
