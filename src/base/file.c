#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"

void fd_close(int *fd)
{
    int number = errno;

    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
    errno = number;
}

enum result file_read(int fd, const char *name, struct buf *out, struct err *err)
{
    char piece[16384];
    ssize_t got;

    for (;;) {
        got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        buf_put(out, piece, (size_t)got);
        if (!buf_ok(out))
            break;
    }
    explicit_bzero(piece, sizeof piece);
    if (got < 0)
        return err_errno(err, RESULT_INTERNAL, "%s: cannot read", name);
    if (!buf_ok(out))
        return err_set(err, RESULT_INTERNAL, "%s: larger than %zu bytes", name, out->max);
    return RESULT_OK;
}

enum result file_write(int fd, const char *name, const void *bytes, size_t len, struct err *err)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t done = write(fd, at, len);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_errno(err, RESULT_INTERNAL, "%s: cannot write", name);
        at += done;
        len -= (size_t)done;
    }
    return RESULT_OK;
}

enum result file_sync_directory(int dirfd, const char *name, struct err *err)
{
    if (fsync(dirfd) != 0)
        return err_errno(err, RESULT_INTERNAL, "%s: cannot flush its directory", name);
    return RESULT_OK;
}

static enum result write_and_flush(int fd, const char *name, const void *bytes, size_t len,
                                   mode_t mode, struct err *err)
{
    enum result result = file_write(fd, name, bytes, len, err);

    if (result != RESULT_OK)
        return result;
    if (fchmod(fd, mode) != 0)
        return err_errno(err, RESULT_INTERNAL, "%s: cannot set its mode", name);
    if (fsync(fd) != 0)
        return err_errno(err, RESULT_INTERNAL, "%s: cannot flush", name);
    return RESULT_OK;
}

static enum result put_in_place(int dirfd, const char *temporary, const char *name, bool replace,
                                struct err *err)
{
    int done = replace ? renameat(dirfd, temporary, dirfd, name)
                       : linkat(dirfd, temporary, dirfd, name, 0);
    int number = errno;

    if (!replace || done != 0)
        (void)unlinkat(dirfd, temporary, 0);
    errno = number;
    if (done != 0)
        return err_errno(err, RESULT_INTERNAL, "%s: cannot put in place", name);
    return file_sync_directory(dirfd, name, err);
}

static enum result write_beside(int dirfd, const char *name, const void *bytes, size_t len,
                                mode_t mode, bool replace, struct err *err)
{
    char temporary[300], id[UUID_LEN + 1];
    enum result result;
    AUTO_FD fd = -1;

    uuid7(0, id);
    (void)snprintf(temporary, sizeof temporary, ".%.200s.%s", name, id);
    fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, RESULT_INTERNAL, "%s: cannot make a file beside it", name);
    result = write_and_flush(fd, name, bytes, len, mode, err);
    if (result != RESULT_OK) {
        (void)unlinkat(dirfd, temporary, 0);
        return result;
    }
    return put_in_place(dirfd, temporary, name, replace, err);
}

enum result file_replace(int dirfd, const char *name, const void *bytes, size_t len, mode_t mode,
                         struct err *err)
{
    return write_beside(dirfd, name, bytes, len, mode, true, err);
}

enum result file_create(int dirfd, const char *name, const void *bytes, size_t len, mode_t mode,
                        struct err *err)
{
    return write_beside(dirfd, name, bytes, len, mode, false, err);
}
