#include "payload.h"

#include <string.h>

#include "number.h"

#define BODIES       "bodies/"
#define PAYLOAD_HEAD 1024 /* of base64url: whole groups of four */
/* What is cut off must not be able to hide a name that the scan would have taken. */
#define LOOK_AHEAD ((ptrdiff_t)sizeof ",\"body_file\":\"")

/* The values that were asked for, as they stand in the text or in the tree. */
struct value {
    const char *at; /* NULL: not there */
    size_t len;
};
enum { EVENT, ORIGIN, PREVIOUS, ORDER_ID, UID, BODY_FILE, SEQUENCE, TIME, CLASS, VALUES };

static bool value_is(const struct value *value, const char *text)
{
    return value->len == strlen(text) && memcmp(value->at, text, value->len) == 0;
}

static bool value_among(const struct value *value, const char *const texts[])
{
    while (*texts != NULL && !value_is(value, *texts))
        texts++;
    return *texts != NULL;
}

static enum record_kind kind_of(const struct value *event)
{
    static const char *const intents[] = {"order.intent", "pack.delete", "credential.change",
                                          "keystore.change", NULL};
    static const char *const outcomes[] = {"order.response",
                                           "order.unknown",
                                           "order.not_sent",
                                           "pack.deleted",
                                           "pack.not_deleted",
                                           "pack.unknown",
                                           "credential.changed",
                                           "keystore.changed",
                                           "credential.unchanged",
                                           "keystore.unchanged",
                                           "credential.unknown",
                                           "keystore.unknown",
                                           NULL};

    if (value_among(event, intents))
        return RECORD_INTENT;
    if (value_among(event, outcomes))
        return RECORD_OUTCOME;
    if (value_is(event, "key.rotated"))
        return RECORD_ROTATION;
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
    if (!number_get(value[TIME].at, value[TIME].len, &out->time))
        out->time = 0;
    return value_is(&value[CLASS], "6003") && uuid_is(&value[UID]) &&
           number_get(value[SEQUENCE].at, value[SEQUENCE].len, &out->sequence) &&
           value[PREVIOUS].len == SHA256_HEX_LEN &&
           hex_get(value[PREVIOUS].at, SHA256_HEX_LEN, out->previous) &&
           text_take(&value[EVENT], out->event, EVENT_MAX) &&
           text_take(&value[ORDER_ID], out->order_id, ORDER_ID_MAX) &&
           text_take(&value[ORIGIN], out->origin, ORIGIN_MAX) &&
           body_take(&value[BODY_FILE], out->body_file);
}

/* --- the quick way: false where the strict one should look --- */

struct scan {
    const char *at, *end;
};

static bool scan_word(struct scan *scan, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
        return false;
    scan->at += len;
    return true;
}

/* Up to the closing quote, which must be there; ASCII without escapes. */
static bool scan_text(struct scan *scan, struct value *out)
{
    const char *at = scan->at;

    while (at < scan->end && *at >= ' ' && *at <= '~' && *at != '"' && *at != '\\')
        at++;
    *out = (struct value){scan->at, (size_t)(at - scan->at)};
    scan->at = at;
    return scan_word(scan, "\"");
}

static bool scan_number(struct scan *scan, struct value *out)
{
    const char *at = scan->at;
    uint64_t number;

    while (at < scan->end && *at >= '0' && *at <= '9')
        at++;
    *out = (struct value){scan->at, (size_t)(at - scan->at)};
    scan->at = at;
    return number_get(out->at, out->len, &number) && at < scan->end;
}

static bool scan_metadata(struct scan *scan, struct value value[VALUES])
{
    struct value ignored;

    return scan_word(scan, "\"metadata\":{\"sequence\":") && scan_number(scan, &value[SEQUENCE]) &&
           scan_word(scan, ",\"uid\":\"") && scan_text(scan, &value[UID]) &&
           (!scan_word(scan, ",\"correlation_uid\":\"") || scan_text(scan, &value[ORDER_ID])) &&
           scan_word(scan, ",\"version\":\"") && scan_text(scan, &ignored) &&
           scan_word(scan, ",\"product\":{\"name\":\"") && scan_text(scan, &ignored) &&
           scan_word(scan, ",\"vendor_name\":\"") && scan_text(scan, &ignored) &&
           scan_word(scan, ",\"version\":\"") && scan_text(scan, &ignored) &&
           scan_word(scan, "},\"log_name\":\"") && scan_text(scan, &ignored) &&
           scan_word(scan, ",\"event_code\":\"") && scan_text(scan, &ignored) &&
           scan_word(scan, ",\"logged_time\":") && scan_number(scan, &value[TIME]) &&
           scan_word(scan, "}");
}

