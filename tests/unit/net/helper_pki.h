/* A root, an intermediate and leaves, made anew for each test. */
#ifndef TEST_NET_PKI_H
#define TEST_NET_PKI_H

#include <openssl/ssl.h>

#include "base.h"

#define API_HOST "api.georder.example"

struct identity {
    X509 *cert;
    EVP_PKEY *key;
};

struct identity_plan {
    const char *cn;
    const char *dns;               /* subjectAltName of a leaf; NULL: a CA */
    const struct identity *issuer; /* NULL: self-signed */
    long from, to;                 /* seconds from now */
};

struct pki {
    struct identity root, intermediate, leaf, decoy;
};

struct identity identity_make(const struct identity_plan *plan);
struct pki pki_make(void);
void identity_pin(const struct identity *identity, uint8_t out[SHA256_LEN]);
void identity_pem(const struct identity *identity, struct buf *out);

#endif
