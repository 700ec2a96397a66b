/*
 * A log of a million records against one of ten thousand: memory must not grow, a receipt only by
 * the logarithm. And what the hashes and the export take a record, on one core.
 *     bench_log [RECORDS]
 *     bench_log make DIRECTORY RECORDS      leaves such a log there, and prints its key
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit_log.h"
#include "record.h"
#include "segment.h"
#include "tree.h"

#define RECORDS       1000000
#define FEW           10000
#define ROUNDS        5
#define HASHES_MIN    600000.0 /* records a second and core */
#define HASH_PART_MIN 0.5      /* of what SHA-256 makes of the same bytes */
#define EXPORT_MIN    200.0    /* MB a second, jsonl */
#define MEMORY_MAX    1.1      /* times that of FEW */
#define RECEIPT_MAX   2.0      /* times that of FEW: bytes read, and time */
#define RECEIPTS      200

/* A record without index and hash of the one before, which are put in between. */
struct mould {
    struct buf text;
    size_t sequence, previous; /* where a digit, and 64 of them, stand */
};

static void mould_make(struct mould *mould)
{
    static const uint8_t zeros[SHA256_LEN];
    struct record_place place = {.origin = BENCH_ORIGIN, .previous = zeros};
    char id[UUID_LEN + 1];
    struct audit_event event = bench_event(id);
    struct err err = {0};

    event.url = event.peer_address = "";
    event.http_status = 0;
    event.detail = NULL;
    mould->text = (struct buf)BUF_INIT(AUDIT_LINE_MAX);
    if (record_build(&event, &place, NULL, &mould->text, &err) != RESULT_OK)
        bench_fail("record", &err);
    mould->sequence = (size_t)(strstr(mould->text.data, "\"sequence\":0") - mould->text.data) + 11;
    mould->previous = (size_t)(strstr(mould->text.data, "\"previous\":\"") - mould->text.data) + 12;
}

static void payload_put(const struct mould *mould, uint64_t index, const uint8_t last[SHA256_LEN],
                        struct buf *out)
{
    const char *text = mould->text.data;
    size_t behind = mould->previous + SHA256_HEX_LEN;

    out->len = 0;
    buf_put(out, text, mould->sequence);
    buf_printf(out, "%" PRIu64, index);
    buf_put(out, text + mould->sequence + 1, mould->previous - mould->sequence - 1);
    hex_put(out, last, SHA256_LEN);
    buf_put(out, text + behind, mould->text.len - behind);
}

/* What is being written, past the append: that one flushes, and checks each signature. */
struct making {
    struct bench_log *log;
    struct mould mould;
    struct hasher hasher;
    struct tree tree;
    uint8_t last[SHA256_LEN];
    struct buf payload, line;
    FILE *segment;
    size_t bytes; /* in the segment */
};

static void segment_next(struct making *making)
{
    char path[512], name[NAME_MAX_LEN];

    if (making->segment != NULL)
        (void)fclose(making->segment);
    segment_name(making->tree.size, name);
    (void)snprintf(path, sizeof path, "%s/records/%s", making->log->path, name);
    making->segment = fopen(path, "we");
    making->bytes = 0;
}

static void record_make(struct making *making)
{
    struct audit_signer *signer = &making->log->signer;
    uint8_t leaf[SHA256_LEN];
    struct err err = {0};
    bool flush_failed;

    making->line.len = 0;
    payload_put(&making->mould, making->tree.size, making->last, &making->payload);
    if (signer->sign(signer->context, making->payload.data, making->payload.len, &making->line,
                     &err) != RESULT_OK)
        bench_fail("sign", &err);
    sha256(making->line.data, making->line.len, making->last);
    tree_leaf(&making->hasher, making->line.data, making->line.len, leaf);
    buf_putc(&making->line, '\n');
    if (fwrite(making->line.data, 1, making->line.len, making->segment) != making->line.len)
        abort();
    making->bytes += making->line.len;
    tree_push(&making->tree, &making->hasher, leaf);
    if (making->tree.size % TILE_WIDTH == 0 &&
        tiles_save(making->log->fd, &making->tree, making->tree.size - TILE_WIDTH, &flush_failed,
                   &err) != RESULT_OK)
        bench_fail("tiles", &err);
}

static void end_make(struct making *making)
{
    struct audit_signer *signer = &making->log->signer;
    AUTO_BUF note = BUF_INIT(NOTE_MAX);
    uint8_t root[SHA256_LEN];
    uint64_t whole = making->tree.size / TILE_WIDTH * TILE_WIDTH;
    struct err err = {0};
    bool flush_failed;

    tree_root(&making->tree, &making->hasher, root);
    if (signer->checkpoint(signer->context, making->tree.size, root, &note, &err) != RESULT_OK ||
        tiles_save(making->log->fd, &making->tree, whole, &flush_failed, &err) != RESULT_OK ||
        file_replace(making->log->fd, "checkpoint", note.data, note.len, 0600, &err) != RESULT_OK)
        bench_fail("checkpoint", &err);
}

