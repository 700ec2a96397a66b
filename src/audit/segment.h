/*
 * The files of records: records/NNNNNNNNNNNN.jsonl, named by the index of their first record, read
 * in pieces of whole lines. A snapshot says where the log ended at one moment; what is appended
 * later is not looked at, so that a reader needs the lock for that moment alone.
 */
#ifndef GEORDER_AUDIT_SEGMENT_H
#define GEORDER_AUDIT_SEGMENT_H

#include "note.h"

#define SEGMENT_MAX  (64 * 1024 * 1024)
#define INDEX_DIGITS 12
#define INDEX_LIMIT  UINT64_C(1000000000000)
#define NAME_MAX_LEN 80 /* a SHA-256 in hex, and more */

void segment_name(uint64_t first, char out[NAME_MAX_LEN]);
MUST_USE enum result records_open(int dirfd, int *fd, struct err *err);

/* After a power cut some file systems show zeros where bytes were not written yet, and perhaps
 * bytes behind them. No line that was written whole has a NUL, so at the end of the log, or behind
 * the checkpoint, such a one is torn like one without a newline, and so is all behind it; who could
 * make it so could as well cut it off. */
#define GROUP_MAX (AUDIT_GROUP_MAX * (AUDIT_LINE_MAX + 1))
#define TORN_MAX  GROUP_MAX /* what one append writes at once, of which some bytes may be lost */

struct lock {
    int fd;
};
#define AUTO_LOCK __attribute__((cleanup(lock_leave))) struct lock
/* Waits a minute at most. shared: a log without a lock file, say a copy, is read without. */
MUST_USE enum result lock_enter(int dirfd, bool shared, struct lock *lock, struct err *err);
void lock_leave(struct lock *lock);

struct snapshot {
    int records;     /* owned */
    uint64_t *first; /* owned: first index of each segment, ascending */
    size_t count;
    uint64_t last_size; /* bytes of the last segment */
    struct buf note;    /* the checkpoint's file; empty when there is none */
    uint64_t anchored;  /* how many records it says that it is of; nothing of it is checked here */
};
#define AUTO_SNAPSHOT __attribute__((cleanup(snapshot_free))) struct snapshot

/* The caller holds the lock. */
MUST_USE enum result snapshot_take(int dirfd, struct snapshot *out, struct err *err);
/* The same, with the lock taken for it, shared. */
MUST_USE enum result snapshot_locked(int dirfd, struct snapshot *out, struct err *err);
void snapshot_free(struct snapshot *snapshot);

#define CHUNK_BYTES (128 * 1024)
#define CHUNK_LINES 64

struct chunk {
    char data[CHUNK_BYTES];
    uint32_t start[CHUNK_LINES + 1]; /* of each line, and behind the last one's newline */
    size_t lines;
    uint64_t index; /* of the first line */
    bool misnamed;  /* begins a segment that is named by another index */
};
/* A line of a chunk, without its newline. */
const char *chunk_line(const struct chunk *chunk, size_t i, size_t *len);

enum reader_end {
    READER_GOES_ON,
    READER_END,   /* the last byte was a newline */
    READER_TORN,  /* `rest` bytes without a newline at the very end */
    READER_BROKEN /* a line that never ends, or a segment that ends without a newline */
};

struct reader {
    const struct snapshot *snapshot;
    size_t segment;
    int fd;
    uint64_t at, size; /* in the segment */
    uint64_t index;    /* of the next line */
    enum reader_end end;
    uint64_t rest;
};
#define AUTO_READER __attribute__((cleanup(reader_close))) struct reader

/* Starts with the first segment, or with the one that has this index. */
void reader_open(struct reader *reader, const struct snapshot *snapshot, uint64_t index);
void reader_close(struct reader *reader);
/* chunk->lines is 0 at the end only. */
MUST_USE enum result reader_next(struct reader *reader, struct chunk *chunk, struct err *err);

#endif
