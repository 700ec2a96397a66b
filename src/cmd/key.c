#include "cmd.h"

#include "key_verb.h"

static const char help[] =
    "usage: georder key list\n"
    "       georder key rotate --to URI [--alg ALG]\n"
    "\n"
    "The audit key, which signs the records. A log may be handed on from one key to the next;\n"
    "whoever trusts one of them trusts the log. georder key VERB --help tells more.\n"
    "\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 done, 9 key, HSM, PIN or keystore trouble, 10 the log is not good, or cannot be "
    "written\n";

static const struct verb *const verbs[] = {&key_list_verb, &key_rotate_verb, NULL};

enum result cmd_key(int argc, char **argv)
{
    return verb_command("key", verbs, help, argc, argv);
}
