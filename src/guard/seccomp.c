#include "guard_internal.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

/* The lists were measured with strace over glibc 2.36, OpenSSL 3.0 and libcurl 7.88.1, and then
 * rounded up by calls that neither open, run nor reach anything new. libseccomp itself checks the
 * architecture, x32 included. */

#define CALLS(list)  (list), sizeof(list) / sizeof *(list)
#define DENY(number) SCMP_ACT_ERRNO((uint32_t)(number))

/* Memory, time, signals, and descriptors that are open already. */
static const int COMMON[] = {SCMP_SYS(read),
                             SCMP_SYS(readv),
                             SCMP_SYS(write),
                             SCMP_SYS(writev),
                             SCMP_SYS(close),
                             SCMP_SYS(lseek),
                             SCMP_SYS(fcntl),
                             SCMP_SYS(poll),
                             SCMP_SYS(ppoll),
                             SCMP_SYS(sendmsg),
                             SCMP_SYS(recvmsg),
                             SCMP_SYS(sendto),
                             SCMP_SYS(recvfrom),
                             SCMP_SYS(shutdown),
                             SCMP_SYS(getsockopt),
                             SCMP_SYS(brk),
                             SCMP_SYS(munmap),
                             SCMP_SYS(mremap),
                             SCMP_SYS(madvise),
                             SCMP_SYS(mlock),
                             SCMP_SYS(mlock2),
                             SCMP_SYS(munlock),
                             SCMP_SYS(clock_gettime),
                             SCMP_SYS(clock_getres),
                             SCMP_SYS(clock_nanosleep),
                             SCMP_SYS(nanosleep),
                             SCMP_SYS(gettimeofday),
                             SCMP_SYS(time),
                             SCMP_SYS(restart_syscall),
                             SCMP_SYS(rt_sigaction),
                             SCMP_SYS(rt_sigprocmask),
                             SCMP_SYS(rt_sigreturn),
                             SCMP_SYS(sigaltstack),
                             SCMP_SYS(futex),
                             SCMP_SYS(sched_yield),
                             SCMP_SYS(getrandom),
                             SCMP_SYS(uname),
                             SCMP_SYS(sysinfo),
                             SCMP_SYS(getpid),
                             SCMP_SYS(getppid),
                             SCMP_SYS(gettid),
                             SCMP_SYS(getuid),
                             SCMP_SYS(geteuid),
                             SCMP_SYS(getgid),
                             SCMP_SYS(getegid),
                             SCMP_SYS(exit),
                             SCMP_SYS(exit_group)};

/* Libraries look for files and sockets on their own and can do without. */
static const int PROBES[] = {SCMP_SYS(socket),     SCMP_SYS(socketpair), SCMP_SYS(access),
                             SCMP_SYS(faccessat),  SCMP_SYS(faccessat2), SCMP_SYS(readlink),
                             SCMP_SYS(readlinkat), SCMP_SYS(statx),      SCMP_SYS(statfs),
                             SCMP_SYS(getcwd)};
static const int OPENING[] = {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2)};
/* What changes files; Landlock bounds where. */
static const int CHANGING[] = {SCMP_SYS(mkdirat),   SCMP_SYS(unlinkat), SCMP_SYS(renameat),
                               SCMP_SYS(renameat2), SCMP_SYS(linkat),   SCMP_SYS(ftruncate),
                               SCMP_SYS(fallocate), SCMP_SYS(fchmod),   SCMP_SYS(pwrite64)};
static const int MAIN[] = {
    /* files */
    SCMP_SYS(newfstatat), SCMP_SYS(fstat), SCMP_SYS(pread64), SCMP_SYS(getdents64), SCMP_SYS(fsync),
    SCMP_SYS(fdatasync), SCMP_SYS(flock), SCMP_SYS(fadvise64), SCMP_SYS(umask),
    /* descriptors to hand on; the ends of helpers */
    SCMP_SYS(pipe2), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(pidfd_open),
    SCMP_SYS(wait4), SCMP_SYS(waitid), SCMP_SYS(kill),
    /* threads */
    SCMP_SYS(rseq), SCMP_SYS(set_robust_list), SCMP_SYS(sched_getaffinity)};
static const int NET[] = {SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(setsockopt)};

