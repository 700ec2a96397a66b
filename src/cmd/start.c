#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "guard.h"

static enum result keep(const char *name, char *out, struct err *err)
{
    const char *value = getenv(name);
    size_t len = value != NULL ? strlen(value) : 0;

    if (len >= PATH_MAX || (len > 0 && !utf8_valid(value, len)))
        return err_set(err, RESULT_USAGE, "$%s is too long, or not UTF-8", name);
    memcpy(out, value != NULL ? value : "", len + 1);
    return RESULT_OK;
}

/* cJSON leaves out what it has no memory for. A record must not: better none, and no order. */
static void *memory_or_end(size_t size)
{
    void *memory = malloc(size);

    if (memory == NULL) {
        (void)fputs("georder: out of memory\n", stderr);
        _exit(RESULT_INTERNAL);
    }
    return memory;
}

enum result cmd_start(struct err *err)
{
    cJSON_Hooks hooks = {.malloc_fn = memory_or_end, .free_fn = free};
    const char *no_color = getenv("NO_COLOR");

    cJSON_InitHooks(&hooks);
    if (keep("GEORDER_CONFIG", surroundings.config, err) != RESULT_OK ||
        keep("XDG_CONFIG_HOME", surroundings.xdg_config_home, err) != RESULT_OK ||
        keep("HOME", surroundings.home, err) != RESULT_OK ||
        keep("CREDENTIALS_DIRECTORY", surroundings.credentials_directory, err) != RESULT_OK)
        return err->result;
    surroundings.no_color = no_color != NULL && no_color[0] != '\0';
    return guard_start(3, err);
}
