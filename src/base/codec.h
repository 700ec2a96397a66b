/* Digests and text codecs. All decoders are strict: one form only, no white space. */
#ifndef GEORDER_CODEC_H
#define GEORDER_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define SHA256_LEN     32
#define SHA256_HEX_LEN 64

void sha256(const void *bytes, size_t len, uint8_t out[SHA256_LEN]);
void sha256_hex(const void *bytes, size_t len, char out[SHA256_HEX_LEN + 1]);

void hex_put(struct buf *out, const void *bytes, size_t len);       /* lower case */
MUST_USE bool hex_get(const char *text, size_t len, uint8_t *out);  /* writes len / 2 bytes */
void base64_put(struct buf *out, const void *bytes, size_t len);    /* RFC 4648 section 4, padded */
void base64url_put(struct buf *out, const void *bytes, size_t len); /* section 5, not padded */
MUST_USE bool base64_get(const char *text, size_t len, struct buf *out);    /* canonical only */
MUST_USE bool base64url_get(const char *text, size_t len, struct buf *out); /* canonical only */

MUST_USE bool utf8_valid(const char *bytes, size_t len); /* RFC 3629: no surrogates, no overlongs */
/* Text from outside, made safe for a terminal: C0, C1, DEL, bidi and zero-width characters and
 * invalid UTF-8 come out as \xNN or \u{NNNN}. */
void text_escape(struct buf *out, const char *bytes, size_t len);
/* Valid JSON text to JSON that means the same, with those characters, and <, > and &, as \uNNNN:
 * safe on a terminal, and in a page. */
void text_escape_json(struct buf *out, const char *json, size_t len);

/* A new UUIDv7 (RFC 9562 section 5.7) for this time; 36 characters and a NUL. */
#define UUID_LEN 36
void uuid7(int64_t unix_ms, char out[UUID_LEN + 1]);

#endif
