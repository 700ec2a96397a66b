#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment.h"

#define PATIENCE  (60 * 1000)
#define PAUSE_MAX 16

/* A lock on a file that was taken away meanwhile excludes nobody. */
static bool lock_is_in_place(int dirfd, int fd)
{
    struct stat ours, there;

    return fstat(fd, &ours) == 0 && fstatat(dirfd, "lock", &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

enum result lock_enter(int dirfd, bool shared, struct lock *lock, struct err *err)
{
    int flags = (shared ? O_RDONLY : O_RDWR | O_CREAT) | O_NOFOLLOW | O_CLOEXEC;
    int64_t deadline = clock_monotonic() + PATIENCE;

    for (int64_t pause = 1;; pause = pause < PAUSE_MAX ? 2 * pause : pause) {
        lock->fd = openat(dirfd, "lock", flags, 0600);
        if (lock->fd < 0 && shared && (errno == ENOENT || errno == EACCES))
            return RESULT_OK;
        if (lock->fd < 0)
            return err_errno(err, RESULT_AUDIT, "lock: cannot open the audit directory's lock");
        if (flock(lock->fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) {
            if (lock_is_in_place(dirfd, lock->fd))
                return RESULT_OK;
        } else if (errno != EWOULDBLOCK && errno != EINTR) {
            return err_errno(err, RESULT_AUDIT, "lock: this file system gives no locks");
        }
        fd_close(&lock->fd);
        if (clock_monotonic() >= deadline)
            return err_set(err, RESULT_AUDIT,
                           "lock: another process has held the audit log for a minute; find it by "
                           "`fuser lock` in the audit directory");
        clock_sleep(pause);
    }
}

void lock_leave(struct lock *lock)
{
    fd_close(&lock->fd);
}
