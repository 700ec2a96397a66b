/*
 * Names and patterns. An order's host stands for itself, and a wildcard also for every name one
 * label below its base. What a pattern holds: `a.b` itself, `*.b` that wildcard and every name one
 * label below b, `**.b` every name below b, wildcards included.
 */
#include <stdlib.h>
#include <string.h>

#include "rule.h"

bool name_below(const char *name, const char *base)
{
    size_t len = strlen(name), suffix = strlen(base);
    return len > suffix && name[len - suffix - 1] == '.' && strcmp(name + len - suffix, base) == 0;
}

const char *name_parent(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot == NULL ? "" : dot + 1;
}

static bool name_at_or_below(const char *name, const char *base)
{
    return strcmp(name, base) == 0 || name_below(name, base);
}

bool pattern_within(const struct pattern *inner, const struct pattern *outer)
{
    if (outer->kind == PATTERN_DEEP)
        return inner->kind == PATTERN_EXACT ? name_below(inner->base, outer->base)
                                            : name_at_or_below(inner->base, outer->base);
    if (outer->kind == PATTERN_ONE && inner->kind == PATTERN_EXACT)
        return strcmp(name_parent(inner->base), outer->base) == 0;
    return inner->kind == outer->kind && strcmp(inner->base, outer->base) == 0;
}

bool pattern_meets(const struct pattern *a, const struct pattern *b)
{
    return pattern_within(a, b) || pattern_within(b, a);
}

/* Where an anchor is, or where it would be put. */
static struct anchor *anchor_seek(const struct policy *policy, uint64_t hash, const char *base)
{
    uint32_t at = (uint32_t)(hash ^ (hash >> 32)) & policy->anchor_mask;
    while (policy->anchor[at].base != NULL &&
           (policy->anchor[at].hash != hash || strcmp(policy->anchor[at].base, base) != 0))
        at = (at + 1) & policy->anchor_mask;
    return &policy->anchor[at];
}

/* From the last byte to the first: a walk from the end meets the hash of every suffix. */
void host_hits(const struct policy *policy, const char *host, struct hits *out)
{
    uint64_t hash = HASH_START;
    size_t second = (size_t)(name_parent(host) - host);
    bool wildcard = host[0] == '*';
    out->count = 0;
    for (size_t at = strlen(host); at-- > 0 && out->count < HITS_MAX;) {
        hash = hash_step(hash, (unsigned char)host[at]);
        if (at > 0 && host[at - 1] != '.')
            continue;
        const struct anchor *anchor = anchor_seek(policy, hash, host + at);
        if (anchor->base == NULL)
            continue;
        unsigned kinds = at == 0 ? PATTERN_EXACT : PATTERN_DEEP;
        if (at == second)
            kinds |= PATTERN_ONE | (wildcard ? (unsigned)PATTERN_CHILD : 0);
        out->hit[out->count++] =
            (struct hit){&policy->entry[anchor->entry], anchor->entries, kinds};
    }
}

/* An entry on its way into the index, sorted so that those of one anchor stand side by side. */
struct seed {
    uint64_t hash;
    const char *base;
    struct entry entry;
};

static int seed_compare(const void *left, const void *right)
{
    const struct seed *a = left, *b = right;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    int bases = strcmp(a->base, b->base);
    if (bases != 0)
        return bases;
    return a->entry.pattern < b->entry.pattern ? -1 : a->entry.pattern > b->entry.pattern;
}

static struct seed seed_make(const char *base, const struct rule *rule, uint32_t index,
                             uint32_t pattern, enum pattern_kind kind)
{
    struct seed seed = {.hash = HASH_START, .base = base};
    for (size_t at = strlen(base); at-- > 0;)
        seed.hash = hash_step(seed.hash, (unsigned char)base[at]);
    seed.entry = (struct entry){.attributes = rule->attributes,
                                .rule = index,
                                .pattern = pattern,
                                .zone = rule->zones == 0   ? ZONE_ANY
                                        : rule->zones == 1 ? rule->zone[0]
                                                           : ZONE_MANY,
                                .hosts_min = (uint8_t)rule->hosts_min,
                                .hosts_max = (uint8_t)rule->hosts_max,
                                .kind = (uint8_t)kind,
                                .permit = rule->permit,
                                .limited = rule_limited(rule)};
    return seed;
}

