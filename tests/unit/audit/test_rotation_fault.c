/*
 * Each file system call of a rotation, one after the other, fails, or is the last one before
 * SIGKILL. Whatever that was: the log verifies by its first key, and the old key or the new one can
 * go on with it; rotating once more to the same key ends what was begun, and there is one rotation.
 */
#include "helper_disk.h"
#include "helper_memo.h"
#include "helper_scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What the process that rotates tells the test, even when it is killed. */
struct told {
    unsigned calls;
    enum result result;
    char hit[16], text[1024];
};

static char where[256];

static enum result open_and_rotate(struct test_log *log, struct test_heir *heir)
{
    enum result result;

    audit_close(&log->audit);
    result = audit_open(log->fd, TEST_ORIGIN, &log->signer, &log->audit, &log->err);
    return result == RESULT_OK ? test_rotate(log, heir) : result;
}

static enum result open_and_append(struct test_log *log, const struct audit_signer *signer,
                                   const char *event)
{
    struct audit_event one = test_event(event, "");
    enum result result;

    audit_close(&log->audit);
    result = audit_open(log->fd, TEST_ORIGIN, signer, &log->audit, &log->err);
    return result == RESULT_OK ? audit_append(log->audit, &one, NULL, 0, NULL, &log->err) : result;
}

static void act(struct test_log *log, struct test_heir *heir, const struct disk *fault,
                struct told *told)
{
    disk.lazy = true;
    disk_arm(fault->mode, fault->at, fault->number);
    told->result = open_and_rotate(log, heir);
    told->calls = disk.calls;
    disk_disarm();
    (void)snprintf(told->hit, sizeof told->hit, "%s", disk.hit != NULL ? disk.hit : "");
    (void)snprintf(told->text, sizeof told->text, "%s", log->err.text);
}

/* False when it was killed. */
static bool act_apart(struct test_log *log, struct test_heir *heir, const struct disk *fault,
                      struct told *told)
{
    pid_t child;

    *told = (struct told){0};
    child = fork();
    if (child == 0) {
        act(log, heir, fault, told);
        _exit(SCENE_END);
    }
    return scene_ended(child);
}

static void expect_good(struct test_log *log)
{
    struct audit_report report = test_verify(log);

    cr_assert(audit_verdict_good(report.verdict), "%s: %s: %s", where,
              audit_verdict_name(report.verdict), report.text);
}

/* One of them, and not the other. True: the new key. */
static bool one_goes_on(struct test_log *log, const struct test_heir *heir)
{
    enum result by_old = open_and_append(log, &log->signer, "order.settled");

    if (by_old == RESULT_OK) {
        cr_assert_neq(open_and_append(log, &heir->signer, "order.settled"), RESULT_OK, "%s", where);
    } else {
        cr_assert_not_null(strstr(log->err.text, "it is the turn of the key"), "%s: %s", where,
                           log->err.text);
        cr_assert_not_null(strstr(log->err.text, heir->key.kid), "%s: %s", where, log->err.text);
        cr_assert_eq(open_and_append(log, &heir->signer, "order.settled"), RESULT_OK, "%s: %s",
                     where, log->err.text);
    }
    expect_good(log);
    return by_old != RESULT_OK;
}

static void expect_one_rotation(struct test_log *log, struct test_heir *heir)
{
    cr_assert_eq(open_and_rotate(log, heir), RESULT_OK, "%s: %s", where, log->err.text);
    cr_assert_eq(scene_events(log, "key.rotated"), 1, "%s", where);
    cr_assert_eq(open_and_append(log, &heir->signer, "order.denied"), RESULT_OK, "%s: %s", where,
                 log->err.text);
    expect_good(log);
}

/* False when the rotation has fewer calls. */
static bool sweep_one(const struct scene *scene, const struct test_log *made,
                      struct test_heir *heir, const struct disk *fault, struct told *told)
{
    struct test_log log, other;
    bool ended, reached, new;

    scene_copy(made, &log);
    ended = act_apart(&log, heir, fault, told);
    reached = !ended || told->hit[0] != '\0';
    (void)snprintf(where, sizeof where, "%s, call %u (%s), mode %d, errno %d", scene->name,
                   fault->at, told->hit, (int)fault->mode, fault->number);
    scene_expect_verdict(scene, &log, where, ended && told->result == RESULT_OK);
    scene_copy(&log, &other);
    new = one_goes_on(&log, heir);
    cr_assert_eq(scene_events(&log, "key.rotated"), new, "%s", where);
    if (ended && fault->mode != DISK_FAIL_ON)
        cr_assert_eq(new, told->result == RESULT_OK, "%s: it said: %s", where, told->text);
    expect_one_rotation(&other, heir); /* at once */
    expect_one_rotation(&log, heir);   /* and when one of them has gone on */
    scene_copy_free(&other);
    scene_copy_free(&log);
    return reached;
}

/* Sanitizers make it slow: then some of the calls must do. */
#define STEP (GEORDER_SANITIZED && !halves ? 5 : 1)

static const char *const chosen[] = {"a plain append", "a torn tail", "an unanchored tail",
                                     "the first record without a checkpoint"};

static bool is_chosen(const struct scene *scene)
{
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++)
        if (strcmp(scene->name, chosen[i]) == 0)
            return true;
    return false;
}

static void sweep(enum disk_mode mode, int number)
{
    bool halves = mode == DISK_SHORT || mode == DISK_KILL_HALF;
    struct told *told =
        mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct test_heir heir;
    size_t scenes_met = 0;

    cr_assert_neq(told, MAP_FAILED);
    test_heir_make(&heir, "P-256", "ES256");
    disk.lazy = memo.on = true;
    for (size_t i = 0; i < scene_count; i++) {
        struct disk fault = {.mode = mode, .number = number, .at = 1};
        struct test_log made;

        if (!is_chosen(&scenes[i]))
            continue;
        scenes_met++;
        scene_make(&scenes[i], &made);
        while (sweep_one(&scenes[i], &made, &heir, &fault, told))
            fault.at += STEP;
        cr_assert_gt(fault.at, halves ? 3 : 60, "%s: only %u calls were met", scenes[i].name,
                     fault.at - 1);
        cr_log_info("%s: %u calls", scenes[i].name, fault.at - 1);
        test_log_free(&made);
    }
    cr_assert_eq(scenes_met, sizeof chosen / sizeof *chosen);
    test_heir_free(&heir);
    cr_assert_eq(munmap(told, sizeof *told), 0);
}

Test(rotation_fault, of_each_call_with_eio_leaves_one_key_to_go_on)
{
    sweep(DISK_FAIL, EIO);
}

Test(rotation_fault, that_stays_leaves_one_key_to_go_on)
{
    sweep(DISK_FAIL_ON, ENOSPC);
}

Test(rotation_fault, of_a_write_that_is_cut_in_half_leaves_one_key_to_go_on)
{
    sweep(DISK_SHORT, 0);
}

Test(rotation_kill, in_place_of_each_call_leaves_one_key_to_go_on)
{
    sweep(DISK_KILL, 0);
}

Test(rotation_kill, within_each_write_leaves_one_key_to_go_on)
{
    sweep(DISK_KILL_HALF, 0);
}
