/* Where anchors are: what is taken apart, and what is not taken. */
#include "url.h"

#include <criterion/criterion.h>

static struct url url;

Test(url, good)
{
    cr_assert(url_parse("https://witness.example/w1", &url));
    cr_assert(!url.plain);
    cr_assert_eq(url.port, 443);
    cr_assert_str_eq(url.host, "witness.example");
    cr_assert_str_eq(url.path, "/w1");
    cr_assert(url_parse("http://127.0.0.1:8080", &url));
    cr_assert(url.plain);
    cr_assert_eq(url.port, 8080);
    cr_assert_str_eq(url.host, "127.0.0.1");
    cr_assert_str_eq(url.path, "/");
    cr_assert(url_parse("http://a/", &url));
    cr_assert_eq(url.port, 80);
    cr_assert(url_parse("https://a:65535/b/c_d.e~f-G", &url));
    cr_assert_str_eq(url.path, "/b/c_d.e~f-G");
}

Test(url, bad)
{
    static const char *const bad[] = {"",
                                      "https://",
                                      "https:///a",
                                      "HTTPS://a",
                                      "ftp://a",
                                      "https://A",
                                      "https://-a",
                                      "https://.a",
                                      "https://a_b",
                                      "https://a b",
                                      "https://u@a/",
                                      "https://[::1]/",
                                      "https://a:",
                                      "https://a:0",
                                      "https://a:01",
                                      "https://a:65536",
                                      "https://a:123456",
                                      "https://a:1x",
                                      "https://a?b",
                                      "https://a/?b",
                                      "https://a/#b",
                                      "https://a/%41",
                                      "https://a/../b",
                                      "https://a/\r\nHost: b",
                                      "https://a\\b"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert(!url_parse(bad[i], &url), "%s", bad[i]);
}

Test(url, limits)
{
    char text[1024] = "https://a/";

    for (size_t i = 10; i < 10 + 510; i++)
        text[i] = 'b';
    cr_assert(url_parse(text, &url));
    text[520] = 'b';
    cr_assert(!url_parse(text, &url));
}
