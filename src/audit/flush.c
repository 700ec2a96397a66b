/* After a flush that failed nobody knows what the disk holds: the kernel may say yes to the next
 * one and have dropped the bytes. So no flush is tried twice: the log is not written to again
 * before someone has started anew, and then what is there is observed afresh. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "log.h"

enum result log_flush_failed(struct audit *audit, const char *what, struct err *err)
{
    audit->broken = true;
    return err_errno(err, RESULT_AUDIT,
                     "%s: cannot flush to the disk; check the disk and the kernel's log, then run "
                     "`georder audit verify`",
                     what);
}

enum result log_flush(struct audit *audit, int fd, const char *what, struct err *err)
{
    return fdatasync(fd) == 0 ? RESULT_OK : log_flush_failed(audit, what, err);
}

/* By fsync(2): entries are no data to some file systems. */
enum result log_flush_directory(struct audit *audit, int dirfd, const char *what, struct err *err)
{
    return fsync(dirfd) == 0 ? RESULT_OK : log_flush_failed(audit, what, err);
}

static enum result file_fill(struct audit *audit, int fd, const char *what, const struct buf *bytes,
                             struct err *err)
{
    if (fd < 0)
        return err_errno(err, RESULT_AUDIT, "%s: cannot make it", what);
    if (file_write(fd, what, bytes->data, bytes->len, err) != RESULT_OK)
        return err->result = RESULT_AUDIT;
    return log_flush(audit, fd, what, err);
}

enum result log_put(struct audit *audit, int dirfd, const char *name, const struct buf *bytes,
                    struct err *err)
{
    char new[NAME_MAX_LEN + 8];
    AUTO_FD fd = -1;

    (void)snprintf(new, sizeof new, ".%s.new", name);
    fd = openat(dirfd, new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file_fill(audit, fd, name, bytes, err) != RESULT_OK)
        return err->result;
    if (renameat(dirfd, new, dirfd, name) != 0)
        return err_errno(err, RESULT_AUDIT, "%s: cannot put in place", name);
    return RESULT_OK;
}
