/*
 * The map of georder: every process, every message, its direction, its size, how often.
 *
 *   main ──── sign, open, store ────► keys ────► the HSM or the keystore
 *   main ──── request, trust ───────► net  ────► api.cloudflare.com
 *   main ──── anchor, trust ────────► net  ────► a time stamping authority, a witness
 *   main ──── stream, trust ────────► net  ────► a syslog server
 *             keys ── credential (a pipe whose ends main hands on and never reads) ──► net
 *
 * A message that this table does not permit to that process, in that size, at that moment, ends
 * the conversation: ipc_receive() fails and the process that got it exits.
 */
#ifndef GEORDER_ROLES_H
#define GEORDER_ROLES_H

enum role {
    ROLE_MAIN, /* decides, assesses, writes the log; no network, no keys */
    ROLE_KEYS, /* PKCS#11 module, keystore, PIN, credential, audit key; no network of its own */
    ROLE_NET,  /* resolves, connects, locks itself, then TLS; no files, no keys */
    ROLE_COUNT
};

enum often { ONCE, OFTEN };
enum carries { NO_FD, MAY_FD }; /* a descriptor may come along */

#define KIB 1024

/* clang-format off */
/*        message          from       to         body at most  how often, with what */
#define ROLE_MESSAGES(X) \
    /* main asks keys; keys answers each with its own kind, KEYS_DONE, or KEYS_FAILED */ \
    X(KEYS_OPEN,       ROLE_MAIN, ROLE_KEYS, 80 * KIB, ONCE,  NO_FD)  /* key sources, module environment */ \
    X(KEYS_READY,      ROLE_KEYS, ROLE_MAIN,  4 * KIB, ONCE,  NO_FD)  /* alg, public key, sandbox level */ \
    X(KEYS_SIGN,       ROLE_MAIN, ROLE_KEYS, 64 * KIB, OFTEN, NO_FD)  /* a record's payload */ \
    X(KEYS_LINE,       ROLE_KEYS, ROLE_MAIN, 66 * KIB, OFTEN, NO_FD)  /* the signed line */ \
    X(KEYS_CHECKPOINT, ROLE_MAIN, ROLE_KEYS,  1 * KIB, OFTEN, NO_FD)  /* tree size and root */ \
    X(KEYS_NOTE,       ROLE_KEYS, ROLE_MAIN,  4 * KIB, OFTEN, NO_FD)  /* the signed note */ \
    X(KEYS_HEAD_READ,  ROLE_MAIN, ROLE_KEYS,       16, OFTEN, NO_FD)  /* the log's head on a token: KEYS_NOTE */ \
    X(KEYS_HEAD_WRITE, ROLE_MAIN, ROLE_KEYS,  4 * KIB, OFTEN, NO_FD)  /* a checkpoint that is on the disk */ \
    X(KEYS_CREDENTIAL, ROLE_MAIN, ROLE_KEYS,       16, OFTEN, MAY_FD) /* carries the pipe's write end */ \
    X(KEYS_STORE,      ROLE_MAIN, ROLE_KEYS,  4 * KIB, ONCE,  MAY_FD) /* carries where to read a new credential */ \
    X(KEYS_COMMIT,     ROLE_MAIN, ROLE_KEYS,       16, ONCE,  NO_FD)  /* put it in the place of the old one */ \
    X(KEYS_REMOVE,     ROLE_MAIN, ROLE_KEYS,       16, ONCE,  NO_FD)  /* destroy the credential */ \
    X(KEYS_LIST,       ROLE_MAIN, ROLE_KEYS,       16, ONCE,  NO_FD)  /* what is stored */ \
    X(KEYS_CREATE,     ROLE_MAIN, ROLE_KEYS,  4 * KIB, ONCE,  NO_FD)  /* make the audit key (init) */ \
    X(KEYS_ROTATE,     ROLE_MAIN, ROLE_KEYS,  1 * KIB, ONCE,  NO_FD)  /* whom the new key follows, and where */ \
    X(KEYS_KEYSTORE,   ROLE_MAIN, ROLE_KEYS, 16 * KIB, ONCE,  NO_FD)  /* who may open a keystore */ \
    X(KEYS_REPORT,     ROLE_MAIN, ROLE_KEYS,       16, ONCE,  NO_FD)  /* doctor */ \
    X(KEYS_DONE,       ROLE_KEYS, ROLE_MAIN, 32 * KIB, OFTEN, NO_FD)  /* facts, as one JSON object */ \
    X(KEYS_FAILED,     ROLE_KEYS, ROLE_MAIN,  4 * KIB, OFTEN, NO_FD)  /* result and text */ \
    X(KEYS_LOST,       ROLE_KEYS, ROLE_MAIN,  4 * KIB, ONCE,  NO_FD)  /* the same, and it ends */ \
    /* main asks net; net answers NET_PEER (if it got so far), NET_HEAD and NET_BODY (if there */ \
    /* was an answer), and always NET_END; a NET_STREAM has no answer but its NET_END */ \
    X(NET_TRUST,       ROLE_MAIN, ROLE_NET,  64 * KIB, OFTEN, NO_FD)  /* a piece of the CA bundle, PEM */ \
    X(NET_REQUEST,     ROLE_MAIN, ROLE_NET,  96 * KIB, OFTEN, MAY_FD) /* carries the pipe's read end */ \
    X(NET_ANCHOR,      ROLE_MAIN, ROLE_NET,  32 * KIB, OFTEN, NO_FD)  /* bytes to post; never a credential */ \
    X(NET_STREAM,      ROLE_MAIN, ROLE_NET,   1 * KIB, ONCE,  MAY_FD) /* carries the read end of a pipe of messages for a syslog server */ \
    X(NET_PEER,        ROLE_NET,  ROLE_MAIN, 16 * KIB, OFTEN, NO_FD)  /* what the peer and TLS showed */ \
    X(NET_HEAD,        ROLE_NET,  ROLE_MAIN,  4 * KIB, OFTEN, NO_FD)  /* status and the headers we keep */ \
    X(NET_BODY,        ROLE_NET,  ROLE_MAIN, 32 * KIB, OFTEN, NO_FD)  /* a piece of the answer */ \
    X(NET_END,         ROLE_NET,  ROLE_MAIN,  4 * KIB, OFTEN, NO_FD)  /* how it ended */
/* clang-format on */

/* KEYS_OPEN's flags */
enum keys_open_flag {
    KEYS_INTERACTIVE = 1,  /* somebody may be asked on /dev/tty */
    KEYS_WRITES = 2,       /* a keystore will be changed */
    KEYS_MAY_UNLOCKED = 4, /* the policy takes memory for secrets that could reach the swap */
};

enum msg_type {
    MSG_NONE = 0,
#define X(name, from, to, max, often, carries) MSG_##name,
    ROLE_MESSAGES(X)
#undef X
        MSG_COUNT
};

#endif
