#include "segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "number.h"

#define SEGMENT_SUFFIX ".jsonl"

void segment_name(uint64_t first, char out[NAME_MAX_LEN])
{
    (void)snprintf(out, NAME_MAX_LEN, "%012" PRIu64 SEGMENT_SUFFIX, first);
}

static bool segment_named(const char *name, uint64_t *first)
{
    *first = 0;
    for (int i = 0; i < INDEX_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        *first = *first * 10 + (uint64_t)(name[i] - '0');
    }
    return strcmp(name + INDEX_DIGITS, SEGMENT_SUFFIX) == 0;
}

enum result records_open(int dirfd, int *fd, struct err *err)
{
    *fd = openat(dirfd, "records", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd >= 0)
        return RESULT_OK;
    if (errno == ENOENT)
        return err_set(
            err, RESULT_AUDIT,
            "the audit directory holds no log (no records/): make one by `georder init`, "
            "or name the right directory in the config");
    return err_errno(err, RESULT_AUDIT, "records: cannot read the log");
}

static int first_compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

static enum result first_add(struct snapshot *snapshot, uint64_t first, struct err *err)
{
    uint64_t *grown = reallocarray(snapshot->first, snapshot->count + 1, sizeof *snapshot->first);

    if (grown == NULL)
        return err_set(err, RESULT_INTERNAL, "records: out of memory");
    snapshot->first = grown;
    snapshot->first[snapshot->count++] = first;
    return RESULT_OK;
}

static enum result segments_list(struct snapshot *snapshot, struct err *err)
{
    int fd = openat(snapshot->records, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    enum result result = RESULT_OK;
    const char *name;
    uint64_t first;

    if (directory == NULL) {
        (void)err_errno(err, RESULT_AUDIT, "records: cannot list the log");
        fd_close(&fd);
        return err->result;
    }
    while (result == RESULT_OK && (result = entry_next(directory, &name, err)) == RESULT_OK &&
           name != NULL)
        if (segment_named(name, &first))
            result = first_add(snapshot, first, err);
    (void)closedir(directory);
    if (snapshot->count > 0)
        qsort(snapshot->first, snapshot->count, sizeof *snapshot->first, first_compare);
    return result;
}

static enum result last_measure(struct snapshot *snapshot, struct err *err)
{
    char name[NAME_MAX_LEN];
    struct stat status;

