/* A stream to a syslog server: all of it or none, to the server that was named, over TLS. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper_rig.h"

#define LAST "14 the last one\r\n\r\n" /* where the server of helper_server.h has read enough */

static struct identity root, leaf;

static void mute(SSL *ssl)
{
    (void)ssl;
}

static void stream_start(struct rig *rig, struct server_plan plan, long from, long to)
{
    root = identity_make(&(struct identity_plan){.cn = "root", .to = 3600});
    leaf = identity_make(&(struct identity_plan){
        .cn = "siem", .dns = "localhost", .issuer = &root, .from = from, .to = to});
    plan.leaf = &leaf;
    plan.answer = mute;
    rig_start(rig, plan);
    rig_trust(rig, &root);
    rig->request = (struct net_request){.host = "localhost",
                                        .port = rig->server.port,
                                        .connect_ms = CONNECT_MS,
                                        .total_ms = TOTAL_MS};
}

/* Returns the pipe, behind these bytes. */
static int stream_send(struct rig *rig, const char *bytes, size_t len)
{
    AUTO_BUF body = BUF_INIT(KIB);
    struct err err = {0};
    int fds[2];

    cr_assert_eq(pipe(fds), 0);
    put_net_stream(&body, &rig->request);
    cr_assert_eq(ipc_send(&rig->ipc, MSG_NET_STREAM, &body, fds[0], &err), RESULT_OK);
    (void)close(fds[0]);
    while (len > 0) {
        ssize_t done = write(fds[1], bytes, len);

        if (done < 0) /* net has closed its end: that it does not take them is its to say */
            break;
        bytes += done;
        len -= (size_t)done;
    }
    return fds[1];
}

static void stream_end(struct rig *rig, struct answer *answer)
{
    struct err err = {0};
    bool last = false;

    memset(answer, 0, sizeof *answer);
    while (!last) {
        AUTO_MSG msg = MSG_INIT;

        cr_assert_eq(ipc_receive(&rig->ipc, &msg, clock_monotonic() + ANSWER_MS, NULL, &err),
                     RESULT_OK, "%s", err.text);
        last = msg.type == MSG_NET_END;
        answer->peers += msg.type == MSG_NET_PEER;
        cr_assert(last || msg.type == MSG_NET_PEER);
        if (last)
            answer->outcome = get_net_end(&msg, &answer->err);
    }
}

static void stream_all(struct rig *rig, const char *bytes, size_t len, struct answer *answer)
{
    int rows;

    (void)signal(SIGPIPE, SIG_IGN);
    rows = stream_send(rig, bytes, len);
    (void)close(rows);
    stream_end(rig, answer);
}

static void refused(struct rig *rig, const char *text)
{
    struct answer answer;

    stream_all(rig, LAST, strlen(LAST), &answer);
    cr_assert_eq(answer.outcome, NET_UNSENT, "%s", answer.err.text);
    cr_assert_eq(answer.err.result, RESULT_PEER, "%s", answer.err.text);
    cr_assert_eq(answer.peers, 0, "main would think that the way is open");
    cr_assert_eq(atomic_load(&rig->server.log->len), 0);
    assert_text(&answer, text);
    rig_stop(rig);
}

Test(stream, every_byte_arrives_in_turn)
{
    static char bytes[90 * 1024];
    struct rig rig;
    struct answer answer;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31 % 251 + 14);
    memcpy(bytes + sizeof bytes - strlen(LAST), LAST, strlen(LAST));
    stream_start(&rig, (struct server_plan){0}, 0, 3600);
    stream_all(&rig, bytes, sizeof bytes, &answer);
    cr_assert_eq(answer.outcome, NET_ANSWERED, "%s", answer.err.text);
    cr_assert_eq(answer.peers, 1);
    cr_assert_eq(atomic_load(&rig.server.log->len), sizeof bytes);
    cr_assert_eq(memcmp(rig.server.log->bytes, bytes, sizeof bytes), 0);
    rig_stop(&rig);
}

