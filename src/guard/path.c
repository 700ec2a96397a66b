#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A walk opens one component after the other, each relative to the descriptor of the one before
 * and never through a symbolic link, and judges what it got by that descriptor. So nobody can swap
 * a component between the check and the use. openat2(RESOLVE_NO_SYMLINKS) would not show the
 * directories on the way.
 */
struct walk {
    const char *path; /* as it was given */
    enum result result;
    struct err *err;
    struct buf full;   /* absolute; cut behind the component in hand */
    size_t given;      /* where `path` starts in it */
    size_t start, end; /* the component in hand */
    size_t len;
};

#define FULL_MAX (2 * PATH_MAX)

static const char *walk_shown(const struct walk *walk)
{
    if (walk->end == 0)
        return "/";
    return walk->full.data + (walk->end > walk->given ? walk->given : 0);
}

static enum result walk_fault(const struct walk *walk, const char *fmt, ...) PRINTF(2, 3);

static enum result walk_fault(const struct walk *walk, const char *fmt, ...)
{
    char text[PATH_MAX + 256];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return err_set(walk->err, walk->result, "%s: \"%s\" %s", walk->path, walk_shown(walk), text);
}

static enum result walk_no_open(const struct walk *walk)
{
    if (errno == ENOENT)
        return walk_fault(walk, "does not exist");
    if (errno == ELOOP)
        return walk_fault(walk, "is a symbolic link: give the real path");
    if (errno == ENXIO)
        return walk_fault(walk, "is not a regular file");
    return walk_fault(walk, "cannot be opened: %s", strerror(errno));
}

static enum result check_owner(const struct walk *walk, const struct stat *st)
{
    if (st->st_uid == 0 || st->st_uid == geteuid())
        return RESULT_OK;
    return walk_fault(walk, "belongs to uid %u, not to root or you (uid %u): run chown", st->st_uid,
                      geteuid());
}

static enum result check_not_writable(const struct walk *walk, const struct stat *st)
{
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return RESULT_OK;
    return walk_fault(walk, "is writable by group or others (mode %04o): run chmod go-w %s",
                      st->st_mode & 07777, walk_shown(walk));
}

static enum result check_directory(const struct walk *walk, const struct stat *st, bool last)
{
    enum result result;

    if (S_ISLNK(st->st_mode))
        return walk_fault(walk, "is a symbolic link: give the real path");
    if (!S_ISDIR(st->st_mode))
        return walk_fault(walk, "is not a directory");
    result = check_owner(walk, st);
    if (result != RESULT_OK)
        return result;
    /* In root's sticky /tmp nobody else can rename or remove what the next step checks. But as the
     * last one, others could make names in it. */
    if (!last && st->st_uid == 0 && (st->st_mode & S_ISVTX) != 0)
        return RESULT_OK;
    return check_not_writable(walk, st);
}

static enum result check_file(const struct walk *walk, const struct stat *st,
                              enum guard_trust trust)
{
    enum result result;

