/* main's side of the conversation with georder-keys (src/keys/keys.h has the bodies). */
#ifndef GEORDER_KEYS_CLIENT_H
#define GEORDER_KEYS_CLIENT_H

#include "audit.h"
#include "config.h"
#include "ipc.h"

struct keys_process {
    struct ipc ipc;
    pid_t pid;
};
#define KEYS_PROCESS_INIT                                                                          \
    {                                                                                              \
        .ipc = {.fd = -1 }                                                                         \
    }

struct keys {
    struct keys_process now, spare; /* the spare one has opened nothing yet */
    struct buf opening;             /* the body of KEYS_OPEN */
    int64_t patience;               /* ms for one answer: longer when a person may be prompted */
    bool has_head;                  /* the config names one */
    bool ready, lost;               /* KEYS_READY came; the last answer was none, or KEYS_LOST */
    char restarted[512];            /* why the spare one is at work, or "" */
    char alg[16];
    uint8_t spki[1024];
    size_t spki_len;
    char sandbox[256];
    char note[512]; /* what a person should know: "" or a line */
    /* The caller's, before keys_open(): a keystore will be changed; the policy takes memory
     * for secrets that is not locked; the pkcs11: URI of a keystore's recipient, or ""; the
     * credential's keystore with the source of the passphrase that it gets, or "". */
    bool writes, may_unlocked;
    const char *recipient, *next;
    struct audit_signer signer;
    struct audit_successor successor; /* this key as the next one of a log */
};

#define KEYS_INIT                                                                                  \
    {                                                                                              \
        .now = KEYS_PROCESS_INIT, .spare = KEYS_PROCESS_INIT, .recipient = "", .next = ""          \
    }
#define AUTO_KEYS __attribute__((cleanup(keys_stop))) struct keys

/* Starts the process, which touches nothing yet. */
MUST_USE enum result keys_spawn(struct keys *keys, struct err *err);
/* Sends KEYS_OPEN: from here on a person may be asked for a PIN. keys_ready() waits for the answer;
 * the pause between the two is the caller's to use. */
MUST_USE enum result keys_open(struct keys *keys, const struct config *config, bool with_signing,
                               struct err *err);
/* Both at once. */
MUST_USE enum result keys_start(struct keys *keys, const struct config *config, bool with_signing,
                                struct err *err);
MUST_USE enum result keys_ready(struct keys *keys, struct err *err);
/* One question; *facts (owned by the caller, may be NULL) is the KEYS_DONE object. fd: -1, or sent
 * along. */
MUST_USE enum result keys_ask(struct keys *keys, enum msg_type type, const struct buf *body, int fd,
                              cJSON **facts, struct err *err);
/* With keys ready: makes the audit key that is not there yet, which signs from then on. */
MUST_USE enum result keys_create(struct keys *keys, const char *alg, struct err *err);
/* The head of the log, a checkpoint; empty: there is none. */
MUST_USE enum result keys_head(struct keys *keys, struct buf *note, struct err *err);
/* A pipe for the credential, from keys to net: neither end is ever used here. */
MUST_USE enum result keys_pipe(int *read_end, int *write_end, struct err *err);
/* Keys writes the credential, the stored or the pending one, into the pipe; write_end is closed
 * here. */
MUST_USE enum result keys_credential(struct keys *keys, bool pending, int *write_end, cJSON **facts,
                                     struct err *err);
void keys_stop(struct keys *keys);

#endif
