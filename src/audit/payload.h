/* What the log itself must know of a record's payload. */
#ifndef GEORDER_AUDIT_PAYLOAD_H
#define GEORDER_AUDIT_PAYLOAD_H

#include "note.h"

#define ORDER_ID_MAX 63
#define EVENT_MAX    64

enum record_kind { RECORD_OTHER, RECORD_INTENT, RECORD_OUTCOME, RECORD_REPAIR, RECORD_ROTATION };

struct payload {
    uint64_t sequence;
    uint8_t previous[SHA256_LEN];
    enum record_kind kind;
    uint64_t time; /* metadata.logged_time, Unix ms; 0: not there */
    char event[EVENT_MAX + 1];
    char order_id[ORDER_ID_MAX + 1]; /* "" when there is none */
    char origin[ORIGIN_MAX + 1];
    char body_file[SHA256_HEX_LEN + 1]; /* "" when there is none */
};

/*
 * text64: the base64url of a payload; room: for decoding. False: not a record of a log.
 * Records begin with all of the above, in one shape, and only so much is decoded and read as long
 * as the shape is exactly that: the signer signs nothing but strict JSON without duplicate names,
 * so a signed record has no other values of these names further on. Whatever has another shape
 * goes, whole, to the strict parser.
 */
MUST_USE bool payload_read(const char *text64, size_t len, struct buf *room, struct payload *out);

/* The two ways, for tests. text is followed by a NUL. */
MUST_USE bool payload_scan(const char *text, size_t len, struct payload *out);
MUST_USE bool payload_parse(const char *text, size_t len, struct payload *out);

#endif
