/*
 * For LD_PRELOAD: a disk that fails. FAULT is "NAME FIRST LAST ERRNO": the calls of that name from
 * the FIRST to the LAST fail; with ERRNO 0 a write is cut in half instead. Not by strace: a call
 * that it replaces looks to seccomp like a forbidden one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    char name[16];
    int first, last, number, calls;
} fault;

/* The program empties its environment later. */
__attribute__((constructor)) static void fault_read(void)
{
    const char *text = getenv("FAULT");

    if (text == NULL ||
        sscanf(text, "%15s %d %d %d", fault.name, &fault.first, &fault.last, &fault.number) != 4)
        abort();
}

static bool fails(const char *name)
{
    static const char told[] = "fault: here\n";

    if (strcmp(name, fault.name) != 0)
        return false;
    fault.calls++;
    if (fault.calls < fault.first || fault.calls > fault.last)
        return false;
    (void)syscall(SYS_write, STDERR_FILENO, told, sizeof told - 1);
    errno = fault.number;
    return true;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    if (!fails("write"))
        return syscall(SYS_write, fd, bytes, len);
    return fault.number != 0 ? -1 : syscall(SYS_write, fd, bytes, len / 2);
}

int fsync(int fd)
{
    return fails("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return fails("fdatasync") ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t size)
{
    return fails("ftruncate") ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int flock(int fd, int operation)
{
    return fails("flock") ? -1 : (int)syscall(SYS_flock, fd, operation);
}

int renameat(int from, const char *old, int to, const char *new)
{
    return fails("renameat") ? -1 : (int)syscall(SYS_renameat, from, old, to, new);
}
