#include "policy_verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "junit.h"

static const char help[] =
    "usage: georder policy test [POLICY] [--tests FILE] [--coverage] [--junit FILE]\n"
    "\n"
    "Judges the test cases of a policy: each is an order, and what the policy must say of it. The\n"
    "right decision for another reason fails. Tells which rules decided no case. Without POLICY:\n"
    "the policy of the config. georder-policy(5) has the format.\n"
    "\n"
    "  --tests FILE   the cases; without it those beside the policy: of policy.json,\n"
    "                 policy.tests.json\n"
    "  --coverage     a rule that decided no case is a failure\n"
    "  --junit FILE   write a report for a CI system too\n"
    "  --verbose      name the cases that passed, too\n"
    "  --config FILE  --json  --quiet  --help\n"
    "\n"
    "exit: 0 all passed, 1 a case failed or there is none, 11 policy or cases invalid or unsafe\n";

enum { TESTS = OWN_OPTION, COVERAGE, JUNIT };
#define OPTION(call, option) ((call)->value[(option)-OWN_OPTION])

static const struct option own[] = {{"tests", required_argument, NULL, TESTS},
                                    {"coverage", no_argument, NULL, COVERAGE},
                                    {"junit", required_argument, NULL, JUNIT},
                                    {NULL, 0, NULL, 0}};

/* One run of all cases. */
struct run {
    struct verb_call *call;
    struct output *output;
    struct buf path, text; /* of the cases */
    struct cases *cases;
    struct junit junit;
    int junit_fd;
    bool *decided; /* by rule */
    size_t failed, uncovered;
    cJSON *list; /* for the document */
};

static void run_free(struct run *run)
{
    cases_free(&run->cases);
    buf_free(&run->path);
    buf_free(&run->text);
    junit_free(&run->junit);
    fd_close(&run->junit_fd);
    free(run->decided);
    cJSON_Delete(run->list);
}

/* policy.json: policy.tests.json */
static void tests_path(struct run *run)
{
    static const char ending[] = ".json";

    if (OPTION(run->call, TESTS) != NULL) {
        buf_puts(&run->path, OPTION(run->call, TESTS));
        return;
    }
    session_policy_path(run->call->session, run->call->word[0], &run->path);
    if (run->path.len > strlen(ending) &&
        strcmp(run->path.data + run->path.len - strlen(ending), ending) == 0)
        run->path.len -= strlen(ending);
    buf_puts(&run->path, ".tests.json");
}

static enum result tests_read(struct run *run, struct err *err)
{
    tests_path(run);
    if (access(buf_text(&run->path), F_OK) != 0 && errno == ENOENT)
        return err_set(err, RESULT_FAILED,
                       "\"%s\" does not exist: no cases found; write some, or name another file by "
                       "--tests",
                       buf_text(&run->path));
    return guard_read(buf_text(&run->path), GUARD_PUBLIC, RESULT_CONFIG, &run->text, err);
}

static enum result junit_open(struct run *run, struct err *err)
{
    const char *path = OPTION(run->call, JUNIT);

    if (path == NULL)
        return RESULT_OK;
    run->junit_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (run->junit_fd < 0)
        return err_errno(err, RESULT_USAGE, "--junit %s", path);
    return RESULT_OK;
}

/* All files are opened before the lock, and what is in them is read behind it. */
static enum result prepare(struct run *run, struct err *err)
{
    struct session *session = run->call->session;

    if (policy_verb_open(session, run->call->word[0], err) != RESULT_OK ||
        tests_read(run, err) != RESULT_OK || junit_open(run, err) != RESULT_OK ||
        policy_verb_lock(session, err) != RESULT_OK)
        return err->result;
    output_add_text(&session->output, "tests", buf_text(&run->path));
    if (cases_load(buf_text(&run->path), buf_text(&run->text), run->text.len, &run->cases, err) !=
        RESULT_OK)
        return err->result;
    run->decided = calloc(session->facts.rules, sizeof *run->decided);
    if (run->decided == NULL)
        return err_set(err, RESULT_INTERNAL, "out of memory");
    return RESULT_OK;
}

/* For people, whole: shown() cuts. */
static void tell_line(const struct run *run, const char *what, const struct buf *text)
{
    AUTO_BUF safe = BUF_INIT(4 * 1024 * KIB);

    text_escape(&safe, buf_text(text), text->len);
    say(run->output, "      %s %s\n", what, buf_text(&safe));
}

