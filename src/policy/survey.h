/* What each rule of a policy is good for, over all orders and circumstances. */
#ifndef GEORDER_SURVEY_H
#define GEORDER_SURVEY_H

#include "rule.h"

struct survey {
    struct surveyed {
        bool known;   /* false: its zone's limits are too many to try all; see compare_cases.c */
        bool reached; /* it permits something that no rule forbids; it forbids what one permits */
        bool needed;  /* without it less would be permitted, or forbidden. Of a forbid rule: not
                         needed is certain, needed may be too much said */
    } * rule;
    bool *apex; /* for each item of policy.zone_list: is that zone's apex ever permitted together
                   with what the rule permits? Forbid rules and limits aside */
};
MUST_USE enum result policy_survey(const struct policy *policy, struct survey *out,
                                   struct err *err);
void survey_free(struct survey *survey);

#endif
