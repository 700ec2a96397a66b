#include <criterion/criterion.h>
#include <string.h>

#include "base.h"

struct refusal {
    const char *text;
    size_t len;
    const char *error;
};

/* Literals may hold NULs. */
#define REFUSED(text, error)                                                                       \
    {                                                                                              \
        text, sizeof(text) - 1, "doc.json:" error                                                  \
    }

static void check_refused(const struct refusal *row, enum json_mode mode)
{
    struct err err = {0};
    struct json_doc doc = {
        .name = "doc.json", .text = row->text, .len = row->len, .result = RESULT_USAGE};
    enum result result = json_parse(&doc, mode, &err);

    cr_assert_eq(result, RESULT_USAGE, "taken: %s (wanted %s)", row->text, row->error);
    cr_assert_eq(err.result, RESULT_USAGE);
    cr_assert_str_eq(err.text, row->error);
    cr_assert_null(doc.root);
}

static void check_taken(const char *text, enum json_mode mode, const char *printed)
{
    struct err err = {0};
    struct json_doc doc = {
        .name = "doc.json", .text = text, .len = strlen(text), .result = RESULT_USAGE};
    AUTO_BUF out = BUF_INIT(4096);

    cr_assert_eq(json_parse(&doc, mode, &err), RESULT_OK, "%s", err.text);
    json_put(&out, doc.root);
    cr_assert(buf_ok(&out));
    cr_assert_str_eq(buf_text(&out), printed);
    json_free(&doc);
    cr_assert_null(doc.root);
}

#define ZERO  " a number must not begin with a zero; write it without"
#define POINT " a number needs a digit behind its decimal point"
#define MINUS " a number needs a digit behind its minus sign"
#define VALUE                                                                                      \
    " a value must stand here: an object, an array, a string in double quotes, a number, true, "   \
    "false or null; found "
#define CONTROL " control characters in strings must be escaped, as in \\n; found the byte "
#define BEHIND  " nothing but white space may stand behind the document; found "
#define UTF8    " this is not valid UTF-8; save the document as UTF-8; found the byte "
#define PAIR                                                                                       \
    " unpaired surrogate; write a high one (d800 to dbff) and a low one (dc00 to dfff) together, " \
    "or the character itself"
#define ESCAPE  " unknown escape; only \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX exist"
#define SECOND  " a second member of this name; keep one of them"
#define INTEGER " numbers must be plain integers here, without fraction or exponent"

