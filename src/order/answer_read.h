/* Lenient reading of the API's answer: the first fault is noted, and reading goes on. */
#ifndef GEORDER_ANSWER_READ_H
#define GEORDER_ANSWER_READ_H

#include "order.h"

#define ITEMS_MAX  1024 /* of any array in a pack */
#define STRING_MAX 8192 /* bytes of any text that is read */

struct reader {
    struct answer *answer;
    bool fault; /* answer->why says where and what */
    bool no_memory;
};

void read_fault(struct reader *reader, const cJSON *node, const char *fmt, ...) PRINTF(3, 4);

/* Members: null counts as not there. One of a wrong type or size is a fault, and read as not there.
 */
const cJSON *read_member(const cJSON *object, const char *name);
const char *read_text(struct reader *reader, const cJSON *object, const char *name); /* or "" */
int64_t read_int(struct reader *reader, const cJSON *object, const char *name, int64_t min,
                 int64_t max, int64_t absent);
const cJSON *read_object(struct reader *reader, const cJSON *object,
                         const char *name);                                            /* or NULL */
const cJSON *read_array(struct reader *reader, const cJSON *object, const char *name); /* or NULL */
const cJSON *read_texts(struct reader *reader, const cJSON *object, const char *name); /* or NULL */
/* The item of an array when it is an object; else NULL, which reads as an object without members.
 */
const cJSON *read_item(struct reader *reader, const cJSON *item);
/* Zeroed room for each item of an array, or NULL with *count = 0. Owned by the caller. */
void *read_room(struct reader *reader, const cJSON *array, size_t size, size_t *count);

/* An object that has a pack's id, and whatever else of a pack. */
void pack_read(struct reader *reader, const cJSON *object, struct pack *pack);
void pack_free(struct pack *pack);

#endif
