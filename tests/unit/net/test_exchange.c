/* Requests that reach their peer. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "helper_rig.h"

static const char *sent(const struct rig *rig)
{
    return rig->server.log->bytes;
}

static void assert_answered(const struct answer *answer)
{
    cr_assert_eq(answer->outcome, NET_ANSWERED, "%s", answer->err.text);
    cr_assert_eq(answer->err.result, RESULT_OK);
    cr_assert_eq(answer->heads, 1);
    cr_assert_eq(answer->peers, 1);
}

Test(exchange, root_pin)
{
    struct rig rig;
    struct answer answer;
    uint8_t pin[SHA256_LEN];

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    cr_assert_eq(answer.head.status, 200);
    cr_assert_str_eq(answer.head.cf_ray, "86610873f8d987a9-IAD");
    cr_assert_str_eq(answer.head.content_type, "application/json");
    cr_assert_str_eq(answer.head.date, "Mon, 23 Nov 2026 18:20:00 GMT");
    cr_assert_str_eq(answer.head.retry_after, "");
    cr_assert_str_eq(buf_text(&answer.body), "{\"success\":true}");
    cr_assert_str_eq(answer.peer.address, "127.0.0.1");
    cr_assert_eq(answer.peer.port, rig.server.port);
    cr_assert_str_eq(answer.peer.proxy, "");
    cr_assert_str_eq(answer.peer.tls_version, "TLSv1.3");
    cr_assert_str_eq(answer.peer.cipher, "TLS_AES_256_GCM_SHA384");
    cr_assert_eq(answer.peer.chain, 3);
    cr_assert_eq(answer.peer.pin_matched, 2);
    identity_pin(&rig.pki.leaf, pin);
    cr_assert_arr_eq(answer.peer.spki[0], pin, SHA256_LEN);
    identity_pin(&rig.pki.intermediate, pin);
    cr_assert_arr_eq(answer.peer.spki[1], pin, SHA256_LEN);
    identity_pin(&rig.pki.root, pin);
    cr_assert_arr_eq(answer.peer.spki[2], pin, SHA256_LEN);
    cr_assert_not_null(
        strstr(answer.peer.sandbox, GEORDER_SANDBOX ? "seccomp=kill" : "seccomp=off"));
    rig_stop(&rig);
}

Test(exchange, what_is_sent)
{
    struct rig rig;
    struct answer answer;
    AUTO_BUF wanted = BUF_INIT(4096);

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    buf_printf(&wanted,
               "POST /client/v4/order?a=b HTTP/1.1\r\nHost: " API_HOST ":%u\r\n"
               "User-Agent: georder/" GEORDER_VERSION "\r\n"
               "Accept: application/json\r\nContent-Type: application/json\r\n"
               "Authorization: Bearer " TOKEN "\r\n"
               "Content-Length: 11\r\n\r\n{\"order\":1}",
               rig.server.port);
    cr_assert_str_eq(sent(&rig), buf_text(&wanted));
    rig_stop(&rig);
}

Test(exchange, get_delete_and_global_key)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig.credential = "Kops@example.com\n0123456789abcdef";
    rig.request.method = NET_GET;
    rig.request.body = "";
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    cr_assert_not_null(strstr(sent(&rig), "GET /client/v4/order?a=b HTTP/1.1\r\n"));
    cr_assert_not_null(strstr(sent(&rig), "\r\nX-Auth-Email: ops@example.com\r\n"));
    cr_assert_not_null(strstr(sent(&rig), "\r\nX-Auth-Key: 0123456789abcdef\r\n"));
    cr_assert_null(strstr(sent(&rig), "Authorization"));
    rig.request.method = NET_DELETE;
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    cr_assert_not_null(strstr(sent(&rig), "DELETE /client/v4/order?a=b HTTP/1.1\r\n"));
    cr_assert_eq(atomic_load(&rig.server.log->requests), 2);
    rig_stop(&rig);
}

Test(exchange, intermediate_pin_and_tls12)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.max_tls = TLS1_2_VERSION});
    rig_trust(&rig, &rig.pki.root);
    rig_pin(&rig, &rig.pki.intermediate);
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    cr_assert_str_eq(answer.peer.tls_version, "TLSv1.2");
    cr_assert_eq(answer.peer.pin_matched, 1);
    rig_stop(&rig);
}

Test(exchange, each_request_has_a_full_handshake)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    for (int i = 0; i < 3; i++) {
        rig_ask(&rig, &answer);
        assert_answered(&answer);
        cr_assert_eq(answer.peer.chain, 3);
    }
    cr_assert_eq(atomic_load(&rig.server.log->handshakes), 3);
    rig_stop(&rig);
}

Test(exchange, environment_is_ignored)
{
    struct rig rig;
    struct answer answer;

    cr_assert_eq(setenv("https_proxy", "http://127.0.0.1:1", 1), 0);
    cr_assert_eq(setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1), 0);
    cr_assert_eq(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
    cr_assert_eq(setenv("NO_PROXY", "elsewhere", 1), 0);
    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    rig_stop(&rig);
}

Test(exchange, configured_proxy)
{
    struct rig rig;
    struct answer answer;
    struct server proxy;
    char url[64];

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    proxy = proxy_start(rig.server.port);
    (void)snprintf(url, sizeof url, "http://localhost:%u", proxy.port);
    rig.request.proxy = url;
    rig.request.resolve = "";
    rig.request.networks = 0; /* the proxy's address is not the policy's affair */
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    cr_assert_str_eq(answer.peer.proxy, url);
    cr_assert_str_eq(answer.peer.address, "127.0.0.1");
    cr_assert_eq(answer.peer.port, proxy.port);
    cr_assert_str_eq(answer.head.cf_ray, "86610873f8d987a9-IAD");
    cr_assert_eq(strncmp(proxy.log->bytes, "CONNECT " API_HOST ":", 8 + sizeof API_HOST), 0);
    cr_assert_null(strstr(proxy.log->bytes, "cfut_"), "the proxy saw the credential");
    server_stop(&proxy);
    rig_stop(&rig);
}

