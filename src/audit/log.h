/* An open log, and what an append knows of it. */
#ifndef GEORDER_AUDIT_LOG_H
#define GEORDER_AUDIT_LOG_H

#include "succession.h"

struct audit {
    int dirfd; /* the caller's */
    char origin[ORIGIN_MAX + 1];
    struct keyring ring;
    struct checker checker;
    const struct audit_signer *signer; /* NULL: for reading only */
    const struct key *key;             /* the signer's, in the ring */
    /* While the log is handed on (rotate.c): who signs the checkpoint of this, or NULL. */
    const struct audit_signer *next_signer;
    const struct key *next_key;
    uint64_t segment_max;        /* bytes; a test may lower it */
    bool broken;                 /* a flush failed: what the disk holds is not known any more */
    bool head_begins, head_held; /* there may be none yet; the log was held against it since */
    struct err head;             /* why it is not the newest checkpoint; or RESULT_OK */

    /* What was observed last; good as long as head_is_fresh(). */
    bool known;
    int records, segment; /* descriptors */
    uint64_t segment_first, segment_size;
    struct tree tree;
    uint8_t last_hash[SHA256_LEN]; /* zeros in an empty log */
    const struct key *turn;        /* who signs the next record; NULL: an empty log */
    uint64_t last_time;            /* of the last record; 0: not known */
    struct buf note;               /* the checkpoint's file */
    struct tree next, filled;      /* room to work in */
};

/* Brings the state above up to date. The caller holds the lock. *torn: files in records/ with torn
 * bytes that no record tells of yet (an array, owned by the caller), or NULL. */
MUST_USE enum result log_observe(struct audit *audit, cJSON **torn, struct err *err);
/* Why this signer's key appends nothing: another one's turn has come by record `last`. */
enum result turn_fail(const struct audit *audit, uint64_t last, const struct key *turn,
                      struct err *err);
/* Moves bytes behind the last newline aside. */
MUST_USE enum result torn_move(struct audit *audit, uint64_t good, uint64_t size, struct err *err);
MUST_USE enum result torn_list(const struct audit *audit, cJSON **out, struct err *err);
void log_forget(struct audit *audit);

/* The two parts of an append. With the lock held: observes, and makes good what a crash has left,
 * by the caller of `cause`. Then the event. */
MUST_USE enum result log_ready(struct audit *audit, const struct audit_event *cause,
                               struct err *err);
MUST_USE enum result log_append(struct audit *audit, const struct audit_event *event,
                                uint64_t *index, struct err *err);
/* A checkpoint over what is there, in the place of an older one. */
MUST_USE enum result log_anchor(struct audit *audit, struct err *err);
/* DIR/keys/<kid>.jwk */
MUST_USE enum result key_store(int dirfd, const struct key *key, struct err *err);
/* head.c, of a log with a head; the caller holds the lock. Not OK: nothing may be appended. */
MUST_USE enum result head_hold(struct audit *audit, struct err *err);
/* The checkpoint is on the disk. What fails is told by audit->head. */
void head_replace(struct audit *audit, const struct buf *note);

/* What fails here leaves the log broken. */
MUST_USE enum result log_flush(struct audit *audit, int fd, const char *what, struct err *err);
MUST_USE enum result log_flush_directory(struct audit *audit, int dirfd, const char *what,
                                         struct err *err);
enum result log_flush_failed(struct audit *audit, const char *what, struct err *err);
/* A whole file in place of the one of this name, flushed; its directory is not yet. The caller
 * holds the lock, so that one name is enough for a file that is not in place yet. */
MUST_USE enum result log_put(struct audit *audit, int dirfd, const char *name,
                             const struct buf *bytes, struct err *err);

#endif
