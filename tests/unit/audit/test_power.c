/*
 * The power is cut behind each change that an append makes, with whatever the disk may then hold.
 * What was acknowledged is there; the log goes on, and says what it moved aside.
 */
#include "helper_disk.h"
#include "helper_memo.h"
#include "helper_power.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sanitizers make it slow: then some of the states must do. */
#define STEP (GEORDER_SANITIZED ? 7 : 1)

static char where[256];

static void expect_goes_on(const struct scene *scene, struct test_log *log, const char *event,
                           unsigned count, bool acknowledged)
{
    struct audit_report report;
    unsigned there;

    scene_expect_verdict(scene, log, where, false);
    cr_assert_eq(scene_recover(scene, log, "order.settled"), RESULT_OK, "%s: %s", where,
                 log->err.text);
    report = test_verify(log);
    cr_assert_eq(report.verdict, scene_has_torn_files(log) ? AUDIT_REPAIRED : AUDIT_INTACT,
                 "%s: %s: %s", where, audit_verdict_name(report.verdict), report.text);
    there = scene_events(log, event);
    cr_assert(acknowledged ? there == count : there <= count, "%s: %s is there %u times", where,
              event, there);
    cr_assert(!acknowledged || report.records < TILE_WIDTH || test_exists(log, "tile/0/000"),
              "%s: a full tile is lost", where);
}

struct states {
    const struct scene *scene;
    const struct test_log *made;
    const char *event; /* that must be there when it was acknowledged */
    unsigned records;  /* how often */
    size_t made_changes, count;
    struct seen {
        uint8_t hash[SHA256_LEN];
        bool acknowledged;
    } * seen; /* states that were tried; different cuts may leave the same */
    size_t different;
};

/* What was acknowledged is asked for more of. */
static bool state_is_new(struct states *states, const uint8_t hash[SHA256_LEN], bool acknowledged)
{
    struct seen *seen;

    for (size_t i = 0; i < states->different; i++)
        if (memcmp(states->seen[i].hash, hash, SHA256_LEN) == 0 &&
            states->seen[i].acknowledged >= acknowledged)
            return false;
    seen = reallocarray(states->seen, states->different + 1, sizeof *seen);
    cr_assert_not_null(seen);
    states->seen = seen;
    memcpy(seen[states->different].hash, hash, SHA256_LEN);
    seen[states->different++].acknowledged = acknowledged;
    return true;
}

static void states_end(struct states *states)
{
    cr_log_info("%s: %zu states, %zu of them different", states->scene->name, states->count,
                states->different);
    free(states->seen);
}

static void state_try(struct states *states, const struct power_cut *cut, bool acknowledged)
{
    struct test_log log;
    uint8_t hash[SHA256_LEN];

    states->count++;
    power_state(cut, hash);
    if (!state_is_new(states, hash, acknowledged))
        return;
    (void)snprintf(where, sizeof where, "%s, %zu changes of %zu, survive %d, one %zu, keep %zu%s",
                   states->scene->name, cut->at, power_changes(), (int)cut->survive, cut->one,
                   cut->keep, cut->zeros ? " and zeros" : "");
    power_make(states->made, &log);
    expect_goes_on(states->scene, &log, states->event, states->records, acknowledged);
    scene_copy_free(&log);
}

static void states_at(struct states *states, size_t at, bool acknowledged)
{
    struct power_cut cut = {.at = at, .keep = SIZE_MAX};

    for (cut.survive = ALL; cut.survive <= NAMES; cut.survive++)
        state_try(states, &cut, acknowledged);
    for (cut.one = 0; cut.one < at; cut.one++)
        for (cut.survive = ALL_BUT_ONE; cut.survive <= ONE_ALONE; cut.survive++)
            if (power_is_open(cut.one, at))
                state_try(states, &cut, acknowledged);
}

/* The watched append, in a copy of what the scene left. */
static void act(const struct scene *scene, const struct test_log *made)
{
    struct test_log log;

    power_begin(made);
    scene_copy(made, &log);
    power_watch(&log);
    cr_assert_eq(scene_act(scene, &log), RESULT_OK, "%s: %s", scene->name, log.err.text);
    power_rest();
    scene_copy_free(&log);
}

