#include "net_client.h"

#include <fcntl.h>
#include <unistd.h>

#include "guard.h"
#include "interrupt.h"

#define TRUST_PIECE (60 * KIB)
#define GRACE       (10 * 1000) /* past net's own deadline, before we give it up */

enum result net_start(struct net *net, struct err *err)
{
    AUTO_FD theirs = -1;
    int fds[2];

    *net = (struct net)NET_INIT;
    if (ipc_pair(fds, err) != RESULT_OK)
        return err->result;
    theirs = fds[1];
    net->ipc = (struct ipc){.fd = fds[0], .self = ROLE_MAIN, .peer = ROLE_NET};
    return guard_spawn("georder-net", theirs, &net->pid, err);
}

enum result net_trust(struct net *net, const struct buf *trust, struct err *err)
{
    /* An empty piece ends the use of an earlier bundle. */
    for (size_t at = 0; at == 0 || at < trust->len; at += TRUST_PIECE) {
        size_t left = trust->len - at;
        AUTO_BUF body = BUF_INIT(MSG_LIMIT);

        put_bytes(&body, trust->data + at, left < TRUST_PIECE ? left : TRUST_PIECE);
        if (ipc_send(&net->ipc, MSG_NET_TRUST, &body, -1, err) != RESULT_OK)
            return err->result;
    }
    return RESULT_OK;
}

static enum result take_body(struct msg *msg, struct exchange *out, struct err *err)
{
    size_t len;
    const char *bytes = get_bytes(msg, &len);

    buf_put(&out->body, bytes, len);
    return buf_check(&out->body, "answer", err);
}

/* One message of net's. *done when it was the last. */
static enum result take(struct msg *msg, struct exchange *out, bool *done, struct err *err)
{
    if (msg->type == MSG_NET_PEER) {
        msg_free(&out->peer_msg);
        out->peer_msg = *msg;
        *msg = (struct msg)MSG_INIT;
        get_net_peer(&out->peer_msg, &out->peer);
        out->has_peer = true;
        return msg_end(&out->peer_msg, err);
    }
    if (msg->type == MSG_NET_HEAD) {
        msg_free(&out->head_msg);
        out->head_msg = *msg;
        *msg = (struct msg)MSG_INIT;
        get_net_head(&out->head_msg, &out->head);
        out->has_head = true;
        return msg_end(&out->head_msg, err);
    }
    if (msg->type == MSG_NET_BODY && take_body(msg, out, err) != RESULT_OK)
        return err->result;
    if (msg->type == MSG_NET_END) {
        out->outcome = get_net_end(msg, &out->why);
        *done = true;
    }
    return msg_end(msg, err);
}

/* What net may have sent before it fell silent is not known: that is an outcome, not an error. */
static void lost(struct net *net, struct exchange *out, int64_t patience, const char *cause)
{
    struct err end = {0};

    out->outcome = NET_LOST;
    (void)guard_reap("georder-net", net->pid, clock_monotonic() + patience, &end);
    net->pid = 0;
    (void)err_set(&out->why, RESULT_UNKNOWN, "%s%s%s; the request may have been sent", cause,
                  patience > 0 && end.text[0] != '\0' ? "; " : "", patience > 0 ? end.text : "");
}

static void interrupted(struct net *net, struct exchange *out)
{
    AUTO_BUF cause = BUF_INIT(64);

    buf_printf(&cause, "interrupted by %s", interrupt_name());
    lost(net, out, 0, buf_text(&cause));
}

/* A head without "answered" behind it, or the reverse: what was sent is anybody's guess. */
static bool contradictory(const struct exchange *out)
{
    return out->outcome == NET_UNSENT ? out->has_head || out->body.len > 0
                                      : out->outcome == NET_ANSWERED && !out->has_head;
}

/* One message; false: there will be no other, and out tells why. */
static bool await_one(struct net *net, int64_t deadline, struct exchange *out, bool *done)
{
    AUTO_MSG msg = MSG_INIT;
    struct err cause = {0};

    if (!interrupt_wait(net->ipc.fd, deadline)) {
        interrupted(net, out);
        return false;
    }
    if (ipc_receive(&net->ipc, &msg, deadline, NULL, &cause) == RESULT_OK &&
        take(&msg, out, done, &cause) == RESULT_OK)
        return true;
    (void)err_prefix(&cause, "georder-net broke off");
    lost(net, out, 100, cause.text);
    return false;
}

