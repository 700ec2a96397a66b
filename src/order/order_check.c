#include <stdlib.h>
#include <string.h>

#include "order_check.h"
#include "text.h"

/* The validity_days and validation_method of the API's schema. */
static const int64_t validities[] = {14, 30, 90, 365};
static const char *const methods[] = {"txt", "http", "email"};

static bool spanned(const char *text, const char *allowed, size_t max)
{
    size_t len = strlen(text);
    return len > 0 && len <= max && strspn(text, allowed) == len;
}

enum result zone_check(const char *zone, struct err *err)
{
    if (strlen(zone) == 32 && spanned(zone, "0123456789abcdef", 32))
        return RESULT_OK;
    return host_check(zone, false, err);
}

enum result name_check(const char *name, const char *example, struct err *err)
{
    if (spanned(name, "abcdefghijklmnopqrstuvwxyz0123456789_", NAME_LEN))
        return RESULT_OK;
    AUTO_BUF shown = BUF_INIT(1024);
    text_escape(&shown, name, strnlen(name, NAME_LEN));
    return err_set(err, RESULT_USAGE,
                   "\"%s\" is not a name of 1 to %d of a-z, 0-9 and \"_\": write one such as %s",
                   buf_text(&shown), NAME_LEN, example);
}

enum result type_check(const char *type, struct err *err)
{
    if (strcmp(type, "advanced") == 0)
        return RESULT_OK;
    return err_set(err, RESULT_USAGE,
                   "only \"advanced\" can be ordered: write that, or leave it out");
}

enum result method_check(const char *method, struct err *err)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (strcmp(method, methods[i]) == 0)
            return RESULT_OK;
    AUTO_BUF shown = BUF_INIT(1024);
    text_escape(&shown, method, strnlen(method, NAME_LEN));
    return err_set(err, RESULT_USAGE, "\"%s\" is not one of txt, http, email", buf_text(&shown));
}

enum result validity_check(int64_t days, struct err *err)
{
    for (size_t i = 0; i < sizeof(validities) / sizeof(validities[0]); i++)
        if (days == validities[i])
            return RESULT_OK;
    return err_set(err, RESULT_USAGE, "%lld is not one of 14, 30, 90, 365", (long long)days);
}

enum result reference_check(const char *reference, struct err *err)
{
    size_t len = strlen(reference);
    if (len > REFERENCE_LEN)
        return err_set(err, RESULT_USAGE, "has %zu bytes: at most %d", len, REFERENCE_LEN);
    for (size_t i = 0; i < len; i++)
        if (reference[i] < ' ' || reference[i] > '~')
            return err_set(err, RESULT_USAGE, "byte %zu is not printable ASCII: leave it out",
                           i + 1);
    return RESULT_OK;
}

enum result host_count_check(size_t hosts, struct err *err)
{
    if (hosts == 0)
        return err_set(err, RESULT_USAGE, "no host: give at least the zone's apex");
    if (hosts > HOSTS_MAX)
        return err_set(err, RESULT_USAGE, "%zu hosts: the API takes at most %d, split the order",
                       hosts, HOSTS_MAX);
    return RESULT_OK;
}

static int host_compare(const void *left, const void *right)
{
    return strcmp(left, right);
}

static enum result hosts_check(struct order *order, struct err *err)
{
    enum result result = host_count_check(order->hosts, err);
    for (size_t i = 0; result == RESULT_OK && i < order->hosts; i++)
        result = host_check(order->host[i], true, err);
    if (result != RESULT_OK)
        return result;
    qsort(order->host, order->hosts, sizeof(order->host[0]), host_compare);
    for (size_t i = 1; i < order->hosts; i++)
        if (strcmp(order->host[i - 1], order->host[i]) == 0)
            return err_set(err, RESULT_USAGE, "\"%s\" is listed twice: remove one", order->host[i]);
    return RESULT_OK;
}

static enum result named(enum result result, const char *field, struct err *err)
{
    return result == RESULT_OK ? RESULT_OK : err_prefix(err, "%s", field);
}

enum result order_check(struct order *order, struct err *err)
{
    enum result result = named(zone_check(order->zone, err), "zone", err);
    if (result == RESULT_OK)
        result = named(hosts_check(order, err), "hosts", err);
    if (result == RESULT_OK)
        result = named(name_check(order->certificate_authority, "google", err),
                       "certificate_authority", err);
    if (result == RESULT_OK)
        result = named(method_check(order->validation_method, err), "validation_method", err);
    if (result == RESULT_OK)
        result = named(validity_check(order->validity_days, err), "validity_days", err);
    if (result == RESULT_OK)
        result =
            named(name_check(order->geo_label, "eu, or none", err), "geo_restrictions.label", err);
    if (result == RESULT_OK)
        result = named(reference_check(order->reference, err), "reference", err);
    return result;
}

static void host_zone_check(struct buf *problems, const struct order *order, const char *host)
{
    if (!host_within(host, order->apex))
        buf_printf(problems, "; %s is not in the zone %s: order it in its own zone", host,
                   order->apex);
    if (host[0] == '*' && strcmp(order->validation_method, "txt") != 0)
        buf_printf(problems, "; %s is a wildcard, which %s cannot validate: use txt", host,
                   order->validation_method);
}

enum result order_check_zone(const struct order *order, struct err *err)
{
    static const char between[] = "; ";
    AUTO_BUF problems = BUF_INIT(64 * 1024);
    bool apex = false;
    for (size_t i = 0; i < order->hosts; i++)
        apex = apex || strcmp(order->host[i], order->apex) == 0;
    if (!apex)
        buf_printf(&problems, "; the API demands the zone's apex among the hosts: add %s",
                   order->apex);
    for (size_t i = 0; i < order->hosts; i++)
        host_zone_check(&problems, order, order->host[i]);
    enum result result = buf_check(&problems, "the list of problems", err);
    if (result != RESULT_OK || problems.len == 0)
        return result;
    return err_set(err, RESULT_USAGE, "%s", problems.data + strlen(between));
}
