/* What policy diff says, for people and for a merge request. */
#ifndef GEORDER_POLICY_DIFF_H
#define GEORDER_POLICY_DIFF_H

#include "session.h"

struct diff {
    const struct policy_facts *old, *new;
    const struct comparison *comparison;
    bool within; /* old is a ceiling */
};
/* "wider: it permits what ... denies": one line. */
void diff_summary(struct buf *out, const struct diff *diff);
void diff_text(const struct output *output, const struct diff *diff);
/* In which circumstances the witness differs: "at 2026-12-18T00:00:00.000Z, after 2 orders ...". */
void diff_when(struct buf *out, const struct difference *difference);
/* Why the other policy denies the witness when it gives no reason. */
const char *diff_silence(const struct difference *difference);
/* The values of a grant: "certificate_authorities google; validity_days 30, 90; ...". */
void diff_grant(struct buf *out, const struct grant *grant);
MUST_USE enum result diff_markdown(const struct output *output, const struct diff *diff,
                                   struct err *err);

#endif
