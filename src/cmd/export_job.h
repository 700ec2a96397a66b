/* `georder audit export`, from its options to the last byte: what its files share. */
#ifndef GEORDER_EXPORT_JOB_H
#define GEORDER_EXPORT_JOB_H

#include "audit_verb.h"
#include "out_file.h"

enum { EXPORT_FORMAT = AUDIT_OWN, SINCE, UNTIL, EVENT, ZONE, OUT, KEY, SIGN, TO, TO_CA };

#define MANIFEST_MAX     (256 * KIB)
#define MANIFEST_SUFFIX  ".manifest.json"
#define MANIFEST_RECEIPT ".manifest.tlog-proof"

struct export_job {
    struct verb_call *call;
    struct export_wish wish;
    struct export_report report;
    struct out_file rows, manifest, receipt; /* those that were not asked for are not there */
    struct buf manifest_path, receipt_path, manifest_text;
};
#define EXPORT_JOB_INIT                                                                            \
    {                                                                                              \
        .rows = OUT_FILE_INIT, .manifest = OUT_FILE_INIT, .receipt = OUT_FILE_INIT,                \
        .manifest_path = BUF_INIT(PATH_MAX), .receipt_path = BUF_INIT(PATH_MAX),                   \
        .manifest_text = BUF_INIT(MANIFEST_MAX)                                                    \
    }
#define AUTO_EXPORT_JOB __attribute__((cleanup(export_job_free))) struct export_job
void export_job_free(struct export_job *job);

/* FILE, FILE.manifest.json and, to sign, FILE.manifest.tlog-proof: all, or none. */
MUST_USE enum result manifest_files_make(struct export_job *job, struct err *err);
/* Says of the rows what became of them: err, which stays. */
enum result manifest_write(struct export_job *job, struct err *err);
/* Appends log.exported, and writes that record's receipt. */
MUST_USE enum result manifest_sign(struct export_job *job, struct err *err);

/* --to: the syslog server, and what the connection to it has come to. */
struct syslog_stream {
    char host[256];
    struct net_request request;
    struct exchange exchange;
    int rows; /* the pipe */
};
#define SYSLOG_STREAM_INIT                                                                         \
    {                                                                                              \
        .exchange = EXCHANGE_INIT, .rows = -1                                                      \
    }
#define AUTO_SYSLOG_STREAM __attribute__((cleanup(syslog_stream_free))) struct syslog_stream
void syslog_stream_free(struct syslog_stream *stream);

/* Before the lock: reads --to and --to-ca, and starts georder-net. */
MUST_USE enum result syslog_stream_prepare(struct verb_call *call, struct syslog_stream *stream,
                                           struct err *err);
/* Behind it: all of the export. */
MUST_USE enum result syslog_stream_run(struct export_job *job, struct syslog_stream *stream,
                                       struct err *err);
/* The numbers of an export, into an object. */
void export_rows_add(cJSON *object, const struct export_report *report);

#endif
