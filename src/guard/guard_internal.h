/* What the files of this folder share. */
#ifndef GEORDER_GUARD_INTERNAL_H
#define GEORDER_GUARD_INTERNAL_H

#include "guard.h"

/* Landlock: no file access but beneath dirfd (-1: none at all), no TCP, no abstract sockets, and,
 * unless `signals`, none to processes outside. *abi is 0, and the result OK, on a kernel without.
 */
MUST_USE enum result landlock_restrict(int dirfd, bool writes, bool signals, int *abi,
                                       struct err *err);

/* The same, with what reach names. */
MUST_USE enum result landlock_reach(const struct guard_reach *reach, int *abi, struct err *err);

MUST_USE enum result seccomp_main(bool files, bool writes, struct err *err);
MUST_USE enum result seccomp_keys(bool network, struct err *err);
MUST_USE enum result seccomp_net(struct err *err);

#endif
