#include "audit_verb.h"

#include "guard.h"

enum result audit_verb_jwk(const char *path, char kid[AUDIT_KID_LEN + 1], struct err *err)
{
    AUTO_BUF text = BUF_INIT(AUDIT_JWK_MAX);

    if (path == NULL)
        return RESULT_OK;
    if (guard_read(path, GUARD_PUBLIC, RESULT_USAGE, &text, err) != RESULT_OK)
        return err->result;
    if (audit_jwk_kid(buf_text(&text), text.len, kid, err) == RESULT_OK)
        return RESULT_OK;
    err->result = RESULT_USAGE;
    return err_prefix(err, "%s", path);
}

static void payload_tell(struct output *output, const struct audit_receipt *receipt)
{
    struct json_doc doc = {.name = "record",
                           .text = buf_text(&receipt->payload),
                           .len = receipt->payload.len,
                           .result = RESULT_AUDIT};
    struct err err = {0};

    if (json_parse(&doc, JSON_OURS, &err) == RESULT_OK) {
        audit_verb_show(output, receipt->index, doc.root);
        output_add(output, "record", cJSON_Duplicate(doc.root, true));
    }
    json_free(&doc);
}

static void tell(struct output *output, const struct audit_receipt *receipt)
{
    say(output, "%s: %s\n", audit_verdict_name(receipt->verdict), shown(receipt->text));
    say(output, "origin %s, root %s\nkey %s (trusted)\n", shown(receipt->origin),
        shown(receipt->root), shown(receipt->kid));
    if (receipt->body_file[0] != '\0')
        say(output, "the answer's body is not in a receipt: bodies/%s of the log has it\n",
            shown(receipt->body_file));
    payload_tell(output, receipt);
}

static void document(struct output *output, const struct audit_receipt *receipt)
{
    output_add_text(output, "verdict", audit_verdict_name(receipt->verdict));
    output_add_text(output, "text", receipt->text);
    output_add_text(output, "origin", receipt->origin);
    output_add_text(output, "key", receipt->kid);
    output_add(output, "key_trusted", cJSON_CreateBool(receipt->verdict == AUDIT_INTACT));
    output_add_text(output, "root", receipt->root);
    output_add(output, "index", cJSON_CreateNumber((double)receipt->index));
    output_add(output, "checkpoint_size", cJSON_CreateNumber((double)receipt->size));
}

enum result audit_verb_receipt(struct verb_call *call, const char *path, const char *jwk,
                               const char *key, struct err *err)
{
    struct output *output = &call->session->output;
    struct audit_receipt receipt = AUDIT_RECEIPT_INIT;
    AUTO_BUF text = BUF_INIT(AUDIT_RECEIPT_MAX);
    char kid[AUDIT_KID_LEN + 1] = "";
    enum result result;

    if (guard_read(path, GUARD_PUBLIC, RESULT_USAGE, &text, err) != RESULT_OK ||
        audit_verb_jwk(jwk, kid, err) != RESULT_OK || guard_lock_main(-1, false, err) != RESULT_OK)
        return err->result;
    result = audit_receipt_check(buf_text(&text), text.len, audit_verb_value(call, AUDIT_ORIGIN),
                                 jwk != NULL ? kid : key, &receipt, err);
    if (result == RESULT_OK) {
        document(output, &receipt);
        if (receipt.verdict == AUDIT_INTACT)
            tell(output, &receipt);
        else
            result = err_set(err, RESULT_AUDIT, "the receipt does not verify: %s: %s",
                             audit_verdict_name(receipt.verdict), receipt.text);
    }
    audit_receipt_free(&receipt);
    return result;
}
