/* The example bodies of tests/data/answers, and how each must read. */
#ifndef GEORDER_TEST_ANSWERS_H
#define GEORDER_TEST_ANSWERS_H

#include "order.h"

struct example {
    const char *file;
    int status;
    const char *type;
    enum answer_outcome outcome;
    bool envelope, success;
    size_t packs, errors, messages;
    const char *why;
};
extern const struct example examples[];
extern const size_t examples_count;

/* A body in memory of just its size and a NUL, so that a read behind it is seen. */
struct body {
    char *text;
    size_t len;
};
struct body body_load(const char *file);
void body_free(struct body *body);
#define AUTO_BODY __attribute__((cleanup(body_free))) struct body

#endif
