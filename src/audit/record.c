#include "record.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static bool given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* before: what stands in front of the string, say `,"message":`. */
static void put_after(struct buf *out, const char *before, const char *text)
{
    buf_puts(out, before);
    json_put_string(out, text != NULL ? text : "");
}

static void put_number(struct buf *out, const char *before, int64_t number)
{
    buf_printf(out, "%s%" PRId64, before, number);
}

static const char *activity_name(int activity)
{
    static const char *const names[] = {"Unknown", "Create", "Read", "Update", "Delete"};

    return activity >= 0 && activity <= 4 ? names[activity] : "Other";
}

static const char *status_name(int status)
{
    static const char *const names[] = {"Unknown", "Success", "Failure"};

    return status >= 0 && status <= 2 ? names[status] : "Other";
}

static void put_class(struct buf *out, const struct audit_event *event)
{
    buf_puts(out, ",\"category_uid\":6");
    put_number(out, ",\"type_uid\":", 600300 + event->activity);
    put_number(out, ",\"activity_id\":", event->activity);
    put_after(out, ",\"activity_name\":", activity_name(event->activity));
    put_number(out, ",\"severity_id\":", event->severity);
    put_number(out, ",\"status_id\":", event->status);
    put_after(out, ",\"status\":", status_name(event->status));
    put_number(out, ",\"time\":", event->time);
    put_after(out, ",\"message\":", event->message);
}

static void put_metadata(struct buf *out, const struct audit_event *event,
                         const struct record_place *place, int64_t now)
{
    char uid[UUID_LEN + 1];

    uuid7(now, uid);
    buf_printf(out, "\"metadata\":{\"sequence\":%" PRIu64, place->index);
    put_after(out, ",\"uid\":", uid);
    if (given(event->order_id))
        put_after(out, ",\"correlation_uid\":", event->order_id);
    buf_puts(out, ",\"version\":\"1.8.0\",\"product\":{\"name\":\"georder\","
                  "\"vendor_name\":\"georder\",\"version\":\"" GEORDER_VERSION "\"}");
    put_after(out, ",\"log_name\":", place->origin);
    put_after(out, ",\"event_code\":", event->event);
    put_number(out, ",\"logged_time\":", now);
    buf_putc(out, '}');
}

static void put_actor(struct buf *out, const struct audit_event *event)
{
    put_after(out, ",\"actor\":{\"user\":{\"name\":", event->actor);
    buf_printf(out, ",\"uid\":\"%" PRId64 "\"},\"process\":{\"name\":\"georder\",\"pid\":%d}}",
               event->actor_uid, (int)getpid());
}

static void put_api(struct buf *out, const struct audit_event *event)
{
    put_after(out, ",\"api\":{\"operation\":", event->operation);
    buf_puts(out, ",\"service\":{\"name\":\"Cloudflare API v4\"}");
    if (given(event->order_id)) {
        put_after(out, ",\"request\":{\"uid\":", event->order_id);
        buf_putc(out, '}');
    }
    if (event->http_status > 0)
        buf_printf(out, ",\"response\":{\"code\":%d}", event->http_status);
    buf_putc(out, '}');
}

struct url {
    char scheme[16], host[256], port[8]; /* port: "" when the scheme's */
    const char *path;
};

static void piece_copy(char *out, size_t size, const char *from, size_t len)
{
    len = len < size - 1 ? len : size - 1;
    memcpy(out, from, len);
    out[len] = '\0';
}

/* OCSF's hostname is a host's name, without a port. */
static void host_split(struct url *out, const char *text, size_t len)
{
    size_t digits = 0;

    while (digits < len && text[len - digits - 1] >= '0' && text[len - digits - 1] <= '9')
        digits++;
    if (digits > 0 && digits <= 5 && digits < len && text[len - digits - 1] == ':') {
        piece_copy(out->port, sizeof out->port, text + len - digits, digits);
        len -= digits + 1;
    }
    piece_copy(out->host, sizeof out->host, text, len);
}

static void put_host(struct buf *out, const struct url *url)
{
    put_after(out, ",\"hostname\":", url->host);
    if (url->port[0] != '\0')
        buf_printf(out, ",\"port\":%s", url->port);
}

static void url_split(const char *text, struct url *out)
{
    const char *rest = strstr(text, "://");

    *out = (struct url){.path = ""};
    if (rest == NULL)
        return;
    piece_copy(out->scheme, sizeof out->scheme, text, (size_t)(rest - text));
    rest += 3;
    out->path = rest + strcspn(rest, "/");
    host_split(out, rest, (size_t)(out->path - rest));
}

static void put_request(struct buf *out, const struct audit_event *event, const struct url *url)
{
    char method[16];

    piece_copy(method, sizeof method, event->operation, strcspn(event->operation, " "));
    put_after(out, ",\"http_request\":{\"http_method\":", method);
    put_after(out, ",\"url\":{\"url_string\":", event->url);
    put_after(out, ",\"scheme\":", url->scheme);
    put_host(out, url);
    put_after(out, ",\"path\":", url->path);
    buf_puts(out, "}}");
}

