#include "rehearsal.h"

#include <gnutls/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void text_time(int64_t unix_ms, char out[TIME_LEN + 1])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm;
    char whole[32];
    gmtime_r(&seconds, &tm);
    strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out, TIME_LEN + 1, "%.19s.%03uZ", whole, (unsigned)(unix_ms % 1000) % 1000);
}

static void hex(char *out, const uint8_t *bytes, size_t digits)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < digits; i++)
        out[i] = digit[(i % 2 ? bytes[i / 2] : bytes[i / 2] >> 4) & 15];
    out[digits] = '\0';
}

void text_sha256(const void *bytes, size_t len, char out[SHA256_HEX + 1])
{
    uint8_t digest[SHA256_HEX / 2];
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, len, digest) < 0)
        abort();
    hex(out, digest, SHA256_HEX);
}

void text_random(char *out, size_t digits)
{
    uint8_t bytes[32];
    if (digits > 2 * sizeof bytes || gnutls_rnd(GNUTLS_RND_NONCE, bytes, sizeof bytes) < 0)
        abort();
    hex(out, bytes, digits);
}

void text_uuid(char out[UUID_LEN + 1])
{
    char random[32 + 1];
    text_random(random, 32);
    (void)snprintf(out, UUID_LEN + 1, "%.8s-%.4s-4%.3s-a%.3s-%.12s", random, random + 8,
                   random + 13, random + 17, random + 20);
}

void text_derive(char *out, size_t digits, const char *fmt, ...)
{
    char text[1024], digest[SHA256_HEX + 1];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof text || digits > SHA256_HEX)
        abort();
    text_sha256(text, (size_t)len, digest);
    memcpy(out, digest, digits);
    out[digits] = '\0';
}

char *text_copy(const char *bytes, size_t len)
{
    char *copy = malloc(len + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

char *text_read(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    char *text = calloc(1, BODY_MAX + 1);
    if (text == NULL)
        abort();
    bool failed = fread(text, 1, BODY_MAX, file) < BODY_MAX && ferror(file);
    (void)fclose(file);
    if (!failed)
        return text;
    free(text);
    return NULL;
}
