/*
 * Verifying a log against what this machine's OpenSSL can verify at all: ECDSA P-256 signatures,
 * one after another, on as many cores. Both are measured in turn, over about the same time.
 * The median of the ratios counts, so that other load weighs on both alike.
 */
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <openssl/ecdsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"

#define ORIGIN      "bench.example.com/georder"
#define RECORDS     10000
#define ROUNDS      15
#define RATIO_MIN   0.9
#define APPENDS     300 /* timed */
#define APPEND_MAX  1.0 /* ms, beyond twice what the disk takes to flush twice */
#define SLICE       0.4 /* s */
#define THREADS_MAX 256

static EVP_PKEY *pkey;
static char protected[256];
static uint8_t spki[256];
static size_t spki_len;

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const char *what, const struct err *err)
{
    (void)fprintf(stderr, "bench_audit: %s: %s\n", what, err->text);
    exit(1);
}

static size_t sign_der(const void *bytes, size_t len, uint8_t out[80])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t size = 80;

    if (EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, pkey, NULL) != 1 ||
        EVP_DigestSign(ctx, out, &size, bytes, len) != 1)
        abort();
    EVP_MD_CTX_free(ctx);
    return size;
}

static enum result bench_sign(void *context, const char *payload, size_t len, struct buf *line,
                              struct err *err)
{
    AUTO_BUF input = BUF_INIT(AUDIT_LINE_MAX);
    uint8_t der[80], raw[64];
    const uint8_t *at = der;
    ECDSA_SIG *pair;

    (void)context;
    buf_printf(&input, "%s.", protected);
    base64url_put(&input, payload, len);
    pair = d2i_ECDSA_SIG(NULL, &at, (long)sign_der(input.data, input.len, der));
    if (pair == NULL || BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32) != 32 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32) != 32)
        return err_set(err, RESULT_KEY, "cannot sign");
    ECDSA_SIG_free(pair);
    buf_printf(line, "{\"payload\":\"%s\",\"protected\":\"%s\",\"signature\":\"",
               input.data + strlen(protected) + 1, protected);
    base64url_put(line, raw, sizeof raw);
    buf_puts(line, "\"}");
    return RESULT_OK;
}

static enum result bench_checkpoint(void *context, uint64_t size, const uint8_t root[SHA256_LEN],
                                    struct buf *note, struct err *err)
{
    uint8_t bytes[4 + 80], digest[SHA256_LEN];
    size_t len;

    (void)context;
    (void)err;
    buf_printf(note, ORIGIN "\n%" PRIu64 "\n", size);
    base64_put(note, root, SHA256_LEN);
    buf_putc(note, '\n');
    len = sign_der(note->data, note->len, bytes + 4);
    sha256(spki, spki_len, digest);
    memcpy(bytes, digest, 4);
    buf_puts(note, "\n\xE2\x80\x94 " ORIGIN " ");
    base64_put(note, bytes, 4 + len);
    buf_putc(note, '\n');
    return RESULT_OK;
}

