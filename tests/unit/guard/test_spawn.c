/*
 * How processes are started and end. Helpers are found from the place of the program that runs, so
 * the tests copy this program: as DIR/bin/parent (or DIR/parent), which stands for georder, and as
 * DIR/libexec/georder/child, which stands for a helper. A copy knows by argv[0] what it is.
 */
#include "guard.h"
#include "helper_guard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASSES (GEORDER_SANITIZED || GEORDER_COVERAGE)

static const char *scratch;

/* In the copies */

static void put_descriptors(struct buf *out)
{
    for (int fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            buf_printf(out, " %d", fd);
}

static void put_environment(struct buf *out)
{
    for (char **at = environ; *at != NULL; at++)
        buf_printf(out, " %s", *at);
}

static void put_null(struct buf *out, int fd)
{
    struct stat st, null;

    if (fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev)
        buf_printf(out, " %d", fd);
}

static void child_describe(struct buf *out, int argc, char **argv)
{
    int signal_of_death = 0;
    struct sigaction action;

    (void)prctl(PR_GET_PDEATHSIG, &signal_of_death);
    buf_printf(out, "argc %d %s\nenvironment", argc, argv[0]);
    put_environment(out);
    buf_puts(out, "\ndescriptors");
    put_descriptors(out);
    buf_puts(out, "\nnull");
    put_null(out, 0);
    put_null(out, 1);
    buf_puts(out, "\nignores");
    for (int number = 1; number < 32; number++)
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            buf_printf(out, " %s", sigabbrev_np(number));
    buf_printf(out, "\ndies with its parent by %d\n", signal_of_death);
}

/* Does what the byte that comes over the channel says. */
static _Noreturn void child_main(int argc, char **argv)
{
    AUTO_BUF out = BUF_INIT(4096);
    char order = 0;

    if (recv(GUARD_CHANNEL, &order, 1, 0) != 1)
        _exit(0);
    if (order == 'd') {
        child_describe(&out, argc, argv);
        _exit(send(GUARD_CHANNEL, out.data, out.len, MSG_NOSIGNAL) < 0);
    }
    if (order == 'f')
        _exit(3);
    if (order == 's')
        (void)raise(SIGSYS);
    if (order == 'k')
        (void)raise(SIGKILL);
    if (order == 'g')
        (void)raise(SIGSEGV);
    (void)pause();
    _exit(4);
}

static void parent_reap(const char *name, pid_t pid, int64_t ms)
{
    struct err err = {0};
    enum result result = guard_reap(name, pid, clock_monotonic() + ms, &err);

    dprintf(1, "%d %s\n", (int)result, err.text);
}

static void parent_spawn(char order)
{
    char answer[4096];
    int pair[2];
    ssize_t len;
    struct err err = {0};
    pid_t pid = -1;

    /* One not close-on-exec, and above 3, that must not reach the child. */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0 || dup2(2, 9) != 9)
        _exit(9);
    if (guard_spawn("child", pair[1], &pid, &err) != RESULT_OK) {
        dprintf(1, "%d %s\n", (int)err.result, pid == -1 ? err.text : "a pid is left behind");
        _exit(0);
    }
    (void)close(pair[1]);
    if (order == 'o') /* leave an orphan */
        _exit(0);
    if (order == 'e') /* hang up */
        (void)close(pair[0]);
    else if (send(pair[0], &order, 1, 0) != 1)
        _exit(9);
    if (order == 'd' && (len = recv(pair[0], answer, sizeof answer, 0)) > 0)
        dprintf(1, "%.*s", (int)len, answer);
    parent_reap("child", pid, order == 'h' ? 50 : 10000);
}

static void parent_describe(void)
{
    AUTO_BUF out = BUF_INIT(4096);
    struct rlimit core;
    struct sigaction pipe, child, hangup;
    sigset_t blocked;

    (void)getrlimit(RLIMIT_CORE, &core);
    (void)sigaction(SIGPIPE, NULL, &pipe);
    (void)sigaction(SIGCHLD, NULL, &child);
    (void)sigaction(SIGHUP, NULL, &hangup);
    (void)sigprocmask(SIG_BLOCK, NULL, &blocked);
    buf_puts(&out, "descriptors");
    put_descriptors(&out);
    buf_puts(&out, "\nnull");
    put_null(&out, 0);
    put_null(&out, 2);
    buf_puts(&out, "\nenvironment");
    put_environment(&out);
    buf_printf(&out, "\numask %03o core %llu\n%s\n", umask(0), (unsigned long long)core.rlim_max,
               guard_level_text());
    buf_printf(&out, "SIGPIPE %s SIGCHLD %s SIGHUP %s SIGTERM %s\n",
               pipe.sa_handler == SIG_IGN ? "ignored" : "not ignored",
               child.sa_handler == SIG_DFL ? "default" : "not default",
               hangup.sa_handler == SIG_IGN ? "ignored" : "not ignored",
               sigismember(&blocked, SIGTERM) ? "blocked" : "free");
    dprintf(1, "%s", buf_text(&out));
}

