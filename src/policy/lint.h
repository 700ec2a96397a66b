/* A lint on its way: each file of checks adds its items in the policy's order. */
#ifndef GEORDER_LINT_H
#define GEORDER_LINT_H

#include "survey.h"

struct linting {
    const struct policy *policy;
    int64_t now;
    struct lint *out;
    struct survey survey;
    bool failed;
};

/* Adds an item about a rule (NONE: the policy) and returns its text to be filled, or NULL. */
char *lint_add(struct linting *in, const char *code, uint32_t rule, const char *fmt, ...)
    PRINTF(4, 5);
void lint_say(char *text, const char *fmt, ...) PRINTF(2, 3); /* text may be NULL */
#define LINT_TEXT sizeof(((struct lint_item *)NULL)->text)

void lint_authorities(struct linting *in, uint32_t index); /* what CAs can issue, and until when */
bool lint_limits(struct linting *in, uint32_t index);      /* when; true: told that never */
void lint_relations(struct linting *in, uint32_t index,
                    bool told); /* what other rules make of it */

#endif