/* The 17 documents of JSONTestSuite that are not JSON and that cJSON takes all the same. */
Test(json_gate, refuses_what_cjson_takes)
{
    static const struct refusal rows[] = {
        REFUSED("123\0", "1:4:" BEHIND "the byte 0x00"),
        REFUSED("[-01]", "1:2:" ZERO),
        REFUSED("[-2.]", "1:2:" POINT),
        REFUSED("[0.e1]", "1:2:" POINT),
        REFUSED("[2.e+3]", "1:2:" POINT),
        REFUSED("[2.e-3]", "1:2:" POINT),
        REFUSED("[2.e3]", "1:2:" POINT),
        REFUSED("[-012]", "1:2:" ZERO),
        REFUSED("[-.123]", "1:2:" MINUS),
        REFUSED("[1.]", "1:2:" POINT),
        REFUSED("[012]", "1:2:" ZERO),
        REFUSED("[\"\\uqqqq\"]", "1:3: \\u needs four hexadecimal digits behind it"),
        REFUSED("[\"a\0a\"]", "1:4:" CONTROL "0x00"),
        REFUSED("[\"new\nline\"]", "1:6:" CONTROL "0x0a"),
        REFUSED("[\"\t\"]", "1:3:" CONTROL "0x09"),
        REFUSED("[\0]", "1:2:" VALUE "the byte 0x00"),
        REFUSED("[\f]", "1:2:" VALUE "the byte 0x0c"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_refused(&rows[i], JSON_ANSWER);
}

Test(json_gate, refuses_what_is_not_a_document)
{
    static const struct refusal rows[] = {
        REFUSED("", "1:1: the document is empty"),
        REFUSED(" \n\t", "2:2: the document is empty"),
        REFUSED("\xEF\xBB\xBF{}", "1:1: a byte order mark; save the document as UTF-8 without one"),
        REFUSED("{\0\"\0\0", "1:2: a member's name in double quotes must stand here; "
                             "found the byte 0x00"),
        REFUSED("{}\n}", "2:1:" BEHIND "'}'"),
        REFUSED("{} {}", "1:4:" BEHIND "'{'"),
        REFUSED("{} // note", "1:4:" BEHIND "'/'"),
        REFUSED("{}\0", "1:3:" BEHIND "the byte 0x00"),
        REFUSED("{}\f", "1:3:" BEHIND "the byte 0x0c"),
        REFUSED("truex", "1:5:" BEHIND "'x'"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_refused(&rows[i], JSON_OURS);
        check_refused(&rows[i], JSON_ANSWER);
    }
}

Test(json_gate, refuses_broken_structure_where_it_breaks)
{
    static const struct refusal rows[] = {
        REFUSED("{\"a\":1,}", "1:8: a member's name in double quotes must stand here; found '}'"),
        REFUSED("{a:1}", "1:2: a member's name in double quotes must stand here; found 'a'"),
        REFUSED("{\n  'a': 1}", "2:3: a member's name in double quotes must stand here; found '''"),
        REFUSED("{\"a\" 1}", "1:6: a colon must stand here, between name and value; found '1'"),
        REFUSED("{\"a\"", "1:5: a colon must stand here, between name and value; "
                          "the document ends"),
        REFUSED("{\"a\":1 \"b\":2}", "1:8: a comma or } must stand here; found '\"'"),
        REFUSED("[1 2]", "1:4: a comma or ] must stand here; found '2'"),
        REFUSED("[1}", "1:3: a comma or ] must stand here; found '}'"),
        REFUSED("[1", "1:3: a comma or ] must stand here; the document ends"),
        REFUSED("[1,\n ]", "2:2:" VALUE "']'"),
        REFUSED("[", "1:2: a value must stand here: an object, an array, a string in double "
                     "quotes, a number, true, false or null; the document ends"),
        REFUSED("[NaN]", "1:2:" VALUE "'N'"),
        REFUSED("[Infinity]", "1:2:" VALUE "'I'"),
        REFUSED("[+1]", "1:2:" VALUE "'+'"),
        REFUSED("[.5]", "1:2:" VALUE "'.'"),
        REFUSED("[True]", "1:2:" VALUE "'T'"),
        REFUSED("[nul]", "1:2:" VALUE "'n'"),
        REFUSED("['a']", "1:2:" VALUE "'''"),
        REFUSED("[0x10]", "1:3: a comma or ] must stand here; found 'x'"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_refused(&rows[i], JSON_OURS);
        check_refused(&rows[i], JSON_ANSWER);
    }
}

Test(json_gate, refuses_bad_strings)
{
    static const struct refusal rows[] = {
        REFUSED("[\"abc]", "1:2: this string never ends; close it with a double quote"),
        REFUSED("[\"a\\", "1:4:" ESCAPE),
        REFUSED("[\"\\a\"]", "1:3:" ESCAPE),
        REFUSED("[\"\\U0041\"]", "1:3:" ESCAPE),
        REFUSED("[\"\\\0\"]", "1:3:" ESCAPE),
        REFUSED("[\"\\u004\"]", "1:3: \\u needs four hexadecimal digits behind it"),
        REFUSED("[\"\\u", "1:3: \\u needs four hexadecimal digits behind it"),
        REFUSED("[\"a\\u0000b\"]", "1:4: \\u0000 is not allowed in a string; remove it"),
        REFUSED("{\"a\\u0000\":1}", "1:4: \\u0000 is not allowed in a string; remove it"),
        REFUSED("[\"\\ud800\"]", "1:3:" PAIR),
        REFUSED("[\"\\udc00\"]", "1:3:" PAIR),
        REFUSED("[\"\\ud800\\ud800\"]", "1:3:" PAIR),
        REFUSED("[\"\\ud800\\n\"]", "1:3:" PAIR),
        REFUSED("[\"\\ud800\\ue000\"]", "1:3:" PAIR),
        REFUSED("[\"\\udc00\\udc00\"]", "1:3:" PAIR),
        REFUSED("[\"\\udfff\\udc00\"]", "1:3:" PAIR),
        REFUSED("[\"\\ud800\\", "1:3:" PAIR),
        REFUSED("[\"\\udc00\\ud800\"]", "1:3:" PAIR),
        REFUSED("[\"\x1f\"]", "1:3:" CONTROL "0x1f"),
        REFUSED("[\"\xC0\xAF\"]", "1:3:" UTF8 "0xc0"),
        REFUSED("[\"\xE0\x80\xAF\"]", "1:3:" UTF8 "0xe0"),
        REFUSED("[\"\xF0\x80\x80\xAF\"]", "1:3:" UTF8 "0xf0"),
        REFUSED("[\"\xED\xA0\x80\"]", "1:3:" UTF8 "0xed"),
        REFUSED("[\"\xF4\x90\x80\x80\"]", "1:3:" UTF8 "0xf4"),
        REFUSED("[\"\xF5\x80\x80\x80\"]", "1:3:" UTF8 "0xf5"),
        REFUSED("[\"\x80\"]", "1:3:" UTF8 "0x80"),
        REFUSED("[\"\xC3\"]", "1:3:" UTF8 "0xc3"),
        REFUSED("[\"\xC3", "1:3:" UTF8 "0xc3"),
        /* Behind more than the eight bytes that are looked at in one step. */
        REFUSED("[\"0123456789\xFF\"]", "1:13:" UTF8 "0xff"),
        REFUSED("[\"0123456789abcdef\n\"]", "1:19:" CONTROL "0x0a"),
        REFUSED("[\"\xC3\xA9\xC3\xA9\n\"]", "1:7:" CONTROL "0x0a"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_refused(&rows[i], JSON_OURS);
        check_refused(&rows[i], JSON_ANSWER);
    }
}

Test(json_gate, ours_takes_plain_integers_only)
{
    static const struct refusal rows[] = {
        REFUSED("[014]", "1:2:" ZERO),
        REFUSED("[00]", "1:2:" ZERO),
        REFUSED("[-1]", "1:2: numbers must not be negative here"),
        REFUSED("[-0]", "1:2: numbers must not be negative here"),
        REFUSED("[30.9]", "1:2:" INTEGER),
        REFUSED("[30.0]", "1:2:" INTEGER),
        REFUSED("[1e2]", "1:2:" INTEGER),
        REFUSED("[1E400]", "1:2:" INTEGER),
        REFUSED("[1000000000000000]", "1:2: numbers must be below 10^15 here (15 digits)"),
        REFUSED("[9007199254740993]", "1:2: numbers must be below 10^15 here (15 digits)"),
        REFUSED("{\"n\":\n\t12345678901234567890}",
                "2:2: numbers must be below 10^15 here (15 digits)"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_refused(&rows[i], JSON_OURS);
    check_taken("[0,7,90,999999999999999]", JSON_OURS, "[0,7,90,999999999999999]");
}

Test(json_gate, answers_take_finite_numbers)
{
    static const struct refusal rows[] = {
        REFUSED("{\"a\":[1,1e400]}", "1:9: /a/1: the number is too large"),
        REFUSED("[-1e400]", "1:2: /0: the number is too large"),
        REFUSED("1e999", "1:1: the number is too large"),
        REFUSED("[1e]", "1:2: a number needs a digit in its exponent"),
        REFUSED("[1e+]", "1:2: a number needs a digit in its exponent"),
        REFUSED("[1.5.5]", "1:5: a comma or ] must stand here; found '.'"),
        REFUSED("[1234567890123456789012345678901234567890123456789012345678901234]",
                "1:2: a number may have no more than 63 characters"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_refused(&rows[i], JSON_ANSWER);
    check_taken("[-1,0.5,1E+2,1e-2,-0,1.5e300]", JSON_ANSWER,
                "[-1,0.5,100,0.01,0,1.5000000000000001e+300]");
    check_taken("[100000000000000000000000000000000000000000000000000000000000000]", JSON_ANSWER,
                "[1e+62]");
}

static void put_nested(struct buf *out, int depth)
{
    for (int i = 0; i < depth; i++)
        buf_puts(out, i % 2 == 0 ? "[" : "{\"a\":");
    buf_puts(out, "1");
    for (int i = depth - 1; i >= 0; i--)
        buf_puts(out, i % 2 == 0 ? "]" : "}");
}

static void check_depth(int depth, enum json_mode mode, const char *error)
{
    AUTO_BUF text = BUF_INIT(4096);
    AUTO_BUF last = BUF_INIT(4096);

    put_nested(&text, depth);
    check_taken(buf_text(&text), mode, buf_text(&text));
    put_nested(&last, depth + 1);
    struct refusal row = {last.data, last.len, error};
    check_refused(&row, mode);
}

Test(json_gate, bounds_the_depth)
{
    /* 8 brackets of one byte and 8 braces of five stand before the 17th level. */
    check_depth(16, JSON_OURS, "doc.json:1:49: nested more than 16 deep");
    check_depth(32, JSON_ANSWER, "doc.json:1:97: nested more than 32 deep");
}

Test(json_gate, bounds_the_depth_of_hostile_text)
{
    AUTO_BUF text = BUF_INIT(1 << 20);
    for (int i = 0; i < 500000; i++)
        buf_putc(&text, '[');
    struct refusal row = {text.data, text.len, "doc.json:1:33: nested more than 32 deep"};
    check_refused(&row, JSON_ANSWER);
}

Test(json_gate, refuses_duplicates_at_any_depth_by_decoded_name)
{
    static const struct refusal rows[] = {
        REFUSED("{\"v\":1,\"v\":2}", "1:8: /v:" SECOND),
        REFUSED("{\"v\":1,\n \"\\u0076\":2}", "2:2: /v:" SECOND),
        REFUSED("{\"\":1,\"\":1}", "1:7: /:" SECOND),
        REFUSED("{\"a/b\":1,\"c\":2,\"a\\/b\":3}", "1:16: /a~1b:" SECOND),
        REFUSED("{\"\\u00e9\":1,\"\xC3\xA9\":2}", "1:13: /\xC3\xA9:" SECOND),
        REFUSED("{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":2}", "1:19: /\xF0\x9F\x98\x80:" SECOND),
        REFUSED("{\"a\":[{\"x\":{}},\n{\"x\":{\"k\":1,\"l\":[],\"k\":{}}}]}",
                "2:20: /a/1/x/k:" SECOND),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_refused(&rows[i], JSON_OURS);
        check_refused(&rows[i], JSON_ANSWER);
    }
    check_taken("{\"v\":1,\"V\":2,\"vv\":3,\"w\":{\"v\":4}}", JSON_OURS,
                "{\"v\":1,\"V\":2,\"vv\":3,\"w\":{\"v\":4}}");
}

Test(json_gate, names_the_first_duplicate_of_a_large_object)
{
    AUTO_BUF text = BUF_INIT(1 << 21);
    buf_putc(&text, '{');
    for (unsigned i = 0; i < 50000; i++)
        buf_printf(&text, "\"k%u\":1,\n", i * 7919u % 50000u);
    buf_puts(&text, "\"z\":1,\"k9\":2,\"k3\":3,\"k9\":4,\"a\":5}");
    struct refusal row = {text.data, text.len, "doc.json:50001:7: /k9:" SECOND};
    check_refused(&row, JSON_OURS);
}

Test(json_gate, takes_what_is_json)
{
    check_taken(" \t\r\n{ \"a\" : [ ] , \"b\" : { } }\n", JSON_OURS, "{\"a\":[],\"b\":{}}");
    check_taken("[true,false,null,\"\"]", JSON_OURS, "[true,false,null,\"\"]");
    check_taken("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", JSON_OURS, "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
    check_taken("\"\\u0041\\u00e9\\u20AC\\uD83D\\uDE00\\u001f\"", JSON_OURS,
                "\"A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\\u001f\"");
    check_taken("\"\x7F\xC2\x80\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\"", JSON_OURS,
                "\"\x7F\xC2\x80\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\"");
    check_taken("0", JSON_OURS, "0");
    check_taken("{\"\":0}", JSON_OURS, "{\"\":0}");
}

/* Every prefix of a good document is a fault, and none may read past the end. */
Test(json_gate, refuses_every_prefix)
{
    static const char whole[] = "{\"a\\u00e9\":[1,-2.5e3,true,{\"b\":\"\xC3\xA9\\n\"}],\"c\":null}";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char *text = strndup(whole, len);
        struct err err = {0};
        struct json_doc doc = {
            .name = "doc.json", .text = text, .len = len, .result = RESULT_CONFIG};
        cr_assert_eq(json_parse(&doc, JSON_ANSWER, &err), RESULT_CONFIG, "%s", text);
        cr_assert_eq(strncmp(err.text, "doc.json:1:", 11), 0, "%s", err.text);
        free(text);
    }
}

Test(json_gate, wants_a_nul_behind_the_document)
{
    struct err err = {0};
    struct json_doc doc = {.name = "doc.json", .text = "{}x", .len = 2, .result = RESULT_USAGE};
    cr_assert_eq(json_parse(&doc, JSON_OURS, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "doc.json: no NUL behind the document");
}
