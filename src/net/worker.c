/* One request in a process of its own: open everything, lock, then let the stranger speak. */
#include <openssl/crypto.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "exchange.h"
#include "guard.h"
#include "stream.h"
#include "transfer.h"

#define SECURE_HEAP      65536
#define SECURE_HEAP_LEAF 32

#if GEORDER_COVERAGE
void __gcov_dump(void);
#endif

enum result peer_send(struct exchange *x, struct err *err)
{
    AUTO_BUF body = BUF_INIT(16 * KIB);

    if (x->peer_sent)
        return RESULT_OK;
    x->peer_sent = true;
    x->peer.address = x->endpoint.text;
    x->peer.port = x->endpoint.port;
    x->peer.proxy = x->request->proxy;
    x->peer.sandbox = guard_level_text();
    put_net_peer(&body, &x->peer);
    return ipc_send(x->ipc, MSG_NET_PEER, &body, -1, err);
}

/* A fork does not inherit the memory lock, so each worker has its own secure heap. */
static enum result secrets_prepare(struct err *err)
{
    if (!CRYPTO_secure_malloc_initialized() &&
        CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_HEAP_LEAF) == 0)
        return err_set(err, RESULT_INTERNAL, "no secure memory for the credential");
    return RESULT_OK;
}

static void target_choose(struct exchange *x)
{
    if (!proxy_parse(x->request->proxy, &x->target)) {
        x->target.port = (uint16_t)x->request->port;
        (void)snprintf(x->target.host, sizeof x->target.host, "%s", x->request->host);
    }
}

static enum result open_everything(struct exchange *x, struct err *err)
{
    if (x->rows >= 0
            ? stream_check(x->request, err) != RESULT_OK
            : request_check(x->request, err) != RESULT_OK || secrets_prepare(err) != RESULT_OK)
        return err->result;
    target_choose(x);
    return dial(x, err);
}

static enum net_outcome exchange_run(struct exchange *x, struct err *err)
{
    if (open_everything(x, err) != RESULT_OK || guard_lock_net(err) != RESULT_OK)
        return NET_UNSENT;
    atomic_store(&x->verdict->stage, STAGE_LOCKED);
    return x->rows >= 0 ? stream_run(x, err) : transfer_run(x, err);
}

_Noreturn void worker_run(struct exchange *x, pid_t parent)
{
    struct verdict *verdict = x->verdict;
    struct err ignored = {0};

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(1);
    x->socket = -1;
    x->peer.pin_matched = UINT32_MAX;
    x->deadline = clock_monotonic() + x->request->total_ms;
    x->connect_deadline = clock_monotonic() + x->request->connect_ms;
    if (x->connect_deadline > x->deadline)
        x->connect_deadline = x->deadline;
    verdict->outcome = exchange_run(x, &verdict->err);
    /* When main does not take it, it does not take NET_END either. Of a stream it says that the way
     * is open. */
    if (x->rows < 0)
        (void)peer_send(x, &ignored);
    atomic_store(&verdict->stage, STAGE_DONE);
#if GEORDER_COVERAGE
    __gcov_dump();
#endif
    _exit(0);
}
