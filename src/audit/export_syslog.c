/*
 * RFC 5424, a line a message, with the facility "log audit" (13). What traces the record is
 * structured data, which a relay must not alter; its enterprise number is the one that RFC 5612
 * sets aside for examples, since georder has none.
 */
#include <inttypes.h>

#include "export_row.h"

#define FACILITY 13
#define SD_ID    "georder@32473"
#define BOM      "\xEF\xBB\xBF" /* RFC 5424 6.4: the message is UTF-8 */

enum { EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFORMATIONAL };

static int severity_syslog(int ocsf)
{
    static const int severity[] = {NOTICE, INFORMATIONAL, NOTICE, WARNING, ERROR, CRITICAL, ALERT};

    return ocsf >= 0 && ocsf <= 6 ? severity[ocsf] : NOTICE;
}

static void put_param(struct buf *out, const char *name, const char *value)
{
    if (*value == '\0')
        return;
    buf_printf(out, " %s=\"", name);
    export_clean_escaped(out, value, "\"\\]", '\\');
    buf_putc(out, '"');
}

static void put_header(struct buf *out, const struct export_row *row)
{
    char when[RFC3339_LEN + 1];

    time_format(row->time, when);
    buf_printf(out, "<%d>1 %s ", FACILITY * 8 + severity_syslog(row->severity), when);
    export_clean_name(out, row->host, 255);
    buf_puts(out, " georder - ");
    export_clean_name(out, row->event, 32);
}

static void put_trace(struct buf *out, const struct export_row *row)
{
    put_header(out, row);
    buf_puts(out, " [" SD_ID);
    put_param(out, "origin", row->origin);
    buf_printf(out, " index=\"%" PRIu64 "\" leafHash=\"%s\" checkpointSize=\"%" PRIu64 "\"",
               row->index, row->leaf, row->checkpoint_size);
}

static void put_facts(struct buf *out, const struct export_row *row)
{
    put_param(out, "order", row->order);
    put_param(out, "outcome", row->status);
    put_param(out, "operation", row->operation);
    put_param(out, "actor", row->actor);
    put_param(out, "zone", row->zone);
    put_param(out, "peer", row->peer);
    if (row->http_status > 0)
        buf_printf(out, " httpStatus=\"%d\"", row->http_status);
}

static void put_projection(struct buf *out, const struct export_row *row)
{
    put_trace(out, row);
    put_facts(out, row);
    buf_puts(out, "] " BOM);
    export_clean(out, row->message);
}

/* The record is ASCII, so that no BOM stands between it and its signature. */
static void put_record(struct buf *out, const struct export_row *row)
{
    put_trace(out, row);
    put_facts(out, row);
    buf_puts(out, "] ");
    buf_put(out, row->line, row->len);
}

static void put_trace_alone(struct buf *out, const struct export_row *row)
{
    put_trace(out, row);
    buf_puts(out, "] " BOM "this record is too long for syslog: the log has it");
}

void export_syslog(struct buf *out, const struct export_row *row)
{
    put_projection(out, row);
    buf_putc(out, '\n');
}

void export_syslog_frame(struct buf *out, const struct export_row *row)
{
    AUTO_BUF text = BUF_INIT(EXPORT_JSON_MAX);

    put_record(&text, row);
    if (text.len > FRAME_MAX) {
        buf_reset(&text);
        put_projection(&text, row);
    }
    if (text.len > FRAME_MAX) {
        buf_reset(&text);
        put_trace_alone(&text, row);
    }
    buf_printf(out, "%zu ", text.len);
    buf_put(out, text.data, text.len);
    out->failed = out->failed || text.failed;
}
