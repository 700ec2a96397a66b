/*
 * OTLP/JSON logs (opentelemetry-proto 1.9): a LogsData a line, as the file exporter of
 * OpenTelemetry writes them. 64-bit integers are decimal strings there, and enumerations numbers.
 */
#include <inttypes.h>

#include "export_row.h"

/* INFO 9, INFO2 10, WARN 13, ERROR 17, ERROR2 18, FATAL 21. */
static int severity_otlp(int ocsf)
{
    static const int severity[] = {0, 9, 10, 13, 17, 18, 21};

    return ocsf >= 0 && ocsf <= 6 ? severity[ocsf] : 0;
}

static void put_text(struct buf *out, const char *key, const char *value)
{
    if (*value == '\0')
        return;
    buf_printf(out, ",{\"key\":\"%s\",\"value\":{\"stringValue\":", key);
    json_put_string(out, value);
    buf_puts(out, "}}");
}

static void put_count(struct buf *out, const char *key, uint64_t value)
{
    buf_printf(out, ",{\"key\":\"%s\",\"value\":{\"intValue\":\"%" PRIu64 "\"}}", key, value);
}

static void put_resource(struct buf *out, const struct export_row *row)
{
    buf_puts(out, "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\","
                  "\"value\":{\"stringValue\":\"georder\"}}");
    put_text(out, "host.name", row->host);
    buf_puts(out, "]},\"scopeLogs\":[{\"scope\":{\"name\":\"georder\",\"version\":"
                  "\"" GEORDER_VERSION "\"},\"logRecords\":[");
}

static void put_attributes(struct buf *out, const struct export_row *row)
{
    buf_puts(out, "\"attributes\":[{\"key\":\"georder.leaf_hash\",\"value\":{\"stringValue\":\"");
    buf_printf(out, "%s\"}}", row->leaf);
    put_text(out, "georder.origin", row->origin);
    put_count(out, "georder.index", row->index);
    put_count(out, "georder.checkpoint_size", row->checkpoint_size);
    put_text(out, "georder.order", row->order);
    put_text(out, "georder.zone", row->zone);
    put_text(out, "georder.zone_id", row->zone_id);
    put_text(out, "georder.operation", row->operation);
    put_text(out, "georder.status", row->status);
    put_text(out, "user.name", row->actor);
    put_text(out, "user.id", row->actor_uid);
    put_text(out, "url.full", row->url);
    put_text(out, "server.address", row->peer);
    if (row->http_status > 0)
        put_count(out, "http.response.status_code", (uint64_t)row->http_status);
    buf_puts(out, "]");
}

static void put_record(struct buf *out, const struct export_row *row)
{
    buf_printf(out,
               "{\"timeUnixNano\":\"%" PRId64 "000000\",\"observedTimeUnixNano\":\"%" PRId64
               "000000\",\"severityNumber\":%d,\"eventName\":",
               row->time, row->time, severity_otlp(row->severity));
    json_put_string(out, row->event);
    buf_puts(out, ",\"body\":{\"stringValue\":");
    json_put_string(out, row->message);
    buf_puts(out, "},");
    put_attributes(out, row);
    buf_putc(out, '}');
}

void export_otlp(struct buf *out, const struct export_row *row)
{
    AUTO_BUF text = BUF_INIT(EXPORT_JSON_MAX);

    put_resource(&text, row);
    put_record(&text, row);
    buf_puts(&text, "]}]}]}");
    text_escape_json(out, buf_text(&text), text.len);
    buf_putc(out, '\n');
    out->failed = out->failed || text.failed;
}
