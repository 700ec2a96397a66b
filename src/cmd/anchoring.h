/*
 * Asking others for anchors of the log's checkpoint (audit's anchor.h): a time stamping authority,
 * witnesses. By a georder-net of its own, that is told nothing of the API and never gets the
 * credential.
 */
#ifndef GEORDER_ANCHORING_H
#define GEORDER_ANCHORING_H

#include "net_client.h"
#include "audit.h"

#define AUTHORITIES_PEM_MAX (2048 * KIB)

struct anchoring {
    struct net net;
    int audit_fd; /* not owned, as are the next four */
    const char *origin, *kid, *proxy;
    uint32_t timeout_ms;    /* of each that is asked; 0: the default */
    const char *stamp_url;  /* NULL: there is no authority */
    struct buf stamp_trust; /* PEM: for its time stamps, and for TLS */
    size_t witnesses;
    struct {
        struct witness key;
        const char *url;
        struct buf trust; /* PEM; empty: the system's */
    } witness[WITNESSES_MAX];
};
#define ANCHORING_INIT                                                                             \
    {                                                                                              \
        .net = NET_INIT, .audit_fd = -1, .stamp_trust = BUF_INIT(AUTHORITIES_PEM_MAX)              \
    }
#define AUTO_ANCHORING __attribute__((cleanup(anchoring_free))) struct anchoring

/* Whom the config names; their files are read, so before the lock. */
MUST_USE enum result anchoring_config(struct anchoring *anchoring, const struct config *config,
                                      struct err *err);
/* An authority that the command line names instead: both or neither may be NULL. */
MUST_USE enum result anchoring_authority(struct anchoring *anchoring, const char *url,
                                         const char *ca_file, struct err *err);
/* Before the lock, too. */
MUST_USE enum result anchoring_start(struct anchoring *anchoring, struct err *err);
/* What is got is kept beside the log. RESULT_AUDIT: it speaks against the log, or is no anchor;
 * RESULT_UNREACHED and RESULT_PEER as with the API. */
MUST_USE enum result anchoring_timestamp(struct anchoring *anchoring, struct anchor *out,
                                         struct err *err);
MUST_USE enum result anchoring_witness(struct anchoring *anchoring, size_t which,
                                       struct anchor *out, struct err *err);
void anchoring_free(struct anchoring *anchoring);

/* For `--json`. */
cJSON *anchor_json(const struct anchor *anchor);

#endif
