#include "helper_faults.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper_tokens.h"

#define SOON (30 * 1000) /* milliseconds; it is the answer, not the machine, that is tried */

__attribute__((format(printf, 2, 3))) static void problem(struct trial *trial, const char *fmt, ...)
{
    va_list args;

    if (trial->problem[0] != '\0')
        return;
    va_start(args, fmt);
    (void)vsnprintf(trial->problem, sizeof trial->problem, fmt, args);
    va_end(args);
}

/* These end what is over anyway. The real module does its work before their answer is lost, as a
 * module would that fails while it tidies up; C_Sign, too, always ends its operation. */
static bool ends_something(const char *function)
{
    return strcmp(function, "C_Logout") == 0 || strcmp(function, "C_CloseSession") == 0 ||
           strcmp(function, "C_FindObjectsFinal") == 0 || strcmp(function, "C_Finalize") == 0;
}

/* Their failure takes nothing away from what was asked for. SoftHSM's second slot is an empty one:
 * that another slot than the one that is wanted is out of order does no harm. */
static bool is_passed_over(const struct trial *trial)
{
    return ends_something(trial->function) || strcmp(trial->function, "C_GetMechanismInfo") == 0 ||
           (strcmp(trial->function, "C_GetTokenInfo") == 0 && trial->nth == 2);
}

static void fault_write(const struct trial *trial)
{
    char line[128] = "";
    bool late = ends_something(trial->function) || strcmp(trial->function, "C_Sign") == 0;

    if (trial->code != NULL)
        (void)snprintf(line, sizeof line, "%s %lu 0x%lx%s\n", trial->function, trial->nth,
                       trial->code->rv, late ? " late" : "");
    home_file("faults", line, 0600);
    home_file("calls", "", 0600);
}

static void calls_read(struct buf *out)
{
    struct err err;
    char path[128];
    AUTO_FD fd = -1;

    (void)snprintf(path, sizeof path, "%s/calls", home);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0);
    cr_assert_eq(file_read(fd, path, out, &err), RESULT_OK, "%s", err.text);
}

static size_t calls_count(void)
{
    AUTO_BUF calls = BUF_INIT(65536);
    size_t lines = 0;

    calls_read(&calls);
    for (size_t i = 0; i < calls.len; i++)
        lines += calls.data[i] == '\n';
    return lines;
}

static size_t lines_with(const char *text, const char *line)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, line)) != NULL; at += strlen(line))
        count += at == text || at[-1] == '\n';
    return count;
}

static bool exchange(struct trial *trial, struct child *role, enum msg_type type,
                     const struct buf *body, int fd, struct msg *answer)
{
    struct err err = {0};

    *answer = (struct msg)MSG_INIT;
    if (ipc_send(&role->ipc, type, body, fd, &err) == RESULT_OK &&
        ipc_receive(&role->ipc, answer, clock_monotonic() + SOON, NULL, &err) == RESULT_OK)
        return true;
    problem(trial, "%s: no answer: %s", msg_name(type), err.text);
    return false;
}

static int pipe_with(const char *text)
{
    int ends[2];

    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    (void)close(ends[1]);
    return ends[0];
}

/* The question's body, and the descriptor that goes along. */
static int question(const struct operation *operation, struct buf *body)
{
    AUTO_BUF record = BUF_INIT(2048);

    if (operation->asks == MSG_KEYS_SIGN) {
        record_text(&record, 0, ZEROS64);
        put_bytes(body, record.data, record.len);
    } else if (operation->asks == MSG_KEYS_CHECKPOINT) {
        put_u64(body, 1);
        put_bytes(body, "0123456789abcdef0123456789abcdef", 32);
    } else if (operation->asks == MSG_KEYS_CREATE) {
        put_text(body, "ES256");
    } else if (operation->asks == MSG_KEYS_CREDENTIAL) {
        put_u32(body, 0);
        return open("/dev/null", O_WRONLY | O_CLOEXEC);
    }
    return -1;
}

static bool said(const struct code *code, const char *text)
{
    return strstr(text, code->name) != NULL && strstr(text, code->words) != NULL;
}

