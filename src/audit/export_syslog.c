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
    export_clean_escaped(out, value, "\"\\]");
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

void export_syslog(struct buf *out, const struct export_row *row)
{
    put_header(out, row);
    buf_puts(out, " [" SD_ID);
    put_param(out, "origin", row->origin);
    buf_printf(out, " index=\"%" PRIu64 "\" leafHash=\"%s\" checkpointSize=\"%" PRIu64 "\"",
               row->index, row->leaf, row->checkpoint_size);
    put_param(out, "order", row->order);
    put_param(out, "outcome", row->status);
    put_param(out, "operation", row->operation);
    put_param(out, "actor", row->actor);
    put_param(out, "zone", row->zone);
    put_param(out, "peer", row->peer);
    if (row->http_status > 0)
        buf_printf(out, " httpStatus=\"%d\"", row->http_status);
    buf_puts(out, "] " BOM);
    export_clean(out, row->message);
    buf_putc(out, '\n');
}