static _Noreturn void parent_main(char **argv)
{
    struct err err = {0};

    if (guard_start(3, &err) != RESULT_OK)
        _exit(8);
    if (argv[1][0] == '?')
        parent_describe();
    else
        parent_spawn(argv[1][0]);
    _exit(0);
}

/* Before Criterion's main. */
__attribute__((constructor)) static void act(int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], "child") == 0)
        child_main(argc, argv);
    if (argc > 1 && strcmp(argv[0], "parent") == 0)
        parent_main(argv);
}

/* In the tests */

static void copy_self(const char *path)
{
    static char piece[65536];
    ssize_t got;
    AUTO_FD from = open("/proc/self/exe", O_RDONLY);
    AUTO_FD to = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755);

    cr_assert(from >= 0 && to >= 0, "%s", path);
    while ((got = read(from, piece, sizeof piece)) > 0)
        cr_assert_eq(write(to, piece, (size_t)got), got);
    cr_assert_eq(got, 0);
}

static void enter(void)
{
    scratch = scratch_enter();
    scratch_directory("bin", 0755);
    scratch_directory("libexec", 0755);
    scratch_directory("libexec/georder", 0755);
    copy_self("bin/parent");
    copy_self("libexec/georder/child");
}

TestSuite(spawn, .init = enter, .fini = scratch_leave);

/* As a careless or hostile caller starts a program. */
static _Noreturn void parent_exec(const char *path, char *order, int out)
{
    char name[] = "parent", secret[] = "SSLKEYLOGFILE=/tmp/keys", conf[] = "OPENSSL_CONF=/tmp/conf",
         kept[] = "UBSAN_OPTIONS=print_stacktrace=1";
    char *argv[] = {name, order, NULL}, *envp[] = {secret, conf, kept, NULL};
    sigset_t term;

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &term, NULL);
    (void)signal(SIGCHLD, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)umask(0);
    if (dup2(out, 1) != 1 || dup2(out, 2) != 2 || dup2(out, 7) != 7)
        _exit(9);
    if (order[0] == '?') {
        (void)close(0);
        (void)close(2);
    }
    (void)execve(path, argv, envp);
    _exit(9);
}

/* All that the parent and its children say, until the last of them has ended. */
static void hear(int fd, char *text, size_t room)
{
    struct pollfd heard = {.fd = fd, .events = POLLIN};
    size_t len = 0;

    for (;;) {
        ssize_t got;

        cr_assert_eq(poll(&heard, 1, 20000), 1, "a process is left over");
        got = read(fd, text + len, room - 1 - len);
        cr_assert_geq(got, 0);
        if (got == 0)
            break;
        len += (size_t)got;
    }
    text[len] = '\0';
}

static const char *run_at(const char *path, const char *order)
{
    static char text[8192];
    char what[2] = {order[0], '\0'};
    int out[2], status;
    pid_t pid;

    cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0)
        parent_exec(path, what, out[1]);
    close(out[1]);
    hear(out[0], text, sizeof text);
    close(out[0]);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x: %s", (unsigned)status,
              text);
    return text;
}

static const char *run(const char *order)
{
    return run_at("bin/parent", order);
}

/* The text with the scratch directory for every "@". */
static const char *with_scratch(const char *text)
{
    static struct buf out = BUF_INIT(2048);

    buf_reset(&out);
    for (; *text != '\0'; text++)
        buf_put(&out, *text == '@' ? scratch : text, *text == '@' ? strlen(scratch) : 1);
    return buf_text(&out);
}

Test(spawn, start_makes_a_process_clean)
{
    char expected[512];

    (void)snprintf(expected, sizeof expected,
                   "descriptors 0 1 2\nnull 0 2\nenvironment%s OPENSSL_CONF=\numask 077 core 0\n"
                   "landlock=off seccomp=off no_new_privs=1 dumpable=%d\n"
                   "SIGPIPE ignored SIGCHLD default SIGHUP ignored SIGTERM free\n",
                   PASSES ? " UBSAN_OPTIONS=print_stacktrace=1" : "", GEORDER_SANITIZED);
    cr_assert_str_eq(run("?"), expected);
}

