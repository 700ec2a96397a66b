/* An order that shows a difference: made of the fewest hosts, and judged by both policies. */
#include <stdio.h>
#include <stdlib.h>

#include "compare_run.h"

/* A cell as the values of an order. */
static void cell_fill(const struct space *space, unsigned plane, unsigned bit, struct order *out)
{
    const struct authorities *known = &space->side[0].policy->authorities;
    unsigned days = attribute_group[ATTRIBUTE_DAYS].first + bit / 12;
    unsigned method = attribute_group[ATTRIBUTE_METHOD].first + bit / 4 % 3;
    unsigned label = attribute_group[ATTRIBUTE_GEO].first + bit % 4;
    line_put(out->certificate_authority, sizeof out->certificate_authority, space->ca[plane / 2]);
    out->cloudflare_branding = plane % 2 == 1;
    out->validity_days = (int)attribute_days(days);
    line_put(out->validation_method, sizeof out->validation_method, attribute_value(known, method));
    line_put(out->geo_label, sizeof out->geo_label, attribute_value(known, label));
}

static bool order_has(const struct order *order, const char *name)
{
    for (size_t i = 0; i < order->hosts; i++)
        if (strcmp(order->host[i], name) == 0)
            return true;
    return false;
}

/* Names of this class, until the order has so many. */
static void hosts_add(const struct region *region, uint32_t class, uint32_t hosts,
                      struct order *out)
{
    char name[HOST_LEN + 2];
    struct names names;
    names_start(&names, region, region->class[class].node, region->class[class].shape);
    while (out->hosts < hosts && names_next(&names, name))
        if (!order_has(out, name))
            line_put(out->host[out->hosts++], sizeof out->host[0], name);
}

static void hosts_fill(const struct run *run, unsigned has, uint32_t class, unsigned plane,
                       uint64_t cell, struct order *out)
{
    const struct region *region = &run->region;
    const uint64_t *cells = region->side[has].cells + plane;
    hosts_add(region, 0, 1, out);
    hosts_add(region, class, (uint32_t)out->hosts + (class != 0), out);
    for (uint32_t c = 0; c < region->classes && out->hosts < run->trial.hosts; c++)
        if ((cells[(size_t)c * run->space.planes] & cell) != 0)
            hosts_add(region, c, run->trial.hosts, out);
}

/* By its name, unless the other policy has another zone of that name. */
static void zone_fill(const struct run *run, unsigned has, struct order *out)
{
    const struct place *place = run->region.place;
    bool other = zone_named(run->space.side[1 - has].policy, place->name) != NONE &&
                 place->zone[1 - has] == NONE;
    line_put(out->zone, sizeof out->zone, other ? place->id : place->name);
}

/* Both policies must mean the same zone by it; else the other one cannot permit the order. */
static bool zone_is_one(const struct policy *other, const struct order *order, struct order *copy)
{
    *copy = *order;
    return !policy_resolve_zone(other, copy) ||
           (strcmp(copy->zone_id, order->zone_id) == 0 && strcmp(copy->apex, order->apex) == 0);
}

static enum result judge_has(const struct policy *policy, const struct difference *it,
                             bool *permits, struct err *err)
{
    struct decision decision;
    TRY(policy_judge(policy, &it->order, &it->at, &decision, err));
    *permits = decision.permit && (it->evidence || !decision.geo_evidence_existing);
    decision_free(&decision);
    return RESULT_OK;
}

static enum result judge_lacks(const struct policy *policy, struct difference *it, bool *permits,
                               struct err *err)
{
    struct order order;
    *permits = false;
    if (!zone_is_one(policy, &it->order, &order))
        return RESULT_OK;
    TRY(policy_judge(policy, &order, &it->at, &it->denial, err));
    *permits = it->denial.permit && (it->evidence || !it->denial.geo_evidence_existing);
    return RESULT_OK;
}

static enum result witness_judge(const struct run *run, unsigned has, struct difference *it,
                                 struct err *err)
{
    bool permits = false, other = true;
    TRY(order_check(&it->order, err));
    if (!policy_resolve_zone(run->space.side[has].policy, &it->order))
        return err_set(err, RESULT_INTERNAL, "the zone %s is not found again", it->order.zone);
    TRY(judge_has(run->space.side[has].policy, it, &permits, err));
    TRY(judge_lacks(run->space.side[1 - has].policy, it, &other, err));
    if (permits && !other)
        return RESULT_OK;
    return err_set(err, RESULT_INTERNAL,
                   "the comparison found an order for the zone %s that the policies do not judge "
                   "so: please report this",
                   it->order.zone);
}

/* The case's approvers are gone with its zone. */
static bool approvers_keep(const struct circumstances *at, struct difference *out)
{
    size_t groups = 0;
    for (size_t i = 0; i < at->approvers; i++)
        groups += at->approver[i].groups;
    free(out->approver);
    free(out->principal);
    free(out->group);
    out->approver = calloc(at->approvers + 1, sizeof *out->approver);
    out->principal = calloc(at->approvers + 1, sizeof *out->principal);
    out->group = calloc(groups + 1, sizeof *out->group);
    if (out->approver == NULL || out->principal == NULL || out->group == NULL)
        return false;
    const char **group = out->group;
    for (size_t i = 0; i < at->approvers; i++) {
        line_put(out->principal[i], sizeof out->principal[i], at->approver[i].principal);
        out->approver[i] = (struct approver){out->principal[i], group, at->approver[i].groups};
        for (size_t g = 0; g < at->approver[i].groups; g++)
            *group++ = at->approver[i].group[g];
    }
    out->at = *at;
    out->at.approver = out->approver;
    return true;
}

enum result witness_make(struct run *run, unsigned has, uint32_t class, const uint64_t *cells,
                         struct err *err)
{
    struct difference *out = has == 1 ? &run->out->gained : &run->out->lost;
    unsigned plane = 0;
    while (cells[plane] == 0)
        plane++;
    unsigned bit = (unsigned)__builtin_ctzll(cells[plane]);
    decision_free(&out->denial);
    out->order = (struct order){0};
    out->evidence = run->trial.evidence;
    if (!approvers_keep(run->trial.at, out))
        return err_set(err, RESULT_INTERNAL, "the comparison: out of memory");
    zone_fill(run, has, &out->order);
    cell_fill(&run->space, plane, bit, &out->order);
    hosts_fill(run, has, class, plane, BIT(bit), &out->order);
    if (witness_judge(run, has, out, err) != RESULT_OK) {
        struct err why = *err;
        return err_set(err, RESULT_INTERNAL, "the comparison: %s", why.text);
    }
    out->found = true;
    return RESULT_OK;
}
