/* The data files of policy/: the example, the CAs, Cloudflare's roots and networks. */
#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "helper_policy.h"

#define ROOTS_MAX 64

static void spki_pin(X509 *root, char *out, size_t size)
{
    unsigned char *der = NULL;
    uint8_t digest[SHA256_LEN];
    AUTO_BUF text = BUF_INIT(64);
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(root), &der);
    cr_assert(len > 0);
    sha256(der, (size_t)len, digest);
    OPENSSL_free(der);
    base64_put(&text, digest, sizeof digest);
    (void)snprintf(out, size, "%s", buf_text(&text));
}

static void root_check(X509 *root)
{
    char name[256];
    X509_NAME_oneline(X509_get_subject_name(root), name, sizeof name);
    cr_assert_eq(X509_check_ca(root), 1, "%s is no CA", name);
    cr_assert_eq(X509_NAME_cmp(X509_get_subject_name(root), X509_get_issuer_name(root)), 0,
                 "%s is no root", name);
    cr_assert_eq(X509_verify(root, X509_get0_pubkey(root)), 1, "%s is not self-signed", name);
    cr_assert(X509_cmp_current_time(X509_get0_notBefore(root)) < 0, "%s is not yet valid", name);
    cr_assert(X509_cmp_current_time(X509_get0_notAfter(root)) > 0, "%s has expired", name);
    static const char *const distrusted[] = {"Baltimore", "DigiCert Global Root CA", "AAA ",
                                             "GlobalSign"};
    for (size_t i = 0; i < sizeof distrusted / sizeof *distrusted; i++)
        cr_assert_null(strstr(name, distrusted[i]), "%s must not be here", name);
}

static size_t pem_pins(char pin[ROOTS_MAX][64])
{
    size_t count = 0;
    FILE *file = fopen(SOURCE_DIR "/policy/cloudflare-roots.pem", "re");
    cr_assert_not_null(file);
    for (X509 *root; (root = PEM_read_X509(file, NULL, NULL, NULL)) != NULL; X509_free(root)) {
        cr_assert(count < ROOTS_MAX);
        root_check(root);
        spki_pin(root, pin[count++], 64);
    }
    (void)fclose(file);
    return count;
}

struct data {
    struct buf text;
    struct json_doc doc;
};

static void data_load(struct data *out, const char *path)
{
    struct err err = {0};
    out->text = (struct buf)BUF_INIT(262144);
    file_load(path, &out->text);
    out->doc = (struct json_doc){
        .name = path, .text = buf_text(&out->text), .len = out->text.len, .result = RESULT_CONFIG};
    cr_assert_eq(json_parse(&out->doc, JSON_OURS, &err), RESULT_OK, "%s", err.text);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(object, name);
    cr_assert(cJSON_IsString(node), "no %s", name);
    return node->valuestring;
}

Test(data, the_roots_are_those_of_the_list_and_no_other)
{
    char pin[ROOTS_MAX][64];
    struct data data;
    size_t count = pem_pins(pin), listed = 0;
    data_load(&data, "policy/cloudflare.json");
    const cJSON *root = NULL;
    cJSON_ArrayForEach(root, cJSON_GetObjectItemCaseSensitive(data.doc.root, "roots"))
    {
        cr_assert(listed < count, "%s has no certificate", text_of(root, "name"));
        cr_assert_str_eq(text_of(root, "spki_sha256"), pin[listed], "%s", text_of(root, "name"));
        cr_assert(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "verified")));
        listed++;
    }
    cr_assert_eq(listed, count);
    cr_assert_eq(count, 16);
    json_free(&data.doc);
    buf_free(&data.text);
}

/* The pins as the reference has them, so that a wrong certificate cannot bring its own pin along.
 */
Test(data, the_pins_are_the_published_ones)
{
    static const char *const published[] = {
        "hxqRlPTu1bMS/0DITB1SSu0vd4u/8l8TjPgfaAp63Gc=",
        "Vfd95BwDeSQo+NUYxVEEIlvkOlWY2SalKK1lPhzOx78=",
        "QXnt2YHvdHR3tJYmQIr0Paosp6t/nggsEGD4QJZ3Q0g=",
        "mEflZT5enoR1FuXLgYYGqnVEoZvmf9c2bVBpiOjYQ0c=",
        "C5+lpZ7tcVwmwQIMcRtPbsQtWLABXhQzejna0wHFr8M=",
        "diGVwiVYbubAI3RW4hB9xU8e/CH2GnkuvVFZE8zmgzI=",
        "G/ANXI8TwJTdF+AFBM8IiIUPEv0Gf6H5LA/b9guG4yE=",
        "K89VOmb1cJAN3TK6bf4ezAbJGC1mLcG2Dh97dnwr3VQ=",
        "oyD01TTXvpfBro3QSZc1vIlcMjrdLTiL/M9mLCPX+Zo=",
        "0cRTd+vc1hjNFlHcLgLCHXUeWqn80bNDH/bs9qMTSPo=",
        "i7WTqTvh0OioIruIfFR4kMPnBqrS2rdiVPl/s2uC/CY=",
        "uUwZgwDOxcBXrQcntwu+kYFpkiVkOaezL0WYEZ3anJc=",
        "ICGRfpgmOUXIWcQ/HXPLQTkFPEFPoDyjvH7ohhQpjzs=",
        "x4QzPSC810K5/cMjb05Qm4k3Bw5zBn4lTdO/nEW/Td4=",
        "sLVjNUaFYfW7n6EtgBeEpjOlcnBdNPMrZDRF36iwBdE=",
        "Douxi77vs4G+Ib/BogbTFymEYq0QSFXwSgVCaZcI09Q=",
    };
    char pin[ROOTS_MAX][64];
    size_t count = pem_pins(pin);
    cr_assert_eq(count, sizeof published / sizeof *published);
    for (size_t i = 0; i < count; i++)
        cr_assert_str_eq(pin[i], published[i]);
}

