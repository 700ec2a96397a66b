#include "audit_verb.h"

#include "out_file.h"

enum { OUT = AUDIT_OWN, KEY };

static const char help[] =
    "usage: georder audit prove INDEX|ORDER [--out FILE]\n"
    "\n"
    "Writes the receipt of a record, or of the last record of an order: a C2SP tlog-proof that\n"
    "carries the record and the log's public key, for `georder audit verify --receipt`. Needs\n"
    "neither keys nor the network nor, with --directory and --origin, a config.\n"
    "\n" AUDIT_PLACE_HELP
    "  --out FILE                write it to this new file, not to standard output\n"
    "  --key THUMBPRINT          the RFC 7638 thumbprint of the only key to trust\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 done, 2 no such record, 10 the log does not have it as it was signed\n";

static const struct option own[] = {AUDIT_PLACE,
                                    {"out", required_argument, NULL, OUT},
                                    {"key", required_argument, NULL, KEY},
                                    {NULL, 0, NULL, 0}};

static enum result which(struct verb_call *call, uint64_t *index, struct err *err)
{
    int64_t number;
    uint64_t count;

    if (number_parse(call->word[0], INT64_MAX / 10, &number)) {
        *index = (uint64_t)number;
        return RESULT_OK;
    }
    if (audit_find_order(call->session->audit_fd, call->word[0], index, &count, err) != RESULT_OK)
        return err->result;
    if (count == 0)
        return err_set(err, RESULT_USAGE, "the log has no record or order %s", call->word[0]);
    if (count > 1)
        note(&call->session->output, "record %llu is the last of %llu of this order\n",
             (unsigned long long)*index, (unsigned long long)count);
    return RESULT_OK;
}

static void tell(const struct verb_call *call, const struct out_file *file, uint64_t index,
                 const struct buf *receipt)
{
    struct output *output = &call->session->output;

    if (file->path == NULL)
        say(output, "%s", buf_text(receipt));
    else
        say(output, "record %llu: its receipt is in %s\n", (unsigned long long)index,
            shown(file->path));
    output_add(output, "index", cJSON_CreateNumber((double)index));
    output_add_text(output, "receipt", buf_text(receipt));
}

static enum result run(struct verb_call *call, struct err *err)
{
    AUTO_OUT_FILE file = OUT_FILE_INIT;
    AUTO_BUF receipt = BUF_INIT(AUDIT_RECEIPT_MAX);
    uint64_t index = 0;

    if (call->word[0] == NULL)
        return err_set(err, RESULT_USAGE, "prove: give a record's index or an order's id");
    if (out_file_make(&file, audit_verb_value(call, OUT), err) != RESULT_OK ||
        audit_verb_locate(call, err) != RESULT_OK || which(call, &index, err) != RESULT_OK ||
        audit_prove(call->session->audit_fd, audit_verb_origin(call), audit_verb_key(call, KEY),
                    index, &receipt, err) != RESULT_OK ||
        out_file_write(&file, &receipt, err) != RESULT_OK)
        return err->result;
    tell(call, &file, index, &receipt);
    return RESULT_OK;
}

const struct verb audit_prove_verb = {"prove", help, own, 1, run};
