#include <string.h>

#include "json_internal.h"
#include "utf8.h"

/*
 * Why a gate: cJSON takes a BOM, 014, 2., control characters in strings, \u0000 (and cuts the
 * string there), \uqqqq, invalid UTF-8 and 1e400. The NUL behind the text is no part of any token,
 * so looking at the next byte never needs a bounds check.
 */
struct gate {
    const char *text, *at, *end;
    struct json_fault *fault;
    unsigned depth;
    enum json_mode mode;
};

/* cJSON copies a number into 64 bytes. */
#define NUMBER_MAX  63
#define OURS_DIGITS 15

#define EVERY_BYTE(b) (UINT64_C(0x0101010101010101) * (b))
#define HAS_ZERO(x)   (((x)-EVERY_BYTE(1)) & ~(x)&EVERY_BYTE(0x80))

static bool is_plain(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

size_t json_plain_run(const char *bytes, size_t len)
{
    size_t at = 0;
    uint64_t eight;
    for (; len - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, bytes + at, sizeof eight);
        uint64_t quote = eight ^ EVERY_BYTE('"'), backslash = eight ^ EVERY_BYTE('\\');
        uint64_t control = (eight - EVERY_BYTE(0x20)) & ~eight;
        if (((control | eight) & EVERY_BYTE(0x80)) | HAS_ZERO(quote) | HAS_ZERO(backslash))
            break;
    }
    while (at < len && is_plain(bytes[at]))
        at++;
    return at;
}

static bool refuse(struct gate *gate, const char *at, const char *why)
{
    *gate->fault = (struct json_fault){.at = (size_t)(at - gate->text), .why = why};
    return false;
}

static bool refuse_byte(struct gate *gate, const char *expected)
{
    refuse(gate, gate->at, expected);
    gate->fault->found = true;
    return false;
}

static void skip_space(struct gate *gate)
{
    while (*gate->at == ' ' || *gate->at == '\n' || *gate->at == '\t' || *gate->at == '\r')
        gate->at++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_digits(struct gate *gate)
{
    const char *start = gate->at;
    while (is_digit(*gate->at))
        gate->at++;
    return (size_t)(gate->at - start);
}

static bool scan_hex4(const char *at, unsigned *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i], letter = (char)(c | 0x20);
        if (is_digit(c))
            *unit = *unit << 4 | (unsigned)(c - '0');
        else if (letter >= 'a' && letter <= 'f')
            *unit = *unit << 4 | (unsigned)(letter - 'a' + 10);
        else
            return false;
    }
    return true;
}

static bool scan_unicode_escape(struct gate *gate)
{
    const char *start = gate->at;
    unsigned unit, low;
    if (!scan_hex4(start + 2, &unit))
        return refuse(gate, start, "\\u needs four hexadecimal digits behind it");
    gate->at += 6;
    if (unit == 0)
        return refuse(gate, start, "\\u0000 is not allowed in a string; remove it");
    if (unit < 0xD800 || unit > 0xDFFF)
        return true;
    if (unit > 0xDBFF || start[6] != '\\' || start[7] != 'u' || !scan_hex4(start + 8, &low) ||
        low < 0xDC00 || low > 0xDFFF)
        return refuse(gate, start,
                      "unpaired surrogate; write a high one (d800 to dbff) and a low one (dc00 to "
                      "dfff) together, or the character itself");
    gate->at += 6;
    return true;
}

static bool scan_escape(struct gate *gate)
{
    char kind = gate->at[1];
    if (kind == 'u')
        return scan_unicode_escape(gate);
    if (kind == '\0' || strchr("\"\\/bfnrt", kind) == NULL)
        return refuse(gate, gate->at,
                      "unknown escape; only \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX exist");
    gate->at += 2;
    return true;
}

static bool scan_special(struct gate *gate, const char *start)
{
    uint32_t code;
    size_t size;
    if (gate->at == gate->end)
        return refuse(gate, start, "this string never ends; close it with a double quote");
    if (*gate->at == '\\')
        return scan_escape(gate);
    if ((unsigned char)*gate->at < 0x20)
        return refuse_byte(gate, "control characters in strings must be escaped, as in \\n");
    size = utf8_char(gate->at, (size_t)(gate->end - gate->at), &code);
    if (size == 0)
        return refuse_byte(gate, "this is not valid UTF-8; save the document as UTF-8");
    gate->at += size;
    return true;
}

static bool scan_string(struct gate *gate)
{
    const char *start = gate->at++;
    for (;;) {
        gate->at += json_plain_run(gate->at, (size_t)(gate->end - gate->at));
        if (*gate->at == '"')
            break;
        if (!scan_special(gate, start))
            return false;
    }
    gate->at++;
    return true;
}

