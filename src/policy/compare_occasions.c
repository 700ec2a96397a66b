/*
 * The circumstances that the rules of a zone tell apart: each numeric limit by its boundary points,
 * time by the boundaries of windows and freezes, approvers by the smallest groups of people that
 * meet demands. Cases in which the same rules speak are one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "compare.h"

#define WEEK_MS       (7 * DAY_MS)
#define WEEK_MINUTES  (7 * 24 * 60)
#define MINUTE_MS     INT64_C(60000)
#define MONDAY_MS     (4 * DAY_MS) /* 1970-01-05 */
#define QUESTIONS_MAX 20000000     /* of limits_fit() for one zone: a second or two */
#define OCCASIONS_MAX 4096

/* Of the limited rules in play. */
struct limited {
    const struct policy *policy;
    const struct rule *rule;
};
struct making {
    struct region *region;
    struct occasions *out;
    struct limited *limited;
    size_t count;
    int64_t *time, *orders;
    size_t times, orders_count;
    uint64_t *fits, *hash; /* of each case: a bit for each limited rule */
    size_t words;
};

static bool limited_collect(struct making *in)
{
    size_t room = 1;
    for (unsigned s = 0; s < in->region->space->sides; s++)
        room += in->region->side[s].plays;
    in->limited = calloc(room, sizeof *in->limited);
    if (in->limited == NULL)
        return false;
    for (unsigned s = 0; s < in->region->space->sides; s++) {
        const struct policy *policy = in->region->space->side[s].policy;
        for (uint32_t i = 0; i < in->region->side[s].plays; i++) {
            const struct rule *rule = &policy->rule[in->region->side[s].play[i]];
            if (rule_limited(rule))
                in->limited[in->count++] = (struct limited){policy, rule};
        }
    }
    return true;
}

static int moment_compare(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

static size_t moments_sort(int64_t *moment, size_t count)
{
    size_t kept = 0;
    qsort(moment, count, sizeof *moment, moment_compare);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || moment[kept - 1] != moment[i])
            moment[kept++] = moment[i];
    return kept;
}

/* No order, and as many as end what a rule permits. */
static bool orders_make(struct making *in)
{
    in->orders = calloc(in->count + 1, sizeof *in->orders);
    if (in->orders == NULL)
        return false;
    in->orders[in->orders_count++] = 0;
    for (size_t i = 0; i < in->count; i++)
        if (in->limited[i].rule->orders_max != ORDERS_ANY)
            in->orders[in->orders_count++] = in->limited[i].rule->orders_max;
    in->orders_count = moments_sort(in->orders, in->orders_count);
    return true;
}

/* Where freezes begin and end within the life of the newer policy, and where that begins. */
static int64_t *cuts_make(const struct making *in, int64_t from, int64_t to, size_t *count)
{
    size_t room = 1;
    for (size_t i = 0; i < in->count; i++)
        room += 2 * (size_t)in->limited[i].rule->freezes;
    int64_t *cut = calloc(room, sizeof *cut);
    *count = 0;
    if (cut == NULL)
        return NULL;
    cut[(*count)++] = from;
    for (size_t i = 0; i < in->count; i++)
        for (uint32_t f = 0; f < in->limited[i].rule->freezes; f++) {
            const struct freeze *freeze =
                &in->limited[i].policy->freeze[in->limited[i].rule->freeze + f];
            const int64_t end[] = {freeze->from, freeze->to};
            for (size_t e = 0; e < LENGTH(end); e++)
                if (end[e] > from && end[e] < to)
                    cut[(*count)++] = end[e];
        }
    *count = moments_sort(cut, *count);
    return cut;
}

/* The minutes of the week at which a window opens or closes. */
static size_t marks_make(const struct making *in, bool mark[WEEK_MINUTES])
{
    size_t count = 0;
    for (size_t i = 0; i < in->count; i++)
        for (uint32_t w = 0; w < in->limited[i].rule->windows; w++) {
            const struct window *window =
                &in->limited[i].policy->window[in->limited[i].rule->window + w];
            for (unsigned day = 0; day < 7; day++)
                if ((window->weekdays & (1u << day)) != 0)
                    mark[day * 1440 + window->from] =
                        mark[(day * 1440 + window->to) % WEEK_MINUTES] = true;
        }
    for (size_t i = 0; i < WEEK_MINUTES; i++)
        count += mark[i];
    return count;
}

/* Each stretch without a cut begins in some part of the week; the others begin at a mark in it. */
static void times_fill(struct making *in, const int64_t *cut, size_t cuts, int64_t to,
                       const bool mark[WEEK_MINUTES])
{
    for (size_t c = 0; c < cuts; c++) {
        int64_t end = c + 1 < cuts ? cut[c + 1] : to;
        in->time[in->times++] = cut[c];
        int64_t week = cut[c] - (cut[c] - MONDAY_MS % WEEK_MS + WEEK_MS) % WEEK_MS;
        for (int64_t m = 0; m < WEEK_MINUTES; m++) {
            int64_t at = week + m * MINUTE_MS;
            at += at < cut[c] ? WEEK_MS : 0;
            if (mark[m] && at < end)
                in->time[in->times++] = at;
        }
    }
}

