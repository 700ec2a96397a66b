#include "ipc.h"

#include <string.h>

static void put_digests(struct buf *body, uint32_t count, const uint8_t (*digest)[SHA256_LEN])
{
    put_bytes(body, digest, (size_t)count * SHA256_LEN);
}

static uint32_t get_digests(struct msg *msg, uint32_t max, uint8_t (*digest)[SHA256_LEN])
{
    size_t len;
    const char *bytes = get_bytes(msg, &len);

    if (len % SHA256_LEN != 0 || len / SHA256_LEN > max) {
        msg->malformed = true;
        return 0;
    }
    if (len > 0)
        memcpy(digest, bytes, len);
    return (uint32_t)(len / SHA256_LEN);
}

void put_net_request(struct buf *body, const struct net_request *request)
{
    put_u32(body, (uint32_t)request->method);
    put_text(body, request->host);
    put_u32(body, request->port);
    put_text(body, request->path);
    put_text(body, request->body);
    put_text(body, request->resolve);
    put_text(body, request->proxy);
    put_u32(body, request->minimum_tls);
    put_u32(body, request->connect_ms);
    put_u32(body, request->total_ms);
    put_digests(body, request->pins, request->pin);
    put_u32(body, request->networks);
    for (uint32_t i = 0; i < request->networks && i < NET_NETWORKS_MAX; i++)
        put_text(body, request->network[i]);
}

void get_net_request(struct msg *msg, struct net_request *request)
{
    uint32_t method = get_u32(msg);

    memset(request, 0, sizeof *request);
    request->method = (enum net_method)method;
    request->host = get_text(msg);
    request->port = get_u32(msg);
    request->path = get_text(msg);
    request->body = get_text(msg);
    request->body_len = strlen(request->body);
    request->content_type = "application/json";
    request->answer_max = NET_ANSWER_MAX;
    request->resolve = get_text(msg);
    request->proxy = get_text(msg);
    request->minimum_tls = get_u32(msg);
    request->connect_ms = get_u32(msg);
    request->total_ms = get_u32(msg);
    request->pins = get_digests(msg, NET_PINS_MAX, request->pin);
    request->networks = get_u32(msg);
    if (method > NET_DELETE || request->port > 65535 || request->networks > NET_NETWORKS_MAX) {
        msg->malformed = true;
        request->networks = 0;
    }
    for (uint32_t i = 0; i < request->networks; i++)
        request->network[i] = get_text(msg);
}

void put_net_anchor(struct buf *body, const struct net_request *request)
{
    put_u32(body, request->plain);
    put_text(body, request->host);
    put_u32(body, request->port);
    put_text(body, request->path);
    put_text(body, request->content_type);
    put_bytes(body, request->body, request->body_len);
    put_text(body, request->proxy);
    put_u32(body, request->minimum_tls);
    put_u32(body, request->connect_ms);
    put_u32(body, request->total_ms);
    put_u32(body, request->answer_max);
}

void get_net_anchor(struct msg *msg, struct net_request *request)
{
    uint32_t plain = get_u32(msg);

    memset(request, 0, sizeof *request);
    request->method = NET_POST;
    request->anchor = true;
    request->plain = plain == 1;
    request->host = get_text(msg);
    request->port = get_u32(msg);
    request->path = get_text(msg);
    request->content_type = get_text(msg);
    request->body = get_bytes(msg, &request->body_len);
    request->resolve = "";
    request->proxy = get_text(msg);
    request->minimum_tls = get_u32(msg);
    request->connect_ms = get_u32(msg);
    request->total_ms = get_u32(msg);
    request->answer_max = get_u32(msg);
    if (plain > 1 || request->port > 65535 || request->answer_max > NET_ANSWER_MAX)
        msg->malformed = true;
}

void put_net_stream(struct buf *body, const struct net_request *request)
{
    put_text(body, request->host);
    put_u32(body, request->port);
    put_u32(body, request->connect_ms);
    put_u32(body, request->total_ms);
}

void get_net_stream(struct msg *msg, struct net_request *request)
{
    memset(request, 0, sizeof *request);
    request->anchor = true;
    request->host = get_text(msg);
    request->port = get_u32(msg);
    request->path = request->body = request->resolve = request->proxy = "";
    request->minimum_tls = 0x0303;
    request->connect_ms = get_u32(msg);
    request->total_ms = get_u32(msg);
    if (request->port > 65535)
        msg->malformed = true;
}

void put_net_peer(struct buf *body, const struct net_peer *peer)
{
    put_text(body, peer->address);
    put_u32(body, peer->port);
    put_text(body, peer->proxy);
    put_text(body, peer->tls_version);
    put_text(body, peer->cipher);
    put_digests(body, peer->chain, peer->spki);
    put_u32(body, peer->pin_matched);
    put_text(body, peer->sandbox);
}

void get_net_peer(struct msg *msg, struct net_peer *peer)
{
    memset(peer, 0, sizeof *peer);
    peer->address = get_text(msg);
    peer->port = get_u32(msg);
    peer->proxy = get_text(msg);
    peer->tls_version = get_text(msg);
    peer->cipher = get_text(msg);
    peer->chain = get_digests(msg, NET_CHAIN_MAX, peer->spki);
    peer->pin_matched = get_u32(msg);
    peer->sandbox = get_text(msg);
}

void put_net_head(struct buf *body, const struct net_head *head)
{
    put_u32(body, head->status);
    put_text(body, head->cf_ray);
    put_text(body, head->content_type);
    put_text(body, head->retry_after);
    put_text(body, head->date);
}

void get_net_head(struct msg *msg, struct net_head *head)
{
    head->status = get_u32(msg);
    head->cf_ray = get_text(msg);
    head->content_type = get_text(msg);
    head->retry_after = get_text(msg);
    head->date = get_text(msg);
    if (head->status < 100 || head->status > 599)
        msg->malformed = true;
}

void put_net_end(struct buf *body, enum net_outcome outcome, const struct err *err)
{
    put_u32(body, (uint32_t)outcome);
    put_u32(body, (uint32_t)err->result);
    put_text(body, err->text);
}

enum net_outcome get_net_end(struct msg *msg, struct err *err)
{
    uint32_t outcome = get_u32(msg), result = get_u32(msg);
    const char *text = get_text(msg);

    if (outcome > NET_LOST || result >= RESULT_COUNT || (outcome != NET_ANSWERED && result == 0))
        msg->malformed = true;
    (void)err_set(err, (enum result)result, "%s", text);
    /* When in doubt, the request may have been placed. */
    return msg->malformed ? NET_LOST : (enum net_outcome)outcome;
}
