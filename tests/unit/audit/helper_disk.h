/*
 * A disk that fails, or a host that stops, at the file system call that a test names: the calls of
 * georder that the linker would take from libc are taken from here. What it does not know of, say
 * close(2), cannot lose what a flush has promised.
 */
#ifndef HELPER_DISK_H
#define HELPER_DISK_H

#include <stdbool.h>
#include <sys/types.h>

enum disk_mode {
    DISK_GOOD,
    DISK_FLUSHES_FAIL, /* each of them */
    DISK_FAIL,         /* the call `at` fails with `number` */
    DISK_FAIL_ON,      /* that one and all behind it */
    DISK_SHORT,        /* only writes count: that one writes half */
    DISK_KILL,         /* SIGKILL in place of that call */
    DISK_KILL_HALF     /* only writes count: SIGKILL when half of that one is written */
};

struct disk {
    enum disk_mode mode;
    int number;                  /* errno */
    unsigned at, calls, flushes; /* both count from 1 since disk_arm() */
    bool counts;
    bool lazy;       /* flushes say yes and do nothing: for tests that never cut the power */
    const char *hit; /* the call that was met */
};
extern struct disk disk;

/* A call that changed something, or flushed it, and has succeeded. */
struct disk_call {
    const char *name;
    int fd, flags;
    const char *path, *to; /* to: of a rename, in the same directory */
    const void *bytes;
    off_t size; /* of bytes; of a file that is cut */
};
extern void (*disk_witness)(const struct disk_call *call);

void disk_arm(enum disk_mode mode, unsigned at, int number);
void disk_disarm(void);

#endif
