#include "helper_scene.h"

#include "helper_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void make_nothing(struct test_log *log)
{
    test_log_place(log);
}

static void make_plain(struct test_log *log)
{
    test_log_make(log);
    test_append(log, "order.intent", SCENE_ORDER);
}

/* A process was killed within its write. */
static void make_torn(struct test_log *log)
{
    make_plain(log);
    AUTO_FD fd = openat(log->fd, FIRST_SEGMENT, O_WRONLY | O_APPEND | O_CLOEXEC);

    cr_assert_eq(write(fd, "{\"payload\":\"eyJ", 15), 15);
}

/* A process was killed between its record and its checkpoint. */
static void make_unanchored(struct test_log *log)
{
    AUTO_BUF note = BUF_INIT(NOTE_MAX);

    test_log_make(log);
    test_read(log, "checkpoint", &note);
    test_append(log, "order.intent", SCENE_ORDER);
    test_write(log, "checkpoint", note.data, note.len);
}

static void make_first_unanchored(struct test_log *log)
{
    test_log_make(log);
    cr_assert_eq(unlinkat(log->fd, "checkpoint", 0), 0);
}

static void make_full_tile(struct test_log *log)
{
    test_log_make(log);
    disk.lazy = true;
    while (log->audit->tree.size < TILE_WIDTH - 1)
        test_append(log, "order.denied", "");
    disk.lazy = false;
}

const struct scene scenes[] = {
    {.name = "a new log", .make = make_nothing, .creates = true},
    {.name = "a plain append", .make = make_plain},
    {.name = "a body in a file", .make = make_plain, .body_len = 100000},
    {.name = "a torn tail", .make = make_torn},
    {.name = "an unanchored tail", .make = make_unanchored},
    {.name = "the first record without a checkpoint", .make = make_first_unanchored},
    {.name = "a new segment", .make = make_plain, .segment_max = 1},
    {.name = "a new segment behind an unanchored tail", .make = make_unanchored, .segment_max = 1},
    {.name = "a tile that becomes full", .make = make_full_tile, .large = true},
    {.name = "a group", .make = make_plain, .group = 3},
    {.name = "a group behind a torn tail", .make = make_torn, .group = 3},
    {.name = "a group behind an unanchored tail", .make = make_unanchored, .group = 3},
    {.name = "a group with bodies in files", .make = make_plain, .group = 2, .body_len = 100000},
    {.name = "a group in a new segment", .make = make_plain, .group = 3, .segment_max = 1},
    {.name = "a group that fills a tile", .make = make_full_tile, .group = 3, .large = true},
};
const size_t scene_count = sizeof scenes / sizeof *scenes;

void scene_make(const struct scene *scene, struct test_log *log)
{
    scene->make(log);
    audit_close(&log->audit);
}

static char copy_to[128];
static size_t copy_skip;

static int copy_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    char target[256];
    AUTO_BUF text = BUF_INIT(4 * 1024 * 1024);
    struct err err = {0};
    AUTO_FD from = -1, to = -1;

    (void)walk;
    (void)snprintf(target, sizeof target, "%s%s", copy_to, path + copy_skip);
    if (type == FTW_D)
        return path[copy_skip] == '\0' ? 0 : mkdir(target, status->st_mode);
    from = open(path, O_RDONLY | O_CLOEXEC);
    to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, status->st_mode);
    return file_read(from, path, &text, &err) != RESULT_OK ||
           file_write(to, target, buf_text(&text), text.len, &err) != RESULT_OK;
}

