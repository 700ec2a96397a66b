/* What there is to tell of a log beside its verdict. */
#ifndef GEORDER_AUDIT_FINDING_H
#define GEORDER_AUDIT_FINDING_H

#include "intents.h"

/* Counted, and listed while there is room. */
void finding_put(struct audit_report *report, const struct audit_finding *finding);
/* The record `index` says that it was made before the one before it, which was made at `before`. */
void finding_clock(struct audit_report *report, uint64_t index, const struct payload *payload,
                   uint64_t before);
void finding_intents(struct audit_report *report, const struct intents *intents);

#endif
