#include "guard.h"
#include "guard_internal.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* What this process has reached: a property of the process, so it is the process' one variable. */
static struct {
    bool locked;
    int landlock; /* ABI enforced, 0: not locked by it, -1: the kernel has none */
    const char *seccomp;
} level = {.seccomp = "off"};

static enum result lock_once(struct err *err)
{
    if (level.locked)
        return err_set(err, RESULT_INTERNAL, "this process is locked already");
    level.locked = true;
    return RESULT_OK;
}

static enum result lock_files(int dirfd, bool writes, bool signals, struct err *err)
{
    int abi = 0;
    enum result result = landlock_restrict(dirfd, writes, signals, &abi, err);

    if (result == RESULT_OK)
        level.landlock = abi > 0 ? abi : -1;
    return result;
}

static enum result lock_calls(enum result result, const char *how)
{
    if (result == RESULT_OK)
        level.seccomp = how;
    return result;
}

enum result guard_lock_main(int audit_dirfd, bool writes, struct err *err)
{
    enum result result = lock_once(err);

    if (result != RESULT_OK || !GEORDER_SANDBOX)
        return result;
    /* Signals: guard_reap() must be able to end the helpers, which are outside. */
    result = lock_files(audit_dirfd, writes, true, err);
    if (result != RESULT_OK)
        return result;
    return lock_calls(seccomp_main(audit_dirfd >= 0, writes, err), "kill");
}

enum result guard_lock_keys(const struct guard_reach *reach, struct err *err)
{
    enum result result = lock_once(err);
    int abi = 0;

    if (result != RESULT_OK || !GEORDER_SANDBOX)
        return result;
    result = landlock_reach(reach, &abi, err);
    if (result != RESULT_OK)
        return result;
    level.landlock = abi > 0 ? abi : -1;
    if (reach->calls == GUARD_OFF)
        return RESULT_OK;
    return lock_calls(seccomp_keys(reach->calls == GUARD_NET, err),
                      reach->calls == GUARD_NET ? "net" : "strict");
}

/* Not RLIMIT_FSIZE: the descriptor of stderr may be a file, long already. */
static enum result limit_net(struct err *err)
{
    const struct rlimit processes = {0, 0}, files = {64, 64},
                        memory = {(rlim_t)512 << 20, (rlim_t)512 << 20};

    if (setrlimit(RLIMIT_NPROC, &processes) != 0 || setrlimit(RLIMIT_NOFILE, &files) != 0 ||
        setrlimit(RLIMIT_AS, &memory) != 0)
        return err_errno(err, RESULT_INTERNAL, "limits cannot be set");
    return RESULT_OK;
}

enum result guard_lock_net(struct err *err)
{
    enum result result = lock_once(err);

    if (result != RESULT_OK || !GEORDER_SANDBOX)
        return result;
    result = limit_net(err);
    if (result == RESULT_OK)
        result = lock_files(-1, false, false, err);
    if (result != RESULT_OK)
        return result;
    return lock_calls(seccomp_net(err), "kill");
}

const char *guard_level_text(void)
{
    static char text[96];
    char landlock[16] = "off";

    if (level.landlock < 0)
        (void)snprintf(landlock, sizeof landlock, "none");
    else if (level.landlock > 0)
        (void)snprintf(landlock, sizeof landlock, "%d", level.landlock);
    (void)snprintf(text, sizeof text, "landlock=%s seccomp=%s no_new_privs=%d dumpable=%d",
                   landlock, level.seccomp, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
                   prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    return text;
}
