/* What differs, gathered: in how many places, by which rules, and the smallest witness. */
#include <stdlib.h>

#include "compare_run.h"

const char *grant_member(size_t index)
{
    return attribute_group[index].rule_name;
}

static struct difference *difference_of(const struct run *run, unsigned has)
{
    return has == 1 ? &run->out->gained : &run->out->lost;
}

enum result finding_open(struct run *run, struct err *err)
{
    for (unsigned s = 0; s < SIDES; s++) {
        run->finding[s].grant = calloc(run->space.side[s].policy->rules, sizeof(uint32_t));
        if (run->finding[s].grant == NULL)
            return err_set(err, RESULT_INTERNAL, "the comparison: out of memory");
    }
    return RESULT_OK;
}

void finding_close(struct run *run)
{
    for (unsigned s = 0; s < SIDES; s++) {
        free(run->finding[s].grant);
        free(run->finding[s].grant_cells);
    }
}

enum result difference_begin(struct run *run, struct err *err)
{
    for (unsigned s = 0; s < SIDES; s++) {
        run->finding[s].zone_seen = false;
        run->finding[s].class_seen = calloc(run->region.classes, sizeof(bool));
        if (run->finding[s].class_seen == NULL)
            return err_set(err, RESULT_INTERNAL, "the comparison: out of memory");
    }
    return RESULT_OK;
}

void difference_end(struct run *run)
{
    for (unsigned s = 0; s < SIDES; s++) {
        free(run->finding[s].class_seen);
        run->finding[s].class_seen = NULL;
    }
}

static bool grant_add(struct run *run, unsigned has, uint32_t class, uint32_t rule)
{
    struct difference *out = difference_of(run, has);
    struct finding *finding = &run->finding[has];
    unsigned planes = run->space.planes;
    const struct host_class *it = &run->region.class[class];
    struct names names;
    struct grant *grant = array_grown(out->grant, out->grants, sizeof *grant);
    if (grant == NULL)
        return false;
    out->grant = grant;
    uint64_t *cells = array_grown(finding->grant_cells, out->grants, sizeof *cells * planes);
    if (cells == NULL)
        return false;
    finding->grant_cells = cells;
    memset(cells + out->grants * planes, 0, sizeof *cells * planes);
    grant += out->grants;
    *grant = (struct grant){.rule = run->space.side[has].policy->rule[rule].id,
                            .zone = run->region.place->name,
                            .hosts = run->trial.hosts};
    char name[HOST_LEN + 2];
    names_start(&names, &run->region, it->node, it->shape);
    if (names_next(&names, name))
        line_put(grant->host, sizeof grant->host, name);
    finding->grant[rule] = (uint32_t)++out->grants;
    return true;
}

static bool rule_note(struct run *run, unsigned has, uint32_t class, uint32_t rule,
                      const uint64_t *cells)
{
    struct finding *finding = &run->finding[has];
    unsigned planes = run->space.planes;
    uint64_t mine[PLANES_MAX] = {0};
    rule_cells(&run->region, has, rule, run->trial.evidence, mine);
    planes_and(mine, cells, planes);
    if (!planes_any(mine, planes))
        return true;
    if (finding->grant[rule] == 0 && !grant_add(run, has, class, rule))
        return false;
    planes_or(finding->grant_cells + (size_t)(finding->grant[rule] - 1) * planes, mine, planes);
    return true;
}

/* A slot's rules are looked through only for cells that it has not shown yet in this trial. */
static bool slot_note(struct run *run, unsigned has, uint32_t class, uint32_t index,
                      const uint64_t *cells)
{
    const struct side *side = &run->space.side[has];
    struct region_side *in = &run->region.side[has];
    const struct slot *slot = &in->slot[index];
    unsigned planes = run->space.planes;
    uint64_t fresh[PLANES_MAX], *seen = in->seen + (size_t)index * planes;
    memcpy(fresh, cells, sizeof *fresh * planes);
    planes_without(fresh, seen, planes);
    if (!planes_any(fresh, planes))
        return true;
    planes_or(seen, cells, planes);
    for (uint32_t u = slot->use; u < slot->use + slot->uses; u++)
        if (side->policy->rule[in->use[u]].permit && side->on[in->use[u]] &&
            !rule_note(run, has, class, in->use[u], cells))
            return false;
    return true;
}

enum result difference_note(struct run *run, unsigned has, uint32_t class, const uint64_t *cells,
                            struct err *err)
{
    struct difference *out = difference_of(run, has);
    struct finding *finding = &run->finding[has];
    const struct host_class *it = &run->region.class[class];
    out->zones += !finding->zone_seen;
    out->classes += !finding->class_seen[class];
    finding->zone_seen = finding->class_seen[class] = true;
    planes_or(finding->cells, cells, run->space.planes);
    for (uint32_t h = it->hit[has]; h < it->hit[has] + it->hits[has]; h++)
        if (!slot_note(run, has, class, run->region.hit[h], cells))
            return err_set(err, RESULT_INTERNAL, "the comparison: out of memory");
    if (out->found && out->order.hosts <= run->trial.hosts)
        return RESULT_OK;
    return witness_make(run, has, class, cells, err);
}

/* The values that these cells have of each attribute. */
static void values_fill(const struct space *space, const uint64_t *cells, struct grant *out)
{
    const struct authorities *known = &space->side[0].policy->authorities;
    uint64_t bits = 0;
    for (unsigned p = 0; p < space->planes; p++) {
        if (cells[p] == 0)
            continue;
        size_t count = out->values[ATTRIBUTE_AUTHORITY];
        if (count == 0 || out->value[ATTRIBUTE_AUTHORITY][count - 1] != space->ca[p / 2])
            out->value[ATTRIBUTE_AUTHORITY][out->values[ATTRIBUTE_AUTHORITY]++] = space->ca[p / 2];
        bits |= BIT(attribute_group[ATTRIBUTE_BRANDING].first + p % 2);
        for (unsigned b = 0; b < PLANE_BITS; b++)
            if ((cells[p] & BIT(b)) != 0)
                bits |= BIT(attribute_group[ATTRIBUTE_DAYS].first + b / 12) |
                        BIT(attribute_group[ATTRIBUTE_METHOD].first + b / 4 % 3) |
                        BIT(attribute_group[ATTRIBUTE_GEO].first + b % 4);
    }
    for (enum attribute a = ATTRIBUTE_DAYS; a < ATTRIBUTES; a++)
        for (unsigned i = 0; i < attribute_group[a].values; i++)
            if ((bits & BIT(attribute_group[a].first + i)) != 0)
                out->value[a][out->values[a]++] =
                    attribute_value(known, attribute_group[a].first + i);
}

void finding_finish(struct run *run)
{
    for (unsigned s = 0; s < SIDES; s++) {
        struct difference *out = difference_of(run, s);
        for (unsigned p = 0; p < run->space.planes; p++)
            out->cells += (size_t)__builtin_popcountll(run->finding[s].cells[p]);
        for (size_t g = 0; g < out->grants; g++)
            values_fill(&run->space, run->finding[s].grant_cells + g * run->space.planes,
                        &out->grant[g]);
    }
}
