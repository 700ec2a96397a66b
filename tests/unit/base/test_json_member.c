#include <criterion/criterion.h>
#include <string.h>

#include "base.h"

static struct json_doc doc;
static struct err err;

static void load(const char *text, enum json_mode mode)
{
    json_free(&doc);
    doc = (struct json_doc){
        .name = "policy.json", .text = text, .len = strlen(text), .result = RESULT_CONFIG};
    err = (struct err){0};
    cr_assert_eq(json_parse(&doc, mode, &err), RESULT_OK, "%s", err.text);
}

static void unload(void)
{
    json_free(&doc);
}

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void check_failed(enum result result, const char *text)
{
    cr_assert_eq(result, RESULT_CONFIG);
    cr_assert_eq(err.result, RESULT_CONFIG);
    cr_assert_str_eq(err.text, text);
}

TestSuite(json_member, .fini = unload);

Test(json_member, fail_points_at_the_value)
{
    load("{\n  \"a~b\": {\"c/d\" : [0, [1, \"]},{\\\"\"],\n\t{\"x\":  5}]}\n}", JSON_OURS);
    const cJSON *list = member(member(doc.root, "a~b"), "c/d");
    check_failed(json_fail(&doc, member(cJSON_GetArrayItem(list, 2), "x"), &err, "%d is odd", 5),
                 "policy.json:3:9: /a~0b/c~1d/2/x: 5 is odd");
    check_failed(json_fail(&doc, list, &err, "list"), "policy.json:2:19: /a~0b/c~1d: list");
    const cJSON *inner = cJSON_GetArrayItem(cJSON_GetArrayItem(list, 1), 1);
    check_failed(json_fail(&doc, inner, &err, "inner"), "policy.json:2:27: /a~0b/c~1d/1/1: inner");
}

Test(json_member, fail_points_at_the_document)
{
    load(" \n {}", JSON_OURS);
    check_failed(json_fail(&doc, doc.root, &err, "bad"), "policy.json:2:2: bad");
}

Test(json_member, fail_without_a_place)
{
    AUTO_JSON *other = cJSON_CreateNull();
    load("{}", JSON_OURS);
    check_failed(json_fail(&doc, other, &err, "bad"), "policy.json: bad");
    check_failed(json_fail(&doc, NULL, &err, "bad"), "policy.json: bad");
}

Test(json_member, fail_escapes_names_for_terminals)
{
    load("{\"\\u001b[2J\\u202e\":1}", JSON_OURS);
    check_failed(json_fail(&doc, doc.root->child, &err, "bad"),
                 "policy.json:1:20: /\\x1b[2J\\u{202e}: bad");
}

Test(json_member, fail_drops_a_pointer_that_is_too_long)
{
    AUTO_BUF text = BUF_INIT(4096);
    buf_printf(&text, "{\"%0*d\":1}", 2000, 0);
    load(buf_text(&text), JSON_OURS);
    check_failed(json_fail(&doc, doc.root->child, &err, "bad"), "policy.json:1:2005: bad");
}

Test(json_member, object_lists_what_it_knows)
{
    static const char *const known[] = {"id", "effect", NULL};
    load("{\"id\":1,\n  \"Effect\" : 2, \"zz\":3}", JSON_OURS);
    check_failed(json_object(&doc, doc.root, known, &err),
                 "policy.json:2:3: /Effect: unknown member \"Effect\"; known are \"id\", "
                 "\"effect\"");
}

Test(json_member, object_takes_known_members)
{
    static const char *const known[] = {"id", "effect", NULL};
    load("{\"effect\":{\"other\":1}}", JSON_OURS);
    cr_assert_eq(json_object(&doc, doc.root, known, &err), RESULT_OK);
    load("[{}, 7]", JSON_OURS);
    check_failed(json_object(&doc, doc.root, known, &err),
                 "policy.json:1:1: must be an object, not an array");
    check_failed(json_object(&doc, cJSON_GetArrayItem(doc.root, 1), known, &err),
                 "policy.json:1:6: /1: must be an object, not a number");
}

Test(json_member, member_is_found_by_exact_name)
{
    const cJSON *out = NULL;
    load("{\"V\":1,\"v\":[2]}", JSON_OURS);
    cr_assert_eq(json_member(&doc, doc.root, "v", &out, &err), RESULT_OK);
    cr_assert_eq(out, doc.root->child->next);
}

Test(json_member, missing_member_points_at_the_object)
{
    const cJSON *out = doc.root;
    load("{\"rules\": [\n\n    {\"Effect\":1}]}", JSON_OURS);
    check_failed(json_member(&doc, member(doc.root, "rules")->child, "effect", &out, &err),
                 "policy.json:3:5: /rules/0: member \"effect\" is missing");
    cr_assert_eq(out, NULL);
}

