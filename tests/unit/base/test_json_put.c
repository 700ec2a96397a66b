#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base.h"

static void check_string(const char *text, const char *printed)
{
    AUTO_BUF out = BUF_INIT(256);
    json_put_string(&out, text);
    cr_assert(buf_ok(&out));
    cr_assert_str_eq(buf_text(&out), printed);
}

Test(json_put, escapes_what_must_be_escaped)
{
    check_string("", "\"\"");
    check_string("plain / text \x7F", "\"plain / text \x7F\"");
    check_string("\"\\\b\f\n\r\t", "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    check_string("\x01\x0b\x1f", "\"\\u0001\\u000b\\u001f\"");
    check_string("<&>\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
                 "\"<&>\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
    check_string("0123456\n01234567\"", "\"0123456\\n01234567\\\"\"");
}

Test(json_put, never_prints_invalid_utf8)
{
    check_string("a\xFFz\xC3", "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\"");
    check_string("\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void check_number(double value, const char *printed)
{
    AUTO_JSON *node = cJSON_CreateNumber(value);
    AUTO_BUF out = BUF_INIT(64);
    json_put(&out, node);
    cr_assert(buf_ok(&out));
    cr_assert_str_eq(buf_text(&out), printed);
}

Test(json_put, prints_numbers_exactly)
{
    check_number(0, "0");
    check_number(-0.0, "0");
    check_number(-42, "-42");
    check_number(1e15, "1000000000000000");
    check_number(9007199254740991.0, "9007199254740991");
    check_number(-9007199254740991.0, "-9007199254740991");
    check_number(9007199254740992.0, "9007199254740992");
    check_number(0.5, "0.5");
    check_number(0.1, "0.10000000000000001");
    check_number(1e300, "1.0000000000000001e+300");
}

static void check_fails(cJSON *made)
{
    AUTO_JSON *node = made;
    AUTO_BUF out = BUF_INIT(64);
    json_put(&out, node);
    cr_assert_not(buf_ok(&out));
}

Test(json_put, fails_on_what_json_lacks)
{
    check_fails(cJSON_CreateNumber(INFINITY));
    check_fails(cJSON_CreateNumber(-INFINITY));
    check_fails(cJSON_CreateNumber(NAN));
    check_fails(cJSON_CreateRaw("{"));
}

static const char sample[] =
    "{\"a\":[1,[],{}],\"b\":{\"c\":null,\"d\":[true,false]},\"e\":\"x\\ny\"}";

static void load(struct json_doc *doc)
{
    struct err err;
    *doc = (struct json_doc){
        .name = "sample", .text = sample, .len = sizeof sample - 1, .result = RESULT_CONFIG};
    cr_assert_eq(json_parse(doc, JSON_OURS, &err), RESULT_OK, "%s", err.text);
}

Test(json_put, prints_a_tree_as_it_was)
{
    AUTO_BUF out = BUF_INIT(256);
    struct json_doc doc;
    load(&doc);
    json_put(&out, doc.root);
    cr_assert_str_eq(buf_text(&out), sample);
    json_free(&doc);
}

Test(json_put, prints_a_tree_for_people)
{
    AUTO_BUF out = BUF_INIT(256);
    struct json_doc doc;
    load(&doc);
    json_put_pretty(&out, doc.root);
    cr_assert_str_eq(buf_text(&out), "{\n"
                                     "  \"a\": [\n"
                                     "    1,\n"
                                     "    [],\n"
                                     "    {}\n"
                                     "  ],\n"
                                     "  \"b\": {\n"
                                     "    \"c\": null,\n"
                                     "    \"d\": [\n"
                                     "      true,\n"
                                     "      false\n"
                                     "    ]\n"
                                     "  },\n"
                                     "  \"e\": \"x\\ny\"\n"
                                     "}");
    json_free(&doc);
}

Test(json_put, keeps_to_the_buffer)
{
    AUTO_BUF out = BUF_INIT(sizeof sample - 2);
    struct json_doc doc;
    load(&doc);
    json_put(&out, doc.root);
    cr_assert_not(buf_ok(&out));
    cr_assert_leq(out.len, out.max);
    json_free(&doc);
}
