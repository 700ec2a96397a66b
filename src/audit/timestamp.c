#include "timestamp.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "anchor_files.h"

#define NONCE_LEN 16
#define QUERY_MAX 1024

static bool imprint_set(TS_REQ *query, const struct buf *note)
{
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    uint8_t digest[SHA256_LEN];
    bool good = imprint != NULL && algorithm != NULL &&
                X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1;

    sha256(note->data, note->len, digest);
    good = good && TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
           TS_MSG_IMPRINT_set_msg(imprint, digest, sizeof digest) == 1 &&
           TS_REQ_set_msg_imprint(query, imprint) == 1;
    X509_ALGOR_free(algorithm);
    TS_MSG_IMPRINT_free(imprint);
    return good;
}

static bool nonce_set(TS_REQ *query)
{
    uint8_t bytes[NONCE_LEN];
    BIGNUM *number = NULL;
    ASN1_INTEGER *nonce = NULL;
    bool good = RAND_bytes(bytes, sizeof bytes) == 1;

    bytes[0] |= 1; /* as long as it is meant to be */
    if (good)
        number = BN_bin2bn(bytes, sizeof bytes, NULL);
    if (number != NULL)
        nonce = BN_to_ASN1_INTEGER(number, NULL);
    good = nonce != NULL && TS_REQ_set_nonce(query, nonce) == 1;
    ASN1_INTEGER_free(nonce);
    BN_free(number);
    return good;
}

/* NULL when OpenSSL has no memory, or no random numbers. */
static TS_REQ *query_make(const struct buf *note, bool nonce)
{
    TS_REQ *query = TS_REQ_new();

    if (query != NULL && TS_REQ_set_version(query, 1) == 1 && imprint_set(query, note) &&
        (!nonce || nonce_set(query)) && TS_REQ_set_cert_req(query, 1) == 1)
        return query;
    TS_REQ_free(query);
    ERR_clear_error();
    return NULL;
}

enum result timestamp_query(const struct anchor_head *head, struct buf *query, struct err *err)
{
    TS_REQ *made = query_make(&head->note, true);
    unsigned char *der = NULL;
    int len = made != NULL ? i2d_TS_REQ(made, &der) : -1;

    TS_REQ_free(made);
    if (len <= 0)
        return err_set(err, RESULT_INTERNAL, "the request for a time stamp cannot be made");
    buf_reset(query);
    buf_put(query, der, (size_t)len);
    OPENSSL_free(der);
    return buf_check(query, "request for a time stamp", err);
}

/* NULL when there is no certificate in it. */
static X509_STORE *store_make(const struct buf *authorities)
{
    BIO *bio = BIO_new_mem_buf(buf_text(authorities), (int)authorities->len);
    X509_STORE *store = X509_STORE_new();
    X509 *certificate;
    size_t count = 0;

    while (bio != NULL && store != NULL &&
           (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        count += X509_STORE_add_cert(store, certificate) == 1;
        X509_free(certificate);
    }
    BIO_free(bio);
    ERR_clear_error();
    if (count > 0)
        return store;
    X509_STORE_free(store);
    return NULL;
}

/* One response under examination. */
struct stamp {
    const struct buf *authorities;
    TS_REQ *query;
    TS_RESP *response;
    bool later; /* its certificate has to have been good then, not now */
    struct anchor *out;
};

static void fault(struct stamp *stamp, enum audit_verdict verdict, const char *what,
                  const char *detail)
{
    stamp->out->verdict = verdict;
    (void)snprintf(stamp->out->text, sizeof stamp->out->text, "the time stamp %s%s%.300s", what,
                   detail[0] != '\0' ? ": " : "", detail);
}

static TS_RESP *response_parse(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    TS_RESP *response = len <= TIMESTAMP_ANSWER_MAX ? d2i_TS_RESP(NULL, &at, (long)len) : NULL;

    if (response != NULL && at == (const unsigned char *)bytes + len)
        return response;
    TS_RESP_free(response);
    ERR_clear_error();
    return NULL;
}

/* What the authority says of why it gave none. */
static void refusal_put(struct buf *out, const TS_STATUS_INFO *info)
{
    const STACK_OF(ASN1_UTF8STRING) *texts = TS_STATUS_INFO_get0_text(info);

    buf_printf(out, "status %ld", ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(info)));
    for (int i = 0; texts != NULL && i < sk_ASN1_UTF8STRING_num(texts); i++) {
        const ASN1_UTF8STRING *text = sk_ASN1_UTF8STRING_value(texts, i);

        buf_puts(out, ", ");
        text_escape(out, (const char *)ASN1_STRING_get0_data(text),
                    (size_t)ASN1_STRING_length(text));
    }
}

static bool status_is_granted(struct stamp *stamp)
{
    TS_STATUS_INFO *info = TS_RESP_get_status_info(stamp->response);
    long status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(info));
    AUTO_BUF why = BUF_INIT(256);

    if ((status == TS_STATUS_GRANTED || status == TS_STATUS_GRANTED_WITH_MODS) &&
        TS_RESP_get_tst_info(stamp->response) != NULL)
        return true;
    refusal_put(&why, info);
    fault(stamp, AUDIT_MALFORMED, "was refused by the authority", buf_text(&why));
    return false;
}

