/* The verbs of `georder policy`, one file each: policy_VERB.c. The table is in policy.c. */
#ifndef GEORDER_POLICY_VERB_H
#define GEORDER_POLICY_VERB_H

#include "verb.h"

extern const struct verb policy_lint_verb, policy_show_verb, policy_test_verb, policy_diff_verb,
    policy_sign_verb, policy_verify_verb, policy_trust_verb;

/* Loads this file or, when it is NULL, the policy of the config; locks; puts "policy" into the
 * document. */
MUST_USE enum result policy_verb_load(struct session *session, const char *file, struct err *err);
/* The same in two steps, for a verb that opens other files between them. */
MUST_USE enum result policy_verb_open(struct session *session, const char *file, struct err *err);
MUST_USE enum result policy_verb_lock(struct session *session, struct err *err);
/* name, revision, digest and the like; the caller's. */
cJSON *facts_json(const struct policy_facts *facts);

#endif