static void answer_redirect(SSL *ssl)
{
    say(ssl, "HTTP/1.1 302 Found\r\nLocation: https://" API_HOST "/elsewhere\r\n"
             "Content-Length: 0\r\n\r\n");
}

Test(exchange, redirect_is_not_followed)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.answer = answer_redirect});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    cr_assert_eq(answer.head.status, 302);
    cr_assert_eq(answer.body.len, 0);
    cr_assert_eq(atomic_load(&rig.server.log->requests), 1);
    rig_stop(&rig);
}

static void answer_limited(SSL *ssl)
{
    say(ssl, "HTTP/1.1 100 Continue\r\nCF-RAY: interim\r\n\r\n"
             "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 17\r\nretry-after: 99\r\n"
             "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n"
             "Date: from the trailer\r\n\r\n");
}

Test(exchange, interim_answer_chunks_and_trailer)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.answer = answer_limited});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    cr_assert_eq(answer.head.status, 429);
    cr_assert_str_eq(answer.head.retry_after, "17");
    cr_assert_str_eq(answer.head.cf_ray, "");
    cr_assert_str_eq(answer.head.date, "");
    cr_assert_str_eq(buf_text(&answer.body), "hello world");
    rig_stop(&rig);
}

static void answer_no_content(SSL *ssl)
{
    say(ssl, "HTTP/1.1 204 No Content\r\n\r\n");
}

Test(exchange, no_content)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.answer = answer_no_content});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    cr_assert_eq(answer.head.status, 204);
    cr_assert_eq(answer.body.len, 0);
    rig_stop(&rig);
}

static const char gzip_bytes[] = "\x1f\x8b\x08\x00not really, and nobody looks";

static void answer_gzip(SSL *ssl)
{
    say(ssl, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 32\r\n\r\n");
    say_bytes(ssl, gzip_bytes, 32);
}

Test(exchange, gzip_stays_as_it_came)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.answer = answer_gzip});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    cr_assert_eq(answer.body.len, 32);
    cr_assert_arr_eq(answer.body.data, gzip_bytes, 32);
    rig_stop(&rig);
}

static void answer_large(SSL *ssl)
{
    static char body[NET_ANSWER_MAX];

    memset(body, 'x', sizeof body);
    say(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
    say_bytes(ssl, body, sizeof body);
}

Test(exchange, largest_answer)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.answer = answer_large});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    cr_assert_eq(answer.body.len, NET_ANSWER_MAX);
    cr_assert_eq(strspn(answer.body.data, "x"), NET_ANSWER_MAX);
    rig_stop(&rig);
}

Test(exchange, largest_request)
{
    struct rig rig;
    struct answer answer;
    static char body[64 * KIB + 1];

    memset(body, 'y', 64 * KIB);
    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig.request.body = body;
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    cr_assert_null(strstr(sent(&rig), "Expect"));
    cr_assert_not_null(strstr(sent(&rig), body));
    rig_stop(&rig);
}

static void answer_hostile(SSL *ssl)
{
    static char big[20000];

    memset(big, 'A', sizeof big - 1);
    say(ssl, "HTTP/1.1 200 OK\r\nCF-RAY: \x1b[31mred\x07\xff\r\nContent-Type: ");
    say(ssl, big);
    say(ssl, "\r\nRetry-After:\t 5 \r\nDate: a\rb\r\nContent-Length: 2\r\n\r\n{}");
}

Test(exchange, hostile_headers_are_tamed)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.answer = answer_hostile});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    cr_assert_str_eq(answer.head.cf_ray, "?[31mred??");
    cr_assert_eq(strlen(answer.head.content_type), 127);
    cr_assert_eq(strspn(answer.head.content_type, "A"), 127);
    cr_assert_str_eq(answer.head.retry_after, "5");
    cr_assert_str_eq(answer.head.date, "a?b");
    rig_stop(&rig);
}

Test(exchange, reading_needs_no_credential)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig.credential = NULL;
    rig.request.method = NET_GET;
    rig.request.body = "";
    rig_ask(&rig, &answer);
    assert_answered(&answer);
    cr_assert_null(strstr(sent(&rig), "uth"));
    rig_stop(&rig);
}
