/* Signatures held against the trust list: whose, valid or why not, and how many people they are. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define SUFFIX ".sig"

static enum result fault(struct err *err, const char *fmt, ...) PRINTF(2, 3);

static enum result fault(struct err *err, const char *fmt, ...)
{
    char text[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return err_set(err, RESULT_CONFIG, "%s", text);
}

static enum result principal_of_file(const char *file, char out[PRINCIPAL_LEN + 1], struct err *err)
{
    size_t len = strlen(file), suffix = strlen(SUFFIX);
    char name[PRINCIPAL_LEN + 1] = "";
    if (len > suffix && len - suffix <= PRINCIPAL_LEN && strcmp(file + len - suffix, SUFFIX) == 0)
        memcpy(name, file, len - suffix);
    if (!principal_valid(name))
        return fault(err, "its name is not PRINCIPAL.sig, say alice@example.com.sig");
    memcpy(out, name, sizeof name);
    return RESULT_OK;
}

static const struct entry *entry_find(const struct approvers *approvers, const char *name)
{
    for (size_t i = 0; i < approvers->facts.principals; i++)
        if (strcmp(approvers->entry[i].view.name, name) == 0)
            return &approvers->entry[i];
    return NULL;
}

static struct slice blob_of(const struct ssh_key *key)
{
    return (struct slice){(const uint8_t *)key->blob.data, key->blob.len};
}

/* The index of the key among the entry's, or their number. */
static size_t key_of(const struct entry *entry, struct slice blob)
{
    size_t i = 0;
    while (i < entry->view.keys && !slice_same(blob_of(&entry->ssh[i]), blob))
        i++;
    return i;
}

static enum result foreign_key(const struct approvers *approvers, const char *principal,
                               struct slice blob, struct err *err)
{
    for (size_t i = 0; i < approvers->facts.principals; i++)
        if (key_of(&approvers->entry[i], blob) < approvers->entry[i].view.keys)
            return fault(err, "the key is not of %s but of %s: name the file %s.sig", principal,
                         approvers->entry[i].view.name, approvers->entry[i].view.name);
    return fault(err, "the key is not of %s in approvers.json", principal);
}

static enum result key_in_force(const struct principal_key *key, int64_t now, struct err *err)
{
    char moment[RFC3339_LEN + 1];
    if (now < key->valid_after) {
        time_format(key->valid_after, moment);
        return fault(err, "the key is valid only from %s on", moment);
    }
    if (now >= key->valid_before) {
        time_format(key->valid_before, moment);
        return fault(err, "the key was valid before %s only: sign with a newer one", moment);
    }
    return RESULT_OK;
}

static enum result signature_judge(const struct approvers *approvers,
                                   const struct signed_bytes *message, const struct sshsig *sig,
                                   int64_t now, const char *principal, struct err *err)
{
    AUTO_BUF data = BUF_INIT(1024);
    const struct entry *entry = entry_find(approvers, principal);
    if (entry == NULL)
        return fault(err, "%s is not in approvers.json", principal);
    size_t i = key_of(entry, sig->key);
    if (i == entry->view.keys)
        return foreign_key(approvers, principal, sig->key, err);
    TRY(key_in_force(&entry->key[i], now, err));
    TRY(sshsig_data(sig, message, &data, err));
    return ssh_key_verify(&entry->ssh[i], entry->key[i].user_verification, sig->signature,
                          (struct slice){(const uint8_t *)data.data, data.len}, err);
}

static void key_tell(struct slice blob, struct approval *out)
{
    struct slice name;
    const struct key_type *type = NULL;
    ssh_fingerprint(blob, out->fingerprint);
    if (wire_string(&blob, &name))
        type = key_type_find(name);
    out->type = type != NULL ? type->name : "";
}

