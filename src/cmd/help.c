#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include "options.h"
#include "output.h"

static void exit_codes(void)
{
    (void)puts("exit  name        meaning");
    for (int code = 0; code < RESULT_COUNT; code++)
        for (enum result r = 0; r < RESULT_COUNT; r++)
            if (result_exit(r) == code)
                (void)printf("%4d  %-10s  %s\n", code, result_name(r), result_meaning(r));
}

static cJSON *exit_code_json(enum result result)
{
    cJSON *entry = cJSON_CreateObject();

    cJSON_AddNumberToObject(entry, "exit", result_exit(result));
    cJSON_AddStringToObject(entry, "name", result_name(result));
    cJSON_AddStringToObject(entry, "meaning", result_meaning(result));
    return entry;
}

static cJSON *exit_codes_json(void)
{
    cJSON *list = cJSON_CreateArray();

    for (int code = 0; code < RESULT_COUNT; code++)
        for (enum result r = 0; r < RESULT_COUNT; r++)
            if (result_exit(r) == code)
                cJSON_AddItemToArray(list, exit_code_json(r));
    return list;
}

static void overview(const struct command *commands)
{
    (void)puts("usage: georder COMMAND [OPTIONS]\n\n"
               "Orders Cloudflare certificate packs under a reviewed policy, with keys in an HSM,\n"
               "TLS that is pinned, and a signed record of every order and answer.\n");
    for (; commands->name != NULL; commands++)
        (void)printf("  %-12s %s\n", commands->name, commands->summary);
    (void)puts(
        "\ngeorder COMMAND --help tells more; georder help exit-codes lists the exit codes.");
}

static cJSON *overview_json(const struct command *commands)
{
    cJSON *list = cJSON_CreateArray();

    for (; commands->name != NULL; commands++) {
        cJSON *entry = cJSON_CreateObject();

        cJSON_AddStringToObject(entry, "command", commands->name);
        cJSON_AddStringToObject(entry, "summary", commands->summary);
        cJSON_AddItemToArray(list, entry);
    }
    return list;
}

static const struct command *command_find(const struct command *commands, const char *name)
{
    while (commands->name != NULL && strcmp(commands->name, name) != 0)
        commands++;
    return commands->name != NULL ? commands : NULL;
}

static enum result command_help(const struct command *command, bool json)
{
    char name[16], option[] = "--help", document[] = "--json";
    char *words[] = {name, option, json ? document : NULL, NULL};

    (void)snprintf(name, sizeof name, "%s", command->name);
    optind = 0; /* glibc: begin anew */
    return command->run(json ? 3 : 2, words);
}

enum result cmd_help(const struct command *commands, int argc, char **argv)
{
    struct options options = {0};
    struct output output;
    struct err err = {0};
    enum result result = options_only(&options, argc, argv, 1, &err);
    const char *topic = result == RESULT_OK && optind < argc ? argv[optind] : "";
    const struct command *command = command_find(commands, topic);

    if (command != NULL)
        return command_help(command, options.json);
    output_start(&output, "help", &options);
    if (result != RESULT_OK)
        return output_end(&output, &err);
    if (strcmp(topic, "exit-codes") == 0 && options.json)
        output_add(&output, "exit_codes", exit_codes_json());
    else if (strcmp(topic, "exit-codes") == 0)
        exit_codes();
    else if (topic[0] != '\0')
        (void)err_set(&err, RESULT_USAGE,
                      "%s: no such topic; there are the commands and exit-codes", topic);
    else if (options.json)
        output_add(&output, "commands", overview_json(commands));
    else
        overview(commands);
    return output_end(&output, &err);
}

enum result cmd_unknown(int argc, char **argv)
{
    struct options options = {0};
    struct output output;
    struct err err = {0};
    const char *word = argc > 1 && argv[1][0] != '\0' ? argv[1] : "help";

    if (options_only(&options, argc, argv, argc, &err) != RESULT_OK)
        err = (struct err){0}; /* of an unknown command there are no options to know */
    output_start(&output, word, &options);
    if (strcmp(word, "help") == 0)
        (void)err_set(&err, RESULT_USAGE, "give a command; `georder help` lists them");
    else if (word[0] == '-')
        (void)err_set(&err, RESULT_USAGE, "the command comes first: georder COMMAND [OPTIONS]");
    else
        (void)err_set(&err, RESULT_USAGE, "no such command; `georder help` lists them");
    return output_end(&output, &err);
}
