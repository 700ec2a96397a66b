#include "audit_verb.h"

#include "guard.h"

enum { KEY = AUDIT_OWN, RECEIPT, JWK, MANIFEST, WITNESS_KEY, TSA_CA };

static const char help[] =
    "usage: georder audit verify [--key THUMBPRINT] [--witness-key VKEY] [--tsa-ca FILE]\n"
    "       georder audit verify --receipt FILE (--key THUMBPRINT | --jwk FILE)\n"
    "       georder audit verify --manifest FILE.manifest.json (--key THUMBPRINT | --jwk FILE)\n"
    "\n"
    "Checks every signature, the chain, the tree and the checkpoint. Needs neither keys nor the\n"
    "network nor, with --directory and --origin, a config. A receipt, that prove wrote, needs no\n"
    "log either: its own record, proof and checkpoint are checked.\n"
    "\n" AUDIT_PLACE_HELP
    "  --key THUMBPRINT          the RFC 7638 thumbprint of the only key to trust\n"
    "  --receipt FILE            check this receipt, by --key or --jwk\n"
    "  --manifest FILE           check this export, that --sign wrote: rows, manifest and the "
    "receipt\n"
    "                            beside it, by --key or --jwk\n"
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
                                    {"witness-key", required_argument, NULL, WITNESS_KEY},
                                    {"tsa-ca", required_argument, NULL, TSA_CA},
                                    {NULL, 0, NULL, 0}};

static void tell(const struct verb_call *call, const struct audit_report *report)
{
    struct output *output = &call->session->output;

    say(output, "%s: %s\n", audit_verdict_name(report->verdict), shown(report->text));
    say(output, "records %llu, checkpoint at %llu, root %s\n", (unsigned long long)report->records,
        (unsigned long long)report->checkpoint_size, shown(report->root));
    if (audit_verdict_good(report->verdict))
        say(output, "key %s%s\n", shown(report->kid),
            audit_verb_key(call, KEY) == NULL ? " (not compared with a key you trust: give --key)"
                                              : " (trusted)");
    if (report->unclosed > 0)
        say(output, "unclosed intents: %llu, the first is record %llu\n",
            (unsigned long long)report->unclosed, (unsigned long long)report->unclosed_first);
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

static enum result run(struct verb_call *call, struct err *err)
{
    __attribute__((cleanup(anchors_free))) struct audit_anchors anchors = AUDIT_ANCHORS_INIT;
    struct audit_report report = {0};

    if (audit_verb_value(call, RECEIPT) != NULL || audit_verb_value(call, MANIFEST) != NULL)
        return alone(call, err);
    if (audit_verb_value(call, JWK) != NULL)
        return err_set(err, RESULT_USAGE, "--jwk: only with --receipt or --manifest");
    if (audit_verb_open(call, err) != RESULT_OK ||
        audit_verb_anchors_trust(call, audit_verb_value(call, WITNESS_KEY),
                                 audit_verb_value(call, TSA_CA), &anchors, err) != RESULT_OK ||
        guard_lock_main(call->session->audit_fd, false, err) != RESULT_OK ||
        audit_verify(call->session->audit_fd, audit_verb_origin(call), audit_verb_key(call, KEY),
                     &report, err) != RESULT_OK)
        return err->result;
    tell(call, &report);
    document(call, &report);
    if (audit_verdict_good(report.verdict))
        return audit_verb_anchors(call, report.kid, &anchors, err);
    return err_set(err, RESULT_AUDIT, "the log does not verify: %s: %s",
                   audit_verdict_name(report.verdict), report.text);
}

const struct verb audit_verify_verb = {"verify", help, own, 0, run};
