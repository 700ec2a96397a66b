#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receipt.h"
#include "succession.h"

static void decide(struct audit_receipt *out, enum audit_verdict verdict, const char *fmt, ...)
    PRINTF(3, 4);

static void decide(struct audit_receipt *out, enum audit_verdict verdict, const char *fmt, ...)
{
    va_list args;

    out->verdict = verdict;
    va_start(args, fmt);
    (void)vsnprintf(out->text, sizeof out->text, fmt, args);
    va_end(args);
}

/* A check on its way. */
struct inspection {
    const char *origin, *kid; /* as demanded; origin may be NULL */
    struct receipt receipt;
    struct keyring ring; /* those in the receipt */
    struct succession keys;
    struct checkpoint checkpoint;
    struct checker checker;
    struct line_facts facts;
    struct audit_receipt *out;
};

static bool form_is_good(struct inspection *inspection, const char *text, size_t len)
{
    struct receipt *receipt = &inspection->receipt;
    struct audit_receipt *out = inspection->out;

    if (!receipt_parse(text, len, receipt) ||
        !note_origin(receipt->note, receipt->note_len, out->origin)) {
        decide(out, AUDIT_MALFORMED,
               "this is no receipt: a C2SP tlog-proof with a record and a key as extra");
        return false;
    }
    out->index = receipt->index;
    if (inspection->origin == NULL || strcmp(inspection->origin, out->origin) == 0)
        return true;
    decide(out, AUDIT_MALFORMED, "the receipt is of another log: %s", out->origin);
    return false;
}

static bool key_take(struct inspection *inspection, const struct piece *jwk)
{
    struct keyring *ring = &inspection->ring;
    struct key *key = &ring->key[ring->count];
    AUTO_BUF text = BUF_INIT(KEY_MAX);
    struct err err = {0};

    buf_put(&text, jwk->at, jwk->len);
    if (!buf_ok(&text) || key_from_jwk(buf_text(&text), text.len, key, &err) != RESULT_OK) {
        decide(inspection->out, AUDIT_MALFORMED, "the receipt carries %s",
               buf_ok(&text) ? err.text : "a public key that is too long");
        return false;
    }
    ring->count++;
    if (key_is_exactly(key, buf_text(&text), text.len))
        return true;
    decide(inspection->out, AUDIT_MALFORMED,
           "the public key in the receipt is not written as logs do");
    return false;
}

static bool keys_take(struct inspection *inspection)
{
    const struct receipt *receipt = &inspection->receipt;
    const struct keyring *ring = &inspection->ring;

    for (size_t i = 0; i < receipt->keys; i++)
        if (!key_take(inspection, &receipt->jwk[i]))
            return false;
    memcpy(inspection->out->kid, ring->key[ring->count - 1].kid, sizeof inspection->out->kid);
    return true;
}

/* From each key to the next there is a record that both have signed. */
static bool rotation_is_good(struct inspection *inspection, size_t i)
{
    const struct piece *line = &inspection->receipt.rotation[i];
    const struct key *from = &inspection->ring.key[i], *to = &inspection->ring.key[i + 1];
    struct line_facts facts;

    checker_line(&inspection->checker, line->at, line->len, &facts);
    if (facts.status != LINE_GOOD && facts.status != LINE_BODY)
        decide(inspection->out, line_verdict(facts.status), "a rotation in the receipt %s",
               line_status_text(facts.status));
    else if (facts.key != from || strcmp(facts.to, to->kid) != 0 ||
             facts.payload.sequence < inspection->keys.first[i] ||
             !succession_add(&inspection->keys, to, facts.payload.sequence + 1))
        decide(inspection->out, AUDIT_UNKNOWN_KEY,
               "no rotation in the receipt leads from the key %s to %s", from->kid, to->kid);
    else
        return true;
    return false;
}

/* The keys are in the receipt; the thumbprint of one, and the line they make, is what makes them
 * the log's. */
static bool keys_are_trusted(struct inspection *inspection)
{
    const struct keyring *ring = &inspection->ring;

    succession_begin(&inspection->keys, &ring->key[0]);
    for (size_t i = 0; i + 1 < ring->count; i++)
        if (!rotation_is_good(inspection, i))
            return false;
    if (succession_has(&inspection->keys, inspection->kid))
        return true;
    decide(inspection->out, AUDIT_UNKNOWN_KEY, "the receipt is of a log with the key %s, not %s",
           inspection->out->kid, inspection->kid);
    return false;
}

static bool checkpoint_is_good(struct inspection *inspection)
{
    const struct receipt *receipt = &inspection->receipt;
    struct audit_receipt *out = inspection->out;
    enum note_status status = note_read(receipt->note, receipt->note_len, out->origin,
                                        &inspection->ring, &inspection->checkpoint);
    char why[512];

    if (status != NOTE_GOOD) {
        decide(out, note_verdict(status), "the checkpoint in the receipt %s",
               note_status_text(status));
        return false;
    }
    if (!succession_answers(&inspection->keys, &inspection->checkpoint, inspection->kid, why)) {
        decide(out, AUDIT_UNKNOWN_KEY, "in the receipt, %.400s", why);
        return false;
    }
    out->size = inspection->checkpoint.size;
    root_text(inspection->checkpoint.root, out->root);
    return true;
}

