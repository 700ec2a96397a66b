#include "transfer.h"

#include <openssl/rand.h>
#include <string.h>
#include <unistd.h>

#include "credential.h"
#include "heap.h"
#include "pin.h"

#define PIECE_MAX (32 * KIB - 5) /* of a NET_BODY: its length field and final NUL count, too */

/* What the callbacks are given. */
struct transfer {
    CURL *easy;
    struct exchange *x;
    struct curl_slist *headers; /* never empty, so that its first node stays what libcurl knows */
    char error[CURL_ERROR_SIZE];
};

static enum result library_check(struct err *err)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    if (info->version_num < 0x075500 || (info->features & CURL_VERSION_THREADSAFE) == 0)
        return err_set(err, RESULT_INTERNAL, "libcurl %s is too old: 7.85.0 or later is needed",
                       info->version);
    if (info->ssl_version == NULL || strncmp(info->ssl_version, "OpenSSL/", 8) != 0 ||
        OPENSSL_version_major() < 3)
        return err_set(err, RESULT_INTERNAL, "libcurl uses %s: OpenSSL 3 is needed",
                       info->ssl_version != NULL ? info->ssl_version : "no TLS");
    return RESULT_OK;
}

enum result transfer_preload(struct err *err)
{
    unsigned char seed[16];
    SSL_CTX *warm;

    if (library_check(err) != RESULT_OK)
        return err->result;
    if (heap_curl_init() != CURLE_OK)
        return err_set(err, RESULT_INTERNAL, "libcurl cannot be initialised");
    warm = SSL_CTX_new(TLS_client_method());
    SSL_CTX_free(warm);
    if (warm == NULL || RAND_bytes(seed, sizeof seed) != 1 ||
        RAND_priv_bytes(seed, sizeof seed) != 1)
        return err_set(err, RESULT_INTERNAL, "OpenSSL cannot be initialised");
    OPENSSL_cleanse(seed, sizeof seed);
    return RESULT_OK;
}

/* Hands out the one connected socket, once. */
static curl_socket_t socket_give(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct exchange *x = ((struct transfer *)arg)->x;
    struct endpoint wanted;
    int fd = x->socket;

    if (purpose != CURLSOCKTYPE_IPCXN || fd < 0 || !endpoint_from(&address->addr, &wanted) ||
        !address_same(&wanted.address, &x->endpoint.address) || wanted.port != x->endpoint.port)
        return CURL_SOCKET_BAD;
    x->socket = -1;
    if (GEORDER_SANDBOX)
        return fd;
    /* Without the lock connect() is real, and would fail on a socket that is connected. */
    (void)close(fd);
    return socket(address->family, address->socktype, address->protocol);
}

static int socket_note(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    (void)arg;
    (void)fd;
    (void)purpose;
    /* libcurl 7.88 connects nevertheless; the lock then answers 0. */
    return GEORDER_SANDBOX ? CURL_SOCKOPT_ALREADY_CONNECTED : CURL_SOCKOPT_OK;
}

static CURLcode tls_prepare(CURL *easy, void *ctx, void *arg)
{
    (void)easy;
    return pin_install(ctx, ((struct transfer *)arg)->x) ? CURLE_OK : CURLE_ABORTED_BY_CALLBACK;
}

static bool peer_is_checked(const struct transfer *t, const char *ip, int port)
{
    const struct exchange *x = t->x;
    struct address address;

    return address_parse(ip, &address) && address_same(&address, &x->endpoint.address) &&
           port == x->endpoint.port;
}

/* Main hands the credential out when the intent is recorded; till then, and without it, nothing is
 * sent. Reading, say, public facts needs none; an anchor of the log has no right to it. */
static enum result credential_add_last(struct transfer *t)
{
    struct exchange *x = t->x;

    if (x->request->anchor)
        return RESULT_OK;
    heap_secret(true);
    if (x->credential >= 0)
        return credential_take(&x->credential, x->deadline, &t->headers, &x->err);
    if (x->request->method == NET_GET)
        return RESULT_OK;
    return err_set(&x->err, RESULT_KEY, "the request came without a credential");
}

static bool tls_confirm(struct transfer *t, const char *ip)
{
    struct curl_tlssessioninfo *tls = NULL;

    if (t->x->request->plain)
        return true;
    if (curl_easy_getinfo(t->easy, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK && tls != NULL &&
        tls->backend == CURLSSLBACKEND_OPENSSL && tls->internals != NULL)
        return pin_confirm(tls->internals, t->x);
    (void)err_set(&t->x->err, RESULT_PEER, "the connection to %s has no TLS", ip);
    return false;
}

/* The last gate: libcurl calls it when the connection stands and no request byte is written yet. */
static int before_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct transfer *t = arg;
    struct exchange *x = t->x;

    (void)local_ip;
    (void)local_port;
    if (x->sending || !peer_is_checked(t, ip, port)) {
        (void)err_set(&x->err, RESULT_PEER,
                      "libcurl would talk to %s port %d, a second time or "
                      "unchecked: stopped",
                      ip, port);
        return CURL_PREREQFUNC_ABORT;
    }
    if (!tls_confirm(t, ip) || peer_send(x, &x->err) != RESULT_OK ||
        credential_add_last(t) != RESULT_OK)
        return CURL_PREREQFUNC_ABORT;
    x->sending = true;
    return CURL_PREREQFUNC_OK;
}

