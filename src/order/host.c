/*
 * The name grammar: Baseline Requirements 7.1.2.7.12 (dNSName) and 3.2.2.6 (wildcards), with the
 * bound of 10 labels that Let's Encrypt sets. Refuses, never repairs: what was judged is what is
 * sent.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

#define LABEL_MAX  63
#define LABELS_MIN 2
#define LABELS_MAX 10

static enum result PRINTF(3, 4) host_fail(const char *name, struct err *err, const char *fmt, ...)
{
    AUTO_BUF shown = BUF_INIT(4096);
    size_t len = strnlen(name, HOST_LEN + 1);
    text_escape(&shown, name, len > HOST_LEN ? 60 : len);
    if (len > HOST_LEN)
        buf_puts(&shown, "...");

    char problem[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(problem, sizeof(problem), fmt, args);
    va_end(args);
    return err_set(err, RESULT_USAGE, "\"%s\": %s", buf_text(&shown), problem);
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_ldh(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
}

static enum result size_check(const char *name, struct err *err)
{
    if (name[0] == '\0')
        return err_set(err, RESULT_USAGE, "a host name is empty: write one such as example.com");
    size_t len = strlen(name);
    if (len > HOST_LEN)
        return host_fail(name, err, "has %zu bytes: at most %d", len, HOST_LEN);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] >= 0x80)
            return host_fail(name, err, "not ASCII: give the A-label, xn--...");
    return RESULT_OK;
}

/* *base: what stands behind a leading "*.". */
static enum result wildcard_check(const char *name, bool wildcard, const char **base,
                                  struct err *err)
{
    bool leading = strncmp(name, "*.", 2) == 0;
    *base = leading ? name + 2 : name;
    if (strchr(*base, '*') != NULL)
        return host_fail(name, err, "a wildcard is only one leading \"*.\", as in *.example.com");
    if (leading && !wildcard)
        return host_fail(name, err, "a wildcard cannot stand here: write it without \"*.\"");
    return RESULT_OK;
}

/* Resolvers and URL parsers read a name with an all-digit last label as an IPv4 address too. */
static enum result address_check(const char *name, const char *base, struct err *err)
{
    unsigned char address[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, base, address) == 1 || inet_pton(AF_INET6, base, address) == 1)
        return host_fail(name, err, "an IP address: give a host name");
    const char *dot = strrchr(base, '.');
    const char *last = dot == NULL ? base : dot + 1;
    if (last[0] != '\0' && last[strspn(last, "0123456789")] == '\0')
        return host_fail(name, err,
                         "the last label is all digits, as in an IP address: give a host name");
    return RESULT_OK;
}

static enum result upper_fail(const char *name, struct err *err)
{
    char lower[HOST_LEN + 1];
    size_t i = 0;
    for (; i < HOST_LEN && name[i] != '\0'; i++)
        lower[i] = (char)(is_upper(name[i]) ? name[i] - 'A' + 'a' : name[i]);
    lower[i] = '\0';
    return host_fail(name, err, "upper case: write it as \"%s\"", lower);
}

static enum result bytes_check(const char *name, const char *base, struct err *err)
{
    for (const char *c = base; *c != '\0'; c++) {
        if (is_ldh(*c) || *c == '.')
            continue;
        if (is_upper(*c))
            return upper_fail(name, err);
        if (*c == '_')
            return host_fail(name, err,
                             "an underscore: no CA may issue for it, use a name without \"_\"");
        return host_fail(name, err,
                         "character %td is not allowed: give the bare name, of a-z, 0-9, \"-\" "
                         "and \".\" only",
                         c - name + 1);
    }
    size_t len = strlen(base);
    if (len > 1 && base[len - 1] == '.')
        return host_fail(name, err, "a final dot: write it as \"%.*s\"", (int)strlen(name) - 1,
                         name);
    return RESULT_OK;
}

static enum result label_check(const char *name, const char *label, size_t len, struct err *err)
{
    int shown = len > LABEL_MAX ? 20 : (int)len;
    if (len == 0)
        return host_fail(name, err, "an empty label: no dot at the start and no two dots in a row");
    if (len > LABEL_MAX)
        return host_fail(name, err, "label \"%.*s...\" has %zu bytes: at most %d", shown, label,
                         len, LABEL_MAX);
    if (label[0] == '-' || label[len - 1] == '-')
        return host_fail(name, err, "label \"%.*s\" begins or ends with \"-\"", shown, label);
    if (len >= 4 && memcmp(label + 2, "--", 2) == 0 && memcmp(label, "xn", 2) != 0)
        return host_fail(name, err,
                         "label \"%.*s\" has \"--\" in places 3 and 4, which only xn-- may have",
                         shown, label);
    return RESULT_OK;
}

static enum result labels_check(const char *name, const char *base, struct err *err)
{
    size_t labels = 0;
    for (const char *at = base;; labels++) {
        size_t len = strcspn(at, ".");
        enum result result = label_check(name, at, len, err);
        if (result != RESULT_OK)
            return result;
        at += len;
        if (*at++ == '\0')
            break;
    }
    labels++;
    if (labels > LABELS_MAX)
        return host_fail(name, err, "has %zu labels: at most %d", labels, LABELS_MAX);
    if (labels < LABELS_MIN && base != name)
        return host_fail(name, err,
                         "a wildcard needs %d labels or more behind it, as in *.example.com",
                         LABELS_MIN);
    if (labels < LABELS_MIN)
        return host_fail(name, err, "only one label: give the whole name, as in www.example.com");
    return RESULT_OK;
}

enum result host_check(const char *name, bool wildcard, struct err *err)
{
    const char *base = name;
    enum result result = size_check(name, err);
    if (result == RESULT_OK)
        result = wildcard_check(name, wildcard, &base, err);
    if (result == RESULT_OK)
        result = address_check(name, base, err);
    if (result == RESULT_OK)
        result = bytes_check(name, base, err);
    if (result == RESULT_OK)
        result = labels_check(name, base, err);
    if (result != RESULT_OK)
        return result;
    if (host_within(base, "in-addr.arpa") || host_within(base, "ip6.arpa"))
        return host_fail(name, err, "a reverse zone: no CA may issue for it, give a host name");
    return RESULT_OK;
}
