/*
 * A rule is needed when it is the only one that says something, somewhere. For each class of names
 * the cells are counted that one rule has, and that more have; a slot's rules are looked through
 * only for cells that it has not shown yet.
 */
#include <stdlib.h>

#include "compare.h"
#include "survey.h"

#define WORK_MAX 2e9 /* words: a second or two */

/* Cells of a slot, or of a class. */
struct counted {
    uint64_t once[PLANES_MAX], more[PLANES_MAX];
};
struct surveying {
    struct survey *out;
    struct space space;
    struct region region;
    struct occasions occasions;
    struct trial trial;
    uint64_t *once[2], *more[2]; /* by slot: of forbid rules, of permit rules */
    uint64_t *met[2], *shown[2]; /* by slot: cells whose rules were marked */
    struct counted any;          /* of the rules that forbid any host */
    uint64_t any_seen[2][PLANES_MAX];
    bool *skip;
};

static const struct side *side_of(const struct surveying *in)
{
    return &in->space.side[0];
}

/* Whether a rule has an entry of these kinds among those of a hit. They are sorted by pattern. */
static bool hit_has(const struct hit *hit, const struct rule *rule, unsigned kinds)
{
    uint32_t low = 0, high = hit->entries;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (hit->entry[middle].pattern < rule->pattern)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < hit->entries && hit->entry[low].pattern < rule->pattern + rule->patterns; low++)
        if ((hit->entry[low].kind & kinds) != 0)
            return true;
    return false;
}

/* Whether another pattern of its rule holds all that this one does. Of a permit rule's patterns
 * that match one class, one holds the others: so a rule then matches each class once. */
static bool pattern_is_held(const struct policy *policy, const struct rule *rule,
                            const struct pattern *pattern)
{
    struct hits hits;
    host_hits(policy, pattern->base, &hits);
    for (uint32_t i = 0; i < hits.count; i++) {
        unsigned kinds = PATTERN_DEEP;
        if (pattern->kind == PATTERN_EXACT)
            kinds = hits.hit[i].kinds & (PATTERN_DEEP | PATTERN_ONE);
        if (hits.hit[i].kinds != PATTERN_EXACT && hit_has(&hits.hit[i], rule, kinds))
            return true;
    }
    return false;
}

static bool skip_make(struct surveying *in, const struct policy *policy)
{
    in->skip = calloc((size_t)policy->patterns + 1, sizeof *in->skip);
    if (in->skip == NULL)
        return false;
    for (uint32_t r = 0; r < policy->rules; r++) {
        const struct rule *rule = &policy->rule[r];
        for (uint32_t p = rule->pattern; p < rule->pattern + rule->patterns; p++)
            in->skip[p] = rule->permit && rule->patterns > 1 &&
                          pattern_is_held(policy, rule, &policy->pattern[p]);
    }
    in->space.side[0].skip = in->skip;
    return true;
}

static void cells_count(uint64_t *once, uint64_t *more, const uint64_t *cells, unsigned planes)
{
    for (unsigned p = 0; p < planes; p++) {
        more[p] |= once[p] & cells[p];
        once[p] |= cells[p];
    }
}

static void rule_count(const struct surveying *in, uint32_t rule, uint64_t *once, uint64_t *more)
{
    uint64_t cells[PLANES_MAX];
    bool permit = side_of(in)->policy->rule[rule].permit;
    if (!side_of(in)->on[rule])
        return;
    memset(cells, 0, sizeof *cells * in->space.planes);
    rule_cells(&in->region, 0, rule, in->trial.evidence || !permit, cells);
    cells_count(once, more, cells, in->space.planes);
}

static void slots_count(struct surveying *in)
{
    const struct region_side *side = &in->region.side[0];
    unsigned planes = in->space.planes;
    size_t size = sizeof *in->once[0] * planes * side->slots;
    for (unsigned permit = 0; permit < 2; permit++) {
        memset(in->once[permit], 0, size);
        memset(in->more[permit], 0, size);
        memset(in->met[permit], 0, size);
        memset(in->shown[permit], 0, size);
    }
    for (uint32_t s = 0; s < side->slots; s++)
        for (uint32_t u = side->slot[s].use; u < side->slot[s].use + side->slot[s].uses; u++) {
            bool permit = side_of(in)->policy->rule[side->use[u]].permit;
            rule_count(in, side->use[u], in->once[permit] + (size_t)s * planes,
                       in->more[permit] + (size_t)s * planes);
        }
    in->any = (struct counted){0};
    memset(in->any_seen, 0, sizeof in->any_seen);
    for (uint32_t i = 0; i < side->anys; i++)
        rule_count(in, side->any[i], in->any.once, in->any.more);
}

