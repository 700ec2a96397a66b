/* What libcurl would do by default, or by the environment, is decided here instead. */
#include <string.h>

#include "transfer.h"

static const struct {
    CURLoption option;
    long value;
} numbers[] = {
    {CURLOPT_VERBOSE, 0},
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_FAILONERROR, 0},
    /* one request, to one place */
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_MAXREDIRS, 0},
    {CURLOPT_UNRESTRICTED_AUTH, 0},
    {CURLOPT_AUTOREFERER, 0},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_HSTS_CTRL, 0},
    {CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
    {CURLOPT_PATH_AS_IS, 1},
    {CURLOPT_FRESH_CONNECT, 1},
    {CURLOPT_FORBID_REUSE, 1},
    {CURLOPT_TCP_FASTOPEN, 0},
    /* TLS */
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_SSL_VERIFYSTATUS, 0}, /* public CAs give up OCSP */
    {CURLOPT_PROXY_SSL_VERIFYPEER, 1},
    {CURLOPT_PROXY_SSL_VERIFYHOST, 2},
    {CURLOPT_DOH_SSL_VERIFYPEER, 1},
    {CURLOPT_DOH_SSL_VERIFYHOST, 2},
    /* The verified chain must end at a root, or a pinned root would not be in it. */
    {CURLOPT_SSL_OPTIONS, CURLSSLOPT_NO_PARTIALCHAIN},
    {CURLOPT_SSL_SESSIONID_CACHE, 0},
    {CURLOPT_CA_CACHE_TIMEOUT, 0},
    /* HTTP */
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_HTTP09_ALLOWED, 0},
    {CURLOPT_HTTP_CONTENT_DECODING, 0},
    {CURLOPT_UPLOAD_BUFFERSIZE, 16 * KIB}, /* the least: it is in the secure heap */
    {CURLOPT_HEADER, 0},
    {CURLOPT_HEADEROPT, CURLHEADER_SEPARATE}, /* a proxy must not see the credential */
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
    {CURLOPT_LOW_SPEED_LIMIT, 0}, /* an answer that is late is better than none: see limits_set() */
};

static const struct {
    CURLoption option;
    const char *value;
} texts[] = {
    {CURLOPT_REDIR_PROTOCOLS_STR, "https"},
    {CURLOPT_PRE_PROXY, ""},
    {CURLOPT_CAINFO, NULL},
    {CURLOPT_CAPATH, NULL},
    {CURLOPT_PROXY_CAINFO, NULL},
    {CURLOPT_PROXY_CAPATH, NULL},
    {CURLOPT_SSL_CIPHER_LIST, "ECDHE+AESGCM:ECDHE+CHACHA20"},
    {CURLOPT_TLS13_CIPHERS,
     "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"},
    {CURLOPT_ACCEPT_ENCODING, NULL},
    {CURLOPT_COOKIEFILE, NULL},
    {CURLOPT_DOH_URL, NULL},
    {CURLOPT_INTERFACE, NULL},
    {CURLOPT_USERAGENT, "georder/" GEORDER_VERSION},
};

static CURLcode constants_set(CURL *easy)
{
    CURLcode code = CURLE_OK;

    for (size_t i = 0; code == CURLE_OK && i < sizeof numbers / sizeof *numbers; i++)
        code = curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
    for (size_t i = 0; code == CURLE_OK && i < sizeof texts / sizeof *texts; i++)
        code = curl_easy_setopt(easy, texts[i].option, texts[i].value);
    return code;
}

static CURLcode method_set(CURL *easy, const struct net_request *request)
{
    CURLcode code = CURLE_OK;

    if (request->method == NET_GET)
        return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (request->method == NET_DELETE)
        return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
    code = curl_easy_setopt(easy, CURLOPT_POST, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    return code;
}

static CURLcode url_set(CURL *easy, const struct net_request *request)
{
    const char *scheme = request->plain ? "http" : "https";
    AUTO_BUF url = BUF_INIT(16 * KIB);
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, scheme);

    buf_printf(&url, "%s://%s:%u%s", scheme, request->host, (unsigned)request->port, request->path);
    if (code != CURLE_OK)
        return code;
    return buf_ok(&url) ? curl_easy_setopt(easy, CURLOPT_URL, buf_text(&url)) : CURLE_OUT_OF_MEMORY;
}

/* NOPROXY "*" takes the environment's proxies out; it would take ours out, too. */
static CURLcode proxy_set(CURL *easy, const struct net_request *request)
{
    bool proxied = request->proxy[0] != '\0';
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PROXY, request->proxy);

    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_NOPROXY, proxied ? "" : "*");
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, proxied ? 1L : 0L);
    return code;
}

/* No CAINFO_BLOB: pin_install() brings the trust store. */
static CURLcode version_set(CURL *easy, const struct net_request *request)
{
    long version =
        request->minimum_tls == TLS1_3_VERSION ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2;

    return curl_easy_setopt(easy, CURLOPT_SSLVERSION, version | CURL_SSLVERSION_MAX_DEFAULT);
}

static CURLcode limits_set(CURL *easy, const struct exchange *x)
{
    int64_t left = x->deadline - clock_monotonic();
    CURLcode code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(left > 1 ? left : 1));

    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)x->request->connect_ms);
    if (code == CURLE_OK) /* refuses an announced length early; our own count is what holds */
        code =
            curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)x->request->answer_max);
    return code;
}

enum result options_set(CURL *easy, const struct exchange *x, struct curl_slist *headers,
                        struct curl_slist *addresses, struct err *err)
{
    CURLcode code = constants_set(easy);

    if (code == CURLE_OK)
        code = method_set(easy, x->request);
    if (code == CURLE_OK)
        code = url_set(easy, x->request);
    if (code == CURLE_OK)
        code = proxy_set(easy, x->request);
    if (code == CURLE_OK)
        code = version_set(easy, x->request);
    if (code == CURLE_OK)
        code = limits_set(easy, x);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_RESOLVE, addresses);
    if (code != CURLE_OK)
        return err_set(err, RESULT_INTERNAL, "libcurl does not take an option: %s",
                       curl_easy_strerror(code));
    return RESULT_OK;
}
