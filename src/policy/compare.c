/* Two policies, zone by zone and trial by trial. */
#include <stdlib.h>

#include "compare_run.h"

const char *verdict_name(enum verdict verdict)
{
    static const char *const name[] = {"equivalent", "narrower", "wider", "incomparable"};
    return name[verdict];
}

/* In words of all planes and all trials of one zone: more would take more than ten seconds. */
#define WORK_MAX 1e9

static enum result work_check(const struct run *run, size_t trials, struct err *err)
{
    const struct region *region = &run->region;
    double words = (double)run->space.planes * ((double)region->classes + (double)region->hits);
    for (unsigned s = 0; s < SIDES; s++)
        words += (double)region->side[s].uses * 2;
    if (words * (double)trials <= WORK_MAX)
        return RESULT_OK;
    return err_set(err, RESULT_CONFIG,
                   "the rules of the zone %s have too many different limits for so many names to "
                   "be compared exactly: give rules the same limits where they mean the same",
                   region->place->name);
}

/* What one side permits and the other does not, in this trial. */
static enum result side_compare(struct run *run, unsigned has, struct err *err)
{
    const struct region *region = &run->region;
    unsigned planes = run->space.planes;
    uint64_t open[PLANES_MAX], cells[PLANES_MAX];
    const uint64_t *mine = region->side[has].cells, *other = region->side[1 - has].cells;
    if (region->place->zone[has] == NONE)
        return RESULT_OK;
    region_orderable(region, has, run->trial.hosts, open);
    if (!planes_any(open, planes))
        return RESULT_OK;
    uint32_t classes = run->trial.hosts == 1 ? 1 : region->classes;
    for (uint32_t c = 0; c < classes; c++) {
        for (unsigned p = 0; p < planes; p++)
            cells[p] = open[p] & mine[c * planes + p] & ~other[c * planes + p];
        if (planes_any(cells, planes))
            TRY(difference_note(run, has, c, cells, err));
    }
    return RESULT_OK;
}

static enum result trial_run(struct run *run, struct err *err)
{
    region_judge(&run->region, &run->trial);
    for (unsigned side = 0; side < SIDES; side++)
        TRY(side_compare(run, side, err));
    return RESULT_OK;
}

static enum result trials_run(struct run *run, struct err *err)
{
    uint32_t hosts[HOSTS_MAX + 1];
    size_t counts = hosts_boundaries(&run->region, hosts);
    size_t evidences = region_wants_evidence(&run->region) ? 2 : 1;
    TRY(work_check(run, counts * evidences * run->occasions.count, err));
    for (size_t n = 0; n < counts; n++)
        for (size_t c = 0; c < run->occasions.count; c++)
            for (size_t e = 0; e < evidences; e++) {
                run->trial = (struct trial){
                    .hosts = hosts[n], .evidence = e == 1, .at = &run->occasions.at[c]};
                TRY(trial_run(run, err));
            }
    return RESULT_OK;
}

static enum result zone_run(struct run *run, uint32_t place, struct err *err)
{
    TRY(region_open(&run->space, place, &run->region, err));
    enum result result = difference_begin(run, err);
    if (result == RESULT_OK)
        result = occasions_make(&run->region, &run->occasions, err);
    if (result == RESULT_OK)
        result = trials_run(run, err);
    difference_end(run);
    occasions_free(&run->occasions);
    region_close(&run->space, &run->region);
    return result;
}

static enum result orders_compare(struct run *run, struct err *err)
{
    const struct policy *const policy[SIDES] = {run->old, run->new};
    TRY(space_open(&run->space, policy, SIDES, err));
    enum result result = finding_open(run, err);
    for (uint32_t place = 0; place < run->space.places && result == RESULT_OK; place++)
        result = zone_run(run, place, err);
    if (result == RESULT_OK)
        finding_finish(run);
    finding_close(run);
    space_close(&run->space);
    return result;
}

static void difference_free(struct difference *difference)
{
    decision_free(&difference->denial);
    free(difference->grant);
    free(difference->approver);
    free(difference->principal);
    free(difference->group);
}

void comparison_free(struct comparison *comparison)
{
    difference_free(&comparison->gained);
    difference_free(&comparison->lost);
    free(comparison->change);
    *comparison = (struct comparison){0};
}

enum result policies_compare(const struct policy *old, const struct policy *new,
                             struct comparison *out, struct err *err)
{
    struct run run = {.old = old, .new = new, .out = out};
    *out = (struct comparison){0};
    enum result result = orders_compare(&run, err);
    if (result == RESULT_OK)
        result = changes_collect(old, new, out, err);
    if (result != RESULT_OK) {
        comparison_free(out);
        return result;
    }
    out->verdict |=
        (out->gained.found ? WIDER : EQUIVALENT) | (out->lost.found ? NARROWER : EQUIVALENT);
    for (size_t i = 0; i < out->changes; i++)
        out->verdict |= out->change[i].direction;
    return RESULT_OK;
}