/* Once it is open, the role leaves to a new process what only that can find again. A login is not
 * to be repeated by itself. */
static enum msg_type failure_of(const struct trial *trial)
{
    return trial->code->lost && trial->operation->asks != MSG_KEYS_OPEN &&
                   strcmp(trial->function, "C_Login") != 0
               ? MSG_KEYS_LOST
               : MSG_KEYS_FAILED;
}

static void judge_failure(struct trial *trial, struct msg *answer)
{
    struct err err = {0};

    trial->lost = answer->type == MSG_KEYS_LOST;
    if (answer->type != failure_of(trial)) {
        problem(trial, "%s instead of %s", msg_name(answer->type), msg_name(failure_of(trial)));
        return;
    }
    if (get_failure(answer, &err) != RESULT_KEY)
        problem(trial, "result %d: %s", (int)err.result, err.text);
    if (!said(trial->code, err.text))
        problem(trial, "does not say what the module said: %s", err.text);
    if (strstr(err.text, PIN) != NULL)
        problem(trial, "shows the PIN: %s", err.text);
}

static void judge_report(struct trial *trial, struct msg *answer)
{
    size_t len;
    const char *text = get_bytes(answer, &len);

    if (answer->type != MSG_KEYS_DONE)
        problem(trial, "%s instead of a report", msg_name(answer->type));
    else if (!said(trial->code, text))
        problem(trial, "does not say what the module said: %.*s", (int)len, text);
}

/* It is done for all that, and the answer tells: what was replaced is no longer looked at. */
static bool is_told(const struct trial *trial)
{
    return trial->operation->asks == MSG_KEYS_REPORT ||
           (trial->operation->asks == MSG_KEYS_COMMIT &&
            strcmp(trial->function, "C_DestroyObject") == 0);
}

static void judge(struct trial *trial, struct msg *answer, enum msg_type good)
{
    struct err err = {0};

    if (trial->code != NULL && !is_passed_over(trial)) {
        (good == MSG_KEYS_DONE && is_told(trial) ? judge_report : judge_failure)(trial, answer);
        return;
    }
    if (answer->type == good)
        return;
    (void)get_failure(answer, &err);
    problem(trial, "%s: %s", msg_name(answer->type), err.text);
}

/* After an opening that failed doctor asks on; the PIN is not tried again for that. */
static void report_after(struct trial *trial, struct child *role)
{
    AUTO_MSG report = MSG_INIT;

    if (exchange(trial, role, MSG_KEYS_REPORT, NULL, -1, &report) && report.type != MSG_KEYS_DONE)
        problem(trial, "no report afterwards: %s", msg_name(report.type));
}

static bool trial_open(struct trial *trial, struct child *role)
{
    const struct operation *operation = trial->operation;
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);
    AUTO_MSG answer = MSG_INIT;
    struct err err = {0};
    bool ready;

    open_body(&body, operation->key, "", operation->credential);
    if (!exchange(trial, role, MSG_KEYS_OPEN, &body, -1, &answer))
        return false;
    trial->opened = calls_count();
    ready = answer.type == MSG_KEYS_READY;
    if (operation->asks == MSG_KEYS_OPEN) {
        judge(trial, &answer, MSG_KEYS_READY);
        if (!ready)
            report_after(trial, role);
        return false;
    }
    if (!ready) {
        (void)get_failure(&answer, &err);
        problem(trial, "not open: %s", err.text);
    }
    return ready;
}

/* What KEYS_COMMIT is to store; asks nothing of the module. */
static bool trial_take(struct trial *trial, struct child *role)
{
    AUTO_BUF body = BUF_INIT(64);
    AUTO_MSG answer = MSG_INIT;
    AUTO_FD fd = pipe_with(TOKEN);

    put_text(&body, "");
    put_u32(&body, 0);
    if (!exchange(trial, role, MSG_KEYS_STORE, &body, fd, &answer))
        return false;
    if (answer.type != MSG_KEYS_DONE)
        problem(trial, "it is not taken: %s", msg_name(answer.type));
    return answer.type == MSG_KEYS_DONE;
}

