#include "export_row.h"

#include <string.h>

#define NUMBER_LIMIT 9007199254740992.0 /* 2^53 */

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text(const cJSON *object, const char *name)
{
    const char *found = cJSON_GetStringValue(member(object, name));

    return found != NULL ? found : "";
}

/* Rows are made before it is known whether the records are the signed ones: 1e300 may stand there.
 */
static int64_t number(const cJSON *object, const char *name)
{
    const cJSON *found = member(object, name);
    double value = cJSON_IsNumber(found) ? found->valuedouble : 0;

    return value > -NUMBER_LIMIT && value < NUMBER_LIMIT ? (int64_t)value : 0;
}

static void resource_read(struct export_row *row, const cJSON *payload)
{
    const cJSON *zone = cJSON_GetArrayItem(member(payload, "resources"), 0);

    row->zone = text(zone, "name");
    row->zone_id = text(zone, "uid");
}

void export_row_read(struct export_row *row, cJSON *payload)
{
    const cJSON *metadata = member(payload, "metadata");
    const cJSON *user = member(member(payload, "actor"), "user");

    row->payload = payload;
    row->time = number(payload, "time");
    row->severity = (int)number(payload, "severity_id");
    row->http_status = (int)number(member(payload, "http_response"), "code");
    row->event = text(metadata, "event_code");
    row->uid = text(metadata, "uid");
    row->order = text(metadata, "correlation_uid");
    row->message = text(payload, "message");
    row->status = text(payload, "status");
    row->activity = text(payload, "activity_name");
    row->operation = text(member(payload, "api"), "operation");
    row->actor = text(user, "name");
    row->actor_uid = text(user, "uid");
    row->host = text(member(payload, "src_endpoint"), "hostname");
    row->url = text(member(member(payload, "http_request"), "url"), "url_string");
    row->peer = text(member(payload, "dst_endpoint"), "ip");
    resource_read(row, payload);
}

static const struct {
    const char *name;
    void (*head)(struct buf *out);
    void (*put)(struct buf *out, const struct export_row *row);
} formats[EXPORT_FORMATS] = {
    [EXPORT_JSONL] = {"jsonl", NULL, export_jsonl},
    [EXPORT_OCSF] = {"ocsf", NULL, export_ocsf},
    [EXPORT_CSV] = {"csv", export_csv_head, export_csv},
    [EXPORT_CEF] = {"cef", NULL, export_cef},
    [EXPORT_LEEF] = {"leef", NULL, export_leef},
    [EXPORT_SYSLOG] = {"syslog", NULL, export_syslog},
    [EXPORT_OTLP] = {"otlp", NULL, export_otlp},
};

const char *export_format_name(enum export_format format)
{
    return formats[format].name;
}

enum export_format export_format_named(const char *name)
{
    enum export_format format = 0;

    while (format < EXPORT_FORMATS && strcmp(formats[format].name, name) != 0)
        format++;
    return format;
}

void export_head(struct buf *out, enum export_format format)
{
    if (formats[format].head != NULL)
        formats[format].head(out);
}

void export_put(struct buf *out, enum export_format format, const struct export_row *row)
{
    formats[format].put(out, row);
}

/* The last character is not cut in two. */
static size_t cut_at(const char *from, size_t len)
{
    if (len <= EXPORT_FIELD)
        return len;
    len = EXPORT_FIELD;
    while (len > 0 && ((unsigned char)from[len] & 0xC0) == 0x80)
        len--;
    return len;
}

void export_clean(struct buf *out, const char *from)
{
    size_t len = strlen(from), kept = cut_at(from, len);

    text_escape(out, from, kept);
    if (kept < len)
        buf_puts(out, EXPORT_CUT);
}

/* What was put from `start` on, with `mark` before each of `special`. Most texts have none. */
static void specials_mark(struct buf *out, size_t start, const char *special, char mark)
{
    AUTO_BUF clean = BUF_INIT(EXPORT_CLEAN_MAX);
    const char *at;

    if (!buf_ok(out) || out->len == start || strpbrk(out->data + start, special) == NULL)
        return;
    buf_put(&clean, out->data + start, out->len - start);
    out->len = start;
    for (at = buf_text(&clean); *at != '\0'; at++) {
        size_t run = strcspn(at, special);

        buf_put(out, at, run);
        at += run;
        if (*at == '\0')
            break;
        buf_putc(out, mark);
        buf_putc(out, *at);
    }
    out->failed = out->failed || clean.failed;
}

void export_clean_escaped(struct buf *out, const char *from, const char *special, char mark)
{
    size_t start = out->len;

    export_clean(out, from);
    specials_mark(out, start, special, mark);
}

void export_clean_name(struct buf *out, const char *from, size_t max)
{
    static const char fine[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

    if (*from == '\0')
        buf_putc(out, '-');
    for (size_t i = 0; i < max && from[i] != '\0'; i++)
        buf_puts(out, strchr(fine, from[i]) != NULL ? (const char[]){from[i], '\0'} : "_");
}
