/* Posts to an anchor of the log: without pins and networks, and never with the credential. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper_rig.h"

#define ANSWER_MAX 1024

static const char query[] = "\x30\x03\x01\xff\n";
static const char zeros[] = "\x30\0\0\xff\n";
static struct identity root, leaf;

static void anchor_start(struct rig *rig, server_answer *says)
{
    root = identity_make(&(struct identity_plan){.cn = "root", .to = 3600});
    leaf = identity_make(
        &(struct identity_plan){.cn = "tsa", .dns = "localhost", .issuer = &root, .to = 3600});
    rig_start(rig, (struct server_plan){.leaf = &leaf, .answer = says});
    rig->credential = NULL;
    rig->request = (struct net_request){.anchor = true,
                                        .host = "localhost",
                                        .port = rig->server.port,
                                        .path = "/tsr",
                                        .content_type = "application/timestamp-query",
                                        .body = query,
                                        .body_len = sizeof query - 1,
                                        .proxy = "",
                                        .minimum_tls = TLS1_2_VERSION,
                                        .connect_ms = CONNECT_MS,
                                        .total_ms = TOTAL_MS,
                                        .answer_max = ANSWER_MAX};
}

static void answer_bytes(SSL *ssl)
{
    say(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Type: a/b\r\n\r\n");
    say_bytes(ssl, "\0\1\2\3", 4);
}

static void answer_large(SSL *ssl)
{
    static char bytes[ANSWER_MAX + 1];

    memset(bytes, 'x', sizeof bytes);
    say(ssl, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n");
    say_bytes(ssl, bytes, sizeof bytes);
    say(ssl, "\r\n0\r\n\r\n");
}

static void answer_elsewhere(SSL *ssl)
{
    say(ssl, "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://localhost/\r\n"
             "Content-Length: 0\r\n\r\n");
}

static void answer_slowly(SSL *ssl)
{
    say(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
    (void)pause();
}

static void assert_posted(const struct rig *rig, const char *bytes, size_t len)
{
    AUTO_BUF wanted = BUF_INIT(1024);

    buf_printf(&wanted,
               "POST /tsr HTTP/1.1\r\nHost: localhost:%u\r\nUser-Agent: georder/" GEORDER_VERSION
               "\r\nAccept: */*\r\nContent-Type: application/timestamp-query\r\n"
               "Content-Length: 5\r\n\r\n",
               (unsigned)rig->request.port);
    buf_put(&wanted, rig->request.body, rig->request.body_len);
    cr_assert_eq(len, wanted.len, "%s", bytes);
    cr_assert_arr_eq(bytes, wanted.data, wanted.len);
}

Test(anchor, bytes_go_and_come)
{
    struct rig rig;
    struct answer answer;

    anchor_start(&rig, answer_bytes);
    rig_trust(&rig, &root);
    rig_ask(&rig, &answer);
    cr_assert_eq(answer.outcome, NET_ANSWERED, "%s", answer.err.text);
    cr_assert_eq(answer.body.len, 4);
    cr_assert_arr_eq(answer.body.data, "\0\1\2\3", 4);
    assert_posted(&rig, rig.server.log->bytes, atomic_load(&rig.server.log->len));
    rig_stop(&rig);
}

Test(anchor, of_another_authority_gets_nothing)
{
    struct rig rig;
    struct answer answer;

    anchor_start(&rig, answer_bytes);
    rig_trust(&rig, &rig.pki.root);
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "certificate");
    rig_stop(&rig);
}

Test(anchor, of_another_name_gets_nothing)
{
    struct rig rig;
    struct answer answer;

    anchor_start(&rig, answer_bytes);
    rig.request.host = "127.0.0.1";
    rig_trust(&rig, &root);
    rig_ask(&rig, &answer);
    assert_refused(&rig, &answer, "not for 127.0.0.1");
    rig_stop(&rig);
}

/* The channel takes no descriptor with it: whoever tries ends the process. */
Test(anchor, a_credential_cannot_come_along)
{
    struct rig rig;
    AUTO_BUF body = BUF_INIT(32 * KIB);
    struct err err = {0};
    int fds[2];

    anchor_start(&rig, answer_bytes);
    cr_assert_eq(pipe(fds), 0);
    put_net_anchor(&body, &rig.request);
    cr_assert_neq(ipc_send(&rig.ipc, MSG_NET_ANCHOR, &body, fds[0], &err), RESULT_OK);
    rig_stop(&rig);
}

static void lost(server_answer *says, uint32_t total_ms, const char *text)
{
    struct rig rig;
    struct answer answer;

    anchor_start(&rig, says);
    rig.request.total_ms = total_ms;
    rig_trust(&rig, &root);
    rig_ask(&rig, &answer);
    cr_assert_eq(answer.outcome, NET_LOST, "%s", answer.err.text);
    assert_text(&answer, text);
    cr_assert_null(strstr(answer.err.text, "took effect"));
    rig_stop(&rig);
}

Test(anchor, answer_is_too_large)
{
    lost(answer_large, TOTAL_MS, "it is larger than 1 KiB");
}

Test(anchor, answer_is_too_slow)
{
    lost(answer_slowly, STALL_MS, "no whole answer came");
}

Test(anchor, is_not_followed_elsewhere)
{
    struct rig rig;
    struct answer answer;

    anchor_start(&rig, answer_elsewhere);
    rig_trust(&rig, &root);
    rig_ask(&rig, &answer);
    cr_assert_eq(answer.outcome, NET_ANSWERED, "%s", answer.err.text);
    cr_assert_eq(answer.head.status, 307);
    cr_assert_eq(atomic_load(&rig.server.log->requests), 1);
    rig_stop(&rig);
}

/* Once, without TLS: what came is sent through the pipe. */
static void plain_serve(uint16_t *port, int *heard)
{
    static const char says[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fds[2];

    cr_assert_eq(bind(listener, (struct sockaddr *)&at, len), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    cr_assert_eq(listen(listener, 1), 0);
    cr_assert_eq(pipe(fds), 0);
    *port = ntohs(at.sin_port);
    *heard = fds[0];
    if (fork() == 0) {
        char bytes[1024];
        ssize_t got = 0;
        int fd = -1;

        /* Without the sandbox a connection is opened twice. */
        while (got <= 0) {
            fd = accept(listener, NULL, NULL);
            got = read(fd, bytes, sizeof bytes);
        }
        (void)!write(fds[1], bytes, (size_t)got);
        (void)!write(fd, says, sizeof says - 1);
        _exit(0);
    }
    (void)close(fds[1]);
    (void)close(listener);
}

Test(anchor, of_signed_answers_may_be_without_tls)
{
    struct rig rig;
    struct answer answer;
    char bytes[1024];
    uint16_t port;
    int heard;

    anchor_start(&rig, answer_bytes);
    plain_serve(&port, &heard);
    rig.request.plain = true;
    rig.request.port = port;
    rig.request.body = zeros;
    rig_ask(&rig, &answer);
    cr_assert_eq(answer.outcome, NET_ANSWERED, "%s", answer.err.text);
    cr_assert_str_eq(buf_text(&answer.body), "ok");
    assert_posted(&rig, bytes, (size_t)read(heard, bytes, sizeof bytes));
    rig_stop(&rig);
}
