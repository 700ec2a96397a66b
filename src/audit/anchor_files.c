#include "anchor_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "anchors"

static void file_name(uint64_t size, const char *suffix, char out[NAME_MAX_LEN])
{
    (void)snprintf(out, NAME_MAX_LEN, "%012" PRIu64 "%s", size, suffix);
}

static bool file_named(const char *name, uint64_t *size)
{
    *size = 0;
    for (int i = 0; i < INDEX_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        *size = *size * 10 + (uint64_t)(name[i] - '0');
    }
    return strcmp(name + INDEX_DIGITS, ANCHOR_CHECKPOINT) == 0 ||
           strcmp(name + INDEX_DIGITS, ANCHOR_RESPONSE) == 0;
}

static int size_compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

static enum result size_add(struct anchor_files *files, uint64_t size, struct err *err)
{
    bool full = (files->count & (files->count - 1)) == 0;
    uint64_t *grown = files->size;

    /* Room is for the next power of two. */
    if (full)
        grown = reallocarray(files->size, files->count == 0 ? 1 : 2 * files->count, sizeof *grown);
    if (grown == NULL)
        return err_set(err, RESULT_INTERNAL, DIRECTORY ": out of memory");
    files->size = grown;
    files->size[files->count++] = size;
    return RESULT_OK;
}

static enum result names_read(DIR *directory, struct anchor_files *files, struct err *err)
{
    enum result result;
    const char *name;
    uint64_t size;

    while ((result = entry_next(directory, &name, err)) == RESULT_OK && name != NULL)
        if (file_named(name, &size) && size_add(files, size, err) != RESULT_OK)
            return err->result;
    return result;
}

static void sizes_order(struct anchor_files *files)
{
    size_t kept = 0;

    if (files->count == 0)
        return;
    qsort(files->size, files->count, sizeof *files->size, size_compare);
    for (size_t i = 0; i < files->count; i++)
        if (kept == 0 || files->size[kept - 1] != files->size[i])
            files->size[kept++] = files->size[i];
    files->count = kept;
}

enum result anchor_files_list(int dirfd, struct anchor_files *out, struct err *err)
{
    DIR *directory;
    enum result result;
    int fd;

    *out = (struct anchor_files){
        .fd = openat(dirfd, DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (out->fd < 0 && errno == ENOENT)
        return RESULT_OK;
    fd = out->fd < 0 ? -1 : openat(out->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory == NULL) {
        (void)err_errno(err, RESULT_AUDIT, DIRECTORY ": cannot list");
        fd_close(&fd);
        return err->result;
    }
    result = names_read(directory, out, err);
    (void)closedir(directory);
    sizes_order(out);
    return result;
}

void anchor_files_free(struct anchor_files *files)
{
    fd_close(&files->fd);
    free(files->size);
    files->size = NULL;
    files->count = 0;
}

enum result anchor_file_read(int fd, uint64_t size, const char *suffix, struct buf *out,
                             struct err *err)
{
    char name[NAME_MAX_LEN];
    AUTO_FD file = -1;

    buf_reset(out);
    file_name(size, suffix, name);
    file = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 && errno == ENOENT)
        return RESULT_OK;
    if (file < 0)
        return err_errno(err, RESULT_AUDIT, DIRECTORY "/%s: cannot read", name);
    if (file_read(file, name, out, err) != RESULT_OK) {
        err->result = RESULT_AUDIT;
        return err_prefix(err, DIRECTORY);
    }
    return RESULT_OK;
}

static enum result directory_open(int dirfd, int *fd, struct err *err)
{
    bool made = mkdirat(dirfd, DIRECTORY, 0700) == 0;

