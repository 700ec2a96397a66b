/* The addresses that networks hold, as sets: how they are cut into networks does not matter. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "compare_run.h"

struct range {
    int family;
    uint8_t first[16], last[16]; /* an IPv4 address in the first 4 bytes */
};

static void range_read(const char *network, struct range *out)
{
    char text[INET6_ADDRSTRLEN] = "";
    bool six = strchr(network, ':') != NULL;
    size_t size = six ? 16 : 4;
    *out = (struct range){.family = six ? AF_INET6 : AF_INET};
    memcpy(text, network, strcspn(network, "/") % sizeof text);
    (void)inet_pton(out->family, text, out->first);
    for (size_t bit = 0; bit < size * 8; bit++) {
        uint8_t one = (uint8_t)(0x80u >> (bit % 8));
        bool host = bit >= network_prefix(network);
        out->last[bit / 8] |= host ? one : out->first[bit / 8] & one;
    }
}

static int range_compare(const void *left, const void *right)
{
    const struct range *a = left, *b = right;
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->first, b->first, sizeof a->first);
}

static struct range *ranges_make(const struct policy *policy)
{
    struct range *range = calloc(policy->facts.networks + 1, sizeof *range);
    for (size_t i = 0; range != NULL && i < policy->facts.networks; i++)
        range_read(policy->network[i], &range[i]);
    if (range != NULL)
        qsort(range, policy->facts.networks, sizeof *range, range_compare);
    return range;
}

/* The address behind it. False: there is none, it was the last of all. */
static bool address_step(int family, uint8_t address[16])
{
    for (size_t i = family == AF_INET6 ? 16 : 4; i-- > 0;)
        if (++address[i] != 0)
            return true;
    return false;
}

/* The first address of this range that is in none of the others, which are sorted. */
static bool range_outside(const struct range *range, const struct range *other, size_t others,
                          uint8_t at[16])
{
    memcpy(at, range->first, 16);
    for (size_t i = 0; i < others; i++) {
        if (other[i].family != range->family || memcmp(other[i].last, at, 16) < 0 ||
            memcmp(other[i].first, at, 16) > 0)
            continue;
        memcpy(at, other[i].last, 16);
        if (!address_step(range->family, at))
            return false;
    }
    return memcmp(at, range->last, 16) <= 0;
}

enum result network_gained(const struct policy *has, const struct policy *lacks, bool *found,
                           char *out, size_t size, struct err *err)
{
    struct range *mine = ranges_make(has), *other = ranges_make(lacks);
    uint8_t at[16];
    char text[INET6_ADDRSTRLEN] = "";
    *found = false;
    enum result result = mine != NULL && other != NULL
                             ? RESULT_OK
                             : err_set(err, RESULT_INTERNAL, "the networks: out of memory");
    for (size_t i = 0; result == RESULT_OK && i < has->facts.networks && !*found; i++) {
        *found = range_outside(&mine[i], other, lacks->facts.networks, at);
        if (*found && inet_ntop(mine[i].family, at, text, sizeof text) != NULL)
            line_put(out, size, text);
    }
    free(mine);
    free(other);
    return result;
}
