/*
 * Lines are checked by all cores, and judged in their order: whoever has finished a piece of the
 * log judges all finished pieces that come next, and so the verdict does not depend on timing.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

#define WORKERS_MAX 64
#define SLOTS_SPARE 14 /* so that all others can go on while one worker is off its core */

struct slot {
    bool done;
    struct chunk chunk;
    struct line_facts facts[CHUNK_LINES];
};

struct verify {
    pthread_mutex_t mutex; /* guards all below but slots that are being worked on */
    pthread_cond_t changed;
    struct slot *slots;
    size_t count, head, tail; /* slots head..tail-1 (modulo count) are in use */
    struct reader reader;
    struct judge *judge;
    const struct audit_verification *how;
    bool over;
    struct err err; /* of the first worker that failed */
};

struct worker {
    struct verify *verify;
    struct checker checker;
    pthread_t thread;
};

/* Of the chain, only the link to the next record counts, which is checked: the root has the rest.
 */
static void line_hash(struct checker *checker, const char *line, size_t len, bool last,
                      struct line_facts *out)
{
    out->status = LINE_GOOD;
    out->key = NULL;
    tree_leaf(&checker->sha256, line, len, out->leaf);
    if (last)
        sha256(line, len, out->hash);
}

/* Behind a fault nothing is judged any more. */
static void slot_check(struct checker *checker, uint64_t hashed, struct slot *slot)
{
    for (size_t i = 0; i < slot->chunk.lines; i++) {
        size_t len;
        const char *line = chunk_line(&slot->chunk, i, &len);

        if (slot->chunk.index + i < hashed)
            line_hash(checker, line, len, slot->chunk.index + i + 1 == hashed, &slot->facts[i]);
        else
            checker_line(checker, line, len, &slot->facts[i]);
        if (slot->facts[i].status != LINE_GOOD)
            return;
    }
}

/* NULL when there is nothing more to do. Holds the mutex. */
static struct slot *slot_take(struct verify *verify)
{
    struct slot *slot;

    while (!verify->over && verify->tail - verify->head == verify->count)
        (void)pthread_cond_wait(&verify->changed, &verify->mutex);
    if (verify->over)
        return NULL;
    slot = &verify->slots[verify->tail % verify->count];
    slot->done = false;
    if (reader_next(&verify->reader, &slot->chunk, &verify->err) == RESULT_OK &&
        slot->chunk.lines > 0) {
        verify->tail++;
        return slot;
    }
    verify->over = true;
    (void)pthread_cond_broadcast(&verify->changed);
    return NULL;
}

/* Holds the mutex. */
static void slots_judge(struct verify *verify)
{
    for (; verify->head != verify->tail; verify->head++) {
        const struct slot *slot = &verify->slots[verify->head % verify->count];

        if (!slot->done)
            break;
        for (size_t i = 0; i < slot->chunk.lines; i++)
            judge_line(verify->judge, &slot->facts[i], i == 0 && slot->chunk.misnamed);
    }
    verify->over = verify->over || verify->judge->decided;
    (void)pthread_cond_broadcast(&verify->changed);
    if (verify->how->progress != NULL)
        verify->how->progress(verify->how->context, verify->judge->tree.size,
                              verify->judge->checkpoint.size);
}

static void *worker_run(void *argument)
{
    struct worker *worker = argument;
    struct verify *verify = worker->verify;
    struct slot *slot;

    (void)pthread_mutex_lock(&verify->mutex);
    while ((slot = slot_take(verify)) != NULL) {
        (void)pthread_mutex_unlock(&verify->mutex);
        slot_check(&worker->checker, verify->judge->hashed, slot);
        (void)pthread_mutex_lock(&verify->mutex);
        slot->done = true;
        slots_judge(verify);
    }
    (void)pthread_mutex_unlock(&verify->mutex);
    return NULL;
}