static void case_tell(struct run *run, const struct case_result *result)
{
    AUTO_BUF details = BUF_INIT(2 * 1024 * KIB);
    cJSON *entry = cJSON_CreateObject();

    buf_printf(&details, "expected %s | came %s", buf_text(&result->expected),
               buf_text(&result->actual));
    junit_case(&run->junit, run->call->session->facts.name, result->name,
               result->passed ? NULL : "another decision, or for another reason",
               buf_text(&details));
    cJSON_AddStringToObject(entry, "name", result->name);
    cJSON_AddBoolToObject(entry, "passed", result->passed);
    cJSON_AddStringToObject(entry, "expected", buf_text(&result->expected));
    cJSON_AddStringToObject(entry, "actual", buf_text(&result->actual));
    cJSON_AddItemToArray(run->list, entry);
    if (!result->passed || run->call->session->options.verbose)
        say(run->output, "%s  %s\n", result->passed ? "pass" : "FAIL", shown(result->name));
    if (result->passed)
        return;
    tell_line(run, "expected", &result->expected);
    tell_line(run, "came    ", &result->actual);
}

static enum result cases_run(struct run *run, struct err *err)
{
    run->list = cJSON_CreateArray();
    for (size_t i = 0; i < cases_count(run->cases); i++) {
        __attribute__((cleanup(case_result_free))) struct case_result result = {0};

        if (case_judge(run->cases, i, run->call->session->policy, run->decided, &result, err) !=
            RESULT_OK)
            return err->result;
        run->failed += !result.passed;
        case_tell(run, &result);
    }
    junit_suite(&run->junit, "cases");
    output_add(run->output, "cases", run->list);
    run->list = NULL;
    return RESULT_OK;
}

static void coverage_run(struct run *run)
{
    const struct session *session = run->call->session;
    bool asked = OPTION(run->call, COVERAGE) != NULL;
    cJSON *uncovered = cJSON_CreateArray();

    for (size_t i = 0; i < session->facts.rules; i++) {
        const char *id = policy_rule_id(session->policy, i);
        bool decided = run->decided != NULL && run->decided[i];

        if (asked)
            junit_case(&run->junit, session->facts.name, id,
                       decided ? NULL : "the rule decided no case",
                       "write a case that it permits or forbids");
        if (decided)
            continue;
        run->uncovered++;
        cJSON_AddItemToArray(uncovered, cJSON_CreateString(id));
        say(run->output, "uncovered  rule %s decided no case\n", id);
    }
    if (asked)
        junit_suite(&run->junit, "coverage");
    output_add(run->output, "uncovered", uncovered);
}

static enum result verdict(const struct run *run, struct err *err)
{
    size_t count = cases_count(run->cases);
    bool uncovered = run->uncovered > 0 && OPTION(run->call, COVERAGE) != NULL;

    say(run->output, "cases: %zu, failed: %zu; rules: %zu, decided no case: %zu\n", count,
        run->failed, run->call->session->facts.rules, run->uncovered);
    if (run->failed == 0 && !uncovered)
        return RESULT_OK;
    if (!uncovered)
        return err_set(err, RESULT_FAILED, "%zu of %zu cases failed", run->failed, count);
    return err_set(err, RESULT_FAILED, "%zu of %zu cases failed; %zu of %zu rules decided no case",
                   run->failed, count, run->uncovered, run->call->session->facts.rules);
}

static enum result test(struct verb_call *call, struct err *err)
{
    __attribute__((cleanup(run_free))) struct run run = {.call = call,
                                                         .output = &call->session->output,
                                                         .path = BUF_INIT(2 * PATH_MAX),
                                                         .text = BUF_INIT(CASES_TEXT_MAX),
                                                         .junit = JUNIT_INIT,
                                                         .junit_fd = -1};

    if (prepare(&run, err) != RESULT_OK || cases_run(&run, err) != RESULT_OK)
        return err->result;
    coverage_run(&run);
    if (run.junit_fd >= 0 && junit_write(&run.junit, call->session->facts.name, run.junit_fd,
                                         OPTION(call, JUNIT), err) != RESULT_OK)
        return err->result;
    return verdict(&run, err);
}

const struct verb policy_test_verb = {"test", help, own, 1, test};
