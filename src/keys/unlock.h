/* Who opens a keystore here and now: its passphrase, or a key on a token that it is encrypted to.
 */
#ifndef GEORDER_KEYS_UNLOCK_H
#define GEORDER_KEYS_UNLOCK_H

#include "jwe.h"
#include "secret.h"

#define PASSPHRASE_MIN 8

struct keystore;

struct unlock {
    struct ring *ring;
    const char *file;
    const struct secret_source *secret; /* of the passphrase */
    bool by_passphrase;                 /* no token is asked */
    struct buf *passphrase;             /* filled when it is first needed; the owner's */
    const char *without;                /* a kid that must not be what opens it, or NULL */
    int64_t iterations;                 /* of PBKDF2: what may still be spent */
};

/* The content key of a JWE of this keystore. key: BUF_SECRET(JWE_KEY_ROOM). */
MUST_USE enum result unlock_key(struct unlock *unlock, const struct keystore *store,
                                const cJSON *jwe, struct buf *key, struct err *err);
/* The passphrase that a keystore gets: not too short, and asked for twice. */
MUST_USE enum result passphrase_new(const struct secret_source *secret, const struct place *place,
                                    const char *file, struct buf *out, struct err *err);

#endif
