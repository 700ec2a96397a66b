/* What a scenario can make of an answer. README.md lists the behaviours and their options. */
#include "rehearsal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void shape(const cJSON *behaviour, struct answer *answer);

static void text_body(struct answer *answer, const char *body)
{
    free(answer->body);
    answer->len = strlen(body);
    answer->body = text_copy(body, answer->len);
}

static int whole_number(const cJSON *behaviour, const char *name, int otherwise)
{
    return (int)member_number(behaviour, name, otherwise);
}

static void shape_normal(const cJSON *behaviour, struct answer *answer)
{
    (void)behaviour, (void)answer;
}

static void shape_refuse(const cJSON *behaviour, struct answer *answer)
{
    const cJSON *errors = cJSON_GetObjectItemCaseSensitive(behaviour, "errors");
    unsigned status = (unsigned)whole_number(behaviour, "status", 400);
    if (errors != NULL)
        answer_errors(answer, status, cJSON_Duplicate(errors, true));
    else
        answer_error(answer, status, 1450, "Advanced Certificate Manager is required");
}

static void shape_raw(const cJSON *behaviour, struct answer *answer)
{
    answer->status = (unsigned)whole_number(behaviour, "status", 502);
    (void)snprintf(answer->content_type, sizeof answer->content_type, "%s",
                   member_text(behaviour, "content_type", "text/html"));
    text_body(answer, member_text(behaviour, "body", "<html>502 Bad Gateway</html>"));
}

static void shape_empty(const cJSON *behaviour, struct answer *answer)
{
    answer->status = (unsigned)whole_number(behaviour, "status", 200);
    text_body(answer, "");
}

static void shape_rate_limit(const cJSON *behaviour, struct answer *answer)
{
    answer_error(answer, 429, 10100, "More than 1200 requests per 300 seconds reached");
    answer->retry_after = whole_number(behaviour, "retry_after", 1);
}

static void shape_drop(const cJSON *behaviour, struct answer *answer)
{
    (void)behaviour;
    answer->drop = true;
}

static void shape_truncate(const cJSON *behaviour, struct answer *answer)
{
    answer->cut = (size_t)whole_number(behaviour, "bytes", 20);
}

static void shape_stall(const cJSON *behaviour, struct answer *answer)
{
    answer->delay_ms = (int)(member_number(behaviour, "seconds", 60) * 1000);
}

/* The answer as it was, but with white space before its last brace, up to the size. */
static void shape_huge(const cJSON *behaviour, struct answer *answer)
{
    size_t len = (size_t)whole_number(behaviour, "bytes", 2 << 20);
    if (len <= answer->len || len > ANSWER_MAX)
        return;
    char *body = malloc(len + 1);
    if (body == NULL)
        abort();
    memset(body, ' ', len);
    memcpy(body, answer->body, answer->len - 1);
    body[len - 1] = '}';
    body[len] = '\0';
    free(answer->body);
    answer->body = body;
    answer->len = len;
}

static void shape_redirect(const cJSON *behaviour, struct answer *answer)
{
    answer->status = (unsigned)whole_number(behaviour, "status", 302);
    (void)snprintf(answer->location, sizeof answer->location, "%s",
                   member_text(behaviour, "location", "https://localhost/"));
    text_body(answer, "");
}

static void shape_trickle(const cJSON *behaviour, struct answer *answer)
{
    answer->piece = (size_t)whole_number(behaviour, "bytes", 16);
    answer->piece_ms = whole_number(behaviour, "every_ms", 20);
}

