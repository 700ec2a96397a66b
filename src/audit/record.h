/* The payload of a record: an OCSF 1.8.0 event of class API Activity (6003). */
#ifndef GEORDER_AUDIT_RECORD_H
#define GEORDER_AUDIT_RECORD_H

#include "audit.h"

struct record_place {
    const char *origin;
    uint64_t index;
    const uint8_t *previous; /* SHA-256 of the line before; zeros for the first */
    const char *body_file;   /* "bodies/<sha256>", or NULL */
    uint64_t last_time;      /* that the record before was made at, Unix ms; 0: not known */
};

/* detail: event->detail, perhaps with the body put in. Checks that it reads back. */
MUST_USE enum result record_build(const struct audit_event *event, const struct record_place *place,
                                  const cJSON *detail, struct buf *out, struct err *err);
/* A copy of detail whose "response" has this "body"; owned by the caller, NULL without memory. */
cJSON *record_with_body(const cJSON *detail, const char *body);

#endif
