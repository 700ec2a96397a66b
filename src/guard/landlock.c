#include "guard_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 6.18, include/uapi/linux/landlock.h. Under names of our own: Debian 12's header ends at
 * ABI 2. */
#define RIGHTS_ABI_1   ((1ULL << 13) - 1)
#define RIGHT_REFER    (1ULL << 13) /* ABI 2 */
#define RIGHT_TRUNCATE (1ULL << 14) /* ABI 3 */
#define RIGHT_IOCTL    (1ULL << 15) /* ABI 5 */
#define NET_BIND       (1ULL << 0)  /* ABI 4 */
#define NET_CONNECT    (1ULL << 1)
#define SCOPE_ABSTRACT (1ULL << 0) /* ABI 6 */
#define SCOPE_SIGNAL   (1ULL << 1)

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITING                                                                                    \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |   \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | RIGHT_REFER |                \
     RIGHT_TRUNCATE)

/* What a module's daemon is spoken to by. */
#define MAKING (LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO)

struct ruleset {
    uint64_t files, net, scoped;
};

static size_t ruleset_size(int abi)
{
    return sizeof(uint64_t) * (abi >= 6 ? 3 : abi >= 4 ? 2 : 1);
}

static uint64_t rights_known(int abi)
{
    return RIGHTS_ABI_1 | (abi >= 2 ? RIGHT_REFER : 0) | (abi >= 3 ? RIGHT_TRUNCATE : 0) |
           (abi >= 5 ? RIGHT_IOCTL : 0);
}

static enum result allow_beneath(int ruleset, int fd, uint64_t rights, const char *what,
                                 struct err *err)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};

    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return err_errno(err, RESULT_INTERNAL, "Landlock does not take %s", what);
    return RESULT_OK;
}

static enum result enforce(int ruleset, struct err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return err_errno(err, RESULT_INTERNAL, "Landlock does not take effect");
    return RESULT_OK;
}

/* *abi 0: the kernel has none, which is no fault. */
static enum result ruleset_make(struct ruleset *attr, int *ruleset, int *abi, struct err *err)
{
    *abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (*abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
        *abi = 0;
        return RESULT_OK;
    }
    attr->files = rights_known(*abi);
    *ruleset = (int)syscall(SYS_landlock_create_ruleset, attr, ruleset_size(*abi), 0);
    if (*abi < 0 || *ruleset < 0)
        return err_errno(err, RESULT_INTERNAL, "Landlock makes no ruleset");
    return RESULT_OK;
}

enum result landlock_restrict(int dirfd, bool writes, bool signals, int *abi, struct err *err)
{
    struct ruleset attr = {.net = NET_BIND | NET_CONNECT,
                           .scoped = SCOPE_ABSTRACT | (signals ? 0 : SCOPE_SIGNAL)};
    AUTO_FD ruleset = -1;
    enum result result = ruleset_make(&attr, &ruleset, abi, err);

    if (result != RESULT_OK || *abi == 0)
        return result;
    if (dirfd >= 0)
        result = allow_beneath(ruleset, dirfd, attr.files & (READING | (writes ? WRITING : 0)),
                               "the audit directory", err);
    return result == RESULT_OK ? enforce(ruleset, err) : result;
}

/* The rights that a directory alone can have are refused for a file. */
static uint64_t rights_of(int fd, uint64_t rights)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || S_ISDIR(status.st_mode))
        return rights;
    return rights & (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE |
                     RIGHT_IOCTL);
}

static enum result allow_path(int ruleset, const char *path, uint64_t rights, struct err *err)
{
    AUTO_FD fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        return err_errno(err, RESULT_CONFIG, "%s: what a PKCS#11 module may reach must be there",
                         path);
    return allow_beneath(ruleset, fd, rights_of(fd, rights), path, err);
}

static enum result allow_port(int ruleset, uint16_t port, struct err *err)
{
    struct {
        uint64_t allowed, port;
    } rule = {NET_CONNECT, port};

    if (syscall(SYS_landlock_add_rule, ruleset, 2 /* LANDLOCK_RULE_NET_PORT */, &rule, 0) != 0)
        return err_errno(err, RESULT_INTERNAL, "Landlock does not take port %u", port);
    return RESULT_OK;
}

static enum result allow_reach(int ruleset, const struct ruleset *attr, bool ports,
                               const struct guard_reach *reach, struct err *err)
{
    for (size_t i = 0; i < reach->paths; i++) {
        uint64_t rights = READING | (reach->path[i].writes ? WRITING | MAKING | RIGHT_IOCTL : 0);

        if (allow_path(ruleset, reach->path[i].path, attr->files & rights, err) != RESULT_OK)
            return err->result;
    }
    for (size_t i = 0; ports && i < reach->ports; i++)
        if (allow_port(ruleset, reach->port[i], err) != RESULT_OK)
            return err->result;
    return RESULT_OK;
}

enum result landlock_reach(const struct guard_reach *reach, int *abi, struct err *err)
{
    bool any_port = reach->calls != GUARD_STRICT && reach->ports == 0;
    struct ruleset attr = {.net = NET_BIND | (any_port ? 0 : NET_CONNECT),
                           .scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL};
    AUTO_FD ruleset = -1;
    enum result result = ruleset_make(&attr, &ruleset, abi, err);

    if (result != RESULT_OK || *abi == 0)
        return result;
    if (allow_reach(ruleset, &attr, *abi >= 4, reach, err) != RESULT_OK)
        return err->result;
    return enforce(ruleset, err);
}
