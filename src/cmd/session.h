/* What the commands that work on a home have in common: config, policy, keys, net, log. */
#ifndef GEORDER_SESSION_H
#define GEORDER_SESSION_H

#include "anchoring.h"
#include "approvals.h"
#include "audit.h"
#include "config.h"
#include "keys_client.h"
#include "net_client.h"
#include "output.h"
#include "policy.h"

#define LOGIN_SIZE 64 /* with the NUL */

struct session {
    struct options options;
    struct output output;
    struct config config;
    struct buf policy_text, trust;
    struct authorities *authorities; /* owned, as are the next three */
    struct policy *policy;
    struct keys keys;
    struct net net;
    struct anchoring anchoring; /* when the policy requires anchors of others */
    struct policy_facts facts;
    struct signatures policy_signatures; /* these two: session_approvals() */
    struct trust_list list;
    int audit_fd; /* the log's directory */
    struct audit *audit;
    int64_t last_record; /* index of the last record that this process appended; -1: none */
    char actor[LOGIN_SIZE], host[256]; /* who runs this, and where */
    char login[LOGIN_SIZE];            /* who logged in, were it before a sudo */
    int64_t actor_uid;
    uint32_t timeout_ms; /* of one exchange; 0: the default */
};

#define SESSION_INIT                                                                               \
    {                                                                                              \
        .policy_text = BUF_INIT(POLICY_MAX), .list = TRUST_LIST_INIT,                              \
        .trust = BUF_INIT(2048 * KIB), .keys = KEYS_INIT, .net = NET_INIT,                         \
        .anchoring = ANCHORING_INIT, .audit_fd = -1, .last_record = -1                             \
    }
#define AUTO_SESSION __attribute__((cleanup(session_free))) struct session

/* A policy file (NULL: the config's), and the authorities.json beside it or, without one, the
 * installed one. */
MUST_USE enum result session_policy(struct session *session, const char *file, struct err *err);
/* A data file: the one beside the policy or, without one, the installed one; and its path. */
MUST_USE enum result session_data(const char *policy, const char *name, struct buf *path,
                                  struct buf *text, struct err *err);
/* The path of this file or, when it is NULL, of the policy that the config names. */
void session_policy_path(const struct session *session, const char *file, struct buf *out);
/* The config, and the policy it names. */
MUST_USE enum result session_config(struct session *session, struct err *err);
/* The trust list of the config, and the signatures beside the policy. */
MUST_USE enum result session_approvals(struct session *session, struct err *err);
/* The CA bundle that the config names, read into session->trust (empty: the system's). */
MUST_USE enum result session_trust(struct session *session, struct err *err);
size_t certificates_count(const struct buf *pem);
/* The log's directory, and who we are for its records: before the lock. */
MUST_USE enum result session_directory(struct session *session, struct err *err);
/* Waits until the key sources are open; tells what a person should know of them. */
MUST_USE enum result session_ready(struct session *session, struct err *err);
/* With keys ready: the log, for appending. */
MUST_USE enum result session_audit(struct session *session, struct err *err);
void session_free(struct session *session);

/* `credential put` (credential.c), with the log open: from standard input, or a prompt. */
MUST_USE enum result credential_put(struct session *session, struct err *err);

/* A request to the policy's API below its base path, with everything but method, path and body. */
void session_request(const struct session *session, struct net_request *request);
/* Where an installed data file (policy/) is. */
void session_installed(struct buf *out, const char *name);
/* What a record says in unmapped.georder, or NULL. */
const cJSON *record_georder(const cJSON *payload);
/* The text of a member, or "". */
const char *member_text(const cJSON *object, const char *name);
/* Decimal digits only. */
MUST_USE bool number_parse(const char *text, int64_t max, int64_t *out);

#endif
