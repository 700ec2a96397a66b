#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

static const struct command commands[] = {
    {"init", "make a home: config, policy, keys, log", cmd_init},
    {"order", "order a certificate pack, if the policy permits it", cmd_order},
    {"check", "decide only: offline, no keys, no record", cmd_check},
    {"policy", "lint, test or show a policy", cmd_policy},
    {"audit", "verify, list, show or export the records", cmd_audit},
    {"key", "list or rotate the audit key", cmd_key},
    {"credential", "put, verify, rotate, remove or list the API credential", cmd_credential},
    {"keystore", "make a keystore, say who may open it", cmd_keystore},
    {"doctor", "is this host ready, and how hardened is it", cmd_doctor},
    {NULL, NULL, NULL},
};

static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int main(int argc, char **argv)
{
    struct err err = {0};

    if (cmd_start(&err) != RESULT_OK) {
        (void)fprintf(stderr, "georder: %s\n", err.text);
        return result_exit(err.result);
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        return printf("georder %s\n", GEORDER_VERSION) < 0 || fflush(stdout) != 0;
    if (argc > 1 && is_help(argv[1]))
        return result_exit(cmd_help(commands, argc - 1, argv + 1));
    for (const struct command *command = commands; argc > 1 && command->name != NULL; command++)
        if (strcmp(command->name, argv[1]) == 0)
            return result_exit(command->run(argc - 1, argv + 1));
    return result_exit(cmd_unknown(argc, argv));
}
