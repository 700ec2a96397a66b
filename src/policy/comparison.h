/*
 * Two policies compared: which order does the new one permit, in some circumstances, that the old
 * one denies, and the reverse. Exact over all orders and circumstances, and over what else a policy
 * decides; never an approximation. Both count as in force while the new one is.
 */
#ifndef GEORDER_COMPARISON_H
#define GEORDER_COMPARISON_H

#include "policy.h"

enum verdict { EQUIVALENT = 0, NARROWER = 1, WIDER = 2, INCOMPARABLE = NARROWER | WIDER };
const char *verdict_name(enum verdict verdict); /* "wider": stable, for JSON */

/* What one policy permits and the other does not. Strings are of the policies. */
struct difference {
    bool found;
    /* The witness: a valid order of the fewest hosts, which both policies judged anew. */
    struct order order;
    struct circumstances at;
    bool evidence;          /* a live pack shows the label that the order asks for */
    struct decision denial; /* by the other policy; without a reason when it demands evidence, or
                               knows the zone by another id */
    size_t zones, classes, cells; /* in how many zones, classes of names, cells of attributes */
    size_t grants;
    struct grant { /* a rule that permits some of it */
        const char *rule, *zone;
        char host[HOST_LEN + 1]; /* for example */
        uint32_t hosts;          /* in an order of so many */
        size_t values[5];        /* in the order of the request's members: see grant_member() */
        const char *value[5][64];
    } * grant;
    struct approver *approver; /* at.approver, with the next two */
    char (*principal)[32];
    const char **group;
};
const char *grant_member(size_t index); /* "certificate_authorities" ... */

struct comparison {
    enum verdict verdict;
    struct difference gained, lost;
    size_t changes;
    struct policy_change { /* of what an order does not show */
        char member[256];  /* "api.spki_pins", "rules.eu-production" */
        enum verdict direction;
        char was[512], is[512]; /* for people; "" when it was or is not there */
    } * change;
};
MUST_USE enum result policies_compare(const struct policy *old, const struct policy *new,
                                      struct comparison *out, struct err *err);
void comparison_free(struct comparison *comparison);
/* {"verdict", "gained", "lost", "gained_when", ..., "changes"}; the caller's. */
cJSON *comparison_json(const struct policy *old, const struct policy *new,
                       const struct comparison *comparison);

#endif
