/* Whole files, durably. Opening paths that come from a person is guard.h's work. */
#ifndef GEORDER_FILE_H
#define GEORDER_FILE_H

#include <sys/types.h>

#include "buf.h"

/* Reads fd to its end; more than out->max bytes is an error. `name` is for the error text. */
MUST_USE enum result file_read(int fd, const char *name, struct buf *out, struct err *err);
/* All bytes, or an error (short writes are continued). */
MUST_USE enum result file_write(int fd, const char *name, const void *bytes, size_t len,
                                struct err *err);
/* Temporary file beside it, fsync, rename, fsync of the directory: the old content or the new. */
MUST_USE enum result file_replace(int dirfd, const char *name, const void *bytes, size_t len,
                                  mode_t mode, struct err *err);
/* As file_replace, but an existing file is an error (EEXIST) and is left alone. */
MUST_USE enum result file_create(int dirfd, const char *name, const void *bytes, size_t len,
                                 mode_t mode, struct err *err);
MUST_USE enum result file_sync_directory(int dirfd, const char *name, struct err *err);

void fd_close(int *fd); /* for cleanup; closes when >= 0, sets -1, keeps errno */
#define AUTO_FD __attribute__((cleanup(fd_close))) int

#endif
