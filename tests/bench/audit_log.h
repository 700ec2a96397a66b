/* What the benchmarks of the log share: a log of its own in a directory of its own, and a signer
 * with a P-256 key in this process, so that no other process and no HSM is measured. */
#ifndef GEORDER_BENCH_AUDIT_LOG_H
#define GEORDER_BENCH_AUDIT_LOG_H

#include <openssl/evp.h>

#include "audit.h"
#include "hash.h"

#define BENCH_ORIGIN "bench.example.com/georder"

struct bench_log {
    char path[256];
    int fd;
    struct audit_signer signer;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *signing;
    struct hasher hasher;
    uint8_t spki[256];
    char protected[256]; /* the protected header of each record */
    char kid[AUDIT_KID_LEN + 1];
};

/* Below this directory; must not be moved. Ends the program when that fails. */
void bench_log_place(struct bench_log *log, const char *parent);
/* Without a record; the first append may follow. */
void bench_log_make(struct bench_log *log, struct audit **audit);
void bench_log_remove(struct bench_log *log);

/* A denial, whose record has about 2 KB; the order's id comes to stand in id. */
struct audit_event bench_event(char id[UUID_LEN + 1]);

/* So many records, in groups. */
void bench_log_append(struct audit *audit, size_t count);

void bench_fail(const char *what, const struct err *err) __attribute__((noreturn));
double bench_seconds(void);
double bench_cpu(void); /* of this process: others on the machine must not count */
double bench_median(double *values, size_t count);
/* The best of many, from 0 on: other load only adds. */
void bench_least(double *best, double value);

#endif
