/* A file that a command writes a result to: made before the lock, filled behind it. */
#ifndef GEORDER_OUT_FILE_H
#define GEORDER_OUT_FILE_H

#include "base.h"

struct out_file {
    const char *path; /* NULL: not asked for */
    int fd;
};
#define OUT_FILE_INIT                                                                              \
    {                                                                                              \
        .fd = -1                                                                                   \
    }
#define AUTO_OUT_FILE __attribute__((cleanup(out_file_close))) struct out_file

/* A new file, mode 0600, in a directory that nobody else can write to; never one that is there.
 * path NULL: nothing is done, here and below. */
MUST_USE enum result out_file_make(struct out_file *file, const char *path, struct err *err);
/* All of it, durably. Without this the file stays empty: behind the lock it cannot be removed. */
MUST_USE enum result out_file_write(struct out_file *file, const struct buf *text, struct err *err);
/* Before the lock: takes away what was made. */
void out_file_discard(struct out_file *file);
void out_file_close(struct out_file *file);

#endif
