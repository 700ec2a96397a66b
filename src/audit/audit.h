/*
 * The append-only log of signed records (DESIGN section 7): RFC 7515 JWS lines whose payload is an
 * OCSF API Activity event, an RFC 6962 tree over the lines, a C2SP checkpoint.
 * The log never signs: a signer is handed in, so that no key is ever in this process.
 */
#ifndef GEORDER_AUDIT_H
#define GEORDER_AUDIT_H

#include "base.h"

#define AUDIT_LINE_MAX 65535 /* C2SP tlog-tiles: an entry's length is a uint16 */
#define AUDIT_KID_LEN  43    /* RFC 7638 thumbprint, SHA-256, base64url */

struct audit_signer {
    void *context;
    const char *alg;     /* "ES256" */
    const uint8_t *spki; /* DER */
    size_t spki_len;
    /* payload (JSON) to a whole line without newline: flattened JWS, members payload, protected,
     * signature in this order */
    enum result (*sign)(void *context, const char *payload, size_t len, struct buf *line,
                        struct err *err);
    /* the whole signed note of a checkpoint */
    enum result (*checkpoint)(void *context, uint64_t size, const uint8_t root[SHA256_LEN],
                              struct buf *note, struct err *err);
    /* The head of the log: its newest checkpoint, once more, where not even who owns the log's disk
     * can bring back an older one. Both NULL: it has none. `head` leaves note empty when it is
     * missing. */
    enum result (*head)(void *context, struct buf *note, struct err *err);
    enum result (*head_put)(void *context, const struct buf *note, struct err *err);
};

struct audit; /* opaque */

/* Makes DIR/records, tile, bodies, keys (mode 0700) and DIR/keys/<kid>.jwk. */
MUST_USE enum result audit_create(int dirfd, const char *origin, const struct audit_signer *signer,
                                  struct err *err);
/* dirfd stays the caller's and must outlive it. signer NULL: for reading only. */
MUST_USE enum result audit_open(int dirfd, const char *origin, const struct audit_signer *signer,
                                struct audit **out, struct err *err);
void audit_close(struct audit **audit);

/* One event to append. Everything is borrowed. */
struct audit_event {
    const char *event;    /* "order.intent", "order.response", "order.unknown", "order.denied",
                             "order.not_sent", "log.created", "log.repaired", ... */
    const char *order_id; /* UUIDv7 of the order: metadata.correlation_uid; "" when there is none */
    int64_t time;         /* Unix ms */
    int activity;         /* OCSF activity_id: 1 Create, 2 Read, 3 Update, 4 Delete, 99 Other */
    int severity;         /* OCSF severity_id: 1 Informational .. 6 Fatal */
    int status;           /* OCSF status_id: 0 Unknown, 1 Success, 2 Failure, 99 Other */
    const char *message;  /* one line for people */
    const char *operation; /* api.operation: "POST /zones/{zone_id}/ssl/certificate_packs/order" */
    const char *actor;     /* user name and uid of the caller: "root" */
    int64_t actor_uid;
    const char *host;           /* this host's name: src_endpoint.hostname */
    const char *zone, *zone_id; /* resources[0], or "" */
    const char *url;            /* http_request.url, or "" */
    int http_status;            /* http_response.code, 0: none */
    const char *peer_address;   /* dst_endpoint.ip, or "" */
    const cJSON
        *detail;     /* object: its members go into unmapped.georder, after event and previous */
    bool body_apart; /* the body is a file of its own, however short */
};

/* Lock, observe, build, sign record and checkpoint, check both signatures, write, fdatasync, tile,
 * checkpoint. Any failure (RESULT_AUDIT, the signer's RESULT_KEY) means: the record is not there.
 * body: becomes member "body" of detail's "response" when it is text and the line then still fits
 * (and not body_apart), else it is stored as bodies/<sha256>, which unmapped.georder.body_file
 * names; NULL: none. *index (may be NULL): the record's place in the log. */
MUST_USE enum result audit_append(struct audit *audit, const struct audit_event *event,
                                  const char *body, size_t body_len, uint64_t *index,
                                  struct err *err);

/* The new key of a log that is handed on. */
struct audit_successor {
    const struct audit_signer *signer; /* must outlive the log that it then signs */
    /* By the new key, as in a JWS, over the text of a rotation (rotation.h) at this place. */
    enum result (*agree)(void *context, uint64_t index, const uint8_t previous[SHA256_LEN],
                         const char *from, struct buf *signature, struct err *err);
};
/* Appends key.rotated, signed by both keys, under a checkpoint by the new one, which signs this log
 * from then on. cause: as of an append, without the event's name. RESULT_USAGE: the key signs or
 * signed this log. OK, too, when the log was handed on to it already: *index is that record's. */
MUST_USE enum result audit_rotate(struct audit *audit, const struct audit_successor *to,
                                  const struct audit_event *cause, uint64_t *index,
                                  struct err *err);

/* Several at once: one lock, one write, one flush, one checkpoint, and each record signed itself.
 * A failure means that none of them is there; after a crash some of the first ones may be, behind
 * the checkpoint. *first (may be NULL): the place of the first. */
