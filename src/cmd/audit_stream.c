/*
 * `export --to`: syslog messages to a server over TLS (RFC 5425), by georder-net. Syslog has no
 * acknowledgement: whatever is said here of what was sent, nobody can say that it was received.
 */
#include <stdio.h>
#include <string.h>

#include "export_job.h"
#include "guard.h"

#define CONNECT_MS (10 * 1000)
#define TOTAL_MS   (60 * 60 * 1000)

void syslog_stream_free(struct syslog_stream *stream)
{
    fd_close(&stream->rows);
    exchange_free(&stream->exchange);
}

/* "host:6514", "192.0.2.1:6514" or "[2001:db8::1]:6514". */
static bool server_split(const char *text, struct syslog_stream *stream)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : 0;
    bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';
    int64_t port;

    if (bracketed) {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof stream->host || !number_parse(colon + 1, UINT16_MAX, &port) ||
        port == 0 || (memchr(text, ':', len) != NULL) != bracketed)
        return false;
    memcpy(stream->host, text, len);
    stream->request.port = (uint32_t)port;
    return true;
}

static enum result words_check(const struct verb_call *call, struct err *err)
{
    const char *format = audit_verb_value(call, EXPORT_FORMAT);

    if (format == NULL || strcmp(format, "syslog") != 0)
        return err_set(err, RESULT_USAGE, "--to: only with --format syslog");
    if (audit_verb_value(call, OUT) != NULL)
        return err_set(err, RESULT_USAGE, "--to and --out exclude each other");
    return RESULT_OK;
}

enum result syslog_stream_prepare(struct verb_call *call, struct syslog_stream *stream,
                                  struct err *err)
{
    const char *to = audit_verb_value(call, TO), *ca = audit_verb_value(call, TO_CA);
    struct session *session = call->session;

    if (to == NULL)
        return ca == NULL ? RESULT_OK
                          : err_set(err, RESULT_USAGE, "--to-ca: only with --to HOST:PORT");
    if (words_check(call, err) != RESULT_OK)
        return err->result;
    if (!server_split(to, stream))
        return err_set(err, RESULT_USAGE, "--to: write HOST:PORT, say siem.example.com:6514");
    stream->request.host = stream->host;
    stream->request.connect_ms = CONNECT_MS;
    stream->request.total_ms = TOTAL_MS;
    if (ca != NULL && guard_read(ca, GUARD_PUBLIC, RESULT_USAGE, &session->trust, err) != RESULT_OK)
        return err->result;
    if (net_start(&session->net, err) != RESULT_OK)
        return err->result;
    return net_trust(&session->net, &session->trust, err);
}

static enum result nowhere_write(void *context, const void *bytes, size_t len, struct err *err)
{
    (void)context;
    (void)bytes;
    (void)len;
    (void)err;
    return RESULT_OK;
}

static enum result export(struct export_job *job, const struct export_wish *wish, struct err *err) {
    buf_free(&job->report.note);
    return audit_export(job->call->session->audit_fd, audit_verb_origin(job->call), wish,
                        &job->report, err);
}

/* What was sent cannot be taken back: the whole log is held against its checkpoint first. */
static enum result log_check(struct export_job *job, struct err *err)
{
    struct export_wish wish = {
        .format = EXPORT_JSONL, .kid = job->wish.kid, .until = INT64_MAX, .write = nowhere_write};

    return export(job, &wish, err);
}

static enum result stream_write(void *context, const void *bytes, size_t len, struct err *err)
{
    const struct syslog_stream *stream = context;

    return file_write(stream->rows, "the connection", bytes, len, err);
}

/* Of rows that were made, some may still have been in the pipe. */
static enum result broken(const struct export_job *job, const struct exchange *exchange,
                          struct err *err)
{
    const struct export_report *report = &job->report;

    if (exchange->outcome == NET_UNSENT || report->rows == 0)
        return err_set(err, exchange->why.result, "%s: no record was sent", exchange->why.text);
    return err_set(err, exchange->why.result,
                   "%s: no record after %llu was sent; whether any of records %llu to %llu was "
                   "received is not known, for syslog has no acknowledgement: export them again",
                   exchange->why.text, (unsigned long long)report->last,
                   (unsigned long long)report->first, (unsigned long long)report->last);
}

static void tell(const struct export_job *job, const struct syslog_stream *stream)
{
    struct output *output = &job->call->session->output;
    cJSON *sent = cJSON_CreateObject();

    note(output,
         "%llu rows of %llu records were handed to TLS for %s port %u; syslog has no "
         "acknowledgement, so that this is no proof that they were received\n",
         (unsigned long long)job->report.rows, (unsigned long long)job->report.checkpoint_size,
         stream->host, stream->request.port);
    export_rows_add(sent, &job->report);
    cJSON_AddStringToObject(sent, "host", stream->host);
    cJSON_AddNumberToObject(sent, "port", stream->request.port);
    cJSON_AddBoolToObject(sent, "acknowledged", false);
    output_add(output, "sent", sent);
}

/* The log's own fault comes first; that the pipe was closed is net's to explain. */
static enum result conclude(struct export_job *job, struct syslog_stream *stream, struct err *err)
{
    struct exchange *exchange = &stream->exchange;

    fd_close(&stream->rows);
    net_stream_end(&job->call->session->net, &stream->request, exchange);
    if (err->result == RESULT_AUDIT)
        return err->result;
    if (exchange->outcome != NET_ANSWERED)
        return broken(job, exchange, err);
    if (err->result == RESULT_OK)
        tell(job, stream);
    return err->result;
}

enum result syslog_stream_run(struct export_job *job, struct syslog_stream *stream, struct err *err)
{
    job->wish.framed = true;
    job->wish.write = stream_write;
    job->wish.context = stream;
    job->wish.kid = audit_verb_key(job->call, KEY);
    if (log_check(job, err) != RESULT_OK ||
        net_stream(&job->call->session->net, &stream->request, &stream->rows, &stream->exchange,
                   err) != RESULT_OK)
        return err->result;
    (void)export(job, &job->wish, err);
    return conclude(job, stream, err);
}
