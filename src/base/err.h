/*
 * Results and their texts. A function that can fail returns an `enum result`, takes a
 * `struct err *` last, and fills it by err_set(): what was wrong, where, what to do.
 * The value of a result is the exit code of the program (DESIGN section 9), RESULT_FAILED aside;
 * the table in err.c is the only place that explains them.
 */
#ifndef GEORDER_ERR_H
#define GEORDER_ERR_H

#include <stddef.h>

#define MUST_USE         __attribute__((warn_unused_result))
#define PRINTF(fmt, arg) __attribute__((format(printf, fmt, arg)))

enum result {
    RESULT_OK = 0,
    RESULT_INTERNAL = 1,
    RESULT_USAGE = 2,
    RESULT_DENIED = 3,
    RESULT_REFUSED = 4,
    RESULT_VIOLATION = 5,
    RESULT_PEER = 6,
    RESULT_UNREACHED = 7,
    RESULT_UNKNOWN = 8,
    RESULT_KEY = 9,
    RESULT_AUDIT = 10,
    RESULT_CONFIG = 11,
    RESULT_FAILED = 12, /* a check did not pass: exits as 1, as diff(1) does */
    RESULT_COUNT
};

struct err {
    enum result result;
    char text[1024]; /* UTF-8, one line, no secret; cut with "..." when longer */
};

/* Fills err (which may not be NULL); its value is result, so that `return err_set(...)` reads well
 * and every reader, compilers among them, sees what is returned. */
#define err_set(to, what, ...) ((void)err_fill((to), (what), __VA_ARGS__), (enum result)(what))
enum result err_fill(struct err *err, enum result result, const char *fmt, ...) PRINTF(3, 4);
/* Puts "context: " before the text that is there; keeps and returns its result. */
enum result err_prefix(struct err *err, const char *fmt, ...) PRINTF(2, 3);
/* As err_set, with ": strerror(errno)" behind. */
enum result err_errno(struct err *err, enum result result, const char *fmt, ...) PRINTF(3, 4);

/* Hands on what a call returned, unless it is RESULT_OK. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum result try_result = (call);                                                           \
        if (try_result != RESULT_OK)                                                               \
            return try_result;                                                                     \
    } while (0)

const char *result_name(enum result result);    /* "denied": stable, for JSON */
const char *result_meaning(enum result result); /* "denied by policy": for people */
int result_exit(enum result result);            /* 0..11 */

#endif
