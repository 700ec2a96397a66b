/* Where the API is: networks in CIDR notation, and the base URL. */
#include <arpa/inet.h>
#include <string.h>

#include "rule.h"

/* Decimal without sign or leading zero, at most `max`; false when it is not that. */
static bool number_read(const char *text, unsigned max, unsigned *out)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0' || (text[0] == '0' && digits > 1))
        return false;
    *out = 0;
    for (const char *at = text; *at != '\0'; at++)
        *out = *out * 10 + (unsigned)(*at - '0');
    return *out <= max;
}

static bool host_bits_zero(const uint8_t *address, unsigned size, unsigned prefix)
{
    for (unsigned bit = prefix; bit < size * 8; bit++)
        if ((address[bit / 8] & (0x80u >> (bit % 8))) != 0)
            return false;
    return true;
}

unsigned network_prefix(const char *network)
{
    unsigned prefix = 0;
    const char *slash = strchr(network, '/');
    return slash != NULL && number_read(slash + 1, 128, &prefix) ? prefix : 0;
}

enum result network_check(const struct json_doc *doc, const cJSON *node, const char **out,
                          struct err *err)
{
    uint8_t address[16];
    char host[INET6_ADDRSTRLEN] = "";
    unsigned prefix = 0;
    TRY(json_text(doc, node, 64, out, err));
    const char *slash = strchr(*out, '/');
    bool six = strchr(*out, ':') != NULL;
    size_t len = slash == NULL ? 0 : (size_t)(slash - *out);
    if (len > 0 && len < sizeof host)
        memcpy(host, *out, len);
    if (host[0] == '\0' || inet_pton(six ? AF_INET6 : AF_INET, host, address) != 1 ||
        !number_read(slash + 1, six ? 128 : 32, &prefix))
        return json_fail(doc, node, err,
                         "is not a network: write it as 104.16.0.0/13 or 2606:4700::/32");
    if (!host_bits_zero(address, six ? 16 : 4, prefix))
        return json_fail(doc, node, err,
                         "has bits set behind the prefix of %u: write the network's first address",
                         prefix);
    return RESULT_OK;
}

/* The host of a URL: a name, an IPv4 address, or an IPv6 address in brackets. */
static const char *authority_host(const char *at, char *out, size_t size)
{
    uint8_t address[16];
    bool six = *at == '[';
    at += six;
    size_t len = six ? strcspn(at, "]/") : strcspn(at, ":/");
    if (len == 0 || len >= size)
        return NULL;
    memcpy(out, at, len);
    out[len] = '\0';
    at += len;
    if (six)
        return *at == ']' && inet_pton(AF_INET6, out, address) == 1 ? at + 1 : NULL;
    if (inet_pton(AF_INET, out, address) == 1)
        return at;
    struct err ignored;
    return strcmp(out, "localhost") == 0 || host_check(out, false, &ignored) == RESULT_OK ? at
                                                                                          : NULL;
}

static const char *authority_port(const char *at, uint32_t *out)
{
    char text[8] = "";
    unsigned port = 443;
    if (*at == ':') {
        size_t len = strcspn(++at, "/");
        if (len >= sizeof text)
            return NULL;
        memcpy(text, at, len);
        at += len;
        if (!number_read(text, 65535, &port) || port == 0)
            return NULL;
    }
    *out = port;
    return at;
}

static bool path_read(const char *at, char *out, size_t size)
{
    size_t len = strlen(at);
    if (len > 0 && at[len - 1] == '/')
        len--;
    if (len >= size ||
        at[strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")] !=
            '\0')
        return false;
    if ((at[0] != '/' && at[0] != '\0') || strstr(at, "//") != NULL || strstr(at, "/.") != NULL)
        return false;
    memcpy(out, at, len);
    out[len] = '\0';
    return true;
}

enum result url_load(const struct json_doc *doc, const cJSON *api, struct policy *policy,
                     struct err *err)
{
    static const char scheme[] = "https://";
    struct policy_facts *facts = &policy->facts;
    TRY(json_string(doc, api, "base_url", 500, &facts->base_url, err));
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(api, "base_url");
    if (strncmp(facts->base_url, scheme, sizeof scheme - 1) != 0)
        return json_fail(doc, node, err,
                         "must begin with https://, as in https://api.cloudflare.com/client/v4");
    const char *at =
        authority_host(facts->base_url + sizeof scheme - 1, policy->host, sizeof policy->host);
    if (at == NULL)
        return json_fail(doc, node, err,
                         "has no valid host behind https://: give a lower-case name, an IPv4 "
                         "address, or an IPv6 address in brackets");
    at = authority_port(at, &facts->port);
    if (at == NULL)
        return json_fail(doc, node, err, "has no valid port: give 1 to 65535, or none for 443");
    if (!path_read(at, policy->path, sizeof policy->path))
        return json_fail(doc, node, err,
                         "has no plain path behind the host: no query, no fragment, no %%, no "
                         "empty or dotted segment, at most 255 bytes, as in /client/v4");
    facts->host = policy->host;
    facts->path = policy->path;
    return RESULT_OK;
}
