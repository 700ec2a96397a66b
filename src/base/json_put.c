#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "json_internal.h"
#include "utf8.h"

#define INTEGER_LIMIT 9007199254740992.0

static void control_put(struct buf *out, unsigned char c)
{
    static const char letters[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (const char *pair = letters; *pair != '\0'; pair += 2) {
        if ((unsigned char)*pair == c) {
            buf_putc(out, '\\');
            buf_putc(out, pair[1]);
            return;
        }
    }
    buf_printf(out, "\\u%04x", c);
}

/* Not UTF-8 is not JSON: such a byte becomes U+FFFD. */
static size_t character_put(struct buf *out, const char *at, size_t len)
{
    uint32_t code;
    size_t size = utf8_char(at, len, &code);
    if (size == 0) {
        buf_puts(out, "\xEF\xBF\xBD");
        return 1;
    }
    if (size == 1)
        control_put(out, (unsigned char)*at);
    else
        buf_put(out, at, size);
    return size;
}

void json_put_string(struct buf *out, const char *text)
{
    const char *end = text + strlen(text);
    buf_putc(out, '"');
    while (text != end) {
        size_t run = json_plain_run(text, (size_t)(end - text));
        buf_put(out, text, run);
        text += run;
        if (text != end)
            text += character_put(out, text, (size_t)(end - text));
    }
    buf_putc(out, '"');
}

static void number_put(struct buf *out, double value)
{
    if (!isfinite(value))
        out->failed = true;
    else if (fabs(value) < INTEGER_LIMIT && (double)(int64_t)value == value)
        buf_printf(out, "%" PRId64, (int64_t)value);
    else
        buf_printf(out, "%.17g", value);
}

static void line_start(struct buf *out, bool pretty, int depth)
{
    if (!pretty)
        return;
    buf_putc(out, '\n');
    for (int i = 0; i < depth; i++)
        buf_puts(out, "  ");
}

static void node_put(struct buf *out, const cJSON *node, bool pretty, int depth);

static void container_put(struct buf *out, const cJSON *node, bool pretty, int depth)
{
    bool object = cJSON_IsObject(node);
    buf_putc(out, object ? '{' : '[');
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        if (child != node->child)
            buf_putc(out, ',');
        line_start(out, pretty, depth + 1);
        if (object) {
            json_put_string(out, child->string);
            buf_puts(out, pretty ? ": " : ":");
        }
        node_put(out, child, pretty, depth + 1);
    }
    if (node->child != NULL)
        line_start(out, pretty, depth);
    buf_putc(out, object ? '}' : ']');
}

static void node_put(struct buf *out, const cJSON *node, bool pretty, int depth)
{
    if (cJSON_IsObject(node) || cJSON_IsArray(node))
        container_put(out, node, pretty, depth);
    else if (cJSON_IsString(node))
        json_put_string(out, node->valuestring);
    else if (cJSON_IsNumber(node))
        number_put(out, node->valuedouble);
    else if (cJSON_IsBool(node))
        buf_puts(out, cJSON_IsTrue(node) ? "true" : "false");
    else if (cJSON_IsNull(node))
        buf_puts(out, "null");
    else
        out->failed = true;
}

void json_put(struct buf *out, const cJSON *node)
{
    node_put(out, node, false, 0);
}

void json_put_pretty(struct buf *out, const cJSON *node)
{
    node_put(out, node, true, 0);
}