static bool scan_ours(struct scan *scan, struct value value[VALUES])
{
    return scan_word(scan, ",\"unmapped\":{\"georder\":{\"event\":\"") &&
           scan_text(scan, &value[EVENT]) && scan_word(scan, ",\"origin\":\"") &&
           scan_text(scan, &value[ORIGIN]) && scan_word(scan, ",\"previous\":\"") &&
           scan_text(scan, &value[PREVIOUS]) &&
           (!scan_word(scan, ",\"body_file\":") ||
            (scan_word(scan, "\"") && scan_text(scan, &value[BODY_FILE]))) &&
           scan->end - scan->at >= LOOK_AHEAD;
}

bool payload_scan(const char *text, size_t len, struct payload *out)
{
    struct value value[VALUES] = {[CLASS] = {"6003", 4}};
    struct scan scan = {text, text + len};

    return scan_word(&scan, "{\"class_uid\":6003,") && scan_metadata(&scan, value) &&
           scan_ours(&scan, value) && values_take(value, out);
}

/* --- the strict way --- */

/* A member of an object, or of nothing; NULL when it is not there. */
static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* Not there is left to values_take(); of another type is not. */
static bool text_find(const cJSON *object, const char *name, struct value *out)
{
    const cJSON *node = member(object, name);

    if (cJSON_IsString(node))
        *out = (struct value){node->valuestring, strlen(node->valuestring)};
    return node == NULL || cJSON_IsString(node);
}

static bool number_find(const cJSON *object, const char *name, struct buf *digits,
                        struct value *out)
{
    const cJSON *node = member(object, name);

    if (!cJSON_IsNumber(node))
        return false;
    json_put(digits, node);
    *out = (struct value){buf_text(digits), digits->len};
    return buf_ok(digits);
}

static bool tree_take(const cJSON *root, struct payload *out)
{
    const cJSON *metadata = member(root, "metadata");
    const cJSON *ours = member(member(root, "unmapped"), "georder");
    AUTO_BUF class = BUF_INIT(64), sequence = BUF_INIT(64), time = BUF_INIT(64);
    struct value value[VALUES] = {0};

    if (cJSON_IsNumber(member(metadata, "logged_time")) &&
        !number_find(metadata, "logged_time", &time, &value[TIME]))
        return false;

    return number_find(root, "class_uid", &class, &value[CLASS]) &&
           number_find(metadata, "sequence", &sequence, &value[SEQUENCE]) &&
           text_find(metadata, "uid", &value[UID]) &&
           text_find(metadata, "correlation_uid", &value[ORDER_ID]) &&
           text_find(ours, "event", &value[EVENT]) && text_find(ours, "origin", &value[ORIGIN]) &&
           text_find(ours, "previous", &value[PREVIOUS]) &&
           text_find(ours, "body_file", &value[BODY_FILE]) && values_take(value, out);
}

bool payload_parse(const char *text, size_t len, struct payload *out)
{
    struct json_doc doc = {.name = "record", .text = text, .len = len, .result = RESULT_AUDIT};
    struct err err = {0};
    bool good = json_parse(&doc, JSON_OURS, &err) == RESULT_OK && tree_take(doc.root, out);

    json_free(&doc);
    return good;
}

bool payload_read(const char *text64, size_t len, struct buf *room, struct payload *out)
{
    size_t head = len < PAYLOAD_HEAD ? len : PAYLOAD_HEAD;

    buf_reset(room);
    if (!base64url_get(text64, head, room))
        return false;
    if (payload_scan(buf_text(room), room->len, out))
        return true;
    return base64url_get(text64 + head, len - head, room) &&
           payload_parse(buf_text(room), room->len, out);
}
