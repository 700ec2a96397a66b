/* `audit report --bundle`: one POSIX tar (ustar) of all that an auditor needs, by libarchive. The
 * same files give the same bytes: no owner, no time, one order. */
#ifndef GEORDER_BUNDLE_H
#define GEORDER_BUNDLE_H

#include "audit.h"
#include "out_file.h"

struct archive;

struct bundle {
    struct archive *tar; /* owned */
    const struct out_file *file;
    struct buf sums; /* SHA256SUMS, as sha256sum(1) checks it; owned */
};
#define BUNDLE_INIT                                                                                \
    {                                                                                              \
        .sums = BUF_INIT(64 * 1024 * 1024)                                                         \
    }
#define AUTO_BUNDLE __attribute__((cleanup(bundle_close))) struct bundle

/* file: made, not written to yet. */
MUST_USE enum result bundle_begin(struct bundle *bundle, const struct out_file *file,
                                  struct err *err);
/* An audit_file: context is the bundle. */
MUST_USE enum result bundle_add(void *context, const struct audit_part *part, struct err *err);
/* Adds SHA256SUMS; then all is on the disk. */
MUST_USE enum result bundle_end(struct bundle *bundle, struct err *err);
void bundle_close(struct bundle *bundle);

#endif
