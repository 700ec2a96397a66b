/*
 * Anchors: what others, who share no key and no disk with this host, say of a checkpoint.
 *   - an RFC 3161 time stamp: these bytes were there at that time;
 *   - a cosignature of a C2SP witness (tlog-witness, tlog-cosignature; timestamped Ed25519): at
 * that time this was the largest tree it had seen of this log, and it grew out of all it saw
 * before. Kept in DIR/anchors: NNNNNNNNNNNN.checkpoint (by size; with cosignatures as further
 * signature lines), and NNNNNNNNNNNN.tsr beside it, over the checkpoint without those lines.
 * Nothing here speaks to a network: who asks for an anchor carries the bytes.
 */
#ifndef GEORDER_AUDIT_ANCHOR_H
#define GEORDER_AUDIT_ANCHOR_H

#include "base.h"

#define ANCHOR_CLOCK_SKEW    (5 * 60 * 1000) /* ms that clocks may differ by */
#define TIMESTAMP_ANSWER_MAX (64 * 1024)
#define WITNESS_ANSWER_MAX   (16 * 1024)
#define WITNESS_NAME_MAX     255
#define WITNESSES_MAX        8

enum anchor_kind { ANCHOR_STAMP, ANCHOR_COSIGNATURE };
const char *anchor_kind_name(enum anchor_kind kind); /* "timestamp", "witness" */

struct anchor {
    enum anchor_kind kind;
    /* intact; altered, unknown_key, malformed: it is none; rolled_back, forked: the log is not the
     * one that was anchored; clock_set_back: records and anchor contradict each other in time */
    enum audit_verdict verdict;
    uint64_t size;                 /* records that it covers */
    int64_t time;                  /* Unix ms by who made it; 0: not known */
    char by[WITNESS_NAME_MAX + 1]; /* the witness, or the subject of the time stamp's certificate */
    char text[512];
};

/* A witness' key: C2SP signed-note, type 0x04. */
struct witness {
    char name[WITNESS_NAME_MAX + 1];
    uint8_t id[4], key[32];
};
/* "NAME+HEX+BASE64". RESULT_CONFIG. */
MUST_USE enum result witness_parse(const char *vkey, struct witness *out, struct err *err);

/* The checkpoint that is to be anchored. */
struct anchor_head {
    struct buf note; /* as the log wrote it: without cosignatures; owned */
    uint64_t size;
    uint8_t root[SHA256_LEN];
};
#define ANCHOR_HEAD_INIT                                                                           \
    {                                                                                              \
        .note = BUF_INIT(AUDIT_NOTE_MAX)                                                           \
    }
#define AUTO_ANCHOR_HEAD __attribute__((cleanup(anchor_head_free))) struct anchor_head
/* RESULT_AUDIT when it is not well signed. */
MUST_USE enum result anchor_head_read(int dirfd, const char *origin, const char *kid,
                                      struct anchor_head *out, struct err *err);
void anchor_head_free(struct anchor_head *head);

/* An RFC 3161 request (DER) over the note, with a new nonce and the wish for certificates. */
MUST_USE enum result timestamp_query(const struct anchor_head *head, struct buf *query,
                                     struct err *err);
/* Holds the response against its query and the certificates (PEM) of authorities, and this host's
 * clock, and keeps it. RESULT_AUDIT: it is no good; it is kept only when nothing but the clock is
 * wrong. */
MUST_USE enum result timestamp_take(int dirfd, const struct anchor_head *head,
                                    const struct buf *query, const struct buf *authorities,
                                    const void *response, size_t len, struct anchor *out,
                                    struct err *err);

/* The size of the newest anchored checkpoint that this witness has cosigned; 0: none is known. */
MUST_USE enum result witness_seen(int dirfd, const struct anchor_head *head,
                                  const struct witness *witness, uint64_t *size, struct err *err);
/* The body of add-checkpoint: proves that the head has grown out of its first `old` records. */
MUST_USE enum result witness_query(int dirfd, const struct anchor_head *head, uint64_t old,
                                   struct buf *body, struct err *err);
struct witness_answer {
    uint64_t old; /* of the query */
    int status;   /* HTTP */
    const char *content_type, *body;
    size_t len;
};
/* Of a 200 the cosignature is checked and kept. Of a 409 *again is the size that the witness has
 * seen: ask once more, with that as the old one. RESULT_AUDIT: what it says speaks against this log
 * (out->verdict), or is no cosignature; rolled_back (*again is the size) only if the log has not
 * grown meanwhile. */
MUST_USE enum result witness_take(int dirfd, const struct anchor_head *head,
                                  const struct witness *witness,
                                  const struct witness_answer *answer, uint64_t *again,
                                  struct anchor *out, struct err *err);

/* Whose anchors count. */
struct anchor_trust {
    const struct witness *witness;
    size_t witnesses;
    const struct buf *authorities; /* PEM; NULL: time stamps are not looked at */
};
typedef enum result anchor_visit(void *context, const struct anchor *anchor, struct err *err);
/* All anchors that are kept, from the smallest checkpoint on, each held against the log's present
 * checkpoint and the times of the records around it. kid: as for audit_verify(). *unchecked: how
 * many are of nobody who is trusted. Not OK only when they could not be looked at. */
MUST_USE enum result audit_anchors(int dirfd, const char *origin, const char *kid,
                                   const struct anchor_trust *trust, anchor_visit *visit,
                                   void *context, uint64_t *unchecked, struct err *err);

#endif
