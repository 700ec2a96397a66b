#include "audit_log.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <openssl/ecdsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static cJSON *detail;

double bench_seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double bench_cpu(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void bench_fail(const char *what, const struct err *err)
{
    (void)fprintf(stderr, "benchmark: %s: %s\n", what, err->text);
    exit(1);
}

static size_t sign_der(struct bench_log *log, const void *bytes, size_t len, uint8_t out[80])
{
    uint8_t digest[SHA256_LEN];
    size_t size = 80;

    hash_begin(&log->hasher);
    hash_add(&log->hasher, bytes, len);
    hash_end(&log->hasher, digest);
    if (EVP_PKEY_sign(log->signing, out, &size, digest, sizeof digest) != 1)
        abort();
    return size;
}

static enum result bench_sign(void *context, const char *payload, size_t len, struct buf *line,
                              struct err *err)
{
    static struct buf input = BUF_INIT(2 * AUDIT_LINE_MAX);
    uint8_t der[80], raw[64];
    const uint8_t *at = der;
    struct bench_log *log = context;
    size_t head = strlen(log->protected) + 1;
    ECDSA_SIG *pair;

    input.len = 0;
    buf_puts(&input, log->protected);
    buf_putc(&input, '.');
    base64url_put(&input, payload, len);
    pair = d2i_ECDSA_SIG(NULL, &at, (long)sign_der(log, input.data, input.len, der));
    if (pair == NULL || BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32) != 32 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32) != 32)
        return err_set(err, RESULT_KEY, "cannot sign");
    ECDSA_SIG_free(pair);
    buf_puts(line, "{\"payload\":\"");
    buf_put(line, input.data + head, input.len - head);
    buf_puts(line, "\",\"protected\":\"");
    buf_puts(line, log->protected);
    buf_puts(line, "\",\"signature\":\"");
    base64url_put(line, raw, sizeof raw);
    buf_puts(line, "\"}");
    return RESULT_OK;
}

static enum result bench_checkpoint(void *context, uint64_t size, const uint8_t root[SHA256_LEN],
                                    struct buf *note, struct err *err)
{
    struct bench_log *log = context;
    uint8_t bytes[4 + 80], digest[SHA256_LEN];
    size_t len;

    (void)err;
    buf_printf(note, BENCH_ORIGIN "\n%" PRIu64 "\n", size);
    base64_put(note, root, SHA256_LEN);
    buf_putc(note, '\n');
    len = sign_der(log, note->data, note->len, bytes + 4);
    sha256(log->spki, log->signer.spki_len, digest);
    memcpy(bytes, digest, 4);
    buf_puts(note, "\n\xE2\x80\x94 " BENCH_ORIGIN " ");
    base64_put(note, bytes, 4 + len);
    buf_putc(note, '\n');
    return RESULT_OK;
}

/* The header must name the key as the log does: its own file's name says how. */
static void header_make(struct bench_log *log)
{
    AUTO_BUF jwk = BUF_INIT(512), thumb = BUF_INIT(64), text = BUF_INIT(256), out = BUF_INIT(256);
    uint8_t digest[SHA256_LEN];

    buf_puts(&jwk, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
    base64url_put(&jwk, log->spki + log->signer.spki_len - 64, 32);
    buf_puts(&jwk, "\",\"y\":\"");
    base64url_put(&jwk, log->spki + log->signer.spki_len - 32, 32);
    buf_puts(&jwk, "\"}");
    sha256(jwk.data, jwk.len, digest);
    base64url_put(&thumb, digest, sizeof digest);
    (void)snprintf(log->kid, AUDIT_KID_LEN + 1, "%s", buf_text(&thumb));
    buf_printf(&text, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", buf_text(&thumb));
    base64url_put(&out, text.data, text.len);
    (void)snprintf(log->protected, sizeof log->protected, "%s", buf_text(&out));
}

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

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, double_compare);
    return values[count / 2];
}

void bench_least(double *best, double value)
{
    *best = *best == 0 || value < *best ? value : *best;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void bench_log_place(struct bench_log *log, const char *parent)
{
    uint8_t *at = log->spki;
    struct err err = {0};

    *log = (struct bench_log){.pkey = EVP_EC_gen("P-256")};
    log->signing = EVP_PKEY_CTX_new_from_pkey(NULL, log->pkey, NULL);
    if (hasher_open(&log->hasher, "SHA256", &err) != RESULT_OK || log->signing == NULL ||
        EVP_PKEY_sign_init(log->signing) != 1)
        abort();
    log->signer = (struct audit_signer){.context = log,
                                        .alg = "ES256",
                                        .spki = log->spki,
                                        .spki_len = (size_t)i2d_PUBKEY(log->pkey, &at),
                                        .sign = bench_sign,
                                        .checkpoint = bench_checkpoint};
    header_make(log);
    (void)snprintf(log->path, sizeof log->path, "%s/bench-audit-XXXXXX", parent);
    if (mkdtemp(log->path) == NULL ||
        (log->fd = open(log->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
        (void)fprintf(stderr, "benchmark: %s: cannot make a directory there\n", parent);
        exit(1);
    }
}

void bench_log_make(struct bench_log *log, struct audit **audit)
{
    struct err err = {0};

    if (audit_create(log->fd, BENCH_ORIGIN, &log->signer, &err) != RESULT_OK ||
        audit_open(log->fd, BENCH_ORIGIN, &log->signer, audit, &err) != RESULT_OK)
        bench_fail("create", &err);
}

void bench_log_remove(struct bench_log *log)
{
    (void)nftw(log->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    (void)close(log->fd);
    EVP_PKEY_CTX_free(log->signing);
    hasher_close(&log->hasher);
    EVP_PKEY_free(log->pkey);
    cJSON_Delete(detail);
    detail = NULL;
}

struct audit_event bench_event(char id[UUID_LEN + 1])
{
    int64_t now = clock_now();

    if (detail == NULL)
        detail = detail_make();
    uuid7(now, id);
    return (struct audit_event){.event = "order.denied",
                                .order_id = id,
                                .time = now,
                                .activity = 1,
                                .severity = 1,
                                .status = 1,
                                .message = "denied by the policy",
                                .operation = "POST /zones/{zone_id}/ssl/certificate_packs/order",
                                .actor = "root",
                                .host = "host-17.example.com",
                                .zone = "example.com",
                                .zone_id = "023e105f4ecef8ad9ca31a8372d0c353",
                                .url = "https://api.cloudflare.com/client/v4",
                                .http_status = 200,
                                .peer_address = "104.16.0.1",
                                .detail = detail};
}

void bench_log_append(struct audit *audit, size_t count)
{
    static char id[AUDIT_GROUP_MAX][UUID_LEN + 1];
    struct audit_event event[AUDIT_GROUP_MAX];
    struct audit_entry entry[AUDIT_GROUP_MAX];
    struct err err = {0};

    while (count > 0) {
        size_t group = count < AUDIT_GROUP_MAX ? count : AUDIT_GROUP_MAX;

        for (size_t i = 0; i < group; i++) {
            event[i] = bench_event(id[i]);
            entry[i] = (struct audit_entry){.event = &event[i]};
        }
        if (audit_append_group(audit, entry, group, NULL, &err) != RESULT_OK)
            bench_fail("append", &err);
        count -= group;
    }
}
