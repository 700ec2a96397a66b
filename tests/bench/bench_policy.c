/*
 * What a policy of 1,000 rules costs: one load, one decision. The policy is the hard case for the
 * index too: all rules are of one zone, half of the patterns stand at one name, and the order
 * hits the last rule.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "policy.h"

#define RULES         1000
#define LOAD_LIMIT    10.0 /* ms */
#define DECIDE_LIMIT  5.0  /* us */
#define LOAD_ROUNDS   21
#define DECIDE_ROUNDS 2000
#define SAMPLES       21

static const struct circumstances moment = {.now = 1795000000000}; /* 2026-11-18 */

/* Of this process, and below the best of many samples: others on the machine must not count. */
static double seconds(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void must(enum result result, const struct err *err)
{
    if (result == RESULT_OK)
        return;
    (void)fprintf(stderr, "bench_policy: %s\n", err->text);
    exit(1);
}

static void file_get(const char *path, struct buf *out)
{
    struct err err = {0};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)fprintf(stderr, "bench_policy: cannot open %s\n", path);
        exit(1);
    }
    must(file_read(fileno(file), path, out, &err), &err);
    (void)fclose(file);
}

static void policy_write(struct buf *out)
{
    buf_puts(out, "{\"georder_policy\":1,\"name\":\"bench\",\"revision\":1,"
                  "\"effective\":\"2026-11-01T00:00:00Z\",\"expires\":\"2027-11-01T00:00:00Z\","
                  "\"owner\":\"bench@example.com\",\"api\":{\"base_url\":"
                  "\"https://api.cloudflare.com/client/v4\",\"spki_pins\":[{\"sha256\":"
                  "\"mEflZT5enoR1FuXLgYYGqnVEoZvmf9c2bVBpiOjYQ0c=\",\"subject\":\"GTS Root R4\"}],"
                  "\"networks\":[\"104.16.0.0/13\"],\"minimum_tls\":\"1.3\"},"
                  "\"zones\":{\"example.com\":\"023e105f4ecef8ad9ca31a8372d0c353\"},\"rules\":[");
    for (int i = 0; i < RULES; i++)
        buf_printf(out,
                   "%s\n{\"id\":\"r%d\",\"effect\":\"permit\",\"reason\":\"host %d\","
                   "\"zones\":[\"example.com\"],\"hosts\":[\"example.com\",\"h%d.example.com\"],"
                   "\"certificate_authorities\":[\"%s\"],\"validity_days\":[90],"
                   "\"validation_methods\":[\"txt\"],\"cloudflare_branding\":[false],"
                   "\"geo_restrictions\":[\"eu\"],\"max_hosts\":20}",
                   i == 0 ? "" : ",", i, i, i, i + 1 == RULES ? "ssl_com" : "google");
    buf_puts(out, "],\"on_violation\":\"report\"}");
}

static struct policy *policy_get(const struct buf *text, const struct authorities *known)
{
    struct err err = {0};
    struct policy *policy = NULL;
    must(policy_load("bench.json", buf_text(text), text->len, known, &policy, &err), &err);
    return policy;
}

static double best_of(const double *sample, size_t count)
{
    double best = sample[0];
    for (size_t i = 1; i < count; i++)
        best = sample[i] < best ? sample[i] : best;
    return best;
}

static double load_measure(const struct buf *text, const struct authorities *known)
{
    double sample[LOAD_ROUNDS];
    for (size_t i = 0; i < LOAD_ROUNDS; i++) {
        double start = seconds();
        struct policy *policy = policy_get(text, known);
        policy_free(&policy);
        sample[i] = (seconds() - start) * 1e3;
    }
    return best_of(sample, LOAD_ROUNDS);
}

static double decide_measure(const struct policy *policy, const struct order *order, bool permit)
{
    double sample[SAMPLES];
    struct err err = {0};
    struct decision decision;
    for (size_t i = 0; i < SAMPLES; i++) {
        double start = seconds();
        for (int round = 0; round < DECIDE_ROUNDS; round++) {
            must(policy_decide(policy, order, &moment, &decision, &err), &err);
            if (decision.permit != permit)
                must(err_set(&err, RESULT_INTERNAL, "the decision is wrong"), &err);
            decision_free(&decision);
        }
        sample[i] = (seconds() - start) * 1e6 / DECIDE_ROUNDS;
    }
    return best_of(sample, SAMPLES);
}

static void order_make(const struct policy *policy, const char *second, struct order *out)
{
    struct err err = {0};
    *out = (struct order){.zone = "example.com",
                          .hosts = 2,
                          .host = {"example.com"},
                          .certificate_authority = "ssl_com",
                          .validation_method = "txt",
                          .validity_days = 90,
                          .geo_label = "eu"};
    (void)snprintf(out->host[1], sizeof out->host[1], "%s", second);
    must(order_check(out, &err), &err);
    if (!policy_resolve_zone(policy, out))
        must(err_set(&err, RESULT_INTERNAL, "the zone is not known"), &err);
}

static bool row(const char *what, double value, double limit, const char *unit)
{
    bool good = value <= limit;
    (void)printf("%-44s %9.3f %s  limit %4.1f %s  %s\n", what, value, unit, limit, unit,
                 good ? "ok" : "OVER");
    return good;
}

int main(void)
{
    struct err err = {0};
    struct authorities *known = NULL;
    struct order order;
    AUTO_BUF data = BUF_INIT(65536);
    AUTO_BUF text = BUF_INIT(POLICY_MAX);
    bool good = true;

    file_get(SOURCE_DIR "/policy/authorities.json", &data);
    must(authorities_load("authorities.json", buf_text(&data), data.len, &known, &err), &err);
    policy_write(&text);
    must(buf_check(&text, "the policy", &err), &err);
    struct policy *policy = policy_get(&text, known);

    (void)printf("policy of %d rules, %zu bytes; processor time, the best of %d samples\n", RULES,
                 text.len, SAMPLES);
    good &= row("load", load_measure(&text, known), LOAD_LIMIT, "ms");
    order_make(policy, "h999.example.com", &order);
    good &= row("permit by the last rule, 2 hosts", decide_measure(policy, &order, true),
                DECIDE_LIMIT, "us");
    order_make(policy, "x.example.com", &order);
    good &= row("denial, 2 hosts, a host not covered", decide_measure(policy, &order, false),
                DECIDE_LIMIT, "us");
    order_make(policy, "h998.example.com", &order);
    good &= row("denial, 2 hosts, an attribute not permitted",
                decide_measure(policy, &order, false), DECIDE_LIMIT, "us");

    policy_free(&policy);
    authorities_free(&known);
    return good ? 0 : 1;
}
