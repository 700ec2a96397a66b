#include "receipt.h"

#include <inttypes.h>
#include <string.h>

#include "number.h"

#define HEAD "c2sp.org/tlog-proof@v1\n"

void receipt_free(struct receipt *receipt)
{
    buf_free(&receipt->extra);
}

static bool word_skip(const char **at, const char *end, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(end - *at) < len || memcmp(*at, word, len) != 0)
        return false;
    *at += len;
    return true;
}

/* The rest of a line, and over its newline. */
static bool rest_take(const char **at, const char *end, const char **rest, size_t *len)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));

    if (newline == NULL)
        return false;
    *rest = *at;
    *len = (size_t)(newline - *at);
    *at = newline + 1;
    return true;
}

/* The next line of extra; with its newline, which must be there. */
static bool line_take(const char **at, const char *end, struct piece *out)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));

    if (newline == NULL)
        return false;
    *out = (struct piece){*at, (size_t)(newline + 1 - *at)};
    *at = newline + 1;
    return true;
}

static bool is_record(const struct piece *line)
{
    static const char head[] = "{\"payload\":";

    return line->len > strlen(head) && memcmp(line->at, head, strlen(head)) == 0;
}

/* Keys, and behind them one rotation less. */
static bool turns_split(const char *at, const char *end, struct receipt *out)
{
    struct piece line;

    out->keys = out->rotations = 0;
    while (at != end) {
        if (!line_take(&at, end, &line))
            return false;
        if (!is_record(&line) && out->rotations == 0 && out->keys < KEYS_MAX) {
            out->jwk[out->keys++] = line;
        } else if (is_record(&line) && out->rotations < out->keys) {
            line.len--;
            out->rotation[out->rotations++] = line;
        } else {
            return false;
        }
    }
    return out->keys > 0 && out->rotations == out->keys - 1;
}

static bool extra_split(struct receipt *out)
{
    const char *at = buf_text(&out->extra), *end = at + out->extra.len;

    if (!line_take(&at, end, &out->line))
        return false;
    out->line.len--;
    return turns_split(at, end, out);
}

static bool hashes_take(const char **at, const char *end, struct proof *proof)
{
    AUTO_BUF bytes = BUF_INIT(SHA256_LEN);
    const char *text;
    size_t len;

    for (proof->count = 0; rest_take(at, end, &text, &len); proof->count++) {
        if (len == 0)
            return true;
        buf_reset(&bytes);
        if (proof->count == PROOF_MAX || !base64_get(text, len, &bytes) || bytes.len != SHA256_LEN)
            return false;
        memcpy(proof->hash[proof->count], bytes.data, SHA256_LEN);
    }
    return false;
}

bool receipt_parse(const char *text, size_t len, struct receipt *out)
{
    const char *at = text, *end = text + len, *rest;
    size_t rest_len;

    buf_reset(&out->extra);
    if (!word_skip(&at, end, HEAD "extra ") || !rest_take(&at, end, &rest, &rest_len) ||
        !base64_get(rest, rest_len, &out->extra) || !extra_split(out))
        return false;
    if (!word_skip(&at, end, "index ") || !rest_take(&at, end, &rest, &rest_len) ||
        !number_get(rest, rest_len, &out->index) || !hashes_take(&at, end, &out->proof))
        return false;
    out->note = at;
    out->note_len = (size_t)(end - at);
    return true;
}

enum result receipt_put(const struct receipt *receipt, struct buf *out, struct err *err)
{
    buf_reset(out);
    buf_puts(out, HEAD "extra ");
    base64_put(out, buf_text(&receipt->extra), receipt->extra.len);
    buf_printf(out, "\nindex %" PRIu64 "\n", receipt->index);
    for (size_t i = 0; i < receipt->proof.count; i++) {
        base64_put(out, receipt->proof.hash[i], SHA256_LEN);
        buf_putc(out, '\n');
    }
    buf_putc(out, '\n');
    buf_put(out, receipt->note, receipt->note_len);
    return buf_check(out, "receipt", err);
}
