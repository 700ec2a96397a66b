#include "head.h"

#include <string.h>
#include <strings.h>

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Cut, and every byte that is not printable ASCII replaced: this goes into a signed record. */
static void value_keep(char *out, const char *value, size_t len)
{
    for (; len > 0 && blank(value[0]); value++)
        len--;
    while (len > 0 && blank(value[len - 1]))
        len--;
    if (len > HEAD_VALUE_MAX)
        len = HEAD_VALUE_MAX;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(value[i] >= 0x20 && value[i] <= 0x7e ? value[i] : '?');
    out[len] = '\0';
}

static bool named(const char *line, const char *colon, const char *name)
{
    size_t len = strlen(name);

    return colon != NULL && (size_t)(colon - line) == len && strncasecmp(line, name, len) == 0;
}

static char *kept_slot(struct head *head, const char *line, const char *colon)
{
    const struct {
        const char *name;
        char *slot;
    } kept[] = {{"cf-ray", head->cf_ray},
                {"content-type", head->content_type},
                {"retry-after", head->retry_after},
                {"date", head->date}};

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (named(line, colon, kept[i].name))
            return kept[i].slot;
    return NULL;
}

/* The first of two headers of one name counts. */
static void field_keep(struct head *head, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    char *slot = kept_slot(head, line, colon);
    char coding[HEAD_VALUE_MAX + 1];

    if (named(line, colon, "content-length"))
        head->delimited = true;
    if (named(line, colon, "transfer-encoding")) {
        value_keep(coding, colon + 1, len - (size_t)(colon + 1 - line));
        head->delimited = head->delimited || strcasecmp(coding, "chunked") == 0;
    }
    if (slot != NULL && slot[0] == '\0')
        value_keep(slot, colon + 1, len - (size_t)(colon + 1 - line));
}

bool head_line(struct head *head, const char *line, size_t len)
{
    if (len > HEAD_BYTES_MAX - head->bytes)
        return false;
    head->bytes += len;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
        *head = (struct head){.bytes = head->bytes, .open = true};
    else if (len == 0 || line[0] == '\r' || line[0] == '\n')
        head->open = false;
    else if (head->open)
        field_keep(head, line, len);
    return true;
}

struct net_head head_facts(const struct head *head, uint32_t status)
{
    return (struct net_head){.status = status,
                             .cf_ray = head->cf_ray,
                             .content_type = head->content_type,
                             .retry_after = head->retry_after,
                             .date = head->date};
}