static void put_endpoints(struct buf *out, const struct audit_event *event)
{
    struct url url;

    url_split(given(event->url) ? event->url : "", &url);
    put_after(out,
              ",\"src_endpoint\":{\"hostname\":", given(event->host) ? event->host : "unknown");
    buf_putc(out, '}');
    if (given(event->peer_address)) {
        put_after(out, ",\"dst_endpoint\":{\"ip\":", event->peer_address);
        if (given(url.host))
            put_host(out, &url);
        buf_putc(out, '}');
    }
    if (given(event->url))
        put_request(out, event, &url);
    if (event->http_status > 0)
        buf_printf(out, ",\"http_response\":{\"code\":%d}", event->http_status);
}

static void put_resources(struct buf *out, const struct audit_event *event)
{
    if (!given(event->zone) && !given(event->zone_id))
        return;
    put_after(out, ",\"resources\":[{\"type\":\"zone\",\"name\":", event->zone);
    put_after(out, ",\"uid\":", event->zone_id);
    buf_puts(out, "}]");
}

/* The time stays what the clock says; that it went back is said. */
static void put_set_back(struct buf *out, const struct record_place *place, int64_t now)
{
    int64_t back = (int64_t)place->last_time - now;

    if (place->last_time > 0 && back > 0)
        put_number(out, ",\"clock_set_back_ms\":", back);
}

static void put_ours(struct buf *out, const struct audit_event *event,
                     const struct record_place *place, int64_t now, const cJSON *detail)
{
    put_after(out, ",\"unmapped\":{\"georder\":{\"event\":", event->event);
    put_after(out, ",\"origin\":", place->origin);
    buf_puts(out, ",\"previous\":\"");
    hex_put(out, place->previous, SHA256_LEN);
    buf_putc(out, '"');
    if (place->body_file != NULL)
        put_after(out, ",\"body_file\":", place->body_file);
    put_set_back(out, place, now);
    for (const cJSON *member = detail != NULL ? detail->child : NULL; member != NULL;
         member = member->next) {
        buf_putc(out, ',');
        json_put_string(out, member->string);
        buf_putc(out, ':');
        json_put(out, member);
    }
    buf_puts(out, "}}");
}

static bool has_null(const cJSON *node)
{
    for (const cJSON *child = node->child; child != NULL; child = child->next)
        if (cJSON_IsNull(child) || has_null(child))
            return true;
    return false;
}

static enum result reads_back(const struct buf *payload, struct err *err)
{
    struct json_doc doc = {.name = "audit record",
                           .text = buf_text(payload),
                           .len = payload->len,
                           .result = RESULT_AUDIT};
    enum result result = json_parse(&doc, JSON_OURS, err);

    if (result == RESULT_OK && has_null(doc.root))
        result = err_set(err, RESULT_AUDIT, "audit record: null may not stand in a record");
    json_free(&doc);
    return result;
}

/* What the log itself reads stands first, in the shape that payload_read() knows. */
enum result record_build(const struct audit_event *event, const struct record_place *place,
                         const cJSON *detail, struct buf *out, struct err *err)
{
    int64_t now = clock_now();

    if (!given(event->event) || !given(event->operation))
        return err_set(err, RESULT_INTERNAL, "audit record: no event or no operation named");
    if (cJSON_GetObjectItemCaseSensitive(detail, "body_file") != NULL ||
        cJSON_GetObjectItemCaseSensitive(detail, "clock_set_back_ms") != NULL)
        return err_set(err, RESULT_INTERNAL,
                       "audit record: body_file and clock_set_back_ms are the log's own to give");
    buf_puts(out, "{\"class_uid\":6003,");
    put_metadata(out, event, place, now);
    put_ours(out, event, place, now, detail);
    put_class(out, event);
    put_actor(out, event);
    put_api(out, event);
    put_endpoints(out, event);
    put_resources(out, event);
    buf_putc(out, '}');
    if (!buf_ok(out))
        return err_set(err, RESULT_AUDIT, "audit record %s: would pass %zu bytes", event->event,
                       out->max);
    return reads_back(out, err);
}

cJSON *record_with_body(const cJSON *detail, const char *body)
{
    cJSON *copy = detail != NULL ? cJSON_Duplicate(detail, true) : cJSON_CreateObject();
    cJSON *response = cJSON_GetObjectItemCaseSensitive(copy, "response");

    if (copy != NULL && response == NULL)
        response = cJSON_AddObjectToObject(copy, "response");
    cJSON_DeleteItemFromObjectCaseSensitive(response, "body");
    if (cJSON_AddStringToObject(response, "body", body) != NULL)
        return copy;
    cJSON_Delete(copy);
    return NULL;
}
