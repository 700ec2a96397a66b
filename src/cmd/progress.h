/*
 * How far a long work is: a line on standard error, drawn over again, and gone at the end. Only on
 * a terminal, and not with NO_COLOR, --quiet or --json.
 */
#ifndef GEORDER_PROGRESS_H
#define GEORDER_PROGRESS_H

#include "output.h"

struct progress {
    bool shown, drawn;
    int64_t start, next; /* of the monotonic clock */
    const char *what;    /* is counted, say "records" */
};
#define AUTO_PROGRESS __attribute__((cleanup(progress_end))) struct progress

void progress_start(struct progress *progress, const struct output *output, const char *what);
/* As often as one likes; total 0: not known. context: the struct progress. */
void progress_step(void *context, uint64_t done, uint64_t total);
void progress_end(struct progress *progress);

#endif
