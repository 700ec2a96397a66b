/* What sets say of two models: every name, value and circumstance is tried. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper_draw.h"
#include "helper_model.h"

#define CELLS 288

/* Labels from the apex outwards; the last of them may be a star. */
struct name {
    unsigned depth, label[5];
};
enum { A, B, X, Y, Z, C, STAR };
static const char *const labels[] = {"a", "b", "x", "y", "z", "c", "*"};
static const struct name bases[7] = {{0, {0}},    {1, {A}},    {1, {B}},   {2, {A, A}},
                                     {2, {A, B}}, {2, {B, A}}, {2, {B, B}}};
static struct name universe[MODEL_NAMES];
static unsigned names;
static struct set covers[7][3], touches[7][3], of_zone[MODEL_ZONES], wildcards;

static bool set_has(const struct set *set, unsigned name)
{
    return (set->word[name / 64] & (UINT64_C(1) << (name % 64))) != 0;
}

static void set_put(struct set *set, unsigned name)
{
    set->word[name / 64] |= UINT64_C(1) << (name % 64);
}

static void set_join(struct set *to, const struct set *from)
{
    for (unsigned i = 0; i < MODEL_WORDS; i++)
        to->word[i] |= from->word[i];
}

static void set_take(struct set *from, const struct set *what)
{
    for (unsigned i = 0; i < MODEL_WORDS; i++)
        from->word[i] &= ~what->word[i];
}

static void set_keep(struct set *from, const struct set *what)
{
    for (unsigned i = 0; i < MODEL_WORDS; i++)
        from->word[i] &= what->word[i];
}

static unsigned set_count(const struct set *set)
{
    unsigned count = 0;
    for (unsigned i = 0; i < MODEL_WORDS; i++)
        count += (unsigned)__builtin_popcountll(set->word[i]);
    return count;
}

static void universe_grow(struct name name)
{
    universe[names++] = name;
    if (name.depth == 4)
        return;
    for (unsigned label = A; label <= STAR; label++) {
        struct name child = name;
        child.label[child.depth++] = label;
        if (label == STAR)
            universe[names++] = child;
        else if (child.depth < 4 || (label >= X && label <= Z))
            universe_grow(child);
    }
}

static bool name_equal(const struct name *a, const struct name *b)
{
    return a->depth == b->depth && memcmp(a->label, b->label, a->depth * sizeof a->label[0]) == 0;
}

static bool starts_with(const struct name *name, const struct name *base)
{
    return name->depth > base->depth &&
           memcmp(name->label, base->label, base->depth * sizeof base->label[0]) == 0;
}

/* What a host stands for: itself, and by a star every name one label below its base. */
static bool host_holds(const struct name *host, const struct name *name)
{
    struct name base = *host;
    if (name_equal(host, name))
        return true;
    if (host->depth == 0 || host->label[host->depth - 1] != STAR)
        return false;
    base.depth--;
    return name->depth == host->depth && starts_with(name, &base);
}

static bool form_holds(const struct name *base, unsigned stars, const struct name *name)
{
    if (stars == 0)
        return name_equal(base, name);
    return starts_with(name, base) && (stars == 2 || name->depth == base->depth + 1);
}

static void host_place(unsigned host)
{
    struct set held = {0};
    for (unsigned i = 0; i < names; i++)
        if (host_holds(&universe[host], &universe[i]))
            set_put(&held, i);
    for (unsigned b = 0; b < 7; b++)
        for (unsigned stars = 0; stars < 3; stars++) {
            bool all = true, any = false;
            for (unsigned i = 0; i < names; i++) {
                bool in = form_holds(&bases[b], stars, &universe[i]);
                all = all && (!set_has(&held, i) || in);
                any = any || (set_has(&held, i) && in);
            }
            if (all)
                set_put(&covers[b][stars], host);
            if (any)
                set_put(&touches[b][stars], host);
        }
}

void model_start(uint64_t seed)
{
    draw_start(seed);
    names = 0;
    universe_grow((struct name){.depth = 0});
    cr_assert_leq(names, MODEL_NAMES);
    for (unsigned i = 0; i < names; i++) {
        const struct name *name = &universe[i];
        host_place(i);
        set_put(&of_zone[0], i);
        if (name->depth > 0 && name->label[0] == A)
            set_put(&of_zone[1], i);
        if (name->depth > 0 && name->label[name->depth - 1] == STAR)
            set_put(&wildcards, i);
    }
}