static size_t header_take(char *line, size_t size, size_t count, void *arg)
{
    struct exchange *x = ((struct transfer *)arg)->x;
    size_t len = size * count;

    heap_secret(false); /* the request is out */
    if (head_line(&x->head, line, len))
        return len;
    (void)err_set(&x->err, RESULT_UNKNOWN, "its headers are larger than %d KiB",
                  HEAD_BYTES_MAX / KIB);
    return 0;
}

static enum result head_send(struct transfer *t, struct err *err)
{
    AUTO_BUF body = BUF_INIT(4 * KIB);
    struct exchange *x = t->x;
    struct net_head head;
    long status = 0;

    if (x->head_sent)
        return RESULT_OK;
    if (curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status < 200 ||
        status > 599)
        return err_set(err, RESULT_UNKNOWN, "its HTTP status is %ld", status);
    head = head_facts(&x->head, (uint32_t)status);
    put_net_head(&body, &head);
    x->head_sent = true;
    return ipc_send(x->ipc, MSG_NET_HEAD, &body, -1, err);
}

static enum result answer_end(struct transfer *t, struct err *err)
{
    long status = 0;

    if (head_send(t, err) != RESULT_OK)
        return err->result;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!t->x->head.delimited && status != 204 && status != 304)
        return err_set(err, RESULT_UNKNOWN, "nothing marks its end, so that it may have been cut");
    return RESULT_OK;
}

static enum result pieces_send(struct exchange *x, const char *bytes, size_t len, struct err *err)
{
    while (len > 0) {
        AUTO_BUF body = BUF_INIT(32 * KIB);
        size_t piece = len < PIECE_MAX ? len : PIECE_MAX;

        put_bytes(&body, bytes, piece);
        if (ipc_send(x->ipc, MSG_NET_BODY, &body, -1, err) != RESULT_OK)
            return err->result;
        bytes += piece;
        len -= piece;
    }
    return RESULT_OK;
}

static size_t body_take(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    struct exchange *x = t->x;
    size_t len = size * count;

    if (len > x->request->answer_max - x->answer_len) {
        (void)err_set(&x->err, RESULT_UNKNOWN, "it is larger than %u KiB",
                      (unsigned)x->request->answer_max / KIB);
        return 0;
    }
    x->answer_len += len;
    if (head_send(t, &x->err) != RESULT_OK || pieces_send(x, bytes, len, &x->err) != RESULT_OK)
        return 0;
    return len;
}

static CURLcode callbacks_set(struct transfer *t)
{
    CURL *easy = t->easy;
    CURLcode code = CURLE_OK;

#define SET(option, value)                                                                         \
    if (code == CURLE_OK)                                                                          \
    code = curl_easy_setopt(easy, option, value)
    SET(CURLOPT_ERRORBUFFER, t->error);
    SET(CURLOPT_OPENSOCKETFUNCTION, socket_give);
    SET(CURLOPT_OPENSOCKETDATA, t);
    SET(CURLOPT_SOCKOPTFUNCTION, socket_note);
    SET(CURLOPT_SSL_CTX_FUNCTION, tls_prepare);
    SET(CURLOPT_SSL_CTX_DATA, t);
    SET(CURLOPT_PREREQFUNCTION, before_request);
    SET(CURLOPT_PREREQDATA, t);
    SET(CURLOPT_HEADERFUNCTION, header_take);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, body_take);
    SET(CURLOPT_WRITEDATA, t);
#undef SET
    return code;
}

/* libcurl may not resolve: it finds the checked address in its cache. */
static struct curl_slist *addresses_new(const struct exchange *x)
{
    AUTO_BUF entry = BUF_INIT(512);
    bool v6 = x->endpoint.address.family == AF_INET6;

    buf_printf(&entry, "%s:%u:%s%s%s", x->target.host, (unsigned)x->target.port, v6 ? "[" : "",
               x->endpoint.text, v6 ? "]" : "");
    return buf_ok(&entry) ? curl_slist_append(NULL, buf_text(&entry)) : NULL;
}

static enum result headers_add(struct curl_slist **headers, const struct net_request *request,
                               struct err *err)
{
    AUTO_BUF type = BUF_INIT(128);

