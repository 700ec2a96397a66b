#include "codec.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "utf8.h"

void sha256(const void *bytes, size_t len, uint8_t out[SHA256_LEN])
{
    /* Nothing here may go on with a digest that was not made. */
    if (SHA256(bytes, len, out) == NULL)
        abort();
}

static const char hex_digits[] = "0123456789abcdef";

static void hex_write(char *to, const uint8_t *from, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        to[2 * i] = hex_digits[from[i] >> 4];
        to[2 * i + 1] = hex_digits[from[i] & 15];
    }
}

void sha256_hex(const void *bytes, size_t len, char out[SHA256_HEX_LEN + 1])
{
    uint8_t digest[SHA256_LEN];
    sha256(bytes, len, digest);
    hex_write(out, digest, sizeof digest);
    out[SHA256_HEX_LEN] = '\0';
}

void hex_put(struct buf *out, const void *bytes, size_t len)
{
    char *to = buf_room(out, 2 * len);
    if (to == NULL)
        return;
    hex_write(to, bytes, len);
    buf_grew(out, 2 * len);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_get(const char *text, size_t len, uint8_t *out)
{
    if (len % 2 != 0)
        return false;
    for (size_t i = 0; i < len; i += 2) {
        int high = hex_value(text[i]), low = hex_value(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Code points that a terminal does not show, or that reorder what it shows. */
static bool code_is_hidden(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},       {0x61C, 0x61C},
        {0x180E, 0x180E}, {0x200B, 0x200F}, {0x2028, 0x202E},   {0x2060, 0x206F},
        {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F},
    };
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (code >= hidden[i].first && code <= hidden[i].last)
            return true;
    return false;
}

/* How many bytes from here on are ASCII that can be seen. */
static size_t visible_run(const char *bytes, size_t len)
{
    size_t at = 0;
    while (at < len && bytes[at] >= ' ' && bytes[at] < 0x7F)
        at++;
    return at;
}

void text_escape(struct buf *out, const char *bytes, size_t len)
{
    size_t size;
    for (size_t at = 0; at < len; at += size) {
        uint32_t code;
        size = visible_run(bytes + at, len - at);
        if (size > 0) {
            buf_put(out, bytes + at, size);
            continue;
        }
        size = utf8_char(bytes + at, len - at, &code);
        if (size == 0) {
            size = 1;
            buf_printf(out, "\\x%02x", (unsigned char)bytes[at]);
        } else if (!code_is_hidden(code)) {
            buf_put(out, bytes + at, size);
        } else if (code < 0x80) {
            buf_printf(out, "\\x%02x", code);
        } else {
            buf_printf(out, "\\u{%04x}", code);
        }
    }
}

static bool code_is_markup(uint32_t code)
{
    return code == '<' || code == '>' || code == '&';
}

static void put_unicode(struct buf *out, uint32_t code)
{
    if (code >= 0x10000) {
        buf_printf(out, "\\u%04x", 0xD800 + ((code - 0x10000) >> 10));
        code = 0xDC00 + ((code - 0x10000) & 0x3FF);
    }
    buf_printf(out, "\\u%04x", code);
}

/* How many bytes from here on are ASCII that stays as it is. */
static size_t inert_run(const char *json, size_t len)
{
    size_t at = 0;
    while (at < len && json[at] >= ' ' && json[at] < 0x7F &&
           !code_is_markup((unsigned char)json[at]))
        at++;
    return at;
}

/* None of them stands outside of a string. */
void text_escape_json(struct buf *out, const char *json, size_t len)
{
    size_t size;
    for (size_t at = 0; at < len; at += size) {
        uint32_t code;
        size = inert_run(json + at, len - at);
        buf_put(out, json + at, size);
        at += size;
        if (at == len)
            return;
        size = utf8_char(json + at, len - at, &code);
        if (size == 0) {
            out->failed = true;
            return;
        }
        if (code_is_hidden(code) || code_is_markup(code))
            put_unicode(out, code);
        else
            buf_put(out, json + at, size);
    }
}

void uuid7(int64_t unix_ms, char out[UUID_LEN + 1])
{
    uint8_t id[16];
    /* The kernel's: OpenSSL's generator takes a millisecond to start, for 74 bits. */
    if (getrandom(id, sizeof id, 0) != (ssize_t)sizeof id)
        abort();
    for (int i = 0; i < 6; i++)
        id[i] = (uint8_t)((uint64_t)unix_ms >> (40 - 8 * i));
    id[6] = (uint8_t)(0x70 | (id[6] & 0x0F));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3F));
    static const uint8_t group[] = {4, 2, 2, 2, 6};
    const uint8_t *from = id;
    for (size_t i = 0; i < sizeof group; from += group[i], i++) {
        hex_write(out, from, group[i]);
        out += 2 * group[i];
        *out++ = i + 1 < sizeof group ? '-' : '\0';
    }
}
