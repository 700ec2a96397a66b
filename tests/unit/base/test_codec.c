#include <criterion/criterion.h>
#include <string.h>

#include "base.h"

/* FIPS 180-2, appendix B. */
Test(codec, sha256_known_answers)
{
    char hex[SHA256_HEX_LEN + 1];
    uint8_t raw[SHA256_LEN];
    sha256_hex("", 0, hex);
    cr_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_hex("abc", 3, hex);
    cr_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, hex);
    cr_assert_str_eq(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    sha256("abc", 3, raw);
    cr_assert_eq(raw[0], 0xba);
    cr_assert_eq(raw[31], 0xad);
}

Test(codec, hex_puts_lower_case)
{
    AUTO_BUF out = BUF_INIT(64);
    hex_put(&out, "\x00\x9f\xAB\xff", 4);
    hex_put(&out, "", 0);
    cr_assert_str_eq(buf_text(&out), "009fabff");
}

Test(codec, hex_gets_one_form_only)
{
    uint8_t out[4] = {0};
    cr_assert(hex_get("009fabff", 8, out));
    cr_assert_arr_eq(out, "\x00\x9f\xAB\xff", 4);
    cr_assert(hex_get("", 0, out));
    cr_assert_not(hex_get("00", 1, out));
    static const char *const bad[] = {"0",  "009", "0g", "g0", "AB", "aB",
                                      " 0", "0x",  "0:", "/0", "@0", "`0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(hex_get(bad[i], strlen(bad[i]), out), "took %s", bad[i]);
}

typedef void (*putter)(struct buf *, const void *, size_t);
typedef bool (*getter)(const char *, size_t, struct buf *);

static void check_pair(const char *bytes, size_t len, const char *text, putter put, getter get)
{
    AUTO_BUF encoded = BUF_INIT(64);
    AUTO_BUF decoded = BUF_INIT(64);
    put(&encoded, bytes, len);
    cr_assert_str_eq(buf_text(&encoded), text);
    cr_assert(get(text, strlen(text), &decoded), "%s", text);
    cr_assert_eq(decoded.len, len);
    cr_assert_eq(memcmp(buf_text(&decoded), bytes, len), 0);
}

/* RFC 4648 section 10, and the two digits in which the alphabets differ. */
Test(codec, base64_known_answers)
{
    static const char *const rows[][3] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+", "-__-"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_pair(rows[i][0], strlen(rows[i][0]), rows[i][1], base64_put, base64_get);
        check_pair(rows[i][0], strlen(rows[i][0]), rows[i][2], base64url_put, base64url_get);
    }
}

Test(codec, base64_round_trips_every_byte_at_every_length)
{
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 167 + 13);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        AUTO_BUF text = BUF_INIT(512);
        AUTO_BUF back = BUF_INIT(512);
        base64_put(&text, bytes, len);
        cr_assert_eq(text.len, (len + 2) / 3 * 4);
        cr_assert(base64_get(buf_text(&text), text.len, &back));
        cr_assert_eq(back.len, len);
        cr_assert_eq(memcmp(buf_text(&back), bytes, len), 0);
    }
}

static void check_refused(const char *text, size_t len, getter get)
{
    AUTO_BUF out = BUF_INIT(64);
    buf_puts(&out, "kept");
    cr_assert_not(get(text, len, &out), "took %s", text);
    cr_assert_str_eq(buf_text(&out), "kept");
}

