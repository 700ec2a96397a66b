#include "helper_log.h"

#include <stdio.h>
#include <string.h>

#define UID      "0192f3a1-7b2c-7def-8123-456789abcdef"
#define PREVIOUS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PRODUCT                                                                                    \
    "\"version\":\"1.8.0\",\"product\":{\"name\":\"georder\",\"vendor_name\":\"georder\","         \
    "\"version\":\"0.1.0\"},\"log_name\":\"" TEST_ORIGIN "\",\"event_code\":\"order.intent\","     \
    "\"logged_time\":1795458000123"
#define METADATA                                                                                   \
    "\"metadata\":{\"sequence\":7,\"uid\":\"" UID "\",\"correlation_uid\":\"order\"," PRODUCT "}"
#define OURS                                                                                       \
    "\"event\":\"order.intent\",\"origin\":\"" TEST_ORIGIN "\",\"previous\":\"" PREVIOUS "\""
#define HEAD   "{\"class_uid\":6003," METADATA ",\"unmapped\":{\"georder\":{" OURS
#define TAIL   ",\"a\":1}},\"category_uid\":6}"
#define RECORD HEAD TAIL

static bool read64(const char *text, struct payload *out)
{
    AUTO_BUF coded = BUF_INIT(AUDIT_LINE_MAX);
    AUTO_BUF room = BUF_INIT(AUDIT_LINE_MAX);

    base64url_put(&coded, text, strlen(text));
    return payload_read(buf_text(&coded), coded.len, &room, out);
}

static void expect_same(const struct payload *a, const struct payload *b)
{
    cr_assert_eq(a->sequence, b->sequence);
    cr_assert_eq(a->kind, b->kind);
    cr_assert_arr_eq(a->previous, b->previous, SHA256_LEN);
    cr_assert_str_eq(a->order_id, b->order_id);
    cr_assert_str_eq(a->origin, b->origin);
    cr_assert_str_eq(a->body_file, b->body_file);
}

static bool scan(const char *text, struct payload *out)
{
    return payload_scan(text, strlen(text), out);
}

static bool parse(const char *text, struct payload *out)
{
    return payload_parse(text, strlen(text), out);
}

Test(payload, is_read_from_its_head)
{
    struct payload payload, parsed;

    cr_assert(scan(RECORD, &payload));
    cr_assert_eq(payload.sequence, 7);
    cr_assert_eq(payload.kind, RECORD_INTENT);
    cr_assert_str_eq(payload.order_id, "order");
    cr_assert_str_eq(payload.origin, TEST_ORIGIN);
    cr_assert_str_eq(payload.body_file, "");
    cr_assert_eq(payload.previous[1], 0x23);
    cr_assert(parse(RECORD, &parsed));
    expect_same(&payload, &parsed);
    cr_assert(read64(RECORD, &parsed));
    expect_same(&payload, &parsed);
}

static void build(const char *order_id, const char *body_file, const cJSON *detail,
                  struct buf *text)
{
    struct audit_event event = test_event("order.response", order_id);
    uint8_t previous[SHA256_LEN] = {7};
    struct record_place place = {TEST_ORIGIN, 12, previous, body_file, 0};
    struct err err = {0};

    event.detail = detail;
    cr_assert_eq(record_build(&event, &place, detail, text, &err), RESULT_OK, "%s", err.text);
}

Test(payload, of_a_real_record_needs_no_second_look)
{
    static const char *const files[] = {NULL, "bodies/" PREVIOUS};
    static const char *const orders[] = {"", UID};
    AUTO_JSON *detail = cJSON_Parse("{\"response\":{\"body\":\"\\\"{[\\n\xc3\xa9\"}}");

    for (int i = 0; i < 4; i++) {
        AUTO_BUF text = BUF_INIT(AUDIT_LINE_MAX);
        struct payload payload, parsed;

        build(orders[i % 2], files[i / 2], detail, &text);
        cr_assert(scan(text.data, &payload), "%s", text.data);
        cr_assert_eq(payload.sequence, 12);
        cr_assert_eq(payload.kind, RECORD_OUTCOME);
        cr_assert_str_eq(payload.order_id, orders[i % 2]);
        cr_assert_str_eq(payload.body_file, i < 2 ? "" : PREVIOUS);
        cr_assert(parse(text.data, &parsed));
        expect_same(&payload, &parsed);
    }
}

/* However little of it was decoded: what is optional is never taken for missing. */
Test(payload, cut_anywhere_is_read_rightly_or_not_at_all)
{
    AUTO_BUF text = BUF_INIT(AUDIT_LINE_MAX);
    struct payload whole, cut;

    build(UID, "bodies/" PREVIOUS, NULL, &text);
    cr_assert(parse(text.data, &whole));
    for (size_t len = 0; len < text.len; len++) {
        char kept = text.data[len];

        text.data[len] = '\0';
        cr_assert_not(parse(text.data, &cut));
        if (payload_scan(text.data, len, &cut))
            expect_same(&cut, &whole);
        text.data[len] = kept;
    }
}

Test(payload, with_any_bit_of_its_head_turned_is_read_alike_in_both_ways)
{
    char text[] = RECORD;
    struct payload quick, strict;

    for (size_t bit = 0; bit < 8 * (sizeof HEAD - 1); bit++) {
        text[bit / 8] ^= (char)(1 << bit % 8);
        if (text[bit / 8] != '\0' && scan(text, &quick)) {
            cr_assert(parse(text, &strict), "%s", text);
            expect_same(&quick, &strict);
        }
        text[bit / 8] ^= (char)(1 << bit % 8);
    }
}

