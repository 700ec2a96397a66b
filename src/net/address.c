#include "address.h"

#include <arpa/inet.h>
#include <string.h>

static size_t family_bits(int family)
{
    return family == AF_INET ? 32 : 128;
}

bool address_parse(const char *text, struct address *out)
{
    memset(out, 0, sizeof *out);
    out->family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    return inet_pton(out->family, text, out->bytes) == 1;
}

bool address_same(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Canonical decimal, at most 128. */
static bool prefix_parse(const char *text, size_t *bits)
{
    size_t len = strlen(text);

    *bits = 0;
    if (len == 0 || len > 3 || (len > 1 && text[0] == '0') || strspn(text, "0123456789") != len)
        return false;
    for (size_t i = 0; i < len; i++)
        *bits = *bits * 10 + (size_t)(text[i] - '0');
    return true;
}

static bool network_parse(const char *text, struct address *base, size_t *bits)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t len = slash != NULL ? (size_t)(slash - text) : 0;

    if (slash == NULL || len >= sizeof address)
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    return address_parse(address, base) && prefix_parse(slash + 1, bits) &&
           *bits <= family_bits(base->family);
}

bool network_valid(const char *network)
{
    struct address base;
    size_t bits;

    return network_parse(network, &base, &bits);
}

bool network_holds(const char *network, const struct address *address)
{
    struct address base;
    size_t bits, bytes;
    unsigned mask;

    if (!network_parse(network, &base, &bits) || base.family != address->family)
        return false;
    bytes = bits / 8;
    if (memcmp(base.bytes, address->bytes, bytes) != 0)
        return false;
    if (bits % 8 == 0)
        return true;
    mask = 0xffu << (8 - bits % 8);
    return ((base.bytes[bytes] ^ address->bytes[bytes]) & mask & 0xffu) == 0;
}

bool endpoint_make(const struct address *address, uint16_t port, struct endpoint *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    memset(out, 0, sizeof *out);
    out->address = *address;
    out->port = port;
    if (address->family == AF_INET) {
        memcpy(&v4.sin_addr, address->bytes, sizeof v4.sin_addr);
        memcpy(&out->where, &v4, sizeof v4);
        out->where_len = sizeof v4;
    } else {
        memcpy(&v6.sin6_addr, address->bytes, sizeof v6.sin6_addr);
        memcpy(&out->where, &v6, sizeof v6);
        out->where_len = sizeof v6;
    }
    return inet_ntop(address->family, address->bytes, out->text, sizeof out->text) != NULL;
}

bool endpoint_from(const struct sockaddr *where, struct endpoint *out)
{
    struct address address = {.family = where->sa_family};
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (where->sa_family == AF_INET) {
        memcpy(&v4, where, sizeof v4);
        memcpy(address.bytes, &v4.sin_addr, sizeof v4.sin_addr);
        return endpoint_make(&address, ntohs(v4.sin_port), out);
    }
    if (where->sa_family != AF_INET6)
        return false;
    memcpy(&v6, where, sizeof v6);
    memcpy(address.bytes, &v6.sin6_addr, sizeof v6.sin6_addr);
    return endpoint_make(&address, ntohs(v6.sin6_port), out);
}