static void log_make(struct bench_log *log, uint64_t records)
{
    struct making *making = calloc(1, sizeof *making);
    struct audit *audit = NULL;
    struct err err = {0};

    bench_log_make(log, &audit); /* for its key; the record of its creation is written over */
    audit_close(&audit);
    making->log = log;
    making->payload = making->line = (struct buf)BUF_INIT(AUDIT_LINE_MAX);
    mould_make(&making->mould);
    if (hasher_open(&making->hasher, "SHA256", &err) != RESULT_OK)
        bench_fail("hash", &err);
    segment_next(making);
    while (making->tree.size < records) {
        if (making->bytes >= SEGMENT_MAX)
            segment_next(making);
        record_make(making);
    }
    (void)fclose(making->segment);
    end_make(making);
    buf_free(&making->mould.text);
    buf_free(&making->payload);
    buf_free(&making->line);
    hasher_close(&making->hasher);
    free(making);
}

static void verify(struct bench_log *log)
{
    struct audit_report report;
    struct err err = {0};

    if (audit_verify(log->fd, BENCH_ORIGIN, log->kid, &report, &err) != RESULT_OK)
        bench_fail("verify", &err);
    if (report.verdict == AUDIT_INTACT)
        return;
    (void)fprintf(stderr, "benchmark: %s\n", report.text);
    exit(1);
}

static enum result take(void *context, const void *bytes, size_t len, struct err *err)
{
    (void)bytes;
    (void)err;
    *(uint64_t *)context += len;
    return RESULT_OK;
}

static uint64_t export(struct bench_log *log)
{
    struct export_report report;
    struct err err = {0};
    uint64_t bytes = 0;
    struct export_wish wish = {
        .format = EXPORT_JSONL, .until = INT64_MAX, .write = take, .context = &bytes};

    if (audit_export(log->fd, BENCH_ORIGIN, &wish, &report, &err) != RESULT_OK)
        bench_fail("export", &err);
    buf_free(&report.note);
    return bytes;
}

static void export_only(struct bench_log *log)
{
    (void)export(log);
}

static bool look(void *context, uint64_t index, const char *line, size_t len, const cJSON *payload)
{
    (void)line;
    (void)len;
    (void)payload;
    *(uint64_t *)context = index;
    return true;
}

static void list(struct bench_log *log)
{
    struct audit *audit = NULL;
    struct err err = {0};
    uint64_t last;

    if (audit_open(log->fd, BENCH_ORIGIN, NULL, &audit, &err) != RESULT_OK ||
        audit_each(audit, look, &last, &err) != RESULT_OK)
        bench_fail("list", &err);
    audit_close(&audit);
}

/* KiB at the peak of a process that does this. */
static double peak(void (*act)(struct bench_log *), struct bench_log *log)
{
    pid_t child = fork();
    struct rusage usage;
    int status;

    if (child == 0) {
        act(log);
        _exit(0);
    }
    if (wait4(child, &status, 0, &usage) != child || status != 0)
        exit(1);
    return (double)usage.ru_maxrss;
}

static double bytes_read(void)
{
    FILE *file = fopen("/proc/self/io", "re");
    uint64_t bytes = 0;

    if (file == NULL || fscanf(file, "rchar: %" SCNu64, &bytes) != 1)
        abort();
    (void)fclose(file);
    return (double)bytes;
}

/* A receipt: bytes read, and s. */
static double receipts(struct bench_log *log, uint64_t records, double *bytes)
{
    double times[RECEIPTS];
    struct err err = {0};

    *bytes = bytes_read();
    for (uint64_t i = 0; i < RECEIPTS; i++) {
        AUTO_BUF receipt = BUF_INIT(AUDIT_RECEIPT_MAX);

        times[i] = bench_seconds();
        if (audit_prove(log->fd, BENCH_ORIGIN, log->kid, i * (records - 1) / (RECEIPTS - 1),
                        &receipt, &err) != RESULT_OK)
            bench_fail("receipt", &err);
        times[i] = bench_seconds() - times[i];
    }
    *bytes = (bytes_read() - *bytes) / RECEIPTS;
    return bench_median(times, RECEIPTS);
}

/* What `audit verify --from` does with the records of a checkpoint that was kept: all is read and
 * hashed, and the root compared; the chain is in it. CPU time of all threads, s a record. */