Test(json_member, null_is_never_taken)
{
    const cJSON *node = NULL;
    const char *text = NULL;
    bool flag = true;
    load("{\"a\": null}", JSON_OURS);
    check_failed(json_member(&doc, doc.root, "a", &node, &err),
                 "policy.json:1:7: /a: must not be null");
    check_failed(json_string_opt(&doc, doc.root, "a", 9, &text, &err),
                 "policy.json:1:7: /a: must be a string, not null");
    check_failed(json_bool_opt(&doc, doc.root, "a", &flag, &err),
                 "policy.json:1:7: /a: must be true or false, not null");
    cr_assert(node == NULL && text == NULL && flag);
}

Test(json_member, every_getter_wants_an_object)
{
    static const char error[] = "policy.json:1:1: must be an object, not an array";
    const cJSON *node;
    const char *text;
    int64_t number;
    bool flag;
    load("[1]", JSON_OURS);
    check_failed(json_member(&doc, doc.root, "a", &node, &err), error);
    check_failed(json_string(&doc, doc.root, "a", 9, &text, &err), error);
    check_failed(json_string_opt(&doc, doc.root, "a", 9, &text, &err), error);
    check_failed(json_int(&doc, doc.root, "a", 0, 9, &number, &err), error);
    check_failed(json_bool(&doc, doc.root, "a", &flag, &err), error);
    check_failed(json_bool_opt(&doc, doc.root, "a", &flag, &err), error);
    check_failed(json_array(&doc, doc.root, "a", 0, 9, &node, &err), error);
}

Test(json_member, strings_are_bounded)
{
    const char *out = NULL;
    load("{\"a\":\"12345\",\"b\":\"\",\"c\":7}", JSON_OURS);
    cr_assert_eq(json_string(&doc, doc.root, "a", 5, &out, &err), RESULT_OK);
    cr_assert_str_eq(out, "12345");
    check_failed(json_string(&doc, doc.root, "a", 4, &out, &err),
                 "policy.json:1:6: /a: has 5 bytes; at most 4 are allowed");
    check_failed(json_string(&doc, doc.root, "b", 4, &out, &err),
                 "policy.json:1:18: /b: must not be empty");
    check_failed(json_string(&doc, doc.root, "c", 4, &out, &err),
                 "policy.json:1:25: /c: must be a string, not a number");
    check_failed(json_string(&doc, doc.root, "d", 4, &out, &err),
                 "policy.json:1:1: member \"d\" is missing");
}

Test(json_member, optional_members_may_be_absent)
{
    const char *text = "before";
    bool flag = true;
    load("{\"a\":\"x\",\"b\":false,\"c\":[]}", JSON_OURS);
    cr_assert_eq(json_string_opt(&doc, doc.root, "z", 4, &text, &err), RESULT_OK);
    cr_assert_str_eq(text, "before");
    cr_assert_eq(json_string_opt(&doc, doc.root, "a", 4, &text, &err), RESULT_OK);
    cr_assert_str_eq(text, "x");
    cr_assert_eq(json_bool_opt(&doc, doc.root, "z", &flag, &err), RESULT_OK);
    cr_assert(flag);
    cr_assert_eq(json_bool_opt(&doc, doc.root, "b", &flag, &err), RESULT_OK);
    cr_assert_not(flag);
    check_failed(json_string_opt(&doc, doc.root, "c", 4, &text, &err),
                 "policy.json:1:24: /c: must be a string, not an array");
    check_failed(json_bool_opt(&doc, doc.root, "c", &flag, &err),
                 "policy.json:1:24: /c: must be true or false, not an array");
}

Test(json_member, booleans_are_no_numbers)
{
    bool out = false;
    load("{\"t\":true,\"n\":1,\"s\":\"true\"}", JSON_OURS);
    cr_assert_eq(json_bool(&doc, doc.root, "t", &out, &err), RESULT_OK);
    cr_assert(out);
    check_failed(json_bool(&doc, doc.root, "n", &out, &err),
                 "policy.json:1:15: /n: must be true or false, not a number");
    check_failed(json_bool(&doc, doc.root, "s", &out, &err),
                 "policy.json:1:21: /s: must be true or false, not a string");
}

Test(json_member, integers_are_exact_and_in_range)
{
    int64_t out = -1;
    load("{\"n\":51,\"big\":999999999999999,\"s\":\"51\",\"t\":true}", JSON_OURS);
    cr_assert_eq(json_int(&doc, doc.root, "n", 51, 51, &out, &err), RESULT_OK);
    cr_assert_eq(out, 51);
    cr_assert_eq(json_int(&doc, doc.root, "big", 0, INT64_MAX, &out, &err), RESULT_OK);
    cr_assert_eq(out, INT64_C(999999999999999));
    check_failed(json_int(&doc, doc.root, "n", 1, 50, &out, &err),
                 "policy.json:1:6: /n: must be an integer from 1 to 50, not 51");
    check_failed(json_int(&doc, doc.root, "n", 52, 60, &out, &err),
                 "policy.json:1:6: /n: must be an integer from 52 to 60, not 51");
    check_failed(json_int(&doc, doc.root, "s", 0, 99, &out, &err),
                 "policy.json:1:35: /s: must be an integer, not a string");
    check_failed(json_int(&doc, doc.root, "t", 0, 99, &out, &err),
                 "policy.json:1:44: /t: must be an integer, not a boolean");
    cr_assert_eq(out, INT64_C(999999999999999));
}

