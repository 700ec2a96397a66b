/*
 * CEF 0 (ArcSight) and LEEF 2.0 (QRadar): a head between bars, then key=value. In CEF a value ends
 * where the next key begins, so that "=" and "\" are escaped; LEEF knows no escape, and what must
 * not stand in a value has become \xNN before.
 */
#include <inttypes.h>
#include <string.h>

#include "export_row.h"

#define DEVICE "|georder|georder|" GEORDER_VERSION "|"

/* Both want 0 to 10, and no vendor's scale is like another's. */
static int severity_ten(int ocsf)
{
    static const int ten[] = {0, 1, 3, 5, 7, 9, 10};

    return ocsf >= 0 && ocsf <= 6 ? ten[ocsf] : 0;
}

/* A key without a value is left out. */
static void cef_text(struct buf *out, const char *key, const char *value)
{
    if (*value == '\0')
        return;
    buf_printf(out, " %s=", key);
    export_clean_escaped(out, value, "\\=", '\\');
}

/* number: of the custom string, "cs1". */
static void cef_custom(struct buf *out, const char *number, const char *label, const char *value)
{
    if (*value == '\0')
        return;
    buf_printf(out, " %sLabel=%s", number, label);
    cef_text(out, number, value);
}

static void cef_trace(struct buf *out, const struct export_row *row)
{
    buf_printf(out, "rt=%" PRId64 " externalId=%" PRIu64, row->time, row->index);
    cef_custom(out, "cs1", "origin", row->origin);
    cef_custom(out, "cs2", "leafHash", row->leaf);
    buf_printf(out, " cn1Label=checkpointSize cn1=%" PRIu64, row->checkpoint_size);
}

void export_cef(struct buf *out, const struct export_row *row)
{
    buf_puts(out, "CEF:0" DEVICE);
    export_clean_name(out, row->event, 64);
    buf_putc(out, '|');
    export_clean_escaped(out, row->message, "\\|", '\\');
    buf_printf(out, "|%d|", severity_ten(row->severity));
    cef_trace(out, row);
    cef_custom(out, "cs3", "order", row->order);
    cef_custom(out, "cs4", "zone", row->zone);
    cef_custom(out, "cs5", "zoneId", row->zone_id);
    cef_text(out, "act", row->operation);
    cef_text(out, "outcome", row->status);
    cef_text(out, "suser", row->actor);
    cef_text(out, "suid", row->actor_uid);
    cef_text(out, "shost", row->host);
    cef_text(out, "request", row->url);
    if (strchr(row->peer, ':') != NULL)
        cef_custom(out, "c6a3", "destination", row->peer);
    else
        cef_text(out, "dst", row->peer);
    if (row->http_status > 0)
        buf_printf(out, " cn2Label=httpStatus cn2=%d", row->http_status);
    cef_text(out, "msg", row->message);
    buf_putc(out, '\n');
}

static void leef_text(struct buf *out, const char *key, const char *value)
{
    if (*value == '\0')
        return;
    buf_printf(out, "\t%s=", key);
    export_clean(out, value);
}

static void leef_trace(struct buf *out, const struct export_row *row)
{
    char when[RFC3339_LEN + 1];

    time_format(row->time, when);
    buf_printf(out, "devTime=%s\tdevTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSX", when);
    leef_text(out, "origin", row->origin);
    buf_printf(out, "\tindex=%" PRIu64 "\tleafHash=%s\tcheckpointSize=%" PRIu64, row->index,
               row->leaf, row->checkpoint_size);
}

void export_leef(struct buf *out, const struct export_row *row)
{
    int severity = severity_ten(row->severity);

    buf_puts(out, "LEEF:2.0" DEVICE);
    export_clean_name(out, row->event, 64);
    buf_puts(out, "|0x09|");
    leef_trace(out, row);
    buf_printf(out, "\tsev=%d", severity > 0 ? severity : 1);
    leef_text(out, "cat", row->event);
    leef_text(out, "usrName", row->actor);
    leef_text(out, "identHostName", row->host);
    leef_text(out, "dst", row->peer);
    leef_text(out, "url", row->url);
    leef_text(out, "resource", row->zone);
    leef_text(out, "zoneId", row->zone_id);
    leef_text(out, "order", row->order);
    leef_text(out, "operation", row->operation);
    leef_text(out, "outcome", row->status);
    if (row->http_status > 0)
        buf_printf(out, "\thttpStatus=%d", row->http_status);
    leef_text(out, "msg", row->message);
    buf_putc(out, '\n');
}
