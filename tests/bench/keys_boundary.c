/*
 * keys_boundary start|rate NAME URI MODULES [NAME=VALUE]... -- KEYS_RAW 0 ARGUMENT...
 *     georder-keys, started and asked as georder does, against keys_raw with the same key, in
 * turns. start: from fork to the first signature. rate: signatures a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guard.h"
#include "ipc.h"

#define ORIGIN    "bench.example.com/georder"
#define TURNS     25
#define START_MAX 1.3
#define ROUNDS    9
#define COUNT     2000
#define COUNT_RAW "2000"
#define RATE_MIN  0.8
#define PATIENCE  30000 /* ms */

struct setting {
    const char *name, *uri, *modules;
    char **environment, **raw;
};

struct keys {
    struct ipc ipc;
    pid_t pid;
    uint64_t sequence;
};

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static _Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "keys_boundary: %s: %s\n", what, why);
    exit(2);
}

static int double_compare(const void *left, const void *right)
{
    const double *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, double_compare);
    return values[count / 2];
}

/* --- by raw Cryptoki */

static pid_t raw_spawn(const struct setting *setting, int out)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (dup2(out, STDOUT_FILENO) >= 0)
            (void)execve(setting->raw[0], setting->raw, setting->environment);
        _exit(127);
    }
    if (pid < 0)
        fail("fork", "no new process");
    return pid;
}

/* Seconds until the first signature; *rest, if it is wanted, are those that the others took. */
static double raw_run(const struct setting *setting, double *rest)
{
    char line[64] = "";
    int fds[2], status = -1;
    double start = seconds(), first;
    FILE *in;
    pid_t pid;

    if (pipe(fds) != 0 || (in = fdopen(fds[0], "r")) == NULL)
        fail("pipe", "none");
    pid = raw_spawn(setting, fds[1]);
    (void)close(fds[1]);
    if (fgets(line, sizeof line, in) == NULL || strcmp(line, "first\n") != 0)
        fail(setting->raw[0], "no signature");
    first = seconds() - start;
    if (fgets(line, sizeof line, in) == NULL)
        fail(setting->raw[0], "no time");
    if (rest != NULL)
        *rest = strtod(line, NULL);
    (void)fclose(in);
    if (waitpid(pid, &status, 0) != pid || status != 0)
        fail(setting->raw[0], "did not end well");
    return first;
}

/* --- by georder-keys */

static void keys_send(struct keys *keys, enum msg_type type, const struct buf *body)
{
    struct err err;

    if (ipc_send(&keys->ipc, type, body, -1, &err) != RESULT_OK)
        fail(msg_name(type), err.text);
}

static void keys_answer(struct keys *keys, enum msg_type wanted)
{
    AUTO_MSG msg = MSG_INIT;
    struct err err = {0};

    if (ipc_receive(&keys->ipc, &msg, clock_monotonic() + PATIENCE, NULL, &err) != RESULT_OK)
        fail(msg_name(wanted), err.text);
    if (msg.type == wanted)
        return;
    (void)get_failure(&msg, &err);
    fail(msg_name(wanted), err.text);
}

static void open_send(struct keys *keys, const struct setting *setting)
{
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);
    char directory[4096];
    uint32_t count = 0;

    put_text(&body, getcwd(directory, sizeof directory));
    put_text(&body, ""); /* credentials */
    put_text(&body, ORIGIN);
    put_text(&body, setting->uri);
    for (int i = 0; i < 5; i++) /* algorithm, credential, recipient, next, head */
        put_text(&body, "");
    put_u32(&body, 0);
    put_u32(&body, PATIENCE / 1000);
    put_text(&body, setting->modules);
    while (setting->environment[count] != NULL)
        count++;
    put_u32(&body, count);
    for (uint32_t i = 0; i < count; i++) {
        const char *variable = setting->environment[i], *equals = strchr(variable, '=');

        put_bytes(&body, variable, (size_t)(equals - variable));
        put_text(&body, equals + 1);
    }
    keys_send(keys, MSG_KEYS_OPEN, &body);
}

/* A record as large as one of an order. Every other sequence number, as if another process had
 * appended in between: so the next can be sent before this one's line has come. */
static void sign_send(struct keys *keys)
{
    AUTO_BUF payload = BUF_INIT(4096), body = BUF_INIT(MSG_LIMIT);

    buf_printf(&payload,
               "{\"class_uid\":6003,\"time\":1795458000123,\"metadata\":{\"sequence\":%llu,\"uid\":"
               "\"0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\"},\"unmapped\":{\"georder\":{\"event\":"
               "\"order.intent\",\"previous\":\"%064d\",\"origin\":\"" ORIGIN "\",\"detail\":"
               "{\"order\":\"%01200d\"}}}}",
               (unsigned long long)keys->sequence, 0, 0);
    keys->sequence += 2;
    put_bytes(&body, payload.data, payload.len);
    keys_send(keys, MSG_KEYS_SIGN, &body);
}

