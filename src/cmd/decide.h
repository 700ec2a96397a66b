/* The decision, and how it is told: shared by `check` and `order`. */
#ifndef GEORDER_DECIDE_H
#define GEORDER_DECIDE_H

#include "session.h"

/* Resolves the zone, checks what depends on it, decides. A denial is not an error here. */
MUST_USE enum result decide(struct session *session, struct order *order,
                            const struct circumstances *at, struct decision *decision,
                            struct err *err);
/* To people and to the document. */
void decision_tell(struct session *session, const struct order *order,
                   const struct decision *decision);
/* RESULT_DENIED, or RESULT_CONFIG when the policy is not in force, with a one-line summary. */
enum result decision_error(const struct session *session, const struct decision *decision,
                           struct err *err);

#endif
