#include "placing.h"

void zone_path(const struct placing *placing, const char *below, struct buf *out)
{
    buf_printf(out, "%s/zones/%s/ssl/certificate_packs%s", placing->session->facts.path,
               placing->order.zone_id, below);
}

enum result placing_exchange(struct placing *placing, enum net_method method, const char *path,
                             const char *body, struct exchange *out, struct err *err)
{
    struct session *session = placing->session;
    struct net_request request;
    AUTO_FD credential = -1;

    if (keys_credential(&session->keys, &credential, NULL, err) != RESULT_OK)
        return err->result;
    session_request(session, &request);
    request.method = method;
    request.path = path;
    request.body = body;
    return net_exchange(&session->net, &request, &credential, out, err);
}