static uint32_t seeds_collect(const struct policy *policy, struct seed *seeds)
{
    uint32_t count = 0;
    for (uint32_t r = 0; r < policy->rules; r++) {
        const struct rule *rule = &policy->rule[r];
        for (uint32_t p = rule->pattern; p < rule->pattern + rule->patterns; p++) {
            const struct pattern *pattern = &policy->pattern[p];
            seeds[count++] = seed_make(pattern->base, rule, r, p, pattern->kind);
            /* A forbidden name is also what the wildcard beside it could stand for. */
            if (!rule->permit && pattern->kind == PATTERN_EXACT)
                seeds[count++] = seed_make(name_parent(pattern->base), rule, r, p, PATTERN_CHILD);
        }
    }
    return count;
}

static void anchors_fill(struct policy *policy, const struct seed *seeds)
{
    for (uint32_t i = 0; i < policy->entries; i++) {
        struct anchor *anchor = anchor_seek(policy, seeds[i].hash, seeds[i].base);
        if (anchor->base == NULL)
            *anchor = (struct anchor){.hash = seeds[i].hash, .base = seeds[i].base, .entry = i};
        anchor->entries++;
        policy->entry[i] = seeds[i].entry;
    }
}

static bool patterns_index(struct policy *policy)
{
    struct seed *seeds = calloc((size_t)policy->patterns * 2 + 1, sizeof *seeds);
    if (seeds == NULL)
        return false;
    policy->entries = seeds_collect(policy, seeds);
    uint32_t size = 16;
    while (size < policy->entries * 2)
        size *= 2;
    policy->anchor_mask = size - 1;
    policy->anchor = calloc(size, sizeof *policy->anchor);
    policy->entry = calloc((size_t)policy->entries + 1, sizeof *policy->entry);
    bool made = policy->anchor != NULL && policy->entry != NULL;
    if (made) {
        qsort(seeds, policy->entries, sizeof *seeds, seed_compare);
        anchors_fill(policy, seeds);
    }
    free(seeds);
    return made;
}

/* The permit rules of each zone side by side, in the policy's order: what a denial looks through.
 */
static bool zones_index(struct policy *policy)
{
    size_t total = 0;
    for (uint32_t r = 0; r < policy->rules; r++)
        for (uint32_t z = 0; policy->rule[r].permit && z < policy->rule[r].zones; z++, total++)
            policy->zone[policy->rule[r].zone[z]].entries++;
    policy->zone_entry = calloc(total + 1, sizeof *policy->zone_entry);
    if (policy->zone_entry == NULL)
        return false;
    for (uint32_t z = 0, at = 0; z < policy->zones; z++) {
        policy->zone[z].entry = at;
        at += policy->zone[z].entries;
        policy->zone[z].entries = 0;
    }
    for (uint32_t r = 0; r < policy->rules; r++)
        for (uint32_t z = 0; policy->rule[r].permit && z < policy->rule[r].zones; z++) {
            struct zone *zone = &policy->zone[policy->rule[r].zone[z]];
            zone->attributes |= policy->rule[r].attributes;
            policy->zone_entry[zone->entry + zone->entries++] =
                seed_make("", &policy->rule[r], r, NONE, PATTERN_NONE).entry;
        }
    return true;
}

static bool forbids_index(struct policy *policy)
{
    policy->forbid_any = calloc((size_t)policy->rules + 1, sizeof *policy->forbid_any);
    if (policy->forbid_any == NULL)
        return false;
    for (uint32_t r = 0; r < policy->rules; r++)
        if (!policy->rule[r].permit && policy->rule[r].patterns == 0)
            policy->forbid_any[policy->forbids_any++] =
                seed_make("", &policy->rule[r], r, NONE, PATTERN_NONE).entry;
    return true;
}

bool match_index(struct policy *policy)
{
    return patterns_index(policy) && zones_index(policy) && forbids_index(policy);
}
