/* 64 processes at once, and some that are killed: one log, never a fork. */
#include "helper_disk.h"
#include "helper_scene.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CROWD 64
#define EACH  (GEORDER_SANITIZED ? 3 : 8)

/* Counts what was acknowledged to it, where the test sees it. */
static void append_some(struct test_log *log, int seed, unsigned *acknowledged)
{
    struct audit_event event = test_event("order.unknown", "");

    disk.lazy = true;
    test_log_reopen(log);
    log->audit->segment_max = 16 * 1024;
    if (seed % 4 == 3)
        disk_arm(DISK_KILL, 1 + (unsigned)seed / 4 * EACH, 0);
    for (int i = 0; i < EACH; i++) {
        if (audit_append(log->audit, &event, NULL, 0, NULL, &log->err) != RESULT_OK)
            _exit(1);
        ++*acknowledged;
    }
    _exit(42);
}

static void crowd_wait(unsigned *killed)
{
    for (int i = 0; i < CROWD; i++) {
        int status;

        cr_assert_gt(wait(&status), 0);
        *killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        cr_assert(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 42,
                  "%x", (unsigned)status);
    }
}

Test(crowd, of_64_processes_of_which_some_are_killed_never_forks_the_log)
{
    unsigned *acknowledged, killed = 0, sum = 0, there;
    struct test_log log;

    acknowledged = mmap(NULL, CROWD * sizeof *acknowledged, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(acknowledged, MAP_FAILED);
    test_log_make(&log);
    for (int i = 0; i < CROWD; i++) {
        pid_t child = fork();

        cr_assert_geq(child, 0);
        if (child == 0)
            append_some(&log, i, &acknowledged[i]);
    }
    crowd_wait(&killed);
    for (int i = 0; i < CROWD; i++)
        sum += acknowledged[i];
    test_append(&log, "order.settled", "");
    test_expect(&log, scene_has_torn_files(&log) ? AUDIT_REPAIRED : AUDIT_INTACT);
    there = scene_events(&log, "order.unknown");
    cr_assert(there >= sum && there <= sum + killed, "%u acknowledged, %u killed, %u there", sum,
              killed, there);
    cr_assert_gt(killed, 8, "%u", killed);
    cr_assert_eq(munmap(acknowledged, CROWD * sizeof *acknowledged), 0);
    test_log_free(&log);
}
