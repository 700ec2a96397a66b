#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "text.h"

void text_set(char *out, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(out, size, fmt, args);
    va_end(args);
    if (len < 0) {
        out[0] = '\0';
        return;
    }
    if ((size_t)len < size)
        return;
    size_t cut = size - sizeof("...");
    while (cut > 0 && ((unsigned char)out[cut] & 0xC0) == 0x80)
        cut--;
    memcpy(out + cut, "...", sizeof("..."));
}

bool host_within(const char *name, const char *parent)
{
    size_t len = strlen(name), suffix = strlen(parent);
    if (len < suffix || strcasecmp(name + len - suffix, parent) != 0)
        return false;
    return len == suffix || name[len - suffix - 1] == '.';
}
