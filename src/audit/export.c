#include "export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export_row.h"
#include "succession.h"

#define ADVICE   "; run `georder audit verify`"
#define OUT_MAX  (8 * 1024 * 1024) /* of the longest row, with much to spare */
#define OUT_FULL (256 * 1024)

struct exporting {
    const struct export_wish *wish;
    struct export_report *report;
    const char *origin;
    struct checkpoint checkpoint;
    struct keyring ring;
    struct snapshot snapshot;
    struct hasher leaves, output; /* both SHA-256: of the tree, and of what is written */
    struct tree tree;
    struct buf out, room;
    struct chunk chunk;
};

static enum result out_write(struct exporting *exporting, struct err *err)
{
    struct buf *out = &exporting->out;
    const struct export_wish *wish = exporting->wish;

    if (buf_check(out, "row", err) != RESULT_OK)
        return err->result;
    hash_add(&exporting->output, out->data, out->len);
    exporting->report->bytes += out->len;
    if (out->len > 0 && wish->write(wish->context, out->data, out->len, err) != RESULT_OK)
        return err->result;
    out->len = 0;
    return RESULT_OK;
}

static bool matches(const char *wanted, const char *text)
{
    return wanted == NULL || strcmp(wanted, text) == 0;
}

static bool is_wanted(const struct export_wish *wish, const struct export_row *row)
{
    return row->time >= wish->since && row->time < wish->until &&
           matches(wish->event, row->event) && matches(wish->zone, row->zone);
}

/* The line alone will do: nothing of the event is asked for. */
static bool wants_lines(const struct export_wish *wish)
{
    return wish->format == EXPORT_JSONL && wish->event == NULL && wish->zone == NULL &&
           wish->since == 0 && wish->until == INT64_MAX;
}

static void row_put(struct exporting *exporting, const struct export_row *row)
{
    struct export_report *report = exporting->report;

    if (exporting->wish->framed)
        export_syslog_frame(&exporting->out, row);
    else
        export_put(&exporting->out, exporting->wish->format, row);
    report->first = report->rows++ == 0 ? row->index : report->first;
    report->last = row->index;
}

static enum result event_put(struct exporting *exporting, struct export_row *row,
                             const struct jws *jws, struct err *err)
{
    struct json_doc doc = {.name = "audit record", .result = RESULT_AUDIT};

    exporting->room.len = 0;
    if (!base64url_get(jws->payload.at, jws->payload.len, &exporting->room))
        return err_set(err, RESULT_AUDIT, "record %" PRIu64 " is not a signed record" ADVICE,
                       row->index);
    doc.text = buf_text(&exporting->room);
    doc.len = exporting->room.len;
    if (json_parse(&doc, JSON_OURS, err) != RESULT_OK)
        return err_prefix(err, "record %" PRIu64, row->index);
    export_row_read(row, doc.root);
    if (is_wanted(exporting->wish, row))
        row_put(exporting, row);
    json_free(&doc);
    return RESULT_OK;
}

static enum result line_put(struct exporting *exporting, uint64_t index, const char *line,
                            size_t len, struct err *err)
{
    uint8_t leaf[SHA256_LEN];
    AUTO_BUF hex = BUF_INIT(SHA256_HEX_LEN);
    struct export_row row = {.origin = exporting->origin,
                             .index = index,
                             .checkpoint_size = exporting->checkpoint.size,
                             .line = line,
                             .len = len};
    struct jws jws;

    if (!jws_split(line, len, &jws))
        return err_set(err, RESULT_AUDIT, "record %" PRIu64 " is not a signed record" ADVICE,
                       index);
    tree_leaf(&exporting->leaves, line, len, leaf);
    tree_push(&exporting->tree, &exporting->leaves, leaf);
    hex_put(&hex, leaf, SHA256_LEN);
    memcpy(row.leaf, buf_text(&hex), hex.len + 1);
    if (wants_lines(exporting->wish))
        row_put(exporting, &row);
    else if (event_put(exporting, &row, &jws, err) != RESULT_OK)
        return err->result;
    return exporting->out.len < OUT_FULL ? RESULT_OK : out_write(exporting, err);
}

static enum result lines_put(struct exporting *exporting, struct err *err)
{
    AUTO_READER reader = {.fd = -1};
    struct chunk *chunk = &exporting->chunk;

