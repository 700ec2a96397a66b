#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer_read.h"
#include "text.h"

void read_fault(struct reader *reader, const cJSON *node, const char *fmt, ...)
{
    char what[200];
    struct err place;
    if (reader->fault)
        return;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    reader->fault = true;
    (void)json_fail(&reader->answer->doc, node, &place, "%s", what);
    text_set(reader->answer->why, sizeof(reader->answer->why), "%s", place.text);
}

const cJSON *read_member(const cJSON *object, const char *name)
{
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNull(node) ? NULL : node;
}

static bool text_fits(struct reader *reader, const cJSON *node)
{
    if (!cJSON_IsString(node))
        read_fault(reader, node, "must be a string");
    else if (strlen(node->valuestring) > STRING_MAX)
        read_fault(reader, node, "is longer than %d bytes", STRING_MAX);
    else
        return true;
    return false;
}

const char *read_text(struct reader *reader, const cJSON *object, const char *name)
{
    const cJSON *node = read_member(object, name);
    return node != NULL && text_fits(reader, node) ? node->valuestring : "";
}

int64_t read_int(struct reader *reader, const cJSON *object, const char *name, int64_t min,
                 int64_t max, int64_t absent)
{
    const cJSON *node = read_member(object, name);
    if (node == NULL)
        return absent;
    double value = node->valuedouble;
    if (cJSON_IsNumber(node) && value >= (double)min && value <= (double)max &&
        (double)(int64_t)value == value)
        return (int64_t)value;
    read_fault(reader, node, "must be an integer from %lld to %lld", (long long)min,
               (long long)max);
    return absent;
}

const cJSON *read_object(struct reader *reader, const cJSON *object, const char *name)
{
    const cJSON *node = read_member(object, name);
    if (node == NULL || cJSON_IsObject(node))
        return node;
    read_fault(reader, node, "must be an object");
    return NULL;
}

const cJSON *read_array(struct reader *reader, const cJSON *object, const char *name)
{
    const cJSON *node = read_member(object, name);
    if (node == NULL)
        return NULL;
    if (!cJSON_IsArray(node))
        read_fault(reader, node, "must be an array");
    else if (cJSON_GetArraySize(node) > ITEMS_MAX)
        read_fault(reader, node, "has more than %d items", ITEMS_MAX);
    else
        return node;
    return NULL;
}

const cJSON *read_texts(struct reader *reader, const cJSON *object, const char *name)
{
    const cJSON *array = read_array(reader, object, name), *item = NULL;
    cJSON_ArrayForEach(item, array)
    {
        if (!text_fits(reader, item))
            return NULL;
    }
    return array;
}

const cJSON *read_item(struct reader *reader, const cJSON *item)
{
    if (cJSON_IsObject(item))
        return item;
    read_fault(reader, item, "must be an object");
    return NULL;
}

void *read_room(struct reader *reader, const cJSON *array, size_t size, size_t *count)
{
    size_t items = array == NULL ? 0 : (size_t)cJSON_GetArraySize(array);
    void *room = items == 0 ? NULL : calloc(items, size);
    reader->no_memory = reader->no_memory || (items > 0 && room == NULL);
    *count = room == NULL ? 0 : items;
    return room;
}
