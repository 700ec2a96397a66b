/* Numeric addresses and the networks that hold them. */
#ifndef GEORDER_NET_ADDRESS_H
#define GEORDER_NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base.h"

#define TARGET_HOST_MAX 253

struct target {
    char host[TARGET_HOST_MAX + 1];
    uint16_t port;
};

struct address {
    int family; /* AF_INET, AF_INET6 */
    uint8_t bytes[16];
};

struct endpoint {
    struct address address;
    uint16_t port;
    char text[INET6_ADDRSTRLEN]; /* "104.19.192.29" */
    struct sockaddr_storage where;
    socklen_t where_len;
};

MUST_USE bool address_parse(const char *text, struct address *out);
MUST_USE bool address_same(const struct address *a, const struct address *b);
MUST_USE bool network_valid(const char *network); /* "104.16.0.0/13", "2606:4700::/32" */
MUST_USE bool network_holds(const char *network, const struct address *address);
/* False for anything but an IPv4 or IPv6 address. */
MUST_USE bool endpoint_from(const struct sockaddr *where, struct endpoint *out);
MUST_USE bool endpoint_make(const struct address *address, uint16_t port, struct endpoint *out);

#endif
