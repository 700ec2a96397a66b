/* A log in a directory of its own, signed by a key in software. */
#ifndef HELPER_LOG_H
#define HELPER_LOG_H

#include <criterion/criterion.h>
#include <openssl/evp.h>

#include "audit.h"
#include "log.h"
#include "record.h"

#define TEST_ORIGIN "host.example.com/georder"

struct test_key {
    EVP_PKEY *pkey;
    char alg[8], kid[AUDIT_KID_LEN + 1];
    struct buf spki;
    int lines_left, notes_left; /* how often it signs before it fails; < 0: always */
    bool wrong;                 /* signs something else than asked */
    int wrong_line;             /* only when so many lines_left remain; 0: any */
};
/* "P-256", "P-384", "RSA"; alg as in a JWS. */
void test_key_make(struct test_key *key, const char *kind, const char *alg);
void test_key_free(struct test_key *key);

/* A key that a log is handed on to. */
struct test_heir {
    struct test_key key;
    struct audit_signer signer;
    struct audit_successor to;
};
void test_heir_make(struct test_heir *heir, const char *kind, const char *alg);
void test_heir_free(struct test_heir *heir);

struct test_log {
    char path[64];
    int fd;
    struct test_key key;
    struct audit_signer signer;
    struct audit *audit;
    struct err err;
};
/* An empty directory, and a key. */
void test_log_place(struct test_log *log);
/* With log.created, open for appending. */
void test_log_make(struct test_log *log);
void test_log_reopen(struct test_log *log);
void test_log_free(struct test_log *log);

/* A small event; order_id may be "". */
struct audit_event test_event(const char *event, const char *order_id);
void test_append(struct test_log *log, const char *event, const char *order_id);
struct audit_report test_verify(struct test_log *log);
/* By a checkpoint that was kept. */
struct audit_report test_verify_from(struct test_log *log, const struct buf *note);
#define test_expect(log, wanted)                                                                   \
    do {                                                                                           \
        struct audit_report report_ = test_verify(log);                                            \
        cr_assert_eq(report_.verdict, wanted, "%s: %s", audit_verdict_name(report_.verdict),       \
                     report_.text);                                                                \
    } while (0)

/* What audit_rotate() said. The log's own key stays the first one; test_log_adopt() makes it open
 * by the heir's. */
enum result test_rotate(struct test_log *log, struct test_heir *heir);
void test_log_adopt(struct test_log *log, const struct test_heir *heir);
/* keys/<kid>.jwk */
void test_key_write(struct test_log *log, const struct test_key *key);

/* Files below the log's directory. */
void test_read(struct test_log *log, const char *name, struct buf *out);
void test_write(struct test_log *log, const char *name, const void *bytes, size_t len);
bool test_exists(struct test_log *log, const char *name);
#define FIRST_SEGMENT "records/000000000000.jsonl"

/* The lines of the first segment, each with its newline; at most 16. */
struct test_lines {
    struct buf text;
    const char *line[16];
    size_t len[16], count;
};
void test_lines_read(struct test_log *log, struct test_lines *lines);
/* Writes those with these numbers, in this order, ended by -1. */
void test_lines_write(struct test_log *log, const struct test_lines *lines, const int *which);

/* A signed line with newline, that need not fit the log. */
void test_forge(struct test_log *log, uint64_t index, const uint8_t previous[SHA256_LEN],
                const char *event, struct buf *line);
/* A checkpoint over the lines of the first segment that are there now. */
void test_seal(struct test_log *log);

#endif
