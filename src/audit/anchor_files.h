/* DIR/anchors. */
#ifndef GEORDER_AUDIT_ANCHOR_FILES_H
#define GEORDER_AUDIT_ANCHOR_FILES_H

#include "cosignature.h"
#include "segment.h"

#define ANCHOR_CHECKPOINT ".checkpoint"
#define ANCHOR_RESPONSE   ".tsr"

struct anchor_files {
    int fd;         /* owned; -1: there is no such directory */
    uint64_t *size; /* owned: of the checkpoints that are there, ascending, each once */
    size_t count;
};
#define AUTO_ANCHOR_FILES __attribute__((cleanup(anchor_files_free))) struct anchor_files

/* A log without anchors has an empty list. Those that have a time stamp alone are in it, too. */
MUST_USE enum result anchor_files_list(int dirfd, struct anchor_files *out, struct err *err);
void anchor_files_free(struct anchor_files *files);
/* An empty buffer when there is none. */
MUST_USE enum result anchor_file_read(int fd, uint64_t size, const char *suffix, struct buf *out,
                                      struct err *err);

/* Adds what came for this head: the whole checkpoint, and a time stamp or the line of a witness
 * (which takes the place of an earlier one), durably, under the log's lock. */
MUST_USE enum result anchor_keep_timestamp(int dirfd, const struct anchor_head *head,
                                           const void *response, size_t len, struct err *err);
/* The log's own checkpoint gets the line, too, as long as it is still this one. */
MUST_USE enum result anchor_keep_cosignature(int dirfd, const struct anchor_head *head,
                                             const struct witness *witness,
                                             const struct cosignature *line, struct err *err);

/* This host's clock against what an anchor that was just made says. RESULT_AUDIT: too far off. */
MUST_USE enum result anchor_clock_check(struct anchor *anchor, struct err *err);

#endif
