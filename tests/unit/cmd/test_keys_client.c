/* What main makes of a georder-keys that hangs or dies. A child plays it. */
#include "keys_client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static struct err err;

/* Ends by this signal, or, with 0, hangs. */
static void start(struct keys *keys, int signal)
{
    int fds[2];

    *keys = (struct keys)KEYS_INIT;
    keys->patience = signal == 0 ? 50 : 20000; /* it takes its time to be run, and so to die */
    cr_assert_eq(ipc_pair(fds, &err), RESULT_OK);
    keys->now.pid = fork();
    if (keys->now.pid == 0) {
        if (signal != 0)
            (void)raise(signal);
        (void)pause();
        _exit(0);
    }
    (void)close(fds[1]);
    keys->now.ipc = (struct ipc){.fd = fds[0], .self = ROLE_MAIN, .peer = ROLE_KEYS};
}

Test(keys_client, gives_up_on_a_process_that_hangs)
{
    AUTO_KEYS keys;
    pid_t pid;

    start(&keys, 0);
    pid = keys.now.pid;
    cr_assert_eq(keys_ask(&keys, MSG_KEYS_REPORT, NULL, -1, NULL, &err), RESULT_KEY);
    cr_assert_str_eq(err.text, "georder-keys gave no answer: no answer in time; georder-keys did "
                               "not end in time and was killed");
    cr_assert_eq(kill(pid, 0), -1, "it is still there");
    cr_assert_eq(keys.now.pid, 0);
}

Test(keys_client, tells_how_a_process_ended_and_asks_no_more)
{
    AUTO_KEYS keys;

    start(&keys, SIGKILL);
    cr_assert_eq(keys_ready(&keys, &err), RESULT_KEY);
    cr_assert_str_eq(err.text, "georder-keys gave no answer: the other process has ended; "
                               "georder-keys was ended by signal 9 (SIGKILL): killed from outside, "
                               "perhaps for want of memory");
    cr_assert_eq(keys_ask(&keys, MSG_KEYS_REPORT, NULL, -1, NULL, &err), RESULT_KEY);
    cr_assert_str_eq(err.text, "georder-keys gave no answer: cannot send KEYS_REPORT: Broken pipe; "
                               "georder-keys does not run");
}
