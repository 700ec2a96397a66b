#include "audit_verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"

enum { FORMAT = AUDIT_OWN, SINCE, UNTIL, EVENT, ZONE, OUT, KEY };

static const char help[] =
    "usage: georder audit export --format FORMAT [--since T] [--until T] [--event NAME]\n"
    "                            [--zone ZONE] [--out FILE] [--key THUMBPRINT]\n"
    "\n"
    "A row a record, for other tools. FORMAT is jsonl (the signed records), ocsf (the events), "
    "csv,\n"
    "cef, leef, syslog or otlp. Each row names its record: origin, index, leaf hash, size of the\n"
    "checkpoint. All records are held against the checkpoint, and its signature is checked: when\n"
    "that fails, the exit code is 10 and the rows are worth nothing.\n"
    "\n"
    "  --since T  --until T      2026-11-01 or 2026-11-01T08:00:00Z; until is not included\n"
    "  --event NAME              say order.denied\n"
    "  --zone ZONE               say example.com\n"
    "  --out FILE                a new file, and FILE.manifest.json beside it, with rows, SHA-256\n"
    "                            and checkpoint; else the rows go to stdout\n" AUDIT_PLACE_HELP
    "  --key THUMBPRINT          the RFC 7638 thumbprint of the only key to trust\n"
    "  --config FILE  --json (with --out: the manifest)  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 exported, 10 the log is not good, or cannot be read\n";

static const struct option own[] = {AUDIT_PLACE,
                                    {"format", required_argument, NULL, FORMAT},
                                    {"since", required_argument, NULL, SINCE},
                                    {"until", required_argument, NULL, UNTIL},
                                    {"event", required_argument, NULL, EVENT},
                                    {"zone", required_argument, NULL, ZONE},
                                    {"out", required_argument, NULL, OUT},
                                    {"key", required_argument, NULL, KEY},
                                    {NULL, 0, NULL, 0}};

struct target {
    const char *name; /* for errors */
    int fd;
};

static enum result target_write(void *context, const void *bytes, size_t len, struct err *err)
{
    const struct target *target = context;

    return file_write(target->fd, target->name, bytes, len, err);
}

/* A day is its first moment. */
static enum result moment(const struct verb_call *call, int option, const char *name, int64_t *out,
                          struct err *err)
{
    const char *text = audit_verb_value(call, option);
    char whole[RFC3339_LEN + 1];

    if (text == NULL || time_parse(text, out))
        return RESULT_OK;
    (void)snprintf(whole, sizeof whole, "%.10sT00:00:00Z", text);
    if (strlen(text) == strlen("2026-11-01") && time_parse(whole, out))
        return RESULT_OK;
    return err_set(err, RESULT_USAGE, "--%s: write 2026-11-01 or 2026-11-01T08:00:00Z", name);
}

static enum result format_take(const struct verb_call *call, struct export_wish *wish,
                               struct err *err)
{
    const char *name = audit_verb_value(call, FORMAT);

    wish->format = name != NULL ? export_format_named(name) : EXPORT_FORMATS;
    if (wish->format == EXPORT_FORMATS)
        return err_set(err, RESULT_USAGE,
                       "--format: say jsonl, ocsf, csv, cef, leef, syslog or otlp");
    if (call->session->options.json && audit_verb_value(call, OUT) == NULL)
        return err_set(err, RESULT_USAGE,
                       "--json prints the manifest, so the rows need --out FILE");
    return RESULT_OK;
}

static enum result wish_take(const struct verb_call *call, struct export_wish *wish,
                             struct err *err)
{
    wish->until = INT64_MAX;
    wish->event = audit_verb_value(call, EVENT);
    wish->zone = audit_verb_value(call, ZONE);
    if (format_take(call, wish, err) != RESULT_OK ||
        moment(call, SINCE, "since", &wish->since, err) != RESULT_OK ||
        moment(call, UNTIL, "until", &wish->until, err) != RESULT_OK)
        return err->result;
    if (wish->since >= wish->until)
        return err_set(err, RESULT_USAGE, "--since must be before --until");
    return RESULT_OK;
}

static enum result file_make(const char *path, int *fd, struct err *err)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd >= 0)
        return RESULT_OK;
    if (errno == EEXIST)
        return err_set(err, RESULT_USAGE, "%s is there already: it is not overwritten", path);
    return err_errno(err, RESULT_USAGE, "--out: %s", path);
}

/* Behind the lock no file can be made, nor be taken away. */
static enum result files_make(const char *path, int *out, int *manifest, struct err *err)
{
    AUTO_BUF name = BUF_INIT(4096);

