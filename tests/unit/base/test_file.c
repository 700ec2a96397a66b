#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base.h"

static char place[] = "/tmp/georder-file-XXXXXX";
static int dir = -1;
static struct err err;

static void make_place(void)
{
    cr_assert_not_null(mkdtemp(place));
    dir = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(dir, 0);
}

static void remove_place(void)
{
    DIR *entries = fdopendir(dir);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (unlinkat(dirfd(entries), entry->d_name, 0) != 0)
            (void)unlinkat(dirfd(entries), entry->d_name, AT_REMOVEDIR);
    (void)closedir(entries);
    (void)rmdir(place);
}

TestSuite(file, .init = make_place, .fini = remove_place);

static size_t entries_count(void)
{
    size_t count = 0;
    DIR *entries = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    (void)closedir(entries);
    return count;
}

static void check_content(const char *name, const char *wanted)
{
    AUTO_FD fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    AUTO_BUF content = BUF_INIT(4096);
    cr_assert_geq(fd, 0);
    cr_assert_eq(file_read(fd, name, &content, &err), RESULT_OK, "%s", err.text);
    cr_assert_str_eq(buf_text(&content), wanted);
}

static mode_t mode_of(const char *name)
{
    struct stat info;
    cr_assert_eq(fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW), 0);
    return info.st_mode & 07777;
}

Test(file, replace_makes_and_replaces)
{
    cr_assert_eq(file_replace(dir, "a", "one", 3, 0600, &err), RESULT_OK, "%s", err.text);
    check_content("a", "one");
    cr_assert_eq(mode_of("a"), 0600);
    cr_assert_eq(file_replace(dir, "a", "", 0, 0644, &err), RESULT_OK, "%s", err.text);
    check_content("a", "");
    cr_assert_eq(mode_of("a"), 0644);
    cr_assert_eq(entries_count(), 1);
}

