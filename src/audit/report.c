#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "span.h"

#define HEAD_MAX (16 * 1024 * 1024) /* escaped: keys and anchors, beside the records */

struct page {
    int dirfd;
    const char *origin;
    const struct report_wish *wish;
    struct report_facts *facts;
    struct export_report found; /* the records of that time, and the checkpoint */
    struct snapshot snapshot;
    struct keyring ring;
    struct hasher leaves, output;
    struct buf out;
    struct chunk chunk;
};

static enum result out_write(struct page *page, struct err *err)
{
    struct buf *out = &page->out;

    if (buf_check(out, "page", err) != RESULT_OK)
        return err->result;
    hash_add(&page->output, out->data, out->len);
    if (out->len > 0 &&
        page->wish->write(page->wish->context, out->data, out->len, err) != RESULT_OK)
        return err->result;
    out->len = 0;
    return RESULT_OK;
}

static enum result nothing_write(void *context, const void *bytes, size_t len, struct err *err)
{
    (void)context, (void)bytes, (void)len, (void)err;
    return RESULT_OK;
}

/* An export that goes nowhere: it finds the range, and holds all records against the checkpoint. */
static enum result range_find(struct page *page, struct err *err)
{
    const struct export_wish wish = {.format = EXPORT_JSONL,
                                     .kid = page->wish->kid,
                                     .since = page->wish->since,
                                     .until = page->wish->until,
                                     .write = nothing_write};
    struct report_facts *facts = page->facts;

    if (audit_export(page->dirfd, page->origin, &wish, &page->found, err) != RESULT_OK)
        return err->result;
    if (page->found.rows == 0)
        return err_set(err, RESULT_USAGE, "no record is of this time: give other times");
    facts->first = page->found.first;
    facts->last = page->found.last;
    facts->size = page->found.checkpoint_size;
    memcpy(facts->kid, page->found.kid, sizeof facts->kid);
    return RESULT_OK;
}

static unsigned level_at(uint64_t begin, uint64_t end)
{
    unsigned level = 0;

    while (begin % (UINT64_C(2) << level) == 0 && (UINT64_C(2) << level) <= end - begin)
        level++;
    return level;
}

/* Whole subtrees that records begin..end-1 are made of: [[level, base64 of its hash], ...]. */
static enum result nodes_put(struct page *page, uint64_t begin, uint64_t end, cJSON *list,
                             struct err *err)
{
    struct span spans[PROOF_MAX];
    struct proof proof = {0};
    unsigned level[PROOF_MAX];
    size_t count = 0;
    char text[64];

    for (uint64_t at = begin; at < end && count < PROOF_MAX; count++) {
        level[count] = level_at(at, end);
        spans[count] = (struct span){at, at + (UINT64_C(1) << level[count])};
        at = spans[count].end;
    }
    if (count > 0 && spans[count - 1].end != end)
        return err_set(err, RESULT_INTERNAL, "page: too many subtrees: give another --until");
    if (count > 0 &&
        records_proof(&page->snapshot, &page->leaves, spans, count, &proof, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < count; i++) {
        cJSON *node = cJSON_CreateArray();

        root_text(proof.hash[i], text);
        cJSON_AddItemToArray(node, cJSON_CreateNumber(level[i]));
        cJSON_AddItemToArray(node, cJSON_CreateString(text));
        cJSON_AddItemToArray(list, node);
    }
    return RESULT_OK;
}

static enum result key_put(const struct key *key, cJSON *list, struct err *err)
{
    AUTO_BUF text = BUF_INIT(KEY_MAX);
    struct json_doc doc = {.name = "JWK", .result = RESULT_INTERNAL};

    if (key_jwk(key, &text, err) != RESULT_OK)
        return err->result;
    doc.text = buf_text(&text);
    doc.len = text.len;
    if (json_parse(&doc, JSON_OURS, err) != RESULT_OK)
        return err->result;
    cJSON_AddItemToArray(list, doc.root); /* the list's now */
    return RESULT_OK;
}

static enum result keys_put(const struct page *page, cJSON *list, struct err *err)
{
    for (size_t i = 0; i < page->ring.count; i++)
        if (key_put(&page->ring.key[i], list, err) != RESULT_OK)
            return err->result;
    return RESULT_OK;
}

static void moment_add(cJSON *log, const char *name, int64_t when)
{
    char text[RFC3339_LEN + 1];

    if (when <= 0 || when == INT64_MAX)
        return;
    time_format(when, text);
    cJSON_AddStringToObject(log, name, text);
}

static enum result log_fill(struct page *page, cJSON *log, struct err *err)
{
    const struct report_facts *facts = page->facts;

    cJSON_AddNumberToObject(log, "georder_report", 1);
    cJSON_AddNumberToObject(log, "first", (double)facts->first);
    cJSON_AddStringToObject(log, "checkpoint", buf_text(&page->found.note));
    moment_add(log, "since", page->wish->since);
    moment_add(log, "until", page->wish->until);
    moment_add(log, "made", page->wish->made);
    if (keys_put(page, cJSON_AddArrayToObject(log, "keys"), err) != RESULT_OK ||
        nodes_put(page, 0, facts->first, cJSON_AddArrayToObject(log, "before"), err) != RESULT_OK)
        return err->result;
    return nodes_put(page, facts->last + 1, facts->size, cJSON_AddArrayToObject(log, "after"), err);
}

/* Escaped, so that nothing in it can end the block. */
static enum result log_put(struct page *page, struct err *err)
{
    cJSON *log = cJSON_Duplicate(page->wish->said, true);
    AUTO_BUF text = BUF_INIT(HEAD_MAX / 8);
    enum result result = log_fill(page, log, err);