static void checkpoint_send(struct keys *keys)
{
    static const uint8_t root[SHA256_LEN];
    AUTO_BUF body = BUF_INIT(128);

    put_u64(&body, keys->sequence);
    put_bytes(&body, root, sizeof root);
    keys_send(keys, MSG_KEYS_CHECKPOINT, &body);
}

static void keys_start(struct keys *keys, const struct setting *setting)
{
    struct err err;
    int fds[2];

    *keys = (struct keys){.ipc = {.self = ROLE_MAIN, .peer = ROLE_KEYS}};
    if (ipc_pair(fds, &err) != RESULT_OK ||
        guard_spawn("georder-keys", fds[1], &keys->pid, &err) != RESULT_OK)
        fail("georder-keys", err.text);
    (void)close(fds[1]);
    keys->ipc.fd = fds[0];
    open_send(keys, setting);
    keys_answer(keys, MSG_KEYS_READY);
    sign_send(keys);
    keys_answer(keys, MSG_KEYS_LINE);
}

static void keys_end(struct keys *keys)
{
    int status = -1;

    (void)close(keys->ipc.fd);
    if (waitpid(keys->pid, &status, 0) != keys->pid || status != 0)
        fail("georder-keys", "did not end well");
}

/* Records and checkpoints in turn, as a log asks for them; `ahead` more are on their way. */
static double keys_seconds(struct keys *keys, unsigned ahead)
{
    double start = seconds();

    for (unsigned i = 0; i < COUNT + ahead; i++) {
        if (i < COUNT && i % 2 == 0)
            sign_send(keys);
        else if (i < COUNT)
            checkpoint_send(keys);
        if (i >= ahead)
            keys_answer(keys, (i - ahead) % 2 == 0 ? MSG_KEYS_LINE : MSG_KEYS_NOTE);
    }
    return seconds() - start;
}

/* --- what is printed */

static int bench_start(const struct setting *setting)
{
    double raw[TURNS], ours[TURNS], ratio, one, other;
    struct keys keys;

    (void)raw_run(setting, NULL);
    for (size_t i = 0; i < TURNS; i++) {
        double start;

        raw[i] = raw_run(setting, NULL);
        start = seconds();
        keys_start(&keys, setting);
        ours[i] = seconds() - start;
        keys_end(&keys);
    }
    one = 1000 * median(raw, TURNS);
    other = 1000 * median(ours, TURNS);
    ratio = other / one;
    printf("cold start, %-12s %8.1f ms   raw %6.1f ms   ratio %.2f   limit %.2f   %s\n",
           setting->name, other, one, ratio, START_MAX, ratio <= START_MAX ? "ok" : "MISSED");
    return ratio <= START_MAX ? 0 : 1;
}

static int bench_rate(const struct setting *setting)
{
    double raw[ROUNDS], single[ROUNDS], pair[ROUNDS], times[3] = {0};
    struct keys keys;

    setting->raw[1] = (char[]){COUNT_RAW};
    keys_start(&keys, setting);
    for (size_t i = 0; i < ROUNDS; i++) {
        (void)raw_run(setting, &times[0]);
        times[1] = keys_seconds(&keys, 0);
        times[2] = keys_seconds(&keys, 1);
        raw[i] = COUNT / times[0];
        single[i] = times[0] / times[1];
        pair[i] = times[0] / times[2];
    }
    keys_end(&keys);
    times[0] = median(raw, ROUNDS);
    times[1] = median(single, ROUNDS);
    times[2] = median(pair, ROUNDS);
    printf("signatures, one at a time  %6.0f /s   raw %6.0f /s   ratio %.2f   no limit\n",
           times[0] * times[1], times[0], times[1]);
    printf("signatures, two in flight  %6.0f /s   raw %6.0f /s   ratio %.2f   limit %.2f   %s\n",
           times[0] * times[2], times[0], times[2], RATE_MIN,
           times[2] >= RATE_MIN ? "ok" : "MISSED");
    return times[2] >= RATE_MIN ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct setting setting = {0};
    int at = 5;

    while (at < argc && strcmp(argv[at], "--") != 0)
        at++;
    if (argc < 5 || argc - at < 3)
        fail("usage", "start|rate NAME URI MODULES [NAME=VALUE]... -- KEYS_RAW 0 ARGUMENT...");
    setting = (struct setting){.name = argv[2],
                               .uri = argv[3],
                               .modules = argv[4],
                               .environment = argv + 5,
                               .raw = argv + at + 1};
    argv[at] = NULL;
    return strcmp(argv[1], "rate") == 0 ? bench_rate(&setting) : bench_start(&setting);
}