Test(codec, base64_refuses_other_forms)
{
    static const char *const bad[] = {
        "Zg",   "Zg=",  "Zg===",    "Zh==",     "Zm9=",   "Z===", "====",
        "=",    "==",   "Zm9v====", "Zm9vYg=Y", "Zm9v\n", "Zm9 ", " Zm9",
        "Zm-v", "Zm_v", "Zg==Zg==", "Zm9\x80",  "A",      "ABCDE"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_refused(bad[i], strlen(bad[i]), base64_get);
    check_refused("Zm\0v", 4, base64_get);
}

Test(codec, base64url_refuses_other_forms)
{
    static const char *const bad[] = {"Zg==", "Zg=",  "Zh",   "Zm9",   "Zm8=",    "Z",    "Zm9vY",
                                      "Zm+v", "Zm/v", "Zm8 ", "Zm8\n", "Zm9\x80", "Z\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_refused(bad[i], strlen(bad[i]), base64url_get);
    check_refused("Z\0", 2, base64url_get);
}

Test(codec, a_full_buffer_is_no_success)
{
    AUTO_BUF out = BUF_INIT(2);
    cr_assert_not(base64_get("Zm9v", 4, &out));
    cr_assert_not(buf_ok(&out));
    AUTO_BUF text = BUF_INIT(3);
    base64_put(&text, "f", 1);
    cr_assert_not(buf_ok(&text));
    AUTO_BUF hex = BUF_INIT(3);
    hex_put(&hex, "ab", 2);
    cr_assert_not(buf_ok(&hex));
}

Test(codec, utf8_takes_every_length_at_its_edges)
{
    static const char good[] =
        "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"
        "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF plain text of more than eight";
    cr_assert(utf8_valid(good, sizeof good - 1));
    cr_assert(utf8_valid("", 0));
    cr_assert(utf8_valid("\0", 1));
}

Test(codec, utf8_refuses_what_is_none)
{
    static const char *const bad[] = {"\x80",
                                      "\xBF",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xC2",
                                      "\xC2\x41",
                                      "\xC2\xC2",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xED\xBF\xBF",
                                      "\xE2\x82",
                                      "\xE2\x41\x80",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF0\x9F\x98",
                                      "\xF5\x80\x80",
                                      "\xFE",
                                      "\xFF",
                                      "eight bytes\xFF",
                                      "\xF8\x88\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(utf8_valid(bad[i], strlen(bad[i])), "row %zu", i);
    /* A character that the length cuts, though its bytes go on behind. */
    cr_assert_not(utf8_valid("\xC3\xA9", 1));
}

static void check_escaped(const char *text, size_t len, const char *safe)
{
    AUTO_BUF out = BUF_INIT(256);
    text_escape(&out, text, len);
    cr_assert_str_eq(buf_text(&out), safe);
}

#define ESCAPED(text, safe) check_escaped(text, sizeof(text) - 1, safe)

static void check_escaped_json(const char *json, const char *safe)
{
    AUTO_BUF out = BUF_INIT(4096);
    text_escape_json(&out, json, strlen(json));
    cr_assert_str_eq(buf_text(&out), safe);
}

Test(codec, escape_json_hides_markup_and_what_a_terminal_would_act_on)
{
    check_escaped_json("{\"a\":[1,\"b \\\" \\u001b\"]}", "{\"a\":[1,\"b \\\" \\u001b\"]}");
    check_escaped_json("\"<b>&\x7f\"", "\"\\u003cb\\u003e\\u0026\\u007f\"");
    check_escaped_json("\"M\xC3\xBCller \xF0\x9F\x98\x80\"", "\"M\xC3\xBCller \xF0\x9F\x98\x80\"");
    check_escaped_json("\"\xE2\x80\xAE\xC2\x9B\xF3\xA0\x81\x81\"",
                       "\"\\u202e\\u009b\\udb40\\udc41\"");
}

Test(codec, escape_json_takes_nothing_that_is_not_utf8)
{
    AUTO_BUF out = BUF_INIT(4096);
    text_escape_json(&out, "\"\xFF\"", 3);
    cr_assert_not(buf_ok(&out));
}

Test(codec, escape_leaves_readable_text_alone)
{
    ESCAPED("", "");
    ESCAPED("a \"b\" \\ ~/", "a \"b\" \\ ~/");
    ESCAPED("M\xC3\xBCller \xE6\x97\xA5 \xF0\x9F\x98\x80",
            "M\xC3\xBCller \xE6\x97\xA5 \xF0\x9F\x98\x80");
}

Test(codec, escape_disarms_the_rest)
{
    ESCAPED("\x1b[31m\r\n\t\0", "\\x1b[31m\\x0d\\x0a\\x09\\x00");
    ESCAPED("\x7F\xC2\x80\xC2\x9F\xC2\xA0\xC2\xAD", "\\x7f\\u{0080}\\u{009f}\xC2\xA0\\u{00ad}");
    ESCAPED("a\xE2\x80\xAE\xE2\x81\xA6z", "a\\u{202e}\\u{2066}z");
    ESCAPED("\xE2\x80\x8B\xE2\x80\x8D\xEF\xBB\xBF\xD8\x9C", "\\u{200b}\\u{200d}\\u{feff}\\u{061c}");
    ESCAPED("\xF3\xA0\x81\x81", "\\u{e0041}");
    ESCAPED("\xFF\xC3(\xED\xA0\x80\xE2\x82", "\\xff\\xc3(\\xed\\xa0\\x80\\xe2\\x82");
}

Test(codec, uuid7_holds_the_time)
{
    char id[UUID_LEN + 1];
    /* The sample of RFC 9562, appendix A.6: 2022-02-22 19:22:22 UTC. */
    uuid7(INT64_C(0x017F22E279B0), id);
    cr_assert_eq(strlen(id), UUID_LEN);
    cr_assert_eq(strncmp(id, "017f22e2-79b0-7", 15), 0, "%s", id);
    cr_assert(strchr("89ab", id[19]) != NULL, "%s", id);
    for (size_t i = 0; i < UUID_LEN; i++)
        cr_assert((i == 8 || i == 13 || i == 18 || i == 23)
                      ? id[i] == '-'
                      : strchr("0123456789abcdef", id[i]) != NULL,
                  "%s", id);
}

Test(codec, uuid7_is_never_the_same)
{
    char first[UUID_LEN + 1], second[UUID_LEN + 1];
    uuid7(0, first);
    uuid7(0, second);
    cr_assert_eq(strncmp(first, "00000000-0000-7", 15), 0);
    cr_assert_str_neq(first, second);
}
