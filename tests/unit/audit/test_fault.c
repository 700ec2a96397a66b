/*
 * Each file system call of an append, one after the other, fails, or is the last one before
 * SIGKILL. Whatever that was: the log verifies or says what its next append will do, that append
 * works, what was acknowledged is there once, and what failed is not.
 */
#include "helper_disk.h"
#include "helper_memo.h"
#include "helper_scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What the process that appends tells the test, even when it is killed. */
struct told {
    unsigned calls, second_calls;
    enum result result, second;
    char hit[16], text[1024], second_text[1024];
};

static struct told *told_map(void)
{
    void *shared =
        mmap(NULL, sizeof(struct told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    cr_assert_neq(shared, MAP_FAILED);
    return shared;
}

/* Once more, by the process whose append failed, on a disk that is well again. */
static void act_again(struct test_log *log, struct told *told)
{
    struct audit_event event = test_event("order.response", SCENE_ORDER);

    disk_arm(DISK_GOOD, 0, 0);
    told->second = audit_append(log->audit, &event, NULL, 0, NULL, &log->err);
    told->second_calls = disk.calls;
    (void)snprintf(told->second_text, sizeof told->second_text, "%s", log->err.text);
}

static void act(const struct scene *scene, struct test_log *log, const struct disk *fault,
                struct told *told)
{
    disk.lazy = true;
    disk_arm(fault->mode, fault->at, fault->number);
    told->result = scene_act(scene, log);
    told->calls = disk.calls;
    disk_disarm();
    (void)snprintf(told->hit, sizeof told->hit, "%s", disk.hit != NULL ? disk.hit : "");
    (void)snprintf(told->text, sizeof told->text, "%s", log->err.text);
    if (told->result != RESULT_OK && log->audit != NULL && fault->mode != DISK_FAIL_ON)
        act_again(log, told);
}

/* False when it was killed. */
static bool act_apart(const struct scene *scene, struct test_log *log, const struct disk *fault,
                      struct told *told)
{
    pid_t child;

    *told = (struct told){0};
    child = fork();
    if (child == 0) {
        act(scene, log, fault, told);
        _exit(SCENE_END);
    }
    return scene_ended(child);
}

static char where[256];

static void expect_recovery(const struct scene *scene, struct test_log *log)
{
    struct audit_report report;

    cr_assert_eq(scene_recover(scene, log, "order.settled"), RESULT_OK, "%s: %s", where,
                 log->err.text);
    report = test_verify(log);
    cr_assert_eq(report.verdict, scene_has_torn_files(log) ? AUDIT_REPAIRED : AUDIT_INTACT,
                 "%s: %s: %s", where, audit_verdict_name(report.verdict), report.text);
    cr_assert_eq(scene_events(log, "order.settled"), 1, "%s", where);
    cr_assert_eq(scene_events(log, "log.created"), 1, "%s", where);
}

static bool is_flush(const char *name)
{
    return strcmp(name, "fsync") == 0 || strcmp(name, "fdatasync") == 0;
}

/* What the process was told must be what is there. */
static void expect_truth(const struct scene *scene, struct test_log *log, const struct disk *fault,
                         const struct told *told)
{
    unsigned there = scene_events(log, "order.unknown");

    cr_assert(told->result == RESULT_OK || told->text[0] != '\0', "%s", where);
    if (scene->creates)
        return;
    if (told->result == RESULT_OK)
        cr_assert_eq(there, scene_records(scene), "%s: it was acknowledged", where);
    else if (fault->mode != DISK_FAIL_ON)
        cr_assert_eq(there, 0, "%s: it failed (%s)", where, told->text);
    else
        cr_assert_leq(there, scene_records(scene), "%s", where);
    if (told->result == RESULT_OK || fault->mode != DISK_FAIL || !is_flush(told->hit))
        return;
    cr_assert_eq(told->second, RESULT_AUDIT, "%s: went on over a failed flush", where);
    cr_assert_eq(told->second_calls, 0, "%s: touched the disk after a failed flush", where);
    cr_assert_not_null(strstr(told->second_text, "a flush of the audit log failed earlier"), "%s",
                       told->second_text);
}

/* False when the append has fewer calls. */
static bool sweep_one(const struct scene *scene, const struct test_log *made,
                      const struct disk *fault, struct told *told)
{
    struct test_log log;
    bool ended, reached;

    scene_copy(made, &log);
    ended = act_apart(scene, &log, fault, told);
    reached = !ended || told->hit[0] != '\0';
    (void)snprintf(where, sizeof where, "%s, call %u (%s), mode %d, errno %d", scene->name,
                   fault->at, told->hit, (int)fault->mode, fault->number);
    scene_expect_verdict(scene, &log, where, ended && told->result == RESULT_OK);
    expect_recovery(scene, &log);
    if (ended)
        expect_truth(scene, &log, fault, told);
    scene_copy_free(&log);
    return reached;
}

/* Sanitizers make it slow: then some of the calls must do. */
#define STEP (GEORDER_SANITIZED && !halves ? 3 : 1)

static void sweep(enum disk_mode mode, int number)
{
    bool halves = mode == DISK_SHORT || mode == DISK_KILL_HALF;
    struct told *told = told_map();

    disk.lazy = memo.on = true;
    for (size_t i = 0; i < scene_count; i++) {
        struct disk fault = {.mode = mode, .number = number, .at = 1};
        struct test_log made;

        scene_make(&scenes[i], &made);
        while (sweep_one(&scenes[i], &made, &fault, told))
            fault.at += STEP;
        cr_assert_gt(fault.at, halves ? 3 : 40, "%s: only %u calls were met", scenes[i].name,
                     fault.at - 1);
        cr_log_info("%s: %u calls", scenes[i].name, fault.at - 1);
        test_log_free(&made);
    }
    cr_assert_eq(munmap(told, sizeof *told), 0);
}

Test(fault, of_each_call_with_eio_keeps_the_log_and_the_truth)
{
    sweep(DISK_FAIL, EIO);
}

Test(fault, of_each_call_with_enospc_keeps_the_log_and_the_truth)
{
    sweep(DISK_FAIL, ENOSPC);
}

Test(fault, that_stays_keeps_the_log)
{
    sweep(DISK_FAIL_ON, EIO);
}

Test(fault, of_a_write_that_is_cut_in_half_keeps_the_log_and_the_truth)
{
    sweep(DISK_SHORT, 0);
}

Test(kill, in_place_of_each_call_leaves_a_log_that_goes_on)
{
    sweep(DISK_KILL, 0);
}

Test(kill, within_each_write_leaves_a_log_that_goes_on)
{
    sweep(DISK_KILL_HALF, 0);
}
