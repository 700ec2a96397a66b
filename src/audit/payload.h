/* What the log itself must know of a record's payload. */
#ifndef GEORDER_AUDIT_PAYLOAD_H
#define GEORDER_AUDIT_PAYLOAD_H

#include "note.h"

#define ORDER_ID_MAX 63

enum record_kind { RECORD_OTHER, RECORD_INTENT, RECORD_OUTCOME, RECORD_REPAIR };

struct payload {
    uint64_t sequence;
    uint8_t previous[SHA256_LEN];
    enum record_kind kind;
    char order_id[ORDER_ID_MAX + 1]; /* "" when there is none */
    char origin[ORIGIN_MAX + 1];
    char body_file[SHA256_HEX_LEN + 1]; /* "" when there is none */
};

/* text is followed by a NUL. False: not a record of a log. Reads the compact form that the log
 * writes in one pass; anything unusual goes to the strict parser, which decides. */
MUST_USE bool payload_read(const char *text, size_t len, struct payload *out);

/* The two ways, for tests. payload_scan: -1 when it leaves the decision to the parser. */
int payload_scan(const char *text, size_t len, struct payload *out);
MUST_USE bool payload_parse(const char *text, size_t len, struct payload *out);

#endif
