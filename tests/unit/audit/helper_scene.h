/* Logs in every state that an append may find, so that all its ways are gone. */
#ifndef HELPER_SCENE_H
#define HELPER_SCENE_H

#include "helper_log.h"

#define SCENE_ORDER "0192f3a1-7b2c-7def-8123-456789abcdef"

struct scene {
    const char *name;
    void (*make)(struct test_log *log);
    size_t body_len;      /* of the response that the append brings; 0: none */
    uint64_t segment_max; /* 0: as it is */
    unsigned group;       /* how many records at once; 0: one, by audit_append() */
    bool large;           /* hundreds of records */
    bool creates;         /* what is watched is audit_create() */
};
extern const struct scene scenes[];
extern const size_t scene_count;

/* What scene->make left, and copies of it: one key for all. */
void scene_make(const struct scene *scene, struct test_log *log);
void scene_copy(const struct test_log *from, struct test_log *to);
void scene_place_like(const struct test_log *from, struct test_log *to); /* still empty */
void scene_copy_free(struct test_log *log);
/* The watched append: opens the log and appends order.unknown; the audit stays open. */
enum result scene_act(const struct scene *scene, struct test_log *log);
unsigned scene_records(const struct scene *scene); /* that it appends */
/* The append after it, by a process that knows nothing. */
enum result scene_recover(const struct scene *scene, struct test_log *log, const char *event);
/* Before anything else is done to it: the verdict of a crash, and a good one when it was `done`. */
void scene_expect_verdict(const struct scene *scene, struct test_log *log, const char *where,
                          bool done);
/* Records of this event in a log that verifies. */
unsigned scene_events(struct test_log *log, const char *event);
bool scene_has_torn_files(struct test_log *log);
/* Waits for a child whose end is _exit(SCENE_END): the parent tells it from one that fell into
 * exit(). False when it was killed by SIGKILL; anything else fails the test. */
#define SCENE_END 42
bool scene_ended(pid_t child);

#endif
