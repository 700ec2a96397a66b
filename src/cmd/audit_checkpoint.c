#include "audit_verb.h"

#include <string.h>

#include "guard.h"
#include "out_file.h"

enum { EXPORT = AUDIT_OWN, COMPARE, KEY };

static const char help[] =
    "usage: georder audit checkpoint [--export FILE] [--compare FILE]\n"
    "\n"
    "Shows the log's checkpoint, the signed head of its tree. --compare proves that the log has\n"
    "grown out of an earlier one. Records are not looked at: that is for verify. Needs neither\n"
    "keys nor the network nor, with --directory and --origin, a config.\n"
    "\n" AUDIT_PLACE_HELP "  --export FILE             write it to this new file, byte for byte\n"
    "  --compare FILE            an earlier checkpoint of the same log\n"
    "  --key THUMBPRINT          the RFC 7638 thumbprint of a key to trust\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 well signed and grown out of the other, 10 not\n";

static const struct option own[] = {AUDIT_PLACE,
                                    {"export", required_argument, NULL, EXPORT},
                                    {"compare", required_argument, NULL, COMPARE},
                                    {"key", required_argument, NULL, KEY},
                                    {NULL, 0, NULL, 0}};

static void trust_tell(const struct verb_call *call, const char *kid)
{
    struct output *output = &call->session->output;
    bool trusted = audit_verb_key(call, KEY) != NULL;

    say(output, "key %s%s\n", shown(kid),
        trusted ? " (trusted)" : " (not compared with a key you trust: give --key)");
    output_add_text(output, "key", kid);
    output_add(output, "key_trusted", cJSON_CreateBool(trusted));
}

static enum result head(struct verb_call *call, struct out_file *file, struct err *err)
{
    struct output *output = &call->session->output;
    struct audit_checkpoint checkpoint;
    AUTO_BUF text = BUF_INIT(AUDIT_NOTE_MAX);

    if (audit_checkpoint_read(call->session->audit_fd, audit_verb_origin(call),
                              audit_verb_key(call, KEY), &text, &checkpoint, err) != RESULT_OK)
        return err->result;
    output_add_text(output, "verdict", audit_verdict_name(checkpoint.verdict));
    output_add_text(output, "text", checkpoint.text);
    if (!audit_verdict_good(checkpoint.verdict))
        return err_set(err, RESULT_AUDIT, "the checkpoint does not verify: %s: %s",
                       audit_verdict_name(checkpoint.verdict), checkpoint.text);
    say(output, "%s", buf_text(&text));
    output_add(output, "checkpoint_size", cJSON_CreateNumber((double)checkpoint.size));
    output_add_text(output, "root", checkpoint.root);
    output_add_text(output, "checkpoint", buf_text(&text));
    trust_tell(call, checkpoint.kid);
    return out_file_write(file, &text, err);
}

static void proof_add(struct output *output, const struct buf *proof)
{
    cJSON *list = cJSON_CreateArray();
    AUTO_BUF hash = BUF_INIT(64);

    for (const char *at = buf_text(proof), *end; *at != '\0'; at = end + 1) {
        end = strchr(at, '\n');
        buf_reset(&hash);
        buf_put(&hash, at, (size_t)(end - at));
        cJSON_AddItemToArray(list, cJSON_CreateString(buf_text(&hash)));
    }
    output_add(output, "consistency_proof", list);
}

static enum result growth_tell(struct verb_call *call, const struct audit_comparison *comparison,
                               struct err *err)
{
    struct output *output = &call->session->output;

    output_add_text(output, "verdict", audit_verdict_name(comparison->verdict));
    output_add_text(output, "text", comparison->text);
    output_add(output, "compared_size", cJSON_CreateNumber((double)comparison->before.size));
    output_add_text(output, "compared_root", comparison->before.root);
    if (!audit_verdict_good(comparison->verdict))
        return err_set(err, RESULT_AUDIT, "the checkpoints do not agree: %s: %s",
                       audit_verdict_name(comparison->verdict), comparison->text);
    say(output, "%s: %s\n", audit_verdict_name(comparison->verdict), shown(comparison->text));
    proof_add(output, &comparison->proof);
    return RESULT_OK;
}

static enum result compare(struct verb_call *call, const struct buf *before, struct err *err)
{
    struct audit_comparison comparison = AUDIT_COMPARISON_INIT;
    enum result result =
        audit_compare(call->session->audit_fd, audit_verb_origin(call), audit_verb_key(call, KEY),
                      buf_text(before), before->len, &comparison, err);

    if (result == RESULT_OK)
        result = growth_tell(call, &comparison, err);
    audit_comparison_free(&comparison);
    return result;
}

static enum result run(struct verb_call *call, struct err *err)
{
    const char *path = audit_verb_value(call, COMPARE);
    AUTO_OUT_FILE file = OUT_FILE_INIT;
    AUTO_BUF before = BUF_INIT(AUDIT_NOTE_MAX);

    if ((path != NULL && guard_read(path, GUARD_PUBLIC, RESULT_USAGE, &before, err) != RESULT_OK) ||
        out_file_make(&file, audit_verb_value(call, EXPORT), err) != RESULT_OK ||
        audit_verb_locate(call, err) != RESULT_OK || head(call, &file, err) != RESULT_OK)
        return err->result;
    return path != NULL ? compare(call, &before, err) : RESULT_OK;
}

const struct verb audit_checkpoint_verb = {"checkpoint", help, own, 0, run};
