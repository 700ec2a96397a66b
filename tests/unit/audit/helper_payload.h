/* The last record of a log, and what stands in it. */
#ifndef HELPER_PAYLOAD_H
#define HELPER_PAYLOAD_H

#include "helper_log.h"

/* Parsed; the caller's. */
cJSON *test_payload(struct test_log *log);
/* By a path of names and of indexes below ten: "unmapped.georder.moved.0"; or NULL, "(none)", -1.
 */
const cJSON *test_at(const cJSON *node, const char *path);
const char *test_text_at(const cJSON *node, const char *path);
int test_number_at(const cJSON *node, const char *path);

#endif
