#include "guard_internal.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
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

static enum result allow_beneath(int ruleset, int dirfd, uint64_t rights, struct err *err)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = dirfd};

    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return err_errno(err, RESULT_INTERNAL, "Landlock does not take the audit directory");
    return RESULT_OK;
}

static enum result enforce(int ruleset, struct err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return err_errno(err, RESULT_INTERNAL, "Landlock does not take effect");
    return RESULT_OK;
}

enum result landlock_restrict(int dirfd, bool writes, bool signals, int *abi, struct err *err)
{
    struct ruleset attr = {.net = NET_BIND | NET_CONNECT,
                           .scoped = SCOPE_ABSTRACT | (signals ? 0 : SCOPE_SIGNAL)};
    enum result result = RESULT_OK;
    AUTO_FD ruleset = -1;

    *abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (*abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
        *abi = 0;
        return RESULT_OK;
    }
    attr.files = rights_known(*abi);
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, ruleset_size(*abi), 0);
    if (*abi < 0 || ruleset < 0)
        return err_errno(err, RESULT_INTERNAL, "Landlock makes no ruleset");
    if (dirfd >= 0)
        result =
            allow_beneath(ruleset, dirfd, attr.files & (READING | (writes ? WRITING : 0)), err);
    return result == RESULT_OK ? enforce(ruleset, err) : result;
}