void scene_place_like(const struct test_log *from, struct test_log *to)
{
    *to = *from;
    /* Thousands of them: in memory where that can be had. */
    (void)snprintf(to->path, sizeof to->path, "%s/georder-audit-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    cr_assert_not_null(mkdtemp(to->path));
    to->fd = open(to->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    to->audit = NULL;
    to->err = (struct err){0};
}

void scene_copy(const struct test_log *from, struct test_log *to)
{
    scene_place_like(from, to);
    (void)snprintf(copy_to, sizeof copy_to, "%s", to->path);
    copy_skip = strlen(from->path);
    cr_assert_eq(nftw(from->path, copy_one, 16, FTW_PHYS), 0);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void scene_copy_free(struct test_log *log)
{
    audit_close(&log->audit);
    fd_close(&log->fd);
    (void)nftw(log->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

unsigned scene_records(const struct scene *scene)
{
    return scene->group > 0 ? scene->group : 1;
}

static enum result append_all(struct test_log *log, const struct audit_entry *entry, unsigned group)
{
    struct audit_entry entries[AUDIT_GROUP_MAX];

    if (group == 0)
        return audit_append(log->audit, entry->event, entry->body, entry->body_len, NULL,
                            &log->err);
    for (unsigned i = 0; i < group; i++)
        entries[i] = *entry;
    return audit_append_group(log->audit, entries, group, NULL, &log->err);
}

static enum result open_and_append(const struct scene *scene, struct test_log *log,
                                   const char *event, size_t body_len, unsigned group)
{
    struct audit_event one = test_event(event, SCENE_ORDER);
    static char body[100000];
    struct audit_entry entry = {&one, body_len > 0 ? body : NULL, body_len};
    enum result result;

    memset(body, 'x', sizeof body);
    result = audit_open(log->fd, TEST_ORIGIN, &log->signer, &log->audit, &log->err);
    if (result != RESULT_OK)
        return result;
    if (scene->segment_max > 0)
        log->audit->segment_max = scene->segment_max;
    return append_all(log, &entry, group);
}

enum result scene_act(const struct scene *scene, struct test_log *log)
{
    if (scene->creates)
        return audit_create(log->fd, TEST_ORIGIN, &log->signer, &log->err);
    return open_and_append(scene, log, "order.unknown", scene->body_len, scene->group);
}

/* Who could not make a log tries again, unless it is there. */
enum result scene_recover(const struct scene *scene, struct test_log *log, const char *event)
{
    if (scene->creates && audit_create(log->fd, TEST_ORIGIN, &log->signer, &log->err) != RESULT_OK)
        cr_assert_not_null(strstr(log->err.text, "a log is already in the audit directory"), "%s",
                           log->err.text);
    return open_and_append(scene, log, event, 0, 0);
}

struct count {
    const char *event;
    unsigned count;
};

static bool count_one(void *context, uint64_t index, const char *line, size_t len,
                      const cJSON *payload)
{
    struct count *count = context;
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(payload, "metadata");
    const char *event =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, "event_code"));

    (void)index;
    (void)line;
    (void)len;
    count->count += strcmp(event, count->event) == 0;
    return true;
}

unsigned scene_events(struct test_log *log, const char *event)
{
    const char *const events[] = {event, NULL};
    struct count count = {event, 0};
    struct audit *audit = NULL;

    cr_assert_eq(audit_open(log->fd, TEST_ORIGIN, NULL, &audit, &log->err), RESULT_OK, "%s",
                 log->err.text);
    cr_assert_eq(audit_each_of(audit, events, count_one, &count, &log->err), RESULT_OK, "%s",
                 log->err.text);
    audit_close(&audit);
    return count.count;
}

bool scene_has_torn_files(struct test_log *log)
{
    int fd = openat(log->fd, "records", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fdopendir(fd);
    bool found = false;

    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;)
        found = found || strncmp(entry->d_name, "torn-", 5) == 0;
    (void)closedir(directory);
    return found;
}

static bool verdict_is_a_crashs(enum audit_verdict verdict)
{
    return verdict == AUDIT_INTACT || verdict == AUDIT_REPAIRED ||
           verdict == AUDIT_UNANCHORED_TAIL || verdict == AUDIT_TORN_TAIL;
}

/* A log that was not made yet has no verdict, or that of one without a record. */
void scene_expect_verdict(const struct scene *scene, struct test_log *log, const char *where,
                          bool done)
{
    struct audit_report report;

    if (scene->creates && !test_exists(log, FIRST_SEGMENT))
        return;
    cr_assert_eq(audit_verify(log->fd, TEST_ORIGIN, log->key.kid, &report, &log->err), RESULT_OK,
                 "%s: %s", where, log->err.text);
    if (scene->creates && report.records == 0 && report.verdict == AUDIT_MALFORMED)
        cr_assert_str_eq(report.text, "there is no record, not even that of its creation");
    else
        cr_assert(done ? audit_verdict_good(report.verdict) : verdict_is_a_crashs(report.verdict),
                  "%s: %s: %s", where, audit_verdict_name(report.verdict), report.text);
}

bool scene_ended(pid_t child)
{
    int status;

    cr_assert_eq(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return false;
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == SCENE_END, "%x", (unsigned)status);
    return true;
}
