/* The hashes that a proof is made of, from where the log keeps them. */
#ifndef GEORDER_AUDIT_SPAN_H
#define GEORDER_AUDIT_SPAN_H

#include "proof.h"
#include "segment.h"

/* From the tiles of a tree of this size, in as many reads as there are nodes on its way. False: a
 * tile is missing or has another size. Whether it is the right one, the root tells. */
MUST_USE bool tiles_span(int dirfd, uint64_t size, struct hasher *hasher, const struct span *span,
                         uint8_t out[SHA256_LEN]);
MUST_USE bool tiles_proof(int dirfd, uint64_t size, struct hasher *hasher, const struct span *spans,
                          size_t count, struct proof *out);
/* The same by going over all records: for when the tiles are gone. Spans do not overlap. */
MUST_USE enum result records_proof(const struct snapshot *snapshot, struct hasher *hasher,
                                   const struct span *spans, size_t count, struct proof *out,
                                   struct err *err);

#endif