    if (result == RESULT_OK) {
        json_put(&text, log);
        text_escape_json(&page->out, buf_text(&text), text.len);
        result = buf_check(&text, "page: the keys and anchors beside the records", err);
    }
    cJSON_Delete(log);
    return result;
}

static void hash_put(struct buf *out, const unsigned char *bytes, size_t len)
{
    uint8_t digest[SHA256_LEN];

    sha256(bytes, len, digest);
    base64_put(out, digest, SHA256_LEN);
}

/* The policy lets this script and this style work, and nothing else, nor anything be fetched. */
static void head_put(struct buf *out)
{
    buf_puts(out, "<!doctype html>\n<html lang=\"en\" data-state=\"busy\">\n<head>\n"
                  "<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" "
                  "content=\"default-src 'none'; script-src 'sha256-");
    hash_put(out, report_script, report_script_len);
    buf_puts(out, "'; style-src 'sha256-");
    hash_put(out, report_style, report_style_len);
    buf_puts(out, "'; base-uri 'none'; form-action 'none'\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"referrer\" content=\"no-referrer\">\n"
                  "<title>Audit report</title>\n<style>");
    buf_put(out, report_style, report_style_len);
    buf_puts(out, "</style>\n</head>\n<body>\n<header>\n<h1>Audit report</h1>\n"
                  "<p id=\"state\" role=\"status\"><strong>Not verified.</strong> Nothing was "
                  "checked yet.</p>\n</header>\n<main id=\"report\">\n<noscript><p>This page shows "
                  "records only once it has verified them, and needs JavaScript for that. The "
                  "records are in its source: a line each, as the log has them.</p></noscript>\n"
                  "</main>\n<script type=\"application/json\" id=\"log\">");
}

static void foot_put(struct buf *out)
{
    buf_puts(out, "</script>\n<script>");
    buf_put(out, report_script, report_script_len);
    buf_puts(out, "</script>\n</body>\n</html>\n");
}

/* In this form a line has no character that means anything to HTML. */
static enum result line_put(struct page *page, uint64_t index, const char *line, size_t len,
                            struct err *err)
{
    struct jws jws;

    if (!jws_split(line, len, &jws) || memchr(line, '<', len) != NULL)
        return err_set(err, RESULT_AUDIT,
                       "record %" PRIu64 " is not a signed record: run `georder audit verify`",
                       index);
    buf_put(&page->out, line, len);
    buf_putc(&page->out, '\n');
    return RESULT_OK;
}

static enum result chunk_put(struct page *page, struct err *err)
{
    const struct chunk *chunk = &page->chunk;

    for (size_t i = 0; i < chunk->lines; i++) {
        uint64_t index = chunk->index + i;
        size_t len;
        const char *line = chunk_line(chunk, i, &len);

        if (index >= page->facts->first && index <= page->facts->last &&
            line_put(page, index, line, len, err) != RESULT_OK)
            return err->result;
    }
    return out_write(page, err);
}

static enum result lines_put(struct page *page, struct err *err)
{
    AUTO_READER reader = {.fd = -1};

    reader_open(&reader, &page->snapshot, page->facts->first);
    do {
        if (reader_next(&reader, &page->chunk, err) != RESULT_OK ||
            chunk_put(page, err) != RESULT_OK)
            return err->result;
    } while (page->chunk.lines > 0 && reader.index <= page->facts->last);
    return RESULT_OK;
}

static enum result page_write(struct page *page, struct err *err)
{
    uint8_t digest[SHA256_LEN];
    AUTO_BUF hex = BUF_INIT(SHA256_HEX_LEN);

    hash_begin(&page->output);
    head_put(&page->out);
    if (log_put(page, err) != RESULT_OK)
        return err->result;
    buf_puts(&page->out, "</script>\n<script type=\"text/plain\" id=\"records\">\n");
    if (out_write(page, err) != RESULT_OK || lines_put(page, err) != RESULT_OK)
        return err->result;
    foot_put(&page->out);
    if (out_write(page, err) != RESULT_OK)
        return err->result;
    hash_end(&page->output, digest);
    hex_put(&hex, digest, SHA256_LEN);
    memcpy(page->facts->sha256, buf_text(&hex), hex.len + 1);
    return RESULT_OK;
}

static enum result page_make(struct page *page, struct err *err)
{
    if (range_find(page, err) != RESULT_OK ||
        snapshot_locked(page->dirfd, &page->snapshot, err) != RESULT_OK ||
        keyring_load(page->dirfd, &page->ring, err) != RESULT_OK ||
        hasher_open(&page->leaves, "SHA256", err) != RESULT_OK ||
        hasher_open(&page->output, "SHA256", err) != RESULT_OK)
        return err->result;
    return page_write(page, err);
}

static void page_free(struct page *page)
{
    hasher_close(&page->leaves);
    hasher_close(&page->output);
    snapshot_free(&page->snapshot);
    keyring_free(&page->ring);
    buf_free(&page->found.note);
    buf_free(&page->out);
    free(page);
}

enum result audit_page(int dirfd, const char *origin, const struct report_wish *wish,
                       struct report_facts *facts, struct err *err)
{
    struct page *page = calloc(1, sizeof *page);
    enum result result;

    *facts = (struct report_facts){0};
    if (page == NULL)
        return err_set(err, RESULT_INTERNAL, "page: out of memory");
    page->dirfd = dirfd;
    page->origin = origin;
    page->wish = wish;
    page->facts = facts;
    page->snapshot.records = -1;
    page->out = (struct buf)BUF_INIT(HEAD_MAX);
    result = page_make(page, err);
    page_free(page);
    return result;
}
