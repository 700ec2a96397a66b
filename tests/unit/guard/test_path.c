/* The checked walk: every refusal with its text, and what must not be refused. */
#include "guard.h"
#include "helper_guard.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *scratch;

static void enter(void)
{
    scratch = scratch_enter();
}

TestSuite(path, .init = enter, .fini = scratch_leave);

static void refuses(const char *path, enum guard_trust trust, const char *text)
{
    struct err err = {0};
    int fd = -1;

    cr_assert_eq(guard_open(path, trust, RESULT_CONFIG, &fd, &err), RESULT_CONFIG, "%s", path);
    cr_assert_eq(err.result, RESULT_CONFIG);
    cr_assert_eq(fd, -1);
    cr_assert_str_eq(err.text, text);
}

static void refuses_directory(const char *path, const char *text)
{
    struct err err = {0};
    int fd = -1;

    cr_assert_eq(guard_open_directory(path, RESULT_AUDIT, &fd, &err), RESULT_AUDIT, "%s", path);
    cr_assert_eq(err.result, RESULT_AUDIT);
    cr_assert_eq(fd, -1);
    cr_assert_str_eq(err.text, text);
}

static void takes(const char *path, enum guard_trust trust)
{
    struct err err = {0};
    AUTO_FD fd = -1;

    cr_assert_eq(guard_open(path, trust, RESULT_CONFIG, &fd, &err), RESULT_OK, "%s", err.text);
    cr_assert_geq(fd, 0);
    cr_assert_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
}

Test(path, takes_a_good_file_by_any_spelling)
{
    char absolute[PATH_MAX];

    scratch_directory("config", 0755);
    scratch_directory("config/sub", 0700);
    scratch_file("config/policy.json", 0644, "{}");
    (void)snprintf(absolute, sizeof absolute, "%s/config/policy.json", scratch);
    takes("config/policy.json", GUARD_PUBLIC);
    takes("./config//policy.json", GUARD_PUBLIC);
    takes("config/sub/../policy.json", GUARD_PUBLIC);
    takes(absolute, GUARD_PUBLIC); /* by way of /tmp: root's and sticky */
}

Test(path, reads_the_whole_file)
{
    struct err err = {0};
    AUTO_BUF text = BUF_INIT(16);

    scratch_file("pin", 0400, "1234\n");
    cr_assert_eq(guard_read("pin", GUARD_SECRET, RESULT_KEY, &text, &err), RESULT_OK);
    cr_assert_str_eq(buf_text(&text), "1234\n");
}

Test(path, gives_the_callers_result_to_a_file_that_is_too_large)
{
    struct err err = {0};
    AUTO_BUF text = BUF_INIT(4);

    scratch_file("order.json", 0644, "12345");
    cr_assert_eq(guard_read("order.json", GUARD_PUBLIC, RESULT_USAGE, &text, &err), RESULT_USAGE);
    cr_assert_eq(err.result, RESULT_USAGE);
    cr_assert_str_eq(err.text, "order.json: larger than 4 bytes");
}

Test(path, refuses_what_is_not_there)
{
    scratch_directory("config", 0755);
    refuses("config/no.json", GUARD_PUBLIC, "config/no.json: \"config/no.json\" does not exist");
    refuses("no/policy.json", GUARD_PUBLIC, "no/policy.json: \"no\" does not exist");
    refuses("", GUARD_PUBLIC, "a path is empty: name a file or directory");
}

Test(path, refuses_symbolic_links_at_the_end_and_in_the_middle)
{
    scratch_directory("real", 0755);
    scratch_file("real/policy.json", 0644, "{}");
    cr_assert_eq(symlink("real", "link"), 0);
    cr_assert_eq(symlink("policy.json", "real/link.json"), 0);
    refuses("link/policy.json", GUARD_PUBLIC,
            "link/policy.json: \"link\" is a symbolic link: give the real path");
    refuses("real/link.json", GUARD_PUBLIC,
            "real/link.json: \"real/link.json\" is a symbolic link: give the real path");
    refuses_directory("link", "link: \"link\" is a symbolic link: give the real path");
    refuses_directory("link/", "link/: \"link\" is a symbolic link: give the real path");
}

