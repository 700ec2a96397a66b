#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* What sanitizers and coverage need, in the helpers too: guard_spawn() hands it on. */
static const char *const kept_names[] = {
#if GEORDER_SANITIZED || GEORDER_COVERAGE
    "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "GCOV_PREFIX",
#endif
    NULL};

/* A file opened at 0..2 would otherwise be written to by whoever prints. */
static enum result start_descriptors(int first_free, struct err *err)
{
    for (int fd = 0; fd <= 2; fd++) {
        /* open() takes the lowest free number, which is this one. */
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
            return err_errno(err, RESULT_INTERNAL, "/dev/null cannot be opened as descriptor %d",
                             fd);
    }
    if (close_range((unsigned)first_free, UINT_MAX, 0) != 0)
        return err_errno(err, RESULT_INTERNAL,
                         "descriptors from %d on cannot be closed: Linux 5.9 or later is needed",
                         first_free);
    return RESULT_OK;
}

static enum result start_process(struct err *err)
{
    const struct rlimit none = {0, 0};

    (void)umask(077);
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return err_errno(err, RESULT_INTERNAL, "core dumps cannot be forbidden");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_errno(err, RESULT_INTERNAL, "new privileges cannot be forbidden");
    /* core(5): a core_pattern with a pipe ignores the limit, not this. It would stop the leak
     * sanitizer, which traces the process that it is part of. */
    if (!GEORDER_SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_errno(err, RESULT_INTERNAL, "core dumps and tracing cannot be forbidden");
    return RESULT_OK;
}

/* A parent may have left SIGCHLD ignored, which makes waitpid() lose children, or signals blocked.
 * SIGHUP and SIGINT stay as they are: nohup and background jobs mean it so. */
static enum result start_signals(struct err *err)
{
    sigset_t none;

    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) != 0 || signal(SIGCHLD, SIG_DFL) == SIG_ERR ||
        signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return err_errno(err, RESULT_INTERNAL, "signals cannot be set up");
    return RESULT_OK;
}

static enum result start_environment(struct err *err)
{
    const char *value[sizeof kept_names / sizeof kept_names[0]];
    int rc;

    for (size_t i = 0; kept_names[i] != NULL; i++)
        value[i] = getenv(kept_names[i]); /* stays valid: the strings are the stack's */
    rc = clearenv();
    for (size_t i = 0; kept_names[i] != NULL; i++)
        if (value[i] != NULL)
            rc |= setenv(kept_names[i], value[i], 1);
    /* Empty, not absent: an absent one makes libcrypto read, and load modules named in, its file.
     */
    rc |= setenv("OPENSSL_CONF", "", 1);
    if (rc != 0)
        return err_errno(err, RESULT_INTERNAL, "the environment cannot be emptied");
    return RESULT_OK;
}

enum result guard_start(int first_free, struct err *err)
{
    enum result result = start_descriptors(first_free, err);

    if (result == RESULT_OK)
        result = start_process(err);
    if (result == RESULT_OK)
        result = start_signals(err);
    if (result == RESULT_OK)
        result = start_environment(err);
    return result;
}
