/* A witness that signs whatever it is told to, and a time stamping authority. */
#ifndef HELPER_WITNESS_H
#define HELPER_WITNESS_H

#include "helper_log.h"

struct test_witness {
    EVP_PKEY *pkey;
    char vkey[400];
    struct witness witness;
};
void test_witness_make(struct test_witness *witness, const char *name);
void test_witness_free(struct test_witness *witness);
/* Appends its signature line over a note's text. seconds: of the cosignature. */
void test_cosign(const struct test_witness *witness, const char *text, size_t len, int64_t seconds,
                 struct buf *lines);

struct test_tsa {
    X509 *root, *cert;
    EVP_PKEY *root_key, *key;
    struct buf pem; /* of the root */
    int64_t time;   /* Unix s that it stamps; 0: now */
};
/* from, to: of its certificate, seconds from now; usage: "critical,timeStamping" */
void test_tsa_make(struct test_tsa *tsa, long from, long to, const char *usage);
void test_tsa_free(struct test_tsa *tsa);
void test_stamp(struct test_tsa *tsa, const struct buf *query, struct buf *response);

#endif
