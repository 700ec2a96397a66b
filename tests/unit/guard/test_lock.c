/* The locks, each in a child process of its own: what still works, what gets an error, what kills.
 */
#include "guard.h"
#include "helper_guard.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NEED(is)                                                                                   \
    do {                                                                                           \
        if (!(is)) {                                                                               \
            dprintf(2, "%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #is, strerror(errno));      \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)
#define NEED_ERRNO(call, number) NEED((call) == -1 && errno == (number))
#define NEED_SANDBOX                                                                               \
    do {                                                                                           \
        if (!GEORDER_SANDBOX)                                                                      \
            scratch_skip("built without the sandbox");                                             \
    } while (0)

static long landlock_abi(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

#define NEED_LANDLOCK                                                                              \
    do {                                                                                           \
        if (!GEORDER_SANDBOX || landlock_abi() < 1)                                                \
            scratch_skip("built without the sandbox, or the kernel has no Landlock");              \
    } while (0)

static int audit_fd = -1; /* opened by the test, before the child locks itself */

static void enter(void)
{
    (void)scratch_enter();
    scratch_directory("audit", 0700);
    scratch_file("audit/log", 0600, "first\n");
    scratch_file("outside", 0600, "secret");
    audit_fd = open("audit", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(audit_fd, 0);
}

TestSuite(lock, .init = enter, .fini = scratch_leave);

static int status_of(void (*child)(void))
{
    int status;
    pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid == 0) {
        child();
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static void succeeds(void (*child)(void))
{
    int status = status_of(child);

    cr_assert(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
    cr_assert_eq(WEXITSTATUS(status), 0);
}

static void is_killed(void (*child)(void))
{
    int status = status_of(child);

    cr_assert(WIFSIGNALED(status), "exit status %d", WEXITSTATUS(status));
    cr_assert_eq(WTERMSIG(status), SIGSYS);
}

static void lock_main(int fd, bool writes)
{
    struct err err = {0};

    if (guard_lock_main(fd, writes, &err) != RESULT_OK) {
        dprintf(2, "%s\n", err.text);
        _exit(2);
    }
}

static void lock_writer(void)
{
    lock_main(audit_fd, true);
}

static void lock_reader(void)
{
    lock_main(audit_fd, false);
}

static void lock_fileless(void)
{
    lock_main(-1, false);
}

static void lock_net(void)
{
    struct err err = {0};

    if (guard_lock_net(&err) != RESULT_OK) {
        dprintf(2, "%s\n", err.text);
        _exit(2);
    }
}

static enum guard_calls keys_calls;
static uint16_t keys_port;

static void lock_keys(void)
{
    struct guard_reach reach = {.calls = keys_calls};
    struct err err = {0};

    if (guard_reach_path(&reach, "/etc", false, &err) != RESULT_OK ||
        guard_reach_path(&reach, "/dev/null", true, &err) != RESULT_OK ||
        (audit_fd > 0 && guard_reach_path(&reach, "audit", true, &err) != RESULT_OK) ||
        (keys_port > 0 && guard_reach_port(&reach, keys_port, &err) != RESULT_OK) ||
        guard_lock_keys(&reach, &err) != RESULT_OK) {
        dprintf(2, "%s\n", err.text);
        _exit(2);
    }
}

static void (*const LOCKS[])(void) = {lock_writer, lock_reader, lock_fileless, lock_net, lock_keys};
#define LOCKS_COUNT (sizeof LOCKS / sizeof LOCKS[0])
static size_t which; /* of LOCKS, for the children that try one thing under each */

/* What a role does in any case: memory, time, randomness, messages. */
static void use_the_ordinary(void)
{
    char id[UUID_LEN + 1], digest[SHA256_HEX_LEN + 1], stamp[RFC3339_LEN + 1];
    int64_t before = clock_monotonic();
    AUTO_BUF large = BUF_INIT(8 << 20);

    uuid7(clock_now(), id);
    NEED(strlen(id) == UUID_LEN);
    time_format(clock_now(), stamp);
    NEED(stamp[10] == 'T');
    sha256_hex("abc", 3, digest);
    NEED(memcmp(digest, "ba7816bf", 8) == 0);
    clock_sleep(2);
    NEED(clock_monotonic() > before);
    for (int i = 0; i < 4096; i++)
        buf_printf(&large, "%01024d", i);
    NEED(buf_ok(&large) && large.len == 4096 * 1024);
    NEED(getpid() > 0 && geteuid() == getuid());
    (void)isatty(2);
    dprintf(2, "%s", "");
}

static void use_messages(int pair[2])
{
    char byte = 'x', got = 0;
    struct iovec out = {&byte, 1}, in = {&got, 1};
    struct msghdr send = {.msg_iov = &out, .msg_iovlen = 1};
    struct msghdr receive = {.msg_iov = &in, .msg_iovlen = 1};

    NEED(sendmsg(pair[0], &send, MSG_NOSIGNAL) == 1);
    NEED(recvmsg(pair[1], &receive, MSG_CMSG_CLOEXEC) == 1 && got == 'x');
}

static void pair_open(int pair[2])
{
    NEED(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
}

static void child_ordinary(void)
{
    FILE *out = fopen("/dev/null", "w"); /* stdio looks at a file when it first writes */
    int pair[2];

    NEED(out != NULL);
    pair_open(pair);
    LOCKS[which]();
    use_the_ordinary();
    use_messages(pair);
    NEED(fputs("x", out) >= 0 && fclose(out) == 0);
}

Test(lock, leaves_every_role_what_it_works_with)
{
    for (which = 0; which < LOCKS_COUNT; which++)
        succeeds(child_ordinary);
}

static void child_twice(void)
{
    const struct guard_reach reach = {0};
    struct err err = {0};

    LOCKS[which]();
    NEED(guard_lock_main(-1, false, &err) == RESULT_INTERNAL);
    NEED(strcmp(err.text, "this process is locked already") == 0);
    NEED(guard_lock_net(&err) == RESULT_INTERNAL);
    NEED(guard_lock_keys(&reach, &err) == RESULT_INTERNAL);
}

Test(lock, is_taken_once)
{
    for (which = 0; which < LOCKS_COUNT; which++)
        succeeds(child_twice);
}

/* The level */

static void need_level(const char *landlock, const char *seccomp)
{
    char text[96];

    (void)snprintf(text, sizeof text, "landlock=%s seccomp=%s no_new_privs=1 dumpable=0", landlock,
                   seccomp);
    if (strcmp(guard_level_text(), text) != 0)
        dprintf(2, "level: %s, not %s\n", guard_level_text(), text);
    NEED(strcmp(guard_level_text(), text) == 0);
}

static const char *landlock_here(void)
{
    static char text[16];

    (void)snprintf(text, sizeof text, "%ld", landlock_abi());
    return landlock_abi() > 0 ? text : "none";
}

static void become_private(void)
{
    NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
}

static void child_level_before(void)
{
    NEED(strcmp(guard_level_text(), "landlock=off seccomp=off no_new_privs=0 dumpable=1") == 0);
    become_private();
    need_level("off", "off");
}

static void child_level_main(void)
{
    const char *abi = landlock_here();

    become_private();
    lock_writer();
    need_level(GEORDER_SANDBOX ? abi : "off", GEORDER_SANDBOX ? "kill" : "off");
}

static void child_level_net(void)
{
    const char *abi = landlock_here();

    become_private();
    lock_net();
    need_level(GEORDER_SANDBOX ? abi : "off", GEORDER_SANDBOX ? "kill" : "off");
}

static void child_level_keys(void)
{
    const char *abi = landlock_here();

    become_private();
    lock_keys();
    need_level(GEORDER_SANDBOX ? abi : "off", GEORDER_SANDBOX ? "strict" : "off");
}

Test(lock, tells_its_level)
{
    succeeds(child_level_before);
    succeeds(child_level_main);
    succeeds(child_level_net);
    succeeds(child_level_keys);
}

static void answer(int call, int number)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

    NEED(ctx != NULL);
    NEED(seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)number), call, 0) == 0);
    NEED(seccomp_load(ctx) == 0);
    seccomp_release(ctx);
}

static void child_old_kernel(void)
{
    answer(SCMP_SYS(landlock_create_ruleset), ENOSYS);
    become_private();
    lock_fileless();
    need_level("none", "kill");
    NEED_ERRNO(openat(AT_FDCWD, "outside", O_RDONLY), EACCES);
}

static void child_no_seccomp(void)
{
    const struct guard_reach reach = {0};
    struct err err = {0};

    answer(SCMP_SYS(seccomp), EINVAL);
    NEED(guard_lock_keys(&reach, &err) == RESULT_INTERNAL);
    NEED(strncmp(err.text, "seccomp does not take effect: ", 30) == 0);
    NEED(strstr(guard_level_text(), "seccomp=off") != NULL);
}

Test(lock, does_without_landlock_but_not_without_seccomp)
{
    NEED_SANDBOX;
    succeeds(child_old_kernel);
    succeeds(child_no_seccomp);
}

/* main */

static void child_audit_work(void)
{
    struct err err = {0};
    struct stat st;
    char text[8] = "";
    int fd;

    lock_writer();
    fd = openat(audit_fd, "log", O_RDWR | O_APPEND | O_CLOEXEC);
    NEED(fd >= 0 && flock(fd, LOCK_EX) == 0 && fstat(fd, &st) == 0 && st.st_size == 6);
    NEED(write(fd, "second\n", 7) == 7 && fdatasync(fd) == 0 && fsync(fd) == 0);
    NEED(pread(fd, text, 6, 0) == 6 && strcmp(text, "first\n") == 0);
    NEED(lseek(fd, 0, SEEK_END) == 13 && ftruncate(fd, 6) == 0);
    NEED(mkdirat(audit_fd, "bodies", 0700) == 0 && mkdirat(audit_fd, "tile", 0700) == 0);
    NEED(file_create(audit_fd, "body", "x", 1, 0600, &err) == RESULT_OK);
    NEED(file_replace(audit_fd, "checkpoint", "y", 1, 0600, &err) == RESULT_OK);
    NEED(file_replace(audit_fd, "checkpoint", "z", 1, 0600, &err) == RESULT_OK);
    NEED(renameat(audit_fd, "body", audit_fd, "bodies/body") == 0);
    NEED(linkat(audit_fd, "bodies/body", audit_fd, "tile/body", 0) == 0);
    NEED(unlinkat(audit_fd, "tile/body", 0) == 0 && unlinkat(audit_fd, "tile", AT_REMOVEDIR) == 0);
    NEED((fd = dup(fd)) >= 0 && close(fd) == 0);
}

Test(lock, lets_main_keep_the_log)
{
    succeeds(child_audit_work);
}

static void child_outside(void)
{
    lock_writer();
    NEED_ERRNO(openat(AT_FDCWD, "outside", O_RDONLY), EACCES);
    NEED_ERRNO(openat(audit_fd, "../outside", O_RDONLY), EACCES);
    NEED_ERRNO(openat(AT_FDCWD, "new", O_WRONLY | O_CREAT, 0600), EACCES);
    NEED_ERRNO(openat(AT_FDCWD, "/etc/passwd", O_RDONLY), EACCES);
    NEED_ERRNO(mkdirat(AT_FDCWD, "new", 0700), EACCES);
    NEED_ERRNO(unlinkat(AT_FDCWD, "outside", 0), EACCES);
    NEED(renameat(audit_fd, "log", AT_FDCWD, "log") == -1);
}

Test(lock, keeps_main_inside_the_log)
{
    NEED_LANDLOCK;
    succeeds(child_outside);
}

static void *count_up(void *argument)
{
    int *count = argument;
    char *memory = malloc(1 << 20);

    NEED(memory != NULL);
    memset(memory, 1, 1 << 20);
    *count += memory[4711];
    free(memory);
    return NULL;
}

static void child_threads(void)
{
    int count[4] = {0};
    pthread_t thread[4];

    lock_reader();
    NEED(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    for (int i = 0; i < 4; i++)
        NEED(pthread_create(&thread[i], NULL, count_up, &count[i]) == 0);
    for (int i = 0; i < 4; i++)
        NEED(pthread_join(thread[i], NULL) == 0 && count[i] == 1);
}

static void child_reader(void)
{
    bool truncation = landlock_abi() >= 3; /* older ones do not know of it */
    DIR *list;

    lock_reader();
    NEED(openat(audit_fd, "log", O_RDONLY) >= 0);
    NEED((list = fdopendir(audit_fd)) != NULL && readdir(list) != NULL);
    NEED_ERRNO(openat(audit_fd, "log", O_RDWR), EACCES);
    if (truncation)
        NEED_ERRNO(openat(audit_fd, "log", O_RDONLY | O_TRUNC), EACCES);
    NEED_ERRNO(openat(audit_fd, "new", O_WRONLY | O_CREAT, 0600), EACCES);
    NEED_ERRNO(mkdirat(audit_fd, "new", 0700), EACCES);
    NEED_ERRNO(unlinkat(audit_fd, "log", 0), EACCES);
    NEED_ERRNO(ftruncate(audit_fd, 0), EACCES);
}

Test(lock, lets_main_read_the_log_with_threads)
{
    NEED_LANDLOCK;
    succeeds(child_threads);
    succeeds(child_reader);
}

static void child_fileless(void)
{
    lock_fileless();
    NEED_ERRNO(openat(audit_fd, "log", O_RDONLY), EACCES);
    NEED_ERRNO(openat(AT_FDCWD, "/dev/null", O_RDWR), EACCES);
}

Test(lock, lets_main_have_no_file_at_all)
{
    NEED_SANDBOX;
    succeeds(child_fileless);
}

static void child_ends_helpers(void)
{
    struct err err = {0};
    int ends[2];
    pid_t good = fork(), hanging;

    if (good == 0)
        _exit(0);
    hanging = fork();
    if (hanging == 0) {
        pause();
        _exit(0);
    }
    lock_fileless();
    NEED(pipe2(ends, O_CLOEXEC) == 0);
    NEED(guard_reap("good", good, clock_monotonic() + 5000, &err) == RESULT_OK);
    NEED(guard_reap("hanging", hanging, clock_monotonic() + 20, &err) == RESULT_INTERNAL);
    NEED(strcmp(err.text, "hanging did not end in time and was killed") == 0);
}

Test(lock, lets_main_end_its_helpers)
{
    succeeds(child_ends_helpers);
}

/* Nobody gets these */

static void try_exec(void)
{
    char *argv[] = {NULL};

    (void)execve("/bin/true", argv, argv);
}

static void try_ptrace(void)
{
    (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void try_mount(void)
{
    (void)syscall(SYS_mount, "none", "/tmp", "tmpfs", 0UL, NULL);
}

static void try_unshare(void)
{
    (void)unshare(CLONE_NEWUSER);
}

static void try_process_vm(void)
{
    (void)syscall(SYS_process_vm_readv, getpid(), NULL, 0UL, NULL, 0UL, 0UL);
}

static void try_bpf(void)
{
    (void)syscall(SYS_bpf, 0, NULL, 0);
}

static void try_perf(void)
{
    (void)syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0UL);
}

static void try_userfaultfd(void)
{
    (void)syscall(SYS_userfaultfd, 0);
}

static void try_i386(void)
{
#ifdef __x86_64__
    long result;

    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory"); /* getpid() of i386 */
#else
    (void)syscall(SYS_ptrace, 0);
#endif
}

static void try_x32(void)
{
#ifdef __x86_64__
    (void)syscall(0x40000000L | SYS_getpid);
#else
    (void)syscall(SYS_ptrace, 0);
#endif
}

static void (*const ATTEMPTS[])(void) = {try_exec,       try_ptrace, try_mount, try_unshare,
                                         try_process_vm, try_bpf,    try_perf,  try_userfaultfd,
                                         try_i386,       try_x32};
static size_t attempt;

static void child_attempt(void)
{
    LOCKS[which]();
    ATTEMPTS[attempt]();
}

Test(lock, ends_any_role_that_attacks)
{
    NEED_SANDBOX;
    for (which = 0; which < LOCKS_COUNT; which++)
        for (attempt = 0; attempt < sizeof ATTEMPTS / sizeof ATTEMPTS[0]; attempt++)
            is_killed(child_attempt);
}

/* Only main and net have allow lists. */

static void try_fork(void)
{
    if (fork() == 0)
        _exit(0);
}

static void try_executable_memory(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void try_executable_change(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    NEED(page != MAP_FAILED);
    (void)mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void try_bind(void)
{
    (void)bind(0, NULL, 0);
}

static void try_prctl(void)
{
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void try_inject(void)
{
    (void)ioctl(0, TIOCSTI, "x");
}

static void (*const STRANGE[])(void) = {try_fork, try_executable_memory, try_executable_change,
                                        try_bind, try_prctl};

static void child_strange(void)
{
    LOCKS[which]();
    STRANGE[attempt]();
}

static void child_inject(void)
{
    lock_writer();
    try_inject();
}

Test(lock, ends_main_and_net_at_what_their_lists_do_not_hold)
{
    NEED_SANDBOX;
    for (which = 0; LOCKS[which] != lock_keys; which++)
        for (attempt = 0; attempt < sizeof STRANGE / sizeof STRANGE[0]; attempt++)
            is_killed(child_strange);
    is_killed(child_inject);
}

static void child_no_sockets(void)
{
    int pair[2];

    LOCKS[which]();
    NEED_ERRNO(socket(AF_INET, SOCK_STREAM, 0), EACCES);
    NEED_ERRNO(socket(AF_UNIX, SOCK_STREAM, 0), EACCES);
    NEED_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), EACCES);
    NEED_ERRNO(access("/etc/passwd", R_OK), EACCES);
}

static void child_aborts(void)
{
    LOCKS[which]();
    abort();
}

Test(lock, gives_main_and_net_no_new_socket)
{
    NEED_SANDBOX;
    for (which = 0; LOCKS[which] != lock_keys; which++) {
        succeeds(child_no_sockets);
        cr_assert_eq(WTERMSIG(status_of(child_aborts)), SIGABRT);
    }
}

/* net */

static void child_net(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    int on = 1, pair[2], tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    NEED(tcp >= 0);
    pair_open(pair);
    lock_net();
    /* Nothing listens there, so a 0 is the filter's. */
    NEED(connect(tcp, (struct sockaddr *)&address, sizeof address) == 0);
    NEED(getsockname(tcp, (struct sockaddr *)&name, &len) == 0);
    NEED_ERRNO(getpeername(tcp, (struct sockaddr *)&name, &len), ENOTCONN);
    NEED(setsockopt(tcp, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0);
    NEED(send(pair[0], "x", 1, MSG_NOSIGNAL) == 1 && recv(pair[1], &on, 1, 0) == 1);
    NEED_ERRNO(openat(AT_FDCWD, "/etc/localtime", O_RDONLY), EACCES);
    NEED_ERRNO(openat(audit_fd, "log", O_RDONLY), EACCES);
    NEED(fopen("/etc/passwd", "r") == NULL && errno == EACCES);
    NEED(stat("/etc/passwd", &(struct stat){0}) == -1 && errno == EACCES);
    NEED(!isatty(0) && errno == ENOTTY);
    NEED(mmap(NULL, (size_t)600 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
         MAP_FAILED);
}

static void try_thread(void)
{
    pthread_t thread;
    int count = 0;

    (void)pthread_create(&thread, NULL, count_up, &count);
}

static void child_net_thread(void)
{
    lock_net();
    try_thread();
}

static void child_net_mkdir(void)
{
    lock_net();
    (void)mkdirat(audit_fd, "new", 0700);
}

Test(lock, leaves_net_its_connection_alone)
{
    NEED_SANDBOX;
    succeeds(child_net);
    is_killed(child_net_thread);
    is_killed(child_net_mkdir);
}

/* keys */

static void need_files(void)
{
    NEED(openat(AT_FDCWD, "/etc/passwd", O_RDONLY) >= 0);
    NEED(openat(AT_FDCWD, "/dev/null", O_RDWR) >= 0);
    NEED(openat(AT_FDCWD, "audit/new", O_RDWR | O_CREAT, 0600) >= 0);
    NEED(renameat(AT_FDCWD, "audit/new", AT_FDCWD, "audit/renamed") == 0);
    NEED(unlinkat(AT_FDCWD, "audit/renamed", 0) == 0);
    NEED_ERRNO(openat(AT_FDCWD, "outside", O_RDONLY), EACCES);
    NEED_ERRNO(openat(AT_FDCWD, "/etc/new", O_RDWR | O_CREAT, 0600), EACCES);
    NEED_ERRNO(openat(AT_FDCWD, "/proc/self/environ", O_RDONLY), EACCES);
}

static void need_threads_alone(void)
{
    pthread_t thread;
    int count = 0;

    NEED_ERRNO(fork(), EPERM);
    NEED_ERRNO(syscall(SYS_keyctl, 0, 0, 0, 0, 0), EPERM);
    NEED_ERRNO(syscall(SYS_io_uring_setup, 1, NULL), ENOSYS);
    NEED(pthread_create(&thread, NULL, count_up, &count) == 0);
    NEED(pthread_join(thread, NULL) == 0 && count == 1);
    NEED(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static void child_keys_strict(void)
{
    static const int FAMILIES[] = {AF_INET, AF_INET6, AF_PACKET, AF_NETLINK, AF_ALG, AF_VSOCK};

    become_private();
    lock_keys();
    for (size_t i = 0; i < sizeof FAMILIES / sizeof FAMILIES[0]; i++)
        NEED_ERRNO(socket(FAMILIES[i], SOCK_RAW, 0), EPERM);
    NEED(socket(AF_UNIX, SOCK_DGRAM, 0) >= 0);
    need_files();
    need_threads_alone();
}

/* Nothing listens there: refused by the peer's kernel is reached, EACCES is not. */
static int connects(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    AUTO_FD tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    NEED(tcp >= 0);
    return connect(tcp, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
}

static void child_keys_net(void)
{
    static const int FAMILIES[] = {AF_PACKET, AF_ALG, AF_VSOCK};
    long abi = landlock_abi();

    become_private();
    keys_calls = GUARD_NET;
    keys_port = 9;
    lock_keys();
    for (size_t i = 0; i < sizeof FAMILIES / sizeof FAMILIES[0]; i++)
        NEED_ERRNO(socket(FAMILIES[i], SOCK_RAW, 0), EPERM);
    NEED(connects(9) == ECONNREFUSED);
    NEED(abi < 4 || connects(10) == EACCES);
    need_files();
    need_threads_alone();
}

static void child_keys_off(void)
{
    become_private();
    keys_calls = GUARD_OFF;
    lock_keys();
    NEED(connects(9) == ECONNREFUSED);
    NEED_ERRNO(openat(AT_FDCWD, "outside", O_RDONLY), EACCES);
}

static void child_keys_missing(void)
{
    struct guard_reach reach = {0};
    struct err err = {0};

    NEED(guard_reach_path(&reach, "/nowhere/at/all", true, &err) == RESULT_OK);
    NEED(guard_lock_keys(&reach, &err) == RESULT_CONFIG);
    NEED(strstr(err.text, "/nowhere/at/all") != NULL);
}

Test(lock, leaves_keys_what_its_module_needs)
{
    NEED_SANDBOX;
    succeeds(child_keys_strict);
    succeeds(child_keys_net);
    succeeds(child_keys_off);
    succeeds(child_keys_missing);
}