/* A body is not in the receipt; its digest is, in the record. */
static bool record_is_good(struct inspection *inspection)
{
    const struct receipt *receipt = &inspection->receipt;
    struct line_facts *facts = &inspection->facts;
    struct audit_receipt *out = inspection->out;

    checker_line(&inspection->checker, receipt->line.at, receipt->line.len, facts);
    if (facts->status != LINE_GOOD && facts->status != LINE_BODY)
        decide(out, line_verdict(facts->status), "the record in the receipt %s",
               line_status_text(facts->status));
    else if (facts->payload.sequence != receipt->index)
        decide(out, AUDIT_ALTERED, "the receipt is for record %" PRIu64 ", but carries %" PRIu64,
               receipt->index, facts->payload.sequence);
    else if (facts->key != succession_at(&inspection->keys, receipt->index))
        decide(out, AUDIT_UNKNOWN_KEY,
               "the record in the receipt is signed by the key %s, whose turn it was not",
               facts->key->kid);
    else
        return true;
    return false;
}

static bool proof_is_good(struct inspection *inspection)
{
    const struct receipt *receipt = &inspection->receipt;
    uint8_t root[SHA256_LEN];

    if (proof_root(&inspection->checker.sha256, &receipt->proof, receipt->index,
                   inspection->checkpoint.size, inspection->facts.leaf, root) &&
        memcmp(root, inspection->checkpoint.root, SHA256_LEN) == 0)
        return true;
    decide(inspection->out, AUDIT_ALTERED,
           "the proof does not lead from record %" PRIu64 " to the root of the checkpoint",
           receipt->index);
    return false;
}

static enum result payload_take(struct inspection *inspection, struct err *err)
{
    const struct payload *payload = &inspection->facts.payload;
    struct audit_receipt *out = inspection->out;
    struct jws jws;

    memcpy(out->event, payload->event, sizeof out->event);
    memcpy(out->order_id, payload->order_id, sizeof out->order_id);
    memcpy(out->body_file, payload->body_file, sizeof out->body_file);
    buf_reset(&out->payload);
    if (!jws_split(inspection->receipt.line.at, inspection->receipt.line.len, &jws) ||
        !base64url_get(jws.payload.at, jws.payload.len, &out->payload))
        return err_set(err, RESULT_INTERNAL, "receipt: out of memory");
    return RESULT_OK;
}

static enum result inspect(struct inspection *inspection, const char *text, size_t len,
                           struct err *err)
{
    struct audit_receipt *out = inspection->out;

    if (!form_is_good(inspection, text, len) || !keys_take(inspection))
        return RESULT_OK;
    if (checker_open(&inspection->checker, -1, out->origin, &inspection->ring, err) != RESULT_OK)
        return err->result;
    if (!keys_are_trusted(inspection) || !checkpoint_is_good(inspection) ||
        !record_is_good(inspection) || !proof_is_good(inspection))
        return RESULT_OK;
    decide(out, AUDIT_INTACT, "record %" PRIu64 " is in the log, among its first %" PRIu64,
           out->index, out->size);
    return payload_take(inspection, err);
}

enum result audit_receipt_check(const char *text, size_t len, const char *origin, const char *kid,
                                struct audit_receipt *out, struct err *err)
{
    struct inspection *inspection = calloc(1, sizeof *inspection);
    enum result result;

    audit_receipt_free(out);
    *out = (struct audit_receipt)AUDIT_RECEIPT_INIT;
    if (inspection == NULL)
        return err_set(err, RESULT_INTERNAL, "receipt: out of memory");
    *inspection =
        (struct inspection){.origin = origin, .kid = kid, .receipt = RECEIPT_INIT, .out = out};
    result = inspect(inspection, text, len, err);
    checker_close(&inspection->checker);
    receipt_free(&inspection->receipt);
    keyring_free(&inspection->ring);
    free(inspection);
    return result;
}

void audit_receipt_free(struct audit_receipt *receipt)
{
    buf_free(&receipt->payload);
}

enum result audit_jwk_kid(const char *text, size_t len, char kid[AUDIT_KID_LEN + 1],
                          struct err *err)
{
    struct key key = {0};

    if (key_from_jwk(text, len, &key, err) != RESULT_OK)
        return err->result;
    memcpy(kid, key.kid, sizeof key.kid);
    key_free(&key);
    return RESULT_OK;
}

enum result audit_spki_kid(const char *alg, const uint8_t *spki, size_t len,
                           char kid[AUDIT_KID_LEN + 1], struct err *err)
{
    struct key key = {0};

    if (key_from_spki(alg, spki, len, &key, err) != RESULT_OK)
        return err->result;
    memcpy(kid, key.kid, sizeof key.kid);
    key_free(&key);
    return RESULT_OK;
}
