#include "pin.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "pin_text.h"

static bool spki_digest(const X509 *cert, uint8_t out[SHA256_LEN])
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

    if (len <= 0)
        return false;
    sha256(der, (size_t)len, out);
    OPENSSL_free(der);
    return true;
}

static bool pinned(const struct net_request *request, const uint8_t spki[SHA256_LEN])
{
    for (uint32_t i = 0; i < request->pins; i++)
        if (memcmp(request->pin[i], spki, SHA256_LEN) == 0)
            return true;
    return false;
}

/* Fills peer->spki; a leaf's key (index 0) never matches: a policy pins CAs. */
static bool chain_match(const STACK_OF(X509) * chain, struct exchange *x)
{
    struct net_peer *peer = &x->peer;
    int count = chain != NULL ? sk_X509_num(chain) : 0;

    peer->chain = 0;
    peer->pin_matched = UINT32_MAX;
    if (count < 1 || count > NET_CHAIN_MAX)
        return false;
    for (int i = 0; i < count; i++) {
        uint8_t *spki = peer->spki[i];

        if (!spki_digest(sk_X509_value(chain, i), spki))
            return false;
        if (i > 0 && peer->pin_matched == UINT32_MAX && pinned(x->request, spki))
            peer->pin_matched = (uint32_t)i;
    }
    peer->chain = (uint32_t)count;
    return peer->pin_matched != UINT32_MAX || x->request->anchor;
}

static void note_tls(const SSL *ssl, struct exchange *x)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);

    x->peer.tls_version = SSL_get_version(ssl);
    x->peer.cipher = cipher != NULL ? SSL_CIPHER_get_name(cipher) : "";
}

static int verify(X509_STORE_CTX *store, void *arg)
{
    struct exchange *x = arg;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());

    note_tls(ssl, x);
    /* Not `!`: it may return less than 0 (CVE-2021-4044 was of this kind). */
    if (X509_verify_cert(store) != 1) {
        fail_verify(store, x);
        if (X509_STORE_CTX_get_error(store) == X509_V_OK)
            X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
        return 0;
    }
    if (!chain_match(X509_STORE_CTX_get0_chain(store), x)) {
        fail_pin(X509_STORE_CTX_get0_chain(store), x);
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    return 1;
}

/* libcurl compares the name only after the handshake; this makes it part of verifying. */
static bool name_demand(SSL_CTX *ctx, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
    struct address address;

    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (address_parse(host, &address))
        return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
    return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
}

bool pin_install(SSL_CTX *ctx, struct exchange *x)
{
    SSL_CTX_set1_cert_store(ctx, x->trust); /* instead of libcurl's, whatever that may be */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, verify, x);
    SSL_CTX_set_keylog_callback(ctx, NULL);
    SSL_CTX_set_security_level(ctx, 2);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_options(ctx,
                              SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    return name_demand(ctx, x->request->host) &&
           SSL_CTX_set_min_proto_version(ctx, (int)x->request->minimum_tls) == 1;
}

static bool fail_confirm(struct exchange *x, const char *what)
{
    (void)err_set(&x->err, RESULT_PEER, "TLS to %s (%s): %s: nothing was sent", x->request->host,
                  x->endpoint.text, what);
    return false;
}

bool pin_confirm(SSL *ssl, struct exchange *x)
{
    note_tls(ssl, x);
    if (SSL_session_reused(ssl) != 0)
        return fail_confirm(x, "an earlier session was resumed, which skips the pins");
    if (SSL_version(ssl) < (int)x->request->minimum_tls)
        return fail_confirm(x, "the version is below the policy's minimum_tls");
    if (SSL_get_verify_result(ssl) != X509_V_OK)
        return fail_confirm(x, "the certificate was not verified");
    if (!chain_match(SSL_get0_verified_chain(ssl), x)) {
        fail_pin(SSL_get0_verified_chain(ssl), x);
        return false;
    }
    return true;
}
