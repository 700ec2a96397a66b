#include "helper_rig.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

static struct buf received; /* what answer.body points to */

void answer_ok(SSL *ssl)
{
    say(ssl,
        "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 18:20:00 GMT\r\nCF-RAY: 86610873f8d987a9-IAD"
        "\r\nContent-Type: application/json\r\nSet-Cookie: __cflb=secret\r\n"
        "Content-Length: 16\r\n\r\n{\"success\":true}");
}

static void net_start(struct rig *rig)
{
    struct err err = {0};
    int fds[2];

    cr_assert_eq(ipc_pair(fds, &err), RESULT_OK);
    rig->ipc = (struct ipc){.fd = fds[0], .self = ROLE_MAIN, .peer = ROLE_NET};
    rig->net = fork();
    cr_assert_geq(rig->net, 0);
    if (rig->net == 0) {
        (void)close(fds[0]);
        (void)signal(SIGPIPE, SIG_IGN);
        _exit(net_run(fds[1])); /* the test framework's exit handlers have no business here */
    }
    (void)close(fds[1]);
}

void rig_pin(struct rig *rig, const struct identity *identity)
{
    rig->request.pins = 1;
    identity_pin(identity, rig->request.pin[0]);
}

/* In two pieces: a bundle comes in many. */
void rig_trust(struct rig *rig, const struct identity *identity)
{
    AUTO_BUF pem = BUF_INIT(64 * KIB);
    struct err err = {0};

    identity_pem(identity, &pem);
    for (int i = 0; i < 2; i++) {
        AUTO_BUF body = BUF_INIT(64 * KIB);

        put_bytes(&body, i == 0 ? pem.data : pem.data + 100, i == 0 ? 100 : pem.len - 100);
        cr_assert_eq(ipc_send(&rig->ipc, MSG_NET_TRUST, &body, -1, &err), RESULT_OK);
    }
}

void rig_start(struct rig *rig, struct server_plan plan)
{
    memset(rig, 0, sizeof *rig);
    rig->pki = pki_make();
    if (plan.leaf == NULL) {
        plan.leaf = &rig->pki.leaf;
        if (plan.also[0] == NULL)
            plan.also[0] = &rig->pki.intermediate;
    }
    if (plan.answer == NULL)
        plan.answer = answer_ok;
    rig->server = server_start(&plan);
    net_start(rig);
    rig->credential = "B" TOKEN;
    rig->request = (struct net_request){.method = NET_POST,
                                        .host = API_HOST,
                                        .port = rig->server.port,
                                        .path = "/client/v4/order?a=b",
                                        .body = "{\"order\":1}",
                                        .resolve = "127.0.0.1",
                                        .proxy = "",
                                        .minimum_tls = TLS1_2_VERSION,
                                        .connect_ms = CONNECT_MS,
                                        .total_ms = TOTAL_MS,
                                        .networks = 1,
                                        .network = {"127.0.0.0/8"}};
    rig_pin(rig, &rig->pki.root);
}

static const char *kept(struct answer *answer, int slot, const char *text)
{
    (void)snprintf(answer->text[slot], sizeof answer->text[slot], "%s", text);
    return answer->text[slot];
}

static void peer_keep(struct answer *answer, struct msg *msg)
{
    struct net_peer *peer = &answer->peer;

    get_net_peer(msg, peer);
    peer->address = kept(answer, 0, peer->address);
    peer->proxy = kept(answer, 1, peer->proxy);
    peer->tls_version = kept(answer, 2, peer->tls_version);
    peer->cipher = kept(answer, 3, peer->cipher);
    peer->sandbox = kept(answer, 4, peer->sandbox);
    answer->peers++;
}

static void head_keep(struct answer *answer, struct msg *msg)
{
    struct net_head *head = &answer->head;

    get_net_head(msg, head);
    head->cf_ray = kept(answer, 5, head->cf_ray);
    head->content_type = kept(answer, 6, head->content_type);
    head->retry_after = kept(answer, 7, head->retry_after);
    head->date = kept(answer, 8, head->date);
    answer->heads++;
}