void model_fill(struct model *model)
{
    for (unsigned r = 0; r < model->rules; r++) {
        struct model_rule *rule = &model->rule[r];
        rule->covered = rule->touched = (struct set){0};
        for (unsigned f = 0; f < rule->forms; f++) {
            set_join(&rule->covered, &covers[rule->form[f].base][rule->form[f].stars]);
            set_join(&rule->touched, &touches[rule->form[f].base][rule->form[f].stars]);
        }
        if (rule->any_host)
            rule->touched = of_zone[0];
    }
}

/* What an order is judged in: an instant, how many orders, who approved (of g0, of g1, of both). */
struct scene {
    unsigned hosts, instant, orders, people[3];
    bool evidence;
};

static bool rule_open(const struct model_rule *rule, const struct scene *at)
{
    unsigned weekday = (at->instant / 3 + 6) % 7; /* 2026-11-01 is a Sunday */
    bool frozen = at->instant >= rule->freeze_from && at->instant < rule->freeze_to;
    unsigned given =
        (rule->group[0] ? at->people[0] : 0) + (rule->group[1] ? at->people[1] : 0) + at->people[2];
    if (!rule->permit)
        return (rule->most == 0 || at->hosts > rule->most) &&
               (rule->freeze_from == rule->freeze_to || frozen);
    return at->hosts <= rule->most && (rule->orders == 0 || at->orders < rule->orders) &&
           (!rule->windows || rule->window[weekday][at->instant % 3]) && !frozen &&
           given >= rule->approvals;
}

static unsigned rules_open(const struct model *model, const struct scene *at)
{
    unsigned open = 0;
    for (unsigned r = 0; r < model->rules; r++)
        open |= rule_open(&model->rule[r], at) ? 1u << r : 0;
    return open;
}

static bool rule_speaks(const struct model_rule *rule, unsigned zone, unsigned cell, bool evidence)
{
    const unsigned at[5] = {cell % 3, cell / 3 % 4, cell / 12 % 3, cell / 36 % 2, cell / 72};
    if (!rule->any_zone && !rule->zone[zone])
        return false;
    for (unsigned a = 0; a < 5; a++)
        if (!rule->any[a] && !rule->has[a][at[a]])
            return false;
    return !rule->existing || evidence || at[4] == 3;
}

static bool is_txt(unsigned cell)
{
    return cell / 12 % 3 == 0;
}

/* Of these rules, those that speak of the cell. */
static unsigned rules_speak(const struct model *model, unsigned open, unsigned zone, unsigned cell,
                            bool evidence)
{
    unsigned speak = 0;
    for (unsigned r = 0; r < model->rules; r++)
        if ((open & (1u << r)) != 0 && rule_speaks(&model->rule[r], zone, cell, evidence))
            speak |= 1u << r;
    return speak;
}

static void permitted(const struct model *model, unsigned speak, unsigned zone, bool txt,
                      struct set *out)
{
    *out = (struct set){0};
    for (unsigned r = 0; r < model->rules; r++)
        if ((speak & (1u << r)) != 0 && model->rule[r].permit)
            set_join(out, &model->rule[r].covered);
    for (unsigned r = 0; r < model->rules; r++)
        if ((speak & (1u << r)) != 0 && !model->rule[r].permit)
            set_take(out, &model->rule[r].touched);
    set_keep(out, &of_zone[zone]);
    if (!txt)
        set_take(out, &wildcards);
}

static unsigned apex_of(unsigned zone)
{
    for (unsigned i = 0; i < names; i++)
        if (name_equal(&universe[i], &bases[zone]))
            return i;
    return 0;
}

struct comparing {
    const struct pair *pair;
    unsigned has, zone, apex;
    bool cell[CELLS], zone_found;
    unsigned rules; /* bits */
    struct expected *out;
};

/* The set of hosts that are gained in orders of so many; empty when there are none. */
static bool gained(const struct comparing *in, const struct scene *at, const struct set *mine,
                   const struct set *other, struct set *out)
{
    *out = *mine;
    if (!set_has(mine, in->apex) || set_count(mine) < at->hosts)
        return false;
    set_take(out, other);
    return at->hosts == 1 ? set_has(out, in->apex) : set_count(out) > 0;
}

