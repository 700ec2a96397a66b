/*
 * Verifying a log against what this machine's OpenSSL can verify at all: ECDSA P-256 signatures,
 * one after another, on as many cores. Both are measured in turn, over about the same time.
 * The median of the ratios counts, so that other load weighs on both alike.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit_log.h"

#define RECORDS     10000
#define ROUNDS      15
#define RATIO_MIN   0.9
#define SLICE       0.4 /* s */
#define THREADS_MAX 256

static struct bench_log bench;

static void log_fill(void)
{
    struct audit *audit = NULL;

    bench_log_make(&bench, &audit);
    bench_log_append(audit, RECORDS - 1);
    audit_close(&audit);
}

static void *verify_for_a_slice(void *count)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, bench.pkey, NULL);
    uint8_t digest[SHA256_LEN] = {1}, signature[80];
    size_t len = sizeof signature, done = 0;
    double end = bench_seconds() + SLICE;

    if (EVP_PKEY_sign_init(ctx) != 1 ||
        EVP_PKEY_sign(ctx, signature, &len, digest, sizeof digest) != 1 ||
        EVP_PKEY_verify_init(ctx) != 1)
        abort();
    do {
        for (int i = 0; i < 50; i++, done++)
            if (EVP_PKEY_verify(ctx, signature, len, digest, sizeof digest) != 1)
                abort();
    } while (bench_seconds() < end);
    EVP_PKEY_CTX_free(ctx);
    *(size_t *)count = done;
    return NULL;
}

static double ecdsa_rate(int threads)
{
    pthread_t thread[THREADS_MAX];
    size_t count[THREADS_MAX] = {0}, sum = 0;
    double start = bench_seconds();

    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, verify_for_a_slice, &count[i]) != 0)
            abort();
    for (int i = 0; i < threads; i++) {
        (void)pthread_join(thread[i], NULL);
        sum += count[i];
    }
    return (double)sum / (bench_seconds() - start);
}

static double verify_rate(void)
{
    struct audit_report report;
    struct err err = {0};
    double start = bench_seconds();

    if (audit_verify(bench.fd, BENCH_ORIGIN, NULL, &report, &err) != RESULT_OK)
        bench_fail("verify", &err);
    if (report.verdict != AUDIT_INTACT || report.records != RECORDS) {
        (void)fprintf(stderr, "bench_audit: %s\n", report.text);
        exit(1);
    }
    return RECORDS / (bench_seconds() - start);
}

static int cores(void)
{
    cpu_set_t cpus;
    int count = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;

    return count > THREADS_MAX ? THREADS_MAX : count;
}

int main(void)
{
    double verify = 0, limit = 0, ratio = 0, ratios[ROUNDS];

    bench_log_place(&bench, "/tmp");
    log_fill();
    for (size_t i = 0; i < ROUNDS; i++) {
        double one = ecdsa_rate(cores()), other = verify_rate();

        ratios[i] = other / one;
        limit = one > limit ? one : limit;
        verify = other > verify ? other : verify;
        ratio = bench_median(ratios, i + 1);
    }
    bench_log_remove(&bench);
    printf("%-44s %12s %10s\n", "audit", "measured", "limit");
    printf("%-44s %10.0f/s\n", "ECDSA P-256 verifications, all cores, best", limit);
    printf("%-44s %10.0f/s\n", "records verified, all cores, best", verify);
    printf("%-44s %12.3f %10.3f\n", "  as a part of the ECDSA verifications, median", ratio,
           RATIO_MIN);
    return ratio >= RATIO_MIN ? 0 : 1;
}
