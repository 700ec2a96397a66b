/*
 * How a role is born and locked in: descriptors, environment, limits, paths, Landlock, seccomp.
 * Each main() calls guard_start() first; helpers are started by guard_spawn() with an empty
 * environment and descriptor 3 as their only channel; each role locks itself before it reads what
 * comes from outside. Sources: DESIGN section 4; Linux landlock(7), seccomp(2), prctl(2).
 */
#ifndef GEORDER_GUARD_H
#define GEORDER_GUARD_H

#include "base.h"
#include "roles.h"

/* First line of main(): descriptors 0..2 open, those from first_free on closed, umask 077, no core,
 * not dumpable, no new privileges, environment emptied (OPENSSL_CONF set to ""), SIGPIPE ignored.
 */
MUST_USE enum result guard_start(int first_free, struct err *err);

#define GUARD_CHANNEL 3 /* where a helper finds its socket */

/* Starts libexec/georder/NAME, found from this executable's own place by a checked walk. Its
 * descriptor 0 and 1 are /dev/null, 2 is ours, 3 is `channel`; it is killed when we die, and
 * ignores SIGHUP, SIGINT and SIGTERM: those are for us. *pid is -1 when there is none. */
MUST_USE enum result guard_spawn(const char *name, int channel, pid_t *pid, struct err *err);
/* Waits till the deadline, then kills. Returns RESULT_INTERNAL when it ended by a signal. */
enum result guard_reap(const char *name, pid_t pid, int64_t deadline, struct err *err);

enum guard_trust {
    GUARD_PUBLIC,    /* config, policy, order, CA bundle: not writable by group or others */
    GUARD_SECRET,    /* PIN, passphrase, keystore: mode 0600 or 0400 */
    GUARD_INSTALLED, /* module, helper, data: as public, but hard links are well: installers, OSTree
                        and perf make */
};
/* Opens a regular file (one link, owned by root or the caller) by walking its path: no symlinks,
 * each directory owned by root or the caller and not writable by others, unless it is root's and
 * sticky, as /tmp is. `result` is what a fault means. Relative paths start at the working
 * directory. */
MUST_USE enum result guard_open(const char *path, enum guard_trust trust, enum result result,
                                int *fd, struct err *err);
/* The same, for a directory that is read and written below. */
MUST_USE enum result guard_open_directory(const char *path, enum result result, int *fd,
                                          struct err *err);
/* guard_open and file_read. */
MUST_USE enum result guard_read(const char *path, enum guard_trust trust, enum result result,
                                struct buf *out, struct err *err);
/* base + "/" + path, or path when it is absolute. */
void guard_path(struct buf *out, const char *base, const char *path);

/* What georder-keys may reach once it is locked: PKCS#11 modules need files, devices, threads, and
 * some a network. System calls: strict permits files, threads and AF_UNIX sockets; net permits
 * sockets too; off permits all. */
enum guard_calls { GUARD_STRICT, GUARD_NET, GUARD_OFF };
#define GUARD_PATHS 96
#define GUARD_PORTS 16
struct guard_reach {
    enum guard_calls calls;
    size_t paths, ports; /* TCP ports to connect to; none with GUARD_NET: any */
    struct {
        char *path; /* owned */
        bool writes;
    } path[GUARD_PATHS];
    uint16_t port[GUARD_PORTS];
};
#define AUTO_REACH __attribute__((cleanup(guard_reach_free))) struct guard_reach
void guard_reach_free(struct guard_reach *reach);
/* A file, a device, or all beneath a directory. */
MUST_USE enum result guard_reach_path(struct guard_reach *reach, const char *path, bool writes,
                                      struct err *err);
MUST_USE enum result guard_reach_port(struct guard_reach *reach, uint16_t port, struct err *err);

/* The locks. After one returns, what it does not permit is answered by an error or ends the
 * process. Calling it twice is an error. */
MUST_USE enum result guard_lock_main(int audit_dirfd, bool writes,
                                     struct err *err); /* -1: no files */
MUST_USE enum result guard_lock_keys(const struct guard_reach *reach, struct err *err);
MUST_USE enum result guard_lock_net(struct err *err); /* connect() then does nothing and says 0 */

/* "landlock=7 seccomp=kill no_new_privs=1 dumpable=0", "seccomp=off" in sanitizer builds ...: what
 * this process has reached so far. Static storage. */
const char *guard_level_text(void);

#endif
