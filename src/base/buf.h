/*
 * One bounded, wiped buffer. Content is always followed by a NUL that `len` does not count, so
 * text can be used as a C string. A put that would pass `max`, or that finds no memory, changes
 * nothing but sets `failed`, which stays: check buf_ok() once, at the end.
 */
#ifndef GEORDER_BUF_H
#define GEORDER_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct buf {
    char *data; /* never NULL once something was put; owned */
    size_t len, cap, max;
    bool secret; /* lives in OpenSSL's secure heap */
    bool failed;
};

#define BUF_INIT(limit)                                                                            \
    {                                                                                              \
        .max = (limit)                                                                             \
    }
#define BUF_SECRET(limit)                                                                          \
    {                                                                                              \
        .max = (limit), .secret = true                                                             \
    }
#define AUTO_BUF __attribute__((cleanup(buf_free))) struct buf

void buf_put(struct buf *buf, const void *bytes, size_t len);
void buf_puts(struct buf *buf, const char *text);
void buf_putc(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF(2, 3);
/* Makes room for len more bytes and returns where they go, or NULL; buf_grew() counts them in. */
char *buf_room(struct buf *buf, size_t len);
void buf_grew(struct buf *buf, size_t len);
void buf_reset(struct buf *buf); /* wipes, keeps the memory, clears failed */
void buf_free(struct buf *buf);  /* wipes and frees; safe on a zeroed buffer and twice */
bool buf_ok(const struct buf *buf);
const char *buf_text(const struct buf *buf); /* "" when nothing was put */
/* RESULT_INTERNAL with "what: too large" or "out of memory" when the buffer failed. */
MUST_USE enum result buf_check(const struct buf *buf, const char *what, struct err *err);

#endif
