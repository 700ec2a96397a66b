/*
 * People who approve, as far as rules tell them apart. More approvals never permit less, so only
 * the smallest sets of people matter that meet some of one policy's demands: they are all found,
 * person by person, for the first demand that is not met yet.
 */
#include <stdio.h>
#include <stdlib.h>

#include "compare.h"

#define DEMANDS_MAX 64 /* different ones, of both policies: bits */
#define TARGETS_MAX 10 /* of one policy: all their subsets are met in turn */
#define SETS_MAX    1024
#define STEPS_MAX   1000000

struct demand_of {
    const struct policy *policy;
    const struct rule *rule;
    unsigned sides; /* bits: which have it */
};
/* What a person's group is good for: a bit for each demand. One group stands for all alike. */
struct group_kind {
    const char *name;
    uint64_t demands;
};
struct person {
    uint64_t demands;
    uint32_t groups;
    const char *group[DEMANDS_MAX];
};
struct gathering {
    struct region *region;
    struct occasions *out;
    struct demand_of demand[DEMANDS_MAX];
    struct group_kind *kind;
    struct person person[APPROVERS_MAX];
    size_t demands, kinds, persons, approvers, groups, steps;
    uint64_t target; /* demands to be met */
    bool memory, full;
};

static bool rule_has_group(const struct demand_of *demand, const char *name)
{
    for (uint32_t i = 0; i < demand->rule->groups; i++)
        if (strcmp(demand->policy->group[demand->rule->group + i], name) == 0)
            return true;
    return false;
}

static bool demands_equal(const struct demand_of *a, const struct demand_of *b)
{
    if (a->rule->approvals != b->rule->approvals || a->rule->groups != b->rule->groups)
        return false;
    for (uint32_t i = 0; i < a->rule->groups; i++)
        if (!rule_has_group(b, a->policy->group[a->rule->group + i]))
            return false;
    return true;
}

static void demand_add(struct gathering *in, const struct demand_of *demand)
{
    for (size_t i = 0; i < in->demands; i++)
        if (demands_equal(&in->demand[i], demand)) {
            in->demand[i].sides |= demand->sides;
            return;
        }
    if (in->demands < DEMANDS_MAX)
        in->demand[in->demands++] = *demand;
    else
        in->full = true;
}

static void demands_collect(struct gathering *in)
{
    for (unsigned s = 0; s < in->region->space->sides; s++) {
        const struct policy *policy = in->region->space->side[s].policy;
        for (uint32_t i = 0; i < in->region->side[s].plays; i++) {
            const struct rule *rule = &policy->rule[in->region->side[s].play[i]];
            if (rule->approvals > 0)
                demand_add(in, &(struct demand_of){policy, rule, 1u << s});
        }
    }
}

static uint64_t group_demands(const struct gathering *in, const char *name)
{
    uint64_t demands = 0;
    for (size_t i = 0; i < in->demands; i++)
        if (rule_has_group(&in->demand[i], name))
            demands |= BIT(i);
    return demands;
}

static bool kinds_collect(struct gathering *in)
{
    for (size_t d = 0; d < in->demands; d++)
        for (uint32_t g = 0; g < in->demand[d].rule->groups; g++) {
            const char *name = in->demand[d].policy->group[in->demand[d].rule->group + g];
            uint64_t demands = group_demands(in, name);
            size_t at = 0;
            while (at < in->kinds && in->kind[at].demands != demands)
                at++;
            if (at < in->kinds)
                continue;
            struct group_kind *kind = array_grown(in->kind, in->kinds, sizeof *kind);
            if (kind == NULL)
                return false;
            in->kind = kind;
            kind[in->kinds++] = (struct group_kind){name, demands};
        }
    return true;
}

/* The persons at hand are a set; its pointers are set when the arrays stay where they are. */
static bool set_put(struct gathering *in)
{
    struct occasions *out = in->out;
    struct approver_set *set = array_grown(out->set, out->sets, sizeof *set);
    if (set == NULL)
        return false;
    out->set = set;
    set[out->sets++] = (struct approver_set){in->approvers, in->persons};
    for (size_t p = 0; p < in->persons; p++) {
        struct approver *approver = array_grown(out->approver, in->approvers, sizeof *approver);
        if (approver == NULL)
            return false;
        out->approver = approver;
        approver[in->approvers++] = (struct approver){.groups = in->person[p].groups};
        for (uint32_t g = 0; g < in->person[p].groups; g++) {
            const char **group = array_grown(out->group, in->groups, sizeof *group);
            if (group == NULL)
                return false;
            out->group = group;
            group[in->groups++] = in->person[p].group[g];
        }
    }
    return true;
}

