/*
 * CSV (RFC 4180), for spreadsheets: what one of them would take for a formula is marked as text
 * with an apostrophe (OWASP ASVS 5, 1.2.10). Quotes alone do not stop it.
 */
#include <inttypes.h>
#include <string.h>

#include "export_row.h"

void export_csv_head(struct buf *out)
{
    buf_puts(out, "origin,index,leaf_hash,checkpoint_size,time,event,order,status,severity,message,"
                  "activity,operation,actor,actor_uid,host,zone,zone_id,url,http_status,"
                  "peer_address,uid\r\n");
}

/* Some programs take the full-width forms for the signs, and skip spaces before them. */
static bool is_formula(const char *text)
{
    static const char *const starts[] = {
        "=", "+", "-", "@", "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"};

    text += strspn(text, " '\"");
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(text, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static void put_cell(struct buf *out, const char *text)
{
    /* Of a text that is cleaned, the start is that of the text, or a backslash. */
    buf_puts(out, is_formula(text) ? ",\"'" : ",\"");
    export_clean_escaped(out, text, "\"", '"');
    buf_putc(out, '"');
}

static void put_cells(struct buf *out, const char *const texts[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_cell(out, texts[i]);
}

void export_csv(struct buf *out, const struct export_row *row)
{
    const char *const first[] = {row->event, row->order, row->status};
    const char *const second[] = {row->message, row->activity,  row->operation,
                                  row->actor,   row->actor_uid, row->host,
                                  row->zone,    row->zone_id,   row->url};
    char when[RFC3339_LEN + 1];
    AUTO_BUF origin = BUF_INIT(EXPORT_CLEAN_MAX);

    put_cell(&origin, row->origin);
    buf_puts(out, buf_text(&origin) + strlen(","));
    time_format(row->time, when);
    buf_printf(out, ",%" PRIu64 ",%s,%" PRIu64 ",%s", row->index, row->leaf, row->checkpoint_size,
               when);
    put_cells(out, first, sizeof first / sizeof *first);
    buf_printf(out, ",%d", row->severity);
    put_cells(out, second, sizeof second / sizeof *second);
    buf_printf(out, ",%d", row->http_status);
    put_cell(out, row->peer);
    put_cell(out, row->uid);
    buf_puts(out, "\r\n");
}
