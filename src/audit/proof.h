/*
 * Merkle proofs of RFC 9162 (sections 2.1.3 and 2.1.4; the tree is that of RFC 6962). Making one
 * has two halves: which ranges of leaves have to be hashed, here and pure; and their hashes, from
 * tiles or records, in span.h. Checking one needs neither.
 */
#ifndef GEORDER_AUDIT_PROOF_H
#define GEORDER_AUDIT_PROOF_H

#include "tree.h"

#define PROOF_MAX 64 /* more than any tree of 2^63 leaves needs */

/* Leaves begin..end-1, and so one hash of a proof. */
struct span {
    uint64_t begin, end;
};

struct proof {
    size_t count;
    uint8_t hash[PROOF_MAX][SHA256_LEN];
};

/* index < size. Leaf upwards. */
size_t proof_inclusion(uint64_t index, uint64_t size, struct span out[PROOF_MAX]);
/* 0 < old <= size. */
size_t proof_consistency(uint64_t old, uint64_t size, struct span out[PROOF_MAX]);

/* The root that the proof leads to from this leaf. False: no proof for this place has this length.
 */
MUST_USE bool proof_root(struct hasher *hasher, const struct proof *proof, uint64_t index,
                         uint64_t size, const uint8_t leaf[SHA256_LEN], uint8_t root[SHA256_LEN]);

/* The roots that the proof leads to, at both sizes, given the old one (which is used only where the
 * old tree is a whole subtree, and so is no part of the proof). */
struct roots {
    uint8_t old[SHA256_LEN], now[SHA256_LEN];
};
MUST_USE bool proof_roots(struct hasher *hasher, const struct proof *proof, uint64_t old,
                          uint64_t size, const uint8_t old_root[SHA256_LEN], struct roots *out);

#endif
