/* The verbs of `georder policy`, one file each: policy_VERB.c. The table is in policy.c. */
#ifndef GEORDER_POLICY_VERB_H
#define GEORDER_POLICY_VERB_H

#include "session.h"

#define POLICY_WORDS   2
#define POLICY_OPTIONS 8 /* of one verb, numbered from OWN_OPTION */

/* A verb as it was called. */
struct policy_call {
    struct session *session;
    const char *word[POLICY_WORDS];    /* what is not an option; NULL: not given */
    const char *value[POLICY_OPTIONS]; /* by option: its argument, "" when it takes none; NULL */
};

struct policy_verb {
    const char *name, *help;
    const struct option *own; /* as options_next() wants them, or NULL */
    int words;                /* at most */
    enum result (*run)(struct policy_call *call, struct err *err);
};

extern const struct policy_verb policy_lint_verb, policy_show_verb, policy_test_verb,
    policy_diff_verb, policy_sign_verb, policy_verify_verb, policy_trust_verb;

/* Loads this file or, when it is NULL, the policy of the config; locks; puts "policy" into the
 * document. */
MUST_USE enum result policy_verb_load(struct session *session, const char *file, struct err *err);
/* The same in two steps, for a verb that opens other files between them. */
MUST_USE enum result policy_verb_open(struct session *session, const char *file, struct err *err);
MUST_USE enum result policy_verb_lock(struct session *session, struct err *err);
/* name, revision, digest and the like; the caller's. */
cJSON *facts_json(const struct policy_facts *facts);

#endif
