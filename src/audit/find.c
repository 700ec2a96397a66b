#include "find.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_BYTES (2 * (AUDIT_LINE_MAX + 1)) /* has a whole line, wherever it begins */

/* A search in one segment: the line begins in low..high-1. */
struct search {
    const struct snapshot *snapshot;
    uint64_t first, index; /* of the segment; to be found */
    int fd;
    uint64_t low, high, size; /* bytes */
    char *window;             /* owned */
    uint64_t at;              /* of the window */
    size_t len;
    struct buf room;
};

static enum result broken(const struct search *search, uint64_t at, struct err *err)
{
    return err_set(err, RESULT_AUDIT,
                   "records/%012" PRIu64 ".jsonl: byte %" PRIu64
                   " begins no record of this log; run `georder audit verify`",
                   search->first, at);
}

static enum result missing(const struct search *search, struct err *err)
{
    return err_set(err, RESULT_USAGE, "the log has no record %" PRIu64, search->index);
}

static enum result search_open(struct search *search, struct err *err)
{
    const struct snapshot *snapshot = search->snapshot;
    size_t i = 0;
    char name[NAME_MAX_LEN];
    struct stat status;

    if (snapshot->count == 0 || search->index < snapshot->first[0])
        return missing(search, err);
    while (i + 1 < snapshot->count && snapshot->first[i + 1] <= search->index)
        i++;
    search->first = snapshot->first[i];
    segment_name(search->first, name);
    search->fd = openat(snapshot->records, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (search->fd < 0 || fstat(search->fd, &status) != 0)
        return err_errno(err, RESULT_AUDIT, "records/%s: cannot read", name);
    search->size = i + 1 < snapshot->count ? (uint64_t)status.st_size : snapshot->last_size;
    search->high = search->size;
    search->window = malloc(WINDOW_BYTES);
    if (search->window == NULL)
        return err_set(err, RESULT_INTERNAL, "records: out of memory");
    return RESULT_OK;
}

static enum result window_load(struct search *search, uint64_t at, struct err *err)
{
    uint64_t left = search->size - at;
    size_t want = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
    ssize_t got = pread(search->fd, search->window, want, (off_t)at);

    search->at = at;
    search->len = want;
    if (got == (ssize_t)want)
        return RESULT_OK;
    return err_errno(err, RESULT_AUDIT, "records/%012" PRIu64 ".jsonl: cannot read", search->first);
}

/* The whole line at this place of the window, and which record it says it is. */
static bool line_at(struct search *search, size_t from, size_t *len, uint64_t *sequence)
{
    const char *line = search->window + from, *newline = memchr(line, '\n', search->len - from);
    struct payload payload;
    struct jws jws;

    if (newline == NULL)
        return false;
    *len = (size_t)(newline - line);
    if (!jws_split(line, *len, &jws) ||
        !payload_read(jws.payload.at, jws.payload.len, &search->room, &payload))
        return false;
    *sequence = payload.sequence;
    return true;
}

/* Looks at the first line that begins behind the middle; *again: it told where to go on. */
static enum result halve(struct search *search, bool *again, struct err *err)
{
    uint64_t middle = search->low + (search->high - search->low) / 2, sequence;
    const char *newline;
    size_t from, len;

    *again = false;
    if (window_load(search, middle, err) != RESULT_OK)
        return err->result;
    newline = memchr(search->window, '\n', search->len);
    from = newline == NULL ? search->len : (size_t)(newline + 1 - search->window);
    if (from == search->len || middle + from >= search->high)
        return RESULT_OK;
    if (!line_at(search, from, &len, &sequence))
        return broken(search, middle + from, err);
    *again = true;
    if (sequence <= search->index)
        search->low = middle + from;
    else
        search->high = middle + from;
    return RESULT_OK;
}

/* Whether a line that begins here is whole in the window. */
static bool window_has(const struct search *search, uint64_t at)
{
    return at >= search->at && at - search->at < search->len &&
           memchr(search->window + (at - search->at), '\n',
                  search->len - (size_t)(at - search->at)) != NULL;
}

/* From `low` on, line by line. */
static enum result walk(struct search *search, struct buf *line, struct err *err)
{
    uint64_t sequence;
    size_t len;

    for (uint64_t at = search->low; at < search->high; at += len + 1) {
        if (!window_has(search, at) && window_load(search, at, err) != RESULT_OK)
            return err->result;
        if (!window_has(search, at) && search->len <= AUDIT_LINE_MAX)
            break; /* a torn tail */
        if (!line_at(search, (size_t)(at - search->at), &len, &sequence))
            return broken(search, at, err);
        if (sequence != search->index)
            continue;
        buf_reset(line);
        buf_put(line, search->window + (at - search->at), len);
        return buf_check(line, "audit record", err);
    }
    return missing(search, err);
}

static enum result find(struct search *search, struct buf *line, struct err *err)
{
    bool again = true;

    if (search_open(search, err) != RESULT_OK)
        return err->result;
    while (again && search->high - search->low > WINDOW_BYTES)
        if (halve(search, &again, err) != RESULT_OK)
            return err->result;
    return walk(search, line, err);
}

enum result record_find(const struct snapshot *snapshot, uint64_t index, struct buf *line,
                        struct err *err)
{
    struct search search = {
        .snapshot = snapshot, .index = index, .fd = -1, .room = BUF_INIT(AUDIT_LINE_MAX)};
    enum result result = find(&search, line, err);

    fd_close(&search.fd);
    free(search.window);
    buf_free(&search.room);
    return result;
}
