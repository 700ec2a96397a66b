/* What goes wrong before, and after, the request was sent: UNSENT must be certain. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper_rig.h"

static void assert_lost(const struct answer *answer, const char *text)
{
    assert_text(answer, text);
    assert_text(answer, "whether it took effect is not known");
    cr_assert_eq(answer->outcome, NET_LOST);
    cr_assert_eq(answer->err.result, RESULT_UNKNOWN);
    cr_assert_eq(answer->peers, 1);
    cr_assert_eq(answer->peer.chain, 3);
}

static void assert_unsent(const struct rig *rig, const struct answer *answer, enum result result,
                          const char *text)
{
    assert_text(answer, text);
    cr_assert_eq(answer->outcome, NET_UNSENT);
    cr_assert_eq(answer->err.result, result, "%s", answer->err.text);
    cr_assert_eq(atomic_load(&rig->server.log->len), 0);
}

static void answer_none(SSL *ssl)
{
    (void)close(SSL_get_fd(ssl));
}

Test(broken, dropped_after_the_request)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.answer = answer_none});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_lost(&answer, "the request was sent to " API_HOST " (127.0.0.1), but no whole answer");
    cr_assert_eq(atomic_load(&rig.server.log->requests), 1, "a POST is never repeated");
    rig_stop(&rig);
}

static void answer_half(SSL *ssl)
{
    say(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
}

Test(broken, half_an_answer)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.answer = answer_half});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_lost(&answer, "no whole answer");
    cr_assert_eq(answer.head.status, 200);
    cr_assert_str_eq(buf_text(&answer.body), "half");
    rig_stop(&rig);
}

/* A body that ends with the connection, which ends without TLS' own goodbye: cut, perhaps. */
static void answer_cut(SSL *ssl)
{
    say(ssl, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"success\":");
    (void)shutdown(SSL_get_fd(ssl), 2);
}

Test(broken, truncation)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.answer = answer_cut});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_lost(&answer, "nothing marks its end");
    rig_stop(&rig);
}

static void answer_endless(SSL *ssl)
{
    static char chunk[0x4000 + 9];
    size_t done;

    memset(chunk, 'x', sizeof chunk);
    memcpy(chunk, "4000\r\n", 6);
    memcpy(chunk + sizeof chunk - 3, "\r\n", 2);
    say(ssl, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (SSL_write_ex(ssl, chunk, sizeof chunk - 1, &done) == 1)
        ;
}

Test(broken, larger_than_a_mebibyte)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.answer = answer_endless});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_lost(&answer, "it is larger than 1024 KiB");
    cr_assert_leq(answer.body.len, NET_ANSWER_MAX);
    rig_stop(&rig);
}

static void answer_announced(SSL *ssl)
{
    say(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n");
    (void)pause();
}

Test(broken, announces_more_than_a_mebibyte)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.answer = answer_announced});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_lost(&answer, "Maximum file size exceeded");
    rig_stop(&rig);
}

static void answer_heads(SSL *ssl)
{
    static char line[1002];

    memset(line, 'h', sizeof line - 1);
    memcpy(line, "X-Header: ", 10);
    memcpy(line + 999, "\r\n", 2);
    say(ssl, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 70; i++)
        say(ssl, line);
    say(ssl, "Content-Length: 0\r\n\r\n");
}

Test(broken, too_many_headers)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.answer = answer_heads});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_lost(&answer, "its headers are larger than 64 KiB");
    cr_assert_eq(answer.heads, 0);
    rig_stop(&rig);
}

static void answer_odd_status(SSL *ssl)
{
    say(ssl, "HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n");
}

Test(broken, impossible_status)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.answer = answer_odd_status});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_lost(&answer, "its HTTP status is 799");
    rig_stop(&rig);
}

static void answer_no_http(SSL *ssl)
{
    say(ssl, "hello, I am not HTTP\r\n\r\n");
}

Test(broken, no_http)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){.answer = answer_no_http});
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_lost(&answer, "HTTP/0.9");
    cr_assert_eq(answer.heads, 0);
    rig_stop(&rig);
}

static void answer_never(SSL *ssl)
{
    (void)ssl;
    (void)pause();
}

Test(broken, stalled_after_the_request)
{
    struct rig rig;
    struct answer answer;
    int64_t start;

    rig_start(&rig, (struct server_plan){.answer = answer_never});
    rig_trust(&rig, &rig.pki.root);
    rig.request.total_ms = STALL_MS;
    start = clock_monotonic();
    rig_ask(&rig, &answer);
    assert_lost(&answer, "timed out");
    cr_assert_geq(clock_monotonic() - start, STALL_MS - 100);
    cr_assert_lt(clock_monotonic() - start, TOTAL_MS / 2);
    rig_stop(&rig);
}

Test(broken, stalled_before_tls)
{
    struct rig rig;
    struct answer answer;
    int64_t start;

    rig_start(&rig, (struct server_plan){.mute = true});
    rig_trust(&rig, &rig.pki.root);
    rig.request.connect_ms = 2000;
    start = clock_monotonic();
    rig_ask(&rig, &answer);
    assert_unsent(&rig, &answer, RESULT_UNREACHED, "nothing was sent");
    cr_assert_lt(clock_monotonic() - start, TOTAL_MS / 2);
    cr_assert_str_eq(answer.peer.address, "127.0.0.1");
    rig_stop(&rig);
}

