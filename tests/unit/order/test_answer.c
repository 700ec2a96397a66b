#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "helper_answers.h"

static void decoded(const struct body *body, int status, struct answer *answer)
{
    struct err err = {0};
    cr_assert_eq(answer_decode(status, "application/json", body->text, body->len, answer, &err),
                 RESULT_OK, "%s", err.text);
}

/* A place without a text: what the strict parser says there is its own. */
static bool why_matches(const struct answer *answer, const struct example *example)
{
    size_t len = strlen(example->why);
    if (len > 2 && strcmp(example->why + len - 2, ": ") == 0)
        return strncmp(answer->why, example->why, len) == 0 && answer->why[len] != '\0';
    return strcmp(answer->why, example->why) == 0;
}

Test(answer, examples)
{
    for (size_t i = 0; i < examples_count; i++) {
        const struct example *example = &examples[i];
        AUTO_BODY body = body_load(example->file);
        struct answer answer;
        struct err err = {0};
        cr_assert_eq(
            answer_decode(example->status, example->type, body.text, body.len, &answer, &err),
            RESULT_OK);
        cr_expect_eq(answer.outcome, example->outcome, "%s %d", example->file, example->status);
        cr_expect_eq(answer.envelope, example->envelope, "%s %d", example->file, example->status);
        cr_expect_eq(answer.success, example->success, "%s %d", example->file, example->status);
        cr_expect_eq(answer.packs, example->packs, "%s %d", example->file, example->status);
        cr_expect_eq(answer.errors, example->errors, "%s %d", example->file, example->status);
        cr_expect_eq(answer.messages, example->messages, "%s %d", example->file, example->status);
        cr_expect(why_matches(&answer, example), "%s %d: %s", example->file, example->status,
                  answer.why);
        answer_free(&answer);
    }
}

Test(answer, every_member_of_the_schema)
{
    AUTO_BODY body = body_load("schema_example.json");
    struct answer answer;
    decoded(&body, 200, &answer);
    const struct pack *pack = answer_pack(&answer);
    cr_assert_not_null(pack);
    cr_assert_str_eq(pack->id, "3822ff90-ea29-44df-9e55-21300bb9419b");
    cr_assert_str_eq(pack->type, "mh_custom");
    cr_assert_str_eq(pack->status, "initializing");
    cr_assert_str_eq(pack->certificate_authority, "lets_encrypt");
    cr_assert_str_eq(pack->validation_method, "txt");
    cr_assert_str_eq(pack->primary_certificate, "7e7b8deba8538af625850b7b2530034c");
    cr_assert_eq(pack->validity_days, 14);
    cr_assert_eq(pack->cloudflare_branding, 0);
    cr_assert_eq(cJSON_GetArraySize(pack->hosts), 3);
    cr_assert_eq(pack->raw, cJSON_GetObjectItemCaseSensitive(answer.doc.root, "result"));
    cr_assert_eq(pack->validation_errors, 1);
    cr_assert_str_eq(pack->validation_error[0], "SERVFAIL looking up CAA for app.example.com");
    cr_assert_eq(answer.total_pages, 1);
    answer_free(&answer);
}

Test(answer, certificate)
{
    AUTO_BODY body = body_load("schema_example.json");
    struct answer answer;
    decoded(&body, 200, &answer);
    cr_assert_eq(answer.pack->certificates, 1);
    const struct certificate *certificate = &answer.pack->certificate[0];
    cr_assert_str_eq(certificate->id, "7e7b8deba8538af625850b7b2530034c");
    cr_assert_str_eq(certificate->status, "active");
    cr_assert_str_eq(certificate->issuer, "Let's Encrypt");
    cr_assert_str_eq(certificate->signature, "ECDSAWithSHA256");
    cr_assert_str_eq(certificate->bundle_method, "ubiquitous");
    cr_assert_str_eq(certificate->expires_on, "2024-01-01T00:00:00Z");
    cr_assert_str_eq(certificate->uploaded_on, "2014-01-01T05:20:00Z");
    cr_assert_str_eq(certificate->modified_on, "2014-01-01T05:20:00Z");
    cr_assert_str_eq(certificate->zone_id, "023e105f4ecef8ad9ca31a8372d0c353");
    cr_assert_str_eq(certificate->geo_label, "us");
    cr_assert_float_eq(certificate->priority, 0.0, 0.0);
    cr_assert_eq(cJSON_GetArraySize(certificate->hosts), 1);
    answer_free(&answer);
}

