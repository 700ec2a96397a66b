#include "helper_tokens.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper_keys.h"

static void path_join(char out[512], const char *directory, const char *name)
{
    cr_assert(snprintf(out, 512, "%s/%s", directory, name) < 512);
}

/* Calls `one` for each entry of a directory. */
static void each(const char *from, const char *to, void (*one)(const char *, const char *))
{
    DIR *directory = opendir(from);
    struct dirent *entry;

    cr_assert_not_null(directory, "%s", from);
    while ((entry = readdir(directory)) != NULL) {
        char source[512], target[512];

        if (entry->d_name[0] == '.')
            continue;
        path_join(source, from, entry->d_name);
        path_join(target, to, entry->d_name);
        one(source, target);
    }
    (void)closedir(directory);
}

static void file_copy(const char *source, const char *target)
{
    int from = open(source, O_RDONLY | O_CLOEXEC);
    int to = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat status;

    cr_assert(from >= 0 && to >= 0 && fstat(from, &status) == 0, "%s", source);
    cr_assert_eq(sendfile(to, from, NULL, (size_t)status.st_size), status.st_size);
    (void)close(from);
    (void)close(to);
}

static void file_remove(const char *path, const char *ignored)
{
    (void)ignored;
    cr_assert_eq(unlink(path), 0, "%s", path);
}

static void token_copy(const char *source, const char *target)
{
    cr_assert(mkdir(target, 0700) == 0 || errno == EEXIST, "%s", target);
    each(target, "", file_remove);
    each(source, target, file_copy);
}

void tokens_keep(void)
{
    char tokens[512], kept[512];

    path_join(tokens, home, "tokens");
    path_join(kept, home, "kept");
    cr_assert_eq(mkdir(kept, 0700), 0);
    each(tokens, kept, token_copy);
}

void tokens_put_back(void)
{
    char tokens[512], kept[512];

    path_join(tokens, home, "tokens");
    path_join(kept, home, "kept");
    if (access(kept, F_OK) == 0)
        each(kept, tokens, token_copy);
}