/* This thread is the first worker; where no others can be had, it does all the work. */
static void workers_run(struct worker *workers, size_t count)
{
    size_t started = 1;

    while (started < count &&
           pthread_create(&workers[started].thread, NULL, worker_run, &workers[started]) == 0)
        started++;
    (void)worker_run(&workers[0]);
    for (size_t i = 1; i < started; i++)
        (void)pthread_join(workers[i].thread, NULL);
}

/* As many as there are cores, and not more than there are pieces. */
static size_t workers_wanted(const struct snapshot *snapshot)
{
    cpu_set_t cpus;
    int cores = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    size_t most = cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (size_t)cores;
    uint64_t pieces = snapshot->last_size / CHUNK_BYTES + 1;

    return snapshot->count > 1 || pieces > most ? most : (size_t)pieces;
}

static enum result workers_open(struct worker *workers, size_t count, struct verify *verify,
                                int dirfd, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        workers[i].verify = verify;
        if (checker_open(&workers[i].checker, dirfd, verify->judge->origin, verify->judge->ring,
                         err) != RESULT_OK)
            return err->result;
    }
    return RESULT_OK;
}

static enum result lines_check(int dirfd, struct verify *verify, struct err *err)
{
    size_t count = workers_wanted(verify->judge->snapshot);
    struct worker *workers = calloc(count, sizeof *workers);
    enum result result;

    verify->count = count > 1 ? 2 * count + SLOTS_SPARE : 1;
    verify->slots = calloc(verify->count, sizeof *verify->slots);
    if (workers == NULL || verify->slots == NULL)
        result = err_set(err, RESULT_INTERNAL, "audit log: out of memory");
    else
        result = workers_open(workers, count, verify, dirfd, err);
    if (result == RESULT_OK) {
        workers_run(workers, count);
        result = verify->err.result;
        if (result != RESULT_OK)
            *err = verify->err;
    }
    for (size_t i = 0; workers != NULL && i < count; i++)
        checker_close(&workers[i].checker);
    free(workers);
    free(verify->slots);
    return result;
}

static enum result judge_run(int dirfd, const struct audit_verification *how, struct judge *judge,
                             struct err *err)
{
    struct verify verify = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER,
                            .judge = judge,
                            .how = how};
    enum result result;

    reader_open(&verify.reader, judge->snapshot, 0);
    result = lines_check(dirfd, &verify, err);
    if (result == RESULT_OK)
        result = judge_conclude(judge, verify.reader.end, verify.reader.rest, err);
    reader_close(&verify.reader);
    return result;
}

/* What every judge of this log begins with. */
struct subject {
    int dirfd;
    const struct audit_verification *how;
    struct snapshot snapshot;
    struct keyring ring;
    struct checkpoint from;
    struct succession keys; /* with from; none: only records from the first one on can tell */
};

/* *met: the log has grown out of the kept checkpoint, if there is one. */
static enum result subject_judge(const struct subject *subject, uint64_t hashed,
                                 struct audit_report *report, bool *met, struct err *err)
{
    struct judge *judge = calloc(1, sizeof *judge);
    enum result result;

    *report = (struct audit_report){0};
    if (judge == NULL)
        return err_set(err, RESULT_INTERNAL, "audit log: out of memory");
    *judge = (struct judge){.origin = subject->how->origin,
                            .kid = subject->how->kid,
                            .snapshot = &subject->snapshot,
                            .ring = &subject->ring,
                            .from = subject->from,
                            .hashed = hashed,
                            .report = report};
    if (hashed > 0) {
        judge->keys = subject->keys;
        succession_cut(&judge->keys, hashed);
    }
    result = judge_open(judge, err);
    if (result == RESULT_OK)
        result = judge_run(subject->dirfd, subject->how, judge, err);
    *met = judge->from_fits || subject->from.size == 0;
    judge_close(judge);
    free(judge);
    return result;
}

