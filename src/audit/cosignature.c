#include "cosignature.h"

#include <openssl/err.h>
#include <string.h>

#define DASH          "\xE2\x80\x94 " /* U+2014 and a space */
#define KEY_TYPE      0x04
#define KEY_LEN       32
#define SIGNATURE_LEN 64
#define TIME_LEN      8
#define LINE_MAX_LEN  4096
#define SECONDS_MAX   253402300799 /* of the year 9999, the last that RFC 3339 can tell */

/* C2SP signed-note: SHA-256 of name, newline, type and key, cut. */
static void id_make(const struct witness *witness, uint8_t id[NOTE_KEY_ID_LEN])
{
    AUTO_BUF bytes = BUF_INIT(WITNESS_NAME_MAX + KEY_LEN + 2);
    uint8_t digest[SHA256_LEN];

    buf_puts(&bytes, witness->name);
    buf_putc(&bytes, '\n');
    buf_putc(&bytes, KEY_TYPE);
    buf_put(&bytes, witness->key, KEY_LEN);
    sha256(buf_text(&bytes), bytes.len, digest);
    memcpy(id, digest, NOTE_KEY_ID_LEN);
}

static bool key_get(const char *text, struct witness *out)
{
    AUTO_BUF bytes = BUF_INIT(KEY_LEN + 1);

    if (!base64_get(text, strlen(text), &bytes) || bytes.len != KEY_LEN + 1 ||
        bytes.data[0] != KEY_TYPE)
        return false;
    memcpy(out->key, bytes.data + 1, KEY_LEN);
    return true;
}

static bool name_get(const char *text, size_t len, struct witness *out)
{
    struct err ignored = {0};

    if (len > WITNESS_NAME_MAX)
        return false;
    memcpy(out->name, text, len);
    out->name[len] = '\0';
    return origin_check(out->name, &ignored) == RESULT_OK;
}

enum result witness_parse(const char *vkey, struct witness *out, struct err *err)
{
    size_t name = strcspn(vkey, "+");
    const char *id = vkey + name + 1, *key = id + 2 * NOTE_KEY_ID_LEN + 1;
    uint8_t wanted[NOTE_KEY_ID_LEN];

    *out = (struct witness){0};
    if (strlen(vkey) < name + 2 * NOTE_KEY_ID_LEN + 3 || key[-1] != '+' ||
        !name_get(vkey, name, out) || !hex_get(id, 2 * NOTE_KEY_ID_LEN, out->id) ||
        !key_get(key, out))
        return err_set(err, RESULT_CONFIG,
                       "%.80s: not the key of a witness, which is written NAME+HEX+BASE64 and is "
                       "for timestamped Ed25519 cosignatures (C2SP signed-note, type 0x04)",
                       vkey);
    id_make(out, wanted);
    if (memcmp(wanted, out->id, NOTE_KEY_ID_LEN) != 0)
        return err_set(err, RESULT_CONFIG,
                       "%.80s: the key's name, number and bytes do not belong together", vkey);
    return RESULT_OK;
}

size_t note_text_len(const char *note, size_t len)
{
    const char *blank = memmem(note, len, "\n\n", 2);

    return blank != NULL ? (size_t)(blank - note) + 1 : len;
}

struct line {
    const char *at;
    size_t len;
};

static bool line_next(const char **at, const char *end, struct line *out)
{
    const char *newline = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;

    if (newline == NULL)
        return false;
    *out = (struct line){*at, (size_t)(newline - *at)};
    *at = newline + 1;
    return true;
}

/* "DASH name base64" of this name; what is behind it goes to rest. */
static bool line_is_by(const struct line *line, const char *name, struct line *rest)
{
    size_t head = strlen(DASH), len = strlen(name);

    if (line->len <= head + len + 1 || memcmp(line->at, DASH, head) != 0 ||
        memcmp(line->at + head, name, len) != 0 || line->at[head + len] != ' ')
        return false;
    *rest = (struct line){line->at + head + len + 1, line->len - head - len - 1};
    return true;
}