#define AUDIT_GROUP_MAX 100
struct audit_entry {
    const struct audit_event *event; /* borrowed */
    const char *body;                /* as above */
    size_t body_len;
};
MUST_USE enum result audit_append_group(struct audit *audit, const struct audit_entry *entries,
                                        size_t count, uint64_t *first, struct err *err);

/* The signer has a head: before the first append, and whenever another process has appended, the
 * log is held against it, and nothing is appended (RESULT_AUDIT) to one that is older, another one,
 * or whose head is gone. Where it cannot be reached, and when it could not be replaced, the record
 * is made all the same, and audit_head_state() tells; the next append makes up for it. */
MUST_USE enum result audit_head_state(const struct audit *audit, struct err *err);
/* The next append may find no head, and makes the first. */
void audit_head_begin(struct audit *audit);
/* Holds a log, all of whose records are good, against a head (a note). */
struct audit_checkpoint;
MUST_USE enum result audit_head_check(int dirfd, const char *origin, const char *kid,
                                      const char *note, size_t len, struct audit_checkpoint *out,
                                      struct err *err);

/* Calls back for each record in turn; `payload` is the parsed event. Stops when it returns false.
 * Of a log for appending, all that was visited is what was signed, or RESULT_AUDIT: believe nothing
 * before it has returned. */
typedef bool audit_visit(void *context, uint64_t index, const char *line, size_t len,
                         const cJSON *payload);
MUST_USE enum result audit_each(struct audit *audit, audit_visit *visit, void *context,
                                struct err *err);
/* The same, but for those records alone whose event is among these (NULL ends them): the others are
 * not even parsed. */
MUST_USE enum result audit_each_of(struct audit *audit, const char *const *events,
                                   audit_visit *visit, void *context, struct err *err);

enum audit_verdict {
    AUDIT_INTACT,
    AUDIT_REPAIRED,        /* intact, and log.repaired records tell what was moved aside */
    AUDIT_UNANCHORED_TAIL, /* good records after the last checkpoint (a crash, or a cut checkpoint)
                            */
    AUDIT_TORN_TAIL,       /* bytes without a newline at the end: the next append repairs it */
    AUDIT_DUPLICATE,
    AUDIT_GAP,
    AUDIT_ALTERED,
    AUDIT_FORKED,
    AUDIT_ROLLED_BACK, /* fewer records than the checkpoint says */
    AUDIT_UNKNOWN_KEY,
    AUDIT_MALFORMED,
    /* Of findings: they are about what the records say, and take nothing from the log. */
    AUDIT_UNCLOSED_INTENT, /* no outcome is recorded, yet */
    AUDIT_CLOCK_SET_BACK   /* made, by its own word, before the record before it, or before an
                            * anchor of earlier ones: that is a verdict */
};
struct audit_finding {
    enum audit_verdict code;
    uint64_t where; /* record */
    int64_t time;   /* that it was made at, Unix ms; 0: not told */
    char text[256];
};
#define AUDIT_FINDINGS_MAX 16
struct audit_report {
    enum audit_verdict verdict;
    uint64_t records, checkpoint_size, where; /* where: first record that the verdict is about */
    uint64_t unclosed; /* intents without an outcome: findings, not a verdict */
    uint64_t unclosed_first;
    char root[64], kid[AUDIT_KID_LEN + 1]; /* base64 of the tree head; who signs next */
    char text[512];
    uint64_t from_size; /* that many first records were taken by the kept checkpoint */
    /* Of a bad log all faults that were seen, the verdict's among them; and what the records say.
     * All are counted, so many are listed. */
    struct audit_finding finding[AUDIT_FINDINGS_MAX];
    uint64_t findings;
};
/* Every signature, the chain, the tree, the checkpoint; on all cores. kid: a key to trust, the
 * first or another one of the log's unbroken line of rotations; or NULL (then the report names the
 * last one and it is up to the caller to say so). Not OK only when it could
 * not be read; a bad log is a verdict. */
MUST_USE enum result audit_verify(int dirfd, const char *origin, const char *kid,
                                  struct audit_report *report, struct err *err);
struct audit_verification {
    const char *origin, *kid; /* as above */
    /* A checkpoint that was kept, or NULL: the log must have grown out of it, and the records that
     * it is of are only hashed; if that fails, they are checked like the others, to tell why. A bad
     * one is a verdict too. */
    const char *from;
    size_t from_len;
    /* May be NULL. From any thread, one at a time; total 0: not known. */
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};
MUST_USE enum result audit_verify_with(int dirfd, const struct audit_verification *how,
                                       struct audit_report *report, struct err *err);
const char *audit_verdict_name(enum audit_verdict verdict); /* "intact", "torn_tail" ... */
bool audit_verdict_good(enum audit_verdict verdict);        /* exit 0, or 10 */

#include "export.h"
#include "report.h"
#define AUDIT_RECEIPT_MAX (512 * 1024)
#define AUDIT_NOTE_MAX    (16 * 1024)
#define AUDIT_JWK_MAX     4096

