#include <stdlib.h>
#include <string.h>

#include "guard.h"

void guard_reach_free(struct guard_reach *reach)
{
    for (size_t i = 0; i < reach->paths; i++)
        free(reach->path[i].path);
    reach->paths = 0;
}

enum result guard_reach_path(struct guard_reach *reach, const char *path, bool writes,
                             struct err *err)
{
    char *copy;

    if (reach->paths == GUARD_PATHS)
        return err_set(err, RESULT_CONFIG, "%s: a PKCS#11 module may reach at most %d paths", path,
                       GUARD_PATHS);
    copy = strdup(path);
    if (copy == NULL)
        return err_set(err, RESULT_INTERNAL, "no memory");
    reach->path[reach->paths].path = copy;
    reach->path[reach->paths++].writes = writes;
    return RESULT_OK;
}

enum result guard_reach_port(struct guard_reach *reach, uint16_t port, struct err *err)
{
    if (reach->ports == GUARD_PORTS)
        return err_set(err, RESULT_CONFIG, "a PKCS#11 module may connect to at most %d ports",
                       GUARD_PORTS);
    reach->port[reach->ports++] = port;
    return RESULT_OK;
}