    if (!made && errno != EEXIST)
        return err_errno(err, RESULT_AUDIT, DIRECTORY ": cannot make this directory");
    *fd = openat(dirfd, DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0)
        return err_errno(err, RESULT_AUDIT, DIRECTORY ": cannot open");
    if (made && file_sync_directory(dirfd, "audit directory", err) != RESULT_OK)
        return err->result = RESULT_AUDIT;
    return RESULT_OK;
}

static enum result put(int fd, const char *name, const void *bytes, size_t len, struct err *err)
{
    if (file_replace(fd, name, bytes, len, 0600, err) == RESULT_OK)
        return RESULT_OK;
    err->result = RESULT_AUDIT;
    return err_prefix(err, "an anchor cannot be kept");
}

static bool text_is_same(const struct anchor_head *head, const struct buf *note)
{
    size_t len = note_text_len(buf_text(&head->note), head->note.len);

    return note->len > len && memcmp(note->data, buf_text(&head->note), len + 1) == 0;
}

/* Nothing that was kept for another tree of this size is written over: it is evidence. */
static enum result kept_read(int fd, const struct anchor_head *head, struct buf *kept,
                             struct err *err)
{
    if (anchor_file_read(fd, head->size, ANCHOR_CHECKPOINT, kept, err) != RESULT_OK)
        return err->result;
    if (kept->len == 0)
        buf_put(kept, buf_text(&head->note), head->note.len);
    if (text_is_same(head, kept))
        return buf_check(kept, "checkpoint", err);
    return err_set(err, RESULT_AUDIT,
                   DIRECTORY "/%012" PRIu64 ANCHOR_CHECKPOINT
                             " is of another log than the one that is there now: run `georder "
                             "audit verify`, and keep the directory as it is",
                   head->size);
}

/* The time stamp is over the head, byte for byte; cosignatures are over its text alone. */
static enum result timestamp_put(int fd, const struct anchor_head *head, const void *response,
                                 size_t len, struct err *err)
{
    char name[NAME_MAX_LEN];
    AUTO_BUF kept = BUF_INIT(NOTE_MAX), note = BUF_INIT(NOTE_MAX);
    size_t own;

    if (kept_read(fd, head, &kept, err) != RESULT_OK)
        return err->result;
    own = note_own_len(kept.data, kept.len);
    buf_put(&note, buf_text(&head->note), head->note.len);
    buf_put(&note, kept.data + own, kept.len - own);
    file_name(head->size, ANCHOR_CHECKPOINT, name);
    if (buf_check(&note, "checkpoint", err) != RESULT_OK ||
        put(fd, name, note.data, note.len, err) != RESULT_OK)
        return err->result;
    file_name(head->size, ANCHOR_RESPONSE, name);
    return put(fd, name, response, len, err);
}

enum result anchor_keep_timestamp(int dirfd, const struct anchor_head *head, const void *response,
                                  size_t len, struct err *err)
{
    AUTO_LOCK lock = {-1};
    AUTO_FD fd = -1;

    if (lock_enter(dirfd, false, &lock, err) != RESULT_OK ||
        directory_open(dirfd, &fd, err) != RESULT_OK)
        return err->result;
    return timestamp_put(fd, head, response, len, err);
}

/* The log's own signatures, those of others, and this one. */
static enum result line_put(int fd, const char *name, const struct buf *note,
                            const struct witness *witness, const struct cosignature *line,
                            struct err *err)
{
    size_t own = note_own_len(note->data, note->len), text = note_text_len(note->data, note->len);
    AUTO_BUF merged = BUF_INIT(NOTE_MAX);

    buf_put(&merged, note->data, own);
    cosignatures_of_others(&merged, witness, note->data + own, note->len - own);
    buf_put(&merged, line->line, line->len);
    buf_putc(&merged, '\n');
    if (buf_check(&merged, "checkpoint", err) != RESULT_OK)
        return err->result;
    if (lines_count(merged.data + text + 1, merged.len - text - 1) > SIGNATURES_MAX)
        return err_set(err, RESULT_AUDIT, "%s: it has %d signatures already", name, SIGNATURES_MAX);
    return put(fd, name, merged.data, merged.len, err);
}

/* What was appended since has another checkpoint, which this line is not of. */
static enum result checkpoint_sign(int dirfd, const struct anchor_head *head,
                                   const struct witness *witness, const struct cosignature *line,
                                   struct err *err)
{
    AUTO_FD fd = openat(dirfd, "checkpoint", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    AUTO_BUF note = BUF_INIT(NOTE_MAX);

    if (fd < 0)
        return err_errno(err, RESULT_AUDIT, "checkpoint: cannot read");
    if (file_read(fd, "checkpoint", &note, err) != RESULT_OK)
        return err->result = RESULT_AUDIT;
    if (!text_is_same(head, &note))
        return RESULT_OK;
    return line_put(dirfd, "checkpoint", &note, witness, line, err);
}

enum result anchor_keep_cosignature(int dirfd, const struct anchor_head *head,
                                    const struct witness *witness, const struct cosignature *line,
                                    struct err *err)
{
    char name[NAME_MAX_LEN];
    AUTO_BUF kept = BUF_INIT(NOTE_MAX);
    AUTO_LOCK lock = {-1};
    AUTO_FD fd = -1;

    file_name(head->size, ANCHOR_CHECKPOINT, name);
    if (lock_enter(dirfd, false, &lock, err) != RESULT_OK ||
        directory_open(dirfd, &fd, err) != RESULT_OK ||
        kept_read(fd, head, &kept, err) != RESULT_OK ||
        line_put(fd, name, &kept, witness, line, err) != RESULT_OK)
        return err->result;
    return checkpoint_sign(dirfd, head, witness, line, err);
}
