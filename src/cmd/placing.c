#include "placing.h"

void zone_path(const struct placing *placing, const char *below, struct buf *out)
{
    buf_printf(out, "%s/zones/%s/ssl/certificate_packs%s", placing->session->facts.path,
               placing->order.zone_id, below);
}

void placing_send(struct placing *placing, enum net_method method, const char *path,
                  const char *body, int *credential, struct exchange *out)
{
    struct session *session = placing->session;
    struct net_request request;

    session_request(session, &request);
    request.method = method;
    request.path = path;
    request.body = body;
    net_exchange(&session->net, &request, credential, out);
}