/* For keys: what no PKCS#11 module does. */
static const int ATTACKS[] = {SCMP_SYS(execve),
                              SCMP_SYS(execveat),
                              SCMP_SYS(ptrace),
                              SCMP_SYS(process_vm_readv),
                              SCMP_SYS(process_vm_writev),
                              SCMP_SYS(process_madvise),
                              SCMP_SYS(pidfd_getfd),
                              SCMP_SYS(kcmp),
                              SCMP_SYS(mount),
                              SCMP_SYS(umount2),
                              SCMP_SYS(mount_setattr),
                              SCMP_SYS(move_mount),
                              SCMP_SYS(open_tree),
                              SCMP_SYS(fsopen),
                              SCMP_SYS(fsconfig),
                              SCMP_SYS(fsmount),
                              SCMP_SYS(fspick),
                              SCMP_SYS(pivot_root),
                              SCMP_SYS(chroot),
                              SCMP_SYS(setns),
                              SCMP_SYS(unshare),
                              SCMP_SYS(open_by_handle_at),
                              SCMP_SYS(fanotify_init),
                              SCMP_SYS(bpf),
                              SCMP_SYS(perf_event_open),
                              SCMP_SYS(userfaultfd),
                              SCMP_SYS(kexec_load),
                              SCMP_SYS(kexec_file_load),
                              SCMP_SYS(init_module),
                              SCMP_SYS(finit_module),
                              SCMP_SYS(delete_module),
                              SCMP_SYS(reboot),
                              SCMP_SYS(swapon),
                              SCMP_SYS(swapoff),
                              SCMP_SYS(acct),
                              SCMP_SYS(quotactl),
                              SCMP_SYS(syslog),
                              SCMP_SYS(iopl),
                              SCMP_SYS(ioperm),
                              SCMP_SYS(settimeofday),
                              SCMP_SYS(clock_settime),
                              SCMP_SYS(adjtimex),
                              SCMP_SYS(clock_adjtime),
                              SCMP_SYS(sethostname),
                              SCMP_SYS(setdomainname),
                              SCMP_SYS(vhangup),
                              SCMP_SYS(modify_ldt),
                              SCMP_SYS(uselib)};
/* For keys: measured on SoftHSM, opencryptoki, tpm2-pkcs11, NSS and p11-kit, and rounded up. What
 * is not there is refused, not killed: modules try this and that, and have error paths. */
static const int KEYS[] = {
    /* files */
    SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
    SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(access), SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
    SCMP_SYS(getdents64), SCMP_SYS(pread64), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(flock),
    SCMP_SYS(fadvise64), SCMP_SYS(umask), SCMP_SYS(mkdir), SCMP_SYS(rmdir), SCMP_SYS(unlink),
    SCMP_SYS(rename), SCMP_SYS(link), SCMP_SYS(chmod), SCMP_SYS(fchmodat), SCMP_SYS(chown),
    SCMP_SYS(fchown), SCMP_SYS(fchownat), SCMP_SYS(truncate), SCMP_SYS(utimensat),
    /* descriptors, waiting, threads */
    SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3),
    SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(eventfd2), SCMP_SYS(alarm),
    SCMP_SYS(setitimer), SCMP_SYS(rseq), SCMP_SYS(set_robust_list), SCMP_SYS(set_tid_address),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(membarrier), SCMP_SYS(getcpu), SCMP_SYS(getrusage),
    SCMP_SYS(times), SCMP_SYS(getresuid), SCMP_SYS(getresgid), SCMP_SYS(getgroups),
    SCMP_SYS(getpgrp), SCMP_SYS(getpgid), SCMP_SYS(getsid), SCMP_SYS(capget),
    /* memory, shared with a daemon */
    SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(mincore), SCMP_SYS(msync), SCMP_SYS(shmget),
    SCMP_SYS(shmat), SCMP_SYS(shmdt), SCMP_SYS(shmctl), SCMP_SYS(semget), SCMP_SYS(semop),
    SCMP_SYS(semctl), SCMP_SYS(semtimedop),
    /* sockets, as far as socket() gives any */
    SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
    SCMP_SYS(setsockopt), SCMP_SYS(socketpair), SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg)};
static const int ABSENT[] = {SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
                             SCMP_SYS(io_uring_register)};

struct filter {
    scmp_filter_ctx ctx;
    int rc; /* the first fault, negative errno */
};

static void filter_start(struct filter *filter, uint32_t otherwise)
{
    filter->rc = -ENOMEM;
    filter->ctx = seccomp_init(otherwise);
    if (filter->ctx != NULL)
        filter->rc = seccomp_attr_set(filter->ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (filter->rc == 0)
        filter->rc = seccomp_attr_set(filter->ctx, SCMP_FLTATR_CTL_TSYNC, 1);
    /* A binary tree: georder-keys' list is long, and a signature on SoftHSM makes twenty calls. */
    if (filter->rc == 0)
        filter->rc = seccomp_attr_set(filter->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
}

static void filter_each(struct filter *filter, uint32_t action, const int *calls, size_t count)
{
    for (size_t i = 0; i < count && filter->rc == 0; i++)
        filter->rc = seccomp_rule_add(filter->ctx, action, calls[i], 0);
}

static void filter_all(struct filter *filter, uint32_t action, int call)
{
    filter_each(filter, action, &call, 1);
}

static struct scmp_arg_cmp equal(unsigned arg, scmp_datum_t value)
{
    return (struct scmp_arg_cmp){.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value};
}

/* Of the bits in mask, just those in value are set. */
static struct scmp_arg_cmp bits(unsigned arg, scmp_datum_t mask, scmp_datum_t value)
{
    return (struct scmp_arg_cmp){
        .arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

static void filter_when(struct filter *filter, uint32_t action, int call, struct scmp_arg_cmp is)
{
    if (filter->rc == 0)
        filter->rc = seccomp_rule_add_array(filter->ctx, action, call, 1, &is);
}

static enum result filter_enforce(struct filter *filter, struct err *err)
{
    if (filter->rc == 0)
        filter->rc = seccomp_load(filter->ctx);
    if (filter->ctx != NULL)
        seccomp_release(filter->ctx);
    if (filter->rc != 0)
        return err_set(err, RESULT_INTERNAL,
                       "seccomp does not take effect: %s: a kernel with CONFIG_SECCOMP_FILTER is "
                       "needed",
                       strerror(-filter->rc));
    return RESULT_OK;
}

/* clone3() takes its flags by pointer, where a filter cannot look: glibc then takes clone(). */
static void no_clone3(struct filter *filter)
{
    filter_all(filter, DENY(ENOSYS), SCMP_SYS(clone3));
}

static void allow_common(struct filter *filter)
{
    filter_each(filter, SCMP_ACT_ALLOW, CALLS(COMMON));
    filter_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), bits(2, PROT_EXEC, 0));
    filter_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), bits(2, PROT_EXEC, 0));
    /* guard_level_text() */
    filter_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), equal(0, PR_GET_NO_NEW_PRIVS));
    filter_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), equal(0, PR_GET_DUMPABLE));
    /* abort() must end in SIGABRT, not look like a violation. */
    filter_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), equal(0, (scmp_datum_t)getpid()));
    filter_each(filter, DENY(EACCES), CALLS(PROBES));
    no_clone3(filter);
}

