/*
 * One run of `order`, and the records it leaves: order.denied, or order.intent followed by
 * order.response, order.unknown or order.not_sent (DESIGN sections 3 and 7).
 */
#ifndef GEORDER_PLACING_H
#define GEORDER_PLACING_H

#include "decide.h"
#include "out_file.h"
#include "request.h"

#define ORDER_OPERATION  "POST /zones/{zone_id}/ssl/certificate_packs/order"
#define LIST_OPERATION   "GET /zones/{zone_id}/ssl/certificate_packs"
#define DELETE_OPERATION "DELETE /zones/{zone_id}/ssl/certificate_packs/{certificate_pack_id}"

struct placing {
    struct session *session;
    struct order order;
    struct circumstances at; /* in which it was judged */
    struct decision decision;
    char id[UUID_LEN + 1];             /* of this order: correlates its records */
    char identity[SHA256_HEX_LEN + 1]; /* of its content: tells that two orders are the same */
    char path[384];                    /* of the POST, below the API's host */
    char url[768];                     /* of the request that the next record is about */
    struct buf body;                   /* of the POST, and what the records name */
    bool again, dry_run, prepare;
    bool evidence_seen; /* a live pack of the zone shows the label */
    int64_t hours;      /* that a request may be placed; 0: not said */
    struct asked asked; /* the request */
    int64_t deadline;   /* for trying again after a 429: clock_monotonic() */
    int attempt;
    int lock; /* orders.lock, from the look for the same order to the intent; else -1 */
    const char *receipt_path; /* NULL: no receipt is asked for */
    struct out_file receipt;
    int64_t recorded; /* index of the last record of this order; -1: none */
    cJSON *records;   /* array of indexes that were appended; NULL without --json */
};

/* How one answer reads, once it is decoded. */
struct outcome {
    const char *event; /* of the record that tells it */
    const struct exchange *exchange;
    const struct answer *answer;         /* NULL: none came, or it was not looked at */
    const struct assessment *assessment; /* NULL: there is no pack */
    const struct err *err;               /* result and one line */
};

/* Records the intent of a request. */
typedef enum result placing_intent(struct placing *placing, const char *path, const char *body,
                                   struct err *err);
/* A request that this order needs. While net connects, its intent (NULL: it changes nothing) is
 * recorded; only then does net get the credential, without which it sends nothing. Not OK: there is
 * no intent and nothing was sent. */
MUST_USE enum result placing_send(struct placing *placing, enum net_method method, const char *path,
                                  const char *body, placing_intent *intent, struct exchange *out,
                                  struct err *err);
/* Ready-made pieces of the path. */
void zone_path(const struct placing *placing, const char *below, struct buf *out);

MUST_USE enum result record_denied(struct placing *placing, const char *why, struct err *err);
MUST_USE enum result record_prepared(struct placing *placing, struct err *err);
MUST_USE enum result record_intent(struct placing *placing, const char *event,
                                   const char *operation, const char *path, const char *body,
                                   struct err *err);
MUST_USE enum result record_outcome(struct placing *placing, const struct outcome *outcome,
                                    const char *operation, struct err *err);
MUST_USE enum result record_evidence(struct placing *placing, const char *path, const char *pack,
                                     int64_t packs_seen, struct err *err);

/* What the log says of the request, if there is one. */
MUST_USE enum result earlier_look(struct placing *placing, struct err *err);
/* RESULT_UNKNOWN when an order of the same content is unknown or open (unless --again);
 * RESULT_DENIED when the request is burnt, or with the orders of the day the policy denies;
 * RESULT_CONFIG when the policy or the trust list is not the one in force any more. */
MUST_USE enum result earlier_check(struct placing *placing, struct err *err);
/* For rules with geo_evidence "existing": lists the zone's packs. RESULT_DENIED without one. */
MUST_USE enum result evidence_check(struct placing *placing, struct err *err);
/* Deletes a pack that violates, when the policy says so. Not OK: it may still be there. */
MUST_USE enum result violation_delete(struct placing *placing, const struct pack *pack,
                                      struct err *err);

void pack_tell(struct session *session, const struct pack *pack,
               const struct assessment *assessment);
void answer_tell(struct session *session, const struct exchange *exchange,
                 const struct answer *answer);

#endif
