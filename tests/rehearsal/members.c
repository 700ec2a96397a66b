#include "rehearsal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct member *member_find(const struct member *known, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

bool fault_set(struct fault *fault, const char *pointer, const char *fmt, ...)
{
    va_list args;
    (void)snprintf(fault->pointer, sizeof fault->pointer, "%s", pointer);
    va_start(args, fmt);
    (void)vsnprintf(fault->text, sizeof fault->text, fmt, args);
    va_end(args);
    return false;
}

static bool fault_member(struct fault *fault, const char *name, const char *what)
{
    char pointer[sizeof fault->pointer];
    (void)snprintf(pointer, sizeof pointer, "/%.80s", name);
    return fault_set(fault, pointer, "\"%.80s\" %s", name, what);
}

bool members_check(const cJSON *object, const struct member *known, size_t count,
                   struct fault *fault)
{
    if (!cJSON_IsObject(object))
        return fault_set(fault, "", "an object is wanted");
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        const struct member *member = member_find(known, count, item->string);
        if (member == NULL)
            return fault_member(fault, item->string, "is not a known member");
        if (cJSON_GetObjectItemCaseSensitive(object, item->string) != item)
            return fault_member(fault, item->string, "stands there twice");
        if (!(item->type & member->types))
            return fault_member(fault, item->string, "is of the wrong type");
    }
    for (size_t i = 0; i < count; i++)
        if (known[i].needed && cJSON_GetObjectItemCaseSensitive(object, known[i].name) == NULL)
            return fault_member(fault, known[i].name, "is missing");
    return true;
}

const char *member_text(const cJSON *object, const char *name, const char *otherwise)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text != NULL ? text : otherwise;
}

double member_number(const cJSON *object, const char *name, double otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}