static void allow_threads(struct filter *filter)
{
    filter_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), bits(0, CLONE_THREAD, CLONE_THREAD));
}

enum result seccomp_main(bool files, bool writes, struct err *err)
{
    struct filter filter;

    filter_start(&filter, SCMP_ACT_KILL_PROCESS);
    allow_common(&filter);
    allow_threads(&filter);
    filter_each(&filter, SCMP_ACT_ALLOW, CALLS(MAIN));
    filter_each(&filter, files ? SCMP_ACT_ALLOW : DENY(EACCES), CALLS(OPENING));
    filter_each(&filter, files && writes ? SCMP_ACT_ALLOW : DENY(EACCES), CALLS(CHANGING));
    filter_when(&filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), equal(1, TCGETS));
    filter_when(&filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), equal(1, TIOCGWINSZ));
    /* To turn the terminal's echo on again, if it is ours. */
    filter_when(&filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), equal(1, TIOCGPGRP));
    filter_when(&filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), equal(1, TCFLSH));
    filter_when(&filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), equal(1, TCSETS));
    /* getrlimit() */
    filter_when(&filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), equal(2, 0));
    return filter_enforce(&filter, err);
}

enum result seccomp_net(struct err *err)
{
    struct filter filter;

    filter_start(&filter, SCMP_ACT_KILL_PROCESS);
    allow_common(&filter);
    filter_each(&filter, SCMP_ACT_ALLOW, CALLS(NET));
    /* libcurl 7.88.1 connects a connected socket once more: curl/curl#10626. */
    filter_all(&filter, DENY(0), SCMP_SYS(connect));
    filter_all(&filter, DENY(ENOTTY), SCMP_SYS(ioctl));
    filter_all(&filter, DENY(EACCES), SCMP_SYS(newfstatat));
    filter_each(&filter, DENY(EACCES), CALLS(OPENING));
    return filter_enforce(&filter, err);
}

static void allow_sockets(struct filter *filter, bool network)
{
    static const int families[] = {AF_INET, AF_INET6, AF_NETLINK};

    filter_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), equal(0, AF_UNIX));
    for (size_t i = 0; network && i < sizeof families / sizeof *families; i++)
        filter_when(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), equal(0, (scmp_datum_t)families[i]));
}

enum result seccomp_keys(bool network, struct err *err)
{
    struct filter filter;

    filter_start(&filter, DENY(EPERM));
    filter_each(&filter, SCMP_ACT_KILL_PROCESS, CALLS(ATTACKS));
    filter_each(&filter, DENY(ENOSYS), CALLS(ABSENT));
    filter_each(&filter, SCMP_ACT_ALLOW, CALLS(COMMON));
    filter_each(&filter, SCMP_ACT_ALLOW, CALLS(OPENING));
    filter_each(&filter, SCMP_ACT_ALLOW, CALLS(CHANGING));
    filter_each(&filter, SCMP_ACT_ALLOW, CALLS(KEYS));
    allow_threads(&filter);
    allow_sockets(&filter, network);
    no_clone3(&filter);
    /* getrlimit(); names of threads; devices, but for what types into a terminal */
    filter_when(&filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), equal(2, 0));
    filter_when(&filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), equal(0, PR_SET_NAME));
    filter_when(&filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), equal(0, PR_GET_NO_NEW_PRIVS));
    filter_when(&filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), equal(0, PR_GET_DUMPABLE));
    filter_when(&filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl),
                (struct scmp_arg_cmp){.arg = 1, .op = SCMP_CMP_NE, .datum_a = TIOCSTI});
    /* abort(), raise() */
    filter_when(&filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), equal(0, (scmp_datum_t)getpid()));
    return filter_enforce(&filter, err);
}
