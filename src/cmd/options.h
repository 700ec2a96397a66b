/* Command lines: getopt_long with the options that every command has. */
#ifndef GEORDER_OPTIONS_H
#define GEORDER_OPTIONS_H

#include <getopt.h>

#include "base.h"

struct options {
    const char *config; /* --config, or NULL */
    bool json, quiet, verbose, help;
};

#define OWN_OPTION  256 /* a command's own options are numbered from here */
#define OPTIONS_END 0
#define OPTIONS_BAD (-1)

/* The next option of `own` (ended by a zeroed one), OPTIONS_END, or OPTIONS_BAD with err filled.
 * Its argument is in optarg; what is not an option is left from optind on. Never repeats an
 * option's value in an error: people do type secrets there. */
int options_next(struct options *options, int argc, char **argv, const struct option *own,
                 struct err *err);
/* For a command that takes no option of its own and at most `words` words. */
MUST_USE enum result options_only(struct options *options, int argc, char **argv, int words,
                                  struct err *err);

#endif
