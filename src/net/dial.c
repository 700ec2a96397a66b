/* Resolve, leave out what lies outside the policy's networks, connect. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exchange.h"

#define ENDPOINTS_MAX 16

struct endpoints {
    size_t count, outside;
    struct endpoint at[ENDPOINTS_MAX];
    char refused[256]; /* addresses that lie outside */
};

static bool permitted(const struct net_request *request, const struct address *address)
{
    /* A proxy's address is the config's affair, as an anchor's is; the API's is then out of our
     * sight. */
    if (request->proxy[0] != '\0' || request->anchor)
        return true;
    for (uint32_t i = 0; i < request->networks; i++)
        if (network_holds(request->network[i], address))
            return true;
    return false;
}

static void endpoint_add(const struct net_request *request, const struct endpoint *found,
                         struct endpoints *list)
{
    size_t used = strlen(list->refused);

    if (!permitted(request, &found->address)) {
        list->outside++;
        (void)snprintf(list->refused + used, sizeof list->refused - used, "%s%s",
                       used > 0 ? ", " : "", found->text);
    } else if (list->count < ENDPOINTS_MAX) {
        list->at[list->count++] = *found;
    }
}

static enum result resolve_fixed(const struct exchange *x, struct endpoints *list, struct err *err)
{
    struct address address;
    struct endpoint found;

    if (!address_parse(x->request->resolve, &address) ||
        !endpoint_make(&address, x->target.port, &found))
        return err_set(err, RESULT_CONFIG, "resolve: not an address");
    endpoint_add(x->request, &found, list);
    return RESULT_OK;
}

static enum result resolve_name(const struct exchange *x, struct endpoints *list, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    struct endpoint endpoint;
    char port[8];
    int rc;

    (void)snprintf(port, sizeof port, "%u", (unsigned)x->target.port);
    rc = getaddrinfo(x->target.host, port, &hints, &found);
    if (rc != 0)
        return err_set(err, RESULT_UNREACHED,
                       "cannot resolve %s: %s; check the name service of this host, or fix the "
                       "address with `resolve` in the config",
                       x->target.host, rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
    for (const struct addrinfo *one = found; one != NULL; one = one->ai_next)
        if (endpoint_from(one->ai_addr, &endpoint))
            endpoint_add(x->request, &endpoint, list);
    freeaddrinfo(found);
    return RESULT_OK;
}

static enum result fail_outside(const struct exchange *x, const struct endpoints *list,
                                struct err *err)
{
    AUTO_BUF networks = BUF_INIT(512);

    if (list->outside == 0)
        return err_set(err, RESULT_UNREACHED, "%s has no IPv4 or IPv6 address", x->target.host);
    for (uint32_t i = 0; i < x->request->networks; i++)
        buf_printf(&networks, "%s%s", i > 0 ? ", " : "", x->request->network[i]);
    return err_set(err, RESULT_PEER,
                   "%s is at %s, outside the policy's networks (%s%s): nothing was sent; check "
                   "the name service, or, if Cloudflare has published new ranges, api.networks",
                   x->target.host, list->refused,
                   x->request->networks > 0 ? buf_text(&networks) : "none",
                   buf_ok(&networks) ? "" : ", ...");
}

static int wait_connected(int fd, int64_t deadline)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    int ready, error = 0;
    socklen_t len = sizeof error;

    do {
        int64_t left = deadline - clock_monotonic();

        if (left <= 0)
            return ETIMEDOUT;
        ready = poll(&poll_fd, 1, (int)left);
    } while (ready == 0 || (ready < 0 && errno == EINTR));
    if (ready < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return errno;
    return error;
}

/* 0 or an errno. */
static int connect_one(const struct endpoint *to, int64_t deadline, int *out)
{
    AUTO_FD fd = socket(to->address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = 0;

    if (fd < 0)
        return errno;
    if (connect(fd, (const struct sockaddr *)&to->where, to->where_len) != 0) {
        if (errno != EINPROGRESS)
            return errno;
        error = wait_connected(fd, deadline);
    }
    if (error == 0) {
        *out = fd;
        fd = -1;
    }
    return error;
}

/* Each address gets its share of the time that is left, so that a silent one costs not all of it.
 */
static enum result connect_any(struct exchange *x, const struct endpoints *list, struct err *err)
{
    AUTO_BUF tried = BUF_INIT(512);

    for (size_t i = 0; i < list->count; i++) {
        int64_t now = clock_monotonic();
        int64_t share = (x->connect_deadline - now) / (int64_t)(list->count - i);
        int error = connect_one(&list->at[i], now + share, &x->socket);

        if (error == 0) {
            x->endpoint = list->at[i];
            return RESULT_OK;
        }
        buf_printf(&tried, "%s%s: %s", i > 0 ? "; " : "", list->at[i].text, strerror(error));
    }
    return err_set(err, RESULT_UNREACHED,
                   "cannot connect to %s%s port %u: %s; check the network of this host",
                   x->request->proxy[0] != '\0' ? "the proxy " : "", x->target.host,
                   (unsigned)x->target.port, buf_text(&tried));
}

enum result dial(struct exchange *x, struct err *err)
{
    struct endpoints list = {0};
    bool fixed = x->request->resolve[0] != '\0';

    if ((fixed ? resolve_fixed : resolve_name)(x, &list, err) != RESULT_OK)
        return err->result;
    if (list.count == 0)
        return fail_outside(x, &list, err);
    return connect_any(x, &list, err);
}
