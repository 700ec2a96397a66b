#include "out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"

enum result out_file_make(struct out_file *file, const char *path, struct err *err)
{
    AUTO_BUF directory = BUF_INIT(PATH_MAX);
    AUTO_FD fd = -1;
    const char *slash;

    file->path = path;
    if (path == NULL)
        return RESULT_OK;
    slash = strrchr(path, '/');
    buf_put(&directory, path, slash == NULL ? 0 : (size_t)(slash - path));
    if (directory.len == 0)
        buf_puts(&directory, slash == NULL ? "." : "/");
    if (buf_check(&directory, path, err) != RESULT_OK ||
        guard_open_directory(buf_text(&directory), RESULT_USAGE, &fd, err) != RESULT_OK)
        return err->result;
    file->fd = openat(fd, slash == NULL ? path : slash + 1,
                      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file->fd >= 0)
        return RESULT_OK;
    if (errno == EEXIST)
        return err_set(err, RESULT_USAGE, "%s is there already: it is not overwritten", path);
    return err_errno(err, RESULT_USAGE, "%s: cannot make this file", path);
}

enum result out_file_write(struct out_file *file, const struct buf *text, struct err *err)
{
    if (file->path == NULL)
        return RESULT_OK;
    if (file_write(file->fd, file->path, buf_text(text), text->len, err) != RESULT_OK)
        return err->result;
    if (fsync(file->fd) != 0)
        return err_errno(err, RESULT_INTERNAL, "%s: cannot flush", file->path);
    return RESULT_OK;
}

void out_file_discard(struct out_file *file)
{
    if (file->fd >= 0)
        (void)unlink(file->path);
    fd_close(&file->fd);
}

void out_file_close(struct out_file *file)
{
    fd_close(&file->fd);
}
