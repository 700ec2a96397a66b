#include "helper_guard.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/georder-guard-XXXXXX";

const char *scratch_enter(void)
{
    umask(0);
    cr_assert_not_null(mkdtemp(root));
    cr_assert_eq(chdir(root), 0);
    return root;
}

static int take_away(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void scratch_leave(void)
{
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(nftw(root, take_away, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void scratch_skip(const char *why)
{
    scratch_leave();
    cr_skip_test("%s", why);
}

void scratch_file(const char *path, mode_t mode, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    cr_assert_geq(fd, 0, "%s", path);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

void scratch_directory(const char *path, mode_t mode)
{
    cr_assert_eq(mkdir(path, mode), 0, "%s", path);
}
