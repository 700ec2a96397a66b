/*
 * The test cases of a policy: an order each, and what the policy must say of it. Judged by
 * policy_decide() and nothing else; the right decision for another reason is a failure. Part of
 * policy.h.
 */
#ifndef GEORDER_CASES_H
#define GEORDER_CASES_H

#define CASES_TEXT_MAX (4096 * 1024) /* bytes of a file of cases */
#define CASES_MAX      10000

struct cases; /* opaque; owned, cases_free() */

/* Strict. Errors are RESULT_CONFIG: "policy.tests.json:7:12: /cases/0/expect: ...". No cases are
 * RESULT_FAILED: nothing tested is not a pass. An order is not read before it is judged. */
MUST_USE enum result cases_load(const char *name, const char *text, size_t len, struct cases **out,
                                struct err *err);
void cases_free(struct cases **cases);
size_t cases_count(const struct cases *cases);

/* Of one case. What was expected and what came are for people, and may hold text from outside. */
struct case_result {
    const char *name; /* owned by the cases */
    bool passed;
    struct buf expected, actual; /* owned, case_result_free() */
};
/* decided: one for each rule of the policy, in its order; those that decided this case, if it
 * passed, become true: a permit rule by permitting, a forbid rule by forbidding. */
MUST_USE enum result case_judge(const struct cases *cases, size_t index,
                                const struct policy *policy, bool *decided, struct case_result *out,
                                struct err *err);
void case_result_free(struct case_result *result);
/* The id of a rule by its place in the policy. */
const char *policy_rule_id(const struct policy *policy, size_t index);

#endif
