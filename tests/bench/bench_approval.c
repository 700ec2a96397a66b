/*
 * What a policy under change control costs before the first decision: a policy of 1,000 rules and a
 * trust list loaded, and two signatures over the policy verified, all from bytes.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "approval.h"
#include "bench.h"

#define RULES  1000
#define LIMIT  10.0 /* ms */
#define ROUNDS 21
#define PEOPLE 2

static int64_t now_ms = 1795000000000; /* 2026-11-18 */

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench_approval: %s\n", what);
    exit(1);
}

static void policy_write(struct buf *out)
{
    buf_puts(out, POLICY_HEAD
             "\"zones\":{\"example.com\":\"023e105f4ecef8ad9ca31a8372d0c353\"},\"rules\":[");
    for (int i = 0; i < RULES; i++)
        buf_printf(out,
                   "%s\n{\"id\":\"r%d\",\"effect\":\"permit\",\"reason\":\"host %d\","
                   "\"zones\":[\"example.com\"],\"hosts\":[\"example.com\",\"h%d.example.com\"],"
                   "\"certificate_authorities\":[\"google\"],\"validity_days\":[90],"
                   "\"validation_methods\":[\"txt\"],\"cloudflare_branding\":[false],"
                   "\"geo_restrictions\":[\"eu\"],\"max_hosts\":20}",
                   i == 0 ? "" : ",", i, i, i);
    buf_puts(out, "],\"on_violation\":\"report\"}");
}

static void string_put(struct buf *out, const void *bytes, size_t len)
{
    const uint8_t head[4] = {0, 0, (uint8_t)(len >> 8), (uint8_t)len};
    buf_put(out, head, sizeof head);
    buf_put(out, bytes, len);
}

static void text_put(struct buf *out, const char *text)
{
    string_put(out, text, strlen(text));
}

struct person {
    EVP_PKEY *pkey;
    struct buf blob, armor;
    char file[64];
};

static void key_make(struct person *person)
{
    uint8_t raw[32];
    size_t len = sizeof raw;
    person->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (person->pkey == NULL || EVP_PKEY_get_raw_public_key(person->pkey, raw, &len) != 1)
        fail("no key");
    text_put(&person->blob, "ssh-ed25519");
    string_put(&person->blob, raw, len);
}

static void raw_sign(EVP_PKEY *pkey, const struct buf *data, struct buf *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t bytes[64];
    size_t len = sizeof bytes;
    if (context == NULL || EVP_DigestSignInit(context, NULL, NULL, NULL, pkey) != 1 ||
        EVP_DigestSign(context, bytes, &len, (const uint8_t *)buf_text(data), data->len) != 1)
        fail("no signature");
    EVP_MD_CTX_free(context);
    text_put(out, "ssh-ed25519");
    string_put(out, bytes, len);
}

static void sign(struct person *person, const struct buf *message)
{
    AUTO_BUF data = BUF_INIT(1024), signature = BUF_INIT(1024), blob = BUF_INIT(4096),
             digits = BUF_INIT(4096);
    uint8_t digest[64];
    if (EVP_Digest(buf_text(message), message->len, digest, NULL, EVP_sha512(), NULL) != 1)
        fail("no digest");
    buf_puts(&data, "SSHSIG");
    text_put(&data, APPROVAL_POLICY);
    text_put(&data, "");
    text_put(&data, "sha512");
    string_put(&data, digest, sizeof digest);
    raw_sign(person->pkey, &data, &signature);
    buf_put(&blob, "SSHSIG\0\0\0\1", 10);
    string_put(&blob, buf_text(&person->blob), person->blob.len);
    text_put(&blob, APPROVAL_POLICY);
    text_put(&blob, "");
    text_put(&blob, "sha512");
    string_put(&blob, buf_text(&signature), signature.len);
    base64_put(&digits, buf_text(&blob), blob.len);
    buf_puts(&person->armor, "-----BEGIN SSH SIGNATURE-----\n");
    for (size_t at = 0; at < digits.len; at += 70)
        buf_printf(&person->armor, "%.70s\n", buf_text(&digits) + at);
    buf_puts(&person->armor, "-----END SSH SIGNATURE-----\n");
}