Test(stream, of_nothing_is_no_fault)
{
    struct rig rig;
    struct answer answer;

    stream_start(&rig, (struct server_plan){0}, 0, 3600);
    stream_all(&rig, "", 0, &answer);
    cr_assert_eq(answer.outcome, NET_ANSWERED, "%s", answer.err.text);
    rig_stop(&rig);
}

Test(stream, another_ca)
{
    struct rig rig;

    root = identity_make(&(struct identity_plan){.cn = "root", .to = 3600});
    leaf = identity_make(
        &(struct identity_plan){.cn = "siem", .dns = "localhost", .issuer = &root, .to = 3600});
    rig_start(&rig, (struct server_plan){.leaf = &leaf, .answer = mute});
    rig_trust(&rig, &rig.pki.root);
    rig.request = (struct net_request){.host = "localhost",
                                       .port = rig.server.port,
                                       .connect_ms = CONNECT_MS,
                                       .total_ms = TOTAL_MS};
    refused(&rig, "must hold its CA");
}

Test(stream, another_name)
{
    struct rig rig;

    stream_start(&rig, (struct server_plan){0}, 0, 3600);
    rig.request.host = "127.0.0.1";
    refused(&rig, "its certificate is for localhost, not for 127.0.0.1");
}

Test(stream, expired)
{
    struct rig rig;

    stream_start(&rig, (struct server_plan){0}, -7200, -3600);
    refused(&rig, "expired");
}

Test(stream, tls_1_1)
{
    struct rig rig;

    stream_start(&rig, (struct server_plan){.max_tls = TLS1_1_VERSION}, 0, 3600);
    refused(&rig, "no TLS to localhost");
}

Test(stream, a_server_that_says_nothing_costs_its_time)
{
    struct rig rig;
    struct answer answer;
    int64_t start;

    stream_start(&rig, (struct server_plan){.mute = true}, 0, 3600);
    rig.request.connect_ms = 300;
    start = clock_monotonic();
    stream_all(&rig, LAST, strlen(LAST), &answer);
    cr_assert_eq(answer.outcome, NET_UNSENT);
    cr_assert_eq(answer.err.result, RESULT_UNREACHED);
    cr_assert_eq(answer.peers, 0);
    cr_assert_lt(clock_monotonic() - start, TOTAL_MS / 2);
    rig_stop(&rig);
}

Test(stream, an_end_that_comes_before_ours_is_a_loss)
{
    struct rig rig;
    struct answer answer;
    int rows;

    stream_start(&rig, (struct server_plan){0}, 0, 3600);
    rows = stream_send(&rig, LAST, strlen(LAST));
    stream_end(&rig, &answer);
    cr_assert_eq(answer.outcome, NET_LOST);
    cr_assert_eq(answer.err.result, RESULT_UNKNOWN);
    assert_text(&answer, "the connection broke to localhost (127.0.0.1) port ");
    (void)close(rows);
    rig_stop(&rig);
}

Test(stream, without_its_messages_ends_net)
{
    struct rig rig;
    AUTO_BUF body = BUF_INIT(KIB);
    struct err err = {0};
    int status = 0;

    stream_start(&rig, (struct server_plan){0}, 0, 3600);
    put_net_stream(&body, &rig.request);
    cr_assert_eq(ipc_send(&rig.ipc, MSG_NET_STREAM, &body, -1, &err), RESULT_OK);
    cr_assert_eq(waitpid(rig.net, &status, 0), rig.net);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) != 0);
    server_stop(&rig.server);
}

Test(stream, a_host_that_is_none)
{
    static const char *const hosts[] = {"", "-a", "a b", "A", "a/b", "x:y"};

    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct rig rig;
        struct answer answer;

        stream_start(&rig, (struct server_plan){0}, 0, 3600);
        rig.request.host = hosts[i];
        stream_all(&rig, LAST, strlen(LAST), &answer);
        cr_assert_eq(answer.outcome, NET_UNSENT);
        cr_assert_eq(answer.err.result, RESULT_USAGE, "%s: %s", hosts[i], answer.err.text);
        rig_stop(&rig);
    }
}
