#include "parts.h"

#include <string.h>

#include "guard.h"

cJSON *sandbox_part(const struct session *session, const struct exchange *exchange)
{
    cJSON *part = cJSON_CreateObject();

    cJSON_AddStringToObject(part, "main", guard_level_text());
    cJSON_AddStringToObject(part, "keys", session->keys.sandbox);
    if (exchange != NULL && exchange->has_peer)
        cJSON_AddStringToObject(part, "net", exchange->peer.sandbox);
    return part;
}

static void add_base64(cJSON *object, const char *name, const uint8_t *bytes, size_t len)
{
    AUTO_BUF text = BUF_INIT(256);

    base64_put(&text, bytes, len);
    cJSON_AddStringToObject(object, name, buf_text(&text));
}

void add_given(cJSON *object, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        cJSON_AddStringToObject(object, name, text);
}

cJSON *tls_part(const struct net_peer *peer)
{
    cJSON *part = cJSON_CreateObject(), *chain = cJSON_AddArrayToObject(part, "chain");

    cJSON_AddStringToObject(part, "address", peer->address);
    cJSON_AddNumberToObject(part, "port", peer->port);
    if (peer->proxy[0] != '\0')
        cJSON_AddStringToObject(part, "proxy", peer->proxy);
    add_given(part, "version", peer->tls_version);
    add_given(part, "cipher", peer->cipher);
    for (uint32_t i = 0; i < peer->chain && i < NET_CHAIN_MAX; i++) {
        cJSON *item = cJSON_CreateObject();

        add_base64(item, "spki_sha256", peer->spki[i], SHA256_LEN);
        if (i == peer->pin_matched)
            cJSON_AddTrueToObject(item, "pinned");
        cJSON_AddItemToArray(chain, item);
    }
    return part;
}

cJSON *response_part(const struct exchange *exchange)
{
    char digest[SHA256_HEX_LEN + 1];
    cJSON *part = cJSON_CreateObject();

    sha256_hex(buf_text(&exchange->body), exchange->body.len, digest);
    cJSON_AddNumberToObject(part, "status", exchange->head.status);
    add_given(part, "cf_ray", exchange->head.cf_ray);
    add_given(part, "content_type", exchange->head.content_type);
    add_given(part, "retry_after", exchange->head.retry_after);
    add_given(part, "date", exchange->head.date);
    cJSON_AddNumberToObject(part, "body_bytes", (double)exchange->body.len);
    cJSON_AddStringToObject(part, "body_sha256", digest);
    return part;
}

void url_put(struct buf *out, const struct policy_facts *facts, const char *path)
{
    buf_printf(out, "https://%s", facts->host);
    if (facts->port != 443)
        buf_printf(out, ":%u", facts->port);
    buf_puts(out, path);
}

struct audit_event event_of(const struct session *session, const char *event, const char *operation)
{
    return (struct audit_event){.event = event,
                                .order_id = "",
                                .time = clock_now(),
                                .severity = 1,
                                .operation = operation,
                                .actor = session->actor,
                                .actor_uid = session->actor_uid,
                                .host = session->host,
                                .zone = "",
                                .zone_id = "",
                                .url = "",
                                .peer_address = ""};
}

enum result event_append(struct session *session, struct audit_event *event, cJSON *detail,
                         const struct buf *body, cJSON *records, struct err *err)
{
    AUTO_JSON *owned = detail;
    uint64_t index = 0;

    if (strcmp(session->login, session->actor) != 0)
        add_given(owned, "login", session->login);
    event->detail = owned;
    if (audit_append(session->audit, event, body != NULL ? buf_text(body) : NULL,
                     body != NULL ? body->len : 0, &index, err) != RESULT_OK)
        return err->result;
    session->last_record = (int64_t)index;
    if (session->options.verbose)
        note(&session->output, "record %llu: %s\n", (unsigned long long)index, event->event);
    if (records != NULL)
        cJSON_AddItemToArray(records, cJSON_CreateNumber((double)index));
    return RESULT_OK;
}
