/* One record on its way into another format. The formats are pure: a row in, bytes out. */
#ifndef GEORDER_AUDIT_EXPORT_ROW_H
#define GEORDER_AUDIT_EXPORT_ROW_H

#include "export.h"

struct export_row {
    /* By which it is found in the log again. */
    const char *origin;
    uint64_t index, checkpoint_size;
    char leaf[SHA256_HEX_LEN + 1]; /* RFC 6962 hash of the line */
    const char *line;              /* the record, without newline */
    size_t len;

    /* Of its event; borrowed from `payload`. Texts that it does not have are "". All of this is
     * unset when only the line is asked for. */
    cJSON *payload;            /* the OCSF format adds its trace to it */
    int64_t time;              /* Unix ms */
    int severity, http_status; /* OCSF severity_id; 0: none */
    const char *event, *uid, *order, *message, *status, *activity, *operation, *actor, *actor_uid,
        *host, *zone, *zone_id, *url, *peer;
};

void export_row_read(struct export_row *row, cJSON *payload);

/* What stands before the first row. */
void export_head(struct buf *out, enum export_format format);
/* One row, with its end of line. */
void export_put(struct buf *out, enum export_format format, const struct export_row *row);

void export_jsonl(struct buf *out, const struct export_row *row);
void export_ocsf(struct buf *out, const struct export_row *row);
void export_csv_head(struct buf *out);
void export_csv(struct buf *out, const struct export_row *row);
void export_cef(struct buf *out, const struct export_row *row);
void export_leef(struct buf *out, const struct export_row *row);
void export_syslog(struct buf *out, const struct export_row *row);
/* A frame of RFC 5425: the length of a message, and the message. That holds the signed record as it
 * stands in the log; is it then longer than FRAME_MAX, what export_syslog() has of it; and if even
 * that is longer, its trace alone. */
#define FRAME_MAX 8192 /* octets of a message that a receiver should take: RFC 5425 4.3.1 */
void export_syslog_frame(struct buf *out, const struct export_row *row);
void export_otlp(struct buf *out, const struct export_row *row);

/* Text from outside on one line, as text_escape() makes it, and not more than EXPORT_FIELD bytes of
 * it: receivers cut or drop what is longer, and the record has the rest. */
#define EXPORT_FIELD     1000
#define EXPORT_CUT       "[cut]"
#define EXPORT_CLEAN_MAX (16 * 1024)   /* bytes of one such text, escaped */
#define EXPORT_JSON_MAX  (1024 * 1024) /* of a row that is JSON: six for each of a record */
void export_clean(struct buf *out, const char *from);
/* The same, with `mark` before each byte that is among `special`. */
void export_clean_escaped(struct buf *out, const char *from, const char *special, char mark);
/* A name of letters, digits, ".", "-" and "_", of at most `max` bytes: others become "_"; "-" for
 * an empty one. */
void export_clean_name(struct buf *out, const char *from, size_t max);

#endif
