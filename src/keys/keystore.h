/*
 * A file of secrets, all encrypted to the same recipients:
 *   {"georder_keystore": 1, "recipients": [...], "check": JWE, "secrets": {NAME: JWE}}
 * All JWEs share one content key, so that a new secret needs but one recipient to be opened.
 * `check` is the text KEYSTORE_CHECK. A file of the first version has neither recipients nor check,
 * but one passphrase; it is brought up to date when it is written. Replaced whole, under a lock.
 */
#ifndef GEORDER_KEYS_KEYSTORE_H
#define GEORDER_KEYS_KEYSTORE_H

#include "unlock.h"

#define KEYSTORE_MAX   (256 * 1024)
#define KEYSTORE_CHECK "georder keystore"

struct keystore { /* as it was read */
    struct buf text;
    struct json_doc doc;
    const cJSON *recipients, *check; /* NULL: of the first version */
    const cJSON *secrets;
};
void keystore_free(struct keystore *store);
#define AUTO_KEYSTORE __attribute__((cleanup(keystore_free))) struct keystore
#define KEYSTORE_INIT                                                                              \
    {                                                                                              \
        .text = BUF_INIT(KEYSTORE_MAX)                                                             \
    }

bool keystore_exists(const char *file);
MUST_USE enum result keystore_read(const char *file, struct keystore *store, struct err *err);
/* Is it encrypted to this key; ""; to a passphrase? */
bool keystore_has(const struct keystore *store, const char *kid);
/* A recipient's member, or "". */
const char *keystore_text(const cJSON *recipient, const char *member);

/* The pkcs11: URIs of its recipients, before any module is loaded. No file: none. */
struct keystore_uris {
    size_t count;
    char uri[RECIPIENTS_MAX][URI_MAX + 1];
};
MUST_USE enum result keystore_uris(const char *file, struct keystore_uris *out, struct err *err);

/* *missing: no such file, or no such name in it. plain: BUF_SECRET. */
MUST_USE enum result keystore_get(struct unlock *unlock, const char *name, struct buf *plain,
                                  bool *missing, struct err *err);
/* Makes the file, for the passphrase alone, when there is none. replace: false: a name that is
 * there is an error. */
MUST_USE enum result keystore_put(struct unlock *unlock, const char *name, const struct buf *plain,
                                  bool replace, struct err *err);
MUST_USE enum result keystore_remove(const char *file, const char *name, struct err *err);

/* Its recipients change (keystore_change.c). */
MUST_USE enum result keystore_absent(const char *file, struct err *err);
MUST_USE enum result keystore_create(const char *file, const struct recipient *to, size_t count,
                                     struct err *err);
MUST_USE enum result keystore_add(struct unlock *unlock, const struct recipient *to,
                                  struct err *err);
/* A new content key, for the others: what was copied before does not help who is gone. */
MUST_USE enum result keystore_drop(struct unlock *unlock, const char *kid, struct err *err);
/* The old one first; then the new one is got from `from`. */
MUST_USE enum result keystore_change_passphrase(struct unlock *unlock,
                                                const struct secret_source *from,
                                                struct buf *passphrase, struct err *err);

#endif
