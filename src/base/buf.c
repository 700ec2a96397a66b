#include "buf.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *memory_get(const struct buf *buf, size_t cap)
{
    return buf->secret ? OPENSSL_secure_malloc(cap) : malloc(cap);
}

static void memory_give_back(struct buf *buf)
{
    if (buf->data == NULL)
        return;
    if (buf->secret) {
        OPENSSL_secure_clear_free(buf->data, buf->cap);
    } else {
        explicit_bzero(buf->data, buf->cap);
        free(buf->data);
    }
    buf->data = NULL;
}

/* Not realloc(): it may leave the old bytes behind. */
static bool grow(struct buf *buf, size_t need)
{
    size_t cap = buf->cap < 64 ? 64 : buf->cap;
    char *data;

    while (cap < need)
        cap *= 2;
    data = memory_get(buf, cap);
    if (data == NULL)
        return false;
    if (buf->len > 0)
        memcpy(data, buf->data, buf->len);
    memory_give_back(buf);
    buf->data = data;
    buf->cap = cap;
    return true;
}

char *buf_room(struct buf *buf, size_t len)
{
    if (buf->failed || len > buf->max || buf->len > buf->max - len ||
        (buf->len + len + 1 > buf->cap && !grow(buf, buf->len + len + 1))) {
        buf->failed = true;
        return NULL;
    }
    return buf->data + buf->len;
}

void buf_grew(struct buf *buf, size_t len)
{
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_put(struct buf *buf, const void *bytes, size_t len)
{
    char *room = buf_room(buf, len);

    if (room == NULL)
        return;
    if (len > 0)
        memcpy(room, bytes, len);
    buf_grew(buf, len);
}

void buf_puts(struct buf *buf, const char *text)
{
    buf_put(buf, text, strlen(text));
}

void buf_putc(struct buf *buf, char c)
{
    buf_put(buf, &c, 1);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    char *room;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0 || (room = buf_room(buf, (size_t)len)) == NULL) {
        buf->failed = true;
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(room, (size_t)len + 1, fmt, args);
    va_end(args);
    buf_grew(buf, (size_t)len);
}

void buf_reset(struct buf *buf)
{
    if (buf->data != NULL) {
        OPENSSL_cleanse(buf->data, buf->cap);
        buf->data[0] = '\0';
    }
    buf->len = 0;
    buf->failed = false;
}

void buf_free(struct buf *buf)
{
    memory_give_back(buf);
    buf->len = buf->cap = 0;
}

bool buf_ok(const struct buf *buf)
{
    return !buf->failed;
}

const char *buf_text(const struct buf *buf)
{
    return buf->data != NULL ? buf->data : "";
}

enum result buf_check(const struct buf *buf, const char *what, struct err *err)
{
    if (!buf->failed)
        return RESULT_OK;
    return err_set(err, RESULT_INTERNAL, "%s: no memory, or more than %zu bytes", what, buf->max);
}
