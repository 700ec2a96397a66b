/*
 * What load, match, decide and lint share. A policy borrows all its strings from its JSON tree,
 * which it keeps; after policy_load() nothing in it changes.
 */
#ifndef GEORDER_RULE_H
#define GEORDER_RULE_H

#include "policy.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define NONE          UINT32_MAX

/*
 * One bit for each value of each attribute, so that a whole order is judged by one AND. The last
 * bit of a group stands for a value that no policy can name: an order may hold it, no permit rule
 * has it, and a forbid rule has it only when the rule leaves the attribute out.
 */
enum attribute {
    ATTRIBUTE_AUTHORITY,
    ATTRIBUTE_DAYS,
    ATTRIBUTE_METHOD,
    ATTRIBUTE_BRANDING,
    ATTRIBUTE_GEO,
    ATTRIBUTES
};
struct attribute_group {
    const char *order_name, *rule_name; /* as the order and a rule call it */
    unsigned first, values;             /* bits first..first + values - 1, then that of the rest */
    uint64_t mask;
};
extern const struct attribute_group attribute_group[ATTRIBUTES];

#define AUTHORITIES_MAX 31
#define LIMITS_MAX      16
#define BIT(n)          (UINT64_C(1) << (n))
#define BIT_BRANDED     BIT(42)
#define BIT_GEO_NONE    BIT(46)
#define BITS_METHOD     (BIT(37) | BIT(38) | BIT(39))
#define DAY_MS          INT64_C(86400000)
#define MINUTE_MS       INT64_C(60000)

struct authority {
    char name[NAME_LEN + 1];
    uint64_t days, methods, wildcard_methods; /* bits */
    bool punycode;
};
struct authorities {
    size_t count, limits;
    struct authority authority[AUTHORITIES_MAX];
    struct validity_limit {
        int64_t from, days;
        char date[11];
    } limit[LIMITS_MAX]; /* by date */
    struct method_end {
        int64_t from; /* INT64_MAX: goes on */
        char date[11];
    } method_end[3];
    char source[256], read[11];
    char requirements[256], version[64]; /* source and version of the Baseline Requirements */
};
const struct validity_limit *authority_limit(const struct authorities *known, int64_t now);

/* "google", "90", "txt", "false", "eu"; the name of a bit, "another value" when it has none. */
const char *attribute_value(const struct authorities *known, unsigned bit);
/* The bit of this value, that of the rest when there is no such value. */
uint64_t attribute_bit(const struct authorities *known, enum attribute attribute,
                       const char *value);
enum attribute attribute_of(unsigned bit);
int64_t attribute_days(unsigned bit);
/* Reads a list of a rule or an authority: 1 or more values, none twice. */
MUST_USE enum result attribute_load(const struct json_doc *doc, const cJSON *object,
                                    const char *member, const struct authorities *known,
                                    enum attribute attribute, uint64_t *out, struct err *err);

/* The kinds are bits, for struct hit. CHILD is no pattern of its own: it stands at the parent of a
 * forbidden name, for the wildcard there. */
enum pattern_kind {
    PATTERN_NONE = 0,
    PATTERN_EXACT = 1,
    PATTERN_ONE = 2,
    PATTERN_DEEP = 4,
    PATTERN_CHILD = 8
};
struct pattern {
    const char *text, *base; /* base: text without "*." or "**." */
    enum pattern_kind kind;
};

/* A time of the week, in UTC: minutes of the day, half open; bit 0 is Monday. */
struct window {
    uint16_t from, to;
    uint8_t weekdays;
};
struct freeze {
    int64_t from, to; /* Unix ms, half open */
    const char *from_text, *to_text, *reason;
};

#define ORDERS_ANY UINT32_MAX
struct rule {
    const char *id, *reason;
    bool permit, existing; /* existing: geo_evidence */
    uint64_t attributes;
    uint32_t hosts_min, hosts_max; /* how many hosts an order has that this rule can judge */
    const uint32_t *zone;          /* sorted */
    uint32_t zones;                /* 0: any (forbid only) */
    uint32_t pattern, patterns;    /* first, count; 0: any host (forbid only) */

