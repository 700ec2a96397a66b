/* What main makes of a georder-net that lies, hangs or dies. A child plays it. */
#include "net_client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static struct err err;

typedef void role_part(struct ipc *ipc);

static void say_head(struct ipc *ipc)
{
    AUTO_BUF body = BUF_INIT(4 * KIB);

    put_net_head(&body, &(struct net_head){.status = 200});
    (void)!ipc_send(ipc, MSG_NET_HEAD, &body, -1, &err);
}

static void say_end(struct ipc *ipc, enum net_outcome outcome, enum result result)
{
    AUTO_BUF body = BUF_INIT(4 * KIB);

    put_net_end(&body, outcome, &(struct err){.result = result, .text = "so it says"});
    (void)!ipc_send(ipc, MSG_NET_END, &body, -1, &err);
}

static void unsent(struct ipc *ipc)
{
    say_end(ipc, NET_UNSENT, RESULT_UNREACHED);
}

static void unsent_after_head(struct ipc *ipc)
{
    say_head(ipc);
    unsent(ipc);
}

static void answered_without_head(struct ipc *ipc)
{
    say_end(ipc, NET_ANSWERED, RESULT_OK);
}

static void garbage(struct ipc *ipc)
{
    AUTO_BUF body = BUF_INIT(64);

    buf_puts(&body, "garbage");
    (void)!ipc_send(ipc, MSG_NET_PEER, &body, -1, &err);
    (void)pause();
}

static void nothing(struct ipc *ipc)
{
    (void)ipc;
}

static void crash(struct ipc *ipc)
{
    (void)ipc;
    (void)raise(SIGKILL);
}

/* Takes the request, plays its part, and ends when main has closed. */
static _Noreturn void play(int fd, role_part *part)
{
    struct ipc ipc = {.fd = fd, .self = ROLE_NET, .peer = ROLE_MAIN};
    AUTO_MSG msg = MSG_INIT;

    if (ipc_receive(&ipc, &msg, clock_monotonic() + 5000, NULL, &err) != RESULT_OK)
        _exit(9);
    part(&ipc);
    _exit(0);
}

static void exchange(enum net_method method, role_part *part, struct exchange *out)
{
    struct net_request request = {.method = method, .host = "api.example", .total_ms = 1000};
    int fds[2], credential = -1;
    struct net net = NET_INIT;

    cr_assert_eq(ipc_pair(fds, &err), RESULT_OK);
    net.pid = fork();
    if (net.pid == 0) {
        (void)close(fds[0]);
        play(fds[1], part);
    }
    (void)close(fds[1]);
    net.ipc = (struct ipc){.fd = fds[0], .self = ROLE_MAIN, .peer = ROLE_NET};
    net_exchange(&net, &request, &credential, out);
    net_stop(&net);
}

static void becomes(enum net_method method, role_part *part, enum net_outcome outcome,
                    enum result result, const char *text)
{
    AUTO_EXCHANGE out = EXCHANGE_INIT;

    exchange(method, part, &out);
    cr_assert_eq(out.outcome, outcome, "%s", out.why.text);
    cr_assert_eq(out.why.result, result, "%s", out.why.text);
    cr_assert_str_eq(out.why.text, text);
}

Test(net_client, believes_that_nothing_was_sent)
{
    becomes(NET_POST, unsent, NET_UNSENT, RESULT_UNREACHED, "so it says");
}

Test(net_client, does_not_believe_it_after_an_answer)
{
    becomes(NET_POST, unsent_after_head, NET_LOST, RESULT_UNKNOWN,
            "georder-net contradicts itself; the request may have been sent");
}

Test(net_client, does_not_believe_an_answer_without_a_head)
{
    becomes(NET_POST, answered_without_head, NET_LOST, RESULT_UNKNOWN,
            "georder-net contradicts itself; the request may have been sent");
}

Test(net_client, loses_what_breaks_off)
{
    becomes(NET_POST, nothing, NET_LOST, RESULT_UNKNOWN,
            "georder-net broke off: the other process has ended; the request may have been sent");
    becomes(NET_POST, crash, NET_LOST, RESULT_UNKNOWN,
            "georder-net broke off: the other process has ended; georder-net was ended by signal "
            "9 (SIGKILL): killed from outside, perhaps for want of memory; the request may have "
            "been sent");
    becomes(NET_POST, garbage, NET_LOST, RESULT_UNKNOWN,
            "georder-net broke off: message NET_PEER is malformed; georder-net did not end in time "
            "and was killed; the request may have been sent");
}

Test(net_client, a_lost_answer_to_a_get_changes_nothing)
{
    becomes(NET_GET, nothing, NET_LOST, RESULT_UNREACHED,
            "georder-net broke off: the other process has ended; the request may have been sent");
}