static enum result file_judge(const struct approvers *approvers, const struct signed_bytes *message,
                              const struct signature_file *file, int64_t now, struct approval *out,
                              struct err *err)
{
    struct sshsig sig;
    enum result named = principal_of_file(file->name, out->principal, err);
    struct err why = {0};
    enum result result = sshsig_read(file->text, file->len, &sig, &why);
    if (result == RESULT_OK)
        key_tell(sig.key, out);
    if (result == RESULT_OK && named == RESULT_OK)
        result = signature_judge(approvers, message, &sig, now, out->principal, &why);
    sshsig_free(&sig);
    if (named == RESULT_OK && result != RESULT_OK)
        *err = why;
    return named != RESULT_OK ? named : result;
}

void approval_check(const struct approvers *approvers, const struct signed_bytes *message,
                    const struct signature_file *file, int64_t now, struct approval *out)
{
    struct err why = {0};
    *out = (struct approval){.type = ""};
    (void)snprintf(out->file, sizeof out->file, "%s", file->name);
    out->valid = file_judge(approvers, message, file, now, out, &why) == RESULT_OK;
    if (!out->valid)
        (void)snprintf(out->why, sizeof out->why, "%.511s", why.text);
}

void approvals_check(const struct approvers *approvers, const struct signed_bytes *message,
                     const struct signature_file *files, size_t count, int64_t now,
                     struct approvals *out)
{
    out->count = count < SIGNATURES_MAX ? count : SIGNATURES_MAX;
    for (size_t i = 0; i < out->count; i++)
        approval_check(approvers, message, &files[i], now, &out->item[i]);
    out->people = approvals_people(out->item, out->count);
}

static bool counted_before(const struct approval *list, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (list[k].valid && strcmp(list[k].principal, list[i].principal) == 0)
            return true;
    return false;
}

size_t approvals_people(const struct approval *list, size_t count)
{
    size_t people = 0;
    for (size_t i = 0; i < count; i++)
        people += list[i].valid && !counted_before(list, i);
    return people;
}

static void reasons_put(const struct approvals *approvals, struct buf *out)
{
    if (approvals->count == 0)
        buf_puts(out, ": there is no signature");
    for (size_t i = 0; i < approvals->count; i++)
        if (!approvals->item[i].valid)
            buf_printf(out, "; %s: %s", approvals->item[i].file, approvals->item[i].why);
}

enum result approvals_enough(const struct approvers *approvers, const struct approvals *approvals,
                             const char *what, struct err *err)
{
    AUTO_BUF reasons = BUF_INIT(64 * 1024);
    uint32_t needed = approvers->facts.threshold;
    if (approvals->people >= needed)
        return RESULT_OK;
    reasons_put(approvals, &reasons);
    return err_set(err, RESULT_CONFIG, "%s: approved by %zu of the %" PRIu32 " %s needed%s", what,
                   approvals->people, needed, needed == 1 ? "person" : "people",
                   buf_text(&reasons));
}

static enum result revision_check(const struct approvers *old, const struct approvers *next,
                                  struct err *err)
{
    if (old == NULL || next->facts.revision > old->facts.revision)
        return RESULT_OK;
    return fault(err,
                 "the new trust list has revision %" PRId64 ", the one in force %" PRId64
                 ": a change needs a higher one",
                 next->facts.revision, old->facts.revision);
}

enum result approvers_change(const struct approvers *old, const struct approvers *next,
                             const void *bytes, size_t len, const struct signature_file *files,
                             size_t count, int64_t now, struct err *err)
{
    const struct signed_bytes message = {APPROVAL_APPROVERS, bytes, len};
    struct approvals approvals;
    if (old != NULL && strcmp(old->facts.digest, next->facts.digest) == 0)
        return RESULT_OK;
    TRY(revision_check(old, next, err));
    if (old != NULL) {
        approvals_check(old, &message, files, count, now, &approvals);
        TRY(approvals_enough(old, &approvals, "the new trust list, by the list in force", err));
    }
    approvals_check(next, &message, files, count, now, &approvals);
    return approvals_enough(next, &approvals, "the new trust list, by itself", err);
}
