/*
 * A report in JUnit's XML, which CI systems read. XML has no way to write some characters: text is
 * escaped as for a terminal first.
 */
#ifndef GEORDER_JUNIT_H
#define GEORDER_JUNIT_H

#include "base.h"

/* Suites and their cases are gathered; the counts stand before them. */
struct junit {
    struct buf suites, cases;
    size_t tests, failures;             /* of all suites */
    size_t suite_tests, suite_failures; /* of the one under way */
};

#define JUNIT_INIT                                                                                 \
    {                                                                                              \
        .suites = BUF_INIT(64 * 1024 * 1024), .cases = BUF_INIT(64 * 1024 * 1024)                  \
    }

/* message, details: NULL when it passed. */
void junit_case(struct junit *junit, const char *class_name, const char *name, const char *message,
                const char *details);
/* Ends a suite: all cases since the last one. */
void junit_suite(struct junit *junit, const char *name);
MUST_USE enum result junit_write(struct junit *junit, const char *name, int fd, const char *path,
                                 struct err *err);
void junit_free(struct junit *junit);

#endif