/* What of a class's cells is said once, by the rules of one effect, and what more often. */
static void class_count(const struct surveying *in, const struct host_class *class, bool permit,
                        struct counted *out)
{
    unsigned planes = in->space.planes;
    if (permit)
        *out = (struct counted){0};
    else
        *out = in->any;
    for (uint32_t h = class->hit[0]; h < class->hit[0] + class->hits[0]; h++) {
        size_t at = (size_t)in->region.hit[h] * planes;
        planes_or(out->more, in->more[permit] + at, planes);
        cells_count(out->once, out->more, in->once[permit] + at, planes);
    }
}

/* Whether the rule has some of these cells, in this trial. */
static bool cells_meet(const struct surveying *in, uint32_t rule, const uint64_t *cells)
{
    uint64_t mine[PLANES_MAX];
    bool permit = side_of(in)->policy->rule[rule].permit;
    memset(mine, 0, sizeof *mine * in->space.planes);
    rule_cells(&in->region, 0, rule, in->trial.evidence || !permit, mine);
    planes_and(mine, cells, in->space.planes);
    return planes_any(mine, in->space.planes);
}

/* The rules of this effect in a slot that have some of these cells. */
static void slot_mark(struct surveying *in, uint32_t slot, bool permit, bool needed,
                      const uint64_t *cells)
{
    const struct region_side *side = &in->region.side[0];
    const struct slot *it = &side->slot[slot];
    for (uint32_t u = it->use; u < it->use + it->uses; u++) {
        uint32_t rule = side->use[u];
        struct surveyed *mark = &in->out->rule[rule];
        if (side_of(in)->policy->rule[rule].permit != permit || !side_of(in)->on[rule] ||
            (needed ? mark->needed : mark->reached) || !cells_meet(in, rule, cells))
            continue;
        if (needed)
            mark->needed = true;
        else
            mark->reached = true;
    }
}

/* Marks in each slot of the class the rules that have cells not looked for yet. */
static void class_mark(struct surveying *in, const struct host_class *class, bool permit,
                       bool needed, const uint64_t *cells)
{
    unsigned planes = in->space.planes;
    uint64_t fresh[PLANES_MAX];
    for (uint32_t h = class->hit[0]; h < class->hit[0] + class->hits[0]; h++) {
        uint32_t slot = in->region.hit[h];
        uint64_t *seen = (needed ? in->shown : in->met)[permit] + (size_t)slot * planes;
        memcpy(fresh, cells, sizeof *fresh * planes);
        planes_and(fresh, in->once[permit] + (size_t)slot * planes, planes);
        planes_without(fresh, seen, planes);
        if (!planes_any(fresh, planes))
            continue;
        planes_or(seen, fresh, planes);
        slot_mark(in, slot, permit, needed, fresh);
    }
}

static void any_mark(struct surveying *in, bool needed, const uint64_t *cells)
{
    unsigned planes = in->space.planes;
    uint64_t fresh[PLANES_MAX] = {0};
    memcpy(fresh, cells, sizeof *fresh * planes);
    planes_without(fresh, in->any_seen[needed], planes);
    planes_or(in->any_seen[needed], fresh, planes);
    if (!planes_any(fresh, planes))
        return;
    for (uint32_t i = 0; i < in->region.side[0].anys; i++) {
        uint32_t rule = in->region.side[0].any[i];
        struct surveyed *mark = &in->out->rule[rule];
        if (!side_of(in)->on[rule] || !cells_meet(in, rule, fresh))
            continue;
        mark->needed |= needed;
        mark->reached = true;
    }
}

static void unique_make(const struct counted *count, const uint64_t *within, unsigned planes,
                        uint64_t *out)
{
    memcpy(out, within, sizeof *out * planes);
    planes_and(out, count->once, planes);
    planes_without(out, count->more, planes);
}

static void permits_survey(struct surveying *in, uint32_t index, const uint64_t *open)
{
    const struct host_class *class = &in->region.class[index];
    unsigned planes = in->space.planes;
    struct counted count;
    uint64_t cells[PLANES_MAX], unique[PLANES_MAX];
    memcpy(cells, in->region.side[0].cells + (size_t)index * planes, sizeof *cells * planes);
    planes_and(cells, open, planes);
    if (!planes_any(cells, planes))
        return;
    class_count(in, class, true, &count);
    unique_make(&count, cells, planes, unique);
    class_mark(in, class, true, false, cells);
    class_mark(in, class, true, true, unique);
}