static void list_write(const struct person *people, struct buf *out)
{
    buf_puts(out, "{\"georder_approvers\":1,\"revision\":1,\"threshold\":2,\"approvers\":[");
    for (size_t i = 0; i < PEOPLE; i++) {
        AUTO_BUF digits = BUF_INIT(1024);
        base64_put(&digits, buf_text(&people[i].blob), people[i].blob.len);
        buf_printf(out,
                   "%s{\"principal\":\"p%zu@example.com\",\"keys\":[{\"key\":\"ssh-ed25519 %s\"}]}",
                   i == 0 ? "" : ",", i, buf_text(&digits));
    }
    buf_puts(out, "]}");
}

struct bench {
    struct authorities *known;
    struct buf policy, list;
    struct person people[PEOPLE];
};

static void verify(const struct bench *bench)
{
    static struct approvals approvals;
    const struct signed_bytes message = {APPROVAL_POLICY, buf_text(&bench->policy),
                                         bench->policy.len};
    struct signature_file files[PEOPLE];
    struct approvers *list = NULL;
    struct err err = {0};
    must(approvers_load("approvers.json", buf_text(&bench->list), bench->list.len, &list, &err),
         &err);
    for (size_t i = 0; i < PEOPLE; i++)
        files[i] = (struct signature_file){bench->people[i].file, buf_text(&bench->people[i].armor),
                                           bench->people[i].armor.len};
    approvals_check(list, &message, files, PEOPLE, now_ms, &approvals);
    must(approvals_enough(list, &approvals, "bench.json", &err), &err);
    approvers_free(&list);
}

static void load(const struct bench *bench)
{
    struct policy *policy = policy_get(&bench->policy, bench->known);
    policy_free(&policy);
}

static double measure(const struct bench *bench, bool loads)
{
    double best = 1e9;
    for (size_t i = 0; i < ROUNDS; i++) {
        double start = seconds();
        if (loads)
            load(bench);
        verify(bench);
        double took = (seconds() - start) * 1e3;
        best = took < best ? took : best;
    }
    return best;
}

static void bench_make(struct bench *bench)
{
    *bench = (struct bench){.policy = BUF_INIT(POLICY_MAX), .list = BUF_INIT(APPROVERS_MAX)};
    bench->known = authorities_get();
    policy_write(&bench->policy);
    for (size_t i = 0; i < PEOPLE; i++) {
        struct person *person = &bench->people[i];
        person->blob = (struct buf)BUF_INIT(1024);
        person->armor = (struct buf)BUF_INIT(SIGNATURE_MAX);
        (void)snprintf(person->file, sizeof person->file, "p%zu@example.com.sig", i);
        key_make(person);
        sign(person, &bench->policy);
    }
    list_write(bench->people, &bench->list);
}

static void bench_free(struct bench *bench)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        EVP_PKEY_free(bench->people[i].pkey);
        buf_free(&bench->people[i].blob);
        buf_free(&bench->people[i].armor);
    }
    buf_free(&bench->policy);
    buf_free(&bench->list);
    authorities_free(&bench->known);
}

int main(void)
{
    struct bench bench;
    bench_make(&bench);
    (void)printf("policy of %d rules, %zu bytes, %d signatures; processor time, the best of %d\n",
                 RULES, bench.policy.len, PEOPLE, ROUNDS);
    double checks = measure(&bench, false), all = measure(&bench, true);
    (void)printf("%-44s %9.3f ms\n", "trust list loaded, two signatures verified", checks);
    (void)printf("%-44s %9.3f ms  limit %4.1f ms  %s\n", "and the policy loaded", all, LIMIT,
                 all <= LIMIT ? "ok" : "OVER");
    bench_free(&bench);
    return all <= LIMIT ? 0 : 1;
}
