/*
 * The page of `audit report`: one file of HTML that carries records, checkpoint and keys, and a
 * script that verifies them in a browser before it shows them. Written in constant memory. Nothing
 * but that script makes text of records into a page: here they are base64url in a data block.
 */
#ifndef GEORDER_AUDIT_REPORT_H
#define GEORDER_AUDIT_REPORT_H

#include "base.h"

/* What to put in, and where to. Everything is borrowed. */
struct report_wish {
    const char *kid;      /* the only key to trust, or NULL */
    int64_t since, until; /* Unix ms; until is not in it */
    int64_t made;         /* Unix ms */
    const cJSON *said;    /* an object: what verify said, anchors; its members go into the page */
    enum result (*write)(void *context, const void *bytes, size_t len, struct err *err);
    void *context;
};

struct report_facts {
    uint64_t first, last; /* records in the page: also those between that are of another time */
    uint64_t size;        /* of the checkpoint */
    char kid[44];         /* that signed it */
    char sha256[SHA256_HEX_LEN + 1]; /* of the page */
};

/* RESULT_USAGE: no record is of this time. RESULT_AUDIT: there is no good checkpoint, or the
 * records are not its: believe nothing that was written. Checks no record's signature. */
MUST_USE enum result audit_page(int dirfd, const char *origin, const struct report_wish *wish,
                                struct report_facts *facts, struct err *err);

/* report_verify.js and report_show.js; report.css: as they stand in the sources. */
extern const unsigned char report_script[], report_style[];
extern const size_t report_script_len, report_style_len;

#endif