static bool time_take(struct stamp *stamp)
{
    const ASN1_GENERALIZEDTIME *when = TS_TST_INFO_get_time(TS_RESP_get_tst_info(stamp->response));
    struct tm tm;

    if (when == NULL || ASN1_TIME_to_tm(when, &tm) != 1) {
        fault(stamp, AUDIT_MALFORMED, "has no time", "");
        return false;
    }
    stamp->out->time = (int64_t)timegm(&tm) * 1000;
    return true;
}

/* RFC 2253, ASCII only: the names are a stranger's. */
static void signer_put(struct stamp *stamp)
{
    PKCS7 *token = TS_RESP_get_token(stamp->response);
    STACK_OF(X509) *signers = PKCS7_get0_signers(token, NULL, 0);
    BIO *bio = BIO_new(BIO_s_mem());
    AUTO_BUF name = BUF_INIT(sizeof stamp->out->by - 1);
    char *text = NULL;
    long len = 0;

    if (bio != NULL && sk_X509_num(signers) > 0 &&
        X509_NAME_print_ex(bio, X509_get_subject_name(sk_X509_value(signers, 0)), 0,
                           XN_FLAG_RFC2253) >= 0)
        len = BIO_get_mem_data(bio, &text);
    if (len > 0)
        text_escape(&name, text, (size_t)len);
    memcpy(stamp->out->by, buf_text(&name), name.len + 1);
    BIO_free(bio);
    sk_X509_free(signers);
}

/* OpenSSL's reasons, the last one first. */
static void reasons_put(struct buf *out)
{
    const char *data;
    unsigned long code;
    int flags;

    while ((code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
        const char *reason = ERR_reason_error_string(code);

        buf_printf(out, "%s%s", out->len > 0 ? ", " : "", reason != NULL ? reason : "?");
        if ((flags & ERR_TXT_STRING) != 0 && data[0] != '\0') {
            buf_puts(out, " (");
            text_escape(out, data, strlen(data));
            buf_puts(out, ")");
        }
    }
}

static bool fits(struct stamp *stamp, X509_STORE *store)
{
    TS_VERIFY_CTX *ctx = TS_REQ_to_TS_VERIFY_CTX(stamp->query, NULL);
    AUTO_BUF reasons = BUF_INIT(300);
    bool good;

    if (stamp->later)
        X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)(stamp->out->time / 1000));
    if (ctx == NULL) {
        X509_STORE_free(store);
        fault(stamp, AUDIT_MALFORMED, "cannot be checked", "no memory");
        return false;
    }
    (void)TS_VERIFY_CTX_add_flags(ctx, TS_VFY_SIGNATURE);
    (void)TS_VERIFY_CTX_set_store(ctx, store); /* owned by ctx from here on */
    good = TS_RESP_verify_response(ctx, stamp->response) == 1;
    TS_VERIFY_CTX_free(ctx);
    reasons_put(&reasons);
    if (!good)
        fault(stamp, AUDIT_ALTERED, "does not verify", buf_text(&reasons));
    return good;
}

static bool stamp_is_good(struct stamp *stamp)
{
    X509_STORE *store;

    if (stamp->query == NULL || stamp->response == NULL) {
        fault(stamp, AUDIT_MALFORMED, "is no RFC 3161 response", "");
        return false;
    }
    if (!status_is_granted(stamp) || !time_take(stamp))
        return false;
    store = store_make(stamp->authorities);
    if (store == NULL) {
        fault(stamp, AUDIT_UNKNOWN_KEY, "cannot be checked",
              "there is no certificate of an authority in the file of them");
        return false;
    }
    return fits(stamp, store);
}

static void stamp_judge(struct stamp *stamp)
{
    struct anchor *out = stamp->out;

    out->kind = ANCHOR_STAMP;
    out->verdict = AUDIT_INTACT;
    ERR_clear_error();
    if (stamp_is_good(stamp)) {
        signer_put(stamp);
        (void)snprintf(out->text, sizeof out->text, "%llu records are stamped by %.255s",
                       (unsigned long long)out->size, out->by);
    }
    ERR_clear_error();
    TS_REQ_free(stamp->query);
    TS_RESP_free(stamp->response);
}

void timestamp_judge(const struct buf *note, const struct buf *authorities,
                     const struct buf *response, struct anchor *out)
{
    struct stamp stamp = {.authorities = authorities,
                          .query = query_make(note, false),
                          .response = response_parse(buf_text(response), response->len),
                          .later = true,
                          .out = out};

    stamp_judge(&stamp);
}

static TS_REQ *query_parse(const struct buf *query)
{
    const unsigned char *at = (const unsigned char *)buf_text(query);

    return d2i_TS_REQ(NULL, &at, (long)query->len);
}

enum result timestamp_take(int dirfd, const struct anchor_head *head, const struct buf *query,
                           const struct buf *authorities, const void *response, size_t len,
                           struct anchor *out, struct err *err)
{
    struct stamp stamp = {.authorities = authorities,
                          .query = query_parse(query),
                          .response = response_parse(response, len),
                          .out = out};

    *out = (struct anchor){.kind = ANCHOR_STAMP, .size = head->size};
    stamp_judge(&stamp);
    if (out->verdict != AUDIT_INTACT)
        return err_set(err, RESULT_AUDIT, "%s: %s", audit_verdict_name(out->verdict), out->text);
    if (anchor_keep_timestamp(dirfd, head, response, len, err) != RESULT_OK)
        return err->result;
    return anchor_clock_check(out, err);
}