Test(file, mode_does_not_depend_on_the_umask)
{
    (void)umask(0777);
    cr_assert_eq(file_replace(dir, "a", "x", 1, 0640, &err), RESULT_OK, "%s", err.text);
    (void)umask(0);
    cr_assert_eq(file_create(dir, "b", "x", 1, 0400, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(mode_of("a"), 0640);
    cr_assert_eq(mode_of("b"), 0400);
}

Test(file, replace_changes_the_name_not_the_old_file)
{
    cr_assert_eq(file_replace(dir, "a", "old", 3, 0600, &err), RESULT_OK);
    AUTO_FD old = openat(dir, "a", O_RDONLY | O_CLOEXEC);
    AUTO_BUF content = BUF_INIT(64);
    cr_assert_eq(file_replace(dir, "a", "new", 3, 0600, &err), RESULT_OK);
    cr_assert_eq(file_read(old, "a", &content, &err), RESULT_OK);
    cr_assert_str_eq(buf_text(&content), "old");
    check_content("a", "new");
}

Test(file, replace_does_not_write_through_a_symlink)
{
    cr_assert_eq(file_replace(dir, "target", "kept", 4, 0600, &err), RESULT_OK);
    cr_assert_eq(symlinkat("target", dir, "link"), 0);
    cr_assert_eq(file_replace(dir, "link", "new", 3, 0600, &err), RESULT_OK);
    check_content("target", "kept");
    check_content("link", "new");
}

Test(file, replace_that_fails_leaves_nothing_behind)
{
    cr_assert_eq(mkdirat(dir, "a", 0700), 0);
    cr_assert_eq(file_replace(dir, "a", "x", 1, 0600, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "a: cannot put in place: Is a directory");
    cr_assert_eq(entries_count(), 1);
    cr_assert_eq(file_replace(-1, "a", "x", 1, 0600, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "a: cannot make a file beside it: Bad file descriptor");
}

Test(file, create_leaves_an_existing_file_alone)
{
    cr_assert_eq(file_create(dir, "a", "one", 3, 0600, &err), RESULT_OK, "%s", err.text);
    errno = 0;
    cr_assert_eq(file_create(dir, "a", "two", 3, 0644, &err), RESULT_INTERNAL);
    cr_assert_eq(errno, EEXIST);
    cr_assert_str_eq(err.text, "a: cannot put in place: File exists");
    check_content("a", "one");
    cr_assert_eq(mode_of("a"), 0600);
    cr_assert_eq(entries_count(), 1);
}

Test(file, create_takes_a_dangling_symlink_as_existing)
{
    cr_assert_eq(symlinkat("nowhere", dir, "a"), 0);
    cr_assert_eq(file_create(dir, "a", "x", 1, 0600, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "a: cannot put in place: File exists");
    cr_assert_eq(faccessat(dir, "nowhere", F_OK, 0), -1);
}

Test(file, read_is_bounded_by_the_buffer)
{
    char big[40000];
    memset(big, 'x', sizeof big);
    cr_assert_eq(file_replace(dir, "a", big, sizeof big, 0600, &err), RESULT_OK);
    AUTO_FD exact = openat(dir, "a", O_RDONLY | O_CLOEXEC);
    AUTO_BUF whole = BUF_INIT(sizeof big);
    cr_assert_eq(file_read(exact, "a", &whole, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(whole.len, sizeof big);
    cr_assert_eq(memcmp(whole.data, big, sizeof big), 0);
    AUTO_FD again = openat(dir, "a", O_RDONLY | O_CLOEXEC);
    AUTO_BUF small = BUF_INIT(sizeof big - 1);
    cr_assert_eq(file_read(again, "a", &small, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "a: larger than 39999 bytes");
}

Test(file, read_and_write_say_why_they_fail)
{
    AUTO_BUF out = BUF_INIT(64);
    cr_assert_eq(file_read(dir, "place", &out, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "place: cannot read: Is a directory");
    cr_assert_eq(file_write(dir, "place", "x", 1, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "place: cannot write: Bad file descriptor");
    AUTO_FD full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert_eq(file_write(full, "log", "x", 1, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "log: cannot write: No space left on device");
}

static void ignore_alarm(int number)
{
    (void)number;
}

/* Signals that cut a write into a pipe short, again and again. */
static void interrupt_often(long microseconds)
{
    struct sigaction action = {.sa_handler = ignore_alarm};
    struct itimerval often = {{0, microseconds}, {0, microseconds}};
    (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &often, NULL);
}

static void read_slowly(int fd, size_t len)
{
    char piece[4096];
    size_t seen = 0;
    bool same = true;
    for (ssize_t got; (got = read(fd, piece, sizeof piece)) > 0; seen += (size_t)got)
        for (ssize_t i = 0; i < got; i++)
            same = same && piece[i] == (char)((seen + (size_t)i) * 7 / 3);
    _exit(same && seen == len ? 42 : 1);
}

Test(file, write_continues_after_short_writes)
{
    size_t len = 4 << 20;
    AUTO_BUF content = BUF_INIT(len);
    char *room = buf_room(&content, len);
    int ends[2], status = 0;

    for (size_t i = 0; i < len; i++)
        room[i] = (char)(i * 7 / 3);
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[1]);
        read_slowly(ends[0], len);
    }
    (void)close(ends[0]);
    interrupt_often(500);
    cr_assert_eq(file_write(ends[1], "pipe", room, len, &err), RESULT_OK, "%s", err.text);
    interrupt_often(0);
    (void)close(ends[1]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42, "the reader saw other bytes");
}

Test(file, sync_needs_a_directory)
{
    cr_assert_eq(file_sync_directory(dir, "place", &err), RESULT_OK);
    cr_assert_eq(file_sync_directory(-1, "place", &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "place: cannot flush its directory: Bad file descriptor");
}

Test(file, close_is_safe_twice_and_keeps_errno)
{
    int fd = openat(dir, ".", O_RDONLY | O_CLOEXEC), number = fd;
    errno = EDOM;
    fd_close(&fd);
    cr_assert_eq(errno, EDOM);
    cr_assert_eq(fd, -1);
    cr_assert_eq(fcntl(number, F_GETFD), -1);
    fd_close(&fd);
    cr_assert_eq(fd, -1);
    fd = number;
    errno = EDOM;
    fd_close(&fd);
    cr_assert_eq(errno, EDOM, "a close that failed left its own errno");
}
