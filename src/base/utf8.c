#include "utf8.h"

#include <string.h>

#include "codec.h"

#define EVERY_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

size_t utf8_ascii_run(const char *bytes, size_t len)
{
    size_t at = 0;
    uint64_t eight;
    for (; len - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, bytes + at, sizeof eight);
        if (eight & EVERY_BYTE(0x80))
            break;
    }
    while (at < len && (unsigned char)bytes[at] < 0x80)
        at++;
    return at;
}

/* The length that a first byte announces, and the bits of the code that it holds. */
static size_t lead_read(unsigned char lead, uint32_t *bits)
{
    if (lead < 0x80) {
        *bits = lead;
        return 1;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        *bits = lead & 0x1Fu;
        return 2;
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        *bits = lead & 0x0Fu;
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        *bits = lead & 0x07u;
        return 4;
    }
    return 0;
}

size_t utf8_char(const char *bytes, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (len == 0)
        return 0;
    size_t size = lead_read((unsigned char)bytes[0], code);
    if (size == 0 || size > len)
        return 0;
    for (size_t i = 1; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if ((c & 0xC0) != 0x80)
            return 0;
        *code = *code << 6 | (c & 0x3Fu);
    }
    if (*code < least[size] || *code > 0x10FFFF || (*code >= 0xD800 && *code <= 0xDFFF))
        return 0;
    return size;
}

bool utf8_valid(const char *bytes, size_t len)
{
    size_t at = 0;
    while ((at += utf8_ascii_run(bytes + at, len - at)) < len) {
        uint32_t code;
        size_t size = utf8_char(bytes + at, len - at, &code);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}
