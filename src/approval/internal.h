/* What the files of this folder share. */
#ifndef GEORDER_APPROVAL_INTERNAL_H
#define GEORDER_APPROVAL_INTERNAL_H

#include "approval.h"
#include "ssh_key.h"

#define USERS_MAX  16 /* of one principal, as are the next two */
#define GROUPS_MAX 16
#define KEYS_MAX   8

struct entry {
    struct principal view;
    const char *user[USERS_MAX], *group[GROUPS_MAX];
    struct principal_key key[KEYS_MAX];
    struct ssh_key ssh[KEYS_MAX]; /* those of `key` */
};

struct approvers {
    struct json_doc doc; /* its name and text are gone once it is loaded */
    struct approvers_facts facts;
    struct entry *entry; /* facts.principals; owned */
};

/* An SSHSIG, its parts where they stand in `blob`. */
struct sshsig {
    struct buf blob; /* owned */
    struct slice key, namespace, reserved, hash, signature;
};
/* From its armor. Errors are RESULT_CONFIG, without a place. Free it in any case. */
MUST_USE enum result sshsig_read(const char *text, size_t len, struct sshsig *out, struct err *err);
void sshsig_free(struct sshsig *sig);
/* What the key signs: its namespace and hash, over message. */
MUST_USE enum result sshsig_data(const struct sshsig *sig, const struct signed_bytes *message,
                                 struct buf *out, struct err *err);

#endif
