#include "audit_verb.h"

#include "guard.h"
#include "progress.h"

enum { KEY = AUDIT_OWN, RECEIPT, JWK, MANIFEST, WITNESS_KEY, TSA_CA, FROM, HEAD };

/* Longer than an order can be on its way: see --timeout. */
#define UNDER_WAY (15 * INT64_C(60000))

static const char help[] =
    "usage: georder audit verify [--key THUMBPRINT] [--from FILE] [--head]\n"
    "                            [--witness-key VKEY] [--tsa-ca FILE]\n"
    "       georder audit verify --receipt FILE (--key THUMBPRINT | --jwk FILE)\n"
    "       georder audit verify --manifest FILE.manifest.json (--key THUMBPRINT | --jwk FILE)\n"
    "\n"
    "Checks every signature, the chain, the tree and the checkpoint. Needs neither keys nor the\n"
    "network nor, with --directory and --origin, a config. A receipt, that prove wrote, needs no\n"
    "log either: its own record, proof and checkpoint are checked.\n"
    "\n" AUDIT_PLACE_HELP "  --key THUMBPRINT          the RFC 7638 thumbprint of a key to trust\n"
    "  --from FILE               an earlier checkpoint, that you kept: the log must have grown\n"
    "                            out of it; signatures are checked of the records since then\n"
    "  --head                    hold it against its head on a token, too: asks for a PIN\n"
    "  --receipt FILE            check this receipt, by --key or --jwk\n"
    "  --manifest FILE           check this export, that --sign wrote: rows, manifest and the\n"
    "                            receipt beside it, by --key or --jwk\n"
    "  --jwk FILE                the log's public key (RFC 7517), in place of its thumbprint\n"
    "  --witness-key VKEY        a witness (C2SP) whose cosignatures count, besides the config's\n"
    "  --tsa-ca FILE             certificates (PEM) to check time stamps by, not the config's\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 the log is good, 10 it is not, or cannot be read\n";

static const struct option own[] = {AUDIT_PLACE,
                                    {"key", required_argument, NULL, KEY},
                                    {"receipt", required_argument, NULL, RECEIPT},
                                    {"manifest", required_argument, NULL, MANIFEST},
                                    {"jwk", required_argument, NULL, JWK},
                                    {"head", no_argument, NULL, HEAD},
                                    {"witness-key", required_argument, NULL, WITNESS_KEY},
                                    {"tsa-ca", required_argument, NULL, TSA_CA},
                                    {"from", required_argument, NULL, FROM},
                                    {NULL, 0, NULL, 0}};

/* "", or when that was. */
static void age_put(struct buf *out, const struct audit_finding *finding)
{
    int64_t age = clock_now() - finding->time;
    char time[RFC3339_LEN + 1];

    if (finding->time == 0)
        return;
    time_format(finding->time, time);
    buf_printf(out, " (%s", time);
    if (finding->code == AUDIT_UNCLOSED_INTENT && age >= 0 && age < UNDER_WAY)
        buf_printf(out, ", %lld s ago: it may be on its way", (long long)age / 1000);
    buf_putc(out, ')');
}

static uint64_t findings_listed(const struct audit_report *report)
{
    return report->findings < AUDIT_FINDINGS_MAX ? report->findings : AUDIT_FINDINGS_MAX;
}

/* The verdict itself, if it is the first, has its line already. */
static void findings_tell(const struct output *output, const struct audit_report *report)
{
    uint64_t listed = findings_listed(report);

    for (uint64_t i = 0; i < listed; i++) {
        const struct audit_finding *finding = &report->finding[i];
        AUTO_BUF age = BUF_INIT(128);

        age_put(&age, finding);
        if (finding->code != report->verdict || finding->where != report->where)
            say(output, "%s: %s%s\n", audit_verdict_name(finding->code), shown(finding->text),
                buf_text(&age));
    }
    if (report->findings > listed)
        say(output, "and %llu findings more\n", (unsigned long long)(report->findings - listed));
}

static void tell(const struct verb_call *call, const struct audit_report *report)
{
    struct output *output = &call->session->output;
    const char *trust = audit_verb_key(call, KEY) != NULL ? " (trusted)"
                        : report->from_size > 0
                            ? " (that of the kept checkpoint)"
                            : " (not compared with a key you trust: give --key)";

    say(output, "%s: %s\n", audit_verdict_name(report->verdict), shown(report->text));
    findings_tell(output, report);
    if (report->root[0] == '\0')
        return;
    say(output, "records %llu, checkpoint at %llu, root %s\n", (unsigned long long)report->records,
        (unsigned long long)report->checkpoint_size, shown(report->root));
    if (audit_verdict_good(report->verdict))
        say(output, "key %s%s\n", shown(report->kid), trust);
}

static void findings_add(struct output *output, const struct audit_report *report)
{
    cJSON *list = cJSON_CreateArray();

    for (uint64_t i = 0; i < findings_listed(report); i++) {
        const struct audit_finding *finding = &report->finding[i];
        cJSON *one = cJSON_CreateObject();
        char time[RFC3339_LEN + 1];

        cJSON_AddStringToObject(one, "code", audit_verdict_name(finding->code));
        cJSON_AddNumberToObject(one, "where", (double)finding->where);
        cJSON_AddStringToObject(one, "text", finding->text);
        time_format(finding->time, time);
        if (finding->time > 0)
            cJSON_AddStringToObject(one, "time", time);
        cJSON_AddItemToArray(list, one);
    }
    output_add(output, "findings", list);
    output_add(output, "findings_omitted",
               cJSON_CreateNumber((double)(report->findings - findings_listed(report))));
}

