/* A file of secrets: {"georder_keystore": 1, "secrets": {NAME: JWE}}. Replaced whole, under a lock.
 */
#ifndef GEORDER_KEYS_KEYSTORE_H
#define GEORDER_KEYS_KEYSTORE_H

#include "base.h"

#define KEYSTORE_MAX (256 * KIB)

bool keystore_exists(const char *file);
/* *missing: no such file, or no such name in it. plain: BUF_SECRET. */
MUST_USE enum result keystore_get(const char *file, const char *name, const struct buf *passphrase,
                                  struct buf *plain, bool *missing, struct err *err);
/* Makes the file when there is none; in one that has secrets the passphrase must open one of them.
 * replace: false: a name that is there is an error. */
MUST_USE enum result keystore_put(const char *file, const char *name, const struct buf *passphrase,
                                  const struct buf *plain, bool replace, struct err *err);
MUST_USE enum result keystore_remove(const char *file, const char *name, struct err *err);

#endif
