#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "order.h"

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffabc"
#define NAME_253                                                                                   \
    L63 "." L63 "." L63 ".0123456789012345678901234567890123456789012345678901234567.nl"

static void refused(const char *name, bool wildcard, const char *text)
{
    struct err err = {0};
    cr_assert_eq(host_check(name, wildcard, &err), RESULT_USAGE, "%s", name);
    cr_assert_eq(err.result, RESULT_USAGE);
    cr_assert_str_eq(err.text, text);
}

static void taken(const char *name, bool wildcard)
{
    struct err err = {0};
    cr_assert_eq(host_check(name, wildcard, &err), RESULT_OK, "%s", err.text);
}

Test(host, good_names)
{
    taken("example.com", false);
    taken("a.b", false);
    taken("1.2.3.4.a", false);
    taken("3com.com", false);
    taken("xn--bcher-kva.example", false);
    taken("a-b--c.example", false);
    taken("0.1.2.3.4.5.6.7.8.nl", false);
    taken(L63 ".com", false);
    taken("in-addr.arpa.example.com", false);
    taken("myin-addr.arpa", false);
    taken("*.example.com", true);
    taken("*.0.1.2.3.4.5.6.7.8.nl", true);
    taken("example.com", true);
}

Test(host, size)
{
    cr_assert_eq(strlen(NAME_253), 253);
    taken(NAME_253, false);
    refused("", true, "a host name is empty: write one such as example.com");
    refused("a" NAME_253, false,
            "\"aaaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffffff...\": has 254 bytes: "
            "at most 253");
    refused("*." NAME_253, true,
            "\"*.aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffff...\": has 255 bytes: "
            "at most 253");
}

Test(host, not_ascii)
{
    refused("b\u00fccher.example", true,
            "\"b\u00fccher.example\": not ASCII: give the A-label, xn--...");
    refused("a\u3002example", true, "\"a\u3002example\": not ASCII: give the A-label, xn--...");
    refused("a\xff.example", true, "\"a\\xff.example\": not ASCII: give the A-label, xn--...");
}

Test(host, wildcards)
{
    static const char one[] = "a wildcard is only one leading \"*.\", as in *.example.com";
    static const char behind[] = "a wildcard needs 2 labels or more behind it, as in *.example.com";
    static const struct {
        const char *name, *why;
    } cases[] = {{"*", one},           {"*example.com", one},    {"a*.example.com", one},
                 {"www.*.com", one},   {"*.*.example.com", one}, {"**.example.com", one},
                 {"*.xn--*.com", one}, {"*.com", behind}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "\"%s\": %s", cases[i].name, cases[i].why);
        refused(cases[i].name, true, text);
    }
    refused("*.", true, "\"*.\": an empty label: no dot at the start and no two dots in a row");
    refused("*.example.com", false,
            "\"*.example.com\": a wildcard cannot stand here: write it without \"*.\"");
}

Test(host, addresses)
{
    static const char digits[] =
        "the last label is all digits, as in an IP address: give a host name";
    char text[256];
    refused("192.0.2.1", true, "\"192.0.2.1\": an IP address: give a host name");
    refused("2001:db8::1", true, "\"2001:db8::1\": an IP address: give a host name");
    refused("*.192.0.2.1", true, "\"*.192.0.2.1\": an IP address: give a host name");
    (void)snprintf(text, sizeof(text), "\"192.0.2\": %s", digits);
    refused("192.0.2", true, text);
    (void)snprintf(text, sizeof(text), "\"1\": %s", digits);
    refused("1", true, text);
}

Test(host, characters)
{
    static const char bare[] =
        "is not allowed: give the bare name, of a-z, 0-9, \"-\" and \".\" only";
    static const struct {
        const char *name, *shown;
        int at;
    } cases[] = {{"a b.com", "a b.com", 2},
                 {"https://example.com", "https://example.com", 6},
                 {"me@example.com", "me@example.com", 3},
                 {"example.com:443", "example.com:443", 12},
                 {"a.com\n", "a.com\\x0a", 6},
                 {"*.a,b.com", "*.a,b.com", 4}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "\"%s\": character %d %s", cases[i].shown, cases[i].at,
                       bare);
        refused(cases[i].name, true, text);
    }
    refused("WWW.Example.com", true,
            "\"WWW.Example.com\": upper case: write it as \"www.example.com\"");
    refused("*.Example.com", true, "\"*.Example.com\": upper case: write it as \"*.example.com\"");
    refused("_dmarc.example.com", true,
            "\"_dmarc.example.com\": an underscore: no CA may issue for it, use a name without "
            "\"_\"");
}

Test(host, labels)
{
    static const char empty[] = "an empty label: no dot at the start and no two dots in a row";
    static const char *const names[] = {".example.com", "a..example.com", ".", "*..com"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "\"%s\": %s", names[i], empty);
        refused(names[i], true, text);
    }
    refused("example.com.", true, "\"example.com.\": a final dot: write it as \"example.com\"");
    refused("a" L63 ".com", true,
            "\"a" L63 ".com\": label \"aaaaaaaaaaabbbbbbbbb...\" has 64 bytes: at most 63");
    refused("-a.com", true, "\"-a.com\": label \"-a\" begins or ends with \"-\"");
    refused("a-.com", true, "\"a-.com\": label \"a-\" begins or ends with \"-\"");
    refused("-.com", true, "\"-.com\": label \"-\" begins or ends with \"-\"");
    refused("xn--.com", true, "\"xn--.com\": label \"xn--\" begins or ends with \"-\"");
    refused("ab--cd.com", true,
            "\"ab--cd.com\": label \"ab--cd\" has \"--\" in places 3 and 4, which only xn-- may "
            "have");
    refused("example", true,
            "\"example\": only one label: give the whole name, as in www.example.com");
    refused("0.1.2.3.4.5.6.7.8.9.nl", true,
            "\"0.1.2.3.4.5.6.7.8.9.nl\": has 11 labels: at most 10");
}

Test(host, reverse_zones)
{
    static const char *const names[] = {"2.0.192.in-addr.arpa", "in-addr.arpa", "*.in-addr.arpa",
                                        "8.b.d.0.1.0.0.2.ip6.arpa"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text),
                       "\"%s\": a reverse zone: no CA may issue for it, give a host name",
                       names[i]);
        refused(names[i], true, text);
    }
}
