#include "wire.h"

#include <string.h>

bool wire_bytes(struct slice *from, size_t len, struct slice *out)
{
    if (len > from->len)
        return false;
    *out = (struct slice){from->at, len};
    from->at += len;
    from->len -= len;
    return true;
}

bool wire_u32(struct slice *from, uint32_t *out)
{
    struct slice in;
    if (!wire_bytes(from, 4, &in))
        return false;
    *out = (uint32_t)in.at[0] << 24 | (uint32_t)in.at[1] << 16 | (uint32_t)in.at[2] << 8 | in.at[3];
    return true;
}

bool wire_string(struct slice *from, struct slice *out)
{
    struct slice rest = *from;
    uint32_t len;
    if (!wire_u32(&rest, &len) || !wire_bytes(&rest, len, out))
        return false;
    *from = rest;
    return true;
}

bool wire_mpint(struct slice *from, struct slice *out)
{
    struct slice rest = *from, number;
    if (!wire_string(&rest, &number) || number.len == 0 || (number.at[0] & 0x80) != 0)
        return false;
    /* A leading zero only keeps the sign bit of the next byte clear. */
    if (number.at[0] == 0) {
        if (number.len == 1 || (number.at[1] & 0x80) == 0)
            return false;
        number.at++;
        number.len--;
    }
    *from = rest;
    *out = number;
    return true;
}

bool slice_same(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool slice_is(struct slice slice, const char *text)
{
    return slice_same(slice, (struct slice){(const uint8_t *)text, strlen(text)});
}

void wire_put_string(struct buf *out, const void *bytes, size_t len)
{
    const uint8_t head[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                             (uint8_t)len};
    buf_put(out, head, sizeof head);
    buf_put(out, bytes, len);
}