static enum result too_many(const struct making *in, struct err *err)
{
    return err_set(err, RESULT_CONFIG,
                   "the rules of the zone %s have too many different limits to be compared "
                   "exactly: give rules the same max_orders, change_windows, freeze and approvals "
                   "where they mean the same",
                   in->region->place->name);
}

static enum result times_make(struct making *in, struct err *err)
{
    const struct space *space = in->region->space;
    const struct policy_facts *facts = &space->side[space->sides - 1].policy->facts;
    bool mark[WEEK_MINUTES] = {false};
    size_t cuts = 0, marks = marks_make(in, mark);
    int64_t *cut = cuts_make(in, facts->effective_ms, facts->expires_ms, &cuts);
    if (cut == NULL)
        return err_set(err, RESULT_INTERNAL, "the times of a policy: out of memory");
    if (cuts * (marks + 1) > QUESTIONS_MAX) {
        free(cut);
        return too_many(in, err);
    }
    in->time = calloc(cuts * (marks + 1) + 1, sizeof *in->time);
    if (in->time != NULL)
        times_fill(in, cut, cuts, facts->expires_ms, mark);
    free(cut);
    return in->time != NULL ? RESULT_OK
                            : err_set(err, RESULT_INTERNAL, "the times of a policy: out of memory");
}

static void fits_fill(const struct making *in, const struct circumstances *at, uint64_t *fits)
{
    memset(fits, 0, sizeof *fits * in->words);
    for (size_t i = 0; i < in->count; i++)
        if (limits_fit(in->limited[i].policy, in->limited[i].rule, at))
            fits[i / 64] |= BIT(i % 64);
}

static uint64_t fits_hash(const uint64_t *fits, size_t words)
{
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < words; i++)
        hash = hash_step(hash, fits[i] ^ (fits[i] >> 32));
    return hash;
}

static bool occasion_known(const struct making *in, const uint64_t *fits, uint64_t hash)
{
    for (size_t i = 0; i < in->out->count; i++)
        if (in->hash[i] == hash &&
            memcmp(in->fits + i * in->words, fits, sizeof *fits * in->words) == 0)
            return true;
    return false;
}

static enum result occasion_add(struct making *in, const struct circumstances *at, struct err *err)
{
    uint64_t *fits = in->fits + in->out->count * in->words;
    fits_fill(in, at, fits);
    uint64_t hash = fits_hash(fits, in->words);
    if (occasion_known(in, fits, hash))
        return RESULT_OK;
    if (in->out->count == OCCASIONS_MAX)
        return too_many(in, err);
    in->hash[in->out->count] = hash;
    in->out->at[in->out->count++] = *at;
    return RESULT_OK;
}

static enum result all_add(struct making *in, struct err *err)
{
    struct occasions *out = in->out;
    for (size_t s = 0; s < out->sets; s++)
        for (size_t o = 0; o < in->orders_count; o++)
            for (size_t t = 0; t < in->times; t++) {
                struct circumstances at = {.now = in->time[t],
                                           .orders = in->orders[o],
                                           .approvers = out->set[s].count,
                                           .approver = out->approver + out->set[s].first};
                TRY(occasion_add(in, &at, err));
            }
    return RESULT_OK;
}

static enum result making_run(struct making *in, struct err *err)
{
    struct occasions *out = in->out;
    if (!limited_collect(in) || !orders_make(in))
        return err_set(err, RESULT_INTERNAL, "the limits of a policy: out of memory");
    TRY(times_make(in, err));
    TRY(approvers_make(in->region, out, err));
    in->words = (in->count + 63) / 64;
    if (out->sets * in->orders_count * in->times > QUESTIONS_MAX / (in->count + 1))
        return too_many(in, err);
    out->at = calloc(OCCASIONS_MAX, sizeof *out->at);
    in->hash = calloc(OCCASIONS_MAX + 1, sizeof *in->hash);
    in->fits = calloc((OCCASIONS_MAX + 1) * in->words + 1, sizeof *in->fits);
    if (out->at == NULL || in->hash == NULL || in->fits == NULL)
        return err_set(err, RESULT_INTERNAL, "the circumstances of orders: out of memory");
    return all_add(in, err);
}

enum result occasions_make(struct region *region, struct occasions *out, struct err *err)
{
    struct making in = {.region = region, .out = out};
    *out = (struct occasions){0};
    enum result result = making_run(&in, err);
    free(in.limited);
    free(in.time);
    free(in.orders);
    free(in.fits);
    free(in.hash);
    if (result != RESULT_OK)
        occasions_free(out);
    return result;
}

void occasions_free(struct occasions *occasions)
{
    free(occasions->at);
    free(occasions->set);
    free(occasions->approver);
    free(occasions->group);
    *occasions = (struct occasions){0};
}
