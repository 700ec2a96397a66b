/* `audit report --bundle FILE.tar`: what goes in beside the log's own files. */
#ifndef GEORDER_AUDIT_BUNDLE_H
#define GEORDER_AUDIT_BUNDLE_H

#include "audit_verb.h"
#include "out_file.h"

struct audit_bundle {
    struct out_file file;
    struct buf policy; /* the config's, as it is now; empty: no config was read */
};
#define AUDIT_BUNDLE_INIT                                                                          \
    {                                                                                              \
        .file = OUT_FILE_INIT, .policy = BUF_INIT(POLICY_MAX)                                      \
    }
#define AUTO_AUDIT_BUNDLE __attribute__((cleanup(audit_bundle_free))) struct audit_bundle

/* Before the lock. path NULL: nothing is done, here and below. */
MUST_USE enum result audit_bundle_make(struct verb_call *call, const char *path,
                                       struct audit_bundle *out, struct err *err);
/* Behind it. page: whole, and open for reading too. */
MUST_USE enum result audit_bundle_write(struct verb_call *call, struct audit_bundle *bundle,
                                        const struct out_file *page, struct err *err);
void audit_bundle_free(struct audit_bundle *bundle);

#endif
