/*
 * Appending: one record at a time, and in groups of 100. Each record and each checkpoint is signed,
 * and its signature checked before anything is written, so that the time goes to P-256 and to the
 * disk: what both take alone is measured in the same run. 20,000/s, the limit for groups, leaves a
 * record 50 us, which is less than one check of P-256 takes: where the machine itself does not sign
 * and check so fast, it is missed. In memory (tmpfs) the disk takes nothing.
 *     bench_append
 *     bench_append flushes GROUP      ten appends of a group, for strace
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit_log.h"

#define ROUNDS          7
#define SINGLES         300
#define GROUPS          5
#define SINGLE_MIN      3500  /* records/s */
#define GROUP_MIN       20000 /* records/s */
#define SINGLE_MAX      2.0   /* times two signatures and their checks */
#define GROUP_TIMES_MAX 1.75  /* times one */
#define DISK_MAX        1.0 /* ms for an append, beyond twice what the disk takes to flush twice */

struct figures {
    double crypto;        /* s to sign and to check once */
    double single, group; /* s for a record, in memory */
    double disk, disk_group,
        flushes; /* s for an append on the disk, and for its two flushes alone */
};

static double crypto_time(const struct bench_log *log)
{
    EVP_PKEY_CTX *sign = EVP_PKEY_CTX_new_from_pkey(NULL, log->pkey, NULL);
    EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(NULL, log->pkey, NULL);
    uint8_t digest[SHA256_LEN] = {1}, signature[80];
    double start = bench_cpu();
    size_t len;

    if (EVP_PKEY_sign_init(sign) != 1 || EVP_PKEY_verify_init(check) != 1)
        abort();
    for (int i = 0; i < SINGLES; i++) {
        len = sizeof signature;
        if (EVP_PKEY_sign(sign, signature, &len, digest, sizeof digest) != 1 ||
            EVP_PKEY_verify(check, signature, len, digest, sizeof digest) != 1)
            abort();
    }
    EVP_PKEY_CTX_free(sign);
    EVP_PKEY_CTX_free(check);
    return (bench_cpu() - start) / SINGLES;
}

static double append_time(double (*now)(void), struct audit *audit, size_t appends, size_t group)
{
    double start = now();

    for (size_t i = 0; i < appends; i++)
        bench_log_append(audit, group);
    return (now() - start) / (double)appends;
}

/* Two writes, each flushed. */
static double flushes_time(int fd)
{
    static const char bytes[2600];
    double start = bench_seconds();

    for (int i = 0; i < 2; i++)
        if (write(fd, bytes, sizeof bytes) != sizeof bytes || fdatasync(fd) != 0)
            abort();
    return bench_seconds() - start;
}

static void memory_measure(const struct bench_log *log, struct audit *audit, struct figures *out)
{
    for (int i = 0; i < ROUNDS; i++) {
        bench_least(&out->crypto, crypto_time(log));
        bench_least(&out->single, append_time(bench_cpu, audit, SINGLES, 1));
        bench_least(&out->group, append_time(bench_cpu, audit, GROUPS, 100) / 100);
    }
}

/* In turns, and the median: a disk has its moments. */
static void disk_measure(const struct bench_log *log, struct audit *audit, struct figures *out)
{
    double flushes[SINGLES], singles[SINGLES], groups[SINGLES / 10];
    int fd = openat(log->fd, "flushed", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    for (size_t i = 0; i < SINGLES; i++) {
        flushes[i] = flushes_time(fd);
        singles[i] = append_time(bench_seconds, audit, 1, 1);
        if (i % 10 == 0)
            groups[i / 10] = append_time(bench_seconds, audit, 1, AUDIT_GROUP_MAX);
    }
    (void)close(fd);
    out->flushes = bench_median(flushes, SINGLES);
    out->disk = bench_median(singles, SINGLES);
    out->disk_group = bench_median(groups, SINGLES / 10);
}

/* In memory, of one core. */
static bool rate_print(const char *what, double rate, double least_rate)
{
    bool ok = rate >= least_rate;

    printf("%-44s %10.0f/s %8.0f/s%s\n", what, rate, least_rate, ok ? "" : "   MISSED");
    return ok;
}

static bool times_print(const char *what, double times, double most)
{
    bool ok = times <= most;

    printf("%-44s %12.2f %10.2f%s\n", what, times, most, ok ? "" : "   MISSED");
    return ok;
}

static bool table_print(const struct figures *at)
{
    double most = 2 * at->flushes + DISK_MAX / 1000;
    bool ok = at->disk <= most;

    printf("%-44s %12s %10s\n", "append", "measured", "limit");
    printf("%-44s %10.0f/s\n", "P-256: signed and checked, one core", 1 / at->crypto);
    ok &= rate_print("one by one, in memory", 1 / at->single, SINGLE_MIN);
    ok &= times_print("  times two signatures and checks", at->single / at->crypto / 2, SINGLE_MAX);
    ok &= rate_print("groups of 100, in memory", 1 / at->group, GROUP_MIN);
    ok &= times_print("  times a signature and a check", at->group / at->crypto, GROUP_TIMES_MAX);
    printf("%-44s %9.3f ms\n", "this disk: two writes, each flushed", 1000 * at->flushes);
    printf("%-44s %9.3f ms %7.3f ms%s\n", "this disk: one append", 1000 * at->disk, 1000 * most,
           at->disk <= most ? "" : "   MISSED");
    printf("%-44s %10.0f/s\n", "this disk: one by one", 1 / at->disk);
    printf("%-44s %10.0f/s\n", "this disk: groups of 100", 100 / at->disk_group);
    return ok;
}

/* So that somebody outside can count what they flush. */
static int flushes(const char *group)
{
    struct bench_log log;
    struct audit *audit = NULL;

    bench_log_place(&log, "/tmp");
    bench_log_make(&log, &audit);
    for (int i = 0; i < 10; i++)
        bench_log_append(audit, strtoul(group, NULL, 10));
    audit_close(&audit);
    bench_log_remove(&log);
    return 0;
}

int main(int argc, char **argv)
{
    struct bench_log memory, disk;
    struct audit *in_memory = NULL, *on_disk = NULL;
    struct figures figures = {0};

    if (argc == 3 && strcmp(argv[1], "flushes") == 0)
        return flushes(argv[2]);
    bench_log_place(&memory, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    bench_log_make(&memory, &in_memory);
    bench_log_place(&disk, "/tmp");
    bench_log_make(&disk, &on_disk);
    memory_measure(&memory, in_memory, &figures);
    disk_measure(&disk, on_disk, &figures);
    audit_close(&in_memory);
    audit_close(&on_disk);
    bench_log_remove(&memory);
    bench_log_remove(&disk);
    return table_print(&figures) ? 0 : 1;
}
