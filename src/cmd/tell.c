/* A pack and an answer, told to people and put whole into the document. */
#include "placing.h"

#include <string.h>

static const char *given(const char *text)
{
    return text != NULL && text[0] != '\0' ? shown(text) : "(not shown)";
}

static void tell_hosts(const struct output *output, const cJSON *hosts)
{
    const cJSON *host;
    const char *between = "";

    say(output, "  hosts ");
    cJSON_ArrayForEach(host, hosts)
    {
        say(output, "%s%s", between, cJSON_IsString(host) ? shown(host->valuestring) : "?");
        between = ", ";
    }
    say(output, "\n");
}

static void tell_validation(const struct output *output, const char *what,
                            const struct validation_record *record)
{
    const cJSON *email;

    if (record->txt_name != NULL && record->txt_name[0] != '\0')
        say(output, "  %s: TXT %s = %s\n", what, shown(record->txt_name), given(record->txt_value));
    if (record->http_url != NULL && record->http_url[0] != '\0')
        say(output, "  %s: serve %s with %s\n", what, shown(record->http_url),
            given(record->http_body));
    if (record->cname != NULL && record->cname[0] != '\0')
        say(output, "  %s: CNAME %s -> %s\n", what, shown(record->cname),
            given(record->cname_target));
    cJSON_ArrayForEach(email, record->emails)
    {
        if (cJSON_IsString(email))
            say(output, "  %s: mail to %s\n", what, shown(email->valuestring));
    }
}

static void tell_items(const struct output *output, const char *what, size_t count,
                       const struct assessment_item *item)
{
    for (size_t i = 0; i < count; i++)
        say(output, "  %s: %s\n", what, shown(item[i].text));
}

void pack_tell(struct session *session, const struct pack *pack,
               const struct assessment *assessment)
{
    const struct output *output = &session->output;

    output_add(&session->output, "pack", cJSON_Duplicate(pack->raw, true));
    output_add(&session->output, "assessment", assessment_json(assessment));
    say(output, "pack %s: %s, %s\n", given(pack->id), given(pack->status),
        assessment_verdict_name(assessment->verdict));
    tell_hosts(output, pack->hosts);
    for (size_t i = 0; i < pack->validation_records; i++)
        tell_validation(output, "validation", &pack->validation_record[i]);
    for (size_t i = 0; i < pack->dcv_delegation_records; i++)
        tell_validation(output, "delegation", &pack->dcv_delegation_record[i]);
    for (size_t i = 0; i < pack->certificates; i++)
        say(output, "  certificate %s: %s, geo label %s, expires %s\n",
            given(pack->certificate[i].id), given(pack->certificate[i].status),
            given(pack->certificate[i].geo_label), given(pack->certificate[i].expires_on));
    tell_items(output, "VIOLATION", assessment->findings, assessment->finding);
    tell_items(output, "open", assessment->obligations, assessment->obligation);
}

static void tell_message(const struct output *output, const char *what,
                         const struct api_message *message)
{
    say(output, "  %s", what);
    if (message->code != 0)
        say(output, " %lld", (long long)message->code);
    say(output, ": %s", given(message->message));
    if (message->pointer != NULL && message->pointer[0] != '\0')
        say(output, " (at %s)", shown(message->pointer));
    if (message->documentation_url != NULL && message->documentation_url[0] != '\0')
        say(output, " %s", shown(message->documentation_url));
    say(output, "\n");
}

static cJSON *raw_list(size_t count, const struct api_message *message)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_Duplicate(message[i].raw, true));
    return list;
}

void answer_tell(struct session *session, const struct exchange *exchange,
                 const struct answer *answer)
{
    cJSON *http = cJSON_CreateObject();

    cJSON_AddNumberToObject(http, "status", exchange->head.status);
    cJSON_AddStringToObject(http, "cf_ray", exchange->head.cf_ray);
    if (exchange->head.retry_after[0] != '\0')
        cJSON_AddStringToObject(http, "retry_after", exchange->head.retry_after);
    output_add(&session->output, "http", http);
    output_add(&session->output, "errors", raw_list(answer->errors, answer->error));
    output_add(&session->output, "messages", raw_list(answer->messages, answer->message));
    for (size_t i = 0; i < answer->errors; i++)
        tell_message(&session->output, "API error", &answer->error[i]);
    for (size_t i = 0; i < answer->messages; i++)
        tell_message(&session->output, "API message", &answer->message[i]);
    if (answer->why[0] != '\0')
        say(&session->output, "  %s\n", shown(answer->why));
}