    if (snapshot->count == 0)
        return RESULT_OK;
    segment_name(snapshot->first[snapshot->count - 1], name);
    if (fstatat(snapshot->records, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return err_errno(err, RESULT_AUDIT, "records/%s: cannot read the log", name);
    snapshot->last_size = (uint64_t)status.st_size;
    return RESULT_OK;
}

static enum result note_load(int dirfd, struct buf *note, struct err *err)
{
    AUTO_FD fd = openat(dirfd, "checkpoint", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 && errno == ENOENT)
        return RESULT_OK;
    if (fd < 0)
        return err_errno(err, RESULT_AUDIT, "checkpoint: cannot read");
    if (file_read(fd, "checkpoint", note, err) != RESULT_OK)
        return err->result = RESULT_AUDIT;
    return RESULT_OK;
}

enum result snapshot_take(int dirfd, struct snapshot *out, struct err *err)
{
    *out = (struct snapshot){.records = -1, .note = BUF_INIT(NOTE_MAX)};
    /* The checkpoint first: without a lock, the records can then only be ahead of it. */
    if (note_load(dirfd, &out->note, err) != RESULT_OK ||
        records_open(dirfd, &out->records, err) != RESULT_OK ||
        segments_list(out, err) != RESULT_OK)
        return err->result;
    out->anchored = note_size(buf_text(&out->note), out->note.len);
    return last_measure(out, err);
}

enum result snapshot_locked(int dirfd, struct snapshot *out, struct err *err)
{
    AUTO_LOCK lock = {-1};

    if (lock_enter(dirfd, true, &lock, err) != RESULT_OK)
        return err->result;
    return snapshot_take(dirfd, out, err);
}

void snapshot_free(struct snapshot *snapshot)
{
    fd_close(&snapshot->records);
    free(snapshot->first);
    snapshot->first = NULL;
    buf_free(&snapshot->note);
}

const char *chunk_line(const struct chunk *chunk, size_t i, size_t *len)
{
    *len = chunk->start[i + 1] - chunk->start[i] - 1;
    return chunk->data + chunk->start[i];
}

void reader_open(struct reader *reader, const struct snapshot *snapshot, uint64_t index)
{
    *reader = (struct reader){.snapshot = snapshot, .fd = -1};
    while (reader->segment + 1 < snapshot->count && snapshot->first[reader->segment + 1] <= index)
        reader->segment++;
    if (reader->segment > 0)
        reader->index = snapshot->first[reader->segment];
}

void reader_close(struct reader *reader)
{
    fd_close(&reader->fd);
}

static bool segment_is_last(const struct reader *reader)
{
    return reader->segment + 1 == reader->snapshot->count;
}

static enum result segment_open(struct reader *reader, struct err *err)
{
    char name[NAME_MAX_LEN];
    struct stat status;

    segment_name(reader->snapshot->first[reader->segment], name);
    reader->fd =
        openat(reader->snapshot->records, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (reader->fd < 0 || fstat(reader->fd, &status) != 0)
        return err_errno(err, RESULT_AUDIT, "records/%s: cannot read", name);
    if (!S_ISREG(status.st_mode))
        return err_set(err, RESULT_AUDIT, "records/%s: not a regular file", name);
    reader->at = 0;
    reader->size = segment_is_last(reader) ? reader->snapshot->last_size : (uint64_t)status.st_size;
    return RESULT_OK;
}

/* Fills the chunk from here; short only where the segment ends. */
static enum result chunk_fill(struct reader *reader, struct chunk *chunk, size_t *got,
                              struct err *err)
{
    uint64_t left = reader->size - reader->at;
    size_t want = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;

    *got = 0;
    while (*got < want) {
        ssize_t one =
            pread(reader->fd, chunk->data + *got, want - *got, (off_t)(reader->at + *got));

        if (one < 0 && errno == EINTR)
            continue;
        if (one < 0)
            return err_errno(err, RESULT_AUDIT, "records/%012" PRIu64 ".jsonl: cannot read",
                             reader->snapshot->first[reader->segment]);
        if (one == 0)
            return err_set(err, RESULT_AUDIT,
                           "records/%012" PRIu64 ".jsonl became shorter while it was read: verify "
                           "again when nothing writes to it",
                           reader->snapshot->first[reader->segment]);
        *got += (size_t)one;
    }
    return RESULT_OK;
}

static void chunk_split(struct chunk *chunk, size_t got)
{
    const char *at = chunk->data, *end = chunk->data + got;
    const char *newline;

    chunk->lines = 0;
    chunk->start[0] = 0;
    while (chunk->lines < CHUNK_LINES && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at = newline + 1;
        chunk->start[++chunk->lines] = (uint32_t)(at - chunk->data);
    }
}

static bool line_is_lost(const struct reader *reader, const struct chunk *chunk, size_t i)
{
    const uint32_t *at = &chunk->start[i];
    bool last = reader->at + at[1] == reader->size;

    return (last || reader->index + i >= reader->snapshot->anchored) &&
           memchr(chunk->data + at[0], '\0', at[1] - at[0]) != NULL;
}

/* The lines in front of the first lost one. */
static size_t lines_whole(const struct reader *reader, const struct chunk *chunk)
{
    size_t i = 0;

    if (!segment_is_last(reader))
        return chunk->lines;
    while (i < chunk->lines && !line_is_lost(reader, chunk, i))
        i++;
    return i;
}

/* Without lost bytes, it is within a line that a write was cut. */
static bool rest_is_torn(const struct reader *reader, const struct chunk *chunk, size_t got)
{
    return segment_is_last(reader) &&
           (reader->rest <= AUDIT_LINE_MAX + 1 ||
            (reader->rest <= TORN_MAX && memchr(chunk->data, '\0', got) != NULL));
}

static enum result chunk_read(struct reader *reader, struct chunk *chunk, struct err *err)
{
    size_t got;

    if (chunk_fill(reader, chunk, &got, err) != RESULT_OK)
        return err->result;
    chunk_split(chunk, got);
    chunk->lines = lines_whole(reader, chunk);
    chunk->index = reader->index;
    chunk->misnamed = reader->at == 0 && reader->index != reader->snapshot->first[reader->segment];
    reader->index += chunk->lines;
    reader->at += chunk->start[chunk->lines];
    if (chunk->lines > 0)
        return RESULT_OK;
    reader->rest = reader->size - reader->at;
    reader->end = rest_is_torn(reader, chunk, got) ? READER_TORN : READER_BROKEN;
    return RESULT_OK;
}

enum result reader_next(struct reader *reader, struct chunk *chunk, struct err *err)
{
    chunk->lines = 0;
    while (reader->end == READER_GOES_ON) {
        if (reader->segment == reader->snapshot->count) {
            reader->end = READER_END;
        } else if (reader->fd < 0) {
            if (segment_open(reader, err) != RESULT_OK)
                return err->result;
        } else if (reader->at == reader->size) {
            fd_close(&reader->fd);
            reader->segment++;
        } else {
            return chunk_read(reader, chunk, err);
        }
    }
    return RESULT_OK;
}
