/* One record of many, without reading those before it. */
#ifndef GEORDER_AUDIT_FIND_H
#define GEORDER_AUDIT_FIND_H

#include "line.h"
#include "segment.h"

/* The line that says it is this record, without its newline, by halving its segment. Whether it is,
 * a proof tells. RESULT_USAGE: the log has no such record. */
MUST_USE enum result record_find(const struct snapshot *snapshot, uint64_t index, struct buf *line,
                                 struct err *err);

#endif
