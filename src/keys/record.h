/* Is this the next record of this log? The signer signs nothing else. */
#ifndef GEORDER_KEYS_RECORD_H
#define GEORDER_KEYS_RECORD_H

#include "base.h"

#define ORIGIN_MAX 255

struct record_state { /* what this process signed last */
    char origin[ORIGIN_MAX + 1];
    bool signed_any;
    uint64_t sequence;
    char line_hash[SHA256_HEX_LEN + 1];
};

/* Not empty, printable ASCII without blanks or "+": a C2SP key name. */
MUST_USE bool origin_valid(const char *origin);
/* RESULT_KEY "refused to sign: ..." or the record's sequence. */
MUST_USE enum result record_check(const struct record_state *state, const char *payload, size_t len,
                                  uint64_t *sequence, struct err *err);

#endif
