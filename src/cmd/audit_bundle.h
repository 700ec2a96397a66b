/* `audit report --bundle FILE.tar`: what goes in beside the log's own files. */
#ifndef GEORDER_AUDIT_BUNDLE_H
#define GEORDER_AUDIT_BUNDLE_H

#include "audit_verb.h"
#include "out_file.h"

/* Behind the lock, into a file that was made before; without a path nothing is done. page: whole,
 * and open for reading too. */
MUST_USE enum result audit_bundle_write(struct verb_call *call, struct out_file *to,
                                        const struct out_file *page, struct err *err);

#endif
