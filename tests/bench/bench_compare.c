/*
 * What an exact comparison of 1,000 rules with 1,000 costs, each with three patterns: all in one
 * zone, where every name is of its own class and none differs but one; and in many zones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define RULES      1000
#define ZONES      500
#define LIMIT      50.0 /* ms */
#define LINT_RULES 10000
#define LINT_LIMIT 2000.0 /* ms */
#define SAMPLES    11

static void rule_write(struct buf *out, int index, int zones, const char *extra)
{
    int zone = index % zones;
    buf_printf(out,
               "%s\n{\"id\":\"r%d\",\"effect\":\"permit\",\"reason\":\"host %d\","
               "\"zones\":[\"z%d.example.com\"],\"hosts\":[\"h%d.z%d.example.com\","
               "\"*.s%d.z%d.example.com\",\"**.d%d.z%d.example.com\"],"
               "\"certificate_authorities\":[\"google\",\"ssl_com\"],\"validity_days\":[30,90],"
               "\"validation_methods\":[\"txt\",\"http\"],\"cloudflare_branding\":[false],"
               "\"geo_restrictions\":[\"eu\",\"none\"],\"max_hosts\":20%s}",
               index == 0 ? "" : ",", index, index, zone, index, zone, index, zone, index, zone,
               extra);
}

/* The last rule has the limits that are given; the first of each zone permits its apex too. */
static void policy_write(struct buf *out, int rules, int zones, const char *last)
{
    buf_puts(out, POLICY_HEAD "\"zones\":{");
    for (int z = 0; z < zones; z++)
        buf_printf(out, "%s\"z%d.example.com\":\"%032d\"", z == 0 ? "" : ",", z, z);
    buf_puts(out, "},\"rules\":[");
    for (int i = 0; i < rules; i++)
        rule_write(out, i, zones, i + 1 == rules ? last : "");
    for (int z = 0; z < zones; z++)
        buf_printf(out,
                   ",\n{\"id\":\"apex%d\",\"effect\":\"permit\",\"reason\":\"apex\",\"zones\":"
                   "[\"z%d.example.com\"],\"hosts\":[\"z%d.example.com\"],"
                   "\"certificate_authorities\":[\"google\",\"ssl_com\"],\"validity_days\":[30,90],"
                   "\"validation_methods\":[\"txt\",\"http\"],\"cloudflare_branding\":[false],"
                   "\"geo_restrictions\":[\"eu\",\"none\"],\"max_hosts\":20}",
                   z, z, z);
    buf_puts(out, "],\"on_violation\":\"report\"}");
}

static struct policy *policy_make(const struct authorities *known, int rules, int zones,
                                  const char *last)
{
    AUTO_BUF text = BUF_INIT(POLICY_MAX);
    policy_write(&text, rules, zones, last);
    return policy_get(&text, known);
}

static bool row(const char *what, double value, double limit)
{
    bool good = value <= limit;
    (void)printf("%-56s %9.3f ms  limit %6.1f ms  %s\n", what, value, limit, good ? "ok" : "OVER");
    return good;
}

static bool compare_measure(const char *what, const struct authorities *known, int zones,
                            const char *last, enum verdict verdict)
{
    double best = 1e9;
    struct err err = {0};
    struct policy *old = policy_make(known, RULES, zones, "");
    struct policy *new = policy_make(known, RULES, zones, last);
    for (int i = 0; i < SAMPLES; i++) {
        struct comparison out;
        double start = seconds();
        must(policies_compare(old, new, &out, &err), &err);
        double took = (seconds() - start) * 1e3;
        best = took < best ? took : best;
        if (out.verdict != verdict)
            must(err_set(&err, RESULT_INTERNAL, "the verdict is wrong"), &err);
        comparison_free(&out);
    }
    policy_free(&old);
    policy_free(&new);
    return row(what, best, LIMIT);
}

static bool lint_measure(const char *what, const struct authorities *known, int zones)
{
    double best = 1e9;
    struct err err = {0};
    struct policy *policy = policy_make(known, LINT_RULES - zones, zones, "");
    for (int i = 0; i < 3; i++) {
        struct lint out;
        double start = seconds();
        must(policy_lint(policy, 1795000000000, &out, &err), &err);
        double took = (seconds() - start) * 1e3;
        best = took < best ? took : best;
        lint_free(&out);
    }
    policy_free(&policy);
    return row(what, best, LINT_LIMIT);
}

int main(void)
{
    struct authorities *known = authorities_get();
    bool good = true;

    (void)printf("%d rules against %d, three patterns each; processor time, the best of %d\n",
                 RULES, RULES, SAMPLES);
    good &= compare_measure("one zone, no difference", known, 1, "", EQUIVALENT);
    good &= compare_measure("one zone, the last rule asks for approvals", known, 1,
                            ",\"approvals\":{\"count\":2,\"from\":[\"pki-oncall\"]}", NARROWER);
    good &= compare_measure("one zone, the last rule is frozen twice", known, 1,
                            ",\"freeze\":[{\"from\":\"2026-12-18T00:00:00Z\",\"to\":"
                            "\"2027-01-04T00:00:00Z\",\"reason\":\"holidays\"},{\"from\":"
                            "\"2027-04-01T00:00:00Z\",\"to\":\"2027-04-05T00:00:00Z\","
                            "\"reason\":\"close\"}]",
                            NARROWER);
    good &= compare_measure("500 zones, the last rule is frozen", known, ZONES,
                            ",\"freeze\":[{\"from\":\"2026-12-18T00:00:00Z\",\"to\":"
                            "\"2027-01-04T00:00:00Z\",\"reason\":\"holidays\"}]",
                            NARROWER);
    (void)printf("lint of %d rules\n", LINT_RULES);
    good &= lint_measure("one zone", known, 1);
    good &= lint_measure("500 zones", known, ZONES);
    authorities_free(&known);
    return good ? 0 : 1;
}
