/*
 * The zones of two policies, and in each the classes of its names. Walk a name from the zone's apex
 * outwards to the deepest node that it ends in: what is left of it (no label, one, or more; with a
 * star or without) is all that any pattern of either policy can see. Hence five classes a node.
 */
#include <stdlib.h>

#include "compare.h"

static uint64_t node_hash(const char *name, uint32_t place)
{
    uint64_t hash = HASH_START ^ place;
    for (; *name != '\0'; name++)
        hash = hash_step(hash, (unsigned char)*name);
    return hash;
}

/* Where a node is in the table, or where it would be put. */
static uint32_t *node_seek(const struct space *space, uint32_t place, const char *name,
                           uint64_t hash)
{
    uint32_t at = (uint32_t)(hash ^ (hash >> 32)) & space->node_mask;
    for (;; at = (at + 1) & space->node_mask) {
        uint32_t index = space->node_table[at];
        if (index == NONE)
            return &space->node_table[at];
        const struct node *node = &space->node[index];
        if (node->hash == hash && node->place == place && strcmp(node->name, name) == 0)
            return &space->node_table[at];
    }
}

bool space_has_node(const struct space *space, uint32_t place, const char *name)
{
    return *node_seek(space, place, name, node_hash(name, place)) != NONE;
}

static bool table_make(struct space *space)
{
    uint32_t size = 64;
    while (size < (space->nodes + 1) * 4)
        size *= 2;
    free(space->node_table);
    space->node_table = malloc(size * sizeof *space->node_table);
    if (space->node_table == NULL)
        return false;
    memset(space->node_table, 0xFF, size * sizeof *space->node_table); /* NONE */
    space->node_mask = size - 1;
    for (uint32_t i = 0; i < space->nodes; i++)
        *node_seek(space, space->node[i].place, space->node[i].name, space->node[i].hash) = i;
    return true;
}

/* *added: it was not there. False: no memory. */
static bool node_add(struct space *space, uint32_t place, const char *name, bool *added)
{
    uint64_t hash = node_hash(name, place);
    *added = *node_seek(space, place, name, hash) == NONE;
    if (!*added)
        return true;
    struct node *node = array_grown(space->node, space->nodes, sizeof *node);
    if (node == NULL)
        return false;
    space->node = node;
    node[space->nodes] = (struct node){.name = name, .hash = hash, .place = place};
    *node_seek(space, place, name, hash) = space->nodes++;
    return space->nodes * 2 < space->node_mask || table_make(space);
}

/* The place of a side's zone. */
static uint32_t place_of(const struct space *space, unsigned side, uint32_t zone)
{
    const struct zone *it = &space->side[side].policy->zone[zone];
    uint32_t mine = side == 0 ? NONE : zone_named(space->side[0].policy, it->name);
    if (side == 0)
        return zone;
    if (mine != NONE && strcmp(space->place[mine].id, it->id) == 0)
        return mine;
    for (uint32_t low = space->side[0].policy->zones, high = space->places; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t there = space->place[middle].zone[1];
        if (there == zone)
            return middle;
        if (there < zone)
            low = middle + 1;
        else
            high = middle;
    }
    return NONE;
}

/* The zones of side 0, then those that only side 1 has, each by name. */
static bool places_make(struct space *space)
{
    const struct policy *old = space->side[0].policy, *other = space->side[1].policy;
    space->place =
        calloc((size_t)old->zones + (other != NULL ? other->zones : 0), sizeof *space->place);
    if (space->place == NULL)
        return false;
    for (uint32_t z = 0; z < old->zones; z++)
        space->place[space->places++] =
            (struct place){old->zone[z].name, old->zone[z].id, {z, NONE}, 0, 0};
    for (uint32_t z = 0; other != NULL && z < other->zones; z++) {
        uint32_t same = zone_named(old, other->zone[z].name);
        if (same != NONE && strcmp(old->zone[same].id, other->zone[z].id) == 0)
            space->place[same].zone[1] = z;
        else
            space->place[space->places++] =
                (struct place){other->zone[z].name, other->zone[z].id, {NONE, z}, 0, 0};
    }
    return true;
}

/* The base of a pattern and the names above it, up to each zone that the rule is about. */
static bool pattern_nodes(struct space *space, unsigned side, const struct rule *rule,
                          const char *base)
{
    const struct policy *policy = space->side[side].policy;
    for (const char *apex = base; *apex != '\0'; apex = name_parent(apex)) {
        uint32_t zone = zone_named(policy, apex);
        if (zone == NONE || !rule_in_zone(rule, zone))
            continue;
        uint32_t place = place_of(space, side, zone);
        bool added = true;
        for (const char *name = base; added && name != apex; name = name_parent(name))
            if (!node_add(space, place, name, &added))
                return false;
    }
    return true;
}

