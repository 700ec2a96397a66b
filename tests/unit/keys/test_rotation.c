/* The versions of a credential on a token: which one is it, and is there always one? */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cryptoki.h"
#include "helper_keys.h"

#define OTHER     "cfat_9876543210zyxwvutsrqponmlkjihgfedcba9876543210"
#define ROTATIONS 30
#define READS_MAX 200000

static void start(void)
{
    home_make();
    token_make("main");
}

TestSuite(rotation, .init = start, .fini = home_remove);

static int64_t version(const char *application)
{
    return data_version(application, strlen(application));
}

Test(rotation, versions_have_one_form)
{
    static const char *const not_ours[] = {"",
                                           "georde",
                                           "georder ",
                                           "georder 0",
                                           "georder 01",
                                           "georder  1",
                                           "georder 1 ",
                                           "georder -1",
                                           "georder +1",
                                           "georder 1x",
                                           "georder1",
                                           "Georder",
                                           " georder",
                                           "georder 1000000000",
                                           "georder 99999999999999999999"};

    cr_assert_eq(version("georder"), 0);
    cr_assert_eq(version("georder 1"), 1);
    cr_assert_eq(version("georder 10"), 10);
    cr_assert_eq(version("georder 999999999"), 999999999);
    for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++)
        cr_assert_eq(version(not_ours[i]), -1, "%s", not_ours[i]);
    cr_assert_eq(data_version("georder", 3), -1);
    cr_assert_eq(data_version("georder\0", 8), -1);
}

static bool role_opened(struct child *child)
{
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);
    AUTO_MSG answer = MSG_INIT;
    struct err err = {0};

    open_body(&body, "", "", SECRET);
    cr_assert_eq(ipc_send(&child->ipc, MSG_KEYS_OPEN, &body, -1, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(ipc_receive(&child->ipc, &answer, clock_monotonic() + 30000, NULL, &err),
                 RESULT_OK, "%s", err.text);
    if (answer.type == MSG_KEYS_READY)
        return true;
    (void)get_failure(&answer, &err);
    cr_assert(strstr(err.text, "no token matches; there are: none") != NULL, "%s", err.text);
    return false;
}

/* SoftHSM 2.6 now and then shows no token to a process that starts while others use it. That is its
 * own fault and refused with a clear text; what is tested here is a role that is open. */
static struct child role_ready(void)
{
    struct child child = role_start();

    for (int tries = 1; !role_opened(&child); tries++) {
        cr_assert_lt(tries, 5, "SoftHSM shows no token at all");
        role_end(&child);
        child = role_start();
    }
    return child;
}

/* One role, to its end: STORE and COMMIT. */
static void rotate(const char *secret)
{
    struct child child = role_ready();
    AUTO_MSG taken = MSG_INIT, done = MSG_INIT;
    AUTO_BUF body = BUF_INIT(64);
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], secret, strlen(secret)), (ssize_t)strlen(secret));
    (void)close(ends[1]);
    put_text(&body, "");
    put_u32(&body, 0);
    ask(&child, MSG_KEYS_STORE, &body, ends[0], MSG_KEYS_DONE, &taken);
    (void)close(ends[0]);
    ask(&child, MSG_KEYS_COMMIT, NULL, -1, MSG_KEYS_DONE, &done);
    role_end(&child);
}

/* Whole, and one of the two. Asserts nothing: it runs in a process that is no test's. */
static bool reads_well(struct child *child)
{
    AUTO_BUF body = BUF_INIT(16);
    AUTO_MSG answer = MSG_INIT;
    struct err err = {0};
    char got[128] = "";
    int ends[2];

    put_u32(&body, 0);
    if (pipe(ends) != 0 ||
        ipc_send(&child->ipc, MSG_KEYS_CREDENTIAL, &body, ends[1], &err) != RESULT_OK ||
        ipc_receive(&child->ipc, &answer, clock_monotonic() + 10000, NULL, &err) != RESULT_OK)
        return false;
    (void)close(ends[1]);
    if (answer.type == MSG_KEYS_FAILED) {
        (void)get_failure(&answer, &err);
        (void)fprintf(stderr, "%s\n", err.text);
    }
    if (read(ends[0], got, sizeof got - 1) < 0)
        got[0] = '\0';
    (void)close(ends[0]);
    return strcmp(got, "B" TOKEN) == 0 || strcmp(got, "B" OTHER) == 0;
}

/* In a process of its own, without a pause, until the pipe is closed. Its status: 0, all well. */
static pid_t reader_start(struct child *child, const int enough[2])
{
    pid_t pid = fork();
    size_t reads = 0;
    char byte;

    if (pid != 0)
        return pid;
    (void)close(enough[1]);
    while (reads < READS_MAX && read(enough[0], &byte, 1) < 0) {
        if (!reads_well(child))
            _exit(3);
        reads++;
    }
    (void)fprintf(stderr, "%zu reads\n", reads);
    _exit(reads >= 2 * (size_t)ROTATIONS && reads < READS_MAX ? 0 : 2);
}

Test(rotation, there_is_no_moment_without_one)
{
    int enough[2], status;
    struct child child;
    pid_t reader;

    rotate(TOKEN);
    child = role_ready();
    cr_assert_eq(pipe2(enough, O_NONBLOCK), 0);
    reader = reader_start(&child, enough);
    cr_assert_gt(reader, 0);
    for (int i = 0; i < ROTATIONS; i++)
        rotate(i % 2 == 0 ? OTHER : TOKEN);
    (void)close(enough[1]);
    cr_assert_eq(waitpid(reader, &status, 0), reader);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    role_end(&child);
}
