/* Status, content type and body of an answer to one verdict: placed, refused, or not to be known.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "answer_read.h"
#include "text.h"

#define PAGES_MAX 1000000
#define CODE_MAX  1000000000000

static bool is_success_status(int status)
{
    return status >= 200 && status <= 299;
}

/* 408 says that the server gave up waiting, not that it did nothing. */
static bool is_refusal_status(int status)
{
    return status >= 400 && status <= 499 && status != 408;
}

static bool is_json_type(const char *type)
{
    static const char json[] = "application/json";
    size_t len = strlen(json);
    return strncasecmp(type, json, len) == 0 && strchr("; ", type[len]) != NULL;
}

/* false: answer->why tells. */
static bool body_parse(struct answer *answer, const char *content_type)
{
    struct err fault;
    if (answer->doc.len == 0) {
        text_set(answer->why, sizeof(answer->why), "the body is empty");
        return false;
    }
    if (!is_json_type(content_type)) {
        text_set(answer->why, sizeof(answer->why),
                 "the content type is \"%s\", not application/json", content_type);
        return false;
    }
    if (json_parse(&answer->doc, JSON_ANSWER, &fault) == RESULT_OK)
        return true;
    text_set(answer->why, sizeof(answer->why), "%s", fault.text);
    return false;
}

static void message_read(struct reader *reader, const cJSON *item, struct api_message *out)
{
    const cJSON *object = read_item(reader, item);
    out->raw = item;
    out->code = read_int(reader, object, "code", -CODE_MAX, CODE_MAX, 0);
    out->message = read_text(reader, object, "message");
    out->documentation_url = read_text(reader, object, "documentation_url");
    out->pointer = read_text(reader, read_object(reader, object, "source"), "pointer");
}

static struct api_message *messages_read(struct reader *reader, const char *name, size_t *count)
{
    const cJSON *array = read_array(reader, reader->answer->doc.root, name), *item = NULL;
    struct api_message *messages = read_room(reader, array, sizeof(*messages), count);
    size_t i = 0;
    cJSON_ArrayForEach(item, array)
    {
        if (i < *count)
            message_read(reader, item, &messages[i++]);
    }
    return messages;
}

static bool has_pack_id(const cJSON *object)
{
    const cJSON *id = read_member(object, "id");
    return cJSON_IsString(id) && pack_id_valid(id->valuestring);
}

static void pack_alone_read(struct reader *reader, const cJSON *result)
{
    struct answer *answer = reader->answer;
    if (!has_pack_id(result)) {
        read_fault(reader, result, "has no pack id of 32 hex digits or a UUID");
        return;
    }
    answer->pack = calloc(1, sizeof(*answer->pack));
    reader->no_memory = reader->no_memory || answer->pack == NULL;
    if (answer->pack == NULL)
        return;
    answer->packs = 1;
    pack_read(reader, result, answer->pack);
}

static void pack_list_read(struct reader *reader, const cJSON *result)
{
    struct answer *answer = reader->answer;
    const cJSON *item = NULL;
    if (cJSON_GetArraySize(result) > ANSWER_LIST_MAX) {
        read_fault(reader, result, "has more than %d items", ANSWER_LIST_MAX);
        return;
    }
    cJSON_ArrayForEach(item, result)
    {
        if (!has_pack_id(item)) {
            read_fault(reader, item, "has no pack id of 32 hex digits or a UUID");
            return;
        }
    }
    size_t i = 0;
    answer->pack = read_room(reader, result, sizeof(*answer->pack), &answer->packs);
    cJSON_ArrayForEach(item, result)
    {
        if (i < answer->packs)
            pack_read(reader, item, &answer->pack[i++]);
    }
}

static void result_read(struct reader *reader)
{
    const cJSON *root = reader->answer->doc.root;
    const cJSON *result = cJSON_GetObjectItemCaseSensitive(root, "result");
    if (cJSON_IsArray(result))
        pack_list_read(reader, result);
    else if (cJSON_IsObject(result))
        pack_alone_read(reader, result);
    else
        read_fault(reader, result == NULL ? root : result, "has no pack");
    reader->answer->total_pages =
        read_int(reader, read_object(reader, root, "result_info"), "total_pages", 0, PAGES_MAX, 1);
}

static void envelope_read(struct reader *reader, int http_status)
{
    struct answer *answer = reader->answer;
    const cJSON *success = cJSON_GetObjectItemCaseSensitive(answer->doc.root, "success");
    answer->envelope = cJSON_IsBool(success);
    answer->success = is_success_status(http_status) && cJSON_IsTrue(success);
    if (!answer->envelope)
        read_fault(reader, success == NULL ? answer->doc.root : success,
                   "no member \"success\" that is true or false: not the API's answer");
    answer->error = messages_read(reader, "errors", &answer->errors);
    answer->message = messages_read(reader, "messages", &answer->messages);
    if (answer->success)
        result_read(reader);
    else if (is_refusal_status(http_status) && cJSON_IsTrue(success))
        read_fault(reader, success, "true, although the status is %d", http_status);
}

static enum answer_outcome outcome_judge(const struct reader *reader, int http_status)
{
    const struct answer *answer = reader->answer;
    const cJSON *success = cJSON_GetObjectItemCaseSensitive(answer->doc.root, "success");
    if (is_refusal_status(http_status))
        return cJSON_IsTrue(success) ? ANSWER_UNCLEAR : ANSWER_REFUSED;
    if (!is_success_status(http_status) || !answer->envelope || reader->fault)
        return ANSWER_UNCLEAR;
    return answer->success ? ANSWER_PLACED : ANSWER_REFUSED;
}

enum result answer_decode(int http_status, const char *content_type, const char *body, size_t len,
                          struct answer *answer, struct err *err)
{
    struct reader reader = {.answer = answer};
    memset(answer, 0, sizeof(*answer));
    answer->total_pages = 1;
    answer->doc =
        (struct json_doc){.name = "answer", .text = body, .len = len, .result = RESULT_UNKNOWN};
    if (body_parse(answer, content_type))
        envelope_read(&reader, http_status);
    if (reader.no_memory) {
        answer_free(answer);
        return err_set(err, RESULT_INTERNAL, "the API's answer: out of memory");
    }
    answer->outcome = outcome_judge(&reader, http_status);
    if (answer->outcome == ANSWER_UNCLEAR && answer->why[0] == '\0')
        text_set(answer->why, sizeof(answer->why), "HTTP status %d", http_status);
    return RESULT_OK;
}

const struct pack *answer_pack(const struct answer *answer)
{
    const cJSON *result = cJSON_GetObjectItemCaseSensitive(answer->doc.root, "result");
    return answer->packs == 1 && cJSON_IsObject(result) ? answer->pack : NULL;
}

void answer_free(struct answer *answer)
{
    for (size_t i = 0; i < answer->packs; i++)
        pack_free(&answer->pack[i]);
    free(answer->pack);
    free(answer->error);
    free(answer->message);
    json_free(&answer->doc);
    memset(answer, 0, sizeof(*answer));
}