static void from_refuse(struct audit_report *report, enum audit_verdict verdict, const char *why)
{
    struct audit_finding finding = {.code = verdict};

    (void)snprintf(finding.text, sizeof finding.text,
                   "the checkpoint that was kept %s: the log was not looked at", why);
    *report = (struct audit_report){.verdict = verdict};
    memcpy(report->text, finding.text, sizeof finding.text);
    finding_put(report, &finding);
}

/* Where the rotations of a log are at fault, its verdict tells. */
static bool from_is_trusted(struct subject *subject)
{
    const struct audit_verification *how = subject->how;
    struct err ignored = {0};
    char why[512];

    if (succession_load(&subject->snapshot, how->origin, &subject->ring, &subject->keys,
                        &ignored) != RESULT_OK) {
        subject->keys.count = 0;
        return true;
    }
    return succession_signed(&subject->keys, &subject->from, how->kid, why);
}

/* Is the kept checkpoint one to judge the log by? */
static bool from_take(struct subject *subject, struct audit_report *report)
{
    const struct audit_verification *how = subject->how;
    enum note_status status;

    if (how->from == NULL)
        return true;
    status = note_read(how->from, how->from_len, how->origin, &subject->ring, &subject->from);
    if (status != NOTE_GOOD)
        from_refuse(report, note_verdict(status), note_status_text(status));
    else if (!from_is_trusted(subject))
        from_refuse(report, AUDIT_UNKNOWN_KEY, "is signed by another key than the one to trust");
    else if (subject->from.size == 0)
        from_refuse(report, AUDIT_MALFORMED, "is of no record, and no log has such a one");
    else
        return true;
    return false;
}

static enum result subject_open(struct subject *subject, struct err *err)
{
    if (origin_check(subject->how->origin, err) != RESULT_OK ||
        snapshot_locked(subject->dirfd, &subject->snapshot, err) != RESULT_OK)
        return err->result;
    return keyring_load(subject->dirfd, &subject->ring, err);
}

enum result audit_verify_with(int dirfd, const struct audit_verification *how,
                              struct audit_report *report, struct err *err)
{
    struct subject subject = {.dirfd = dirfd, .how = how, .snapshot = {.records = -1}};
    enum result result = subject_open(&subject, err);
    bool met = false;

    *report = (struct audit_report){0};
    if (result == RESULT_OK && from_take(&subject, report)) {
        result = subject_judge(&subject, subject.keys.count > 0 ? subject.from.size : 0, report,
                               &met, err);
        if (result == RESULT_OK && !met)
            result = subject_judge(&subject, 0, report, &met, err);
    }
    keyring_free(&subject.ring);
    snapshot_free(&subject.snapshot);
    return result;
}

enum result audit_verify(int dirfd, const char *origin, const char *kid,
                         struct audit_report *report, struct err *err)
{
    return audit_verify_with(dirfd, &(struct audit_verification){.origin = origin, .kid = kid},
                             report, err);
}

static const char *const verdicts[] = {
    [AUDIT_INTACT] = "intact",
    [AUDIT_REPAIRED] = "repaired",
    [AUDIT_UNANCHORED_TAIL] = "unanchored_tail",
    [AUDIT_TORN_TAIL] = "torn_tail",
    [AUDIT_DUPLICATE] = "duplicate",
    [AUDIT_GAP] = "gap",
    [AUDIT_ALTERED] = "altered",
    [AUDIT_FORKED] = "forked",
    [AUDIT_ROLLED_BACK] = "rolled_back",
    [AUDIT_UNKNOWN_KEY] = "unknown_key",
    [AUDIT_MALFORMED] = "malformed",
    [AUDIT_UNCLOSED_INTENT] = "unclosed_intent",
    [AUDIT_CLOCK_SET_BACK] = "clock_set_back",
};

const char *audit_verdict_name(enum audit_verdict verdict)
{
    return verdicts[verdict];
}

/* A tail that is torn or not anchored may be a crash's, or what a cut left: someone should look. */
bool audit_verdict_good(enum audit_verdict verdict)
{
    return verdict == AUDIT_INTACT || verdict == AUDIT_REPAIRED;
}
