/* Takes the checked lines in their order, and comes to the verdict. */
#ifndef GEORDER_AUDIT_JUDGE_H
#define GEORDER_AUDIT_JUDGE_H

#include "finding.h"
#include "succession.h"

struct judge {
    const char *origin, *kid; /* kid NULL: whichever keys the log has */
    const struct snapshot *snapshot;
    const struct keyring *ring;
    struct checkpoint from; /* that was kept; size 0: none */
    uint64_t hashed;        /* so many first lines come with their hashes alone */
    struct audit_report *report;
    bool decided; /* by a line: the first fault counts */

    enum note_status note;
    struct checkpoint checkpoint;
    bool root_fits, from_fits;

    struct hasher sha256;
    struct tree tree;
    uint8_t last_hash[SHA256_LEN];
    struct succession keys; /* with hashed: those up to there */
    uint64_t repairs;
    uint64_t last_time; /* 0: not known */
    struct intents intents;

    /* Of a line that is not where its own number says. */
    bool displaced;
    uint64_t sequence;
    uint8_t hash[SHA256_LEN];
};

MUST_USE enum result judge_open(struct judge *judge, struct err *err);
void judge_close(struct judge *judge);
void judge_line(struct judge *judge, const struct line_facts *facts, bool misnamed);
/* After the last line, or the first fault. */
MUST_USE enum result judge_conclude(struct judge *judge, enum reader_end end, uint64_t rest,
                                    struct err *err);

#endif
