#include "helper_power.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper_disk.h"

#define PATH_LEN  128
#define FILES_MAX 256
#define OPS_MAX   512
#define FDS_MAX   1024

enum kind { CREATE, MAKE_DIRECTORY, RENAME, UNLINK, WRITE, CUT, FLUSH, FLUSH_DIRECTORY };

struct op {
    enum kind kind;
    int file; /* number of a file, through all its names */
    char path[PATH_LEN], to[PATH_LEN];
    char *bytes; /* owned */
    size_t len;
};

struct names {
    struct {
        char path[PATH_LEN];
        int file; /* -1: a directory */
    } name[FILES_MAX];
    size_t count;
};

static struct {
    struct names first, now;
    struct buf content[FILES_MAX]; /* at the beginning */
    int files;
    struct op op[OPS_MAX];
    size_t ops;
    char directory[FDS_MAX][PATH_LEN]; /* of descriptors */
    int file[FDS_MAX];
} power;

/* What power_state() found. */
static struct state {
    struct names names;
    struct buf content[FILES_MAX];
} state;

static int name_find(const struct names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->name[i].path, path) == 0)
            return (int)i;
    return -1;
}

static void name_remove(struct names *names, const char *path)
{
    int at = name_find(names, path);

    if (at >= 0)
        names->name[at] = names->name[--names->count];
}

static void name_set(struct names *names, const char *path, int file)
{
    name_remove(names, path);
    cr_assert_lt(names->count, FILES_MAX);
    (void)snprintf(names->name[names->count].path, PATH_LEN, "%s", path);
    names->name[names->count++].file = file;
}

static size_t root_len;

static int take_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    const char *name = path + root_len + (path[root_len] == '/');
    struct err err = {0};
    AUTO_FD fd = -1;

    (void)status;
    (void)walk;
    if (*name == '\0')
        return 0;
    name_set(&power.first, name, type == FTW_D ? -1 : power.files);
    if (type == FTW_D)
        return 0;
    power.content[power.files] = (struct buf)BUF_INIT(4 * 1024 * 1024);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return file_read(fd, path, &power.content[power.files++], &err) != RESULT_OK;
}

void power_begin(const struct test_log *log)
{
    root_len = strlen(log->path);
    cr_assert_eq(nftw(log->path, take_one, 16, FTW_PHYS), 0);
    power.now = power.first;
}

static void ops_forget(size_t count)
{
    while (power.ops > count)
        free(power.op[--power.ops].bytes);
}

void power_end(void)
{
    ops_forget(0);
    for (int i = 0; i < power.files; i++)
        buf_free(&power.content[i]);
    for (int i = 0; i < FILES_MAX; i++)
        buf_free(&state.content[i]);
    memset(&power, 0, sizeof power);
}

size_t power_changes(void)
{
    return power.ops;
}

static struct op *op_add(enum kind kind, int file, const char *path)
{
    struct op *op = &power.op[power.ops++];

    cr_assert_lt(power.ops, OPS_MAX);
    *op = (struct op){.kind = kind, .file = file};
    (void)snprintf(op->path, PATH_LEN, "%s", path);
    return op;
}

static void path_join(char out[PATH_LEN], int dirfd, const char *name)
{
    const char *parent = power.directory[dirfd];
    int len;

    if (strcmp(name, ".") == 0)
        len = snprintf(out, PATH_LEN, "%s", parent);
    else
        len = snprintf(out, PATH_LEN, "%s%s%s", parent, *parent != '\0' ? "/" : "", name);
    cr_assert_lt(len, PATH_LEN);
}

static void saw_open(const struct disk_call *call, const char *path)
{
    int fd = (int)call->size, at = name_find(&power.now, path);
    bool made = at < 0 && (call->flags & O_CREAT);

    cr_assert_lt(fd, FDS_MAX);
    (void)snprintf(power.directory[fd], PATH_LEN, "%s", path);
    power.file[fd] = made ? power.files++ : at < 0 ? -1 : power.now.name[at].file;
    cr_assert_lt(power.files, FILES_MAX);
    if (made) {
        (void)op_add(CREATE, power.file[fd], path);
        name_set(&power.now, path, power.file[fd]);
    } else if (call->flags & O_TRUNC) {
        (void)op_add(CUT, power.file[fd], path);
    }
}

