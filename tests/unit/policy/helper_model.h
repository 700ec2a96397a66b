/*
 * Random pairs of policies over a small universe, and what sets say of them. Nothing of src/policy
 * is used but policy_load().
 */
#ifndef HELPER_MODEL_H
#define HELPER_MODEL_H

#include "helper_policy.h"

#define MODEL_WORDS  20
#define MODEL_NAMES  (MODEL_WORDS * 64)
#define MODEL_RULES  6
#define MODEL_ZONES  2
#define MODEL_HOSTS  4  /* max_hosts at most, and one */
#define MODEL_ORDERS 3  /* max_orders at most */
#define MODEL_TIMES  84 /* three instants a day, four weeks */

struct set {
    uint64_t word[MODEL_WORDS]; /* a bit for each name */
};
struct model_rule {
    bool permit, existing;
    bool zone[MODEL_ZONES], any_zone, any_host;
    bool any[5], has[5][4];
    unsigned most, orders; /* 0: none */
    unsigned forms;
    struct form {
        unsigned base, stars;
    } form[3];
    bool window[7][3]; /* weekday by part of the day; windows: are there any */
    bool windows;
    unsigned freeze_from, freeze_to; /* instants; equal: none */
    unsigned approvals;
    bool group[2];
    struct set covered, touched; /* hosts that a permit rule covers, that a forbid rule touches */
};
struct model {
    unsigned rules;
    struct model_rule rule[MODEL_RULES];
    bool zone[MODEL_ZONES];
    unsigned id[MODEL_ZONES];
};
struct pair {
    struct model model[2];
    struct policy *policy[2];
    struct buf text[2];
};
void model_start(uint64_t seed);
void model_fill(struct model *model); /* the sets of its rules */
struct policy *model_load(const struct model *model, struct buf *text);
void instant_write(unsigned instant, char *out, size_t size);
void pair_draw(struct pair *pair); /* fails the test when a policy cannot be loaded */
void pair_free(struct pair *pair);

struct expected {
    bool found;
    unsigned hosts, zones, rules; /* hosts: the fewest of an order that shows it */
    size_t cells;
    unsigned rules_bits; /* which permit some of it */
};
/* What policy `has` permits and the other one denies. */
void model_compare(const struct pair *pair, unsigned has, struct expected *out);
bool model_confirms(const struct pair *pair, unsigned has, const struct difference *difference);

#endif
