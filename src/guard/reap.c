#include "guard.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Returns whether the process ended in time. */
static bool await_end(pid_t pid, int64_t deadline)
{
    AUTO_FD fd = pidfd_open(pid, 0);
    struct pollfd poll_end = {.fd = fd, .events = POLLIN};
    int ready;

    if (fd < 0)
        return errno == ESRCH; /* waitpid() says so */
    do {
        int64_t left = deadline - clock_monotonic();

        if (left < 0)
            left = 0;
        ready = poll(&poll_end, 1, left > INT_MAX ? INT_MAX : (int)left);
    } while ((ready < 0 && errno == EINTR) || (ready == 0 && clock_monotonic() < deadline));
    return ready > 0;
}

static const char *signal_hint(int number)
{
    if (number == SIGSYS)
        return "it made a system call that its lock forbids; please report this";
    if (number == SIGALRM)
        return "a PKCS#11 module gave no answer in time (pkcs11.timeout in the config)";
    if (number == SIGKILL)
        return "killed from outside, perhaps for want of memory";
    return "it crashed; please report this";
}

static enum result judge(const char *name, int status, struct err *err)
{
    int number;

    if (WIFEXITED(status)) {
        if (WEXITSTATUS(status) == 0)
            return RESULT_OK;
        return err_set(err, RESULT_INTERNAL, "%s ended with status %d: see its messages above",
                       name, WEXITSTATUS(status));
    }
    number = WTERMSIG(status);
    return err_set(err, RESULT_INTERNAL, "%s was ended by signal %d (SIG%s): %s", name, number,
                   sigabbrev_np(number) != NULL ? sigabbrev_np(number) : "?", signal_hint(number));
}

enum result guard_reap(const char *name, pid_t pid, int64_t deadline, struct err *err)
{
    bool in_time;
    int status;
    pid_t got;

    if (pid <= 0) /* kill() would take it for a group, or for all */
        return err_set(err, RESULT_INTERNAL, "%s does not run", name);
    in_time = await_end(pid, deadline);
    if (!in_time)
        (void)kill(pid, SIGKILL);
    do {
        got = waitpid(pid, &status, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_errno(err, RESULT_INTERNAL, "%s cannot be waited for", name);
    if (!in_time)
        return err_set(err, RESULT_INTERNAL, "%s did not end in time and was killed", name);
    return judge(name, status, err);
}