    uint32_t orders_max;      /* of its zone a day; ORDERS_ANY */
    uint32_t window, windows; /* first, count; 0: at any time */
    uint32_t freeze, freezes; /* it permits nothing then; a forbid rule forbids only then */
    uint32_t group, groups;   /* whose approvals count */
    uint8_t approvals;        /* how many; 0: none needed */
};

/* A rule as the loops of a decision want it: small and side by side. */
#define ZONE_ANY  (UINT32_MAX - 1)
#define ZONE_MANY (UINT32_MAX - 2) /* the rule has the list */
struct entry {
    uint64_t attributes;
    uint32_t rule, pattern, zone;
    uint8_t hosts_min, hosts_max, kind;
    bool permit, limited; /* limited: limits_fit() must be asked too */
};
/* All entries whose pattern has this base. */
struct anchor {
    uint64_t hash;
    const char *base; /* NULL: free */
    uint32_t entry, entries;
};

struct zone {
    const char *name, *id;
    uint32_t entry, entries; /* of zone_entry: the permit rules that name it */
    uint64_t attributes;     /* all that any of them permits */
};

struct policy {
    struct json_doc doc; /* its text is not kept */
    struct authorities authorities;
    struct policy_facts facts;
    char host[HOST_LEN + 1], path[256];
    uint8_t pin[64][SHA256_LEN];
    const char *subject[64];
    const char *network[256];

    struct zone *zone; /* by name */
    uint32_t *zone_by_id;
    uint32_t *zone_list; /* what rule.zone points into */
    struct rule *rule;
    struct pattern *pattern;
    struct window *window; /* these three of all rules, side by side */
    struct freeze *freeze;
    const char **group;
    uint32_t zones, rules, patterns, windows, freezes, groups;

    struct entry *entry, *zone_entry, *forbid_any; /* forbid_any: forbid rules without hosts */
    struct anchor *anchor;
    uint32_t entries, forbids_any, anchor_mask;
};

/* An order in the terms of the rules. */
struct ask {
    uint64_t bits; /* one of each group */
    uint32_t hosts, zone;
    const struct circumstances *at;
};
void ask_from_order(const struct policy *policy, const struct order *order,
                    const struct circumstances *at, struct ask *out);
uint32_t zone_find(const struct policy *policy, const char *name_or_id); /* NONE */
uint32_t zone_named(const struct policy *policy, const char *name);      /* NONE */
bool rule_in_zone(const struct rule *rule, uint32_t zone);
/* The list a rule has for a member, for people: "30, 90". */
void rule_values(const struct policy *policy, const struct rule *rule, enum attribute attribute,
                 char *out, size_t size);
void rule_hosts(const struct policy *policy, const struct rule *rule, char *out, size_t size);

/* What else a rule demands: limit.c. A forbid rule has freezes only, and fits during them. */
enum limit { LIMIT_ORDERS, LIMIT_WINDOWS, LIMIT_FREEZE, LIMIT_APPROVALS, LIMITS };
bool rule_limited(const struct rule *rule);
bool limits_fit(const struct policy *policy, const struct rule *rule,
                const struct circumstances *at);
bool limit_fails(const struct policy *policy, const struct rule *rule,
                 const struct circumstances *at, enum limit limit); /* of a permit rule */
const struct freeze *freeze_at(const struct policy *policy, const struct rule *rule, int64_t now);
unsigned approvals_given(const struct policy *policy, const struct rule *rule,
                         const struct circumstances *at);
unsigned weekday_of(int64_t now); /* 0: Monday */
unsigned minute_of(int64_t now);  /* of the day, UTC */
bool weekday_named(const char *name, unsigned *out);
/* Each appends. */
void windows_say(const struct policy *policy, const struct rule *rule, char *out, size_t size);
void moment_say(int64_t now, char *out, size_t size);
void groups_say(const struct policy *policy, const struct rule *rule, char *out, size_t size);

/* The patterns that stand at the host or above it. An entry of a hit matches the host when its
 * kind is among the hit's kinds. Names have 10 labels at most, hence so do bases. */