static void await_end(struct net *net, int64_t deadline, struct exchange *out)
{
    bool done = false;

    while (!done)
        if (!await_one(net, deadline, out, &done))
            return;
    if (contradictory(out))
        lost(net, out, 100, "georder-net contradicts itself");
}

static enum msg_type put_request(struct buf *body, const struct net_request *request)
{
    if (request->anchor) {
        put_net_anchor(body, request);
        return MSG_NET_ANCHOR;
    }
    put_net_request(body, request);
    return MSG_NET_REQUEST;
}

enum result net_ask(struct net *net, const struct net_request *request, int *credential,
                    struct err *err)
{
    enum msg_type type;
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);
    enum result result;

    if (!interrupt_wait(-1, 0)) {
        fd_close(credential);
        return err_set(err, RESULT_UNREACHED, "interrupted by %s: nothing was sent",
                       interrupt_name());
    }
    type = put_request(&body, request);
    result = ipc_send(&net->ipc, type, &body, *credential, err);
    fd_close(credential);
    if (result != RESULT_OK)
        return err_prefix(err, "georder-net cannot be asked, and nothing was sent");
    return RESULT_OK;
}

void net_await(struct net *net, const struct net_request *request, struct exchange *out)
{
    await_end(net, clock_monotonic() + request->total_ms + GRACE, out);
    /* Only what changes something has an outcome that one must know. */
    if (out->outcome == NET_LOST && (request->method == NET_GET || request->anchor))
        out->why.result = RESULT_UNREACHED;
}

void net_exchange(struct net *net, const struct net_request *request, int *credential,
                  struct exchange *out)
{
    out->outcome = NET_UNSENT;
    if (net_ask(net, request, credential, &out->why) == RESULT_OK)
        net_await(net, request, out);
}

/* The other end of the pipe is net's alone, so that its end can be noticed here. */
static enum result stream_ask(struct net *net, const struct net_request *request, int *rows,
                              struct err *err)
{
    AUTO_BUF body = BUF_INIT(KIB);
    AUTO_FD theirs = -1;
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_errno(err, RESULT_INTERNAL, "cannot make a pipe");
    theirs = fds[0];
    *rows = fds[1];
    put_net_stream(&body, request);
    return ipc_send(&net->ipc, MSG_NET_STREAM, &body, theirs, err);
}

enum result net_stream(struct net *net, const struct net_request *request, int *rows,
                       struct exchange *out, struct err *err)
{
    int64_t deadline = clock_monotonic() + request->connect_ms + GRACE;
    bool done = false;

    out->outcome = NET_UNSENT;
    if (stream_ask(net, request, rows, err) != RESULT_OK)
        return err_prefix(err, "georder-net cannot be asked, and nothing was sent");
    while (!out->has_peer && !done)
        if (!await_one(net, deadline, out, &done))
            break;
    if (out->why.result != RESULT_OK)
        *err = out->why;
    return err->result;
}

void net_stream_end(struct net *net, const struct net_request *request, struct exchange *out)
{
    int64_t deadline = clock_monotonic() + request->total_ms + GRACE;
    bool done = false;

    while (!done)
        if (!await_one(net, deadline, out, &done))
            return;
}

void net_abandon(struct net *net)
{
    struct err err = {0};

    if (net->pid > 0)
        (void)guard_reap("georder-net", net->pid, clock_monotonic(), &err);
    net->pid = 0;
}

void exchange_free(struct exchange *exchange)
{
    msg_free(&exchange->peer_msg);
    msg_free(&exchange->head_msg);
    buf_free(&exchange->body);
}

void net_stop(struct net *net)
{
    struct err err = {0};

    fd_close(&net->ipc.fd);
    if (net->pid > 0)
        (void)guard_reap("georder-net", net->pid, clock_monotonic() + 2000, &err);
    net->pid = 0;
}