    reader_open(&reader, &exporting->snapshot, 0);
    do {
        if (reader_next(&reader, chunk, err) != RESULT_OK)
            return err->result;
        for (size_t i = 0; i < chunk->lines; i++) {
            size_t len;
            const char *line = chunk_line(chunk, i, &len);

            if (chunk->index + i >= exporting->checkpoint.size)
                exporting->report->left_out++;
            else if (line_put(exporting, chunk->index + i, line, len, err) != RESULT_OK)
                return err->result;
        }
    } while (chunk->lines > 0);
    return RESULT_OK;
}

static enum result root_check(struct exporting *exporting, struct err *err)
{
    uint8_t root[SHA256_LEN];

    if (exporting->tree.size != exporting->checkpoint.size)
        return err_set(err, RESULT_AUDIT,
                       "the checkpoint is of %" PRIu64 " records, but only %" PRIu64
                       " are there" ADVICE,
                       exporting->checkpoint.size, exporting->tree.size);
    tree_root(&exporting->tree, &exporting->leaves, root);
    if (memcmp(root, exporting->checkpoint.root, SHA256_LEN) != 0)
        return err_set(err, RESULT_AUDIT,
                       "the records are not those of the checkpoint: do not use what was "
                       "exported" ADVICE);
    return RESULT_OK;
}

static enum result rows_write(struct exporting *exporting, struct err *err)
{
    uint8_t digest[SHA256_LEN];
    AUTO_BUF hex = BUF_INIT(SHA256_HEX_LEN);

    hash_begin(&exporting->output);
    export_head(&exporting->out, exporting->wish->format);
    if (lines_put(exporting, err) != RESULT_OK || out_write(exporting, err) != RESULT_OK ||
        root_check(exporting, err) != RESULT_OK)
        return err->result;
    hash_end(&exporting->output, digest);
    hex_put(&hex, digest, SHA256_LEN);
    memcpy(exporting->report->sha256, buf_text(&hex), hex.len + 1);
    return RESULT_OK;
}

static enum result checkpoint_check(struct exporting *exporting, struct err *err)
{
    const struct buf *note = &exporting->snapshot.note;
    struct succession keys;

    if (checkpoint_trust(&exporting->snapshot, exporting->origin, &exporting->ring,
                         exporting->wish->kid, &exporting->checkpoint, &keys, err) != RESULT_OK)
        return err->result;
    memcpy(exporting->report->kid, exporting->checkpoint.key->kid, sizeof exporting->report->kid);
    exporting->report->checkpoint_size = exporting->checkpoint.size;
    buf_put(&exporting->report->note, note->data, note->len);
    return buf_check(&exporting->report->note, "checkpoint", err);
}

static enum result exporting_open(struct exporting *exporting, int dirfd, struct err *err)
{
    if (origin_check(exporting->origin, err) != RESULT_OK ||
        snapshot_locked(dirfd, &exporting->snapshot, err) != RESULT_OK ||
        keyring_load(dirfd, &exporting->ring, err) != RESULT_OK ||
        checkpoint_check(exporting, err) != RESULT_OK ||
        hasher_open(&exporting->leaves, "SHA256", err) != RESULT_OK)
        return err->result;
    return hasher_open(&exporting->output, "SHA256", err);
}

static void exporting_free(struct exporting *exporting)
{
    hasher_close(&exporting->leaves);
    hasher_close(&exporting->output);
    snapshot_free(&exporting->snapshot);
    keyring_free(&exporting->ring);
    buf_free(&exporting->out);
    buf_free(&exporting->room);
    free(exporting);
}

enum result audit_export(int dirfd, const char *origin, const struct export_wish *wish,
                         struct export_report *report, struct err *err)
{
    struct exporting *exporting = calloc(1, sizeof *exporting);
    enum result result;

    *report = (struct export_report){.note = BUF_INIT(NOTE_MAX)};
    if (exporting == NULL)
        return err_set(err, RESULT_INTERNAL, "export: out of memory");
    exporting->wish = wish;
    exporting->report = report;
    exporting->origin = origin;
    exporting->snapshot.records = -1;
    exporting->out = (struct buf)BUF_INIT(OUT_MAX);
    exporting->room = (struct buf)BUF_INIT(AUDIT_LINE_MAX);
    result = exporting_open(exporting, dirfd, err);
    if (result == RESULT_OK)
        result = rows_write(exporting, err);
    exporting_free(exporting);
    return result;
}