static double hashes_time(struct bench_log *log)
{
    AUTO_BUF note = BUF_INIT(NOTE_MAX);
    AUTO_FD fd = openat(log->fd, "checkpoint", O_RDONLY | O_CLOEXEC);
    struct audit_verification how = {.origin = BENCH_ORIGIN, .kid = log->kid};
    struct audit_report report;
    struct err err = {0};
    double start = bench_cpu();

    if (file_read(fd, "checkpoint", &note, &err) != RESULT_OK)
        bench_fail("checkpoint", &err);
    how.from = buf_text(&note);
    how.from_len = note.len;
    if (audit_verify_with(log->fd, &how, &report, &err) != RESULT_OK)
        bench_fail("verify", &err);
    if (report.verdict != AUDIT_INTACT) {
        (void)fprintf(stderr, "benchmark: %s\n", report.text);
        exit(1);
    }
    return (bench_cpu() - start) / (double)report.records;
}

/* s for the bytes of a record alone. */
static double hash_time(size_t len)
{
    static const char bytes[4096];
    struct hasher hasher;
    struct err err = {0};
    double start;

    if (hasher_open(&hasher, "SHA256", &err) != RESULT_OK)
        bench_fail("hash", &err);
    start = bench_cpu();
    for (int i = 0; i < FEW; i++) {
        uint8_t hash[SHA256_LEN];

        hash_begin(&hasher);
        hash_add(&hasher, bytes, len);
        hash_end(&hasher, hash);
    }
    hasher_close(&hasher);
    return (bench_cpu() - start) / FEW;
}

static bool failed;

static void row(const char *what, const char *unit, double measured, double limit, bool most)
{
    bool missed = most ? measured > limit : measured < limit;

    printf("%-48s %12.*f%-5s %10.*f%s\n", what, measured < 100 ? 2 : 0, measured, unit,
           limit < 100 ? 2 : 0, limit, missed ? "  MISSED" : "");
    failed = failed || missed;
}

static void memory_print(const char *what, void (*act)(struct bench_log *), struct bench_log *few,
                         struct bench_log *many)
{
    double less = peak(act, few), more = peak(act, many);

    printf("%s: %.0f KiB and %.0f KiB at the peak\n", what, less, more);
    row("  times that of ten thousand", "", more / less, MEMORY_MAX, true);
}

static void receipts_print(struct bench_log *few, struct bench_log *many, uint64_t records)
{
    double less, more, less_time = receipts(few, FEW, &less),
                       more_time = receipts(many, records, &more);

    printf("a receipt: %.0f and %.0f bytes read, %.2f and %.2f ms\n", less, more, 1000 * less_time,
           1000 * more_time);
    row("  bytes, times those of ten thousand", "", more / less, RECEIPT_MAX, true);
    row("  time, times that of ten thousand", "", more_time / less_time, RECEIPT_MAX, true);
}

static double export_time(struct bench_log *log, double *bytes)
{
    double start = bench_cpu();

    *bytes = (double)export(log);
    return bench_cpu() - start;
}

static void speed_print(struct bench_log *many, size_t len)
{
    double hashes = 0, hash = 0, time = 0, bytes;

    for (int i = 0; i < ROUNDS; i++) {
        bench_least(&hashes, hashes_time(many));
        bench_least(&hash, hash_time(len));
        bench_least(&time, export_time(many, &bytes));
    }
    row("chain and tree only, records a second and core", "/s", 1 / hashes, HASHES_MIN, false);
    row("  as a part of SHA-256 over the same bytes", "", hash / hashes, HASH_PART_MIN, false);
    row("export of jsonl, one core", " MB/s", bytes / time / 1e6, EXPORT_MIN, false);
}

static size_t line_len(const struct bench_log *log)
{
    char path[512], line[4096];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/records/000000000000.jsonl", log->path);
    file = fopen(path, "re");
    if (file == NULL || fgets(line, sizeof line, file) == NULL)
        exit(1);
    (void)fclose(file);
    return strlen(line);
}

int main(int argc, char **argv)
{
    static struct bench_log few, many;
    size_t len;
    uint64_t records = argc > 1 ? strtoull(argv[argc - 1], NULL, 10) : RECORDS;

    if (argc == 4 && strcmp(argv[1], "make") == 0) {
        bench_log_place(&many, argv[2]);
        log_make(&many, records);
        printf("%s %s\n", many.path, many.kid);
        return 0;
    }
    bench_log_place(&few, "/tmp");
    log_make(&few, FEW);
    bench_log_place(&many, "/tmp");
    log_make(&many, records);
    len = line_len(&many);
    printf("%" PRIu64 " records of %zu bytes each\n", records, len);
    speed_print(&many, len);
    receipts_print(&few, &many, records);
    memory_print("verify", verify, &few, &many);
    memory_print("export", export_only, &few, &many);
    memory_print("list", list, &few, &many);
    bench_log_remove(&few);
    bench_log_remove(&many);
    return failed;
}