static bool nodes_collect(struct space *space)
{
    bool added = false;
    for (uint32_t i = 0; i < space->places; i++)
        if (!node_add(space, i, space->place[i].name, &added))
            return false;
    for (unsigned s = space->sides; s-- > 0;) {
        const struct policy *policy = space->side[s].policy;
        for (uint32_t r = 0; r < policy->rules; r++)
            for (uint32_t p = 0; p < policy->rule[r].patterns; p++)
                if (!pattern_nodes(space, s, &policy->rule[r],
                                   policy->pattern[policy->rule[r].pattern + p].base))
                    return false;
    }
    return true;
}

/* Those of one place side by side, its apex first. */
static bool nodes_sort(struct space *space)
{
    struct node *sorted = calloc((size_t)space->nodes + 1, sizeof *sorted);
    if (sorted == NULL)
        return false;
    for (uint32_t i = 0; i < space->nodes; i++)
        space->place[space->node[i].place].nodes++;
    for (uint32_t i = 0, at = 0; i < space->places; i++) {
        space->place[i].node = at;
        at += space->place[i].nodes;
        space->place[i].nodes = 0;
    }
    for (uint32_t i = 0; i < space->nodes; i++) {
        struct place *place = &space->place[space->node[i].place];
        sorted[place->node + place->nodes++] = space->node[i];
    }
    free(space->node);
    space->node = sorted;
    return table_make(space);
}

static unsigned ca_place(struct space *space, const char *name)
{
    unsigned at = 0;
    while (at < space->cas && strcmp(space->ca[at], name) != 0)
        at++;
    if (at == space->cas)
        space->ca[space->cas++] = name;
    return at;
}

static struct cube cube_make(const struct side *side, uint64_t attributes)
{
    struct cube cube = {.branding = {(attributes & BIT(41)) != 0, (attributes & BIT_BRANDED) != 0}};
    uint64_t labels = (attributes & attribute_group[ATTRIBUTE_GEO].mask) >> 43 & 0xF;
    for (unsigned i = 0; i < side->policy->authorities.count; i++)
        if ((attributes & BIT(i)) != 0)
            cube.cas |= BIT(side->ca[i]);
    for (unsigned day = 0; day < 4; day++)
        for (unsigned method = 0; method < 3; method++)
            if ((attributes & BIT(32 + day)) != 0 && (attributes & BIT(37 + method)) != 0)
                cube.plane |= labels << ((day * 3 + method) * 4);
    return cube;
}

static bool side_open(struct space *space, unsigned index)
{
    struct side *side = &space->side[index];
    const struct policy *policy = side->policy;
    side->cube = calloc(policy->rules, sizeof *side->cube);
    side->on = calloc(policy->rules, sizeof *side->on);
    side->in_play = calloc(policy->rules, sizeof *side->in_play);
    side->slot_at = calloc((size_t)policy->entries * KIND_SETS + 1, sizeof *side->slot_at);
    if (side->cube == NULL || side->on == NULL || side->in_play == NULL || side->slot_at == NULL)
        return false;
    for (unsigned i = 0; i < policy->authorities.count; i++)
        side->ca[i] = ca_place(space, policy->authorities.authority[i].name);
    for (uint32_t r = 0; r < policy->rules; r++)
        side->cube[r] = cube_make(side, policy->rule[r].attributes);
    return true;
}

void space_close(struct space *space)
{
    for (unsigned s = 0; s < space->sides; s++) {
        free(space->side[s].cube);
        free(space->side[s].on);
        free(space->side[s].in_play);
        free(space->side[s].slot_at);
    }
    free(space->place);
    free(space->node);
    free(space->node_table);
    *space = (struct space){0};
}

enum result space_open(struct space *space, const struct policy *const policy[SIDES],
                       unsigned sides, struct err *err)
{
    *space = (struct space){.sides = sides};
    bool made = true;
    for (unsigned s = 0; s < sides; s++)
        space->side[s].policy = policy[s];
    for (unsigned s = 0; s < sides && made; s++)
        made = side_open(space, s);
    space->planes = space->cas * 2;
    if (made && places_make(space) && table_make(space) && nodes_collect(space) &&
        nodes_sort(space))
        return RESULT_OK;
    space_close(space);
    return err_set(err, RESULT_INTERNAL, "the names of the policies: out of memory");
}