/* The header must name the key as the log does: its own file's name says how. */
static void header_make(const struct audit_signer *signer)
{
    AUTO_BUF jwk = BUF_INIT(512), thumb = BUF_INIT(64), text = BUF_INIT(256), out = BUF_INIT(256);
    uint8_t digest[SHA256_LEN];

    buf_puts(&jwk, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
    base64url_put(&jwk, signer->spki + signer->spki_len - 64, 32);
    buf_puts(&jwk, "\",\"y\":\"");
    base64url_put(&jwk, signer->spki + signer->spki_len - 32, 32);
    buf_puts(&jwk, "\"}");
    sha256(jwk.data, jwk.len, digest);
    base64url_put(&thumb, digest, sizeof digest);
    buf_printf(&text, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", buf_text(&thumb));
    base64url_put(&out, text.data, text.len);
    (void)snprintf(protected, sizeof protected, "%s", buf_text(&out));
}

/* Makes payloads of 1.6 KiB. */
static cJSON *detail_make(void)
{
    return cJSON_Parse(
        "{\"policy\":{\"revision\":7,\"digest\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b93"
        "4ca495991b7852b855\"},\"decision\":{\"permit\":true,\"rules\":[\"eu-production\"]},"
        "\"order\":{\"zone\":\"example.com\",\"hosts\":[\"example.com\",\"*.example.com\"],"
        "\"certificate_authority\":\"google\",\"validity_days\":90,\"validation_method\":\"txt\","
        "\"reference\":\"CHG0012345\"}}");
}

static int double_compare(const void *left, const void *right)
{
    const double *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

static double median(double *times, size_t count)
{
    qsort(times, count, sizeof *times, double_compare);
    return times[count / 2];
}

/* What the disk takes for the two flushes of an append, and nothing else. */
static double flushes_time(int dirfd)
{
    static const char bytes[2600];
    double times[APPENDS];
    int fd = openat(dirfd, "flushed", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    for (size_t i = 0; i < APPENDS; i++) {
        times[i] = seconds();
        for (int j = 0; j < 2; j++)
            if (write(fd, bytes, sizeof bytes) != sizeof bytes || fdatasync(fd) != 0)
                abort();
        times[i] = seconds() - times[i];
    }
    (void)close(fd);
    return 1000 * median(times, APPENDS);
}

static double log_make(int fd, const struct audit_signer *signer)
{
    struct audit *audit = NULL;
    struct err err = {0};
    cJSON *detail = detail_make();
    double times[RECORDS];

    if (audit_create(fd, ORIGIN, signer, &err) != RESULT_OK ||
        audit_open(fd, ORIGIN, signer, &audit, &err) != RESULT_OK)
        fail("create", &err);
    for (int i = 1; i < RECORDS; i++) {
        char id[UUID_LEN + 1];
        struct audit_event event = {.event = i % 2 ? "order.intent" : "order.response",
                                    .order_id = id,
                                    .time = clock_now(),
                                    .activity = 1,
                                    .severity = 1,
                                    .status = 1,
                                    .message = "about to be sent",
                                    .operation =
                                        "POST /zones/{zone_id}/ssl/certificate_packs/order",
                                    .actor = "root",
                                    .host = "host-17.example.com",
                                    .zone = "example.com",
                                    .zone_id = "023e105f4ecef8ad9ca31a8372d0c353",
                                    .url = "https://api.cloudflare.com/client/v4",
                                    .http_status = 200,
                                    .peer_address = "104.16.0.1",
                                    .detail = detail};

        uuid7(event.time, id);
        times[i - 1] = seconds();
        if (audit_append(audit, &event, NULL, 0, NULL, &err) != RESULT_OK)
            fail("append", &err);
        times[i - 1] = seconds() - times[i - 1];
    }
    cJSON_Delete(detail);
    audit_close(&audit);
    return 1000 * median(times, APPENDS);
}

static void *verify_for_a_slice(void *count)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    uint8_t digest[SHA256_LEN] = {1}, signature[80];
    size_t len = sizeof signature, done = 0;
    double end = seconds() + SLICE;

    if (EVP_PKEY_sign_init(ctx) != 1 ||
        EVP_PKEY_sign(ctx, signature, &len, digest, sizeof digest) != 1 ||
        EVP_PKEY_verify_init(ctx) != 1)
        abort();
    do {
        for (int i = 0; i < 50; i++, done++)
            if (EVP_PKEY_verify(ctx, signature, len, digest, sizeof digest) != 1)
                abort();
    } while (seconds() < end);
    EVP_PKEY_CTX_free(ctx);
    *(size_t *)count = done;
    return NULL;
}

static double ecdsa_rate(int threads)
{
    pthread_t thread[THREADS_MAX];
    size_t count[THREADS_MAX] = {0}, sum = 0;
    double start = seconds();

    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, verify_for_a_slice, &count[i]) != 0)
            abort();
    for (int i = 0; i < threads; i++) {
        (void)pthread_join(thread[i], NULL);
        sum += count[i];
    }
    return (double)sum / (seconds() - start);
}

static double verify_rate(int fd)
{
    struct audit_report report;
    struct err err = {0};
    double start = seconds();

    if (audit_verify(fd, ORIGIN, NULL, &report, &err) != RESULT_OK)
        fail("verify", &err);
    if (report.verdict != AUDIT_INTACT || report.records != RECORDS) {
        (void)fprintf(stderr, "bench_audit: %s\n", report.text);
        exit(1);
    }
    return RECORDS / (seconds() - start);
}

static int cores(void)
{
    cpu_set_t cpus;
    int count = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;

    return count > THREADS_MAX ? THREADS_MAX : count;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

int main(void)
{
    char path[] = "/tmp/bench-audit-XXXXXX";
    uint8_t *at = spki;
    struct audit_signer signer = {
        .alg = "ES256", .spki = spki, .sign = bench_sign, .checkpoint = bench_checkpoint};
    double append, flushes, verify = 0, limit = 0, ratio = 0, ratios[ROUNDS];
    int fd;

    pkey = EVP_EC_gen("P-256");
    signer.spki_len = spki_len = (size_t)i2d_PUBKEY(pkey, &at);
    if (mkdtemp(path) == NULL || (fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return 1;
    header_make(&signer);
    flushes = flushes_time(fd);
    append = log_make(fd, &signer);
    for (size_t i = 0; i < ROUNDS; i++) {
        double one = ecdsa_rate(cores()), other = verify_rate(fd);

        ratios[i] = other / one;
        limit = one > limit ? one : limit;
        verify = other > verify ? other : verify;
        ratio = median(ratios, i + 1);
    }
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    (void)close(fd);
    EVP_PKEY_free(pkey);
    printf("%-44s %12s %10s\n", "audit", "measured", "limit");
    printf("%-44s %9.3f ms\n", "two writes and flushes, median", flushes);
    printf("%-44s %9.3f ms %7.3f ms\n", "append with a key in software, median", append,
           2 * flushes + APPEND_MAX);
    printf("%-44s %10.0f/s\n", "ECDSA P-256 verifications, all cores, best", limit);
    printf("%-44s %10.0f/s\n", "records verified, all cores, best", verify);
    printf("%-44s %12.3f %10.3f\n", "  as a part of the ECDSA verifications, median", ratio,
           RATIO_MIN);
    return ratio >= RATIO_MIN && append <= 2 * flushes + APPEND_MAX ? 0 : 1;
}