static void saw_bytes(const struct disk_call *call)
{
    bool writes = strcmp(call->name, "write") == 0;
    struct op *op = op_add(writes ? WRITE : CUT, power.file[call->fd], power.directory[call->fd]);

    op->len = (size_t)call->size;
    if (!writes)
        return;
    op->bytes = malloc(op->len + 1);
    cr_assert_not_null(op->bytes);
    memcpy(op->bytes, call->bytes, op->len);
}

static void saw_name(const struct disk_call *call, const char *path)
{
    int at = name_find(&power.now, path);
    struct op *op;

    if (strcmp(call->name, "mkdirat") == 0) {
        (void)op_add(MAKE_DIRECTORY, -1, path);
        name_set(&power.now, path, -1);
        return;
    }
    cr_assert_geq(at, 0, "%s", path);
    op = op_add(call->to != NULL ? RENAME : UNLINK, power.now.name[at].file, path);
    name_remove(&power.now, path);
    if (call->to == NULL)
        return;
    path_join(op->to, call->fd, call->to);
    name_set(&power.now, op->to, op->file);
}

static void saw(const struct disk_call *call)
{
    char path[PATH_LEN] = "";

    if (call->path != NULL)
        path_join(path, call->fd, call->path);
    if (strcmp(path, "lock") == 0 || strcmp(power.directory[call->fd], "lock") == 0)
        return;
    if (strcmp(call->name, "openat") == 0)
        saw_open(call, path);
    else if (call->path != NULL)
        saw_name(call, path);
    else if (strstr(call->name, "sync") == NULL)
        saw_bytes(call);
    else
        (void)op_add(power.file[call->fd] < 0 ? FLUSH_DIRECTORY : FLUSH, power.file[call->fd],
                     power.directory[call->fd]);
}

void power_watch(const struct test_log *log)
{
    power.directory[log->fd][0] = '\0';
    power.file[log->fd] = -1;
    disk_witness = saw;
    disk_arm(DISK_GOOD, 0, 0);
}

void power_rest(void)
{
    disk_disarm();
    disk_witness = NULL;
}

static bool is_parent(const char *directory, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash != NULL ? (size_t)(slash - path) : 0;

    return strlen(directory) == len && strncmp(directory, path, len) == 0;
}

static bool is_bytes(const struct op *op)
{
    return op->kind == WRITE || op->kind == CUT;
}

bool power_is_open(size_t change, size_t at)
{
    const struct op *op = &power.op[change];

    if (op->kind == FLUSH || op->kind == FLUSH_DIRECTORY)
        return false;
    for (size_t i = change + 1; i < at; i++) {
        const struct op *later = &power.op[i];

        if (is_bytes(op) ? later->kind == FLUSH && later->file == op->file
                         : later->kind == FLUSH_DIRECTORY && is_parent(later->path, op->path))
            return false;
    }
    return true;
}

size_t power_write_len(size_t change)
{
    return power.op[change].kind == WRITE ? power.op[change].len : 0;
}

static bool survives(const struct power_cut *cut, size_t change)
{
    const struct op *op = &power.op[change];

    if (!power_is_open(change, cut->at))
        return true;
    switch (cut->survive) {
    case ALL:
        return true;
    case NONE:
        return false;
    case BYTES:
        return is_bytes(op);
    case NAMES:
        return !is_bytes(op);
    case ALL_BUT_ONE:
        return change != cut->one;
    case ONE_ALONE:
        return change == cut->one;
    }
    return false;
}

static void bytes_write(const struct power_cut *cut, const struct op *op, bool last,
                        struct buf *content)
{
    size_t keep = last && cut->keep < op->len ? cut->keep : op->len;

