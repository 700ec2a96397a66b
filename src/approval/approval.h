/*
 * Who approved which bytes: the trust list (approvers.json), SSH signatures (SSHSIG, as `ssh-keygen
 * -Y sign` makes them) over the exact bytes of a file, and requests for dual control. Pure: bytes
 * in, no I/O, no clock; libcrypto alone. Times are Unix milliseconds.
 *
 * People are counted, not signatures. What is wrong with a signature is told, never fatal.
 * Sources: OpenSSH PROTOCOL.sshsig and PROTOCOL.u2f; RFC 4251, 4253, 5656, 8332, 8709; the counting
 * and the change of the trust list: TUF 1.0.34, sections 5.3 and 6.1.
 */
#ifndef GEORDER_APPROVAL_H
#define GEORDER_APPROVAL_H

#include "base.h"

/* Namespaces: what a signature is for. */
#define APPROVAL_POLICY    "georder-policy@georder"
#define APPROVAL_APPROVERS "georder-approvers@georder"
#define APPROVAL_ORDER     "georder-order@georder"

#define APPROVERS_MAX   (24 * 1024) /* bytes of approvers.json: it must fit into a record */
#define SIGNATURE_MAX   (16 * 1024) /* bytes of one signature file */
#define SIGNATURES_MAX  64          /* files beside one signed file; principals of a list too */
#define PRINCIPAL_LEN   251         /* with ".sig" it is a file's name: 255 bytes */
#define FINGERPRINT_LEN 50          /* "SHA256:" and 43 characters, as ssh-keygen -l shows it */
#define LOGIN_LEN       63

struct approvers; /* opaque; owned, approvers_free() */

/* Strict. Errors are RESULT_CONFIG: "approvers.json:4:11: /approvers/0/keys/0/key: ...". */
MUST_USE enum result approvers_load(const char *name, const char *text, size_t len,
                                    struct approvers **out, struct err *err);
void approvers_free(struct approvers **approvers);

struct approvers_facts {
    int64_t revision;
    uint32_t threshold;
    size_t principals;
    char digest[SHA256_HEX_LEN + 1]; /* of the file's bytes */
};
void approvers_facts(const struct approvers *approvers, struct approvers_facts *out);

struct principal_key {
    const char *type; /* "ssh-ed25519"; static storage */
    char fingerprint[FINGERPRINT_LEN + 1];
    int64_t valid_after, valid_before; /* from..before; 0 and INT64_MAX when left out */
    bool user_verification;            /* sk keys: PIN or finger, not just a touch */
};

struct principal { /* owned by the approvers, as is all in it */
    const char *name;
    size_t users, groups, keys;
    const char *const *user; /* login names on this host */
    const char *const *group;
    const struct principal_key *key;
};
/* The i-th, in the file's order; that of a name, or NULL. */
const struct principal *approvers_principal(const struct approvers *approvers, size_t index);
const struct principal *approvers_find(const struct approvers *approvers, const char *name);
/* Whether this login name is one of theirs: who asks for an order is no approver of it. */
MUST_USE bool principal_is_user(const struct principal *principal, const char *user);

/* A name that may be a principal: lower-case letters, digits, and . _ @ + - behind the first. */
MUST_USE bool principal_valid(const char *name);

struct signed_bytes {
    const char *namespace;
    const void *bytes;
    size_t len;
};

struct signature_file {
    const char *name; /* "alice@example.com.sig": says whose it is, the key must then be theirs */
    const char *text;
    size_t len;
};

struct approval {
    char file[256];
    char principal[PRINCIPAL_LEN + 1];     /* "" when the file's name says none */
    const char *type;                      /* of the signature's key, or ""; static storage */
    char fingerprint[FINGERPRINT_LEN + 1]; /* of the signature's key, or "" */
    bool valid;
    char why[512]; /* why not; "" when valid. May hold text from outside: escape it. */
};

/* `now` is when it is checked: SSHSIG has no time, so a key that is over takes its approvals along.
 */
void approval_check(const struct approvers *approvers, const struct signed_bytes *message,
                    const struct signature_file *file, int64_t now, struct approval *out);

struct approvals {
    size_t count, people; /* people: distinct principals with a valid signature */
    struct approval item[SIGNATURES_MAX];
};
/* All files, of which there may be SIGNATURES_MAX; those behind are not looked at. */
void approvals_check(const struct approvers *approvers, const struct signed_bytes *message,
                     const struct signature_file *files, size_t count, int64_t now,
                     struct approvals *out);
/* Distinct principals with a valid one. */
size_t approvals_people(const struct approval *list, size_t count);
/* RESULT_CONFIG "... approved by 1 of the 2 people needed: ..." when there are too few. */
MUST_USE enum result approvals_enough(const struct approvers *approvers,
                                      const struct approvals *approvals, const char *what,
                                      struct err *err);

/* Whether `next` (whose bytes are message->bytes, signed for APPROVAL_APPROVERS) may replace `old`:
 * a higher revision, and the threshold of the old list and of the new one. Without an old one
 * (NULL), its own threshold. A list of the same bytes is no change. */
MUST_USE enum result approvers_change(const struct approvers *old, const struct approvers *next,
                                      const void *bytes, size_t len,
                                      const struct signature_file *files, size_t count, int64_t now,
                                      struct err *err);

#define REQUEST_MAX      (64 * 1024) /* bytes of a request file */
#define REQUEST_LIFE_MAX ((int64_t)24 * 3600 * 1000)
#define NONCE_LEN        32
#define ORIGIN_LEN       200

/* One order to be approved by others than who asks for it, and to be placed once. */
struct request {
    char nonce[NONCE_LEN + 1];     /* 128 random bits, lower-case hex */
    char origin[ORIGIN_LEN + 1];   /* of the log that burns the nonce: no other host may place it */
    char requester[LOGIN_LEN + 1]; /* login name */
    char zone_id[32 + 1];          /* hex */
    struct buf order;              /* JSON text of an order file; owned */
    char body[SHA256_HEX_LEN + 1]; /* SHA-256 of the exact body that will be sent */
    char policy[SHA256_HEX_LEN + 1]; /* SHA-256 of the policy that judged it */
    int64_t policy_revision;
    int64_t created, expires; /* at most REQUEST_LIFE_MAX apart */
};
#define REQUEST_INIT                                                                               \
    {                                                                                              \
        .order = BUF_INIT(REQUEST_MAX)                                                             \
    }
#define AUTO_REQUEST __attribute__((cleanup(request_free))) struct request

/* Strict, but for the order's own members: order_parse() reads out->order. RESULT_CONFIG. */
MUST_USE enum result request_parse(const char *name, const char *text, size_t len,
                                   struct request *out, struct err *err);
/* The file, for people to read before they sign it. `order` must hold a JSON object. */
MUST_USE enum result request_put(struct buf *out, const struct request *request, struct err *err);
void request_free(struct request *request);

#endif
