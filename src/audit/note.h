/* The head of the tree: a C2SP tlog-checkpoint, which is a signed note of three lines. */
#ifndef GEORDER_AUDIT_NOTE_H
#define GEORDER_AUDIT_NOTE_H

#include "key.h"

#define NOTE_MAX   AUDIT_NOTE_MAX
#define ORIGIN_MAX 255

enum note_status {
    NOTE_GOOD,
    NOTE_MALFORMED,
    NOTE_ORIGIN,   /* of another log */
    NOTE_KEY,      /* no signature by a key of the log */
    NOTE_SIGNATURE /* a signature by a key of the log, and it is wrong */
};

struct checkpoint {
    uint64_t size;
    uint8_t root[SHA256_LEN];
    const struct key *key; /* the ring's */
};

MUST_USE enum note_status note_read(const char *note, size_t len, const char *origin,
                                    const struct keyring *ring, struct checkpoint *out);
const char *note_status_text(enum note_status status);
enum audit_verdict note_verdict(enum note_status status);
/* The first line of a note, if it can be the name of a log. */
MUST_USE bool note_origin(const char *note, size_t len, char origin[ORIGIN_MAX + 1]);
/* What a note says that it is of, though it may be signed by nobody; 0 when it does not say. */
uint64_t note_size(const char *note, size_t len);
/* A root as checkpoints write it. */
void root_text(const uint8_t root[SHA256_LEN], char out[64]);
/* C2SP signed-note: not empty, no white space, no plus. */
MUST_USE enum result origin_check(const char *origin, struct err *err);

#endif
