#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

enum result cmd_start(struct err *err)
{
    if (keep("GEORDER_CONFIG", surroundings.config, err) != RESULT_OK ||
        keep("XDG_CONFIG_HOME", surroundings.xdg_config_home, err) != RESULT_OK ||
        keep("HOME", surroundings.home, err) != RESULT_OK ||
        keep("CREDENTIALS_DIRECTORY", surroundings.credentials_directory, err) != RESULT_OK)
        return err->result;
    return guard_start(3, err);
}
