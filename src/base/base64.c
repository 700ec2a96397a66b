#include "codec.h"

struct alphabet {
    char digit[65];
    bool padded;
};

static const struct alphabet standard = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true};
static const struct alphabet url = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false};

/* The value of each byte; XX for what is no digit. */
#define XX     0xFF
#define ROW_XX XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX
#define TABLE(plus, minus, slash, underscore)                                                      \
    {                                                                                              \
        ROW_XX, ROW_XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, plus, XX, minus, XX, slash,    \
            52, 53, 54, 55, 56, 57, 58, 59, 60, 61, XX, XX, XX, XX, XX, XX, XX, 0, 1, 2, 3, 4, 5,  \
            6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, XX, XX,    \
            XX, XX, underscore, XX, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,    \
            41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, XX, XX, XX, XX, XX, ROW_XX, ROW_XX,        \
            ROW_XX, ROW_XX, ROW_XX, ROW_XX, ROW_XX, ROW_XX                                         \
    }
static const uint8_t standard_value[256] = TABLE(62, XX, 63, XX);
static const uint8_t url_value[256] = TABLE(XX, 62, XX, 63);

static char *tail_write(char *to, const uint8_t *from, size_t rest, const struct alphabet *abc)
{
    if (rest == 0)
        return to;
    uint32_t bits = (uint32_t)from[0] << 16 | (rest == 2 ? (uint32_t)from[1] << 8 : 0);
    *to++ = abc->digit[bits >> 18];
    *to++ = abc->digit[bits >> 12 & 63];
    if (rest == 2)
        *to++ = abc->digit[bits >> 6 & 63];
    for (size_t i = rest; abc->padded && i < 3; i++)
        *to++ = '=';
    return to;
}

static void encode(struct buf *out, const uint8_t *from, size_t len, const struct alphabet *abc)
{
    char *start =
        buf_room(out, abc->padded ? (len + 2) / 3 * 4 : len / 3 * 4 + (len % 3 * 4 + 2) / 3);
    if (start == NULL)
        return;
    char *to = start;
    for (; len >= 3; len -= 3, from += 3) {
        uint32_t bits = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        *to++ = abc->digit[bits >> 18];
        *to++ = abc->digit[bits >> 12 & 63];
        *to++ = abc->digit[bits >> 6 & 63];
        *to++ = abc->digit[bits & 63];
    }
    to = tail_write(to, from, len, abc);
    buf_grew(out, (size_t)(to - start));
}

/* Two or three last digits make one or two bytes; the bits left over must be zero. */
static bool tail_read(uint8_t *to, const uint8_t *from, size_t rest, const uint8_t value[256])
{
    if (rest == 0)
        return true;
    uint32_t a = value[from[0]], b = value[from[1]], c = rest == 3 ? value[from[2]] : 0;
    uint32_t bits = a << 18 | b << 12 | c << 6;
    if ((a | b | c) > 63 || (rest == 2 ? bits & 0xFFFF : bits & 0xFF) != 0)
        return false;
    *to++ = (uint8_t)(bits >> 16);
    if (rest == 3)
        *to = (uint8_t)(bits >> 8);
    return true;
}

static bool digits_read(uint8_t *to, const uint8_t *from, size_t len, const uint8_t value[256])
{
    for (; len >= 4; len -= 4, from += 4) {
        uint32_t a = value[from[0]], b = value[from[1]], c = value[from[2]], d = value[from[3]];
        if ((a | b | c | d) > 63)
            return false;
        uint32_t bits = a << 18 | b << 12 | c << 6 | d;
        *to++ = (uint8_t)(bits >> 16);
        *to++ = (uint8_t)(bits >> 8);
        *to++ = (uint8_t)bits;
    }
    return tail_read(to, from, len, value);
}

static bool decode(const char *text, size_t len, struct buf *out, const uint8_t value[256])
{
    size_t rest = len % 4, size = len / 4 * 3 + (rest ? rest - 1 : 0);
    if (rest == 1)
        return false;
    char *to = buf_room(out, size);
    if (to == NULL)
        return false;
    bool good = digits_read((uint8_t *)to, (const uint8_t *)text, len, value);
    /* Also when nothing counts: the NUL behind the content was overwritten. */
    buf_grew(out, good ? size : 0);
    return good;
}

void base64_put(struct buf *out, const void *bytes, size_t len)
{
    encode(out, bytes, len, &standard);
}

void base64url_put(struct buf *out, const void *bytes, size_t len)
{
    encode(out, bytes, len, &url);
}

bool base64_get(const char *text, size_t len, struct buf *out)
{
    if (len % 4 != 0)
        return false;
    for (int i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++)
        len--;
    return decode(text, len, out, standard_value);
}

bool base64url_get(const char *text, size_t len, struct buf *out)
{
    return decode(text, len, out, url_value);
}
