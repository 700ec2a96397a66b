#include "rehearsal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void answer_init(struct answer *answer)
{
    char ray[16 + 1];
    *answer = (struct answer){.retry_after = -1, .behaviour = "normal", .cut = SIZE_MAX};
    text_random(ray, 16);
    (void)snprintf(answer->cf_ray, sizeof answer->cf_ray, "%s-FRA", ray);
}

void answer_free(struct answer *answer)
{
    free(answer->body);
    answer->body = NULL;
}

/* Takes all three. The order of the members is the API's. */
static void answer_envelope(struct answer *answer, unsigned status, cJSON *result, cJSON *errors,
                            cJSON *messages, cJSON *info)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddItemToObject(root, "result", result != NULL ? result : cJSON_CreateNull());
    cJSON_AddBoolToObject(root, "success", status < 300);
    cJSON_AddItemToObject(root, "errors", errors != NULL ? errors : cJSON_CreateArray());
    cJSON_AddItemToObject(root, "messages", messages != NULL ? messages : cJSON_CreateArray());
    if (info != NULL)
        cJSON_AddItemToObject(root, "result_info", info);
    free(answer->body);
    answer->body = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    if (answer->body == NULL)
        abort();
    answer->len = strlen(answer->body);
    answer->status = status;
    (void)snprintf(answer->content_type, sizeof answer->content_type, "application/json");
}

void answer_result(struct answer *answer, cJSON *result)
{
    answer_envelope(answer, 200, result, NULL, NULL, NULL);
}

void answer_page(struct answer *answer, cJSON *result, int page, int per_page)
{
    int total = cJSON_GetArraySize(result);
    cJSON *shown = cJSON_CreateArray();
    for (int i = 0; i < per_page; i++)
        cJSON_AddItemToArray(shown, cJSON_DetachItemFromArray(result, (page - 1) * per_page));
    cJSON *info = cJSON_CreateObject();
    cJSON_AddNumberToObject(info, "page", page);
    cJSON_AddNumberToObject(info, "per_page", per_page);
    cJSON_AddNumberToObject(info, "count", cJSON_GetArraySize(shown));
    cJSON_AddNumberToObject(info, "total_count", total);
    cJSON_AddNumberToObject(info, "total_pages", (total + per_page - 1) / per_page);
    cJSON_Delete(result);
    answer_envelope(answer, 200, shown, NULL, NULL, info);
}

/* The type:null is what the real API shows. */
void answer_message(struct answer *answer, cJSON *result, int code, const char *message)
{
    cJSON *messages = cJSON_CreateArray(), *item = cJSON_CreateObject();
    cJSON_AddNumberToObject(item, "code", code);
    cJSON_AddStringToObject(item, "message", message);
    cJSON_AddNullToObject(item, "type");
    cJSON_AddItemToArray(messages, item);
    answer_envelope(answer, 200, result, NULL, messages, NULL);
}

static cJSON *error_item(int code, const char *message)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddNumberToObject(item, "code", code);
    cJSON_AddStringToObject(item, "message", message);
    return item;
}

void answer_errors(struct answer *answer, unsigned status, cJSON *errors)
{
    answer_envelope(answer, status, NULL, errors, NULL, NULL);
}

static void answer_error_item(struct answer *answer, unsigned status, cJSON *item)
{
    cJSON *errors = cJSON_CreateArray();
    cJSON_AddItemToArray(errors, item);
    answer_errors(answer, status, errors);
}

void answer_error(struct answer *answer, unsigned status, int code, const char *message)
{
    answer_error_item(answer, status, error_item(code, message));
}

void answer_error_at(struct answer *answer, unsigned status, int code, const struct fault *fault)
{
    cJSON *item = error_item(code, fault->text);
    cJSON_AddStringToObject(item, "documentation_url",
                            "https://developers.cloudflare.com/api/resources/ssl/subresources/"
                            "certificate_packs/methods/create/");
    cJSON *source = cJSON_AddObjectToObject(item, "source");
    cJSON_AddStringToObject(source, "pointer", fault->pointer);
    answer_error_item(answer, status, item);
}

void answer_error_chain(struct answer *answer, unsigned status, int code, const char *message,
                        int inner_code, const char *inner)
{
    cJSON *item = error_item(code, message);
    cJSON *chain = cJSON_AddArrayToObject(item, "error_chain");
    cJSON_AddItemToArray(chain, error_item(inner_code, inner));
    answer_error_item(answer, status, item);
}
