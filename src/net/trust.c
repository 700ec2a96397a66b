#include "trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "guard.h"

#define SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

enum result trust_add(struct trust *trust, struct msg *msg, struct err *err)
{
    size_t len;
    const char *pem = get_bytes(msg, &len);

    if (msg_end(msg, err) != RESULT_OK)
        return err->result;
    X509_STORE_free(trust->store);
    trust->store = NULL;
    buf_put(&trust->pem, pem, len);
    return buf_check(&trust->pem, "the CA bundle", err);
}

/* The number of certificates added; -1: one of them is damaged. */
static int bundle_add(X509_STORE *store, BIO *bio)
{
    static char no_passphrase[] = "";
    int count = 0;
    X509 *cert;

    ERR_clear_error();
    while ((cert = PEM_read_bio_X509(bio, NULL, NULL, no_passphrase)) != NULL) {
        int added = X509_STORE_add_cert(store, cert);

        X509_free(cert);
        if (added != 1)
            return -1;
        count++;
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return -1;
    ERR_clear_error();
    return count;
}

static enum result bundle_parse(X509_STORE *store, const struct buf *pem, const char *name,
                                struct err *err)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
    int count = bio != NULL ? bundle_add(store, bio) : -1;

    BIO_free(bio);
    if (count < 0)
        return err_set(err, RESULT_CONFIG, "%s: a certificate in it cannot be read", name);
    if (count == 0)
        return err_set(err, RESULT_CONFIG, "%s: there is no PEM certificate in it", name);
    return RESULT_OK;
}

enum result trust_prepare(struct trust *trust, struct err *err)
{
    bool given = trust->pem.len > 0;
    X509_STORE *store;

    if (trust->store != NULL)
        return RESULT_OK;
    if (!given &&
        guard_read(SYSTEM_BUNDLE, GUARD_PUBLIC, RESULT_CONFIG, &trust->pem, err) != RESULT_OK)
        return err_prefix(err, "no ca_file is configured, and the system's CA bundle");
    store = X509_STORE_new();
    if (store == NULL)
        return err_set(err, RESULT_INTERNAL, "no memory for the CA bundle");
    if (bundle_parse(store, &trust->pem, given ? "ca_file" : SYSTEM_BUNDLE, err) == RESULT_OK)
        trust->store = store;
    else
        X509_STORE_free(store);
    buf_free(&trust->pem);
    return trust->store != NULL ? RESULT_OK : err->result;
}

void trust_free(struct trust *trust)
{
    X509_STORE_free(trust->store);
    trust->store = NULL;
    buf_free(&trust->pem);
}
