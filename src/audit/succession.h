/*
 * The keys of a log in their turn. The first one signs from the beginning on, each other one from
 * the record behind the key.rotated that hands on to it, and the checkpoints that cover this one.
 */
#ifndef GEORDER_AUDIT_SUCCESSION_H
#define GEORDER_AUDIT_SUCCESSION_H

#include "line.h"
#include "segment.h"

struct succession {
    size_t count;
    const struct key *key[KEYS_MAX]; /* the ring's */
    uint64_t first[KEYS_MAX];        /* the record that this one's turn begins with */
};

void succession_begin(struct succession *keys, const struct key *key);
/* Behind the rotation at record first - 1. False: it has had its turn. */
MUST_USE bool succession_add(struct succession *keys, const struct key *key, uint64_t first);
/* Whose turn it is; NULL: nobody has begun. */
const struct key *succession_now(const struct succession *keys);
/* Who signs this record, and the checkpoint of so many. */
const struct key *succession_at(const struct succession *keys, uint64_t index);
bool succession_has(const struct succession *keys, const char *kid);
/* Whether its turn is over; *rotation: the record that ended it. */
bool succession_ended(const struct succession *keys, const struct key *key, uint64_t *rotation);

/* Forgets those whose turn comes behind the first `size` records. */
void succession_cut(struct succession *keys, uint64_t size);

/* How many records a log has. */
MUST_USE enum result records_count(const struct snapshot *snapshot, uint64_t *count,
                                   struct err *err);
/* Of a log, by some of its records: each rotation is checked with both its signatures, and whoever
 * signed it vouches for the rest. In time that grows with the logarithm of the log. */
MUST_USE enum result succession_load(const struct snapshot *snapshot, const char *origin,
                                     const struct keyring *ring, struct succession *out,
                                     struct err *err);
/* Whether a good checkpoint is by the key whose turn it was, and this is a log of the key `kid`
 * (NULL: of whichever); else why not. */
MUST_USE bool succession_signed(const struct succession *keys, const struct checkpoint *checkpoint,
                                const char *kid, char why[512]);
/* Besides, whether `kid` answers for what the checkpoint covers: it was its turn by then, or over.
 * Whoever had handed on to it can still sign what was before, and nothing but the chain of the
 * records, along which verify goes, holds against that. */
MUST_USE bool succession_answers(const struct succession *keys, const struct checkpoint *checkpoint,
                                 const char *kid, char why[512]);
/* The log's checkpoint, of which all this is true, and the keys of the log. RESULT_AUDIT. */
MUST_USE enum result checkpoint_trust(const struct snapshot *snapshot, const char *origin,
                                      const struct keyring *ring, const char *kid,
                                      struct checkpoint *out, struct succession *keys,
                                      struct err *err);

#endif
