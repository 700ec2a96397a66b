#include "note.h"

#include <string.h>

#include "number.h"

#define DASH "\xE2\x80\x94 " /* U+2014 and a space */

struct line {
    const char *at;
    size_t len;
};

/* The next line without its newline; false when there is none. */
static bool line_next(const char **at, const char *end, struct line *out)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));

    if (newline == NULL)
        return false;
    *out = (struct line){*at, (size_t)(newline - *at)};
    *at = newline + 1;
    return true;
}

static bool root_get(const struct line *line, uint8_t root[SHA256_LEN])
{
    AUTO_BUF bytes = BUF_INIT(SHA256_LEN);

    if (!base64_get(line->at, line->len, &bytes) || bytes.len != SHA256_LEN)
        return false;
    memcpy(root, bytes.data, SHA256_LEN);
    return true;
}

/* "DASH name base64", for this name: the key's id and signature. */
static bool signature_get(const struct line *line, const char *name, struct buf *out)
{
    size_t head = strlen(DASH), len = strlen(name);

    buf_reset(out);
    return line->len > head + len + 1 && memcmp(line->at, DASH, head) == 0 &&
           memcmp(line->at + head, name, len) == 0 && line->at[head + len] == ' ' &&
           base64_get(line->at + head + len + 1, line->len - head - len - 1, out) &&
           out->len > NOTE_KEY_ID_LEN;
}

static enum note_status signature_check(const struct buf *signature, const struct line *text,
                                        const struct keyring *ring, const struct key **key)
{
    for (size_t i = 0; i < ring->count; i++) {
        if (memcmp(ring->key[i].note_id, signature->data, NOTE_KEY_ID_LEN) != 0)
            continue;
        *key = &ring->key[i];
        return key_verify_note(*key, (const uint8_t *)signature->data + NOTE_KEY_ID_LEN,
                               signature->len - NOTE_KEY_ID_LEN, text->at, text->len)
                   ? NOTE_GOOD
                   : NOTE_SIGNATURE;
    }
    return NOTE_KEY;
}

static enum note_status signatures_check(const char *at, const char *end, const char *origin,
                                         const struct line *text, const struct keyring *ring,
                                         const struct key **key)
{
    enum note_status status = NOTE_KEY;
    AUTO_BUF signature = BUF_INIT(KEY_MAX);
    struct line line;

    while (at != end && status != NOTE_SIGNATURE) {
        if (!line_next(&at, end, &line) || line.len <= strlen(DASH) ||
            memcmp(line.at, DASH, strlen(DASH)) != 0)
            return NOTE_MALFORMED;
        if (signature_get(&line, origin, &signature)) {
            enum note_status one = signature_check(&signature, text, ring, key);

            status = one == NOTE_KEY ? status : one;
        }
    }
    return status;
}

enum note_status note_read(const char *note, size_t len, const char *origin,
                           const struct keyring *ring, struct checkpoint *out)
{
    const char *at = note, *end = note + len;
    struct line name, size, root, blank;

    *out = (struct checkpoint){0};
    if (!line_next(&at, end, &name) || !line_next(&at, end, &size) || !line_next(&at, end, &root))
        return NOTE_MALFORMED;
    struct line text = {note, (size_t)(at - note)};
    if (!line_next(&at, end, &blank) || blank.len != 0 || at == end ||
        !number_get(size.at, size.len, &out->size) || !root_get(&root, out->root))
        return NOTE_MALFORMED;
    if (name.len != strlen(origin) || memcmp(name.at, origin, name.len) != 0)
        return NOTE_ORIGIN;
    return signatures_check(at, end, origin, &text, ring, &out->key);
}

const char *note_status_text(enum note_status status)
{
    static const char *const text[] = {
        [NOTE_GOOD] = "is good",
        [NOTE_MALFORMED] = "is no checkpoint of three lines and signatures",
        [NOTE_ORIGIN] = "is of another log",
        [NOTE_KEY] = "carries no signature by a key of this log",
        [NOTE_SIGNATURE] = "carries a wrong signature",
    };
    return text[status];
}

enum audit_verdict note_verdict(enum note_status status)
{
    switch (status) {
    case NOTE_GOOD:
        return AUDIT_INTACT;
    case NOTE_KEY:
        return AUDIT_UNKNOWN_KEY;
    case NOTE_SIGNATURE:
        return AUDIT_ALTERED;
    case NOTE_MALFORMED:
    case NOTE_ORIGIN:
        break;
    }
    return AUDIT_MALFORMED;
}

bool note_origin(const char *note, size_t len, char origin[ORIGIN_MAX + 1])
{
    const char *at = note;
    struct line line;
    struct err err = {0};

    if (!line_next(&at, note + len, &line) || line.len > ORIGIN_MAX)
        return false;
    memcpy(origin, line.at, line.len);
    origin[line.len] = '\0';
    return strlen(origin) == line.len && origin_check(origin, &err) == RESULT_OK;
}

uint64_t note_size(const char *note, size_t len)
{
    const char *at = note, *end = note + len;
    struct line name, size;
    uint64_t count;

    return line_next(&at, end, &name) && line_next(&at, end, &size) &&
                   number_get(size.at, size.len, &count)
               ? count
               : 0;
}

void root_text(const uint8_t root[SHA256_LEN], char out[64])
{
    AUTO_BUF text = BUF_INIT(63);

    base64_put(&text, root, SHA256_LEN);
    memcpy(out, buf_text(&text), text.len + 1);
}

enum result origin_check(const char *origin, struct err *err)
{
    size_t len = strlen(origin);

    if (len == 0 || len > ORIGIN_MAX)
        return err_set(err, RESULT_CONFIG,
                       "audit.origin: 1 to %d bytes, say host-17.example.com/georder", ORIGIN_MAX);
    for (const char *c = origin; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~' || *c == '+' || *c == '"' || *c == '\\')
            return err_set(err, RESULT_CONFIG,
                           "audit.origin: byte %zu may not stand in a log's name: take letters, "
                           "digits, '.', '-', '_' and '/'",
                           (size_t)(c - origin) + 1);
    return RESULT_OK;
}
