/* A keystore that is about to be written: its recipients, their content key, its secrets. */
#ifndef GEORDER_KEYS_DRAFT_H
#define GEORDER_KEYS_DRAFT_H

#include "keystore.h"

struct draft {
    struct buf key;         /* the content key of all */
    cJSON *listed, *sealed; /* owned: the recipients, of the file and of each JWE */
    cJSON *secrets;         /* owned */
};
#define AUTO_DRAFT __attribute__((cleanup(draft_free))) struct draft
#define DRAFT_INIT                                                                                 \
    {                                                                                              \
        .key = BUF_SECRET(JWE_KEY_ROOM)                                                            \
    }
void draft_free(struct draft *draft);

/* Empty, with a new content key, for nobody yet. */
MUST_USE enum result draft_new(struct draft *draft, struct err *err);
/* With all that is in a file. One of the first version is brought up to date by it. */
MUST_USE enum result draft_of(struct draft *draft, const struct keystore *store,
                              struct unlock *unlock, struct err *err);
MUST_USE enum result draft_add(struct draft *draft, const struct recipient *to, struct err *err);
MUST_USE enum result draft_put(struct draft *draft, const char *name, const struct buf *plain,
                               struct err *err);
/* All the secrets of another draft of the same file, encrypted anew. */
MUST_USE enum result draft_take(struct draft *draft, const struct draft *from,
                                const struct keystore *store, struct unlock *unlock,
                                struct err *err);

/* The lock of a keystore is its directory's. It is held while a person types: who writes next must
 * start from what was written before. */
struct lock {
    int dirfd;
    const char *last; /* of the path */
};
#define AUTO_LOCK __attribute__((cleanup(draft_unlock))) struct lock
void draft_unlock(struct lock *lock);
MUST_USE enum result draft_lock(const char *file, struct lock *lock, struct err *err);
MUST_USE enum result draft_write(const struct draft *draft, const struct lock *lock,
                                 struct err *err);
/* The file's own tree: to lose a secret, nobody needs to open it. */
MUST_USE enum result tree_write(const cJSON *root, const struct lock *lock, struct err *err);

#endif
