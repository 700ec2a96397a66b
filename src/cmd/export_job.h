/* `georder audit export`, from its options to the last byte: what its files share. */
#ifndef GEORDER_EXPORT_JOB_H
#define GEORDER_EXPORT_JOB_H

#include "audit_verb.h"
#include "out_file.h"

enum { EXPORT_FORMAT = AUDIT_OWN, SINCE, UNTIL, EVENT, ZONE, OUT, KEY, SIGN };

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

#endif
