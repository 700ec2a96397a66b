#include "audit_verb.h"

static const char help[] =
    "usage: georder audit list\n"
    "\n"
    "A line a record; with --json the whole events. Checks no signature. Needs neither keys nor\n"
    "the network nor, with --directory and --origin, a config.\n"
    "\n" AUDIT_PLACE_HELP "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 listed, 10 the log cannot be read\n";

static const struct option own[] = {AUDIT_PLACE, {NULL, 0, NULL, 0}};

static bool list_one(void *context, uint64_t index, const char *line, size_t len,
                     const cJSON *payload)
{
    struct output *output = context;
    const cJSON *time = cJSON_GetObjectItemCaseSensitive(payload, "time");
    char when[RFC3339_LEN + 1];

    (void)line;
    (void)len;
    time_format(cJSON_IsNumber(time) ? (int64_t)time->valuedouble : 0, when);
    say(output, "%6llu  %s  %-15s %-36s  %s\n", (unsigned long long)index, when,
        shown(audit_verb_text(payload, "metadata", "event_code")),
        shown(audit_verb_text(payload, "metadata", "correlation_uid")),
        shown(member_text(payload, "message")));
    output_item(output, "records", payload);
    return true;
}

static enum result run(struct verb_call *call, struct err *err)
{
    struct output *output = &call->session->output;
    enum result result = audit_verb_visit(call, list_one, output, err);

    if (output->list == NULL && output->document != NULL)
        output_add(output, "records", cJSON_CreateArray());
    return result;
}

const struct verb audit_list_verb = {"list", help, own, 0, run};
