/* The commands. Each reads its arguments, calls the rest, prints, and returns a result. */
#ifndef GEORDER_CMD_H
#define GEORDER_CMD_H

#include "base.h"

struct command {
    const char *name, *summary;
    enum result (*run)(int argc, char **argv); /* argv[0] is the command's own name */
};

enum result cmd_init(int argc, char **argv);
enum result cmd_order(int argc, char **argv);
enum result cmd_check(int argc, char **argv);
enum result cmd_policy(int argc, char **argv);
enum result cmd_audit(int argc, char **argv);
enum result cmd_key(int argc, char **argv);
enum result cmd_credential(int argc, char **argv);
enum result cmd_keystore(int argc, char **argv);
enum result cmd_doctor(int argc, char **argv);
enum result cmd_help(const struct command *commands, int argc, char **argv);
/* For all else: argv is that of main(). */
enum result cmd_unknown(int argc, char **argv);

/* What main() needs before the first command: see guard_start(). */
MUST_USE enum result cmd_start(struct err *err);

#endif