static void rules_count(struct comparing *in, const struct scene *at, unsigned speak,
                        const struct set *hosts)
{
    const struct model *model = &in->pair->model[in->has];
    for (unsigned r = 0; r < model->rules; r++) {
        struct set mine = *hosts;
        if ((speak & (1u << r)) == 0 || !model->rule[r].permit)
            continue;
        set_keep(&mine, &model->rule[r].covered);
        if (at->hosts == 1 ? set_has(&mine, in->apex) : set_count(&mine) > 0)
            in->rules |= 1u << r;
    }
}

static void cells_try(struct comparing *in, const struct scene *at, const unsigned open[2],
                      bool other_zone)
{
    const struct model *model = in->pair->model;
    unsigned before[2] = {~0u, ~0u};
    struct set set[2] = {0}, hosts;
    bool txt_before = false;
    for (unsigned cell = 0; cell < CELLS; cell++) {
        unsigned speak[2] = {0};
        for (unsigned s = 0; s < 2; s++) {
            if (s == in->has || other_zone)
                speak[s] = rules_speak(&model[s], open[s], in->zone, cell, at->evidence);
            if (speak[s] != before[s] || is_txt(cell) != txt_before)
                permitted(&model[s], speak[s], in->zone, is_txt(cell), &set[s]);
            before[s] = speak[s];
        }
        txt_before = is_txt(cell);
        if (!gained(in, at, &set[in->has], &set[1 - in->has], &hosts))
            continue;
        in->cell[cell] = in->zone_found = true;
        rules_count(in, at, speak[in->has], &hosts);
        if (!in->out->found || at->hosts < in->out->hosts)
            in->out->hosts = at->hosts;
        in->out->found = true;
    }
}

/* Each set of open rules once. */
static void scene_try(struct comparing *in, bool *tried, struct scene at, bool other_zone)
{
    const struct model *model = in->pair->model;
    const unsigned open[2] = {rules_open(&model[0], &at), rules_open(&model[1], &at)};
    for (unsigned evidence = 0; evidence < 2; evidence++) {
        bool *seen = &tried[((at.hosts * 2 + evidence) << (2 * MODEL_RULES)) +
                            (open[0] << MODEL_RULES) + open[1]];
        at.evidence = evidence == 1;
        if (!*seen)
            cells_try(in, &at, open, other_zone);
        *seen = true;
    }
}

static bool any_rule(const struct pair *pair, bool (*has)(const struct model_rule *))
{
    for (unsigned m = 0; m < 2; m++)
        for (unsigned r = 0; r < pair->model[m].rules; r++)
            if (has(&pair->model[m].rule[r]))
                return true;
    return false;
}
static bool has_time(const struct model_rule *rule)
{
    return rule->windows || rule->freeze_to > rule->freeze_from;
}
static bool has_orders(const struct model_rule *rule)
{
    return rule->orders > 0;
}
static bool has_approvals(const struct model_rule *rule)
{
    return rule->approvals > 0;
}

static void zone_try(struct comparing *in, bool other_zone)
{
    bool *tried = calloc((MODEL_HOSTS + 1) * 2u << (2 * MODEL_RULES), sizeof *tried);
    unsigned times = any_rule(in->pair, has_time) ? MODEL_TIMES : 1;
    unsigned orders = any_rule(in->pair, has_orders) ? MODEL_ORDERS + 1 : 1;
    unsigned people = any_rule(in->pair, has_approvals) ? 27 : 1;
    cr_assert_not_null(tried);
    struct scene at;
    for (at.hosts = 1; at.hosts <= MODEL_HOSTS; at.hosts++)
        for (at.instant = 0; at.instant < times; at.instant++)
            for (at.orders = 0; at.orders < orders; at.orders++)
                for (unsigned p = 0; p < people; p++) {
                    at.people[0] = p % 3;
                    at.people[1] = p / 3 % 3;
                    at.people[2] = p / 9;
                    scene_try(in, tried, at, other_zone);
                }
    free(tried);
}

