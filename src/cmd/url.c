#include "url.h"

#include <string.h>

#define HOST_CHARS "abcdefghijklmnopqrstuvwxyz0123456789.-"
#define PATH_CHARS "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.~-"

static bool scheme_skip(const char **at, struct url *out)
{
    out->plain = strncmp(*at, "http://", 7) == 0;
    if (!out->plain && strncmp(*at, "https://", 8) != 0)
        return false;
    *at += out->plain ? 7 : 8;
    out->port = out->plain ? 80 : 443;
    return true;
}

static bool host_take(const char **at, struct url *out)
{
    size_t len = strspn(*at, HOST_CHARS);

    if (len == 0 || len >= sizeof out->host || **at == '-' || **at == '.')
        return false;
    memcpy(out->host, *at, len);
    out->host[len] = '\0';
    *at += len;
    return true;
}

static bool port_take(const char **at, struct url *out)
{
    size_t len;
    unsigned port = 0;

    if (**at != ':')
        return true;
    ++*at;
    len = strspn(*at, "0123456789");
    if (len == 0 || len > 5 || **at == '0')
        return false;
    for (; len > 0; len--, ++*at)
        port = port * 10 + (unsigned)(**at - '0');
    out->port = (uint16_t)port;
    return port <= UINT16_MAX;
}

bool url_parse(const char *text, struct url *out)
{
    size_t len;

    *out = (struct url){.path = "/"};
    if (!scheme_skip(&text, out) || !host_take(&text, out) || !port_take(&text, out))
        return false;
    len = strlen(text);
    if (len == 0)
        return true;
    if (*text != '/' || len >= sizeof out->path || text[strspn(text, PATH_CHARS)] != '\0' ||
        strstr(text, "..") != NULL)
        return false;
    memcpy(out->path, text, len + 1);
    return true;
}
