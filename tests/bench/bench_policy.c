/*
 * What a policy of 1,000 rules costs: one load, one decision; and how a decision grows with the
 * rules.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

#define RULES         1000
#define LOAD_LIMIT    10.0 /* ms */
#define DECIDE_LIMIT  5.0  /* us */
#define LOAD_ROUNDS   21
#define DECIDE_ROUNDS 2000
#define SAMPLES       21
#define GROWTH_LIMIT  10.0 /* for ten times the rules */

static const struct circumstances moment = {.now = 1795000000000}; /* 2026-11-18 */

/* Three shapes, all of which an order hits in the last rule. SHARED is the hard case for the index:
 * one zone, and half of the patterns stand at its apex. */
enum shape { SHARED, HOSTS, ZONES };
static const char *const shape_text[] = {
    [SHARED] = "one zone, its apex in each rule",
    [HOSTS] = "one zone, its apex in one rule",
    [ZONES] = "a zone each",
};

static void zones_write(struct buf *out, int zones)
{
    buf_puts(out, "\"zones\":{");
    for (int i = 0; i < zones; i++)
        buf_printf(out, "%s\"z%d.example\":\"%032x\"", i == 0 ? "" : ",\n", i, (unsigned)i);
    buf_puts(out, "},\"rules\":[");
}

static void rule_write(struct buf *out, enum shape shape, int i, bool last)
{
    int zone = shape == ZONES ? i : 0;
    bool apex = shape != HOSTS || last;
    buf_printf(out,
               "%s\n{\"id\":\"r%d\",\"effect\":\"permit\",\"reason\":\"host %d\","
               "\"zones\":[\"z%d.example\"],\"hosts\":[",
               i == 0 ? "" : ",", i, i, zone);
    if (apex)
        buf_printf(out, "\"z%d.example\",", zone);
    buf_printf(out, shape == ZONES ? "\"**.z%d.example\"]" : "\"h%d.z0.example\"]", i);
    buf_printf(out,
               ",\"certificate_authorities\":[\"%s\"],\"validity_days\":[14,30,90],"
               "\"validation_methods\":[\"txt\"],\"cloudflare_branding\":[false],"
               "\"geo_restrictions\":[\"eu\"],\"max_hosts\":20}",
               last ? "ssl_com" : "google");
}

static void policy_write(struct buf *out, enum shape shape, int rules)
{
    buf_puts(out, POLICY_HEAD);
    zones_write(out, shape == ZONES ? rules : 1);
    for (int i = 0; i < rules; i++)
        rule_write(out, shape, i, i + 1 == rules);
    buf_puts(out, "],\"on_violation\":\"report\"}");
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

/* An order in this zone for its apex and one host more. */
static void order_make(const struct policy *policy, int zone, const char *host, struct order *out)
{
    struct err err = {0};
    *out = (struct order){.hosts = 2,
                          .certificate_authority = "ssl_com",
                          .validation_method = "txt",
                          .validity_days = 90,
                          .geo_label = "eu"};
    (void)snprintf(out->zone, sizeof out->zone, "z%d.example", zone);
    (void)snprintf(out->host[0], sizeof out->host[0], "z%d.example", zone);
    (void)snprintf(out->host[1], sizeof out->host[1], "%s.z%d.example", host, zone);
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

/* A permit by the last rule, and a denial for want of it: another CA's order, another host. */
struct times {
    double permit, deny;
};

static struct times shape_measure(enum shape shape, int rules, const struct authorities *known)
{
    AUTO_BUF text = BUF_INIT(POLICY_MAX);
    struct err err = {0};
    struct order order;
    struct times times;
    char host[16];
    policy_write(&text, shape, rules);
    must(buf_check(&text, "the policy", &err), &err);
    struct policy *policy = policy_get(&text, known);
    (void)snprintf(host, sizeof host, "h%d", rules - 1);
    order_make(policy, shape == ZONES ? rules - 1 : 0, host, &order);
    times.permit = decide_measure(policy, &order, true);
    order.validity_days = 365;
    times.deny = decide_measure(policy, &order, false);
    policy_free(&policy);
    return times;
}

/* Sublinear: ten times the rules cost less than ten times as much. */
static bool growth_row(enum shape shape, const struct authorities *known)
{
    static const int rules[] = {10, 100, 1000, 10000};
    struct times times[4];
    bool good = true;
    for (size_t i = 0; i < 4; i++)
        times[i] = shape_measure(shape, rules[i], known);
    (void)printf(
        "%-33s permit %7.3f %7.3f %7.3f %7.3f us, each of the one before:", shape_text[shape],
        times[0].permit, times[1].permit, times[2].permit, times[3].permit);
    for (size_t i = 1; i < 4; i++) {
        (void)printf(" %.2f", times[i].permit / times[i - 1].permit);
        good &= times[i].permit < GROWTH_LIMIT * times[i - 1].permit;
    }
    (void)printf("\n%-33s denial %7.3f %7.3f %7.3f %7.3f us, each of the one before:", "",
                 times[0].deny, times[1].deny, times[2].deny, times[3].deny);
    for (size_t i = 1; i < 4; i++) {
        (void)printf(" %.2f", times[i].deny / times[i - 1].deny);
        good &= times[i].deny < GROWTH_LIMIT * times[i - 1].deny;
    }
    (void)printf("  limit %.0f  %s\n", GROWTH_LIMIT, good ? "ok" : "OVER");
    return good;
}

static bool growth(const struct authorities *known)
{
    bool good = true;
    (void)printf("\ngrowth, for 10, 100, 1000 and 10000 rules\n");
    for (enum shape shape = SHARED; shape <= ZONES; shape++)
        good &= growth_row(shape, known);
    return good;
}

static bool thousand(const struct authorities *known)
{
    struct err err = {0};
    struct order order;
    AUTO_BUF text = BUF_INIT(POLICY_MAX);
    bool good = true;
    policy_write(&text, SHARED, RULES);
    must(buf_check(&text, "the policy", &err), &err);
    struct policy *policy = policy_get(&text, known);
    (void)printf("policy of %d rules, %zu bytes; processor time, the best of %d samples\n", RULES,
                 text.len, SAMPLES);
    good &= row("load", load_measure(&text, known), LOAD_LIMIT, "ms");
    order_make(policy, 0, "h999", &order);
    good &= row("permit by the last rule, 2 hosts", decide_measure(policy, &order, true),
                DECIDE_LIMIT, "us");
    order_make(policy, 0, "x", &order);
    good &= row("denial, 2 hosts, a host not covered", decide_measure(policy, &order, false),
                DECIDE_LIMIT, "us");
    order_make(policy, 0, "h998", &order);
    good &= row("denial, 2 hosts, an attribute not permitted",
                decide_measure(policy, &order, false), DECIDE_LIMIT, "us");
    order.validity_days = 365;
    good &= row("denial, 2 hosts, a value that no rule permits",
                decide_measure(policy, &order, false), DECIDE_LIMIT, "us");
    policy_free(&policy);
    return good;
}

/* With an argument: that many rules of a zone each, and no more than the two figures (us). */
int main(int argc, char **argv)
{
    struct authorities *known = authorities_get();
    bool good = true;
    if (argc > 1) {
        struct times times = shape_measure(ZONES, (int)strtol(argv[1], NULL, 10), known);
        (void)printf("%.4f %.4f\n", times.permit, times.deny);
    } else {
        good = thousand(known);
        good = growth(known) && good;
    }
    authorities_free(&known);
    return good ? 0 : 1;
}