/* A forbid rule of several patterns may touch a class by two of them: what it says, and no other
 * rule of the same slot, then counts as said by it alone. */
static void several_mark(struct surveying *in, const struct host_class *class,
                         const uint64_t *cells)
{
    const struct region_side *side = &in->region.side[0];
    unsigned planes = in->space.planes;
    uint64_t mine[PLANES_MAX];
    for (uint32_t h = class->hit[0]; h < class->hit[0] + class->hits[0]; h++) {
        const struct slot *slot = &side->slot[in->region.hit[h]];
        memcpy(mine, cells, sizeof *mine * planes);
        planes_and(mine, in->once[0] + (size_t)in->region.hit[h] * planes, planes);
        planes_without(mine, in->more[0] + (size_t)in->region.hit[h] * planes, planes);
        for (uint32_t u = slot->use; u < slot->use + slot->uses && planes_any(mine, planes); u++) {
            const struct rule *rule = &side_of(in)->policy->rule[side->use[u]];
            if (!rule->permit && rule->patterns > 1 && side_of(in)->on[side->use[u]] &&
                !in->out->rule[side->use[u]].needed)
                in->out->rule[side->use[u]].needed = cells_meet(in, side->use[u], mine);
        }
    }
}

static void forbids_survey(struct surveying *in, uint32_t index)
{
    const struct host_class *class = &in->region.class[index];
    unsigned planes = in->space.planes;
    struct counted count;
    uint64_t permit[PLANES_MAX] = {0}, unique[PLANES_MAX] = {0};
    class_count(in, class, false, &count);
    if (!planes_any(count.once, planes))
        return;
    class_sum(&in->region, 0, index, in->region.side[0].permit, permit);
    for (unsigned p = 0; p < planes; p++)
        permit[p] &= shape_is_wildcard(class->shape) ? PLANE_TXT : PLANE_ALL;
    unique_make(&count, permit, planes, unique);
    class_mark(in, class, false, false, permit);
    class_mark(in, class, false, true, unique);
    several_mark(in, class, permit);
    any_mark(in, false, permit);
    any_mark(in, true, unique);
}

static void trial_survey(struct surveying *in)
{
    uint64_t open[PLANES_MAX];
    region_judge(&in->region, &in->trial);
    region_orderable(&in->region, 0, in->trial.hosts, open);
    slots_count(in);
    uint32_t classes = in->trial.hosts == 1 ? 1 : in->region.classes;
    for (uint32_t c = 0; c < classes; c++) {
        permits_survey(in, c, open);
        forbids_survey(in, c);
    }
}

static bool counts_allocate(struct surveying *in)
{
    size_t size = ((size_t)in->region.side[0].slots + 1) * in->space.planes;
    bool made = true;
    for (unsigned permit = 0; permit < 2; permit++) {
        in->once[permit] = calloc(size, sizeof *in->once[0]);
        in->more[permit] = calloc(size, sizeof *in->more[0]);
        in->met[permit] = calloc(size, sizeof *in->met[0]);
        in->shown[permit] = calloc(size, sizeof *in->shown[0]);
        made = made && in->once[permit] != NULL && in->more[permit] != NULL &&
               in->met[permit] != NULL && in->shown[permit] != NULL;
    }
    return made;
}

static void counts_free(struct surveying *in)
{
    for (unsigned permit = 0; permit < 2; permit++) {
        free(in->once[permit]);
        free(in->more[permit]);
        free(in->met[permit]);
        free(in->shown[permit]);
        in->once[permit] = in->more[permit] = in->met[permit] = in->shown[permit] = NULL;
    }
}

