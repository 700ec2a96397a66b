#include "payload.h"

#include <string.h>

#include "number.h"

#define BODIES "bodies/"

/* The values that were asked for, as they stand in the text or in the tree. */
struct value {
    const char *at; /* NULL: not there */
    size_t len;
};
enum { EVENT, ORIGIN, PREVIOUS, ORDER_ID, UID, BODY_FILE, SEQUENCE, CLASS, VALUES };

static bool value_is(const struct value *value, const char *text)
{
    return value->len == strlen(text) && memcmp(value->at, text, value->len) == 0;
}

static enum record_kind kind_of(const struct value *event)
{
    if (value_is(event, "order.intent"))
        return RECORD_INTENT;
    if (value_is(event, "order.response") || value_is(event, "order.unknown") ||
        value_is(event, "order.not_sent"))
        return RECORD_OUTCOME;
    return value_is(event, "log.repaired") ? RECORD_REPAIR : RECORD_OTHER;
}

static bool uuid_is(const struct value *value)
{
    for (size_t i = 0; i < value->len; i++) {
        char c = value->at[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return value->len == UUID_LEN;
}

static bool text_take(const struct value *value, char *out, size_t max)
{
    if (value->len > max)
        return false;
    if (value->at != NULL)
        memcpy(out, value->at, value->len);
    out[value->len] = '\0';
    return true;
}

static bool body_take(const struct value *value, char out[SHA256_HEX_LEN + 1])
{
    size_t head = strlen(BODIES);
    uint8_t digest[SHA256_LEN];

    out[0] = '\0';
    if (value->at == NULL)
        return true;
    if (value->len != head + SHA256_HEX_LEN || memcmp(value->at, BODIES, head) != 0 ||
        !hex_get(value->at + head, SHA256_HEX_LEN, digest))
        return false;
    memcpy(out, value->at + head, SHA256_HEX_LEN);
    out[SHA256_HEX_LEN] = '\0';
    return true;
}

static bool values_take(const struct value value[VALUES], struct payload *out)
{
    static const int needed[] = {EVENT, ORIGIN, PREVIOUS, UID, SEQUENCE, CLASS};

    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (value[needed[i]].at == NULL)
            return false;
    out->kind = kind_of(&value[EVENT]);
    return value_is(&value[CLASS], "6003") && uuid_is(&value[UID]) &&
           number_get(value[SEQUENCE].at, value[SEQUENCE].len, &out->sequence) &&
           value[PREVIOUS].len == SHA256_HEX_LEN &&
           hex_get(value[PREVIOUS].at, SHA256_HEX_LEN, out->previous) &&
           text_take(&value[ORDER_ID], out->order_id, ORDER_ID_MAX) &&
           text_take(&value[ORIGIN], out->origin, ORIGIN_MAX) &&
           body_take(&value[BODY_FILE], out->body_file);
}

/* Where the values stand. */
struct place {
    const char *name;
    char type; /* '{' an object, with `inside`; '"' a string; '0' a number */
    int value;
    const struct place *inside;
};
static const struct place in_response[] = {{"body_file", '"', BODY_FILE, NULL}, {0}};
static const struct place in_georder[] = {{"event", '"', EVENT, NULL},
                                          {"origin", '"', ORIGIN, NULL},
                                          {"previous", '"', PREVIOUS, NULL},
                                          {"response", '{', 0, in_response},
                                          {0}};
static const struct place in_unmapped[] = {{"georder", '{', 0, in_georder}, {0}};
static const struct place in_metadata[] = {{"sequence", '0', SEQUENCE, NULL},
                                           {"uid", '"', UID, NULL},
                                           {"correlation_uid", '"', ORDER_ID, NULL},
                                           {0}};
static const struct place in_record[] = {{"class_uid", '0', CLASS, NULL},
                                         {"metadata", '{', 0, in_metadata},
                                         {"unmapped", '{', 0, in_unmapped},
                                         {0}};

/* --- the quick way: every function is false when the strict parser should look --- */

#define DEPTH_MAX 16

struct scan {
    const char *at, *end;
    bool ascii;
    struct value *value;
};

static bool scan_char(struct scan *scan, char c)
{
    return scan->at < scan->end && *scan->at == c && scan->at++ != NULL;
}

/* Behind the opening quote; leaves `at` behind the closing one. plain: no escapes in it. */
static bool scan_string(struct scan *scan, struct value *out, bool *plain)
{
    const char *start = scan->at;
    unsigned char seen = 0;

    *plain = true;
    for (; scan->at < scan->end; scan->at++) {
        unsigned char c = (unsigned char)*scan->at;

        seen |= c;
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        if (c == '"')
            break;
        if (c != '\\' || scan->end - scan->at < 2 || scan->at[1] == '\0' ||
            strchr("\"\\/bfnrt", scan->at[1]) == NULL)
            return false;
        *plain = false;
        scan->at++;
    }
    scan->ascii = scan->ascii && seen < 0x80;
    *out = (struct value){start, (size_t)(scan->at - start)};
    return scan_char(scan, '"');
}

static bool scan_number(struct scan *scan, struct value *out)
{
    const char *start = scan->at;
    uint64_t number;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    *out = (struct value){start, (size_t)(scan->at - start)};
    return number_get(out->at, out->len, &number);
}

static bool scan_word(struct scan *scan, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
        return false;
    scan->at += len;
    return true;
}

static bool scan_object(struct scan *scan, const struct place *places, int depth);
static bool scan_skip(struct scan *scan, int depth);

static bool scan_array(struct scan *scan, int depth)
{
    if (depth > DEPTH_MAX)
        return false;
    if (scan_char(scan, ']'))
        return true;
    do {
        if (!scan_skip(scan, depth))
            return false;
    } while (scan_char(scan, ','));
    return scan_char(scan, ']');
}

static bool scan_skip(struct scan *scan, int depth)
{
    struct value ignored;
    bool plain;

    if (scan_char(scan, '"'))
        return scan_string(scan, &ignored, &plain);
    if (scan_char(scan, '{'))
        return scan_object(scan, NULL, depth + 1);
    if (scan_char(scan, '['))
        return scan_array(scan, depth + 1);
    return scan_word(scan, "true") || scan_word(scan, "false") || scan_number(scan, &ignored);
}

static bool scan_value(struct scan *scan, const struct place *place, int depth)
{
    struct value *value = &scan->value[place->value];
    bool plain = true;

    if (place->type == '{')
        return scan_char(scan, '{') && scan_object(scan, place->inside, depth + 1);
    if (value->at != NULL)
        return false;
    if (place->type == '0')
        return scan_number(scan, value);
    return scan_char(scan, '"') && scan_string(scan, value, &plain) && plain;
}

/* places of NULL: nothing inside is wanted. A wanted name that comes twice is not taken. */
static bool scan_member(struct scan *scan, const struct place *places, unsigned *seen, int depth)
{
    struct value name;
    bool plain;

    if (!scan_char(scan, '"') || !scan_string(scan, &name, &plain) || !plain ||
        !scan_char(scan, ':'))
        return false;
    for (unsigned i = 0; places != NULL && places[i].name != NULL; i++) {
        if (!value_is(&name, places[i].name))
            continue;
        if (*seen & 1u << i)
            return false;
        *seen |= 1u << i;
        return scan_value(scan, &places[i], depth);
    }
    return scan_skip(scan, depth);
}

static bool scan_object(struct scan *scan, const struct place *places, int depth)
{
    unsigned seen = 0;

    if (depth > DEPTH_MAX)
        return false;
    if (scan_char(scan, '}'))
        return true;
    do {
        if (!scan_member(scan, places, &seen, depth))
            return false;
    } while (scan_char(scan, ','));
    return scan_char(scan, '}');
}

int payload_scan(const char *text, size_t len, struct payload *out)
{
    struct value value[VALUES] = {0};
    struct scan scan = {.at = text, .end = text + len, .ascii = true, .value = value};

    if (!scan_char(&scan, '{') || !scan_object(&scan, in_record, 1) || scan.at != scan.end)
        return -1;
    if (!scan.ascii && !utf8_valid(text, len))
        return -1;
    return values_take(value, out);
}

/* --- the strict way --- */

static bool tree_take(const cJSON *object, const struct place *places, struct value *value,
                      struct buf *numbers)
{
    for (const struct place *place = places; place->name != NULL; place++) {
        const cJSON *node = cJSON_GetObjectItemCaseSensitive(object, place->name);

        if (node == NULL)
            continue;
        if (place->type == '{') {
            if (!cJSON_IsObject(node) || !tree_take(node, place->inside, value, numbers))
                return false;
        } else if (place->type == '"') {
            if (!cJSON_IsString(node))
                return false;
            value[place->value] = (struct value){node->valuestring, strlen(node->valuestring)};
        } else {
            size_t start = numbers->len;

            if (!cJSON_IsNumber(node))
                return false;
            json_put(numbers, node);
            value[place->value] = (struct value){numbers->data + start, numbers->len - start};
        }
    }
    return buf_ok(numbers);
}

bool payload_parse(const char *text, size_t len, struct payload *out)
{
    struct json_doc doc = {.name = "record", .text = text, .len = len, .result = RESULT_AUDIT};
    struct value value[VALUES] = {0};
    AUTO_BUF numbers = BUF_INIT(64);
    struct err err = {0};
    bool good;

    if (json_parse(&doc, JSON_OURS, &err) != RESULT_OK)
        return false;
    /* Room for both numbers at once, so that neither moves. */
    good = buf_room(&numbers, 2 * NUMBER_DIGITS + 2) != NULL && cJSON_IsObject(doc.root) &&
           tree_take(doc.root, in_record, value, &numbers) && values_take(value, out);
    json_free(&doc);
    return good;
}

bool payload_read(const char *text, size_t len, struct payload *out)
{
    int taken = payload_scan(text, len, out);

    return taken < 0 ? payload_parse(text, len, out) : taken == 1;
}
