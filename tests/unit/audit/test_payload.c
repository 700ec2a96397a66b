#include "helper_log.h"

#include <stdio.h>
#include <string.h>

#define UID      "0192f3a1-7b2c-7def-8123-456789abcdef"
#define PREVIOUS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define METADATA "\"metadata\":{\"sequence\":7,\"uid\":\"" UID "\",\"correlation_uid\":\"order\"}"
#define OURS                                                                                       \
    "\"event\":\"order.intent\",\"origin\":\"" TEST_ORIGIN "\",\"previous\":\"" PREVIOUS "\""
#define RECORD "{\"class_uid\":6003," METADATA ",\"unmapped\":{\"georder\":{" OURS "}}}"

static int scan(const char *text, struct payload *out)
{
    return payload_scan(text, strlen(text), out);
}

/* What the quick way takes, the strict one takes, and finds the same in it. */
static bool agree(const char *text)
{
    struct payload quick = {0}, strict = {0};
    int taken = scan(text, &quick);
    bool parsed = payload_parse(text, strlen(text), &strict);

    cr_assert_eq(payload_read(text, strlen(text), &quick), parsed, "%s", text);
    if (taken >= 0)
        cr_assert_eq(taken, parsed, "%s", text);
    if (!parsed)
        return false;
    cr_assert_eq(quick.sequence, strict.sequence);
    cr_assert_eq(quick.kind, strict.kind);
    cr_assert_arr_eq(quick.previous, strict.previous, SHA256_LEN);
    cr_assert_str_eq(quick.order_id, strict.order_id);
    cr_assert_str_eq(quick.origin, strict.origin);
    cr_assert_str_eq(quick.body_file, strict.body_file);
    return true;
}

Test(payload, is_read_in_one_pass)
{
    struct payload payload;

    cr_assert_eq(scan(RECORD, &payload), 1);
    cr_assert_eq(payload.sequence, 7);
    cr_assert_eq(payload.kind, RECORD_INTENT);
    cr_assert_str_eq(payload.order_id, "order");
    cr_assert_str_eq(payload.origin, TEST_ORIGIN);
    cr_assert_str_eq(payload.body_file, "");
    cr_assert_eq(payload.previous[1], 0x23);
    cr_assert(agree(RECORD));
}

