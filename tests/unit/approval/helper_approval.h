/* Signatures by the real ssh-keygen, in a directory of the test's own, and forged ones. */
#ifndef HELPER_APPROVAL_H
#define HELPER_APPROVAL_H

#include <openssl/evp.h>

#include "approval.h"

#define NOW     ((int64_t)1795000000000) /* 2026-11-18 */
#define MESSAGE "{\"georder_policy\": 1}\n"

extern char house[64];
void house_make(void);
void house_remove(void);
void house_file(const char *name, const void *bytes, size_t len);
void house_read(const char *name, struct buf *out);
/* Runs a program in the house, stdin from a file there (or NULL); returns its exit code. */
int house_run(const char *input, const char *const argv[]);

/* ssh-keygen -t type -b bits -f name, without a passphrase. */
void key_make(const char *name, const char *type, const char *bits);
/* The line of NAME.pub, without its newline. */
const char *key_line(const char *name);
/* ssh-keygen -Y sign of MESSAGE, or of other bytes; option: "hashalg=sha256" or NULL. */
void key_sign(const char *name, const char *namespace, const char *option, struct buf *out);
void key_sign_bytes(const char *name, const char *namespace, const char *option, const void *bytes,
                    size_t len, struct buf *out);
/* Whether the real ssh-keygen -Y verify takes the signature by this key over MESSAGE. */
bool openssh_accepts(const char *line, const char *namespace, const struct buf *signature);

/* A trust list: each row is "principal", key lines ended by NULL. */
#define ROW_KEYS 3
struct row {
    const char *principal, *key[ROW_KEYS], *more; /* more: members for each key, or NULL */
};
struct approvers *approvers_make(int64_t revision, int threshold, const struct row *rows,
                                 size_t count, struct buf *text);
struct approvers *approvers_one(const char *line); /* alice@example.com, threshold 1 */

/* alice@example.com.sig over MESSAGE for APPROVAL_POLICY at NOW. */
void check_as_alice(const struct approvers *approvers, const struct buf *signature,
                    struct approval *out);
/* Asserts: it is valid; it is not, for a reason that has this text. */
void expect_valid(const char *line, const struct buf *signature);
void expect_refused(const char *line, const struct buf *signature, const char *why);

/* A signature made by OpenSSL here, whose every part may be wrong. */
enum forge_kind { FORGE_ED25519, FORGE_ECDSA, FORGE_RSA, FORGE_SK_ED25519, FORGE_SK_ECDSA };
struct forge {
    enum forge_kind kind;
    EVP_PKEY *pkey;
    struct buf blob; /* the public key */
    const char *type, *algorithm, *digest;
    const char *namespace, *reserved, *hash, *application;
    uint32_t version;
    uint8_t flags;
    const char *tail;           /* behind everything */
    const char *signature_tail; /* inside the signature, behind its last field */
    const char *raw_tail;       /* inside the innermost string */
    size_t width;               /* of the lines */
};
void forge_make(struct forge *forge, enum forge_kind kind);
void forge_free(struct forge *forge);
const char *forge_line(const struct forge *forge); /* for approvers.json */
void forge_sign(const struct forge *forge, struct buf *out);
void armor(const struct buf *blob, size_t width, struct buf *out);

#endif
