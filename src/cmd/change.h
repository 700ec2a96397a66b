/*
 * What is done to something that is stored, and the records of it. What changes something is
 * recorded before (NOUN.change) and after (NOUN.changed, NOUN.unchanged), what only looks at it
 * once. Records name what and where, never a secret nor anything made from it.
 */
#ifndef GEORDER_CHANGE_H
#define GEORDER_CHANGE_H

#include "session.h"

enum change_activity { CHANGE_READ = 2, CHANGE_UPDATE = 3, CHANGE_REMOVE = 4 }; /* OCSF's numbers */

struct change {
    struct session *session;
    const char *noun, *verb; /* "credential", "rotate" */
    enum change_activity activity;
    char id[UUID_LEN + 1]; /* correlates its records */
    cJSON *records;        /* of the session's document: indexes; NULL without --json */
};

/* With the log open. */
void change_start(struct change *change, struct session *session, const char *noun,
                  const char *verb, enum change_activity activity);
/* NOUN.change. facts: an object whose members go into the record, borrowed, as below. Not OK:
 * nothing may be changed. From here on signals end the waiting only. */
MUST_USE enum result change_intent(struct change *change, const cJSON *facts, struct err *err);
/* NOUN.changed; or, when how is not OK, NOUN.unchanged, or NOUN.unknown when it is RESULT_UNKNOWN.
 * That is then in err, as is a failure to record it. */
MUST_USE enum result change_outcome(struct change *change, const cJSON *facts,
                                    const struct err *how, struct err *err);

/* What else a record may tell. */
struct change_look {
    const char *event; /* "listed": NOUN.listed */
    const cJSON *facts;
    const cJSON *token;              /* what the API said of a token, or NULL */
    const struct exchange *exchange; /* with the API, or NULL */
    const char *operation, *path;    /* of that, likewise */
    const struct err *how;
};
/* One record; how is then in err, as is a failure to record it. */
MUST_USE enum result change_look(struct change *change, const struct change_look *look,
                                 struct err *err);

#endif