    if (!S_ISREG(st->st_mode))
        return walk_fault(walk, "is not a regular file");
    if (st->st_nlink != 1 && trust != GUARD_INSTALLED)
        return walk_fault(walk, "has %lu names (hard links), not one: use a copy of its own",
                          (unsigned long)st->st_nlink);
    result = check_owner(walk, st);
    if (result != RESULT_OK)
        return result;
    if (trust == GUARD_SECRET && (st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return walk_fault(walk,
                          "is a secret open to group or others (mode %04o): "
                          "run chmod go-rwx %s",
                          st->st_mode & 07777, walk_shown(walk));
    return check_not_writable(walk, st);
}

/* Cuts `full` behind the next component. "/" has none: "." is the root itself. */
static const char *walk_next(struct walk *walk)
{
    char *text = walk->full.data;

    if (walk->end > 0 && walk->end < walk->len)
        text[walk->end] = '/';
    walk->start = walk->end;
    while (text[walk->start] == '/')
        walk->start++;
    walk->end = walk->start + strcspn(text + walk->start, "/");
    text[walk->end] = '\0';
    return walk->start == walk->end ? "." : text + walk->start;
}

static enum result walk_enter(struct walk *walk, int *fd, const char *name, bool last)
{
    enum result result;
    struct stat st;
    AUTO_FD next = openat(*fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (next < 0 || fstat(next, &st) != 0)
        return walk_no_open(walk);
    result = check_directory(walk, &st, last);
    if (result != RESULT_OK)
        return result;
    fd_close(fd);
    *fd = next;
    next = -1;
    return RESULT_OK;
}

static enum result walk_prepare(struct walk *walk)
{
    char cwd[PATH_MAX];

    if (walk->path[0] == '\0')
        return err_set(walk->err, walk->result, "a path is empty: name a file or directory");
    if (walk->path[0] != '/') {
        if (getcwd(cwd, sizeof cwd) == NULL)
            return err_errno(walk->err, walk->result, "%s: no working directory to start at",
                             walk->path);
        buf_puts(&walk->full, cwd);
        buf_putc(&walk->full, '/');
        walk->given = walk->full.len;
    }
    buf_puts(&walk->full, walk->path);
    if (!buf_ok(&walk->full))
        return err_set(walk->err, walk->result, "%s: the path is too long", walk->path);
    walk->len = walk->full.len;
    while (walk->len > 1 && walk->full.data[walk->len - 1] == '/')
        walk->full.data[--walk->len] = '\0';
    return RESULT_OK;
}

/* Goes through every directory but the last component, whose name is left in *name. */
static enum result walk_to_last(struct walk *walk, int *fd, const char **name)
{
    enum result result = walk_prepare(walk);

    if (result != RESULT_OK)
        return result;
    *fd = -1;
    result = walk_enter(walk, fd, "/", false);
    while (result == RESULT_OK) {
        *name = walk_next(walk);
        if (walk->end == walk->len)
            break;
        result = walk_enter(walk, fd, *name, false);
    }
    return result;
}

static enum result open_file(struct walk *walk, enum guard_trust trust, int *fd)
{
    const char *name;
    struct stat st;
    AUTO_FD parent = -1;
    AUTO_FD file = -1;
    enum result result = walk_to_last(walk, &parent, &name);

    if (result != RESULT_OK)
        return result;
    /* Not to be held up by a FIFO, nor given a controlling terminal. */
    file = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0 || fstat(file, &st) != 0)
        return walk_no_open(walk);
    result = check_file(walk, &st, trust);
    if (result != RESULT_OK)
        return result;
    *fd = file;
    file = -1;
    return RESULT_OK;
}

static enum result open_directory(struct walk *walk, int *fd)
{
    const char *name;
    AUTO_FD at = -1;
    enum result result = walk_to_last(walk, &at, &name);

    if (result == RESULT_OK)
        result = walk_enter(walk, &at, name, true);
    if (result != RESULT_OK)
        return result;
    *fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *fd < 0 ? walk_no_open(walk) : RESULT_OK;
}

enum result guard_open(const char *path, enum guard_trust trust, enum result result, int *fd,
                       struct err *err)
{
    struct walk walk = {.path = path, .result = result, .err = err, .full = BUF_INIT(FULL_MAX)};
    enum result done = open_file(&walk, trust, fd);

    buf_free(&walk.full);
    return done;
}

enum result guard_open_directory(const char *path, enum result result, int *fd, struct err *err)
{
    struct walk walk = {.path = path, .result = result, .err = err, .full = BUF_INIT(FULL_MAX)};
    enum result done = open_directory(&walk, fd);

    buf_free(&walk.full);
    return done;
}

enum result guard_read(const char *path, enum guard_trust trust, enum result result,
                       struct buf *out, struct err *err)
{
    AUTO_FD fd = -1;
    enum result done = guard_open(path, trust, result, &fd, err);

    if (done != RESULT_OK)
        return done;
    if (file_read(fd, path, out, err) != RESULT_OK)
        err->result = result;
    else
        result = RESULT_OK;
    return result;
}

void guard_path(struct buf *out, const char *base, const char *path)
{
    if (path[0] != '/') {
        buf_puts(out, base);
        buf_putc(out, '/');
    }
    buf_puts(out, path);
}
