/* The role, asked for one thing, with a module that fails at one call: tests/shim. */
#ifndef HELPER_FAULTS_H
#define HELPER_FAULTS_H

#include "helper_keys.h"

#define NAME_MAX_LEN 64
#define CALLS_MAX    512 /* in one operation */

struct code {
    unsigned long rv;
    const char *name, *words;
    bool lost; /* a process started anew may find what is lost */
};

struct operation {
    const char *name, *key, *credential;
    enum msg_type asks, answers; /* MSG_NONE: what is tried is the end */
    bool changes;                /* the token, which is then put back */
    bool again;                  /* asked once more after a failure, it must work */
};

/* One run of the role, with a fault or without one. */
struct trial {
    const struct operation *operation;
    const struct code *code; /* NULL: no fault */
    char function[NAME_MAX_LEN];
    unsigned long nth;
    size_t opened, done, ended; /* lines in `calls` by then */
    bool lost;                  /* the role said so */
    char problem[4096];         /* the first; "" is well */
};

/* What went wrong is in trial->problem; false, then. */
bool trial_run(struct trial *trial);

/* The calls of the part that an operation is about. */
struct calls {
    size_t count;
    struct {
        char function[NAME_MAX_LEN];
        unsigned long nth; /* since the start */
    } call[CALLS_MAX];
};

/* Taken from a run without a fault. */
void calls_of(const struct operation *operation, struct calls *out);

#endif
