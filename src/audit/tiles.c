#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void tile_path(char out[TILE_PATH_LEN], unsigned level, uint64_t number, size_t width)
{
    uint64_t unit = 1;
    int at = snprintf(out, TILE_PATH_LEN, "tile/%u/", level);

    while (number / unit >= 1000)
        unit *= 1000;
    for (; unit > 1; unit /= 1000)
        at += snprintf(out + at, (size_t)(TILE_PATH_LEN - at), "x%03" PRIu64 "/",
                       number / unit % 1000);
    at += snprintf(out + at, (size_t)(TILE_PATH_LEN - at), "%03" PRIu64, number % 1000);
    if (width < TILE_WIDTH)
        (void)snprintf(out + at, (size_t)(TILE_PATH_LEN - at), ".p/%zu", width);
}

static bool tile_read(int dirfd, const char *path, uint8_t hashes[][SHA256_LEN], size_t width)
{
    AUTO_FD fd = openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;

    return fd >= 0 && fstat(fd, &status) == 0 && status.st_size == (off_t)(width * SHA256_LEN) &&
           pread(fd, hashes, width * SHA256_LEN, 0) == (ssize_t)(width * SHA256_LEN);
}

static void tile_peaks(struct hasher *hasher, uint8_t tile[][SHA256_LEN], size_t width,
                       uint8_t peak[][SHA256_LEN])
{
    uint8_t node[TILE_WIDTH][SHA256_LEN];
    size_t end = width;

    memcpy(node, tile, width * SHA256_LEN);
    for (unsigned height = 0; height < 8; height++) {
        size_t count = (size_t)1 << height;

        if ((width & count) == 0)
            continue;
        end -= count;
        nodes_fold(hasher, node + end, count);
        memcpy(peak[height], node[end], SHA256_LEN);
    }
}

bool tiles_load(int dirfd, uint64_t size, struct hasher *hasher, struct tree *tree)
{
    char path[TILE_PATH_LEN];

    tree->size = size;
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        uint64_t nodes = tree_nodes(size, level);
        size_t width = nodes % TILE_WIDTH;

        tile_path(path, level, nodes / TILE_WIDTH, width);
        if (width > 0 && !tile_read(dirfd, path, tree->tile[level], width))
            return false;
        tile_peaks(hasher, tree->tile[level], width, tree->peak + 8 * (size_t)level);
    }
    return true;
}

/* A tile as a tree of this size has it; it may have become full since. */
static bool tile_find(int dirfd, uint64_t nodes, unsigned level, uint64_t number,
                      uint8_t hashes[][SHA256_LEN], size_t *width)
{
    char path[TILE_PATH_LEN];

    *width = number < nodes / TILE_WIDTH ? TILE_WIDTH : nodes % TILE_WIDTH;
    tile_path(path, level, number, *width);
    if (*width > 0 && tile_read(dirfd, path, hashes, *width))
        return true;
    tile_path(path, level, number, TILE_WIDTH);
    return *width > 0 && tile_read(dirfd, path, hashes, TILE_WIDTH);
}

bool tiles_node(int dirfd, uint64_t size, struct hasher *hasher, unsigned level, uint64_t index,
                uint8_t out[SHA256_LEN])
{
    size_t count = (size_t)1 << level % 8, at = (size_t)(index * count % TILE_WIDTH), width;
    uint8_t node[TILE_WIDTH][SHA256_LEN];

    if (!tile_find(dirfd, tree_nodes(size, level / 8), level / 8, index * count / TILE_WIDTH, node,
                   &width) ||
        at + count > width)
        return false;
    nodes_fold(hasher, node + at, count);
    memcpy(out, node[at], SHA256_LEN);
    return true;
}

/* Makes the directories that a path names, as far as they are missing. */
static void parents_make(int dirfd, const char *path)
{
    char parent[TILE_PATH_LEN];

    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        memcpy(parent, path, (size_t)(slash - path));
        parent[slash - path] = '\0';
        (void)mkdirat(dirfd, parent, 0700);
    }
}

static int tile_open_new(int dirfd, const char *name)
{
    return openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* A full tile is never written again, so its name must stay; a partial one lost in a crash is made
 * anew. */
static enum result parents_flush(int dirfd, char path[TILE_PATH_LEN], bool *flush_failed,
                                 struct err *err)
{
    for (char *slash; (slash = strrchr(path, '/')) != NULL;) {
        *slash = '\0';
        AUTO_FD fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
            return err_errno(err, RESULT_AUDIT, "%s: cannot open", path);
        if (fsync(fd) != 0) {
            *flush_failed = true;
            return err_errno(err, RESULT_AUDIT, "%s: cannot flush", path);
        }
    }
    return RESULT_OK;
}

static enum result tile_write(int dirfd, char path[TILE_PATH_LEN], const void *hashes, size_t width,
                              bool *flush_failed, struct err *err)
{
    char name[TILE_PATH_LEN + 8];
    AUTO_FD fd = -1;

    (void)snprintf(name, sizeof name, "%s.new", path);
    fd = tile_open_new(dirfd, name);
    if (fd < 0 && errno == ENOENT) {
        parents_make(dirfd, path);
        fd = tile_open_new(dirfd, name);
    }
    if (fd < 0)
        return err_errno(err, RESULT_AUDIT, "%s: cannot make it", path);
    if (file_write(fd, path, hashes, width * SHA256_LEN, err) != RESULT_OK)
        return err->result = RESULT_AUDIT;
    if (width == TILE_WIDTH && fsync(fd) != 0) {
        *flush_failed = true;
        return err_errno(err, RESULT_AUDIT, "%s: cannot flush", path);
    }
    if (renameat(dirfd, name, dirfd, path) != 0)
        return err_errno(err, RESULT_AUDIT, "%s: cannot put in place", path);
    return width == TILE_WIDTH ? parents_flush(dirfd, path, flush_failed, err) : RESULT_OK;
}

enum result tiles_save(int dirfd, const struct tree *tree, uint64_t before, bool *flush_failed,
                       struct err *err)
{
    char path[TILE_PATH_LEN];

    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        uint64_t nodes = tree_nodes(tree->size, level), old = tree_nodes(before, level);
        size_t width = nodes % TILE_WIDTH;

        if (nodes == old)
            return RESULT_OK;
        tile_path(path, level, nodes / TILE_WIDTH - (width == 0), width == 0 ? TILE_WIDTH : width);
        if (tile_write(dirfd, path, tree->tile[level], width == 0 ? TILE_WIDTH : width,
                       flush_failed, err) != RESULT_OK)
            return err->result;
    }
    return RESULT_OK;
}

void tiles_prune(int dirfd, const struct tree *tree, uint64_t before)
{
    char path[TILE_PATH_LEN];

    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        uint64_t nodes = tree_nodes(tree->size, level), old = tree_nodes(before, level);

        if (nodes == old)
            return;
        if (old % TILE_WIDTH == 0)
            continue;
        tile_path(path, level, old / TILE_WIDTH, old % TILE_WIDTH);
        (void)unlinkat(dirfd, path, 0);
        if (nodes / TILE_WIDTH == old / TILE_WIDTH)
            continue;
        *strrchr(path, '/') = '\0';
        (void)unlinkat(dirfd, path, AT_REMOVEDIR);
    }
}
