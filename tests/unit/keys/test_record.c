#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

#define PREVIOUS "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define RECORD(class, sequence, uid, event, previous, origin)                                      \
    "{\"class_uid\":" class ",\"metadata\":{\"sequence\":" sequence ",\"uid\":\"" uid              \
                            "\"},\"unmapped\":{\"georder\":{\"event\":\"" event                    \
                            "\",\"previous\":\"" previous "\",\"origin\":\"" origin "\"}}}"
#define UID "0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"

static enum result check(const struct record_state *state, const char *payload, struct err *err)
{
    uint64_t sequence;

    return record_check(state, payload, strlen(payload), &sequence, err);
}

static void refused(const struct record_state *state, const char *payload, const char *why)
{
    struct err err = {0};

    cr_assert_eq(check(state, payload, &err), RESULT_KEY, "%s was taken", payload);
    cr_assert_eq(strncmp(err.text, "refused to sign: ", 17), 0, "%s", err.text);
    cr_assert_not_null(strstr(err.text, why), "\"%s\" is not in: %s", why, err.text);
}

Test(record, the_first_may_have_any_place)
{
    struct record_state state = {.origin = "o"};
    struct err err = {0};
    uint64_t sequence = 0;
    const char *payload = RECORD("6003", "41", UID, "order.denied", PREVIOUS, "o");

    cr_assert_eq(record_check(&state, payload, strlen(payload), &sequence, &err), RESULT_OK, "%s",
                 err.text);
    cr_assert_eq(sequence, 41);
}

Test(record, malformed_is_refused)
{
    struct record_state state = {.origin = "o"};

    refused(&state, "", "record");
    refused(&state, "hello", "record");
    refused(&state, "{}", "class_uid");
    refused(&state, RECORD("6003", "1", UID, "order.denied", PREVIOUS, "o") "x", "record:1:");
    refused(&state, RECORD("6004", "1", UID, "order.denied", PREVIOUS, "o"),
            "class_uid is 6004, not 6003");
    refused(&state, RECORD("6003", "-1", UID, "order.denied", PREVIOUS, "o"), "record:1:");
    refused(&state, RECORD("6003", "1.5", UID, "order.denied", PREVIOUS, "o"), "record:1:");
    refused(&state, RECORD("6003", "1000000000000", UID, "order.denied", PREVIOUS, "o"),
            "/metadata/sequence");
    refused(&state, RECORD("6003", "1", "x", "order.denied", PREVIOUS, "o"),
            "metadata.uid is not a UUID");
    refused(&state,
            RECORD("6003", "1", "0193A1B2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "a.b", PREVIOUS, "o"),
            "metadata.uid is not a UUID in lower case");
    refused(&state, RECORD("6003", "1", UID, "order", PREVIOUS, "o"), "noun.verb");
    refused(&state, RECORD("6003", "1", UID, "order.", PREVIOUS, "o"), "noun.verb");
    refused(&state, RECORD("6003", "1", UID, ".denied", PREVIOUS, "o"), "noun.verb");
    refused(&state, RECORD("6003", "1", UID, "order.denied.x", PREVIOUS, "o"), "noun.verb");
    refused(&state, RECORD("6003", "1", UID, "Order.denied", PREVIOUS, "o"), "noun.verb");
    refused(&state, RECORD("6003", "1", UID, "order.denied", "00", "o"), "64 hex digits");
    refused(&state, RECORD("6003", "1", UID, "order.denied", PREVIOUS, "other"),
            "unmapped.georder.origin is not o");
}

Test(record, duplicate_names_are_refused)
{
    struct record_state state = {.origin = "o"};

    refused(&state, "{\"class_uid\":6003,\"class_uid\":6003}", "record:1:");
}

Test(record, the_next_must_follow_the_last)
{
    struct record_state state = {
        .origin = "o", .signed_any = true, .sequence = 7, .line_hash = PREVIOUS};
    struct err err = {0};

    cr_assert_eq(check(&state, RECORD("6003", "8", UID, "a.b", PREVIOUS, "o"), &err), RESULT_OK,
                 "%s", err.text);
    refused(&state,
            RECORD("6003", "8", UID, "a.b",
                   "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "o"),
            "unmapped.georder.previous is not the SHA-256 of record 7");
    refused(&state, RECORD("6003", "7", UID, "a.b", PREVIOUS, "o"),
            "metadata.sequence is 7, but 7 was signed already");
    refused(&state, RECORD("6003", "0", UID, "a.b", PREVIOUS, "o"),
            "metadata.sequence is 0, but 7 was signed already");
}

Test(record, another_process_may_have_appended)
{
    struct record_state state = {
        .origin = "o", .signed_any = true, .sequence = 7, .line_hash = PREVIOUS};
    struct err err = {0};

    cr_assert_eq(
        check(&state,
              RECORD("6003", "9", UID, "a.b",
                     "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "o"),
              &err),
        RESULT_OK, "%s", err.text);
}

Test(record, origins)
{
    char longest[ORIGIN_MAX + 2];

    memset(longest, 'a', sizeof longest);
    longest[ORIGIN_MAX] = '\0';
    cr_assert(origin_valid("host-17.example.com/georder"));
    cr_assert(origin_valid(longest));
    longest[ORIGIN_MAX] = 'a';
    longest[ORIGIN_MAX + 1] = '\0';
    cr_assert(!origin_valid(longest));
    cr_assert(!origin_valid(""));
    cr_assert(!origin_valid("a b"));
    cr_assert(!origin_valid("a+b"));
    cr_assert(!origin_valid("a\nb"));
    cr_assert(!origin_valid("\xc3\xa4"));
}
