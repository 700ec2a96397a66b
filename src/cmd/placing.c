#include "placing.h"

#include "anchor.h"
#include "interrupt.h"

void zone_path(const struct placing *placing, const char *below, struct buf *out)
{
    buf_printf(out, "%s/zones/%s/ssl/certificate_packs%s", placing->session->facts.path,
               placing->order.zone_id, below);
}

/* Only orders, which are all that is posted: a pack that violates is deleted all the same. */
static bool anchored(struct session *session, enum net_method method, struct exchange *out)
{
    if (method != NET_POST || anchor_demand(session, &out->why) == RESULT_OK)
        return true;
    net_abandon(&session->net);
    out->outcome = NET_UNSENT;
    return false;
}

/* Net ends by itself when no credential comes, but keys knows why none did. When it is net that
 * ended first, keys merely finds the pipe broken. */
static void release(struct session *session, const struct net_request *request, int *write_end,
                    struct exchange *out)
{
    struct err why = {0};
    bool released;

    if (!interrupt_wait(-1, 0)) {
        net_abandon(&session->net);
        out->outcome = NET_UNSENT;
        (void)err_set(&out->why, RESULT_UNREACHED, "interrupted by %s: nothing was sent",
                      interrupt_name());
        return;
    }
    released = keys_credential(&session->keys, false, write_end, NULL, &why) == RESULT_OK;
    net_await(&session->net, request, out);
    if (session->options.verbose && out->has_peer && out->peer.pin_matched < out->peer.chain)
        note(&session->output, "peer %s port %u: %s %s, certificate %u of %u is pinned\n",
             shown(out->peer.address), out->peer.port, shown(out->peer.tls_version),
             shown(out->peer.cipher), out->peer.pin_matched + 1, out->peer.chain);
    if (!released && out->outcome == NET_UNSENT && out->why.result == RESULT_KEY)
        out->why = why;
}

enum result placing_send(struct placing *placing, enum net_method method, const char *path,
                         const char *body, placing_intent *intent, struct exchange *out,
                         struct err *err)
{
    struct session *session = placing->session;
    struct net_request request;
    AUTO_FD read_end = -1, write_end = -1;

    session_request(session, &request);
    request.method = method;
    request.path = path;
    request.body = body;
    if (keys_pipe(&read_end, &write_end, err) != RESULT_OK ||
        net_ask(&session->net, &request, &read_end, err) != RESULT_OK)
        return err->result;
    if (intent != NULL && intent(placing, path, body, err) != RESULT_OK) {
        net_abandon(&session->net);
        return err->result;
    }
    if (anchored(session, method, out))
        release(session, &request, &write_end, out);
    return RESULT_OK;
}
