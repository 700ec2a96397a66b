/* What each policy permits of each class, in one trial. */
#include <stdlib.h>

#include "compare.h"

static void cube_add(const struct cube *cube, uint64_t plane, uint64_t *out)
{
    for (uint64_t cas = cube->cas; cas != 0; cas &= cas - 1) {
        unsigned ca = (unsigned)__builtin_ctzll(cas);
        out[ca * 2] |= cube->branding[0] ? plane : 0;
        out[ca * 2 + 1] |= cube->branding[1] ? plane : 0;
    }
}

/* Where no live pack shows the label, a rule that asks for that permits what has no label. */
void rule_cells(const struct region *region, unsigned side, uint32_t rule, bool evidence,
                uint64_t *out)
{
    const struct side *it = &region->space->side[side];
    bool wants = it->policy->rule[rule].existing && !evidence;
    cube_add(&it->cube[rule], it->cube[rule].plane & (wants ? PLANE_NONE : PLANE_ALL), out);
}

static void rules_ask(const struct side *side, const struct region_side *in,
                      const struct trial *trial)
{
    for (uint32_t i = 0; i < in->plays; i++) {
        const struct rule *rule = &side->policy->rule[in->play[i]];
        side->on[in->play[i]] = trial->hosts >= rule->hosts_min &&
                                trial->hosts <= rule->hosts_max &&
                                limits_fit(side->policy, rule, trial->at);
    }
}

static void slots_fill(struct region *region, unsigned side, bool evidence)
{
    const struct side *it = &region->space->side[side];
    struct region_side *in = &region->side[side];
    unsigned planes = region->space->planes;
    memset(in->permit, 0, sizeof *in->permit * in->slots * planes);
    memset(in->forbid, 0, sizeof *in->forbid * in->slots * planes);
    memset(in->seen, 0, sizeof *in->seen * in->slots * planes);
    for (uint32_t s = 0; s < in->slots; s++)
        for (uint32_t u = in->slot[s].use; u < in->slot[s].use + in->slot[s].uses; u++) {
            uint32_t rule = in->use[u];
            uint64_t *to = it->policy->rule[rule].permit ? in->permit : in->forbid;
            if (it->on[rule])
                rule_cells(region, side, rule, evidence, to + (size_t)s * planes);
        }
}

static void forbidden_fill(struct region *region, unsigned side)
{
    struct region_side *in = &region->side[side];
    memset(in->forbidden, 0, sizeof in->forbidden);
    for (uint32_t i = 0; i < in->anys; i++)
        if (region->space->side[side].on[in->any[i]])
            rule_cells(region, side, in->any[i], true, in->forbidden);
}

void class_sum(const struct region *region, unsigned side, uint32_t class, const uint64_t *slots,
               uint64_t *out)
{
    const struct host_class *it = &region->class[class];
    unsigned planes = region->space->planes;
    memset(out, 0, sizeof *out * planes);
    for (uint32_t h = it->hit[side]; h < it->hit[side] + it->hits[side]; h++)
        planes_or(out, slots + (size_t)region->hit[h] * planes, planes);
}

/* The hottest loop of all: no room of its own is cleared for each class. */
static void class_judge(struct region *region, unsigned side, uint32_t class)
{
    struct region_side *in = &region->side[side];
    const struct host_class *it = &region->class[class];
    unsigned planes = region->space->planes;
    uint64_t *out = in->cells + (size_t) class * planes;
    uint64_t possible = shape_is_wildcard(it->shape) ? PLANE_TXT : PLANE_ALL;
    class_sum(region, side, class, in->permit, out);
    for (uint32_t h = it->hit[side]; h < it->hit[side] + it->hits[side]; h++)
        planes_without(out, in->forbid + (size_t)region->hit[h] * planes, planes);
    for (unsigned i = 0; i < planes; i++)
        out[i] &= ~in->forbidden[i] & possible;
}

void region_judge(struct region *region, const struct trial *trial)
{
    for (unsigned s = 0; s < region->space->sides; s++) {
        if (region->place->zone[s] == NONE)
            continue;
        rules_ask(&region->space->side[s], &region->side[s], trial);
        slots_fill(region, s, trial->evidence);
        forbidden_fill(region, s);
        for (uint32_t c = 0; c < region->classes; c++)
            class_judge(region, s, c);
    }
}

/* One more name, permitted in these cells. at_least: planes by number of names, 0..hosts. */
static void name_count(uint64_t *at_least, const uint64_t *cells, uint32_t hosts, unsigned planes)
{
    for (uint64_t *to = at_least + (size_t)hosts * planes; to > at_least; to -= planes)
        for (unsigned p = 0; p < planes; p++)
            to[p] |= to[(ptrdiff_t)p - (ptrdiff_t)planes] & cells[p];
}

void region_orderable(const struct region *region, unsigned side, uint32_t hosts, uint64_t *out)
{
    unsigned planes = region->space->planes;
    uint64_t *at_least = region->at_least, missing[PLANES_MAX];
    const uint64_t *cells = region->side[side].cells, *enough = at_least + (size_t)hosts * planes;
    memset(at_least, 0xFF, sizeof *at_least * planes);
    memset(at_least + planes, 0, sizeof *at_least * planes * hosts);
    memcpy(out, cells, sizeof *out * planes); /* of the apex */
    for (uint32_t c = 0; c < region->classes; c++, cells += planes) {
        memcpy(missing, out, sizeof missing[0] * planes);
        planes_without(missing, enough, planes);
        if (!planes_any(missing, planes))
            break;
        planes_and(missing, cells, planes);
        uint32_t names = region->class[c].names < hosts ? region->class[c].names : hosts;
        for (; names > 0 && planes_any(missing, planes); names--)
            name_count(at_least, missing, hosts, planes);
    }
    planes_and(out, enough, planes);
}

size_t hosts_boundaries(const struct region *region, uint32_t out[HOSTS_MAX + 1])
{
    bool starts[HOSTS_MAX + 2] = {[1] = true, [2] = true};
    size_t count = 0;
    for (unsigned s = 0; s < region->space->sides; s++)
        for (uint32_t i = 0; i < region->side[s].plays; i++) {
            const struct rule *rule = &region->space->side[s].policy->rule[region->side[s].play[i]];
            if (rule->hosts_min <= HOSTS_MAX)
                starts[rule->hosts_min] = true;
            starts[rule->hosts_max + 1] = true;
        }
    for (uint32_t n = 1; n <= HOSTS_MAX; n++)
        if (starts[n])
            out[count++] = n;
    return count;
}

bool region_wants_evidence(const struct region *region)
{
    for (unsigned s = 0; s < region->space->sides; s++)
        for (uint32_t i = 0; i < region->side[s].plays; i++)
            if (region->space->side[s].policy->rule[region->side[s].play[i]].existing)
                return true;
    return false;
}
