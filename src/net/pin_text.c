#include "pin_text.h"

#include <openssl/bio.h>
#include <openssl/x509v3.h>
#include <time.h>

#define NAME_MAX_TEXT 160

/* RFC 2253, ASCII only: the names are a stranger's. */
static void name_put(struct buf *out, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len = 0;

    if (bio != NULL && name != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
        len = BIO_get_mem_data(bio, &text);
    buf_putc(out, '"');
    if (len > 0)
        text_escape(out, text, len > NAME_MAX_TEXT ? NAME_MAX_TEXT : (size_t)len);
    buf_puts(out, len > NAME_MAX_TEXT ? "...\"" : "\"");
    BIO_free(bio);
}

static void time_put(struct buf *out, const ASN1_TIME *when)
{
    char text[RFC3339_LEN + 1] = "an unreadable time";
    struct tm tm;

    if (ASN1_TIME_to_tm(when, &tm) == 1)
        time_format((int64_t)timegm(&tm) * 1000, text);
    buf_puts(out, text);
}

static void expiry_put(struct buf *out, const X509 *cert, bool over)
{
    char now[RFC3339_LEN + 1];

    time_format(clock_now(), now);
    buf_puts(out, "the certificate of ");
    name_put(out, X509_get_subject_name(cert));
    buf_puts(out, over ? " expired at " : " is not valid before ");
    time_put(out, over ? X509_get0_notAfter(cert) : X509_get0_notBefore(cert));
    buf_printf(out, " (this host's clock says %s)", now);
}

static void names_put(struct buf *out, const X509 *leaf)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    int count = names != NULL ? sk_GENERAL_NAME_num(names) : 0, shown = 0;

    for (int i = 0; i < count && shown < 5; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        int len = name->type == GEN_DNS ? ASN1_STRING_length(name->d.dNSName) : 0;

        if (len <= 0)
            continue;
        buf_puts(out, shown++ > 0 ? ", " : "");
        text_escape(out, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                    len > NAME_MAX_TEXT ? NAME_MAX_TEXT : (size_t)len);
    }
    buf_puts(out, shown == 0 ? "no DNS name" : shown < count ? ", ..." : "");
    GENERAL_NAMES_free(names);
}

static void untrusted_put(struct buf *out, X509_STORE_CTX *store, const X509 *cert, bool anchor)
{
    buf_printf(out, "%s: certificate %d of the chain, ",
               X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)),
               X509_STORE_CTX_get_error_depth(store));
    name_put(out, cert != NULL ? X509_get_subject_name(cert) : NULL);
    buf_puts(out, ", issued by ");
    name_put(out, cert != NULL ? X509_get_issuer_name(cert) : NULL);
    buf_puts(out, anchor
                      ? "; the CA file that was given, or this host's CA bundle, must hold its CA"
                      : "; if Cloudflare has changed its CA, ca_file or this host's CA bundle "
                        "needs it");
}

static void reason_put(struct buf *out, X509_STORE_CTX *store, const struct exchange *x)
{
    const X509 *cert = X509_STORE_CTX_get_current_cert(store);
    int error = X509_STORE_CTX_get_error(store);

    if (cert != NULL &&
        (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID)) {
        expiry_put(out, cert, error == X509_V_ERR_CERT_HAS_EXPIRED);
    } else if (cert != NULL &&
               (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)) {
        buf_puts(out, "its certificate is for ");
        names_put(out, cert);
        buf_printf(out, ", not for %s", x->request->host);
    } else {
        untrusted_put(out, store, cert, x->request->anchor);
    }
}

void fail_verify(X509_STORE_CTX *store, struct exchange *x)
{
    AUTO_BUF text = BUF_INIT(sizeof x->err.text);

    reason_put(&text, store, x);
    (void)err_set(&x->err, RESULT_PEER, "TLS to %s (%s): %s: nothing was sent", x->request->host,
                  x->endpoint.text, buf_text(&text));
}

/* "subject" sha256/base64 for each CA of the chain. */
static void keys_put(struct buf *out, const STACK_OF(X509) * chain, const struct net_peer *peer)
{
    for (uint32_t i = 1; i < peer->chain; i++) {
        buf_puts(out, i > 1 ? ", " : "");
        name_put(out, X509_get_subject_name(sk_X509_value(chain, (int)i)));
        buf_putc(out, ' ');
        base64_put(out, peer->spki[i], SHA256_LEN);
    }
    if (peer->chain < 2)
        buf_puts(out, "no CA certificate");
}

void fail_pin(const STACK_OF(X509) * chain, struct exchange *x)
{
    AUTO_BUF keys = BUF_INIT(640);

    keys_put(&keys, chain, &x->peer);
    (void)err_set(&x->err, RESULT_PEER,
                  "TLS to %s (%s): its verified chain has none of the %u keys that the policy "
                  "pins, but %s%s: nothing was sent; either Cloudflare has changed its CA (check "
                  "with a second source, then add to api.spki_pins) or someone is in between",
                  x->request->host, x->endpoint.text, (unsigned)x->request->pins, buf_text(&keys),
                  buf_ok(&keys) ? "" : " and more");
}