void model_compare(const struct pair *pair, unsigned has, struct expected *out)
{
    const struct model *mine = &pair->model[has], *other = &pair->model[1 - has];
    struct comparing in = {.pair = pair, .has = has, .out = out};
    *out = (struct expected){0};
    for (in.zone = 0; in.zone < MODEL_ZONES; in.zone++) {
        if (!mine->zone[in.zone])
            continue;
        in.apex = apex_of(in.zone);
        in.zone_found = false;
        zone_try(&in, other->zone[in.zone] && other->id[in.zone] == mine->id[in.zone]);
        out->zones += in.zone_found;
    }
    for (unsigned cell = 0; cell < CELLS; cell++)
        out->cells += in.cell[cell];
    out->rules = (unsigned)__builtin_popcount(in.rules);
    out->rules_bits = in.rules;
}

static unsigned name_find(const char *text)
{
    for (unsigned n = 0; n < names; n++) {
        char written[256] = "";
        size_t at = 0;
        for (unsigned i = universe[n].depth; i-- > 0;)
            at += (size_t)snprintf(written + at, sizeof written - at, "%s.",
                                   labels[universe[n].label[i]]);
        (void)snprintf(written + at, sizeof written - at, "example.com");
        if (strcmp(written, text) == 0)
            return n;
    }
    cr_assert_fail("%s is not in the universe", text);
    return 0;
}

static unsigned cell_find(const struct order *order)
{
    static const char *const ca[] = {"google", "lets_encrypt", "ssl_com"};
    static const int days[] = {14, 30, 90, 365};
    static const char *const method[] = {"txt", "http", "email"};
    static const char *const label[] = {"us", "eu", "highest_security", "none"};
    for (unsigned cell = 0; cell < CELLS; cell++)
        if (strcmp(order->certificate_authority, ca[cell % 3]) == 0 &&
            order->validity_days == days[cell / 3 % 4] &&
            strcmp(order->validation_method, method[cell / 12 % 3]) == 0 &&
            order->cloudflare_branding == (cell / 36 % 2 == 1) &&
            strcmp(order->geo_label, label[cell / 72]) == 0)
            return cell;
    cr_assert_fail("the order's attributes are not in the universe");
    return 0;
}

/* The last instant that is not later. */
static unsigned instant_find(int64_t now)
{
    unsigned found = 0;
    for (unsigned i = 0; i < MODEL_TIMES; i++) {
        char text[40];
        int64_t ms = 0;
        instant_write(i, text, sizeof text);
        cr_assert(time_parse(text, &ms));
        found = ms <= now ? i : found;
    }
    return found;
}

static struct scene scene_find(const struct difference *it)
{
    struct scene at = {.hosts = (unsigned)it->order.hosts,
                       .instant = instant_find(it->at.now),
                       .orders = (unsigned)it->at.orders,
                       .evidence = it->evidence};
    for (size_t p = 0; p < it->at.approvers; p++) {
        unsigned groups = 0;
        for (size_t g = 0; g < it->at.approver[p].groups; g++)
            groups |= strcmp(it->at.approver[p].group[g], "g0") == 0 ? 1 : 2;
        cr_assert(groups >= 1 && groups <= 3);
        at.people[groups - 1]++;
        for (size_t q = 0; q < p; q++)
            cr_assert_str_neq(it->at.approver[p].principal, it->at.approver[q].principal);
    }
    return at;
}

/* Whether the model permits the very order of the witness. */
static bool permits(const struct model *model, const struct difference *it, unsigned zone)
{
    struct scene at = scene_find(it);
    unsigned cell = cell_find(&it->order);
    struct set set;
    permitted(model, rules_speak(model, rules_open(model, &at), zone, cell, at.evidence), zone,
              is_txt(cell), &set);
    bool all = set_has(&set, apex_of(zone));
    for (size_t h = 0; h < it->order.hosts; h++)
        all = all && set_has(&set, name_find(it->order.host[h]));
    return all;
}

bool model_confirms(const struct pair *pair, unsigned has, const struct difference *it)
{
    const struct model *mine = &pair->model[has], *other = &pair->model[1 - has];
    unsigned zone = strcmp(it->order.apex, "example.com") == 0 ? 0 : 1;
    bool same = other->zone[zone] && other->id[zone] == mine->id[zone], apex = false;
    for (size_t h = 0; h < it->order.hosts; h++)
        apex = apex || strcmp(it->order.host[h], it->order.apex) == 0;
    return apex && permits(mine, it, zone) && !(same && permits(other, it, zone));
}
