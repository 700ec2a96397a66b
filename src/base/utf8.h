/* UTF-8, one character at a time (RFC 3629: no surrogates, no overlongs, no more than U+10FFFF). */
#ifndef GEORDER_UTF8_H
#define GEORDER_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The bytes of the first character, or 0 when they are not UTF-8. */
size_t utf8_char(const char *bytes, size_t len, uint32_t *code);
/* How many bytes from here on are ASCII. */
size_t utf8_ascii_run(const char *bytes, size_t len);

#endif