#define HITS_MAX 16
struct hits {
    uint32_t count;
    struct hit {
        const struct entry *entry;
        uint32_t entries;
        unsigned kinds;
    } hit[HITS_MAX];
};
void host_hits(const struct policy *policy, const char *host, struct hits *out);
MUST_USE bool match_index(struct policy *policy); /* false: no memory */
static inline bool entry_in_zone(const struct policy *policy, const struct entry *entry,
                                 uint32_t zone)
{
    if (entry->zone == ZONE_MANY)
        return rule_in_zone(&policy->rule[entry->rule], zone);
    return entry->zone == zone || entry->zone == ZONE_ANY;
}
static inline bool entry_fits(const struct policy *policy, const struct entry *entry,
                              const struct ask *ask)
{
    return (ask->bits & ~entry->attributes) == 0 && ask->hosts >= entry->hosts_min &&
           ask->hosts <= entry->hosts_max && entry_in_zone(policy, entry, ask->zone) &&
           (!entry->limited || limits_fit(policy, &policy->rule[entry->rule], ask->at));
}

/* Names in a pattern, as sets. */
bool name_below(const char *name, const char *base); /* one label below or more */
const char *name_parent(const char *name);
bool pattern_within(const struct pattern *inner, const struct pattern *outer);
bool pattern_meets(const struct pattern *a, const struct pattern *b);

MUST_USE enum result network_check(const struct json_doc *doc, const cJSON *node, const char **out,
                                   struct err *err);
unsigned network_prefix(const char *network);
MUST_USE enum result url_load(const struct json_doc *doc, const cJSON *api, struct policy *policy,
                              struct err *err);
MUST_USE enum result rules_load(struct policy *policy, struct err *err);
MUST_USE enum result anchors_load(struct policy *policy, struct err *err);
/* Text for people: 1..max bytes, none of them hidden. */
MUST_USE enum result prose_load(const struct json_doc *doc, const cJSON *object, const char *name,
                                size_t max, const char **out, struct err *err);
/* The base64 of a SHA-256 digest. */
MUST_USE enum result digest_load(const struct json_doc *doc, const cJSON *object, const char *name,
                                 uint8_t out[SHA256_LEN], struct err *err);
/* No string may stand in the list twice, or in this member of its items. */
MUST_USE enum result repeat_check(const struct json_doc *doc, const cJSON *list, const char *member,
                                  struct err *err);

/* chosen: for each host the rule that permits it, or NONE. life: so is whether the policy is in
 * force. */
MUST_USE enum result policy_explain(const struct policy *policy, const struct order *order,
                                    const struct ask *ask, const uint32_t chosen[HOSTS_MAX],
                                    bool life, struct decision *out, struct err *err);
/* policy_decide() of a policy that is always in force: to compare two. */
MUST_USE enum result policy_judge(const struct policy *policy, const struct order *order,
                                  const struct circumstances *at, struct decision *out,
                                  struct err *err);
MUST_USE enum result warnings_make(const struct policy *policy, const struct order *order,
                                   const struct ask *ask, int64_t now, struct decision *out,
                                   struct err *err);

/* Sentences that a decision warns with and a lint says of a rule. */
bool name_punycode(const char *name);
void days_say(const struct authorities *known, const struct authority *authority, int64_t days,
              char *out, size_t size);
void method_say(const struct authorities *known, const struct authority *authority,
                const char *method, char *out, size_t size);
void limit_say(const struct authorities *known, const struct validity_limit *limit, int64_t days,
               char *out, size_t size);
void method_end_say(const struct authorities *known, const struct method_end *end,
                    const char *method, char *out, size_t size);

cJSON *reason_json(const struct reason *reason); /* the caller's, as is the next */

/* FNV-1a. */
#define HASH_START UINT64_C(0xCBF29CE484222325)
static inline uint64_t hash_step(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x100000001B3);
}

/* Room for one more: an array grows when its count is a power of two. NULL: no memory, and the
 * array is as it was. */
void *array_grown(void *array, size_t count, size_t size);

/* Bounded text: appends; what does not fit is cut at a whole character and ends in "...". */
void line_add(char *out, size_t size, const char *fmt, ...) PRINTF(3, 4);
void line_put(char *out, size_t size, const char *text);

#endif