static void record_seen(const struct validation_record *record)
{
    cr_assert_str_eq(record->status, "pending");
    cr_assert_str_eq(record->txt_name, "_acme-challenge.app.example.com");
    cr_assert_str_eq(record->txt_value, "810b7d5f01154524b961ba0cd578acc2");
    cr_assert_str_eq(record->cname, "_acme-challenge.example.com");
    cr_assert_str_eq(record->cname_target, "dcv.cloudflare.com");
    cr_assert_str_eq(record->http_url, "http://app.example.com/.well-known/pki-validation/"
                                       "ca3-da12a1c25e7b48cf80408c6c1763b8a2.txt");
    cr_assert_str_eq(record->http_body, "ca3-574923932a82475cb8592200f1a2a23d");
    cr_assert_eq(cJSON_GetArraySize(record->emails), 2);
}

Test(answer, validation_records)
{
    AUTO_BODY body = body_load("schema_example.json");
    struct answer answer;
    decoded(&body, 200, &answer);
    cr_assert_eq(answer.pack->validation_records, 1);
    cr_assert_eq(answer.pack->dcv_delegation_records, 1);
    record_seen(&answer.pack->validation_record[0]);
    record_seen(&answer.pack->dcv_delegation_record[0]);
    answer_free(&answer);
}

Test(answer, what_is_not_there)
{
    AUTO_BODY body = body_load("pack_bare.json");
    struct answer answer;
    decoded(&body, 200, &answer);
    const struct pack *pack = answer_pack(&answer);
    cr_assert_str_eq(pack->status, "");
    cr_assert_str_eq(pack->type, "");
    cr_assert_eq(pack->validity_days, 0);
    cr_assert_eq(pack->cloudflare_branding, -1);
    cr_assert_null(pack->hosts);
    cr_assert_eq(pack->certificates + pack->validation_records + pack->dcv_delegation_records +
                     pack->validation_errors,
                 0);
    answer_free(&answer);
}

Test(answer, unknown_members_and_values_are_kept)
{
    AUTO_BODY body = body_load("pack_unknown.json");
    struct answer answer;
    decoded(&body, 200, &answer);
    const struct pack *pack = answer_pack(&answer);
    cr_assert_str_eq(pack->type, "post_quantum");
    cr_assert_str_eq(pack->status, "pending_audit");
    cr_assert_str_eq(pack->certificate[0].geo_label, "moon");
    cr_assert(isnan(pack->certificate[0].priority));
    cr_assert(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(pack->raw, "auto_renew")));
    answer_free(&answer);
}

Test(answer, errors_whole)
{
    AUTO_BODY body = body_load("refused.json");
    struct answer answer;
    decoded(&body, 400, &answer);
    cr_assert_eq(answer.error[0].code, 1450);
    cr_assert_str_eq(answer.error[0].message, "You must purchase Advanced Certificate Manager");
    cr_assert_str_eq(answer.error[0].documentation_url, "https://developers.cloudflare.com/ssl/");
    cr_assert_str_eq(answer.error[0].pointer, "/validity_days");
    cr_assert_eq(answer.error[1].code, 1401);
    cr_assert_str_eq(answer.error[1].documentation_url, "");
    cr_assert_str_eq(answer.error[1].pointer, "");
    cr_assert_null(answer_pack(&answer));
    answer_free(&answer);
}

Test(answer, odd_errors)
{
    AUTO_BODY chain = body_load("refused_chain.json");
    AUTO_BODY no_code = body_load("refused_no_code.json");
    AUTO_BODY malformed = body_load("refused_malformed.json");
    struct answer answer;
    decoded(&chain, 400, &answer);
    cr_assert_eq(
        cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(answer.error[0].raw, "error_chain")),
        1);
    answer_free(&answer);
    decoded(&no_code, 400, &answer);
    cr_assert_eq(answer.error[0].code, 0);
    cr_assert_str_eq(answer.error[0].message, "Bad response certificate service");
    answer_free(&answer);
    decoded(&malformed, 404, &answer);
    cr_assert_str_eq(answer.error[0].message, "");
    cr_assert_str_eq(answer.error[0].raw->valuestring, "a bare text");
    cr_assert_eq(answer.error[1].code, 0);
    cr_assert_str_eq(answer.error[1].pointer, "");
    cr_assert_eq(answer.error[2].code, 1408);
    answer_free(&answer);
}

Test(answer, lists)
{
    AUTO_BODY body = body_load("list.json");
    AUTO_BODY empty = body_load("list_empty.json");
    struct answer answer;
    decoded(&body, 200, &answer);
    cr_assert_eq(answer.total_pages, 3);
    cr_assert_str_eq(answer.pack[0].type, "universal");
    cr_assert_str_eq(answer.pack[1].id, "023e105f4ecef8ad9ca31a8372d0c353");
    cr_assert_null(answer_pack(&answer));
    answer_free(&answer);
    decoded(&empty, 200, &answer);
    cr_assert_eq(answer.total_pages, 0);
    cr_assert_null(answer_pack(&answer));
    answer_free(&answer);
}