    if (!request->anchor && header_add(headers, "Accept: application/json", err) != RESULT_OK)
        return err->result;
    if (request->method != NET_POST)
        return RESULT_OK;
    buf_printf(&type, "Content-Type: %s", request->content_type);
    if (buf_check(&type, "the type of the request's body", err) != RESULT_OK ||
        header_add(headers, buf_text(&type), err) != RESULT_OK)
        return err->result;
    return header_add(headers, "Expect:", err); /* libcurl adds none then */
}

/* OpenSSL gives no reason when the connection was cut: that is the network, not the peer's TLS. */
static bool handshake_cut(const char *text)
{
    return strstr(text, "SSL_connect: ") != NULL || strstr(text, "unexpected eof") != NULL;
}

static enum result unsent_result(CURLcode code, const char *text)
{
    static const struct {
        CURLcode code;
        enum result result;
    } known[] = {{CURLE_PEER_FAILED_VERIFICATION, RESULT_PEER},
                 {CURLE_SSL_CERTPROBLEM, RESULT_PEER},
                 {CURLE_SSL_CIPHER, RESULT_PEER},
                 {CURLE_SSL_ISSUER_ERROR, RESULT_PEER},
                 {CURLE_SSL_CACERT_BADFILE, RESULT_CONFIG},
                 {CURLE_OUT_OF_MEMORY, RESULT_INTERNAL},
                 {CURLE_FAILED_INIT, RESULT_INTERNAL},
                 {CURLE_URL_MALFORMAT, RESULT_INTERNAL}};

    if (code == CURLE_SSL_CONNECT_ERROR)
        return handshake_cut(text) ? RESULT_UNREACHED : RESULT_PEER;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].code == code)
            return known[i].result;
    return RESULT_UNREACHED;
}

static void cause_put(struct buf *out, const struct transfer *t, CURLcode code)
{
    const char *text = t->error[0] != '\0' ? t->error : curl_easy_strerror(code);

    text_escape(out, text, strlen(text));
}

static enum net_outcome unsent(const struct transfer *t, CURLcode code, struct err *err)
{
    const struct exchange *x = t->x;
    AUTO_BUF cause = BUF_INIT(2 * KIB), version = BUF_INIT(64);

    if (x->err.result != RESULT_OK) {
        *err = x->err;
        return NET_UNSENT;
    }
    cause_put(&cause, t, code);
    if (!x->request->plain)
        buf_printf(&version, ", version %s or later",
                   x->request->minimum_tls == TLS1_3_VERSION ? "1.3" : "1.2");
    (void)err_set(err, unsent_result(code, t->error), "%s to %s (%s)%s: %s: nothing was sent",
                  x->request->plain ? "HTTP" : "TLS", x->request->host, x->endpoint.text,
                  buf_text(&version), buf_text(&cause));
    return NET_UNSENT;
}

static enum net_outcome lost(const struct transfer *t, CURLcode code, struct err *err)
{
    const struct exchange *x = t->x;
    AUTO_BUF cause = BUF_INIT(2 * KIB);

    if (x->err.result != RESULT_OK)
        buf_puts(&cause, x->err.text);
    else
        cause_put(&cause, t, code);
    (void)err_set(err, RESULT_UNKNOWN,
                  "the request was sent to %s (%s), but no whole answer came: %s%s",
                  x->request->host, x->endpoint.text, buf_text(&cause),
                  x->request->method == NET_GET || x->request->anchor
                      ? ""
                      : "; whether it took effect is not known");
    return NET_LOST;
}

static enum net_outcome perform(struct transfer *t, struct err *err)
{
    CURLcode code = curl_easy_perform(t->easy);

    heap_secret(false);
    if (!t->x->sending)
        return unsent(t, code, err);
    if (code != CURLE_OK || answer_end(t, &t->x->err) != RESULT_OK)
        return lost(t, code, err);
    return NET_ANSWERED;
}

enum net_outcome transfer_run(struct exchange *x, struct err *err)
{
    struct transfer t = {.easy = curl_easy_init(), .x = x};
    struct curl_slist *addresses = addresses_new(x);
    enum net_outcome outcome = NET_UNSENT;

    if (t.easy == NULL || addresses == NULL || callbacks_set(&t) != CURLE_OK)
        (void)err_set(err, RESULT_INTERNAL, "libcurl cannot be set up");
    else if (headers_add(&t.headers, x->request, err) == RESULT_OK &&
             options_set(t.easy, x, t.headers, addresses, err) == RESULT_OK)
        outcome = perform(&t, err);
    curl_easy_cleanup(t.easy);
    curl_slist_free_all(t.headers);
    curl_slist_free_all(addresses);
    return outcome;
}
