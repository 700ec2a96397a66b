/* SSH's binary encoding (RFC 4251 section 5): read from a slice that is never passed, one form
 * only. A read that fails leaves the slice as it was. */
#ifndef GEORDER_WIRE_H
#define GEORDER_WIRE_H

#include "base.h"

struct slice { /* not owned */
    const uint8_t *at;
    size_t len;
};

MUST_USE bool wire_bytes(struct slice *from, size_t len, struct slice *out);
MUST_USE bool wire_u32(struct slice *from, uint32_t *out);
MUST_USE bool wire_string(struct slice *from, struct slice *out);
/* A positive integer in its shortest form; out is its big-endian magnitude. */
MUST_USE bool wire_mpint(struct slice *from, struct slice *out);
MUST_USE bool slice_is(struct slice slice, const char *text);
MUST_USE bool slice_same(struct slice a, struct slice b);

void wire_put_string(struct buf *out, const void *bytes, size_t len);

#endif