Test(payload, of_a_real_record_needs_no_second_look)
{
    struct audit_event event = test_event("order.response", UID);
    uint8_t previous[SHA256_LEN] = {7};
    struct record_place place = {TEST_ORIGIN, 12, previous};
    AUTO_BUF text = BUF_INIT(AUDIT_LINE_MAX);
    AUTO_JSON *detail = cJSON_Parse("{\"response\":{\"body\":\"\\\"{[\\n\xc3\xa9\",\"ok\":[true,"
                                    "false,[],{},12]}}");
    struct payload payload;
    struct err err = {0};

    event.detail = detail;
    cr_assert_eq(record_build(&event, &place, detail, &text, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(scan(text.data, &payload), 1);
    cr_assert_eq(payload.sequence, 12);
    cr_assert_eq(payload.kind, RECORD_OUTCOME);
    cr_assert_str_eq(payload.order_id, UID);
    cr_assert(agree(text.data));
}

Test(payload, of_an_unusual_form_is_left_to_the_parser)
{
    static const char *const unusual[] = {
        "{ \"class_uid\":6003," METADATA ",\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003," METADATA ",\"unmapped\":{\"georder\":{" OURS "}}}\n",
        "{\"class_uid\":6003," METADATA ",\"unmapped\":{\"georder\":{\"\\u0061\":1," OURS "}}}",
        "{\"class_uid\":6003,\"message\":\"\\u001b\"," METADATA ",\"unmapped\":{\"georder\":{" OURS
        "}}}",
    };
    struct payload payload;

    for (size_t i = 0; i < sizeof unusual / sizeof *unusual; i++) {
        cr_assert_eq(scan(unusual[i], &payload), -1, "%s", unusual[i]);
        cr_assert(agree(unusual[i]), "%s", unusual[i]);
    }
}

Test(payload, that_is_no_record_is_refused)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "7",
        RECORD "x",
        RECORD RECORD,
        /* twice, once under another spelling, once of another type */
        "{\"class_uid\":6003," METADATA "," METADATA ",\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003," METADATA ",\"\\u006detadata\":{\"sequence\":8},\"unmapped\":{"
        "\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003,\"metadata\":{\"sequence\":7,\"s\\u0065quence\":8,\"uid\":\"" UID
        "\"},\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003,\"metadata\":{\"sequence\":\"7\",\"uid\":\"" UID
        "\"},\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003,\"metadata\":[],\"unmapped\":{\"georder\":{" OURS "}}}",
        /* wrong values */
        "{\"class_uid\":3004," METADATA ",\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003,\"metadata\":{\"sequence\":07,\"uid\":\"" UID
        "\"},\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003,\"metadata\":{\"sequence\":7,\"uid\":\"0192F3A1-7b2c-7def-8123-"
        "456789abcdef\"},\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003," METADATA ",\"unmapped\":{\"georder\":{\"event\":\"a.b\",\"origin\":"
        "\"x\",\"previous\":\"0123\"}}}",
        /* in the wrong place: inside a string, or one level too deep */
        "{\"class_uid\":6003,\"m\":{" METADATA "},\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003,\"m\":\""
        "\\\"metadata\\\":{}"
        "\",\"unmapped\":{\"georder\":{" OURS "}}}",
        /* not JSON */
        "{\"class_uid\":6003," METADATA ",\"x\":[1},\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003," METADATA ",\"x\":[1,],\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003," METADATA ",\"x\":\"\xff\",\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003," METADATA ",\"x\":\"\t\",\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003," METADATA ",\"x\":1.5,\"unmapped\":{\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003," METADATA ",\"x\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]],\"unmapped\":{"
        "\"georder\":{" OURS "}}}",
        "{\"class_uid\":6003," METADATA ",\"unmapped\":{\"georder\":{" OURS
        ",\"response\":{\"body_file\":\"../keys\"}}}}",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(agree(bad[i]), "%s", bad[i]);
}

Test(payload, cut_anywhere_or_with_any_bit_turned_is_read_alike_in_both_ways)
{
    char text[] = RECORD;

    for (size_t len = 0; len < sizeof text - 1; len++) {
        char kept = text[len];

        text[len] = '\0';
        cr_assert_not(agree(text));
        text[len] = kept;
    }
    for (size_t bit = 0; bit < 8 * (sizeof text - 1); bit++) {
        text[bit / 8] ^= (char)(1 << bit % 8);
        if (text[bit / 8] != '\0')
            (void)agree(text);
        text[bit / 8] ^= (char)(1 << bit % 8);
    }
    cr_assert(agree(text));
}

Test(payload, has_every_kind_of_event)
{
    static const struct {
        const char *event;
        enum record_kind kind;
    } kinds[] = {{"order.intent", RECORD_INTENT},   {"order.response", RECORD_OUTCOME},
                 {"order.unknown", RECORD_OUTCOME}, {"order.not_sent", RECORD_OUTCOME},
                 {"log.repaired", RECORD_REPAIR},   {"order.denied", RECORD_OTHER},
                 {"order.intents", RECORD_OTHER}};
    struct payload payload;
    char text[1024];

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"class_uid\":6003," METADATA ",\"unmapped\":{\"georder\":{\"event\":"
                       "\"%s\",\"origin\":\"o\",\"previous\":\"" PREVIOUS "\"}}}",
                       kinds[i].event);
        cr_assert_eq(scan(text, &payload), 1);
        cr_assert_eq(payload.kind, kinds[i].kind, "%s", kinds[i].event);
    }
}
