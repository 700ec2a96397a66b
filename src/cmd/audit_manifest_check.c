/* `verify --manifest`: the receipt beside it, the record in that, and the two files of the record.
 */
#include <limits.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "export_job.h"
#include "guard.h"

#define PIECE (64 * KIB)

/* All that is opened before the lock. */
struct checking {
    struct buf rows_path, manifest, receipt;
    int rows;
    char kid[AUDIT_KID_LEN + 1];
};
#define CHECKING_INIT                                                                              \
    {                                                                                              \
        .rows_path = BUF_INIT(PATH_MAX), .manifest = BUF_INIT(MANIFEST_MAX),                       \
        .receipt = BUF_INIT(AUDIT_RECEIPT_MAX), .rows = -1                                         \
    }

static void checking_free(struct checking *checking)
{
    fd_close(&checking->rows);
    buf_free(&checking->rows_path);
    buf_free(&checking->manifest);
    buf_free(&checking->receipt);
}

static enum result files_open(struct checking *checking, const char *path, struct err *err)
{
    size_t len = strlen(path), suffix = strlen(MANIFEST_SUFFIX);
    AUTO_BUF receipt = BUF_INIT(PATH_MAX);

    if (len <= suffix || strcmp(path + len - suffix, MANIFEST_SUFFIX) != 0)
        return err_set(err, RESULT_USAGE,
                       "--manifest: give FILE" MANIFEST_SUFFIX
                       ", with FILE and FILE" MANIFEST_RECEIPT " beside it");
    buf_put(&checking->rows_path, path, len - suffix);
    buf_printf(&receipt, "%s" MANIFEST_RECEIPT, buf_text(&checking->rows_path));
    if (buf_check(&checking->rows_path, "--manifest", err) != RESULT_OK ||
        buf_check(&receipt, "--manifest", err) != RESULT_OK ||
        guard_read(path, GUARD_PUBLIC, RESULT_USAGE, &checking->manifest, err) != RESULT_OK ||
        guard_read(buf_text(&receipt), GUARD_PUBLIC, RESULT_USAGE, &checking->receipt, err) !=
            RESULT_OK)
        return err->result;
    return guard_open(buf_text(&checking->rows_path), GUARD_PUBLIC, RESULT_USAGE, &checking->rows,
                      err);
}

static bool pieces_digest(int fd, EVP_MD_CTX *ctx)
{
    static char piece[PIECE];
    ssize_t got;

    while ((got = read(fd, piece, sizeof piece)) > 0)
        if (EVP_DigestUpdate(ctx, piece, (size_t)got) != 1)
            return false;
    return got == 0;
}

static enum result rows_digest(const struct checking *checking, char hex[SHA256_HEX_LEN + 1],
                               struct err *err)
{
    AUTO_BUF text = BUF_INIT(SHA256_HEX_LEN);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t digest[SHA256_LEN];
    bool done = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
                pieces_digest(checking->rows, ctx) && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;

    EVP_MD_CTX_free(ctx);
    if (!done)
        return err_errno(err, RESULT_INTERNAL, "%s: cannot read", buf_text(&checking->rows_path));
    hex_put(&text, digest, SHA256_LEN);
    memcpy(hex, buf_text(&text), SHA256_HEX_LEN + 1);
    return RESULT_OK;
}

/* The export that the record tells of, in doc. */
static enum result export_find(const struct audit_receipt *receipt, struct json_doc *doc,
                               const cJSON **part, struct err *err)
{
    *doc = (struct json_doc){.name = "record",
                             .text = buf_text(&receipt->payload),
                             .len = receipt->payload.len,
                             .result = RESULT_AUDIT};
    if (strcmp(receipt->event, "log.exported") != 0)
        return err_set(err, RESULT_AUDIT, "record %llu is no log.exported, but %s",
                       (unsigned long long)receipt->index, receipt->event);
    if (json_parse(doc, JSON_OURS, err) != RESULT_OK)
        return err->result;
    *part = cJSON_GetObjectItemCaseSensitive(record_georder(doc->root), "export");
    return RESULT_OK;
}

static enum result same(const cJSON *part, const char *name, const char *digest, const char *what,
                        struct err *err)
{
    if (strcmp(member_text(part, name), digest) == 0)
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT,
                   "%s is not the one that was exported: its SHA-256 is %s, and "
                   "the record has %.64s",
                   what, digest, member_text(part, name));
}

static enum result files_compare(const struct checking *checking,
                                 const struct audit_receipt *receipt, struct err *err)
{
    char manifest[SHA256_HEX_LEN + 1], rows[SHA256_HEX_LEN + 1];
    struct json_doc doc;
    const cJSON *part = NULL;
    enum result result = export_find(receipt, &doc, &part, err);

    sha256_hex(buf_text(&checking->manifest), checking->manifest.len, manifest);
    if (result == RESULT_OK)
        result = same(part, "manifest_sha256", manifest, "the manifest", err);
    if (result == RESULT_OK)
        result = rows_digest(checking, rows, err);
    if (result == RESULT_OK)
        result = same(part, "sha256", rows, buf_text(&checking->rows_path), err);
    json_free(&doc);
    return result;
}

static void tell(struct output *output, const struct checking *checking,
                 const struct audit_receipt *receipt)
{
    say(output, "intact: %s and its manifest are what record %llu says was exported\n",
        shown(buf_text(&checking->rows_path)), (unsigned long long)receipt->index);
    say(output, "origin %s, root %s\nkey %s (trusted)\n", shown(receipt->origin),
        shown(receipt->root), shown(receipt->kid));
    output_add_text(output, "verdict", audit_verdict_name(receipt->verdict));
    output_add_text(output, "origin", receipt->origin);
    output_add_text(output, "key", receipt->kid);
    output_add_text(output, "root", receipt->root);
    output_add(output, "index", cJSON_CreateNumber((double)receipt->index));
    output_add(output, "checkpoint_size", cJSON_CreateNumber((double)receipt->size));
}

static enum result check(struct verb_call *call, const struct checking *checking, const char *kid,
                         struct err *err)
{
    struct audit_receipt receipt = AUDIT_RECEIPT_INIT;
    enum result result =
        audit_receipt_check(buf_text(&checking->receipt), checking->receipt.len,
                            audit_verb_value(call, AUDIT_ORIGIN), kid, &receipt, err);

    if (result == RESULT_OK && receipt.verdict != AUDIT_INTACT)
        result = err_set(err, RESULT_AUDIT, "the manifest's receipt does not verify: %s: %s",
                         audit_verdict_name(receipt.verdict), receipt.text);
    if (result == RESULT_OK)
        result = files_compare(checking, &receipt, err);
    if (result == RESULT_OK)
        tell(&call->session->output, checking, &receipt);
    audit_receipt_free(&receipt);
    return result;
}

enum result audit_verb_manifest(struct verb_call *call, const char *path, const char *jwk,
                                const char *key, struct err *err)
{
    __attribute__((cleanup(checking_free))) struct checking checking = CHECKING_INIT;

    if (files_open(&checking, path, err) != RESULT_OK ||
        audit_verb_jwk(jwk, checking.kid, err) != RESULT_OK ||
        guard_lock_main(-1, false, err) != RESULT_OK)
        return err->result;
    return check(call, &checking, jwk != NULL ? checking.kid : key, err);
}
