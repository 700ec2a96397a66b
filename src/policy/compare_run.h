/* A comparison on its way. Side 1 is the new policy: what it has and side 0 lacks is gained. */
#ifndef GEORDER_COMPARE_RUN_H
#define GEORDER_COMPARE_RUN_H

#include "compare.h"
#include "comparison.h"

struct run {
    const struct policy *old, *new;
    struct comparison *out;
    struct space space;
    struct region region; /* the zone at hand */
    struct occasions occasions;
    struct trial trial;
    struct finding {      /* by the side that permits */
        bool *class_seen; /* of the zone at hand */
        uint32_t *grant;  /* by rule: index and one */
        uint64_t *grant_cells;
        uint64_t cells[PLANES_MAX];
        bool zone_seen;
    } finding[SIDES];
};
MUST_USE enum result finding_open(struct run *run, struct err *err);
void finding_finish(struct run *run); /* counts and names what was found */
void finding_close(struct run *run);
MUST_USE enum result difference_begin(struct run *run, struct err *err);
/* In the trial at hand, `has` permits the class with these cells, and the other side does not. */
MUST_USE enum result difference_note(struct run *run, unsigned has, uint32_t class,
                                     const uint64_t *cells, struct err *err);
void difference_end(struct run *run);

/* Makes the order, has both policies judge it, and keeps it. */
MUST_USE enum result witness_make(struct run *run, unsigned has, uint32_t class,
                                  const uint64_t *cells, struct err *err);

MUST_USE enum result changes_collect(const struct policy *old, const struct policy *new,
                                     struct comparison *out, struct err *err);
MUST_USE enum result changes_of_rules(const struct policy *old, const struct policy *new,
                                      struct comparison *out, struct err *err);
/* An address that is in the networks of a policy and not in those of another: false when none. */
MUST_USE enum result network_gained(const struct policy *has, const struct policy *lacks,
                                    bool *found, char *out, size_t size, struct err *err);

#endif
