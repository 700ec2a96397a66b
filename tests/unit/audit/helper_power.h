/*
 * What a disk may hold after the power is cut. A journal takes down every change that was made;
 * what no later flush covers may be there or not, each for itself: the contents of a file by a
 * flush of that file, a name by one of its directory. No file system promises less than that.
 */
#ifndef HELPER_POWER_H
#define HELPER_POWER_H

#include "helper_scene.h"

void power_begin(const struct test_log *log); /* its files are on the disk as they are */
void power_watch(const struct test_log *log); /* what is done to this one is taken down */
void power_rest(void);
void power_end(void);
size_t power_changes(void);
/* Forgets the changes behind the first `count`, as if they had never been made. */
void power_cut_journal(size_t count);

/* Which of the changes that no flush covers survive. */
enum survive { ALL, NONE, BYTES, NAMES, ALL_BUT_ONE, ONE_ALONE };
struct power_cut {
    size_t at; /* so many changes were made */
    enum survive survive;
    size_t one;  /* of ALL_BUT_ONE, ONE_ALONE: the change */
    size_t keep; /* bytes of the last write before the cut that survive; SIZE_MAX: as it is */
    bool zeros; /* and the rest of it are zeros, else nothing; with swap: the first, not the rest */
    bool swap;
};
bool power_is_open(size_t change, size_t at); /* no flush covers it */
size_t power_write_len(size_t change);        /* 0: it is no write */
/* What the disk then holds; hash: of all of it. */
void power_state(const struct power_cut *cut, uint8_t hash[SHA256_LEN]);
/* A directory in the state that power_state() found last. */
void power_make(const struct test_log *like, struct test_log *log);

#endif
