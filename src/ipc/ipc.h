/*
 * One message between two processes, over a SOCK_SEQPACKET pair. roles.h says which messages there
 * are; a channel enforces it in both directions. Fields are written and read in the same order:
 * u32 and u64 big-endian, strings and bytes with a u32 length before them.
 */
#ifndef GEORDER_IPC_H
#define GEORDER_IPC_H

#include "base.h"
#include "roles.h"

struct ipc {
    int fd; /* owned */
    enum role self, peer;
    uint64_t sent, received; /* one bit a message type: enforces ONCE */
};

struct msg {
    enum msg_type type;
    struct buf body;
    size_t at;      /* where the next field starts */
    bool malformed; /* a field was not there: sticky, see msg_end() */
    int fd;         /* a descriptor that came along, or -1; owned, close-on-exec */
};

#define MSG_LIMIT (96 * KIB)
#define AUTO_MSG  __attribute__((cleanup(msg_free))) struct msg
#define MSG_INIT                                                                                   \
    {                                                                                              \
        .body = BUF_INIT(MSG_LIMIT), .fd = -1                                                      \
    }

MUST_USE enum result ipc_pair(int fds[2], struct err *err); /* both close-on-exec */
/* fd: a descriptor to send along, or -1; it stays the caller's. */
MUST_USE enum result ipc_send(struct ipc *ipc, enum msg_type type, const struct buf *body, int fd,
                              struct err *err);
/* Waits until the deadline (clock_monotonic; < 0: for ever). *open is false, and the result OK,
 * when the peer has closed; passing NULL makes that an error. */
MUST_USE enum result ipc_receive(struct ipc *ipc, struct msg *msg, int64_t deadline, bool *open,
                                 struct err *err);
void msg_free(struct msg *msg); /* wipes the body, closes the descriptor */

void put_u32(struct buf *body, uint32_t value);
void put_u64(struct buf *body, uint64_t value);
void put_bytes(struct buf *body, const void *bytes, size_t len);
void put_text(struct buf *body, const char *text); /* NULL is sent as "" */
uint32_t get_u32(struct msg *msg);
uint64_t get_u64(struct msg *msg);
/* Points into the message; valid as long as it. Never NULL. */
const char *get_bytes(struct msg *msg, size_t *len);
const char *get_text(struct msg *msg); /* UTF-8 without a NUL; NUL-terminated */
/* RESULT_INTERNAL when a field was missing or bytes were left over. */
MUST_USE enum result msg_end(const struct msg *msg, struct err *err);
const char *msg_name(enum msg_type type);

/* A failure, as any role reports it: its result and text. */
void put_failure(struct buf *body, const struct err *err);
enum result get_failure(struct msg *msg, struct err *err); /* never RESULT_OK */

#include "net_msg.h"

#endif