Test(answer, a_list_of_one_is_no_order)
{
    static char text[] = "{\"success\":true,\"result\":[{\"id\":"
                         "\"3822ff90-ea29-44df-9e55-21300bb9419b\"}]}";
    struct answer answer;
    decoded(&(struct body){text, strlen(text)}, 200, &answer);
    cr_assert_eq(answer.packs, 1);
    cr_assert_null(answer_pack(&answer));
    answer_free(&answer);
}

Test(answer, too_long_a_list)
{
    AUTO_BUF text = BUF_INIT(65536);
    struct answer answer;
    buf_puts(&text, "{\"success\":true,\"result\":[");
    for (int i = 0; i < ANSWER_LIST_MAX + 1; i++)
        buf_printf(&text, "%s{\"id\":\"%032d\"}", i == 0 ? "" : ",", i);
    buf_puts(&text, "]}");
    decoded(&(struct body){text.data, text.len}, 200, &answer);
    cr_assert_eq(answer.outcome, ANSWER_UNCLEAR);
    cr_assert_str_eq(answer.why, "answer:1:26: /result: has more than 256 items");
    cr_assert_eq(answer.packs, 0);
    answer_free(&answer);
}

Test(answer, wrong_types)
{
    static const struct {
        const char *member, *why;
    } cases[] = {
        {"\"type\":1", "/result/type: must be a string"},
        {"\"hosts\":\"example.com\"", "/result/hosts: must be an array"},
        {"\"hosts\":[1]", "/result/hosts/0: must be a string"},
        {"\"certificates\":{}", "/result/certificates: must be an array"},
        {"\"certificates\":[[]]", "/result/certificates/0: must be an object"},
        {"\"certificates\":[{\"geo_restrictions\":\"eu\"}]",
         "/result/certificates/0/geo_restrictions: must be an object"},
        {"\"certificates\":[{\"geo_restrictions\":{\"label\":[]}}]",
         "/result/certificates/0/geo_restrictions/label: must be a string"},
        {"\"certificates\":[{\"priority\":\"1\"}]",
         "/result/certificates/0/priority: must be a number"},
        {"\"validity_days\":90.5", "/result/validity_days: must be an integer from 0 to 100000"},
        {"\"validity_days\":-1", "/result/validity_days: must be an integer from 0 to 100000"},
        {"\"validity_days\":\"90\"", "/result/validity_days: must be an integer from 0 to 100000"},
        {"\"cloudflare_branding\":1", "/result/cloudflare_branding: must be true or false"},
        {"\"validation_records\":[{\"emails\":[1]}]",
         "/result/validation_records/0/emails/0: must be a string"},
        {"\"dcv_delegation_records\":[1]", "/result/dcv_delegation_records/0: must be an object"},
        {"\"validation_errors\":[\"x\"]", "/result/validation_errors/0: must be an object"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_BUF text = BUF_INIT(4096);
        struct answer answer;
        buf_printf(&text,
                   "{\"success\":true,\"result\":{\"id\":\"3822ff90ea2944df9e5521300bb9419b\",%s}}",
                   cases[i].member);
        decoded(&(struct body){text.data, text.len}, 200, &answer);
        cr_expect_eq(answer.outcome, ANSWER_UNCLEAR, "%s", cases[i].member);
        const char *why = strstr(answer.why, ": ");
        cr_assert_not_null(why, "%s: %s", cases[i].member, answer.why);
        cr_expect_str_eq(why + 2, cases[i].why);
        answer_free(&answer);
    }
}

Test(answer, too_long_a_text)
{
    AUTO_BUF text = BUF_INIT(65536);
    struct answer answer;
    buf_puts(&text, "{\"success\":true,\"result\":{\"id\":\"3822ff90ea2944df9e5521300bb9419b\","
                    "\"status\":\"");
    for (int i = 0; i < 8193; i++)
        buf_putc(&text, 'a');
    buf_puts(&text, "\"}}");
    decoded(&(struct body){text.data, text.len}, 200, &answer);
    cr_assert_eq(answer.outcome, ANSWER_UNCLEAR);
    cr_assert_str_eq(answer.why, "answer:1:76: /result/status: is longer than 8192 bytes");
    answer_free(&answer);
}

Test(answer, pack_ids)
{
    static const char *const good[] = {"3822ff90ea2944df9e5521300bb9419b",
                                       "3822ff90-ea29-44df-9e55-21300bb9419b"};
    static const char *const bad[] = {"",
                                      "3822ff90ea2944df9e5521300bb9419",
                                      "3822ff90ea2944df9e5521300bb9419b0",
                                      "3822ff90ea2944df9e5521300bb9419g",
                                      "3822FF90ea2944df9e5521300bb9419b",
                                      "3822ff90-ea29-44df-9e55-21300bb9419",
                                      "3822ff90-ea29-44df-9e55-21300bb9419/",
                                      "3822ff90ea29-44df-9e55-21300bb9419b-",
                                      "../../../../../../user/tokens/verify"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        cr_expect(pack_id_valid(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(pack_id_valid(bad[i]), "%s", bad[i]);
}
