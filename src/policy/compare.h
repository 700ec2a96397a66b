/*
 * Orders as a finite space, to compare two policies and to survey one. The names of a zone fall
 * into classes that no pattern of either policy tells apart; the other attributes of an order are
 * cells, one bit each, so that what a policy permits of a class is a set of cells. Names are
 * matched by host_hits() and limits judged by limits_fit(): there is no second matcher here.
 */
#ifndef GEORDER_COMPARE_H
#define GEORDER_COMPARE_H

#include <string.h>

#include "rule.h"

/* A plane has one bit for each validity, method and label: (validity * 3 + method) * 4 + label. Two
 * planes, without branding and with, for each CA that a policy knows. */
#define PLANE_ALL  UINT64_C(0xFFFFFFFFFFFF)
#define PLANE_TXT  UINT64_C(0x00F00F00F00F)
#define PLANE_NONE UINT64_C(0x888888888888) /* the label "none" */
#define PLANE_BITS 48
#define SIDES      2
#define CAS_MAX    (SIDES * AUTHORITIES_MAX)
#define PLANES_MAX (2 * CAS_MAX)

struct cube {
    uint64_t plane, cas;
    bool branding[2];
};

/* One of the policies. */
struct side {
    const struct policy *policy;
    unsigned ca[AUTHORITIES_MAX]; /* the place of each of its CAs among all */
    struct cube *cube;            /* by rule */
    bool *on;                     /* by rule in play: it speaks, in the trial at hand */
    bool *in_play;                /* by rule */
    uint32_t *slot_at;            /* by entry and kinds: a slot's number and one, or SLOT_EMPTY */
    const bool *skip;             /* by pattern, for a survey: to be passed over; or NULL */
};

#define KIND_SETS 4 /* of the kinds that a hit can have */

/* A zone is one when name and id are; NONE for the side that has not this one. */
struct place {
    const char *name, *id;
    uint32_t zone[SIDES];
    uint32_t node, nodes;
};

/* The apex of a zone, the base of a pattern, and every name between. */
struct node {
    const char *name;
    uint64_t hash;
    uint32_t place;
};

struct space {
    struct side side[SIDES];
    unsigned sides; /* 1 to survey, 2 to compare: side 0 is the old policy, 1 the new one */
    const char *ca[CAS_MAX];
    unsigned cas, planes;
    struct place *place;
    struct node *node; /* by place */
    uint32_t *node_table;
    uint32_t places, nodes, node_mask;
};
MUST_USE enum result space_open(struct space *space, const struct policy *const policy[SIDES],
                                unsigned sides, struct err *err);
void space_close(struct space *space);

/* The names at a node; x and y are labels that begin no node. */
enum shape {
    SHAPE_NODE,       /* node */
    SHAPE_STAR,       /* *.node */
    SHAPE_LABEL,      /* x.node */
    SHAPE_BELOW,      /* y.x.node, and all that is deeper */
    SHAPE_STAR_BELOW, /* *.x.node, and all that is deeper */
    SHAPES
};
struct host_class {
    const char *node;
    enum shape shape;
    uint8_t names; /* how many there are; HOSTS_MAX also means more */
    uint8_t hits[SIDES];
    uint32_t hit[SIDES]; /* first, of region.hit: slots */
};
static inline bool shape_is_wildcard(enum shape shape)
{
    return shape == SHAPE_STAR || shape == SHAPE_STAR_BELOW;
}

/* The rules of one zone that one hit matches, in the policy's order. */
struct slot {
    uint32_t key, use, uses;
};
/* A zone with what each policy says of it. */
struct region {
    const struct space *space;
    const struct place *place;
    struct host_class *class; /* the first is the apex */
    uint32_t *hit;
    uint32_t classes, hits;
    uint64_t *at_least; /* room of region_orderable() */
    struct region_side {
        struct slot *slot;
        uint32_t *use, *play, *any; /* rules: by slot; all of them once; that forbid any host */
        uint32_t slots, uses, plays, anys;
        uint64_t *permit, *forbid, *seen; /* planes of each slot */
        uint64_t *cells;                  /* planes of each class: what the policy permits */
        uint64_t forbidden[PLANES_MAX];   /* of any host */
    } side[SIDES];
};
MUST_USE enum result region_open(struct space *space, uint32_t place, struct region *out,
                                 struct err *err);
void region_close(struct space *space, struct region *region);

/* The names of a class, one after the other, the shortest first. */
struct names {
    const struct region *region;
    const char *node;
    enum shape shape;
    uint32_t x, y;
};
void names_start(struct names *names, const struct region *region, const char *node,
                 enum shape shape);
bool names_next(struct names *names, char out[HOST_LEN + 2]); /* false: no more */
bool space_has_node(const struct space *space, uint32_t place, const char *name);

/* One case to judge: how many hosts, in which circumstances, and whether a live pack shows the
 * label that the order asks for. */
struct trial {
    uint32_t hosts;
    bool evidence;
    const struct circumstances *at;
};
void region_judge(struct region *region, const struct trial *trial);
/* The cells in which the side permits an order of so many hosts: the apex, and enough names. */
void region_orderable(const struct region *region, unsigned side, uint32_t hosts, uint64_t *out);
/* The planes of a class's slots, joined: of region_side.permit or forbid. */
void class_sum(const struct region *region, unsigned side, uint32_t class, const uint64_t *slots,
               uint64_t *out);
/* Adds what the rule says, whether or not it speaks in this trial. */
void rule_cells(const struct region *region, unsigned side, uint32_t rule, bool evidence,
                uint64_t *out);

/* What can differ beside names and attributes, as far as the rules of the zone tell it apart. */
#define APPROVERS_MAX 64
struct occasions {
    struct circumstances *at; /* the simplest first */
    size_t count;
    struct approver_set {
        size_t first, count;
    } * set;                   /* of approvers */
    struct approver *approver; /* of all sets, side by side */
    const char **group;        /* of all approvers, likewise */
    size_t sets;
    char principal[APPROVERS_MAX][32];
};
MUST_USE enum result occasions_make(struct region *region, struct occasions *out, struct err *err);
MUST_USE enum result approvers_make(struct region *region, struct occasions *out, struct err *err);
void occasions_free(struct occasions *occasions);
/* Numbers of hosts that stand for all: the smallest of each stretch. Returns their count. */
size_t hosts_boundaries(const struct region *region, uint32_t out[HOSTS_MAX + 1]);
/* Whether a rule in play asks for evidence. */
bool region_wants_evidence(const struct region *region);

static inline void planes_or(uint64_t *out, const uint64_t *in, unsigned planes)
{
    for (unsigned i = 0; i < planes; i++)
        out[i] |= in[i];
}
static inline void planes_and(uint64_t *out, const uint64_t *in, unsigned planes)
{
    for (unsigned i = 0; i < planes; i++)
        out[i] &= in[i];
}
static inline void planes_without(uint64_t *out, const uint64_t *in, unsigned planes)
{
    for (unsigned i = 0; i < planes; i++)
        out[i] &= ~in[i];
}
static inline bool planes_any(const uint64_t *in, unsigned planes)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < planes; i++)
        all |= in[i];
    return all != 0;
}

#endif
