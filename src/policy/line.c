#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rule.h"

void line_add(char *out, size_t size, const char *fmt, ...)
{
    size_t used = strlen(out);
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(out + used, size - used, fmt, args);
    va_end(args);
    if (len >= 0 && (size_t)len < size - used)
        return;
    size_t cut = size - sizeof "...";
    while (cut > 0 && ((unsigned char)out[cut] & 0xC0) == 0x80)
        cut--;
    memcpy(out + cut, "...", sizeof "...");
}