Test(broken, connection_refused)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig.request.port = port_closed();
    rig_ask(&rig, &answer);
    assert_unsent(&rig, &answer, RESULT_UNREACHED, "cannot connect to " API_HOST " port ");
    assert_text(&answer, ": 127.0.0.1: Connection refused");
    cr_assert_eq(answer.peers, 1);
    rig_stop(&rig);
}

/* A label has 63 bytes at most: of this one no server is asked, which might not answer in time. */
#define LABEL16 "aaaaaaaaaaaaaaaa"
#define NO_NAME LABEL16 LABEL16 LABEL16 LABEL16 ".invalid"

Test(broken, name_without_address)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig.request.resolve = "";
    rig.request.host = NO_NAME;
    rig_ask(&rig, &answer);
    assert_unsent(&rig, &answer, RESULT_UNREACHED, "cannot resolve " NO_NAME ": ");
    rig_stop(&rig);
}

Test(broken, proxy_is_away)
{
    struct rig rig;
    struct answer answer;
    char url[64];

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", port_closed());
    rig.request.proxy = url;
    rig.request.resolve = "";
    rig_ask(&rig, &answer);
    assert_unsent(&rig, &answer, RESULT_UNREACHED, "cannot connect to the proxy 127.0.0.1");
    rig_stop(&rig);
}

Test(broken, no_certificate_in_the_bundle)
{
    struct rig rig;
    struct answer answer;
    AUTO_BUF body = BUF_INIT(1024);
    struct err err = {0};

    rig_start(&rig, (struct server_plan){0});
    put_text(&body, "this is not PEM");
    cr_assert_eq(ipc_send(&rig.ipc, MSG_NET_TRUST, &body, -1, &err), RESULT_OK);
    rig_ask(&rig, &answer);
    assert_unsent(&rig, &answer, RESULT_CONFIG, "ca_file: there is no PEM certificate in it");
    rig_stop(&rig);
}

static void bad_credential(const char *credential, const char *text)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig.credential = credential;
    rig_ask(&rig, &answer);
    assert_unsent(&rig, &answer, RESULT_KEY, text);
    rig_stop(&rig);
}

Test(broken, credentials)
{
    static char huge[5000];

    memset(huge, 'B', sizeof huge - 1);
    bad_credential("", "no credential came");
    bad_credential("B", "characters that no credential has");
    bad_credential("Babc\r\nX-Evil: 1", "characters that no credential has");
    bad_credential("Babc def", "characters that no credential has");
    bad_credential("B\xc3\xa9", "characters that no credential has");
    bad_credential("Kops@example.com", "without its e-mail address");
    bad_credential("Kops@example.com\nkey\n", "characters that no credential has");
    bad_credential("Zwhat", "of a kind that this version does not know");
    bad_credential(huge, "longer than 4095 bytes");
    bad_credential(NULL, "without a credential");
}

Test(broken, credential_never_comes)
{
    struct rig rig;
    struct answer answer;

    rig_start(&rig, (struct server_plan){0});
    rig_trust(&rig, &rig.pki.root);
    rig.silent = true;
    rig.credential = "";
    rig.request.total_ms = STALL_MS;
    rig_ask(&rig, &answer);
    assert_unsent(&rig, &answer, RESULT_KEY, "the credential did not come from georder-keys");
    rig_stop(&rig);
}

/* The worker is stopped dead in TLS: from outside, nobody can tell what it had sent. */
Test(broken, worker_is_killed)
{
    struct rig rig;
    struct answer answer;
    char command[64];

    rig_start(&rig, (struct server_plan){.answer = answer_never});
    rig_trust(&rig, &rig.pki.root);
    if (fork() == 0) {
        pid_t worker = 0;
        FILE *list;

        while (atomic_load(&rig.server.log->requests) == 0)
            clock_sleep(10);
        (void)snprintf(command, sizeof command, "/proc/%d/task/%d/children", rig.net, rig.net);
        list = fopen(command, "re");
        if (list != NULL && fscanf(list, "%d", &worker) == 1)
            (void)kill(worker, SIGKILL);
        _exit(1);
    }
    rig_ask(&rig, &answer);
    assert_text(&answer, "was ended by signal 9 (SIGKILL): the request may have been sent");
    cr_assert_eq(answer.outcome, NET_LOST);
    cr_assert_eq(answer.err.result, RESULT_UNKNOWN);
    rig_stop(&rig);
}

/* Main is gone: nobody waits for the answer, and nothing of the role may stay behind. */
Test(broken, main_is_gone)
{
    struct rig rig;
    AUTO_BUF body = BUF_INIT(96 * KIB);
    struct err err = {0};
    int64_t start;
    int status;

    rig_start(&rig, (struct server_plan){.answer = answer_never});
    rig_trust(&rig, &rig.pki.root);
    rig.request.method = NET_GET;
    rig.request.body = "";
    put_net_request(&body, &rig.request);
    cr_assert_eq(ipc_send(&rig.ipc, MSG_NET_REQUEST, &body, -1, &err), RESULT_OK);
    while (atomic_load(&rig.server.log->requests) == 0)
        clock_sleep(10);
    start = clock_monotonic();
    (void)close(rig.ipc.fd);
    cr_assert_eq(waitpid(rig.net, &status, 0), rig.net);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == RESULT_INTERNAL);
    cr_assert_lt(clock_monotonic() - start, TOTAL_MS / 2);
    server_stop(&rig.server);
}
