#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rule.h"

static void line_cut(char *out, size_t size)
{
    size_t cut = size - sizeof "...";
    while (cut > 0 && ((unsigned char)out[cut] & 0xC0) == 0x80)
        cut--;
    memcpy(out + cut, "...", sizeof "...");
}

void line_add(char *out, size_t size, const char *fmt, ...)
{
    size_t used = strlen(out);
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(out + used, size - used, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= size - used)
        line_cut(out, size);
}

void line_put(char *out, size_t size, const char *text)
{
    size_t used = strlen(out), len = strnlen(text, size - used);
    memcpy(out + used, text, len);
    if (len == size - used)
        line_cut(out, size);
    else
        out[used + len] = '\0';
}
