#include "helper_payload.h"

#include <stdio.h>
#include <string.h>

static bool keep_last(void *context, uint64_t index, const char *line, size_t len,
                      const cJSON *payload)
{
    cJSON **last = context;

    (void)index;
    (void)line;
    (void)len;
    cJSON_Delete(*last);
    *last = cJSON_Duplicate(payload, true);
    return true;
}

cJSON *test_payload(struct test_log *log)
{
    cJSON *last = NULL;

    cr_assert_eq(audit_each(log->audit, keep_last, &last, &log->err), RESULT_OK, "%s",
                 log->err.text);
    return last;
}

const cJSON *test_at(const cJSON *node, const char *path)
{
    char name[64];

    while (*path != '\0' && node != NULL) {
        size_t len = strcspn(path, ".");

        (void)snprintf(name, sizeof name, "%.*s", (int)len, path);
        node = cJSON_IsArray(node) ? cJSON_GetArrayItem(node, name[0] - '0')
                                   : cJSON_GetObjectItemCaseSensitive(node, name);
        path += len + (path[len] == '.');
    }
    return node;
}

const char *test_text_at(const cJSON *node, const char *path)
{
    const char *text = cJSON_GetStringValue(test_at(node, path));

    return text != NULL ? text : "(none)";
}

int test_number_at(const cJSON *node, const char *path)
{
    const cJSON *number = test_at(node, path);

    return cJSON_IsNumber(number) ? (int)number->valuedouble : -1;
}