static void trial_ask(struct trial *trial, struct child *role)
{
    const struct operation *operation = trial->operation;

    if (operation->asks == MSG_KEYS_COMMIT && !trial_take(trial, role))
        return;
    for (int turn = 0; turn < 2; turn++) {
        AUTO_BUF body = BUF_INIT(MSG_LIMIT);
        AUTO_MSG answer = MSG_INIT;
        AUTO_FD fd = question(operation, &body);

        if (!exchange(trial, role, operation->asks, &body, fd, &answer))
            return;
        if (turn == 0)
            judge(trial, &answer, operation->answers);
        else if (answer.type != operation->answers)
            problem(trial, "and asked again: %s", msg_name(answer.type));
        if (!operation->again || trial->code == NULL || trial->lost || is_passed_over(trial))
            return;
    }
}

static void trial_end(struct trial *trial, struct child *role)
{
    int64_t deadline = clock_monotonic() + SOON;
    int status = 0;
    pid_t got;

    if (!trial->lost) /* then it ends by itself */
        fd_close(&role->ipc.fd);
    while ((got = waitpid(role->pid, &status, WNOHANG)) == 0 && clock_monotonic() < deadline)
        (void)usleep(500);
    if (got == 0) {
        problem(trial, "it does not end");
        (void)kill(role->pid, SIGKILL);
        (void)waitpid(role->pid, &status, 0);
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        problem(trial, "it ended with %d (99: a leak)", status >> 8 != 0 ? status >> 8 : status);
    }
    fd_close(&role->ipc.fd);
}

static void calls_judge(struct trial *trial)
{
    AUTO_BUF calls = BUF_INIT(65536);
    char line[128];

    calls_read(&calls);
    if (lines_with(buf_text(&calls), "C_Login") > 1)
        problem(trial, "C_Login was called %zu times", lines_with(buf_text(&calls), "C_Login"));
    if (trial->code == NULL)
        return;
    (void)snprintf(line, sizeof line, "%s 0x%lx\n", trial->function, trial->code->rv);
    if (lines_with(buf_text(&calls), line) != 1)
        problem(trial, "the fault did not happen");
}

bool trial_run(struct trial *trial)
{
    struct child role;

    if (trial->operation->changes)
        tokens_put_back();
    fault_write(trial);
    role = role_start();
    if (trial_open(trial, &role) && trial->operation->asks != MSG_NONE)
        trial_ask(trial, &role);
    trial->done = calls_count();
    trial_end(trial, &role);
    trial->ended = calls_count();
    calls_judge(trial);
    return trial->problem[0] == '\0';
}

static void call_add(struct calls *calls, const char *text, const char *line, size_t len)
{
    cr_assert(calls->count < CALLS_MAX && len < sizeof calls->call[0].function);
    memcpy(calls->call[calls->count].function, line, len);
    calls->call[calls->count].function[len] = '\0';
    calls->call[calls->count].nth = 1;
    for (const char *at = text; at < line; at = strchr(at, '\n') + 1)
        if (strncmp(at, line, len + 1) == 0)
            calls->call[calls->count].nth++;
    calls->count++;
}

void calls_of(const struct operation *operation, struct calls *out)
{
    struct trial trial = {.operation = operation};
    AUTO_BUF text = BUF_INIT(65536);
    size_t line = 0, from, to;

    cr_assert(trial_run(&trial), "%s, without a fault: %s", operation->name, trial.problem);
    calls_read(&text);
    from = operation->asks == MSG_KEYS_OPEN ? 0 : trial.opened;
    to = operation->asks == MSG_KEYS_OPEN ? trial.opened : trial.done;
    if (operation->asks == MSG_NONE) {
        from = trial.done;
        to = trial.ended;
    }
    for (const char *at = buf_text(&text); *at != '\0'; at = strchr(at, '\n') + 1, line++)
        if (line >= from && line < to)
            call_add(out, buf_text(&text), at, strcspn(at, "\n"));
}
