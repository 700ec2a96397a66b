/* What net refuses to do for main, and its own small parsers. */
#include <criterion/criterion.h>
#include <string.h>

#include "exchange.h"

static const struct net_request GOOD = {.method = NET_POST,
                                        .host = "api.cloudflare.com",
                                        .port = 443,
                                        .path = "/client/v4/zones/0a/ssl?status=all&page=1",
                                        .body = "{}",
                                        .body_len = 2,
                                        .content_type = "application/json",
                                        .resolve = "",
                                        .proxy = "",
                                        .minimum_tls = TLS1_3_VERSION,
                                        .connect_ms = 1,
                                        .total_ms = 1,
                                        .networks = 1,
                                        .network = {"104.16.0.0/13"}};

static void refuses(const struct net_request *request, enum result result, const char *text)
{
    struct err err = {0};

    cr_assert_eq(request_check(request, &err), result, "%s", err.text);
    cr_assert_not_null(strstr(err.text, text), "%s", err.text);
}

Test(request, good)
{
    struct err err = {0};

    cr_assert_eq(request_check(&GOOD, &err), RESULT_OK, "%s", err.text);
}

Test(request, paths)
{
    static const char *const bad[] = {"",     "client", "/a b",      "/a\r\nb", "/a%2e", "/a/../b",
                                      "/a#b", "/a@b",   "/\xc3\xa9", "/a:b",    "/a\\b"};
    struct net_request request = GOOD;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        request.path = bad[i];
        refuses(&request, RESULT_INTERNAL, "the path of the request is not well-formed");
    }
}

Test(request, hosts_and_ports)
{
    static const char *const bad[] = {"",    "API.example", "a b", "user@host",
                                      "a/b", "-a",          ".a",  "[::1]"};
    struct net_request request = GOOD;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        request.host = bad[i];
        refuses(&request, RESULT_CONFIG, "host and port are not well-formed");
    }
    request = GOOD;
    request.port = 0;
    refuses(&request, RESULT_CONFIG, "host and port");
}

Test(request, other_fields)
{
    static char body[64 * KIB + 2];
    struct net_request request = GOOD;

    request.method = NET_GET;
    refuses(&request, RESULT_INTERNAL, "only a POST has a body");
    request = GOOD;
    memset(body, 'x', sizeof body - 1);
    request.body = body;
    request.body_len = sizeof body - 1;
    refuses(&request, RESULT_INTERNAL, "larger than 64 KiB");
    request = GOOD;
    request.content_type = "text/plain\r\nHost: evil.example";
    refuses(&request, RESULT_INTERNAL, "type of the request's body");
    request = GOOD;
    request.plain = true;
    refuses(&request, RESULT_INTERNAL, "not spoken to without TLS");
    request = GOOD;
    request.minimum_tls = 0x0302;
    refuses(&request, RESULT_CONFIG, "minimum_tls");
    request = GOOD;
    request.total_ms = 0;
    refuses(&request, RESULT_INTERNAL, "not within 1 ms to 1 h");
    request.total_ms = 3600001;
    refuses(&request, RESULT_INTERNAL, "not within 1 ms to 1 h");
    request = GOOD;
    request.resolve = "localhost";
    refuses(&request, RESULT_CONFIG, "resolve: localhost is no IPv4 or IPv6 address");
    request = GOOD;
    request.network[0] = "104.16.0.0";
    refuses(&request, RESULT_CONFIG, "api.networks: 104.16.0.0 is not of the form");
    request = GOOD;
    request.resolve = "127.0.0.1";
    request.proxy = "http://proxy:3128";
    refuses(&request, RESULT_CONFIG, "resolve and proxy exclude each other");
}

Test(request, proxies)
{
    static const char *const bad[] = {"proxy:3128",        "https://proxy:3128", "http://proxy",
                                      "http://proxy:0",    "http://proxy:65536", "http://:3128",
                                      "http://a@proxy:31", "http://proxy:31/",   "http://[::1:31",
                                      "socks5://proxy:31"};
    struct net_request request = GOOD;
    struct target target;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        request.proxy = bad[i];
        refuses(&request, RESULT_CONFIG, "is not of the form http://host:port");
    }
    cr_assert(proxy_parse("http://proxy.example:3128", &target));
    cr_assert_str_eq(target.host, "proxy.example");
    cr_assert_eq(target.port, 3128);
    cr_assert(proxy_parse("http://[::1]:8080", &target));
    cr_assert_str_eq(target.host, "::1");
}

static bool holds(const char *network, const char *text)
{
    struct address address;

    cr_assert(address_parse(text, &address));
    return network_holds(network, &address);
}

Test(address, networks)
{
    cr_assert(holds("104.16.0.0/13", "104.16.0.0"));
    cr_assert(holds("104.16.0.0/13", "104.23.255.255"));
    cr_assert_not(holds("104.16.0.0/13", "104.24.0.0"));
    cr_assert_not(holds("104.16.0.0/13", "104.15.255.255"));
    cr_assert(holds("104.16.1.2/32", "104.16.1.2"));
    cr_assert_not(holds("104.16.1.2/32", "104.16.1.3"));
    cr_assert(holds("0.0.0.0/0", "8.8.8.8"));
    cr_assert_not(holds("0.0.0.0/0", "::1"));
    cr_assert(holds("2606:4700::/32", "2606:4700:300a::6813:c01d"));
    cr_assert_not(holds("2606:4700::/32", "2606:4701::"));
    cr_assert(holds("2a06:98c0::/29", "2a06:98c7::1"));
    cr_assert_not(holds("2a06:98c0::/29", "2a06:98c8::1"));
    cr_assert(holds("::1/128", "::1"));
    cr_assert_not(holds("104.16.0.0/13", "::ffff:104.16.0.1"));
}

Test(address, malformed_networks)
{
    static const char *const bad[] = {"",        "1.2.3.4",    "1.2.3.4/",    "1.2.3.4/33",
                                      "1.2.3/8", "1.2.3.4/08", "1.2.3.4/+8",  "1.2.3.4/8 ",
                                      "::/129",  "x/8",        "1.2.3.4/8/8", "/8"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(network_valid(bad[i]), "%s", bad[i]);
}

Test(head, only_four_are_kept_and_bounded)
{
    struct head head = {0};
    struct net_head facts;
    static char line[HEAD_BYTES_MAX];

    cr_assert(head_line(&head, "CF-Ray: before any status\r\n", 27));
    cr_assert(head_line(&head, "HTTP/1.1 200 OK\r\n", 17));
    cr_assert(head_line(&head, "cf-ray:abc\r\n", 12));
    cr_assert(head_line(&head, "CF-RAY: second\r\n", 16));
    cr_assert(head_line(&head, "DATE\r\n", 6));
    cr_assert(head_line(&head, "\r\n", 2));
    cr_assert(head_line(&head, "Date: trailer\r\n", 15));
    facts = head_facts(&head, 200);
    cr_assert_str_eq(facts.cf_ray, "abc");
    cr_assert_str_eq(facts.date, "");
    cr_assert_eq(head.bytes, 95);
    memset(line, 'x', sizeof line);
    cr_assert(head_line(&head, line, sizeof line - 95));
    cr_assert_not(head_line(&head, "y", 1));
}
