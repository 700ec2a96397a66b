#undef _FORTIFY_SOURCE /* its inline functions have the same names */
#include "helper_disk.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct disk disk;
void (*disk_witness)(const struct disk_call *call);

static int witnessed(int result, const struct disk_call *call)
{
    int number = errno;

    if (result >= 0 && disk.counts && disk_witness != NULL)
        disk_witness(call);
    errno = number;
    return result;
}

void disk_arm(enum disk_mode mode, unsigned at, int number)
{
    disk.mode = mode;
    disk.at = at;
    disk.number = number;
    disk.calls = disk.flushes = 0;
    disk.hit = NULL;
    disk.counts = true;
}

void disk_disarm(void)
{
    disk.mode = DISK_GOOD;
    disk.counts = false;
}

static bool halves(void)
{
    return disk.mode == DISK_SHORT || disk.mode == DISK_KILL_HALF;
}

static bool fails(const char *name)
{
    if (!disk.counts || (halves() && strcmp(name, "write") != 0))
        return false;
    disk.calls++;
    if (disk.calls != disk.at && !(disk.mode == DISK_FAIL_ON && disk.calls > disk.at))
        return false;
    if (disk.hit == NULL)
        disk.hit = name;
    if (disk.mode == DISK_KILL)
        (void)kill(getpid(), SIGKILL);
    errno = disk.number;
    return disk.mode == DISK_FAIL || disk.mode == DISK_FAIL_ON;
}

static bool flush_fails(const char *name)
{
    disk.flushes++;
    if (disk.mode != DISK_FLUSHES_FAIL)
        return fails(name);
    errno = EIO;
    return true;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    bool half;

    if (fails("write"))
        return -1;
    half = disk.counts && disk.calls == disk.at && halves();
    if (!half)
        return witnessed(
            (int)syscall(SYS_write, fd, bytes, len),
            &(struct disk_call){"write", .fd = fd, .bytes = bytes, .size = (off_t)len});
    len = (size_t)syscall(SYS_write, fd, bytes, len / 2);
    if (disk.mode == DISK_KILL_HALF)
        (void)kill(getpid(), SIGKILL);
    return (ssize_t)len;
}

ssize_t read(int fd, void *bytes, size_t len)
{
    return fails("read") ? -1 : syscall(SYS_read, fd, bytes, len);
}

ssize_t pread(int fd, void *bytes, size_t len, off_t at)
{
    return fails("pread") ? -1 : syscall(SYS_pread64, fd, bytes, len, at);
}

int fsync(int fd)
{
    if (flush_fails("fsync"))
        return -1;
    return witnessed(disk.lazy ? 0 : (int)syscall(SYS_fsync, fd),
                     &(struct disk_call){"fsync", .fd = fd});
}

int fdatasync(int fd)
{
    if (flush_fails("fdatasync"))
        return -1;
    return witnessed(disk.lazy ? 0 : (int)syscall(SYS_fdatasync, fd),
                     &(struct disk_call){"fdatasync", .fd = fd});
}

int ftruncate(int fd, off_t size)
{
    if (fails("ftruncate"))
        return -1;
    return witnessed((int)syscall(SYS_ftruncate, fd, size),
                     &(struct disk_call){"ftruncate", .fd = fd, .size = size});
}

int flock(int fd, int operation)
{
    return fails("flock") ? -1 : (int)syscall(SYS_flock, fd, operation);
}

int openat(int dirfd, const char *name, int flags, ...)
{
    mode_t mode = 0;
    int fd;
    va_list args;

    va_start(args, flags);
    if (flags & O_CREAT)
        mode = va_arg(args, mode_t);
    va_end(args);
    if (fails("openat"))
        return -1;
    fd = (int)syscall(SYS_openat, dirfd, name, flags, mode);
    return witnessed(
        fd, &(struct disk_call){"openat", .fd = dirfd, .flags = flags, .path = name, .size = fd});
}

int renameat(int from, const char *old, int to, const char *new)
{
    if (fails("renameat"))
        return -1;
    return witnessed((int)syscall(SYS_renameat2, from, old, to, new, 0),
                     &(struct disk_call){"renameat", .fd = from, .path = old, .to = new});
}

int unlinkat(int dirfd, const char *name, int flags)
{
    if (fails("unlinkat"))
        return -1;
    return witnessed((int)syscall(SYS_unlinkat, dirfd, name, flags),
                     &(struct disk_call){"unlinkat", .fd = dirfd, .path = name});
}

int mkdirat(int dirfd, const char *name, mode_t mode)
{
    if (fails("mkdirat"))
        return -1;
    return witnessed((int)syscall(SYS_mkdirat, dirfd, name, mode),
                     &(struct disk_call){"mkdirat", .fd = dirfd, .path = name});
}

int fchmod(int fd, mode_t mode)
{
    return fails("fchmod") ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

/* What the rest needs of libc: structures that the kernel's differ from. */
static void *next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        _exit(99);
    return found;
}

int fstat(int fd, struct stat *status)
{
    static int (*real)(int, struct stat *);

    if (real == NULL)
        *(void **)&real = next("fstat");
    return fails("fstat") ? -1 : real(fd, status);
}

int fstatat(int dirfd, const char *restrict name, struct stat *restrict status, int flags)
{
    static int (*real)(int, const char *, struct stat *, int);

    if (real == NULL)
        *(void **)&real = next("fstatat");
    return fails("fstatat") ? -1 : real(dirfd, name, status, flags);
}

struct dirent *readdir(DIR *directory)
{
    static struct dirent *(*real)(DIR *);

    if (real == NULL)
        *(void **)&real = next("readdir");
    return fails("readdir") ? NULL : real(directory);
}

DIR *fdopendir(int fd)
{
    static DIR *(*real)(int);

    if (real == NULL)
        *(void **)&real = next("fdopendir");
    return fails("fdopendir") ? NULL : real(fd);
}