static size_t list_compare(const cJSON *list, const char *const *network)
{
    size_t count = 0;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, list)
    {
        cr_assert_str_eq(item->valuestring, network[count]);
        count++;
    }
    return count;
}

Test(data, the_example_pins_every_root_and_names_every_network)
{
    AUTO_BUF text = BUF_INIT(65536);
    struct data data;
    struct policy_facts facts;
    char pin[ROOTS_MAX][64];
    size_t count = pem_pins(pin);
    file_load("policy/example.json", &text);
    AUTO_POLICY *policy = policy_get(buf_text(&text));
    policy_facts(policy, &facts);
    cr_assert_eq(facts.pins, count);
    for (size_t i = 0; i < count; i++) {
        AUTO_BUF shown = BUF_INIT(64);
        base64_put(&shown, facts.pin[i], SHA256_LEN);
        cr_assert_str_eq(buf_text(&shown), pin[i]);
    }
    data_load(&data, "policy/cloudflare.json");
    const cJSON *networks = cJSON_GetObjectItemCaseSensitive(data.doc.root, "networks");
    size_t four = list_compare(cJSON_GetObjectItemCaseSensitive(networks, "v4"), facts.network);
    size_t six =
        list_compare(cJSON_GetObjectItemCaseSensitive(networks, "v6"), facts.network + four);
    cr_assert_eq(four, 15);
    cr_assert_eq(six, 7);
    cr_assert_eq(facts.networks, 22);
    json_free(&data.doc);
    buf_free(&data.text);
}

Test(data, the_example_lints_clean_but_for_the_labels)
{
    AUTO_BUF text = BUF_INIT(65536);
    struct err err = {0};
    __attribute__((cleanup(lint_free))) struct lint lint = {0};
    file_load("policy/example.json", &text);
    AUTO_POLICY *policy = policy_get(buf_text(&text));
    cr_assert_eq(policy_lint(policy, NOW, &lint, &err), RESULT_OK);
    cr_assert_eq(lint.count, 1, "%s: %s", lint.item[lint.count - 1].code,
                 lint.item[lint.count - 1].text);
    cr_assert_str_eq(lint.item[0].code, "geo_followed_up");
    cr_assert_str_eq(lint.item[0].rule, "eu-production");
}

static const struct {
    const char *what, *with, *error;
} bad[] = {
    {"\"georder_authorities\": 1", "\"georder_authorities\": 2",
     ": /georder_authorities: must be an integer from 1 to 1, not 2"},
    {"\"read\": \"2026-11-23\"", "\"read\": \"today\"",
     ": /read: \"today\" is not a date such as 2026-03-15"},
    {"\"2026-03-15\"", "\"2020-03-15\"",
     ": /baseline_requirements/validity_limits/1: is not later than the one before: sort by date"},
    {"{\"email\": \"2028-03-15\"}", "{\"dns\": \"2028-03-15\"}",
     ": /baseline_requirements/method_ends/dns: unknown member \"dns\"; known are \"txt\", "
     "\"http\", \"email\""},
    {"\"google\": {", "\"Google\": {",
     ": /authorities/Google: an authority's name is 1 to 63 of a-z, 0-9 and \"_\": write it as the "
     "API does"},
    {"[14, 30, 90]", "[14, 30, 60]",
     ": /authorities/google/validity_days/2: 60 is not one of 14, 30, 90, 365"},
    {"\"punycode\": false", "\"punycode\": \"no\"",
     ": /authorities/google/punycode: must be true or false, not a string"},
};

Test(data, authorities_are_read_strictly)
{
    AUTO_BUF text = BUF_INIT(65536);
    file_load("policy/authorities.json", &text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO_BUF edited = BUF_INIT(65536);
        struct authorities *known = NULL;
        struct err err = {0};
        text_edit(&edited, buf_text(&text), bad[i].what, bad[i].with);
        cr_assert_eq(authorities_load("a.json", buf_text(&edited), edited.len, &known, &err),
                     RESULT_CONFIG);
        cr_assert_null(known);
        cr_assert_not_null(strstr(err.text, bad[i].error), "%s", err.text);
    }
}

Test(data, a_new_ca_needs_no_new_release)
{
    AUTO_BUF text = BUF_INIT(65536);
    AUTO_BUF more = BUF_INIT(65536);
    AUTO_BUF edited = BUF_INIT(65536);
    struct authorities *known = NULL;
    struct policy *policy = NULL;
    struct err err = {0};
    file_load("policy/authorities.json", &text);
    text_edit(&more, buf_text(&text), "\"google\": {",
              "\"new_ca\": {\"title\": \"New\", \"source\": \"https://example.com\", "
              "\"validity_days\": [30], \"validation_methods\": [\"txt\"], \"wildcard_methods\": "
              "[\"txt\"], \"punycode\": true}, \"google\": {");
    cr_assert_eq(authorities_load("a.json", buf_text(&more), more.len, &known, &err), RESULT_OK,
                 "%s", err.text);
    text_edit(&edited, policy_text, "\"google\", \"ssl_com\"", "\"new_ca\"");
    cr_assert_eq(policy_load("p.json", buf_text(&edited), edited.len, known, &policy, &err),
                 RESULT_OK, "%s", err.text);
    authorities_free(&known);
    policy_free(&policy);
}
