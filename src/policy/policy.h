/*
 * The reviewed file of rules, and what it says about an order (DESIGN section 6). Pure: bytes in,
 * decision out. One matcher serves deciding and explaining. Any error while judging is a denial.
 */
#ifndef GEORDER_POLICY_H
#define GEORDER_POLICY_H

#include "base.h"
#include "order.h"

#define POLICY_MAX  (4096 * 1024) /* bytes of a policy file */
#define RULES_MAX   10000
#define RULE_ID_LEN 64

struct policy; /* opaque; owned, policy_free() */
struct authorities;

/* What each CA issues: policy/authorities.json. Data with source and date, not code. */
MUST_USE enum result authorities_load(const char *name, const char *text, size_t len,
                                      struct authorities **out, struct err *err);
void authorities_free(struct authorities **authorities);

/* Strict. Errors are RESULT_CONFIG: "policy.json:14:22: /rules/3/validity_days/1: ...". */
MUST_USE enum result policy_load(const char *name, const char *text, size_t len,
                                 const struct authorities *authorities, struct policy **out,
                                 struct err *err);
void policy_free(struct policy **policy);

/* What else than the log's own disk can know its newest checkpoint. */
enum policy_anchor {
    REQUIRE_HSM_HEAD = 1,  /* a data object of a token */
    REQUIRE_WITNESS = 2,   /* a cosignature (C2SP tlog-witness) */
    REQUIRE_TIMESTAMP = 4, /* RFC 3161 */
    REQUIRE_END = 8
};
const char *policy_anchor_name(unsigned anchor); /* "hsm-head" ..., of one bit */

struct policy_facts {
    const char *name, *owner, *effective, *expires; /* owned by the policy, as are all below */
    int64_t revision, effective_ms, expires_ms;
    char digest[SHA256_HEX_LEN + 1];    /* of the file's bytes */
    const char *base_url, *host, *path; /* "https://api.cloudflare.com/client/v4" in parts; path
                                           without a final slash */
    uint32_t port;
    uint32_t minimum_tls; /* 0x0303, 0x0304 */
    size_t pins, networks, zones, rules;
    const uint8_t (*pin)[SHA256_LEN];
    const char *const *network;
    bool delete_on_violation;
    bool locked_memory; /* secrets only in memory that cannot reach the swap */
    unsigned
        anchors; /* bits of enum policy_anchor: audit.require, without which no order is sent */
};
void policy_facts(const struct policy *policy, struct policy_facts *out);
cJSON *policy_json(const struct policy_facts *facts); /* name, revision, sha256; the caller's */
/* The id of a zone by its name, or NULL; the i-th zone. */
const char *policy_zone_id(const struct policy *policy, const char *name);
void policy_zone(const struct policy *policy, size_t index, const char **name, const char **id);

/* Fills order->zone_id and order->apex, from a name or an id; false when the policy has no such
 * zone. */
MUST_USE bool policy_resolve_zone(const struct policy *policy, struct order *order);

/* What an order is judged in, beside its own content. */
#define ORDERS_UNKNOWN (-1)
struct approver {
    const char *principal;
    const char *const *group;
    size_t groups;
};
struct circumstances {
    int64_t now; /* Unix ms */
    /* Placed for the order's zone on that day (UTC). ORDERS_UNKNOWN: max_orders is not judged, and
     * decision.orders_unjudged says so. */
    int64_t orders;
    size_t approvers; /* distinct people; whoever requested the order is not among them */
    const struct approver *approver;
    bool approvals_assumed; /* to learn which are needed: as if all had been given */
};

#define REASONS_MAX 512

struct reason {
    const char *code;             /* "zone_unknown", "policy_expired", "policy_not_effective",
                                     "host_not_covered", "forbidden", "attribute_not_permitted",
                                     "max_orders_reached", "outside_change_window", "frozen",
                                     "approvals_missing": stable, static storage */
    char rule[RULE_ID_LEN + 1];   /* that forbade or came closest; "" */
    char host[HOST_LEN + 1];      /* "" when it is about the whole order */
    char attribute[NAME_LEN + 1]; /* "validity_days" ..., "" */
    char asked[HOST_LEN + 1], permitted[512];
    char text[1024]; /* the whole reason, for people */
};

struct decision {
    bool permit;
    bool geo_evidence_existing; /* a rule that permitted demands a live pack with the label first */
    bool orders_unjudged; /* a rule that permitted has max_orders, and orders were not counted */
    size_t rules;         /* rules that permitted, in the policy's order */
    char (*rule)[RULE_ID_LEN + 1];
    size_t demands; /* approvals that those rules demand */
    struct demand {
        char rule[RULE_ID_LEN + 1], from[320];
        unsigned count;
    } * demand;
    size_t reasons; /* of a denial: every one, sorted by code, host, rule, attribute */
    struct reason *reason;
    size_t omitted; /* reasons past REASONS_MAX, counted and said, never dropped silently */
    size_t warnings;
    char (*warning)[512]; /* "lets_encrypt is documented to issue 90 days only ..." */
};

/* Never permits by accident: *out denies unless RESULT_OK and permit. now: Unix ms. The order must
 * have passed order_check(). */
MUST_USE enum result policy_decide(const struct policy *policy, const struct order *order,
                                   const struct circumstances *at, struct decision *out,
                                   struct err *err);
void decision_free(struct decision *decision);
/* {"permit", "rules", "reasons": [...], "warnings": [...], "policy": {...}}; the caller's. */
cJSON *decision_json(const struct policy *policy, const struct decision *decision);

/* What a reviewer should know of a valid policy: grants that no CA can serve, that no CA may issue
 * on that date, rules without effect, names out of their zone. */
struct lint {
    size_t count;
    struct lint_item {
        const char *code; /* stable, static storage */
        char rule[RULE_ID_LEN + 1];
        char pointer[128], text[512];
    } * item;
};
MUST_USE enum result policy_lint(const struct policy *policy, int64_t now, struct lint *out,
                                 struct err *err);
void lint_free(struct lint *lint);

#include "cases.h"
#include "comparison.h"
#include "roots.h"

#endif