Test(payload, of_another_shape_is_left_to_the_parser)
{
    static const char *const other[] = {
        "{ " METADATA ",\"class_uid\":6003,\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"unmapped\":{\"georder\":{" OURS "}},\"class_uid\":6003," METADATA "}\n",
        "{\"class_uid\":6003," METADATA ",\"unmapped\":{\"georder\":{\"\\u0061\":1," OURS "}}}",
        "{\"class_uid\":6003,\"metadata\":{\"sequence\":7,\"uid\":\"" UID
        "\"},\"unmapped\":{\"georder\":{" OURS "}}}",
    };
    struct payload payload;

    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        cr_assert_not(scan(other[i], &payload), "%s", other[i]);
        cr_assert(read64(other[i], &payload), "%s", other[i]);
        cr_assert_eq(payload.sequence, 7);
        cr_assert_eq(payload.kind, RECORD_INTENT);
    }
}

Test(payload, that_is_long_before_its_own_part_is_read, .timeout = 20)
{
    static char text[4000], long_name[2000];
    struct payload payload;

    memset(long_name, 'x', sizeof long_name - 1);
    (void)snprintf(text, sizeof text,
                   "{\"class_uid\":6003,\"metadata\":{\"sequence\":7,\"uid\":\"" UID
                   "\",\"name\":\"%s\"},\"unmapped\":{\"georder\":{" OURS "}}}",
                   long_name);
    cr_assert(read64(text, &payload));
    cr_assert_eq(payload.sequence, 7);
}

Test(payload, that_is_no_record_is_refused)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "7",
        "null",
        /* twice, once under another spelling, once of another type */
        "{\"class_uid\":6003,\"x\":0," METADATA "," METADATA ",\"unmapped\":{\"georder\":{" OURS
        "}}}",
        "{\"class_uid\":6003,\"x\":0," METADATA
        ",\"\\u006detadata\":{\"sequence\":8},\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003,\"metadata\":{\"sequence\":7,\"s\\u0065quence\":8,\"uid\":\"" UID
        "\"},\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003,\"metadata\":{\"sequence\":\"7\",\"uid\":\"" UID
        "\"},\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003,\"metadata\":[],\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003," METADATA ",\"unmapped\":{\"georder\":7}}",
        /* wrong values */
        "{\"class_uid\":3004," METADATA ",\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003,\"metadata\":{\"sequence\":07,\"uid\":\"" UID
        "\"},\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003,\"metadata\":{\"sequence\":7,\"uid\":\"0192F3A1-7b2c-7def-8123-"
        "456789abcdef\"},\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003," METADATA ",\"unmapped\":{\"georder\":{\"event\":\"a.b\",\"origin\":"
        "\"x\",\"previous\":\"0123\"}}}",
        HEAD ",\"body_file\":\"../keys\"" TAIL,
        HEAD ",\"body_file\":7" TAIL,
        /* in the wrong place */
        "{\"class_uid\":6003,\"m\":{" METADATA "},\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003,\"m\":\"\\\"metadata\\\":{}\",\"unmapped\":{\"georder\":{" OURS "}}}",
    };
    struct payload payload;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(read64(bad[i], &payload), "%s", bad[i]);
}

Test(payload, that_is_not_base64url_is_refused)
{
    AUTO_BUF room = BUF_INIT(AUDIT_LINE_MAX);
    struct payload payload;

    cr_assert_not(payload_read("e30=", 4, &room, &payload));
    cr_assert_not(payload_read("e3", 2, &room, &payload));
    cr_assert_not(payload_read("", 0, &room, &payload));
}

Test(payload, has_every_kind_of_event)
{
    static const struct {
        const char *event;
        enum record_kind kind;
    } kinds[] = {{"order.intent", RECORD_INTENT},        {"order.response", RECORD_OUTCOME},
                 {"order.unknown", RECORD_OUTCOME},      {"order.not_sent", RECORD_OUTCOME},
                 {"log.repaired", RECORD_REPAIR},        {"order.denied", RECORD_OTHER},
                 {"order.intents", RECORD_OTHER},        {"credential.change", RECORD_INTENT},
                 {"credential.changed", RECORD_OUTCOME}, {"credential.unchanged", RECORD_OUTCOME},
                 {"credential.unknown", RECORD_OUTCOME}, {"credential.verified", RECORD_OTHER},
                 {"keystore.change", RECORD_INTENT},     {"keystore.changed", RECORD_OUTCOME},
                 {"keystore.unchanged", RECORD_OUTCOME}, {"keystore.unknown", RECORD_OUTCOME},
                 {"policy.changed", RECORD_OTHER}};
    struct payload payload;
    char text[1024];

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"class_uid\":6003," METADATA ",\"unmapped\":{\"georder\":{\"event\":"
                       "\"%s\",\"origin\":\"o\",\"previous\":\"" PREVIOUS "\"" TAIL,
                       kinds[i].event);
        cr_assert(scan(text, &payload), "%s", text);
        cr_assert_eq(payload.kind, kinds[i].kind, "%s", kinds[i].event);
    }
}
