/* The formats that are JSON, a line a row: the signed lines, and the events alone. */
#include <inttypes.h>

#include "export_row.h"

/* The record stands there byte for byte: it is JSON of ASCII characters. */
void export_jsonl(struct buf *out, const struct export_row *row)
{
    buf_puts(out, "{\"origin\":");
    json_put_string(out, row->origin);
    buf_printf(out,
               ",\"index\":%" PRIu64 ",\"leaf_hash\":\"%s\",\"checkpoint_size\":%" PRIu64
               ",\"record\":",
               row->index, row->leaf, row->checkpoint_size);
    buf_put(out, row->line, row->len);
    buf_puts(out, "}\n");
}

/* Into unmapped.georder, beside the origin; the index is metadata.sequence already. */
static bool trace_add(cJSON *event, const struct export_row *row)
{
    cJSON *unmapped = cJSON_GetObjectItemCaseSensitive(event, "unmapped");
    cJSON *ours = cJSON_GetObjectItemCaseSensitive(unmapped, "georder");
    cJSON *trace = cJSON_AddObjectToObject(ours, "exported");

    return cJSON_AddStringToObject(trace, "origin", row->origin) != NULL &&
           cJSON_AddNumberToObject(trace, "index", (double)row->index) != NULL &&
           cJSON_AddStringToObject(trace, "leaf_hash", row->leaf) != NULL &&
           cJSON_AddNumberToObject(trace, "checkpoint_size", (double)row->checkpoint_size) != NULL;
}

void export_ocsf(struct buf *out, const struct export_row *row)
{
    AUTO_BUF text = BUF_INIT(EXPORT_JSON_MAX);

    if (!trace_add(row->payload, row)) {
        out->failed = true;
        return;
    }
    json_put(&text, row->payload);
    text_escape_json(out, buf_text(&text), text.len);
    buf_putc(out, '\n');
    out->failed = out->failed || text.failed;
}