/* True when it was the last. */
static bool message_keep(struct answer *answer, struct msg *msg)
{
    struct err err = {0};
    size_t len;
    const char *bytes;

    if (msg->type == MSG_NET_PEER) {
        peer_keep(answer, msg);
    } else if (msg->type == MSG_NET_HEAD) {
        head_keep(answer, msg);
    } else if (msg->type == MSG_NET_BODY) {
        cr_assert_eq(answer->heads, 1, "a body came before its head");
        bytes = get_bytes(msg, &len);
        buf_put(&received, bytes, len);
    } else {
        cr_assert_eq(msg->type, MSG_NET_END);
        answer->outcome = get_net_end(msg, &answer->err);
    }
    cr_assert_eq(msg_end(msg, &err), RESULT_OK, "%s", err.text);
    return msg->type == MSG_NET_END;
}

static void request_send(struct rig *rig, int *write_end)
{
    AUTO_BUF body = BUF_INIT(96 * KIB);
    struct err err = {0};
    int fds[2] = {-1, -1};

    if (rig->credential != NULL) { /* written first: net may close its end at once */
        cr_assert_eq(pipe(fds), 0);
        cr_assert_eq(write(fds[1], rig->credential, strlen(rig->credential)),
                     (ssize_t)strlen(rig->credential));
    }
    if (rig->request.anchor)
        put_net_anchor(&body, &rig->request);
    else
        put_net_request(&body, &rig->request);
    cr_assert_eq(ipc_send(&rig->ipc, rig->request.anchor ? MSG_NET_ANCHOR : MSG_NET_REQUEST, &body,
                          fds[0], &err),
                 RESULT_OK, "%s", err.text);
    if (fds[0] >= 0)
        (void)close(fds[0]);
    *write_end = fds[1];
}

void rig_ask(struct rig *rig, struct answer *answer)
{
    struct err err = {0};
    int credential;
    bool last = false;

    memset(answer, 0, sizeof *answer);
    buf_reset(&received);
    received.max = 2048 * KIB;
    request_send(rig, &credential);
    if (!rig->silent && credential >= 0)
        (void)close(credential);
    while (!last) {
        AUTO_MSG msg = MSG_INIT;

        cr_assert_eq(ipc_receive(&rig->ipc, &msg, clock_monotonic() + ANSWER_MS, NULL, &err),
                     RESULT_OK, "%s", err.text);
        last = message_keep(answer, &msg);
    }
    answer->body = received;
    cr_assert_null(strstr(answer->err.text, TOKEN));
    cr_assert(utf8_valid(answer->err.text, strlen(answer->err.text)));
}

void rig_stop(struct rig *rig)
{
    int status = -1;

    (void)close(rig->ipc.fd);
    cr_assert_eq(waitpid(rig->net, &status, 0), rig->net);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "net ended with %x", (unsigned)status);
    server_stop(&rig->server);
}

void assert_text(const struct answer *answer, const char *text)
{
    cr_assert_not_null(strstr(answer->err.text, text), "\"%s\" is not in: %s", text,
                       answer->err.text);
}

void assert_refused(const struct rig *rig, const struct answer *answer, const char *text)
{
    assert_text(answer, text);
    assert_text(answer, "nothing was sent");
    cr_assert_eq(answer->err.result, RESULT_PEER, "%s: %s", result_name(answer->err.result),
                 answer->err.text);
    cr_assert_eq(answer->outcome, NET_UNSENT);
    cr_assert_eq(answer->heads, 0);
    cr_assert_eq(answer->peers, 1);
    cr_assert_eq(atomic_load(&rig->server.log->len), 0, "the server got: %s",
                 rig->server.log->bytes);
}