static void pointers_set(struct occasions *out, size_t approvers)
{
    size_t group = 0;
    for (size_t s = 0; s < out->sets; s++)
        for (size_t p = 0; p < out->set[s].count; p++)
            (void)snprintf(out->principal[p], sizeof out->principal[p], "approver%u@example.com",
                           (unsigned)p + 1);
    for (size_t s = 0; s < out->sets; s++)
        for (size_t p = 0; p < out->set[s].count; p++)
            out->approver[out->set[s].first + p].principal = out->principal[p];
    for (size_t a = 0; a < approvers; a++) {
        out->approver[a].group = out->group + group;
        group += out->approver[a].groups;
    }
}

static unsigned persons_for(const struct gathering *in, size_t demand)
{
    unsigned count = 0;
    for (size_t p = 0; p < in->persons; p++)
        count += (in->person[p].demands & BIT(demand)) != 0;
    return count;
}

static void demand_meet(struct gathering *in);

static void persons_add(struct gathering *in, size_t demand, unsigned need, size_t from, size_t to,
                        size_t kind);

/* Another group for one of those from `from` to `to`. */
static void groups_give(struct gathering *in, size_t demand, unsigned need, size_t from, size_t to,
                        size_t kind)
{
    for (size_t p = from; p < to; p++)
        for (size_t k = 0; k < in->kinds; k++) {
            struct person before = in->person[p];
            if ((before.demands & BIT(demand)) != 0 || (in->kind[k].demands & BIT(demand)) == 0)
                continue;
            in->person[p].demands |= in->kind[k].demands;
            in->person[p].group[in->person[p].groups++] = in->kind[k].name;
            persons_add(in, demand, need - 1, p + 1, to, kind);
            in->person[p] = before;
        }
}

/* `need` more persons for this demand: of those from `from` to `to` who get another group, then new
 * ones, whose kinds ascend from `kind`: so each set is made once. */
static void persons_add(struct gathering *in, size_t demand, unsigned need, size_t from, size_t to,
                        size_t kind)
{
    in->full = in->full || ++in->steps > STEPS_MAX || in->persons == APPROVERS_MAX;
    if (in->full || !in->memory)
        return;
    if (need == 0) {
        demand_meet(in);
        return;
    }
    groups_give(in, demand, need, from, to, kind);
    for (size_t k = kind; k < in->kinds && !in->full; k++) {
        if ((in->kind[k].demands & BIT(demand)) == 0)
            continue;
        in->person[in->persons++] = (struct person){
            .demands = in->kind[k].demands, .groups = 1, .group = {in->kind[k].name}};
        persons_add(in, demand, need - 1, to, to, k);
        in->persons--;
    }
}

static void demand_meet(struct gathering *in)
{
    for (size_t d = 0; d < in->demands; d++) {
        unsigned count = persons_for(in, d);
        if ((in->target & BIT(d)) == 0 || count >= in->demand[d].rule->approvals)
            continue;
        persons_add(in, d, in->demand[d].rule->approvals - count, 0, in->persons, 0);
        return;
    }
    in->full = in->full || in->out->sets == SETS_MAX;
    if (!in->full)
        in->memory = set_put(in);
}

/* Every subset of a policy's demands, the empty one first. */
static void side_gather(struct gathering *in, unsigned side)
{
    uint64_t of_side = 0;
    for (size_t d = 0; d < in->demands; d++)
        if ((in->demand[d].sides & (1u << side)) != 0)
            of_side |= BIT(d);
    if (__builtin_popcountll(of_side) > TARGETS_MAX) {
        in->full = true;
        return;
    }
    for (uint64_t rest = of_side; !in->full && in->memory; rest = (rest - 1) & of_side) {
        in->target = of_side & ~rest;
        if (side == 0 || in->target != 0)
            demand_meet(in);
        if (rest == 0)
            return;
    }
}

static int set_compare(const void *left, const void *right)
{
    const struct approver_set *a = left, *b = right;
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    return a->first < b->first ? -1 : a->first > b->first;
}

static void sets_gather(struct gathering *in)
{
    demands_collect(in);
    in->memory = !in->full && kinds_collect(in);
    for (unsigned s = 0; s < in->region->space->sides && in->memory && !in->full; s++)
        side_gather(in, s);
}

enum result approvers_make(struct region *region, struct occasions *out, struct err *err)
{
    struct gathering *in = calloc(1, sizeof *in);
    if (in == NULL)
        return err_set(err, RESULT_INTERNAL, "the approvers of orders: out of memory");
    *in = (struct gathering){.region = region, .out = out, .memory = true};
    sets_gather(in);
    enum result result = RESULT_OK;
    if (in->full)
        result = err_set(err, RESULT_CONFIG,
                         "the rules of the zone %s demand too many different approvals to be "
                         "compared exactly: demand the same of rules that mean the same",
                         region->place->name);
    else if (!in->memory)
        result = err_set(err, RESULT_INTERNAL, "the approvers of orders: out of memory");
    else
        pointers_set(out, in->approvers);
    if (result == RESULT_OK)
        qsort(out->set, out->sets, sizeof *out->set, set_compare);
    free(in->kind);
    free(in);
    return result;
}