/* What every behaviour may say: how a pack is placed matters to those that then hide it too. */
#define COMMON                                                                                     \
    {"answer", cJSON_String, true}, {"done", BOOL_TYPES, false}, {"chunked", BOOL_TYPES, false},   \
        {"geo_label", cJSON_String | cJSON_Array, false}, {"expires_days", cJSON_Number, false},   \
        {"extra_host", cJSON_String | cJSON_Array, false}, {"drop_host", cJSON_String, false},     \
        {"certificate_authority", cJSON_String, false}, {"validity_days", cJSON_Number, false},    \
        {"validation_method", cJSON_String, false}, {"type", cJSON_String, false},                 \
        {"cloudflare_branding", BOOL_TYPES, false}, {"validation_errors", cJSON_Array, false},     \
        {"id_form", cJSON_String, false}, {"unknown_fields", BOOL_TYPES, false},                   \
        {"shuffle", BOOL_TYPES, false},                                                            \
    {                                                                                              \
        "progress", cJSON_Object, false                                                            \
    }

#define PACK_STATUS                                                                                \
    {                                                                                              \
        "status", cJSON_String, false                                                              \
    }
#define HTTP_STATUS                                                                                \
    {                                                                                              \
        "status", cJSON_Number, false                                                              \
    }

#define OPTIONS_MAX 24

static const struct behaviour {
    const char *name;
    shape *shape;
    bool acts; /* unless "done" says otherwise */
    struct member options[OPTIONS_MAX];
} behaviours[] = {
    {"normal", shape_normal, true, {COMMON}},
    {"place", shape_normal, true, {COMMON, PACK_STATUS}},
    {"refuse", shape_refuse, false, {COMMON, HTTP_STATUS, {"errors", cJSON_Array, false}}},
    {"raw",
     shape_raw,
     false,
     {COMMON, HTTP_STATUS, {"content_type", cJSON_String, false}, {"body", cJSON_String, false}}},
    {"empty", shape_empty, true, {COMMON, HTTP_STATUS}},
    {"rate_limit", shape_rate_limit, false, {COMMON, {"retry_after", cJSON_Number, false}}},
    {"drop", shape_drop, true, {COMMON, PACK_STATUS}},
    {"drop_before", shape_drop, false, {COMMON}},
    {"truncate", shape_truncate, true, {COMMON, PACK_STATUS, {"bytes", cJSON_Number, false}}},
    {"stall", shape_stall, true, {COMMON, PACK_STATUS, {"seconds", cJSON_Number, false}}},
    {"huge", shape_huge, true, {COMMON, PACK_STATUS, {"bytes", cJSON_Number, false}}},
    {"redirect", shape_redirect, false, {COMMON, HTTP_STATUS, {"location", cJSON_String, false}}},
    {"trickle",
     shape_trickle,
     true,
     {COMMON, PACK_STATUS, {"bytes", cJSON_Number, false}, {"every_ms", cJSON_Number, false}}},
};

static const struct behaviour *behaviour_find(const char *name)
{
    for (size_t i = 0; i < sizeof behaviours / sizeof *behaviours; i++)
        if (strcmp(behaviours[i].name, name) == 0)
            return &behaviours[i];
    return NULL;
}

bool behaviour_check(const cJSON *behaviour, struct fault *fault)
{
    const char *name = member_text(behaviour, "answer", "");
    const struct behaviour *known = behaviour_find(name);
    size_t count = 0;
    if (known == NULL)
        return fault_set(fault, "/answer", "\"%.60s\" is not a known answer", name);
    while (count < OPTIONS_MAX && known->options[count].name != NULL)
        count++;
    return members_check(behaviour, known->options, count, fault) &&
           progress_check(behaviour, fault);
}

bool behaviour_acts(const cJSON *behaviour)
{
    const cJSON *done = cJSON_GetObjectItemCaseSensitive(behaviour, "done");
    if (behaviour == NULL || done != NULL)
        return behaviour == NULL || cJSON_IsTrue(done);
    return behaviour_find(member_text(behaviour, "answer", ""))->acts;
}

void behaviour_shape(const cJSON *behaviour, struct answer *answer)
{
    if (behaviour == NULL)
        return;
    const struct behaviour *known = behaviour_find(member_text(behaviour, "answer", ""));
    answer->behaviour = known->name;
    answer->chunked = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(behaviour, "chunked"));
    known->shape(behaviour, answer);
}