Test(path, refuses_what_others_may_write)
{
    scratch_directory("config", 0755);
    scratch_file("config/group.json", 0664, "{}");
    scratch_file("config/others.json", 0646, "{}");
    scratch_file("config/good.json", 0644, "{}");
    refuses("config/group.json", GUARD_PUBLIC,
            "config/group.json: \"config/group.json\" is writable by group or others (mode 0664): "
            "run chmod go-w config/group.json");
    refuses("config/others.json", GUARD_PUBLIC,
            "config/others.json: \"config/others.json\" is writable by group or others "
            "(mode 0646): run chmod go-w config/others.json");
    cr_assert_eq(chmod("config", 0777), 0);
    refuses("config/good.json", GUARD_PUBLIC,
            "config/good.json: \"config\" is writable by group or others (mode 0777): "
            "run chmod go-w config");
}

Test(path, names_a_bad_directory_above_the_working_directory)
{
    char text[PATH_MAX * 3];

    scratch_directory("open", 0775);
    scratch_directory("open/in", 0755);
    scratch_file("open/in/policy.json", 0644, "{}");
    cr_assert_eq(chdir("open/in"), 0);
    (void)snprintf(text, sizeof text,
                   "policy.json: \"%s/open\" is writable by group or others (mode 0775): "
                   "run chmod go-w %s/open",
                   scratch, scratch);
    refuses("policy.json", GUARD_PUBLIC, text);
}

Test(path, checks_the_directories_that_dots_lead_through)
{
    scratch_directory("open", 0777);
    scratch_file("policy.json", 0644, "{}");
    refuses("open/../policy.json", GUARD_PUBLIC,
            "open/../policy.json: \"open\" is writable by group or others (mode 0777): "
            "run chmod go-w open");
}

Test(path, refuses_a_secret_that_others_may_read)
{
    scratch_file("pin", 0640, "1234");
    scratch_file("pin.x", 0601, "1234");
    refuses("pin", GUARD_SECRET,
            "pin: \"pin\" is a secret open to group or others (mode 0640): run chmod go-rwx pin");
    refuses("pin.x", GUARD_SECRET,
            "pin.x: \"pin.x\" is a secret open to group or others (mode 0601): "
            "run chmod go-rwx pin.x");
    takes("pin", GUARD_PUBLIC);
    cr_assert_eq(chmod("pin", 0600), 0);
    takes("pin", GUARD_SECRET);
}

Test(path, refuses_a_second_name)
{
    scratch_file("policy.json", 0644, "{}");
    cr_assert_eq(link("policy.json", "other.json"), 0);
    refuses(
        "policy.json", GUARD_PUBLIC,
        "policy.json: \"policy.json\" has 2 names (hard links), not one: use a copy of its own");
    takes("policy.json", GUARD_INSTALLED);
}

Test(path, refuses_what_is_no_file)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    AUTO_FD listener = socket(AF_UNIX, SOCK_STREAM, 0);

    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(mkfifo("fifo", 0644), 0);
    scratch_directory("directory", 0755);
    scratch_file("file", 0644, "");
    refuses("fifo", GUARD_PUBLIC, "fifo: \"fifo\" is not a regular file");
    refuses("socket", GUARD_PUBLIC, "socket: \"socket\" is not a regular file");
    refuses("directory", GUARD_PUBLIC, "directory: \"directory\" is not a regular file");
    refuses("/", GUARD_PUBLIC, "/: \"/\" is not a regular file");
    refuses("file/policy.json", GUARD_PUBLIC, "file/policy.json: \"file\" is not a directory");
}

Test(path, refuses_a_stranger_s_file_and_directory)
{
    if (geteuid() != 0)
        scratch_skip("only root can make a stranger's file");
    scratch_file("policy.json", 0644, "{}");
    scratch_directory("theirs", 0755);
    scratch_file("theirs/policy.json", 0644, "{}");
    cr_assert_eq(chown("policy.json", 4711, 0), 0);
    cr_assert_eq(chown("theirs", 4711, 0), 0);
    refuses("policy.json", GUARD_PUBLIC,
            "policy.json: \"policy.json\" belongs to uid 4711, not to root or you (uid 0): "
            "run chown");
    refuses("theirs/policy.json", GUARD_PUBLIC,
            "theirs/policy.json: \"theirs\" belongs to uid 4711, not to root or you (uid 0): "
            "run chown");
    cr_assert_eq(chmod("theirs", 01777), 0); /* sticky, but not root's */
    refuses("theirs/policy.json", GUARD_PUBLIC,
            "theirs/policy.json: \"theirs\" belongs to uid 4711, not to root or you (uid 0): "
            "run chown");
}

