/* What vouches for an exported file: FILE.manifest.json, a record of it, and that one's receipt. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "export_job.h"
#include "parts.h"

void export_job_free(struct export_job *job)
{
    out_file_close(&job->rows);
    out_file_close(&job->manifest);
    out_file_close(&job->receipt);
    buf_free(&job->manifest_path);
    buf_free(&job->receipt_path);
    buf_free(&job->manifest_text);
    buf_free(&job->report.note);
}

static enum result beside(struct out_file *file, struct buf *path, const char *rows,
                          const char *suffix, struct err *err)
{
    buf_printf(path, "%s%s", rows, suffix);
    if (buf_check(path, "--out", err) != RESULT_OK)
        return err->result;
    return out_file_make(file, buf_text(path), err);
}

/* Behind the lock no file can be made, nor be taken away. */
enum result manifest_files_make(struct export_job *job, struct err *err)
{
    const char *rows = audit_verb_value(job->call, OUT);
    bool sign = audit_verb_value(job->call, SIGN) != NULL;

    if (out_file_make(&job->rows, rows, err) != RESULT_OK || rows == NULL)
        return err->result;
    if (beside(&job->manifest, &job->manifest_path, rows, MANIFEST_SUFFIX, err) == RESULT_OK &&
        (!sign ||
         beside(&job->receipt, &job->receipt_path, rows, MANIFEST_RECEIPT, err) == RESULT_OK))
        return RESULT_OK;
    out_file_discard(&job->rows);
    out_file_discard(&job->manifest);
    return err->result;
}

static void moment_add(cJSON *filter, const char *name, int64_t when)
{
    char text[RFC3339_LEN + 1];

    if (when <= 0 || when == INT64_MAX)
        return;
    time_format(when, text);
    cJSON_AddStringToObject(filter, name, text);
}

static cJSON *filter_json(const struct export_wish *wish)
{
    cJSON *filter = cJSON_CreateObject();

    moment_add(filter, "since", wish->since);
    moment_add(filter, "until", wish->until);
    if (wish->event != NULL)
        cJSON_AddStringToObject(filter, "event", wish->event);
    if (wish->zone != NULL)
        cJSON_AddStringToObject(filter, "zone", wish->zone);
    return filter;
}

void export_rows_add(cJSON *object, const struct export_report *report)
{
    cJSON_AddNumberToObject(object, "rows", (double)report->rows);
    if (report->rows > 0) {
        cJSON_AddNumberToObject(object, "first_index", (double)report->first);
        cJSON_AddNumberToObject(object, "last_index", (double)report->last);
    }
    cJSON_AddNumberToObject(object, "bytes", (double)report->bytes);
    cJSON_AddStringToObject(object, "sha256", report->sha256);
    cJSON_AddNumberToObject(object, "records_behind_checkpoint", (double)report->left_out);
    cJSON_AddNumberToObject(object, "checkpoint_size", (double)report->checkpoint_size);
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static void what_add(cJSON *object, const struct export_job *job)
{
    cJSON_AddStringToObject(object, "file", name_of(job->rows.path));
    cJSON_AddStringToObject(object, "format", export_format_name(job->wish.format));
    cJSON_AddItemToObject(object, "filter", filter_json(&job->wish));
}

/* The caller's. It is signed by the record that names its digest, if it says `receipt`. */
static cJSON *manifest_json(const struct export_job *job, const struct err *err)
{
    cJSON *manifest = cJSON_CreateObject();
    bool sign = job->receipt.path != NULL;

    cJSON_AddNumberToObject(manifest, "georder_export", 1);
    cJSON_AddBoolToObject(manifest, "complete", err->result == RESULT_OK);
    cJSON_AddStringToObject(manifest, "origin", audit_verb_origin(job->call));
    what_add(manifest, job);
    if (err->result != RESULT_OK)
        return manifest;
    export_rows_add(manifest, &job->report);
    cJSON_AddStringToObject(manifest, "checkpoint", buf_text(&job->report.note));
    cJSON_AddStringToObject(manifest, "key", job->report.kid);
    cJSON_AddBoolToObject(manifest, "key_trusted", job->wish.kid != NULL);
    cJSON_AddBoolToObject(manifest, "signed", sign);
    if (sign)
        cJSON_AddStringToObject(manifest, "receipt", name_of(job->receipt.path));
    return manifest;
}

/* Rows are on the disk before the manifest vouches for them; a failed export has one that says so.
 */
enum result manifest_write(struct export_job *job, struct err *err)
{
    struct err second = {0};
    cJSON *manifest;

    if (job->manifest.path == NULL)
        return err->result;
    if (err->result == RESULT_OK && fsync(job->rows.fd) != 0)
        (void)err_errno(err, RESULT_INTERNAL, "%s: cannot flush", job->rows.path);
    manifest = manifest_json(job, err);
    json_put_pretty(&job->manifest_text, manifest);
    buf_putc(&job->manifest_text, '\n');
    output_add(&job->call->session->output, "manifest", manifest);
    if (out_file_write(&job->manifest, &job->manifest_text, &second) != RESULT_OK &&
        err->result == RESULT_OK)
        *err = second;
    return err->result;
}

static cJSON *detail_json(const struct export_job *job)
{
    cJSON *detail = cJSON_CreateObject(), *part = cJSON_AddObjectToObject(detail, "export");
    char digest[SHA256_HEX_LEN + 1];

    sha256_hex(buf_text(&job->manifest_text), job->manifest_text.len, digest);
    what_add(part, job);
    export_rows_add(part, &job->report);
    cJSON_AddStringToObject(part, "manifest_sha256", digest);
    cJSON_AddItemToObject(detail, "sandbox", sandbox_part(job->call->session, NULL));
    return detail;
}

static enum result record(const struct export_job *job, struct err *err)
{
    struct session *session = job->call->session;
    struct audit_event event = event_of(session, "log.exported", "georder audit export");
    AUTO_BUF message = BUF_INIT(128);

    buf_printf(&message, "%llu records were exported as %s", (unsigned long long)job->report.rows,
               export_format_name(job->wish.format));
    event.activity = 2; /* Read */
    event.status = 1;
    event.message = buf_text(&message);
    if (session_audit(session, err) != RESULT_OK)
        return err->result;
    return event_append(session, &event, detail_json(job), NULL, NULL, err);
}

enum result manifest_sign(struct export_job *job, struct err *err)
{
    struct session *session = job->call->session;
    AUTO_BUF receipt = BUF_INIT(AUDIT_RECEIPT_MAX);

    if (record(job, err) != RESULT_OK)
        return err_prefix(err, "the export is whole, but its manifest is not signed");
    output_add(&session->output, "record", cJSON_CreateNumber((double)session->last_record));
    if (audit_prove(session->audit_fd, audit_verb_origin(job->call), job->wish.kid,
                    (uint64_t)session->last_record, &receipt, err) != RESULT_OK ||
        out_file_write(&job->receipt, &receipt, err) != RESULT_OK)
        return err_prefix(err, "record %lld signs the manifest, but has no receipt beside it yet",
                          (long long)session->last_record);
    return RESULT_OK;
}
