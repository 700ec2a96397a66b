/* A log of ten records, one of them with a body beside it. */
#ifndef HELPER_TEN_H
#define HELPER_TEN_H

#include "helper_log.h"

#define TEN 10

void ten_make(struct test_log *log, char body[128], char key[128]);
/* Turns each bit of these bytes of a file, one at a time: none may leave a good log. */
void ten_flip(struct test_log *log, const char *name, size_t from, size_t to);
/* All bits of these records. */
void ten_flip_records(size_t from, size_t to);

#endif
