/*
 * The log for other tools, a row a record, read once in constant memory. While it is read the tree
 * is made anew; that its root is the checkpoint's, and the checkpoint signed, shows that all rows
 * tell of the very records that were signed. Formats: georder-audit(5).
 */
#ifndef GEORDER_AUDIT_EXPORT_H
#define GEORDER_AUDIT_EXPORT_H

#include "base.h"

enum export_format {
    EXPORT_JSONL, /* the signed lines */
    EXPORT_OCSF,  /* the events */
    EXPORT_CSV,   /* this and all below: unsigned, and not whole */
    EXPORT_CEF,
    EXPORT_LEEF,
    EXPORT_SYSLOG,
    EXPORT_OTLP,
    EXPORT_FORMATS
};
const char *export_format_name(enum export_format format);
/* EXPORT_FORMATS: there is none of this name. */
enum export_format export_format_named(const char *name);

/* What to export, and where to. Everything is borrowed. */
struct export_wish {
    enum export_format format;
    const char *kid;          /* the only key to trust, or NULL */
    int64_t since, until;     /* Unix ms; until is not in it */
    const char *event, *zone; /* NULL: any */
    bool framed;              /* of syslog: as RFC 5425 wants it, see export_row.h */
    enum result (*write)(void *context, const void *bytes, size_t len, struct err *err);
    void *context;
};

struct export_report {
    uint64_t rows, first, last; /* indexes of records; without rows 0 */
    uint64_t bytes;
    char sha256[SHA256_HEX_LEN + 1]; /* of the bytes */
    uint64_t checkpoint_size;
    uint64_t left_out; /* records behind the checkpoint: not in it, whatever the filter */
    char kid[44];      /* the key that signed the checkpoint */
    struct buf note;   /* the checkpoint's file; the caller frees it */
};

/* RESULT_AUDIT: there is no good checkpoint, or the records are not its: believe nothing that was
 * written. */
MUST_USE enum result audit_export(int dirfd, const char *origin, const struct export_wish *wish,
                                  struct export_report *report, struct err *err);

#endif
