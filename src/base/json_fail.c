#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "json_internal.h"

/* The way from the root to a node: at each level the child, and how many stand before it. */
struct path {
    const cJSON *node[JSON_DEPTH_MAX];
    size_t index[JSON_DEPTH_MAX];
    size_t depth;
};

static bool path_find(const cJSON *node, const cJSON *wanted, struct path *path)
{
    if (node == wanted)
        return true;
    if (node == NULL || path->depth == JSON_DEPTH_MAX)
        return false;
    size_t level = path->depth++;
    path->index[level] = 0;
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        path->node[level] = child;
        if (path_find(child, wanted, path))
            return true;
        path->index[level]++;
    }
    path->depth = level;
    return false;
}

/* RFC 6901: ~ is written ~0, and / is written ~1. */
static void token_put(struct buf *out, const char *name)
{
    for (; *name != '\0'; name++) {
        size_t len = strcspn(name, "~/");
        text_escape(out, name, len);
        name += len;
        if (*name == '\0')
            break;
        buf_puts(out, *name == '~' ? "~0" : "~1");
    }
}

static void pointer_put(struct buf *out, const struct path *path)
{
    for (size_t i = 0; i < path->depth; i++) {
        buf_putc(out, '/');
        if (path->node[i]->string != NULL)
            token_put(out, path->node[i]->string);
        else
            buf_printf(out, "%zu", path->index[i]);
    }
}

/* The text passed the gate, so skipping needs no grammar; it stops at the NUL in any case. */
static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static const char *skip_string(const char *at)
{
    for (at++; *at != '"' && *at != '\0'; at++)
        if (*at == '\\' && at[1] != '\0')
            at++;
    return *at == '"' ? at + 1 : at;
}

static const char *skip_value(const char *at)
{
    size_t depth = 0;
    do {
        if (*at == '"') {
            at = skip_string(at);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            depth--;
            at++;
        } else if (*at == ',' || *at == ':') {
            at++;
        } else {
            at += strcspn(at, ",:]}[{\" \t\r\n");
        }
        at = depth > 0 ? skip_space(at) : at;
    } while (depth > 0 && *at != '\0');
    return at;
}

static const char *skip_name(const char *at)
{
    at = skip_space(skip_string(at));
    return *at == ':' ? skip_space(at + 1) : at;
}

/* From an opening bracket to the item or member of this index; its name, if it has one. */
static const char *child_seek(const char *at, size_t index, bool named)
{
    at = *at == '\0' ? at : skip_space(at + 1);
    for (; index > 0; index--) {
        at = skip_space(skip_value(named ? skip_name(at) : at));
        at = *at == ',' ? skip_space(at + 1) : at;
    }
    return at;
}

static size_t path_offset(const struct json_doc *doc, const struct path *path, bool at_name)
{
    const char *at = skip_space(doc->text);
    for (size_t i = 0; i < path->depth; i++) {
        bool named = path->node[i]->string != NULL;
        at = child_seek(at, path->index[i], named);
        if (named && !(at_name && i + 1 == path->depth))
            at = skip_name(at);
    }
    return (size_t)(at - doc->text);
}

static enum result fail_at(const struct json_doc *doc, size_t at, const char *pointer,
                           const char *text, struct err *err)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        column = doc->text[i] == '\n' ? 1 : column + 1;
        line += doc->text[i] == '\n';
    }
    return err_set(err, doc->result, "%s:%zu:%zu: %s%s%s", doc->name, line, column, pointer,
                   *pointer ? ": " : "", text);
}

static enum result fail_node(const struct json_doc *doc, const cJSON *node, bool at_name,
                             const char *text, struct err *err)
{
    struct path path = {.depth = 0};
    if (node == NULL || !path_find(doc->root, node, &path))
        return err_set(err, doc->result, "%s: %s", doc->name, text);
    AUTO_BUF pointer = BUF_INIT(512);
    pointer_put(&pointer, &path);
    /* A name of hundreds of bytes must not push the message out of sight. */
    const char *shown = buf_ok(&pointer) ? buf_text(&pointer) : "";
    return fail_at(doc, path_offset(doc, &path, at_name), shown, text, err);
}

#define FORMAT_TEXT(text, fmt)                                                                     \
    va_list args;                                                                                  \
    va_start(args, fmt);                                                                           \
    (void)vsnprintf((text), sizeof(text), fmt, args);                                              \
    va_end(args)

enum result json_fail_at(const struct json_doc *doc, size_t at, struct err *err, const char *fmt,
                         ...)
{
    char text[sizeof err->text];
    FORMAT_TEXT(text, fmt);
    return fail_at(doc, at, "", text, err);
}

enum result json_fail_name(const struct json_doc *doc, const cJSON *node, struct err *err,
                           const char *fmt, ...)
{
    char text[sizeof err->text];
    FORMAT_TEXT(text, fmt);
    return fail_node(doc, node, true, text, err);
}

enum result json_fail(const struct json_doc *doc, const cJSON *node, struct err *err,
                      const char *fmt, ...)
{
    char text[sizeof err->text];
    FORMAT_TEXT(text, fmt);
    return fail_node(doc, node, false, text, err);
}
