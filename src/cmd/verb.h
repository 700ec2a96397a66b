/* Commands made of verbs (`georder audit list`), a file each: a table in the command's own file. */
#ifndef GEORDER_VERB_H
#define GEORDER_VERB_H

#include "session.h"

#define VERB_WORDS   2
#define VERB_OPTIONS 16 /* of one verb, numbered from OWN_OPTION */

/* A verb as it was called. */
struct verb_call {
    struct session *session;
    const char *word[VERB_WORDS];    /* what is not an option; NULL: not given */
    const char *value[VERB_OPTIONS]; /* by option: its argument, "" when it takes none; NULL */
};

struct verb {
    const char *name, *help;
    const struct option *own; /* as options_next() wants them, or NULL */
    int words;                /* at most */
    enum result (*run)(struct verb_call *call, struct err *err);
};

/* The whole of a command: finds the verb (the list ends with NULL), reads its options, runs it,
 * ends the output. help: of the command without a verb. */
enum result verb_command(const char *command, const struct verb *const *verbs, const char *help,
                         int argc, char **argv);

#endif
