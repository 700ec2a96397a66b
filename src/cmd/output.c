#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DOCUMENT_MAX_MIB 64

void output_start(struct output *output, const char *command, const struct options *options)
{
    *output = (struct output){.command = command, .options = options};
    if (!options->json)
        return;
    output->document = cJSON_CreateObject();
    cJSON_AddStringToObject(output->document, "command", command);
}

static void document_close(cJSON *document, const struct err *err)
{
    cJSON_AddStringToObject(document, "result", result_name(err->result));
    cJSON_AddNumberToObject(document, "exit", result_exit(err->result));
    if (err->result != RESULT_OK)
        cJSON_AddStringToObject(document, "error", err->text);
}

/* Part of a document is none: one that is too long is left out but for how it ended. */
static void document_text(struct output *output, struct buf *text, struct err *err)
{
    document_close(output->document, err);
    json_put_pretty(text, output->document);
    if (buf_ok(text))
        return;
    if (err->result == RESULT_OK)
        (void)err_set(
            err, RESULT_INTERNAL,
            "the JSON document would pass %d MiB and was left out: ask for less at a time",
            DOCUMENT_MAX_MIB);
    json_delete(&output->document);
    output_start(output, output->command, output->options);
    document_close(output->document, err);
    buf_reset(text);
    json_put_pretty(text, output->document);
}

static void document_print(struct output *output, struct err *err)
{
    AUTO_BUF text = BUF_INIT(DOCUMENT_MAX_MIB * 1024 * 1024);
    const char *list = output->list;

    document_text(output, &text, err);
    /* Behind a list, it goes on in the object that the list has begun. */
    (void)printf("%s%s\n", list != NULL ? "\n]," : "", buf_text(&text) + (list != NULL));
}

void output_item(struct output *output, const char *name, const cJSON *item)
{
    AUTO_BUF text = BUF_INIT(1024 * 1024);

    if (output->document == NULL)
        return;
    json_put(&text, item);
    if (output->list == NULL)
        (void)printf("{\n\"%s\": [\n%s", name, buf_text(&text));
    else
        (void)printf(",\n%s", buf_text(&text));
    output->list = name;
}

enum result output_end(struct output *output, const struct err *err)
{
    struct err end = *err;
    bool written;

    if (output->document != NULL)
        document_print(output, &end);
    json_delete(&output->document);
    written = fflush(stdout) == 0 && !ferror(stdout);
    if (end.result != RESULT_OK)
        (void)fprintf(stderr, "georder %s: %s\n", shown(output->command), shown(end.text));
    else if (!written)
        (void)fprintf(stderr, "georder %s: standard output cannot be written\n",
                      shown(output->command));
    return end.result == RESULT_OK && !written ? RESULT_INTERNAL : end.result;
}

void say(const struct output *output, const char *fmt, ...)
{
    va_list args;

    if (output->options->json || output->options->quiet)
        return;
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
}

void note(const struct output *output, const char *fmt, ...)
{
    va_list args;

    if (output->options->quiet)
        return;
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
}

const char *shown(const char *text)
{
    static char rotating[8][1024];
    static unsigned next;
    char *out = rotating[next++ % 8];
    AUTO_BUF escaped = BUF_INIT(64 * 1024);

    text_escape(&escaped, text, strnlen(text, 8 * 1024));
    (void)snprintf(out, sizeof rotating[0], "%s", buf_text(&escaped));
    return out;
}

void output_add(struct output *output, const char *name, cJSON *value)
{
    if (output->document != NULL)
        cJSON_DeleteItemFromObjectCaseSensitive(output->document, name);
    if (output->document == NULL || value == NULL ||
        !cJSON_AddItemToObject(output->document, name, value))
        cJSON_Delete(value);
}

void output_add_text(struct output *output, const char *name, const char *text)
{
    if (output->document != NULL)
        output_add(output, name, cJSON_CreateString(text));
}

enum result output_help(struct output *output, const char *text)
{
    struct err none = {0};

    if (output->document != NULL)
        output_add_text(output, "help", text);
    else
        (void)fputs(text, stdout);
    return output_end(output, &none);
}
