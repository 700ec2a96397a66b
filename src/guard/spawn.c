#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct birth {
    const char *name;
    pid_t parent;
    int exe, null, channel, report; /* report: where errno goes; closes when exec succeeds */
};

/* DIR/libexec/georder/NAME beside DIR/georder, or beside DIR/bin/georder. */
static enum result helper_path(const char *name, struct buf *out, struct err *err)
{
    char exe[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
    char *slash;

    if (len < 0)
        return err_errno(err, RESULT_INTERNAL, "/proc/self/exe cannot be read: /proc is needed");
    exe[len] = '\0';
    slash = strrchr(exe, '/');
    if (slash != NULL)
        *slash = '\0';
    slash = strrchr(exe, '/');
    if (slash != NULL && strcmp(slash, "/bin") == 0)
        *slash = '\0';
    buf_printf(out, "%s/libexec/georder/%s", exe, name);
    return buf_check(out, "the path of a helper", err);
}

/* First above what it replaces, so that no order of the numbers can go wrong. */
static bool place_descriptors(struct birth *birth)
{
    int *all[] = {&birth->exe, &birth->null, &birth->channel, &birth->report};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        *all[i] = fcntl(*all[i], F_DUPFD_CLOEXEC, GUARD_CHANNEL + 1);
        if (*all[i] < 0)
            return false;
    }
    return dup2(birth->null, STDIN_FILENO) >= 0 && dup2(birth->null, STDOUT_FILENO) >= 0 &&
           dup2(birth->channel, GUARD_CHANNEL) >= 0 &&
           close_range(GUARD_CHANNEL + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0;
}

/* Ctrl-C and a service's stop reach the whole group. Helpers end with their channel or with their
 * parent: it has to record what they have done. */
static bool leave_signals_to_parent(void)
{
    return signal(SIGHUP, SIG_IGN) != SIG_ERR && signal(SIGINT, SIG_IGN) != SIG_ERR &&
           signal(SIGTERM, SIG_IGN) != SIG_ERR;
}

static _Noreturn void become_helper(struct birth *birth, char *const argv[], char *const envp[])
{
    int number;

    /* The parent may have died before the kernel was told to watch it. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == birth->parent &&
        leave_signals_to_parent() && place_descriptors(birth))
        (void)fexecve(birth->exe, argv, envp);
    number = errno;
    if (write(birth->report, &number, sizeof number) < 0)
        _exit(126);
    _exit(127);
}

/* Nothing was said until the end: exec succeeded and closed it. */
static enum result await_exec(int report, const char *path, pid_t *pid, struct err *err)
{
    int number = 0;
    ssize_t got;

    do {
        got = read(report, &number, sizeof number);
    } while (got < 0 && errno == EINTR);
    if (got == 0)
        return RESULT_OK;
    if (got != sizeof number)
        number = EIO;
    (void)kill(*pid, SIGKILL);
    (void)waitpid(*pid, NULL, 0);
    *pid = -1; /* somebody else's soon, perhaps */
    errno = number;
    return err_errno(err, RESULT_INTERNAL, "%s: cannot be started", path);
}

static enum result give_birth(struct birth *birth, const char *path, pid_t *pid, struct err *err)
{
    char *argv[] = {strdup(birth->name), NULL}, *none[] = {NULL};
    /* After guard_start() this is what sanitizers and coverage need, and no more. */
    char **envp = GEORDER_SANITIZED || GEORDER_COVERAGE ? environ : none;
    int report[2];
    AUTO_FD from_child = -1;

    if (pipe2(report, O_CLOEXEC) != 0)
        return err_errno(err, RESULT_INTERNAL, "%s: no pipe", path);
    from_child = report[0];
    birth->report = report[1];
    *pid = fork();
    if (*pid == 0)
        become_helper(birth, argv, envp);
    fd_close(&birth->report);
    free(argv[0]);
    if (*pid < 0)
        return err_errno(err, RESULT_INTERNAL, "%s: no new process", path);
    return await_exec(from_child, path, pid, err);
}

enum result guard_spawn(const char *name, int channel, pid_t *pid, struct err *err)
{
    struct birth birth = {.name = name, .parent = getpid(), .channel = channel};
    AUTO_BUF path = BUF_INIT(PATH_MAX);
    AUTO_FD exe = -1;
    AUTO_FD null = -1;
    enum result result = helper_path(name, &path, err);

    if (result == RESULT_OK)
        result = guard_open(buf_text(&path), GUARD_INSTALLED, RESULT_INTERNAL, &exe, err);
    if (result != RESULT_OK)
        return result;
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return err_errno(err, RESULT_INTERNAL, "/dev/null cannot be opened");
    birth.exe = exe;
    birth.null = null;
    return give_birth(&birth, buf_text(&path), pid, err);
}
