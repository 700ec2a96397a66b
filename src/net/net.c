/* The parent: takes requests from main, starts a worker for each, and says how it ended. */
#include "net.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exchange.h"
#include "transfer.h"
#include "trust.h"

#define GRACE_MS 2000 /* the worker keeps its own deadlines; past these it hangs */

struct net {
    struct ipc ipc;
    struct trust trust;
    bool preloaded;
};

/* True when it had to be killed: its time was up, or main is gone. */
static bool worker_await(pid_t pid, int channel, int64_t deadline, int *status)
{
    AUTO_FD pidfd = pidfd_open(pid, 0);
    struct pollfd fds[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = channel}};
    int ready = 0;
    bool late;

    while (pidfd >= 0 && ready == 0 && clock_monotonic() < deadline) {
        int64_t left = deadline - clock_monotonic();

        ready = poll(fds, 2, left < 0 ? 0 : (int)left);
        if (ready < 0)
            ready = 0;
    }
    late = (fds[0].revents & POLLIN) == 0;
    if (late)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        ;
    return late;
}

static void death_put(char *out, size_t size, int status, bool late)
{
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    const char *name = signal > 0 ? sigabbrev_np(signal) : NULL;

    if (late)
        (void)snprintf(out, size, "had no end within its time and was stopped");
    else if (signal > 0)
        (void)snprintf(out, size, "was ended by signal %d (SIG%s)", signal,
                       name != NULL ? name : "?");
    else
        (void)snprintf(out, size, "exited with status %d", WEXITSTATUS(status));
}

/* A worker that died before it was locked in has not begun TLS; after that it may have done
 * anything. */
static void verdict_of_death(struct verdict *verdict, int status, bool late)
{
    char death[80];
    bool locked = atomic_load(&verdict->stage) != STAGE_OPEN;

    death_put(death, sizeof death, status, late);
    verdict->outcome = locked ? NET_LOST : NET_UNSENT;
    if (locked)
        (void)err_set(&verdict->err, RESULT_UNKNOWN,
                      "the process that talked to the API %s: the request may have been sent",
                      death);
    else
        (void)err_set(&verdict->err, late ? RESULT_UNREACHED : RESULT_INTERNAL,
                      "the process that was to reach the API %s, before anything was sent", death);
}

/* The worker has talked to a stranger: what it left behind is checked. */
static void verdict_tidy(struct verdict *verdict)
{
    struct err *err = &verdict->err;

    err->text[sizeof err->text - 1] = '\0';
    if (verdict->outcome == NET_ANSWERED)
        (void)err_set(err, RESULT_OK, "%s", "");
    else if (err->result <= RESULT_OK || err->result >= RESULT_COUNT ||
             verdict->outcome > NET_LOST || !utf8_valid(err->text, strlen(err->text)))
        *verdict = (struct verdict){
            .outcome = NET_LOST,
            .err = {RESULT_UNKNOWN, "the process that talked to the API left no valid report"}};
}

static enum result verdict_send(struct ipc *ipc, const struct verdict *verdict, struct err *err)
{
    AUTO_BUF body = BUF_INIT(4 * KIB);

    put_net_end(&body, verdict->outcome, &verdict->err);
    return ipc_send(ipc, MSG_NET_END, &body, -1, err);
}

static void exchange_watch(struct exchange *x)
{
    int64_t deadline = clock_monotonic() + x->request->total_ms + GRACE_MS;
    pid_t parent = getpid(), pid = fork();
    int status = 0;
    bool late;

    if (pid == 0) /* never returns */
        worker_run(x, parent);
    fd_close(&x->credential);
    fd_close(&x->rows);
    if (pid < 0) {
        x->verdict->outcome = NET_UNSENT;
        (void)err_errno(&x->verdict->err, RESULT_INTERNAL, "no process for the request");
        return;
    }
    late = worker_await(pid, x->ipc->fd, deadline, &status);
    if (atomic_load(&x->verdict->stage) == STAGE_DONE)
        verdict_tidy(x->verdict);
    else
        verdict_of_death(x->verdict, status, late);
}

/* What has gone wrong before there is a worker is the request's end, too. */
static void exchange_serve(struct exchange *x, struct net *net)
{
    struct err *err = &x->verdict->err;

    x->verdict->outcome = NET_UNSENT;
    if (!net->preloaded && transfer_preload(err) != RESULT_OK)
        return;
    net->preloaded = true;
    if (!x->request->plain && trust_prepare(&net->trust, err) != RESULT_OK)
        return;
    x->trust = net->trust.store;
    exchange_watch(x);
}

static void exchange_close(struct exchange *x)
{
    fd_close(&x->credential);
    fd_close(&x->rows);
}

/* What comes along is the pipe of a credential or, of a stream, of its messages. */
static enum result request_get(struct msg *msg, struct net_request *request, struct exchange *x,
                               struct err *err)
{
    int *fd = msg->type == MSG_NET_STREAM ? &x->rows : &x->credential;

    *fd = msg->fd;
    msg->fd = -1;
    if (msg->type == MSG_NET_STREAM)
        get_net_stream(msg, request);
    else if (msg->type == MSG_NET_ANCHOR)
        get_net_anchor(msg, request);
    else
        get_net_request(msg, request);
    if (msg->type == MSG_NET_STREAM && x->rows < 0)
        return err_set(err, RESULT_INTERNAL, "a stream came without its messages");
    return msg_end(msg, err);
}

static enum result exchange_end(struct exchange *x, struct net *net, struct err *err)
{
    enum result result;

    x->verdict =
        mmap(NULL, sizeof *x->verdict, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (x->verdict == MAP_FAILED)
        return err_errno(err, RESULT_INTERNAL, "no memory for a request");
    exchange_serve(x, net);
    exchange_close(x); /* before the end is told: main may still write */
    result = verdict_send(&net->ipc, x->verdict, err);
    (void)munmap(x->verdict, sizeof *x->verdict);
    return result;
}

static enum result request_serve(struct net *net, struct msg *msg, struct err *err)
{
    struct net_request request;
    __attribute__((cleanup(exchange_close))) struct exchange x = {
        .ipc = &net->ipc, .request = &request, .credential = -1, .rows = -1};

    if (request_get(msg, &request, &x, err) != RESULT_OK)
        return err->result;
    return exchange_end(&x, net, err);
}

static enum result serve(struct net *net, struct err *err)
{
    for (;;) {
        AUTO_MSG msg = MSG_INIT;
        bool open = true;

        if (ipc_receive(&net->ipc, &msg, -1, &open, err) != RESULT_OK)
            return err->result;
        if (!open)
            return RESULT_OK;
        if (msg.type == MSG_NET_TRUST ? trust_add(&net->trust, &msg, err) != RESULT_OK
                                      : request_serve(net, &msg, err) != RESULT_OK)
            return err->result;
    }
}

int net_run(int channel)
{
    struct net net = {.ipc = {.fd = channel, .self = ROLE_NET, .peer = ROLE_MAIN},
                      .trust = TRUST_INIT};
    struct err err = {0};
    enum result result;

    /* While main still reads its files. What fails here is told by the first request. */
    net.preloaded = transfer_preload(&err) == RESULT_OK;
    result = serve(&net, &err);

    trust_free(&net.trust);
    fd_close(&net.ipc.fd);
    if (result != RESULT_OK)
        (void)dprintf(STDERR_FILENO, "georder-net: %s\n", err.text);
    return (int)result;
}