    if (keep == op->len && !last) {
        buf_put(content, op->bytes, op->len);
        return;
    }
    for (size_t i = 0; i < op->len && (i < keep || cut->zeros); i++)
        buf_putc(content, (i < keep) != cut->swap || !last ? op->bytes[i] : '\0');
}

static void bytes_cut(struct buf *content, size_t len)
{
    struct buf whole = *content;

    *content = (struct buf)BUF_INIT(4 * 1024 * 1024);
    if (whole.len > 0)
        buf_put(content, whole.data, whole.len < len ? whole.len : len);
    buf_free(&whole);
}

static void op_name(const struct op *op, struct names *names)
{
    if (op->kind == UNLINK || op->kind == RENAME)
        name_remove(names, op->path);
    if (op->kind == CREATE || op->kind == MAKE_DIRECTORY)
        name_set(names, op->path, op->file);
    else if (op->kind == RENAME)
        name_set(names, op->to, op->file);
}

static void op_do(const struct power_cut *cut, size_t change, struct names *names,
                  struct buf *content)
{
    const struct op *op = &power.op[change];

    if (op->kind == WRITE)
        bytes_write(cut, op, change + 1 == cut->at, &content[op->file]);
    else if (op->kind == CUT)
        bytes_cut(&content[op->file], op->len);
    else
        op_name(op, names);
}

void power_cut_journal(size_t count)
{
    ops_forget(count);
    power.now = power.first;
    for (size_t i = 0; i < count; i++)
        op_name(&power.op[i], &power.now);
}

static void names_make(struct test_log *log, const struct names *names, struct buf *content)
{
    char path[PATH_LEN];

    /* A path sorts behind its parent's by length. */
    for (size_t len = 1; len < PATH_LEN; len++)
        for (size_t i = 0; i < names->count; i++) {
            const char *name = names->name[i].path;

            if (names->name[i].file >= 0 || strlen(name) != len)
                continue;
            (void)snprintf(path, sizeof path, "%s", name);
            (void)mkdirat(log->fd, path, 0700);
        }
    for (size_t i = 0; i < names->count; i++) {
        const struct buf *bytes = &content[names->name[i].file >= 0 ? names->name[i].file : 0];
        struct err err;
        AUTO_FD fd = -1;

        if (names->name[i].file < 0)
            continue;
        fd = openat(log->fd, names->name[i].path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0 && bytes->len > 0)
            cr_assert_eq(file_write(fd, "state", bytes->data, bytes->len, &err), RESULT_OK);
    }
}

static int names_compare(const void *a, const void *b)
{
    return strcmp(a, b); /* the path is its first member */
}

/* Of all names and what they hold. */
static void state_hash(uint8_t out[SHA256_LEN])
{
    AUTO_BUF text = BUF_INIT(64 * 1024);
    uint8_t digest[SHA256_LEN];

    for (size_t i = 0; i < state.names.count; i++) {
        int file = state.names.name[i].file;

        if (file >= 0)
            sha256(buf_text(&state.content[file]), state.content[file].len, digest);
        buf_printf(&text, "%s%s\n", state.names.name[i].path, file < 0 ? "/" : "");
        buf_put(&text, digest, file >= 0 ? SHA256_LEN : 0);
    }
    cr_assert(buf_ok(&text));
    sha256(buf_text(&text), text.len, out);
}

void power_state(const struct power_cut *cut, uint8_t hash[SHA256_LEN])
{
    state.names = power.first;
    for (int i = 0; i < FILES_MAX; i++) {
        buf_free(&state.content[i]);
        state.content[i] = (struct buf)BUF_INIT(4 * 1024 * 1024);
        if (power.content[i].len > 0)
            buf_put(&state.content[i], power.content[i].data, power.content[i].len);
    }
    for (size_t i = 0; i < cut->at; i++)
        if (survives(cut, i))
            op_do(cut, i, &state.names, state.content);
    qsort(state.names.name, state.names.count, sizeof *state.names.name, names_compare);
    state_hash(hash);
}

void power_make(const struct test_log *like, struct test_log *log)
{
    scene_place_like(like, log);
    names_make(log, &state.names, state.content);
}