static const char *description(void)
{
    static char text[512];

    (void)snprintf(text, sizeof text,
                   "argc 1 child\nenvironment%s\ndescriptors 0 1 2 3\nnull 0 1\n"
                   "ignores HUP INT PIPE TERM\ndies with its parent by 9\n0 \n",
                   PASSES ? " UBSAN_OPTIONS=print_stacktrace=1 OPENSSL_CONF=" : "");
    return text;
}

Test(spawn, gives_a_helper_its_channel_and_nothing_else)
{
    cr_assert_str_eq(run("d"), description());
}

Test(spawn, finds_a_helper_in_the_tree_of_the_build_too)
{
    copy_self("parent");
    cr_assert_str_eq(run_at("./parent", "d"), description());
}

Test(spawn, kills_the_helper_with_the_parent)
{
    cr_assert_str_eq(run("o"), "");
}

Test(spawn, reap_tells_how_a_helper_ended)
{
    cr_assert_str_eq(run("e"), "0 \n");
    cr_assert_str_eq(run("f"), "1 child ended with status 3: see its messages above\n");
    cr_assert_str_eq(run("s"), "1 child was ended by signal 31 (SIGSYS): it made a system call "
                               "that its lock forbids; please report this\n");
    cr_assert_str_eq(run("k"), "1 child was ended by signal 9 (SIGKILL): killed from outside, "
                               "perhaps for want of memory\n");
    cr_assert_str_eq(run("h"), "1 child did not end in time and was killed\n");
}

Test(spawn, reap_tells_of_a_crash)
{
    if (GEORDER_SANITIZED)
        scratch_skip("the sanitizer has its own words for it");
    cr_assert_str_eq(run("g"), "1 child was ended by signal 11 (SIGSEGV): it crashed; please "
                               "report this\n");
}

Test(spawn, reap_tells_of_a_child_that_is_none)
{
    struct err err = {0};
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    cr_assert_eq(guard_reap("child", pid, clock_monotonic(), &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "child cannot be waited for: No child processes");
}

/* Were kill() called, this test program and its runner would be gone. */
Test(spawn, reap_ends_no_group)
{
    struct err err = {0};

    for (pid_t pid = -1; pid <= 0; pid++) {
        cr_assert_eq(guard_reap("child", pid, clock_monotonic(), &err), RESULT_INTERNAL);
        cr_assert_str_eq(err.text, "child does not run");
    }
}

Test(spawn, refuses_a_helper_that_others_could_change)
{
    cr_assert_eq(chmod("libexec/georder/child", 0775), 0);
    cr_assert_str_eq(run("d"),
                     with_scratch("1 @/libexec/georder/child: \"@/libexec/georder/child\" is "
                                  "writable by group or others (mode 0775): run chmod go-w "
                                  "@/libexec/georder/child\n"));
    cr_assert_eq(chmod("libexec/georder/child", 0755), 0);
    cr_assert_eq(chmod("libexec", 0777), 0);
    cr_assert_str_eq(run("d"),
                     with_scratch("1 @/libexec/georder/child: \"@/libexec\" is writable by "
                                  "group or others (mode 0777): run chmod go-w @/libexec\n"));
}

Test(spawn, refuses_a_helper_by_symbolic_link)
{
    cr_assert_eq(rename("libexec/georder/child", "child"), 0);
    cr_assert_eq(symlink("../../child", "libexec/georder/child"), 0);
    cr_assert_str_eq(run("d"),
                     with_scratch("1 @/libexec/georder/child: \"@/libexec/georder/child\" is a "
                                  "symbolic link: give the real path\n"));
}

Test(spawn, tells_of_a_helper_that_is_not_there_or_does_not_run)
{
    cr_assert_eq(unlink("libexec/georder/child"), 0);
    cr_assert_str_eq(run("d"),
                     with_scratch("1 @/libexec/georder/child: \"@/libexec/georder/child\" does "
                                  "not exist\n"));
    scratch_file("libexec/georder/child", 0755, "no program");
    cr_assert_str_eq(run("d"), with_scratch("1 @/libexec/georder/child: cannot be started: Exec "
                                            "format error\n"));
    cr_assert_eq(chmod("libexec/georder/child", 0644), 0);
    cr_assert_str_eq(run("d"), with_scratch("1 @/libexec/georder/child: cannot be started: "
                                            "Permission denied\n"));
}
