#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "key.h"
#include "segment.h"

#define FILES_MAX 1000000 /* in one directory */

struct visiting {
    int dirfd;
    audit_file *each;
    void *context;
};

static enum result open_visit(const struct visiting *visiting, const char *name, int fd,
                              uint64_t size, struct err *err)
{
    return visiting->each(visiting->context, &(struct audit_part){name, fd, NULL, size}, err);
}

/* As far as it went when the snapshot was taken. */
static enum result segment_visit(const struct visiting *visiting, const struct snapshot *snapshot,
                                 size_t i, struct err *err)
{
    char name[NAME_MAX_LEN], path[sizeof "records/" + NAME_MAX_LEN];
    struct stat status;
    AUTO_FD fd = -1;

    segment_name(snapshot->first[i], name);
    (void)snprintf(path, sizeof path, "records/%s", name);
    fd = openat(snapshot->records, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0)
        return err_errno(err, RESULT_AUDIT, "%s: cannot read", path);
    return open_visit(visiting, path, fd,
                      i + 1 < snapshot->count ? (uint64_t)status.st_size : snapshot->last_size,
                      err);
}

static enum result log_visit(const struct visiting *visiting, struct err *err)
{
    AUTO_SNAPSHOT snapshot = {.records = -1};

    if (snapshot_locked(visiting->dirfd, &snapshot, err) != RESULT_OK)
        return err->result;
    if (snapshot.note.len > 0 &&
        visiting->each(
            visiting->context,
            &(struct audit_part){"checkpoint", -1, buf_text(&snapshot.note), snapshot.note.len},
            err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < snapshot.count; i++)
        if (segment_visit(visiting, &snapshot, i, err) != RESULT_OK)
            return err->result;
    return RESULT_OK;
}

/* Names in their order, so that the same log gives the same files. */
struct names {
    char **name; /* owned */
    size_t count, room;
};

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->name[i]);
    free(names->name);
}

static int names_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum result name_add(struct names *names, const char *name, struct err *err)
{
    if (names->count == names->room) {
        size_t room = names->room > 0 ? 2 * names->room : 16;
        char **more = room <= FILES_MAX ? realloc(names->name, room * sizeof *more) : NULL;

        if (more == NULL)
            return err_set(err, RESULT_INTERNAL, "too many files, or out of memory");
        names->name = more;
        names->room = room;
    }
    names->name[names->count] = strdup(name);
    if (names->name[names->count] == NULL)
        return err_set(err, RESULT_INTERNAL, "out of memory");
    names->count++;
    return RESULT_OK;
}

static enum result names_take(int fd, struct names *names, struct err *err)
{
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = again >= 0 ? fdopendir(again) : NULL;
    enum result result = RESULT_OK;
    const char *name;

    if (directory == NULL) {
        (void)err_errno(err, RESULT_AUDIT, "cannot list");
        fd_close(&again);
        return err->result;
    }
    while (result == RESULT_OK && (result = entry_next(directory, &name, err)) == RESULT_OK &&
           name != NULL)
        if (name[0] != '.')
            result = name_add(names, name, err);
    (void)closedir(directory);
    if (names->count > 0)
        qsort(names->name, names->count, sizeof *names->name, names_compare);
    return result;
}

/* What is no plain file is none of the log's. */
static enum result file_visit(const struct visiting *visiting, int directory, const char *folder,
                              const char *name, struct err *err)
{
    AUTO_BUF path = BUF_INIT(NAME_MAX + 64);
    AUTO_FD fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat status;

    buf_printf(&path, "%s/%s", folder, name);
    if (buf_check(&path, "file name", err) != RESULT_OK)
        return err->result;
    if (fd < 0 && (errno == ELOOP || errno == ENOENT || errno == ENXIO))
        return RESULT_OK;
    if (fd < 0 || fstat(fd, &status) != 0)
        return err_errno(err, RESULT_AUDIT, "%s: cannot read", buf_text(&path));
    if (!S_ISREG(status.st_mode))
        return RESULT_OK;
    return open_visit(visiting, buf_text(&path), fd, (uint64_t)status.st_size, err);
}

static enum result folder_visit(const struct visiting *visiting, const char *folder,
                                struct err *err)
{
    AUTO_FD fd = openat(visiting->dirfd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct names names = {0};
    enum result result;

    if (fd < 0 && errno == ENOENT)
        return RESULT_OK;
    if (fd < 0)
        return err_errno(err, RESULT_AUDIT, "%s: cannot open", folder);
    result = names_take(fd, &names, err);
    if (result != RESULT_OK)
        (void)err_prefix(err, "%s", folder);
    for (size_t i = 0; result == RESULT_OK && i < names.count; i++)
        result = file_visit(visiting, fd, folder, names.name[i], err);
    names_free(&names);
    return result;
}

enum result audit_files(int dirfd, audit_file *each, void *context, struct err *err)
{
    const struct visiting visiting = {dirfd, each, context};

    if (log_visit(&visiting, err) != RESULT_OK ||
        folder_visit(&visiting, "keys", err) != RESULT_OK ||
        folder_visit(&visiting, "bodies", err) != RESULT_OK)
        return err->result;
    return folder_visit(&visiting, "anchors", err);
}
