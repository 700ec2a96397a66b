/* RFC 3161, by OpenSSL's TS. */
#ifndef GEORDER_AUDIT_TIMESTAMP_H
#define GEORDER_AUDIT_TIMESTAMP_H

#include "note.h"

/* A response that was kept, over this note, for which its certificate must have been good at the
 * time that it tells. out: kind, verdict, time, by and text are set. */
void timestamp_judge(const struct buf *note, const struct buf *authorities,
                     const struct buf *response, struct anchor *out);

#endif
