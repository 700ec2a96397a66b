/*
 * The certificates that the server shows. Given to GnuTLS one handshake at a time, because its own
 * loading of a file drops what does not belong to the chain, and tests want to see just that sent.
 */
#include "rehearsal.h"

#include <gnutls/abstract.h>
#include <stdlib.h>
#include <string.h>

#define CERTIFICATES_MAX 8

struct identity {
    gnutls_pcert_st certificate[CERTIFICATES_MAX];
    unsigned certificates;
    gnutls_privkey_t key;
};

static gnutls_datum_t datum(const char *pem)
{
    return (gnutls_datum_t){(void *)(uintptr_t)pem, (unsigned)strlen(pem)};
}

void identity_free(struct identity *identity)
{
    if (identity == NULL)
        return;
    for (unsigned i = 0; i < identity->certificates; i++)
        gnutls_pcert_deinit(&identity->certificate[i]);
    gnutls_privkey_deinit(identity->key);
    free(identity);
}

struct identity *identity_load(const char *certificates, const char *key)
{
    const gnutls_datum_t chain = datum(certificates), secret = datum(key);
    struct identity *identity = calloc(1, sizeof *identity);
    if (identity == NULL || gnutls_privkey_init(&identity->key) < 0)
        abort();
    unsigned count = CERTIFICATES_MAX;
    if (gnutls_pcert_list_import_x509_raw(identity->certificate, &count, &chain,
                                          GNUTLS_X509_FMT_PEM, 0) >= 0)
        identity->certificates = count;
    if (identity->certificates > 0 &&
        gnutls_privkey_import_x509_raw(identity->key, &secret, GNUTLS_X509_FMT_PEM, NULL, 0) >= 0)
        return identity;
    identity_free(identity);
    return NULL;
}

int identity_show(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
                  const gnutls_pk_algorithm_t *algorithms, int algorithms_count,
                  gnutls_pcert_st **certificates, unsigned *certificates_count,
                  gnutls_privkey_t *key)
{
    const struct connection *connection = gnutls_db_get_ptr(session);
    struct identity *identity = connection->identity;
    (void)authorities, (void)count, (void)algorithms, (void)algorithms_count;
    *certificates = identity->certificate;
    *certificates_count = identity->certificates;
    *key = identity->key;
    return 0;
}
