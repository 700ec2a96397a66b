#include "audit_verb.h"

#include <string.h>

static const char help[] =
    "usage: georder audit show INDEX|ORDER\n"
    "\n"
    "One record whole, or all records of an order. Checks no signature. Needs neither keys nor "
    "the\n"
    "network nor, with --directory and --origin, a config.\n"
    "\n" AUDIT_PLACE_HELP "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 shown, 2 no such record, 10 the log cannot be read\n";

static const struct option own[] = {AUDIT_PLACE, {NULL, 0, NULL, 0}};

struct showing {
    struct output *output;
    const char *which; /* INDEX or ORDER */
    cJSON *records;    /* NULL without --json */
    uint64_t count;
};

static bool wanted(const struct showing *showing, uint64_t index, const cJSON *payload)
{
    int64_t number;

    if (number_parse(showing->which, INT64_MAX / 10, &number))
        return (uint64_t)number == index;
    return strcmp(showing->which, audit_verb_text(payload, "metadata", "correlation_uid")) == 0;
}

void audit_verb_show(const struct output *output, uint64_t index, const cJSON *payload)
{
    AUTO_BUF text = BUF_INIT(4096 * KIB), safe = BUF_INIT(16384 * KIB);

    json_put_pretty(&text, payload);
    for (const char *from = buf_text(&text), *end; *from != '\0'; from = end) {
        end = from + strcspn(from, "\n");
        text_escape(&safe, from, (size_t)(end - from));
        buf_putc(&safe, '\n');
        end += *end == '\n';
    }
    say(output, "record %llu\n%s", (unsigned long long)index, buf_text(&safe));
}

static bool show_one(void *context, uint64_t index, const char *line, size_t len,
                     const cJSON *payload)
{
    struct showing *showing = context;

    (void)line;
    (void)len;
    if (!wanted(showing, index, payload))
        return true;
    showing->count++;
    audit_verb_show(showing->output, index, payload);
    if (showing->records != NULL)
        cJSON_AddItemToArray(showing->records, cJSON_Duplicate(payload, true));
    return true;
}

static enum result run(struct verb_call *call, struct err *err)
{
    struct showing showing = {.output = &call->session->output, .which = call->word[0]};
    enum result result;

    if (showing.which == NULL)
        return err_set(err, RESULT_USAGE, "show: give a record's index or an order's id");
    if (call->session->options.json)
        showing.records = cJSON_CreateArray();
    result = audit_verb_visit(call, show_one, &showing, err);
    output_add(showing.output, "records", showing.records);
    if (result != RESULT_OK)
        return result;
    if (showing.count == 0)
        return err_set(err, RESULT_USAGE, "the log has no record or order %s", showing.which);
    return RESULT_OK;
}

const struct verb audit_show_verb = {"show", help, own, 1, run};