/* The permit rules at the apex against each permit rule of the zone. */
static void apex_survey(struct surveying *in)
{
    const struct policy *policy = side_of(in)->policy;
    const struct region_side *side = &in->region.side[0];
    const struct host_class *apex = &in->region.class[0];
    uint32_t zone = in->region.place->zone[0];
    uint64_t cells[PLANES_MAX] = {0};
    in->trial = (struct trial){.evidence = true};
    for (uint32_t h = apex->hit[0]; h < apex->hit[0] + apex->hits[0]; h++) {
        const struct slot *slot = &side->slot[in->region.hit[h]];
        for (uint32_t u = slot->use; u < slot->use + slot->uses; u++)
            if (policy->rule[side->use[u]].permit)
                rule_cells(&in->region, 0, side->use[u], true, cells);
    }
    for (uint32_t e = policy->zone[zone].entry;
         e < policy->zone[zone].entry + policy->zone[zone].entries; e++) {
        const struct rule *rule = &policy->rule[policy->zone_entry[e].rule];
        bool meets = cells_meet(in, policy->zone_entry[e].rule, cells);
        for (uint32_t z = 0; z < rule->zones; z++)
            if (rule->zone[z] == zone)
                in->out->apex[rule->zone + z - policy->zone_list] = meets;
    }
}

static bool too_much(const struct surveying *in, size_t trials)
{
    const struct region_side *side = &in->region.side[0];
    double words = (double)in->region.classes + (double)in->region.hits + (double)side->uses;
    return words * 4 * in->space.planes * (double)trials > WORK_MAX;
}

static void trials_survey(struct surveying *in, const uint32_t *hosts, size_t counts)
{
    size_t evidences = region_wants_evidence(&in->region) ? 2 : 1;
    for (size_t n = 0; n < counts; n++)
        for (size_t c = 0; c < in->occasions.count; c++)
            for (size_t e = 0; e < evidences; e++) {
                in->trial = (struct trial){
                    .hosts = hosts[n], .evidence = e == 1, .at = &in->occasions.at[c]};
                trial_survey(in);
            }
}

static void unknown_mark(struct surveying *in)
{
    for (uint32_t i = 0; i < in->region.side[0].plays; i++)
        in->out->rule[in->region.side[0].play[i]].known = false;
}

static enum result region_survey(struct surveying *in, struct err *err)
{
    uint32_t hosts[HOSTS_MAX + 1];
    size_t counts = hosts_boundaries(&in->region, hosts);
    struct err why = {0};
    apex_survey(in);
    enum result result = occasions_make(&in->region, &in->occasions, &why);
    if (result == RESULT_CONFIG ||
        (result == RESULT_OK && too_much(in, counts * in->occasions.count))) {
        unknown_mark(in);
        return RESULT_OK;
    }
    *err = why;
    if (result == RESULT_OK && !counts_allocate(in))
        result = err_set(err, RESULT_INTERNAL, "the survey of the rules: out of memory");
    if (result == RESULT_OK)
        trials_survey(in, hosts, counts);
    return result;
}

static enum result space_survey(struct surveying *in, struct err *err)
{
    for (uint32_t place = 0; place < in->space.places; place++) {
        TRY(region_open(&in->space, place, &in->region, err));
        enum result result = region_survey(in, err);
        counts_free(in);
        occasions_free(&in->occasions);
        region_close(&in->space, &in->region);
        if (result != RESULT_OK)
            return result;
    }
    return RESULT_OK;
}

void survey_free(struct survey *survey)
{
    free(survey->rule);
    free(survey->apex);
    *survey = (struct survey){0};
}

static bool survey_allocate(const struct policy *policy, struct survey *out)
{
    size_t zones = 1;
    for (uint32_t r = 0; r < policy->rules; r++)
        zones += policy->rule[r].zones;
    out->rule = calloc((size_t)policy->rules + 1, sizeof *out->rule);
    out->apex = calloc(zones, sizeof *out->apex);
    for (uint32_t r = 0; out->rule != NULL && r < policy->rules; r++)
        out->rule[r].known = true;
    return out->rule != NULL && out->apex != NULL;
}

enum result policy_survey(const struct policy *policy, struct survey *out, struct err *err)
{
    const struct policy *const one[SIDES] = {policy, NULL};
    struct surveying *in = calloc(1, sizeof *in);
    *out = (struct survey){0};
    enum result result = RESULT_OK;
    if (in == NULL || !survey_allocate(policy, out))
        result = err_set(err, RESULT_INTERNAL, "the survey of the rules: out of memory");
    if (result == RESULT_OK)
        result = space_open(&in->space, one, 1, err);
    if (result == RESULT_OK) {
        in->out = out;
        result = skip_make(in, policy)
                     ? space_survey(in, err)
                     : err_set(err, RESULT_INTERNAL, "the survey of the rules: out of memory");
        free(in->skip);
        space_close(&in->space);
    }
    free(in);
    if (result != RESULT_OK)
        survey_free(out);
    return result;
}