/* The receipt of one record: a C2SP tlog-proof that carries the record, the log's public keys and
 * the rotations between them.
 * From the tiles, in time that grows with the logarithm of the log; over all records when the tiles
 * are gone. It is checked before it is handed out. kid: the key to trust, or NULL: the
 * checkpoint's. RESULT_USAGE: no such record. */
MUST_USE enum result audit_prove(int dirfd, const char *origin, const char *kid, uint64_t index,
                                 struct buf *receipt, struct err *err);
/* The last record of this order, and how many it has (0: none). Checks no signature. */
MUST_USE enum result audit_find_order(int dirfd, const char *order_id, uint64_t *last,
                                      uint64_t *count, struct err *err);

/* What a receipt says, once it is checked. */
struct audit_receipt {
    enum audit_verdict verdict; /* intact, altered, unknown_key, malformed */
    char text[512];
    uint64_t index, size; /* of the record; of the tree that has it */
    char origin[256], root[64], kid[AUDIT_KID_LEN + 1], event[65], order_id[64];
    char body_file[SHA256_HEX_LEN + 1]; /* of bodies/, which is not in the receipt; or "" */
    struct buf payload;                 /* the event, JSON; owned */
};
#define AUDIT_RECEIPT_INIT                                                                         \
    {                                                                                              \
        .payload = BUF_INIT(AUDIT_LINE_MAX)                                                        \
    }
/* Needs no log and no file. origin NULL: whichever the key has signed for. Not OK only when it
 * could not be looked at. */
MUST_USE enum result audit_receipt_check(const char *text, size_t len, const char *origin,
                                         const char *kid, struct audit_receipt *out,
                                         struct err *err);
void audit_receipt_free(struct audit_receipt *receipt);
/* The thumbprint of a signer's public key. */
MUST_USE enum result audit_spki_kid(const char *alg, const uint8_t *spki, size_t len,
                                    char kid[AUDIT_KID_LEN + 1], struct err *err);
/* The thumbprint of a public key in a JWK (RFC 7517); text is followed by a NUL. */
MUST_USE enum result audit_jwk_kid(const char *text, size_t len, char kid[AUDIT_KID_LEN + 1],
                                   struct err *err);

/* The keys of a log: first those that signed it, in their turn; then those in keys/ to which no
 * rotation leads, which sign nothing. */
#define AUDIT_KEYS_MAX 64
struct audit_keys {
    size_t count, turns; /* of all; of those that signed, the last one being current */
    uint64_t records;
    struct audit_key {
        char kid[AUDIT_KID_LEN + 1], alg[8];
        uint64_t first, last; /* the records it signed; last < first: none yet */
    } key[AUDIT_KEYS_MAX];
};
/* Checks the rotations, and what else it looks at; not every record. */
MUST_USE enum result audit_keys(int dirfd, const char *origin, struct audit_keys *out,
                                struct err *err);

/* A checkpoint, of the log or of a file, held against the log's keys. */
struct audit_checkpoint {
    enum audit_verdict verdict; /* intact, altered, unknown_key, malformed */
    char text[512];
    uint64_t size;
    char root[64], kid[AUDIT_KID_LEN + 1];
    uint8_t hash[SHA256_LEN]; /* the root */
};
/* The log's own; its bytes go to note. Records are not looked at. */
MUST_USE enum result audit_checkpoint_read(int dirfd, const char *origin, const char *kid,
                                           struct buf *note, struct audit_checkpoint *out,
                                           struct err *err);

/* A file of the log: `size` bytes from the beginning of fd, or text. */
struct audit_part {
    const char *name; /* "records/000000000000.jsonl" */
    int fd;           /* -1: text has it */
    const char *text;
    uint64_t size;
};
typedef enum result audit_file(void *context, const struct audit_part *part, struct err *err);
/* Calls back for what a copy of the log needs, at one moment and in one order: checkpoint,
 * records/, keys/, bodies/, anchors/. Tiles can be made again, and torn bytes that were moved aside
 * are none of the log. Checks nothing. Stops at the first that is not OK. */
MUST_USE enum result audit_files(int dirfd, audit_file *each, void *context, struct err *err);

/* Whether the log's checkpoint (now) has grown out of an earlier one. */
struct audit_comparison {
    enum audit_verdict verdict; /* intact, forked, rolled_back; altered, unknown_key, malformed */
    char text[512];
    struct audit_checkpoint before, now;
    struct buf proof; /* RFC 9162 consistency proof, a line of base64 a hash; owned */
};
#define AUDIT_COMPARISON_INIT                                                                      \
    {                                                                                              \
        .proof = BUF_INIT(AUDIT_NOTE_MAX)                                                          \
    }
MUST_USE enum result audit_compare(int dirfd, const char *origin, const char *kid,
                                   const char *before, size_t len, struct audit_comparison *out,
                                   struct err *err);
void audit_comparison_free(struct audit_comparison *comparison);

#include "anchor.h"

#endif
