/* A checkpoint held against the log's keys, and the proof that one grew out of another. */
#ifndef GEORDER_AUDIT_COMPARE_H
#define GEORDER_AUDIT_COMPARE_H

#include "span.h"
#include "succession.h"

/* Which log, by which keys. */
struct identity {
    const char *origin, *kid; /* kid may be NULL */
    const struct keyring *ring;
    const struct succession *keys; /* NULL: whichever of the ring */
};

/* The log as it is at this moment, and its keys; both are the caller's to free. RESULT_AUDIT when
 * it has no checkpoint. */
MUST_USE enum result head_take(int dirfd, const char *origin, struct snapshot *snapshot,
                               struct keyring *ring, struct succession *keys, struct err *err);
/* What a good one says; the verdict is the caller's. */
void checkpoint_tell(const struct checkpoint *checkpoint, struct audit_checkpoint *out);
/* With a kid, whether that answers for it. Needs keys. */
void head_judge(const struct identity *log, const char *note, size_t len,
                struct audit_checkpoint *out);

/* A comparison of two good checkpoints, the earlier of fewer records. */
struct growth {
    int dirfd;
    const struct snapshot *snapshot;
    struct hasher hasher;
    uint64_t old, size;
    const uint8_t *root;     /* that is signed for the size */
    struct proof own, proof; /* the root that the log has at the old size, alone; the proof */
    struct roots roots;
};
/* Both proofs, from the tiles or, when these do not lead to the root, the records. RESULT_AUDIT:
 * the records do not, either. */
MUST_USE enum result growth_prove(struct growth *growth, struct err *err);
/* A line of base64 a hash. */
void proof_put(const struct proof *proof, struct buf *out);

#endif
