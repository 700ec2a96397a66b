/* What main may ask for, checked again: the worker trusts no other process' grammar. */
#include <string.h>

#include "exchange.h"

#define DEADLINE_MAX_MS 3600000

static const char path_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                 "/_.~?&=-";
static const char type_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789/.-";
static const char host_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";

static bool only(const char *text, const char *chars)
{
    return text[strspn(text, chars)] == '\0';
}

bool host_valid(const char *host)
{
    size_t len = strlen(host);

    return len > 0 && len <= TARGET_HOST_MAX && only(host, host_chars) && host[0] != '-' &&
           host[0] != '.';
}

static bool path_valid(const char *path)
{
    return path[0] == '/' && only(path, path_chars) && strstr(path, "..") == NULL;
}

static bool port_parse(const char *text, uint16_t *out)
{
    size_t len = strlen(text);
    unsigned port = 0;

    if (len == 0 || len > 5 || text[0] == '0' || !only(text, "0123456789"))
        return false;
    for (size_t i = 0; i < len; i++)
        port = port * 10 + (unsigned)(text[i] - '0');
    *out = (uint16_t)port;
    return port <= UINT16_MAX;
}

bool proxy_parse(const char *text, struct target *out)
{
    static const char scheme[] = "http://";
    struct address address;
    const char *host = text + sizeof scheme - 1, *colon = strrchr(text, ':');
    size_t len;

    if (strncmp(text, scheme, sizeof scheme - 1) != 0 || colon < host)
        return false;
    len = (size_t)(colon - host);
    if (len > TARGET_HOST_MAX || !port_parse(colon + 1, &out->port))
        return false;
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        memcpy(out->host, host + 1, len - 2);
        out->host[len - 2] = '\0';
        return address_parse(out->host, &address) && address.family == AF_INET6;
    }
    memcpy(out->host, host, len);
    out->host[len] = '\0';
    return host_valid(out->host);
}

static enum result where_check(const struct net_request *request, struct err *err)
{
    struct target proxy;
    struct address fixed;

    if (!host_valid(request->host) || request->port == 0 || request->port > UINT16_MAX)
        return err_set(err, RESULT_CONFIG, "%s host and port are not well-formed: check %s",
                       request->anchor ? "an anchor's" : "the API's",
                       request->anchor ? "audit.timestamp and audit.witnesses" : "api.base_url");
    if (request->resolve[0] != '\0' && !address_parse(request->resolve, &fixed))
        return err_set(err, RESULT_CONFIG, "resolve: %.64s is no IPv4 or IPv6 address",
                       request->resolve);
    if (request->proxy[0] != '\0' && !proxy_parse(request->proxy, &proxy))
        return err_set(err, RESULT_CONFIG, "proxy: %.128s is not of the form http://host:port",
                       request->proxy);
    if (request->resolve[0] != '\0' && request->proxy[0] != '\0')
        return err_set(err, RESULT_CONFIG,
                       "resolve and proxy exclude each other: it is the proxy that resolves");
    for (uint32_t i = 0; i < request->networks; i++)
        if (!network_valid(request->network[i]))
            return err_set(err, RESULT_CONFIG,
                           "api.networks: %.64s is not of the form address/bits",
                           request->network[i]);
    return RESULT_OK;
}

static enum result what_check(const struct net_request *request, struct err *err)
{
    if (!path_valid(request->path))
        return err_set(err, RESULT_INTERNAL, "the path of the request is not well-formed");
    if (request->method != NET_POST && request->body_len > 0)
        return err_set(err, RESULT_INTERNAL, "only a POST has a body");
    if (request->body_len > (size_t)64 * KIB)
        return err_set(err, RESULT_INTERNAL, "the body of the request is larger than 64 KiB");
    if (!only(request->content_type, type_chars) || request->content_type[0] == '\0')
        return err_set(err, RESULT_INTERNAL, "the type of the request's body is not well-formed");
    if (request->plain && !request->anchor)
        return err_set(err, RESULT_INTERNAL, "the API is not spoken to without TLS");
    if (request->minimum_tls != TLS1_2_VERSION && request->minimum_tls != TLS1_3_VERSION)
        return err_set(err, RESULT_CONFIG, "api.minimum_tls is neither 1.2 nor 1.3");
    return times_check(request, err);
}

enum result times_check(const struct net_request *request, struct err *err)
{
    if (request->connect_ms == 0 || request->connect_ms > DEADLINE_MAX_MS ||
        request->total_ms == 0 || request->total_ms > DEADLINE_MAX_MS)
        return err_set(err, RESULT_INTERNAL, "a deadline of the request is not within 1 ms to 1 h");
    return RESULT_OK;
}

enum result request_check(const struct net_request *request, struct err *err)
{
    if (what_check(request, err) != RESULT_OK)
        return err->result;
    return where_check(request, err);
}