Test(json_member, integers_of_answers_are_not_rounded)
{
    int64_t out = -1;
    load("[{\"n\":30.9},{\"n\":9007199254740993},{\"n\":1e300},{\"n\":-7},{\"n\":3e1},"
         "{\"n\":9007199254740991}]",
         JSON_ANSWER);
    check_failed(json_int(&doc, cJSON_GetArrayItem(doc.root, 0), "n", 0, 99, &out, &err),
                 "policy.json:1:7: /0/n: must be an integer from 0 to 99, not 30.9");
    check_failed(json_int(&doc, cJSON_GetArrayItem(doc.root, 1), "n", 0, INT64_MAX, &out, &err),
                 "policy.json:1:18: /1/n: must be an integer from 0 to 9223372036854775807, not "
                 "9007199254740992");
    check_failed(json_int(&doc, cJSON_GetArrayItem(doc.root, 2), "n", 0, 99, &out, &err),
                 "policy.json:1:41: /2/n: must be an integer from 0 to 99, not 1e+300");
    cr_assert_eq(out, -1);
    cr_assert_eq(json_int(&doc, cJSON_GetArrayItem(doc.root, 3), "n", -9, 0, &out, &err),
                 RESULT_OK);
    cr_assert_eq(out, -7);
    cr_assert_eq(json_int(&doc, cJSON_GetArrayItem(doc.root, 4), "n", 0, 99, &out, &err),
                 RESULT_OK);
    cr_assert_eq(out, 30);
    cr_assert_eq(json_int(&doc, cJSON_GetArrayItem(doc.root, 5), "n", 0, INT64_MAX, &out, &err),
                 RESULT_OK);
    cr_assert_eq(out, INT64_C(9007199254740991));
}

Test(json_member, arrays_have_bounds)
{
    const cJSON *out = NULL;
    load("{\"a\":[1,2,3],\"e\":[],\"o\":{}}", JSON_OURS);
    cr_assert_eq(json_array(&doc, doc.root, "a", 3, 3, &out, &err), RESULT_OK);
    cr_assert_eq(out, doc.root->child);
    cr_assert_eq(json_array(&doc, doc.root, "e", 0, 3, &out, &err), RESULT_OK);
    check_failed(json_array(&doc, doc.root, "a", 1, 2, &out, &err),
                 "policy.json:1:6: /a: must have 1 to 2 items, not 3");
    check_failed(json_array(&doc, doc.root, "e", 1, 2, &out, &err),
                 "policy.json:1:18: /e: must have 1 to 2 items, not 0");
    check_failed(json_array(&doc, doc.root, "o", 1, 2, &out, &err),
                 "policy.json:1:25: /o: must be an array, not an object");
}

Test(json_member, text_is_one_string)
{
    const char *out = NULL;
    load("[\"abc\", \"\", true]", JSON_OURS);
    cr_assert_eq(json_text(&doc, cJSON_GetArrayItem(doc.root, 0), 3, &out, &err), RESULT_OK);
    cr_assert_str_eq(out, "abc");
    check_failed(json_text(&doc, cJSON_GetArrayItem(doc.root, 0), 2, &out, &err),
                 "policy.json:1:2: /0: has 3 bytes; at most 2 are allowed");
    check_failed(json_text(&doc, cJSON_GetArrayItem(doc.root, 1), 2, &out, &err),
                 "policy.json:1:9: /1: must not be empty");
    check_failed(json_text(&doc, cJSON_GetArrayItem(doc.root, 2), 2, &out, &err),
                 "policy.json:1:13: /2: must be a string, not a boolean");
}

Test(json_member, moments_are_in_utc_and_show_it)
{
    const char *text = NULL;
    int64_t ms = 0;
    load("{\"a\": \"2026-11-01T00:00:00Z\", \"b\": \"2026-11-01T00:00:00+00:00\", \"c\": \"Z\"}",
         JSON_OURS);
    cr_assert_eq(json_moment(&doc, doc.root, "a", &text, &ms, &err), RESULT_OK);
    cr_assert_str_eq(text, "2026-11-01T00:00:00Z");
    cr_assert_eq(ms, INT64_C(1793491200000));
    cr_assert_eq(json_moment(&doc, doc.root, "a", NULL, &ms, &err), RESULT_OK);
    check_failed(json_moment(&doc, doc.root, "b", NULL, &ms, &err),
                 "policy.json:1:36: /b: is not a time in UTC by RFC 3339: write it as "
                 "2026-11-01T00:00:00Z");
    check_failed(json_moment(&doc, doc.root, "c", NULL, &ms, &err),
                 "policy.json:1:70: /c: is not a time in UTC by RFC 3339: write it as "
                 "2026-11-01T00:00:00Z");
}