static int open_as(uid_t uid, const char *path)
{
    struct err err = {0};
    int fd = -1, status;
    pid_t pid = fork();

    if (pid == 0) {
        if (setresuid(uid, uid, uid) != 0)
            _exit(99);
        _exit((int)guard_open(path, GUARD_PUBLIC, RESULT_CONFIG, &fd, &err));
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

Test(path, lets_a_user_have_own_files_and_root_s)
{
    if (geteuid() != 0)
        scratch_skip("only root can become someone else");
    cr_assert_eq(chmod(".", 0755), 0);
    scratch_file("root.json", 0644, "{}");
    scratch_file("mine.json", 0644, "{}");
    scratch_file("theirs.json", 0644, "{}");
    cr_assert_eq(chown("mine.json", 4711, 0), 0);
    cr_assert_eq(chown("theirs.json", 4712, 0), 0);
    scratch_directory("sticky", 01777);
    scratch_file("sticky/root.json", 0644, "{}");
    cr_assert_eq(open_as(4711, "sticky/root.json"), RESULT_OK);
    cr_assert_eq(chown("sticky", 4711, 0), 0); /* sticky serves root's directories alone */
    cr_assert_eq(open_as(4711, "sticky/root.json"), RESULT_CONFIG);
    cr_assert_eq(open_as(4711, "root.json"), RESULT_OK);
    cr_assert_eq(open_as(4711, "mine.json"), RESULT_OK);
    cr_assert_eq(open_as(4711, "theirs.json"), RESULT_CONFIG);
}

Test(path, opens_a_directory_to_work_in)
{
    struct err err = {0};
    AUTO_FD fd = -1;

    scratch_directory("audit", 0700);
    cr_assert_eq(guard_open_directory("audit/", RESULT_AUDIT, &fd, &err), RESULT_OK, "%s",
                 err.text);
    cr_assert_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(mkdirat(fd, "records", 0700), 0);
    cr_assert_eq(access("audit/records", F_OK), 0);
}

Test(path, refuses_directories_that_are_not_safe_to_work_in)
{
    scratch_directory("open", 0770);
    scratch_file("file", 0600, "");
    refuses_directory("open", "open: \"open\" is writable by group or others (mode 0770): "
                              "run chmod go-w open");
    refuses_directory("file", "file: \"file\" is not a directory");
    refuses_directory("none", "none: \"none\" does not exist");
    /* A way through, but no place to work in. */
    refuses_directory("/tmp", "/tmp: \"/tmp\" is writable by group or others (mode 1777): "
                              "run chmod go-w /tmp");
}

Test(path, refuses_a_path_that_is_too_long)
{
    char path[2 * PATH_MAX + 2];
    struct err err = {0};
    int fd = -1;

    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    cr_assert_eq(guard_open(path, GUARD_PUBLIC, RESULT_CONFIG, &fd, &err), RESULT_CONFIG);
    path[NAME_MAX + 1] = '\0';
    cr_assert_eq(guard_open(path, GUARD_PUBLIC, RESULT_CONFIG, &fd, &err), RESULT_CONFIG);
    cr_assert_not_null(strstr(err.text, "cannot be opened: File name too long"), "%s", err.text);
}

Test(path, joins_relative_paths_only)
{
    AUTO_BUF relative = BUF_INIT(64);
    AUTO_BUF absolute = BUF_INIT(64);

    guard_path(&relative, "/etc/georder", "policy.json");
    guard_path(&absolute, "/etc/georder", "/srv/policy.json");
    cr_assert_str_eq(buf_text(&relative), "/etc/georder/policy.json");
    cr_assert_str_eq(buf_text(&absolute), "/srv/policy.json");
}
