/* One zone: its classes, and the rules of each policy that match them. */
#include <stdlib.h>

#include "compare.h"

#define SLOT_EMPTY UINT32_MAX

/* 0..3: all sets of kinds that a hit can have. */
static uint32_t kinds_number(unsigned kinds)
{
    if (kinds == PATTERN_EXACT)
        return 0;
    return 1u + ((kinds & PATTERN_ONE) != 0 ? 1 : 0) + ((kinds & PATTERN_CHILD) != 0 ? 1 : 0);
}

static bool rule_play(struct side *side, struct region_side *out, uint32_t rule)
{
    if (side->in_play[rule])
        return true;
    uint32_t *play = array_grown(out->play, out->plays, sizeof *play);
    if (play == NULL)
        return false;
    out->play = play;
    play[out->plays++] = rule;
    side->in_play[rule] = true;
    return true;
}

/* Entries of one rule stand side by side, since its patterns do. */
static bool use_add(struct side *side, struct region_side *out, struct slot *slot, uint32_t rule)
{
    if (slot->uses > 0 && out->use[out->uses - 1] == rule)
        return true;
    uint32_t *use = array_grown(out->use, out->uses, sizeof *use);
    if (use == NULL)
        return false;
    out->use = use;
    use[out->uses++] = rule;
    slot->uses++;
    return rule_play(side, out, rule);
}

/* What *at is to be: the number of a slot and one, or SLOT_EMPTY. False: no memory. */
static bool slot_make(struct side *side, struct region_side *out, const struct hit *hit,
                      uint32_t zone, uint32_t *at)
{
    const struct policy *policy = side->policy;
    struct slot slot = {.key = (uint32_t)(at - side->slot_at), .use = out->uses};
    for (const struct entry *entry = hit->entry; entry < hit->entry + hit->entries; entry++)
        if ((entry->kind & hit->kinds) != 0 && entry_in_zone(policy, entry, zone) &&
            !(side->skip != NULL && side->skip[entry->pattern]) &&
            !use_add(side, out, &slot, entry->rule))
            return false;
    struct slot *slots = array_grown(out->slot, out->slots, sizeof *slots);
    if (slots == NULL)
        return false;
    out->slot = slots;
    slots[out->slots++] = slot;
    *at = slot.uses > 0 ? out->slots : SLOT_EMPTY;
    return true;
}

static bool hit_add(struct region *region, struct host_class *class, unsigned side, uint32_t slot)
{
    uint32_t *hit = array_grown(region->hit, region->hits, sizeof *hit);
    if (hit == NULL)
        return false;
    region->hit = hit;
    hit[region->hits++] = slot;
    class->hits[side]++;
    return true;
}

static bool class_match(struct space *space, struct region *region, unsigned index,
                        struct host_class *class, const char *name)
{
    struct side *side = &space->side[index];
    struct hits hits;
    class->hit[index] = region->hits;
    host_hits(side->policy, name, &hits);
    for (uint32_t i = 0; i < hits.count; i++) {
        const struct hit *hit = &hits.hit[i];
        uint32_t *at = &side->slot_at[(size_t)(hit->entry - side->policy->entry) * KIND_SETS +
                                      kinds_number(hit->kinds)];
        if (*at == 0 && !slot_make(side, &region->side[index], hit, region->place->zone[index], at))
            return false;
        if (*at != SLOT_EMPTY && !hit_add(region, class, index, *at - 1))
            return false;
    }
    return true;
}

/* Counted only where there is little room; else there are more than an order can hold. */
static uint8_t names_count(const struct region *region, const char *node, enum shape shape)
{
    char name[HOST_LEN + 2];
    struct names names;
    uint8_t count = 0;
    if (strlen(node) < HOST_LEN / 2 && shape != SHAPE_NODE && shape != SHAPE_STAR)
        return HOSTS_MAX;
    names_start(&names, region, node, shape);
    while (count < HOSTS_MAX && names_next(&names, name))
        count++;
    return count;
}

static bool class_add(struct space *space, struct region *region, const char *node,
                      enum shape shape)
{
    char name[HOST_LEN + 2];
    struct names names;
    struct host_class *class = array_grown(region->class, region->classes, sizeof *class);
    if (class == NULL)
        return false;
    region->class = class;
    names_start(&names, region, node, shape);
    if (!names_next(&names, name))
        return true;
    class += region->classes++;
    *class = (struct host_class){
        .node = node, .shape = shape, .names = names_count(region, node, shape)};
    for (unsigned s = 0; s < space->sides; s++)
        if (region->place->zone[s] != NONE && !class_match(space, region, s, class, name))
            return false;
    return true;
}

/* Forbid rules without hosts. */
static bool anys_collect(struct space *space, struct region *region, unsigned index)
{
    struct side *side = &space->side[index];
    struct region_side *out = &region->side[index];
    for (uint32_t i = 0; i < side->policy->forbids_any; i++) {
        const struct entry *entry = &side->policy->forbid_any[i];
        if (!entry_in_zone(side->policy, entry, region->place->zone[index]))
            continue;
        uint32_t *any = array_grown(out->any, out->anys, sizeof *any);
        if (any == NULL)
            return false;
        out->any = any;
        any[out->anys++] = entry->rule;
        if (!rule_play(side, out, entry->rule))
            return false;
    }
    return true;
}

static bool planes_allocate(struct region *region, unsigned side)
{
    struct region_side *out = &region->side[side];
    size_t slots = (size_t)out->slots + 1, planes = region->space->planes;
    out->permit = calloc(slots * planes, sizeof *out->permit);
    out->forbid = calloc(slots * planes, sizeof *out->forbid);
    out->seen = calloc(slots * planes, sizeof *out->seen);
    out->cells = calloc(region->classes * planes, sizeof *out->cells);
    return out->permit != NULL && out->forbid != NULL && out->seen != NULL && out->cells != NULL;
}

static bool region_fill(struct space *space, struct region *region)
{
    const struct place *place = region->place;
    for (uint32_t n = place->node; n < place->node + place->nodes; n++)
        for (enum shape shape = SHAPE_NODE; shape < SHAPES; shape++)
            if (!class_add(space, region, space->node[n].name, shape))
                return false;
    for (unsigned s = 0; s < space->sides; s++)
        if ((place->zone[s] != NONE && !anys_collect(space, region, s)) ||
            !planes_allocate(region, s))
            return false;
    region->at_least = calloc((size_t)(HOSTS_MAX + 1) * space->planes, sizeof *region->at_least);
    return region->at_least != NULL;
}

void region_close(struct space *space, struct region *region)
{
    for (unsigned s = 0; s < space->sides; s++) {
        struct region_side *side = &region->side[s];
        for (uint32_t i = 0; i < side->slots; i++)
            space->side[s].slot_at[side->slot[i].key] = 0;
        for (uint32_t i = 0; i < side->plays; i++)
            space->side[s].in_play[side->play[i]] = false;
        free(side->slot);
        free(side->use);
        free(side->play);
        free(side->any);
        free(side->permit);
        free(side->forbid);
        free(side->seen);
        free(side->cells);
    }
    free(region->class);
    free(region->hit);
    free(region->at_least);
    *region = (struct region){0};
}

enum result region_open(struct space *space, uint32_t place, struct region *out, struct err *err)
{
    *out = (struct region){.space = space, .place = &space->place[place]};
    if (region_fill(space, out))
        return RESULT_OK;
    region_close(space, out);
    return err_set(err, RESULT_INTERNAL, "the names of the zone %s: out of memory",
                   space->place[place].name);
}
