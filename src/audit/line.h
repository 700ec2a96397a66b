/* One line of the log: a flattened JWS (RFC 7515 section 7.2.2) in one exact form. */
#ifndef GEORDER_AUDIT_LINE_H
#define GEORDER_AUDIT_LINE_H

#include "tree.h"
#include "payload.h"

#define AUDIT_BODY_MAX (4 * 1024 * 1024) /* bytes of a file in bodies/ */

struct jws {
    struct {
        const char *at;
        size_t len;
    } payload, protected, signature; /* base64url */
};

MUST_USE bool jws_split(const char *line, size_t len, struct jws *out);

enum line_status {
    LINE_GOOD,
    LINE_FORM,   /* not {"payload":"..","protected":"..","signature":".."} */
    LINE_HEADER, /* a protected header that the log does not write */
    LINE_KEY,    /* a kid that is none of the log's keys */
    LINE_SIGNATURE,
    LINE_PAYLOAD, /* well signed, but no record of a log */
    LINE_ORIGIN,  /* of another log */
    LINE_BODY,    /* the body that it names is missing or is another one */
    LINE_ROTATION /* it hands on to a key that has not agreed */
};
const char *line_status_text(enum line_status status);
/* Of a line that is not good. */
enum audit_verdict line_verdict(enum line_status status);

struct line_facts {
    enum line_status status;
    const struct key *key;       /* the ring's, or NULL */
    char kid[AUDIT_KID_LEN + 1]; /* of LINE_KEY: who is not in the ring; else "" */
    char to[AUDIT_KID_LEN + 1];  /* of key.rotated: whom it hands on to; else "" */
    uint8_t hash[SHA256_LEN];    /* what the next record calls `previous` */
    uint8_t leaf[SHA256_LEN];
    struct payload payload;
};

/* Checks line after line with nothing made anew; one for each thread. */
struct checker {
    int dirfd;
    const char *origin;
    const struct keyring *ring;
    struct hasher sha256, sha384;
    EVP_PKEY_CTX *ctx[KEYS_MAX];
    struct buf payload; /* of the last line, as far as it was read */
    struct buf signature;
    struct buf protected; /* the last good protected header, and its key */
    const struct key *key;
};

MUST_USE enum result checker_open(struct checker *checker, int dirfd, const char *origin,
                                  const struct keyring *ring, struct err *err);
void checker_close(struct checker *checker);
/* After a key was added to the end of the ring. */
MUST_USE enum result checker_extend(struct checker *checker, struct err *err);
void checker_line(struct checker *checker, const char *line, size_t len, struct line_facts *out);

#endif
