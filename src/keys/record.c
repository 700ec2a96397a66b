#include "record.h"

#include <string.h>

#define CLASS_API_ACTIVITY 6003
#define SEQUENCE_MAX       INT64_C(999999999999) /* twelve digits name a file of records */

struct fields {
    int64_t class, sequence;
    const char *uid, *event, *previous, *origin;
};

static enum result fields_get(const struct json_doc *doc, struct fields *out, struct err *err)
{
    const cJSON *metadata, *unmapped, *ours;

    if (json_int(doc, doc->root, "class_uid", 0, 999999999, &out->class, err) != RESULT_OK ||
        json_member(doc, doc->root, "metadata", &metadata, err) != RESULT_OK ||
        json_int(doc, metadata, "sequence", 0, SEQUENCE_MAX, &out->sequence, err) != RESULT_OK ||
        json_string(doc, metadata, "uid", UUID_LEN, &out->uid, err) != RESULT_OK ||
        json_member(doc, doc->root, "unmapped", &unmapped, err) != RESULT_OK ||
        json_member(doc, unmapped, "georder", &ours, err) != RESULT_OK ||
        json_string(doc, ours, "event", 64, &out->event, err) != RESULT_OK ||
        json_string(doc, ours, "previous", SHA256_HEX_LEN, &out->previous, err) != RESULT_OK ||
        json_string(doc, ours, "origin", ORIGIN_MAX, &out->origin, err) != RESULT_OK)
        return err->result;
    return RESULT_OK;
}

static bool uuid_valid(const char *text)
{
    uint8_t bytes[6];

    return strlen(text) == UUID_LEN && text[8] == '-' && text[13] == '-' && text[18] == '-' &&
           text[23] == '-' && hex_get(text, 8, bytes) && hex_get(text + 9, 4, bytes) &&
           hex_get(text + 14, 4, bytes) && hex_get(text + 19, 4, bytes) &&
           hex_get(text + 24, 12, bytes);
}

/* [a-z]+\.[a-z_]+ */
static bool event_valid(const char *event)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    size_t noun = strspn(event, letters);
    size_t verb = event[noun] == '.' ? strspn(event + noun + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;

    return noun > 0 && verb > 0 && event[noun + 1 + verb] == '\0';
}

static bool hash_valid(const char *text)
{
    uint8_t bytes[SHA256_LEN];

    return strlen(text) == SHA256_HEX_LEN && hex_get(text, SHA256_HEX_LEN, bytes);
}

bool origin_valid(const char *origin)
{
    size_t len = strlen(origin);

    for (size_t i = 0; i < len; i++)
        if (origin[i] <= ' ' || origin[i] > '~' || origin[i] == '+')
            return false;
    return len > 0 && len <= ORIGIN_MAX;
}

static enum result form_check(const struct fields *fields, struct err *err)
{
    if (fields->class != CLASS_API_ACTIVITY)
        return err_set(err, RESULT_KEY, "class_uid is %lld, not %d", (long long)fields->class,
                       CLASS_API_ACTIVITY);
    if (!uuid_valid(fields->uid))
        return err_set(err, RESULT_KEY, "metadata.uid is not a UUID in lower case");
    if (!event_valid(fields->event))
        return err_set(err, RESULT_KEY, "unmapped.georder.event is not of the form noun.verb");
    if (!hash_valid(fields->previous))
        return err_set(err, RESULT_KEY,
                       "unmapped.georder.previous is not 64 hex digits in lower case");
    return RESULT_OK;
}

/* Another process may have appended in between: then the sequence leaps, and only growth is known.
 */
static enum result order_check(const struct record_state *state, const struct fields *fields,
                               struct err *err)
{
    uint64_t sequence = (uint64_t)fields->sequence;

    if (strcmp(fields->origin, state->origin) != 0)
        return err_set(err, RESULT_KEY, "unmapped.georder.origin is not %s, which was opened",
                       state->origin);
    if (!state->signed_any || sequence > state->sequence + 1)
        return RESULT_OK;
    if (sequence <= state->sequence)
        return err_set(err, RESULT_KEY, "metadata.sequence is %llu, but %llu was signed already",
                       (unsigned long long)sequence, (unsigned long long)state->sequence);
    if (strcmp(fields->previous, state->line_hash) != 0)
        return err_set(err, RESULT_KEY,
                       "unmapped.georder.previous is not the SHA-256 of record %llu as it was "
                       "signed",
                       (unsigned long long)state->sequence);
    return RESULT_OK;
}

enum result record_check(const struct record_state *state, const char *payload, size_t len,
                         uint64_t *sequence, struct err *err)
{
    struct json_doc doc = {.name = "record", .text = payload, .len = len, .result = RESULT_KEY};
    struct fields fields = {0};
    enum result result = json_parse(&doc, JSON_OURS, err);

    if (result == RESULT_OK)
        result = fields_get(&doc, &fields, err);
    if (result == RESULT_OK)
        result = form_check(&fields, err);
    if (result == RESULT_OK)
        result = order_check(state, &fields, err);
    json_free(&doc);
    *sequence = (uint64_t)fields.sequence;
    return result == RESULT_OK ? RESULT_OK : err_prefix(err, "refused to sign");
}