Test(power, cut_behind_any_change_loses_nothing_that_was_acknowledged)
{
    disk.lazy = memo.on = true;
    for (size_t i = 0; i < scene_count; i++) {
        struct test_log made;
        struct states states = {&scenes[i], &made, NULL, 1, 0, 0, NULL, 0};

        states.event = scenes[i].creates ? "log.created" : "order.unknown";
        states.records = scene_records(&scenes[i]);
        scene_make(&scenes[i], &made);
        act(&scenes[i], &made);
        for (size_t at = 0; at < power_changes(); at += STEP)
            states_at(&states, at, false);
        states_at(&states, power_changes(), true);
        states_end(&states);
        cr_assert_gt(states.count, 20);
        power_end();
        test_log_free(&made);
    }
}

/* SIGKILL behind so many changes, an append by the next process, then the power is cut. */
static void kill_then_cut(struct states *states, size_t killed)
{
    struct power_cut nothing_lost = {.at = killed, .keep = SIZE_MAX};
    uint8_t hash[SHA256_LEN];
    struct test_log log;

    power_cut_journal(killed);
    power_state(&nothing_lost, hash);
    power_make(states->made, &log);
    power_watch(&log);
    cr_assert_eq(scene_recover(states->scene, &log, "order.response"), RESULT_OK, "%s: %s",
                 states->scene->name, log.err.text);
    power_rest();
    scene_copy_free(&log);
    struct power_cut cut = {.at = power_changes(), .keep = SIZE_MAX};
    for (cut.survive = ALL; cut.survive <= NAMES; cut.survive++)
        state_try(states, &cut, true);
    cut.survive = ALL_BUT_ONE;
    for (cut.one = 0; cut.one < cut.at; cut.one++)
        if (power_is_open(cut.one, cut.at))
            state_try(states, &cut, true);
}

Test(power, cut_after_the_append_that_follows_a_kill_loses_nothing)
{
    disk.lazy = memo.on = true;
    for (size_t i = 0; i < scene_count; i++) {
        struct test_log made;
        struct states states = {&scenes[i], &made, "order.response", 1, 0, 0, NULL, 0};

        if (scenes[i].large)
            continue;

        scene_make(&scenes[i], &made);
        act(&scenes[i], &made);
        states.made_changes = power_changes();
        power_end();
        for (size_t killed = 0; killed <= states.made_changes; killed += STEP) {
            act(&scenes[i], &made);
            kill_then_cut(&states, killed);
            power_end();
        }
        states_end(&states);
        test_log_free(&made);
    }
}

/* The write of the record, cut at each byte; at some, zeros in place of the rest or of the
 * beginning. */
static void record_cut(struct states *states, size_t at)
{
    size_t len = power_write_len(at - 1);

    for (size_t keep = 0; keep <= len; keep += STEP)
        for (int way = 0; way < (keep % 8 == 0 ? 3 : 1); way++)
            state_try(states,
                      &(struct power_cut){.at = at,
                                          .survive = way == 0 ? BYTES : ALL,
                                          .keep = keep,
                                          .zeros = way > 0,
                                          .swap = way > 1},
                      false);
}

static const struct scene *scene_named(const char *name)
{
    size_t i = 0;

    while (i < scene_count && strcmp(scenes[i].name, name) != 0)
        i++;
    cr_assert_lt(i, scene_count, "no scene %s", name);
    return &scenes[i];
}

static void cut_each_byte(const char *name)
{
    const struct scene *scene = scene_named(name);
    struct test_log made;
    struct states states = {scene, &made, "order.unknown", scene_records(scene), 0, 0, NULL, 0};
    size_t at = 1;

    disk.lazy = memo.on = true;
    scene_make(scene, &made);
    act(scene, &made);
    while (power_write_len(at - 1) < 512)
        cr_assert_leq(++at, power_changes(), "the record was not written");
    record_cut(&states, at);
    states_end(&states);
    power_end();
    test_log_free(&made);
}

Test(power, cut_within_a_record_at_each_byte_is_repaired)
{
    cut_each_byte("a plain append");
}

/* Where it begins with zeros, good records may stand behind the lost one. */
Test(power, cut_within_a_group_at_each_byte_is_repaired)
{
    cut_each_byte("a group");
}
