/*
 * Appending: one record at a time, and in groups of 100. Each record and each checkpoint is signed
 * and its signature checked before anything is written, so that the time goes to P-256 and to the
 * disk: what both take alone is measured in the same run. In memory (tmpfs) the disk takes nothing.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit_log.h"

#define ROUNDS     7
#define SINGLES    300
#define GROUPS     5
#define SINGLE_MIN 3500.0 /* a second, and 20,000 in groups: of a disk that takes no time */
#define GROUP_MIN  20000.0
#define DISK_MAX   1.0 /* ms for an append, beyond twice what the disk takes to flush twice */

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
    double start = bench_seconds();
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
    return (bench_seconds() - start) / SINGLES;
}

static double append_time(struct audit *audit, size_t appends, size_t group)
{
    double start = bench_seconds();

    for (size_t i = 0; i < appends; i++)
        bench_log_append(audit, group);
    return (bench_seconds() - start) / (double)appends;
}

static double flushes_time(int dirfd)
{
    static const char bytes[2600];
    int fd = openat(dirfd, "flushed", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    double start = bench_seconds();

    for (int i = 0; i < 2 * SINGLES / 10; i++)
        if (write(fd, bytes, sizeof bytes) != sizeof bytes || fdatasync(fd) != 0)
            abort();
    (void)close(fd);
    return (bench_seconds() - start) / SINGLES * 10;
}

static void least(double *best, double value)
{
    *best = *best == 0 || value < *best ? value : *best;
}

/* The best of many: other load only adds. */
static void round_measure(const struct bench_log *memory, const struct bench_log *disk,
                          struct audit *in_memory, struct audit *on_disk, struct figures *out)
{
    least(&out->crypto, crypto_time(memory));
    least(&out->single, append_time(in_memory, SINGLES, 1));
    least(&out->group, append_time(in_memory, GROUPS, 100) / 100);
    least(&out->flushes, flushes_time(disk->fd));
    least(&out->disk, append_time(on_disk, SINGLES / 10, 1));
    least(&out->disk_group, append_time(on_disk, GROUPS, 100));
}

static bool table_print(const struct figures *at)
{
    double most = 2 * at->flushes + DISK_MAX / 1000;

    printf("%-52s %12s %10s\n", "append", "measured", "limit");
    printf("%-52s %10.0f/s\n", "P-256: signed and checked once", 1 / at->crypto);
    printf("%-52s %10.0f/s %8.0f/s\n", "one by one, in memory", 1 / at->single, SINGLE_MIN);
    printf("%-52s %12.2f\n", "  times two signatures and checks", at->single / at->crypto / 2);
    printf("%-52s %10.0f/s %8.0f/s\n", "groups of 100, in memory", 1 / at->group, GROUP_MIN);
    printf("%-52s %12.2f\n", "  times a signature and a check", at->group / at->crypto);
    printf("%-52s %9.3f ms\n", "this disk: two writes, each flushed", 1000 * at->flushes);
    printf("%-52s %9.3f ms %7.3f ms\n", "this disk: one append", 1000 * at->disk, 1000 * most);
    printf("%-52s %10.0f/s\n", "this disk: one by one", 1 / at->disk);
    printf("%-52s %10.0f/s\n", "this disk: groups of 100", 100 / at->disk_group);
    return 1 / at->single >= SINGLE_MIN && 1 / at->group >= GROUP_MIN && at->disk <= most;
}

int main(void)
{
    struct bench_log memory, disk;
    struct audit *in_memory = NULL, *on_disk = NULL;
    struct figures figures = {0};

    bench_log_place(&memory, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    bench_log_make(&memory, &in_memory);
    bench_log_place(&disk, "/tmp");
    bench_log_make(&disk, &on_disk);
    for (int i = 0; i < ROUNDS; i++)
        round_measure(&memory, &disk, in_memory, on_disk, &figures);
    audit_close(&in_memory);
    audit_close(&on_disk);
    bench_log_remove(&memory);
    bench_log_remove(&disk);
    return table_print(&figures) ? 0 : 1;
}
