#include "audit_verb.h"

#include "anchoring.h"
#include "guard.h"

enum { TSA = AUDIT_OWN, TSA_CA, TIMESTAMP, WITNESS, KEY, TIMEOUT };

static const char help[] =
    "usage: georder audit anchor [--witness] [--timestamp | --tsa URL [--tsa-ca FILE]]\n"
    "\n"
    "Has the log's checkpoint anchored by others: cosigned by the witnesses and stamped by the\n"
    "time stamping authority that the config names (audit.witnesses, audit.timestamp), or by "
    "those\n"
    "alone that the options name. What they give is checked and kept in anchors/; verify holds "
    "the\n"
    "log against it. Nothing but the checkpoint leaves this host. Needs no keys.\n"
    "\n" AUDIT_PLACE_HELP "  --witness                 the witnesses of the config\n"
    "  --timestamp               the authority of the config\n"
    "  --tsa URL                 another authority (RFC 3161), by http or https\n"
    "  --tsa-ca FILE             the certificates (PEM) that its time stamps are checked by\n"
    "  --timeout SECONDS         for each that is asked; 30\n"
    "  --key THUMBPRINT          the RFC 7638 thumbprint of a key to trust\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 all were had, 6 or 7 one was not reached, 10 one speaks against the log or is wrong\n";

static const struct option own[] = {AUDIT_PLACE,
                                    {"tsa", required_argument, NULL, TSA},
                                    {"tsa-ca", required_argument, NULL, TSA_CA},
                                    {"timestamp", no_argument, NULL, TIMESTAMP},
                                    {"witness", no_argument, NULL, WITNESS},
                                    {"key", required_argument, NULL, KEY},
                                    {"timeout", required_argument, NULL, TIMEOUT},
                                    {NULL, 0, NULL, 0}};

static void tell(struct verb_call *call, const struct anchor *anchor, cJSON *list)
{
    char time[RFC3339_LEN + 1];

    time_format(anchor->time, time);
    if (anchor->verdict == AUDIT_INTACT && anchor->time > 0)
        say(&call->session->output, "%s: %s at %s\n", anchor_kind_name(anchor->kind),
            shown(anchor->text), time);
    if (list != NULL && (anchor->time > 0 || anchor->verdict != AUDIT_INTACT))
        cJSON_AddItemToArray(list, anchor_json(anchor));
}

/* All are asked, whatever the first says; the worst counts. */
static void worst(struct err *err, const struct err *one, const struct output *output)
{
    if (err->result == RESULT_OK || (one->result == RESULT_AUDIT && err->result != RESULT_AUDIT)) {
        if (err->result != RESULT_OK)
            note(output, "%s\n", shown(err->text));
        *err = *one;
    } else {
        note(output, "%s\n", shown(one->text));
    }
}

static void ask_all(struct verb_call *call, struct anchoring *anchoring, cJSON *list,
                    struct err *err)
{
    const struct output *output = &call->session->output;

    for (size_t i = 0; i < anchoring->witnesses; i++) {
        struct err one = {0};
        struct anchor anchor;

        if (anchoring_witness(anchoring, i, &anchor, &one) != RESULT_OK)
            worst(err, &one, output);
        tell(call, &anchor, list);
    }
    if (anchoring->stamp_url != NULL) {
        struct err one = {0};
        struct anchor anchor;

        if (anchoring_timestamp(anchoring, &anchor, &one) != RESULT_OK)
            worst(err, &one, output);
        tell(call, &anchor, list);
    }
}

/* Which of those that the config names are wanted. */
static enum result choose(struct verb_call *call, struct anchoring *anchoring, struct err *err)
{
    bool witness = audit_verb_value(call, WITNESS) != NULL;
    bool timestamp = audit_verb_value(call, TIMESTAMP) != NULL;
    const char *url = audit_verb_value(call, TSA), *timeout = audit_verb_value(call, TIMEOUT);
    int64_t seconds = 0;

    if (timeout != NULL && (!number_parse(timeout, 600, &seconds) || seconds == 0))
        return err_set(err, RESULT_USAGE, "--timeout: give 1 to 600 seconds");
    anchoring->timeout_ms = (uint32_t)seconds * 1000;
    if (timestamp && url != NULL)
        return err_set(err, RESULT_USAGE, "--timestamp and --tsa exclude each other");
    if (anchoring_authority(anchoring, url, audit_verb_value(call, TSA_CA), err) != RESULT_OK)
        return err->result;
    if (witness && !timestamp && url == NULL)
        anchoring->stamp_url = NULL;
    if ((timestamp || url != NULL) && !witness)
        anchoring->witnesses = 0;
    if (witness && anchoring->witnesses == 0)
        return err_set(err, RESULT_CONFIG, "the config names no witness: audit.witnesses");
    if (anchoring->stamp_url == NULL && (timestamp || anchoring->witnesses == 0))
        return err_set(err, RESULT_CONFIG, "the config names no %s: give --tsa URL",
                       timestamp ? "audit.timestamp" : "audit.witnesses nor audit.timestamp");
    return RESULT_OK;
}

static enum result run(struct verb_call *call, struct err *err)
{
    struct session *session = call->session;
    AUTO_ANCHORING anchoring = ANCHORING_INIT;
    cJSON *list;

    if (audit_verb_open(call, err) != RESULT_OK ||
        anchoring_config(&anchoring, &session->config, err) != RESULT_OK ||
        choose(call, &anchoring, err) != RESULT_OK ||
        anchoring_start(&anchoring, err) != RESULT_OK ||
        guard_lock_main(session->audit_fd, true, err) != RESULT_OK)
        return err->result;
    anchoring.audit_fd = session->audit_fd;
    anchoring.origin = audit_verb_origin(call);
    anchoring.kid = audit_verb_key(call, KEY);
    list = session->output.document != NULL ? cJSON_CreateArray() : NULL;
    ask_all(call, &anchoring, list, err);
    output_add(&session->output, "anchors", list);
    return err->result;
}

const struct verb audit_anchor_verb = {"anchor", help, own, 0, run};
