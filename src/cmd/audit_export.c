#include "export_job.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"

static const char help[] =
    "usage: georder audit export --format FORMAT [--since T] [--until T] [--event NAME]\n"
    "                            [--zone ZONE] [--out FILE [--sign]] [--key THUMBPRINT]\n"
    "       georder audit export --format syslog --to HOST:PORT [--to-ca FILE] ...\n"
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
    "                            and checkpoint; else the rows go to stdout\n"
    "  --sign                    with the audit key: record log.exported, which holds the SHA-256 "
    "of\n"
    "                            both files, and its receipt FILE.manifest.tlog-proof; check them "
    "by\n"
    "                            georder audit verify --manifest "
    "FILE.manifest.json\n"
    "  --to HOST:PORT            to a syslog server over TLS (RFC 5425), each message with the "
    "signed\n"
    "                            record; nothing acknowledges them, so that it proves nothing\n"
    "  --to-ca FILE              the CAs to trust for it, PEM; else the system's\n" AUDIT_PLACE_HELP
    "  --key THUMBPRINT          the RFC 7638 thumbprint of a key to trust\n"
    "  --config FILE  --json (with --out: the manifest)  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 exported, 6 the server is not the one named, 7 not reached, 8 the connection broke,\n"
    "9 key trouble (--sign), 10 the log is not good, or cannot be read\n";

static const struct option own[] = {AUDIT_PLACE,
                                    {"format", required_argument, NULL, EXPORT_FORMAT},
                                    {"since", required_argument, NULL, SINCE},
                                    {"until", required_argument, NULL, UNTIL},
                                    {"event", required_argument, NULL, EVENT},
                                    {"zone", required_argument, NULL, ZONE},
                                    {"out", required_argument, NULL, OUT},
                                    {"key", required_argument, NULL, KEY},
                                    {"sign", no_argument, NULL, SIGN},
                                    {"to", required_argument, NULL, TO},
                                    {"to-ca", required_argument, NULL, TO_CA},
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

static enum result format_take(const struct verb_call *call, struct export_wish *wish,
                               struct err *err)
{
    const char *name = audit_verb_value(call, EXPORT_FORMAT);

    wish->format = name != NULL ? export_format_named(name) : EXPORT_FORMATS;
    if (wish->format == EXPORT_FORMATS)
        return err_set(err, RESULT_USAGE,
                       "--format: say jsonl, ocsf, csv, cef, leef, syslog or otlp");
    if (call->session->options.json && audit_verb_value(call, OUT) == NULL &&
        audit_verb_value(call, TO) == NULL)
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
        audit_verb_moment(call, SINCE, "since", &wish->since, err) != RESULT_OK ||
        audit_verb_moment(call, UNTIL, "until", &wish->until, err) != RESULT_OK)
        return err->result;
    if (wish->since >= wish->until)
        return err_set(err, RESULT_USAGE, "--since must be before --until");
    return RESULT_OK;
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

/* The audit key is opened before the lock, as for an order. */
static enum result key_open(struct verb_call *call, struct err *err)
{
    struct session *session = call->session;

    if (audit_verb_value(call, SIGN) == NULL)
        return audit_verb_open(call, err);
    if (audit_verb_value(call, OUT) == NULL || audit_verb_value(call, AUDIT_DIRECTORY) != NULL)
        return err_set(err, RESULT_USAGE,
                       "--sign needs --out FILE, and a config that names the "
                       "audit key: not --directory");
    if (session_config(session, err) != RESULT_OK || session_directory(session, err) != RESULT_OK)
        return err->result;
    return keys_start(&session->keys, &session->config, true, err);
}

static enum result rows_export(struct export_job *job, struct err *err)
{
    struct session *session = job->call->session;

    job->wish.kid = audit_verb_key(job->call, KEY);
    if (audit_export(session->audit_fd, audit_verb_origin(job->call), &job->wish, &job->report,
                     err) != RESULT_OK) {
        (void)manifest_write(job, err);
        return err->result;
    }
    if (manifest_write(job, err) == RESULT_OK)
        tell(&session->output, &job->wish, &job->report);
    return err->result;
}

static enum result run(struct verb_call *call, struct err *err)
{
    struct target target = {"standard output", STDOUT_FILENO};
    AUTO_EXPORT_JOB job = EXPORT_JOB_INIT;
    AUTO_SYSLOG_STREAM stream = SYSLOG_STREAM_INIT;
    bool sign = audit_verb_value(call, SIGN) != NULL;

    job.call = call;
    job.wish = (struct export_wish){.write = target_write, .context = &target};
    if (wish_take(call, &job.wish, err) != RESULT_OK || key_open(call, err) != RESULT_OK ||
        syslog_stream_prepare(call, &stream, err) != RESULT_OK ||
        manifest_files_make(&job, err) != RESULT_OK)
        return err->result;
    if (job.rows.path != NULL)
        target = (struct target){job.rows.path, job.rows.fd};
    if (guard_lock_main(call->session->audit_fd, sign, err) != RESULT_OK)
        return err->result;
    if (stream.request.port != 0)
        return syslog_stream_run(&job, &stream, err);
    if ((sign && session_ready(call->session, err) != RESULT_OK) ||
        rows_export(&job, err) != RESULT_OK)
        return err->result;
    return sign ? manifest_sign(&job, err) : RESULT_OK;
}

const struct verb audit_export_verb = {"export", help, own, 0, run};
