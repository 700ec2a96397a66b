#include "helper_pki.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>

static void extension_add(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    cr_assert_not_null(extension);
    cr_assert_eq(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void extensions_add(X509 *cert, X509 *issuer, const char *dns)
{
    char names[300];

    extension_add(cert, issuer, NID_basic_constraints,
                  dns == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extension_add(cert, issuer, NID_key_usage,
                  dns == NULL ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    extension_add(cert, issuer, NID_subject_key_identifier, "hash");
    if (dns != NULL) {
        (void)snprintf(names, sizeof names, "DNS:%s", dns);
        extension_add(cert, issuer, NID_subject_alt_name, names);
        extension_add(cert, issuer, NID_ext_key_usage, "serverAuth");
    }
}

/* Reachable till the end of the test, which is the end of the process: no leak to report. */
#define KEPT_MAX 64
static struct identity kept[KEPT_MAX];
static size_t kept_count;

struct identity identity_make(const struct identity_plan *plan)
{
    struct identity made = {.cert = X509_new(), .key = EVP_EC_gen("P-256")};
    const struct identity *issuer = plan->issuer != NULL ? plan->issuer : &made;
    X509_NAME *name = X509_get_subject_name(made.cert);
    long serial = 0;

    cr_assert_eq(RAND_bytes((unsigned char *)&serial, 6), 1);
    cr_assert_eq(X509_set_version(made.cert, X509_VERSION_3), 1);
    cr_assert_eq(ASN1_INTEGER_set(X509_get_serialNumber(made.cert), serial), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.cert), plan->from);
    X509_gmtime_adj(X509_getm_notAfter(made.cert), plan->to);
    cr_assert_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                            (const unsigned char *)plan->cn, -1, -1, 0),
                 1);
    cr_assert_eq(X509_set_issuer_name(made.cert, X509_get_subject_name(issuer->cert)), 1);
    cr_assert_eq(X509_set_pubkey(made.cert, made.key), 1);
    extensions_add(made.cert, issuer->cert, plan->dns);
    cr_assert_gt(X509_sign(made.cert, issuer->key, EVP_sha256()), 0);
    cr_assert_lt(kept_count, KEPT_MAX);
    kept[kept_count++] = made;
    return made;
}

struct pki pki_make(void)
{
    struct pki pki;

    pki.root = identity_make(&(struct identity_plan){"Test Root", NULL, NULL, -86400, 86400});
    pki.decoy = identity_make(&(struct identity_plan){"Decoy Root", NULL, NULL, -86400, 86400});
    pki.intermediate =
        identity_make(&(struct identity_plan){"Test Intermediate", NULL, &pki.root, -86400, 86400});
    pki.leaf = identity_make(
        &(struct identity_plan){"Test Leaf", API_HOST, &pki.intermediate, -86400, 86400});
    return pki;
}

void identity_pin(const struct identity *identity, uint8_t out[SHA256_LEN])
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(identity->key, &der);

    cr_assert_gt(len, 0);
    sha256(der, (size_t)len, out);
    OPENSSL_free(der);
}

void identity_pem(const struct identity *identity, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    cr_assert_eq(PEM_write_bio_X509(bio, identity->cert), 1);
    len = BIO_get_mem_data(bio, &text);
    buf_put(out, text, (size_t)len);
    BIO_free(bio);
}