size_t note_own_len(const char *note, size_t len)
{
    size_t own = note_text_len(note, len) + 1;
    const char *at = note + own, *end = note + len;
    char origin[ORIGIN_MAX + 1];
    struct line line, rest;

    if (own >= len || !note_origin(note, len, origin))
        return len;
    while (line_next(&at, end, &line) && line_is_by(&line, origin, &rest))
        own = (size_t)(at - note);
    return own;
}

size_t lines_count(const char *lines, size_t len)
{
    const char *at = lines;
    struct line line;
    size_t count = 0;

    while (line_next(&at, lines + len, &line))
        count++;
    return count;
}

/* The line is by this very key: id, time and signature. */
static bool signature_get(const struct line *line, const struct witness *witness, struct buf *out)
{
    struct line rest;

    buf_reset(out);
    return line_is_by(line, witness->name, &rest) && base64_get(rest.at, rest.len, out) &&
           out->len >= NOTE_KEY_ID_LEN && memcmp(out->data, witness->id, NOTE_KEY_ID_LEN) == 0;
}

static bool ed25519_verify(const uint8_t key[KEY_LEN], const uint8_t *signature,
                           const struct buf *message)
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, KEY_LEN);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = pkey != NULL && ctx != NULL &&
                EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestVerify(ctx, signature, SIGNATURE_LEN, (const uint8_t *)buf_text(message),
                                 message->len) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return good;
}

static uint64_t time_get(const uint8_t bytes[TIME_LEN])
{
    uint64_t time = 0;

    for (int i = 0; i < TIME_LEN; i++)
        time = time << 8 | bytes[i];
    return time;
}

/* C2SP tlog-cosignature: the whole text, with the time before it. */
static bool signature_check(const struct witness *witness, const struct buf *signature,
                            const char *text, size_t len, int64_t *time)
{
    const uint8_t *bytes = (const uint8_t *)signature->data + NOTE_KEY_ID_LEN;
    AUTO_BUF message = BUF_INIT(NOTE_MAX);
    uint64_t seconds;

    if (signature->len != NOTE_KEY_ID_LEN + TIME_LEN + SIGNATURE_LEN)
        return false;
    seconds = time_get(bytes);
    if (seconds > SECONDS_MAX)
        return false;
    buf_printf(&message, "cosignature/v1\ntime %llu\n", (unsigned long long)seconds);
    buf_put(&message, text, len);
    *time = (int64_t)seconds * 1000;
    return buf_ok(&message) && ed25519_verify(witness->key, bytes + TIME_LEN, &message);
}

enum cosignature_status cosignature_find(const struct witness *witness, const char *text,
                                         size_t text_len, const char *lines, size_t len,
                                         struct cosignature *out)
{
    const char *at = lines;
    AUTO_BUF signature = BUF_INIT(LINE_MAX_LEN);
    struct line line;
    int64_t time;

    *out = (struct cosignature){0};
    while (line_next(&at, lines + len, &line)) {
        if (!signature_get(&line, witness, &signature))
            continue;
        if (!signature_check(witness, &signature, text, text_len, &time))
            return COSIGNATURE_BAD;
        if (out->line == NULL || time > out->time)
            *out = (struct cosignature){time, line.at, line.len};
    }
    return out->line != NULL ? COSIGNATURE_GOOD : COSIGNATURE_NONE;
}

void cosignatures_of_others(struct buf *out, const struct witness *witness, const char *lines,
                            size_t len)
{
    const char *at = lines;
    AUTO_BUF signature = BUF_INIT(LINE_MAX_LEN);
    struct line line;

    while (line_next(&at, lines + len, &line)) {
        if (signature_get(&line, witness, &signature))
            continue;
        buf_put(out, line.at, line.len);
        buf_putc(out, '\n');
    }
}