static bool scan_fraction(struct gate *gate, const char *start)
{
    if (*gate->at == '.') {
        gate->at++;
        if (skip_digits(gate) == 0)
            return refuse(gate, start, "a number needs a digit behind its decimal point");
    }
    if (*gate->at == 'e' || *gate->at == 'E') {
        gate->at++;
        if (*gate->at == '+' || *gate->at == '-')
            gate->at++;
        if (skip_digits(gate) == 0)
            return refuse(gate, start, "a number needs a digit in its exponent");
    }
    if (gate->at - start > NUMBER_MAX)
        return refuse(gate, start, "a number may have no more than 63 characters");
    return true;
}

static bool scan_number(struct gate *gate)
{
    const char *start = gate->at;
    bool ours = gate->mode == JSON_OURS;
    if (*start == '-') {
        if (ours)
            return refuse(gate, start, "numbers must not be negative here");
        gate->at++;
    }
    bool zero = *gate->at == '0';
    size_t digits = skip_digits(gate);
    if (digits == 0)
        return refuse(gate, start, "a number needs a digit behind its minus sign");
    if (zero && digits > 1)
        return refuse(gate, start, "a number must not begin with a zero; write it without");
    if (!ours)
        return scan_fraction(gate, start);
    if (*gate->at == '.' || *gate->at == 'e' || *gate->at == 'E')
        return refuse(gate, start,
                      "numbers must be plain integers here, without fraction or exponent");
    if (digits > OURS_DIGITS)
        return refuse(gate, start, "numbers must be below 10^15 here (15 digits)");
    return true;
}

static bool scan_value(struct gate *gate);

static bool scan_member(struct gate *gate)
{
    if (*gate->at != '"')
        return refuse_byte(gate, "a member's name in double quotes must stand here");
    if (!scan_string(gate))
        return false;
    skip_space(gate);
    if (*gate->at != ':')
        return refuse_byte(gate, "a colon must stand here, between name and value");
    gate->at++;
    skip_space(gate);
    return scan_value(gate);
}

/* The items of an array or the members of an object, from the opening bracket to the closing. */
static bool scan_items(struct gate *gate, char close, bool (*scan_item)(struct gate *),
                       const char *expected)
{
    gate->at++;
    skip_space(gate);
    if (*gate->at == close) {
        gate->at++;
        return true;
    }
    for (;;) {
        if (!scan_item(gate))
            return false;
        skip_space(gate);
        if (*gate->at == close)
            break;
        if (*gate->at != ',')
            return refuse_byte(gate, expected);
        gate->at++;
        skip_space(gate);
    }
    gate->at++;
    return true;
}

static bool scan_container(struct gate *gate)
{
    bool ours = gate->mode == JSON_OURS, object = *gate->at == '{';
    if (gate->depth == (ours ? JSON_DEPTH_OURS : JSON_DEPTH_ANSWER))
        return refuse(gate, gate->at,
                      ours ? "nested more than 16 deep" : "nested more than 32 deep");
    gate->depth++;
    bool good = object ? scan_items(gate, '}', scan_member, "a comma or } must stand here")
                       : scan_items(gate, ']', scan_value, "a comma or ] must stand here");
    gate->depth--;
    return good;
}

static bool scan_word(struct gate *gate)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i]);
        if (strncmp(gate->at, words[i], len) == 0) {
            gate->at += len;
            return true;
        }
    }
    return refuse_byte(gate, "a value must stand here: an object, an array, a string in double "
                             "quotes, a number, true, false or null");
}

static bool scan_value(struct gate *gate)
{
    char c = *gate->at;
    if (c == '"')
        return scan_string(gate);
    if (c == '{' || c == '[')
        return scan_container(gate);
    if (c == '-' || is_digit(c))
        return scan_number(gate);
    return scan_word(gate);
}

bool json_gate(const char *text, size_t len, enum json_mode mode, struct json_fault *fault)
{
    struct gate gate = {.text = text, .at = text, .end = text + len, .mode = mode, .fault = fault};
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        return refuse(&gate, text, "a byte order mark; save the document as UTF-8 without one");
    skip_space(&gate);
    if (gate.at == gate.end)
        return refuse(&gate, gate.at, "the document is empty");
    if (!scan_value(&gate))
        return false;
    skip_space(&gate);
    if (gate.at != gate.end)
        return refuse_byte(&gate, "nothing but white space may stand behind the document");
    return true;
}