static void document(const struct verb_call *call, const struct audit_report *report)
{
    struct output *output = &call->session->output;

    output_add_text(output, "verdict", audit_verdict_name(report->verdict));
    output_add_text(output, "text", report->text);
    output_add_text(output, "origin", audit_verb_origin(call));
    output_add_text(output, "root", report->root);
    output_add_text(output, "key", report->kid);
    output_add(output, "key_trusted", cJSON_CreateBool(audit_verb_key(call, KEY) != NULL));
    output_add(output, "records", cJSON_CreateNumber((double)report->records));
    output_add(output, "checkpoint_size", cJSON_CreateNumber((double)report->checkpoint_size));
    output_add(output, "unclosed_intents", cJSON_CreateNumber((double)report->unclosed));
    output_add(output, "from_size", cJSON_CreateNumber((double)report->from_size));
    findings_add(output, report);
    if (!audit_verdict_good(report->verdict))
        output_add(output, "where", cJSON_CreateNumber((double)report->where));
}

/* What carries its own proof. */
static enum result alone(struct verb_call *call, struct err *err)
{
    const char *key = audit_verb_value(call, KEY), *jwk = audit_verb_value(call, JWK);
    const char *path = audit_verb_value(call, RECEIPT),
               *manifest = audit_verb_value(call, MANIFEST);
    const char *name = path != NULL ? "--receipt" : "--manifest";

    if (audit_verb_value(call, AUDIT_DIRECTORY) != NULL)
        return err_set(err, RESULT_USAGE, "%s needs no log: not with --directory", name);
    if (path != NULL && manifest != NULL)
        return err_set(err, RESULT_USAGE, "--receipt and --manifest: one at a time");
    if (audit_verb_value(call, FROM) != NULL)
        return err_set(err, RESULT_USAGE, "--from is for the log: not with %s", name);
    if ((key == NULL) == (jwk == NULL))
        return err_set(err, RESULT_USAGE,
                       "%s: give the key to trust, by --key THUMBPRINT or --jwk FILE", name);
    return (path != NULL ? audit_verb_receipt : audit_verb_manifest)(
        call, path != NULL ? path : manifest, jwk, key, err);
}

static void anchors_free(struct audit_anchors *anchors)
{
    buf_free(&anchors->authorities);
}

/* head: where the token's goes, or NULL. */
static enum result log_verify(struct verb_call *call, struct audit_anchors *anchors,
                              struct buf *head, struct audit_report *report, struct err *err)
{
    const char *path = audit_verb_value(call, FROM);
    AUTO_BUF from = BUF_INIT(AUDIT_NOTE_MAX);
    AUTO_PROGRESS progress = {0};
    struct audit_verification how = {.progress = progress_step, .context = &progress};

    if ((path != NULL && guard_read(path, GUARD_PUBLIC, RESULT_USAGE, &from, err) != RESULT_OK) ||
        audit_verb_open(call, err) != RESULT_OK ||
        audit_verb_anchors_trust(call, audit_verb_value(call, WITNESS_KEY),
                                 audit_verb_value(call, TSA_CA), anchors, err) != RESULT_OK ||
        (head != NULL ? audit_verb_head(call, head, err)
                      : guard_lock_main(call->session->audit_fd, false, err)) != RESULT_OK)
        return err->result;
    how.origin = audit_verb_origin(call);
    how.kid = audit_verb_key(call, KEY);
    how.from = path != NULL ? buf_text(&from) : NULL;
    how.from_len = from.len;
    progress_start(&progress, &call->session->output, "records");
    return audit_verify_with(call->session->audit_fd, &how, report, err);
}

/* What others know of the log. head: NULL when it was not asked for. */
static enum result against(struct verb_call *call, const struct buf *head, const char *key,
                           const struct audit_anchors *anchors, struct err *err)
{
    if (head != NULL &&
        audit_verb_head_judge(call, head, audit_verb_key(call, KEY), err) != RESULT_OK)
        return err->result;
    return audit_verb_anchors(call, key, anchors, err);
}

static enum result run(struct verb_call *call, struct err *err)
{
    __attribute__((cleanup(anchors_free))) struct audit_anchors anchors = AUDIT_ANCHORS_INIT;
    bool with_head = audit_verb_value(call, HEAD) != NULL;
    struct audit_report report = {0};
    AUTO_BUF head = BUF_INIT(AUDIT_NOTE_MAX);

    if (audit_verb_value(call, RECEIPT) != NULL || audit_verb_value(call, MANIFEST) != NULL)
        return alone(call, err);
    if (audit_verb_value(call, JWK) != NULL)
        return err_set(err, RESULT_USAGE, "--jwk: only with --receipt or --manifest");
    if (log_verify(call, &anchors, with_head ? &head : NULL, &report, err) != RESULT_OK)
        return err->result;
    tell(call, &report);
    document(call, &report);
    if (audit_verdict_good(report.verdict))
        return against(call, with_head ? &head : NULL, report.kid, &anchors, err);
    return err_set(err, RESULT_AUDIT, "the log does not verify: %s: %s",
                   audit_verdict_name(report.verdict), report.text);
}

const struct verb audit_verify_verb = {"verify", help, own, 0, run};