    if (path == NULL)
        return RESULT_OK;
    buf_printf(&name, "%s.manifest.json", path);
    if (buf_check(&name, "--out", err) != RESULT_OK || file_make(path, out, err) != RESULT_OK)
        return err->result;
    if (file_make(buf_text(&name), manifest, err) != RESULT_OK) {
        (void)unlink(path);
        return err->result;
    }
    return RESULT_OK;
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

static void rows_add(cJSON *manifest, const struct export_report *report)
{
    cJSON_AddNumberToObject(manifest, "rows", (double)report->rows);
    if (report->rows > 0) {
        cJSON_AddNumberToObject(manifest, "first_index", (double)report->first);
        cJSON_AddNumberToObject(manifest, "last_index", (double)report->last);
    }
    cJSON_AddNumberToObject(manifest, "bytes", (double)report->bytes);
    cJSON_AddStringToObject(manifest, "sha256", report->sha256);
    cJSON_AddNumberToObject(manifest, "records_behind_checkpoint", (double)report->left_out);
}

/* The caller's. Only what the checkpoint says in it is signed. */
static cJSON *manifest_json(const struct verb_call *call, const struct export_wish *wish,
                            const struct export_report *report, const struct err *err)
{
    cJSON *manifest = cJSON_CreateObject();
    const char *path = audit_verb_value(call, OUT), *slash = strrchr(path, '/');

    cJSON_AddNumberToObject(manifest, "georder_export", 1);
    cJSON_AddBoolToObject(manifest, "complete", err->result == RESULT_OK);
    cJSON_AddStringToObject(manifest, "file", slash != NULL ? slash + 1 : path);
    cJSON_AddStringToObject(manifest, "format", export_format_name(wish->format));
    cJSON_AddStringToObject(manifest, "origin", audit_verb_origin(call));
    cJSON_AddItemToObject(manifest, "filter", filter_json(wish));
    if (err->result != RESULT_OK)
        return manifest;
    rows_add(manifest, report);
    cJSON_AddNumberToObject(manifest, "checkpoint_size", (double)report->checkpoint_size);
    cJSON_AddStringToObject(manifest, "checkpoint", buf_text(&report->note));
    cJSON_AddStringToObject(manifest, "key", report->kid);
    cJSON_AddBoolToObject(manifest, "key_trusted", wish->kid != NULL);
    cJSON_AddBoolToObject(manifest, "signed", false);
    return manifest;
}

static enum result manifest_write(int fd, const cJSON *manifest, struct err *err)
{
    AUTO_BUF text = BUF_INIT(256 * KIB);

    json_put_pretty(&text, manifest);
    buf_putc(&text, '\n');
    if (buf_check(&text, "manifest", err) != RESULT_OK ||
        file_write(fd, "manifest", buf_text(&text), text.len, err) != RESULT_OK)
        return err->result;
    return fsync(fd) == 0 ? RESULT_OK : err_errno(err, RESULT_INTERNAL, "manifest");
}

/* Rows are on the disk before the manifest vouches for them; a failed export has one that says so.
 */
static enum result conclude(const struct verb_call *call, const struct export_wish *wish,
                            const struct export_report *report, int fd, struct err *err)
{
    const struct target *target = wish->context;
    struct err second = {0};
    cJSON *manifest;

    if (fd < 0)
        return err->result;
    if (err->result == RESULT_OK && fsync(target->fd) != 0)
        (void)err_errno(err, RESULT_INTERNAL, "%s: cannot flush", target->name);
    manifest = manifest_json(call, wish, report, err);
    (void)manifest_write(fd, manifest, err->result == RESULT_OK ? err : &second);
    output_add(&call->session->output, "manifest", manifest);
    return err->result;
}

static void tell(const struct output *output, const struct export_wish *wish,
                 const struct export_report *report)
{
    note(output, "%llu rows of %llu records, SHA-256 %s%s\n", (unsigned long long)report->rows,
         (unsigned long long)report->checkpoint_size, report->sha256,
         wish->kid == NULL ? "; key not compared with one you trust: give --key" : "");
    if (report->left_out > 0)
        note(output, "not exported: %llu records behind the checkpoint; see georder audit verify\n",
             (unsigned long long)report->left_out);
}

static enum result rows_export(struct verb_call *call, struct export_wish *wish, int manifest,
                               struct err *err)
{
    struct export_report report = {0};
    enum result result;

    wish->kid = audit_verb_key(call, KEY);
    result = audit_export(call->session->audit_fd, audit_verb_origin(call), wish, &report, err);
    if (conclude(call, wish, &report, manifest, err) == RESULT_OK && result == RESULT_OK)
        tell(&call->session->output, wish, &report);
    buf_free(&report.note);
    return err->result;
}

static enum result run(struct verb_call *call, struct err *err)
{
    AUTO_FD out = -1, manifest = -1;
    const char *path = audit_verb_value(call, OUT);
    struct target target = {path != NULL ? path : "standard output", STDOUT_FILENO};
    struct export_wish wish = {.write = target_write, .context = &target};

    if (wish_take(call, &wish, err) != RESULT_OK || audit_verb_open(call, err) != RESULT_OK ||
        files_make(path, &out, &manifest, err) != RESULT_OK)
        return err->result;
    if (path != NULL)
        target.fd = out;
    if (guard_lock_main(call->session->audit_fd, false, err) != RESULT_OK)
        return err->result;
    return rows_export(call, &wish, manifest, err);
}

const struct verb audit_export_verb = {"export", help, own, 0, run};
