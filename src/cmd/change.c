#include "change.h"

#include <stdio.h>
#include <string.h>

#include "interrupt.h"
#include "parts.h"

#define NAME_MAX_LEN 63

void change_start(struct change *change, struct session *session, const char *noun,
                  const char *verb, enum change_activity activity)
{
    *change = (struct change){.session = session, .noun = noun, .verb = verb, .activity = activity};
    uuid7(clock_now(), change->id);
    if (session->output.document == NULL)
        return;
    change->records = cJSON_CreateArray();
    output_add(&session->output, "records", change->records);
}

static void event_name(char out[NAME_MAX_LEN + 1], const struct change *change, const char *event)
{
    (void)snprintf(out, NAME_MAX_LEN + 1, "%s.%s", change->noun, event);
}

/* A broken policy keeps nobody from taking something away: then there is none to name. */
static cJSON *detail_of(const struct change *change, const cJSON *facts,
                        const struct exchange *exchange)
{
    const struct session *session = change->session;
    cJSON *detail = cJSON_CreateObject(), *what = cJSON_Duplicate(facts, true);

    if (session->policy != NULL)
        cJSON_AddItemToObject(detail, "policy", policy_json(&session->facts));
    if (what == NULL)
        what = cJSON_CreateObject();
    cJSON_AddStringToObject(what, "verb", change->verb);
    cJSON_AddItemToObject(detail, change->noun, what);
    cJSON_AddItemToObject(detail, "sandbox", sandbox_part(session, exchange));
    return detail;
}

/* operation: of the API, or NULL: then it is the command that was given. */
static enum result append(struct change *change, const char *name, const char *operation,
                          struct audit_event *event, cJSON *detail, struct err *err)
{
    char full[NAME_MAX_LEN + 1], command[NAME_MAX_LEN + 1];

    event_name(full, change, name);
    (void)snprintf(command, sizeof command, "georder %s %s", change->noun, change->verb);
    event->event = full;
    event->operation = operation != NULL ? operation : command;
    event->order_id = change->id;
    return event_append(change->session, event, detail, NULL, change->records, err);
}

static void rate(struct audit_event *event, const struct err *how, const char *well)
{
    bool good = how->result == RESULT_OK;

    event->status = good ? 1 : how->result == RESULT_UNKNOWN ? 0 : 2;
    event->severity = good                            ? 1
                      : how->result == RESULT_PEER    ? 5
                      : how->result == RESULT_UNKNOWN ? 4
                                                      : 3;
    event->message = good ? well : how->text;
}

static enum result recorded(const struct err *how, struct err *err)
{
    if (how->result != RESULT_OK)
        *err = *how;
    return how->result;
}

enum result change_intent(struct change *change, const cJSON *facts, struct err *err)
{
    struct audit_event event = event_of(change->session, NULL, NULL);

    event.activity = (int)change->activity;
    event.message = "about to be changed";
    interrupt_hold();
    if (append(change, "change", NULL, &event, detail_of(change, facts, NULL), err) == RESULT_OK)
        return RESULT_OK;
    return err_prefix(err, "nothing was changed");
}

enum result change_outcome(struct change *change, const cJSON *facts, const struct err *how,
                           struct err *err)
{
    struct audit_event event = event_of(change->session, NULL, NULL);
    const char *name = how->result == RESULT_OK        ? "changed"
                       : how->result == RESULT_UNKNOWN ? "unknown"
                                                       : "unchanged";
    cJSON *detail = detail_of(change, facts, NULL);

    event.activity = (int)change->activity;
    rate(&event, how, "changed");
    cJSON_AddStringToObject(detail, "result", result_name(how->result));
    if (append(change, name, NULL, &event, detail, err) == RESULT_OK)
        return recorded(how, err);
    return err_prefix(err, "%s; and this could not be recorded",
                      how->result == RESULT_OK ? "it was changed" : how->text);
}

static void exchange_add(cJSON *detail, const struct exchange *exchange)
{
    if (exchange->has_peer && exchange->peer.address[0] != '\0')
        cJSON_AddItemToObject(detail, "tls", tls_part(&exchange->peer));
    if (exchange->has_head)
        cJSON_AddItemToObject(detail, "response", response_part(exchange));
}

enum result change_look(struct change *change, const struct change_look *look, struct err *err)
{
    struct audit_event event = event_of(change->session, NULL, NULL);
    cJSON *detail = detail_of(change, look->facts, look->exchange);
    AUTO_BUF url = BUF_INIT(1024);

    rate(&event, look->how, look->event);
    event.activity = CHANGE_READ;
    cJSON_AddStringToObject(detail, "result", result_name(look->how->result));
    if (look->token != NULL)
        cJSON_AddItemToObject(detail, "token", cJSON_Duplicate(look->token, true));
    if (look->exchange != NULL && look->path != NULL) {
        exchange_add(detail, look->exchange);
        url_put(&url, &change->session->facts, look->path);
        event.url = buf_text(&url);
        event.peer_address = look->exchange->has_peer ? look->exchange->peer.address : "";
        event.http_status = look->exchange->has_head ? (int)look->exchange->head.status : 0;
    }
    if (append(change, look->event, look->operation, &event, detail, err) == RESULT_OK)
        return recorded(look->how, err);
    return err_prefix(err, "%s%sthis could not be recorded",
                      look->how->result == RESULT_OK ? "" : look->how->text,
                      look->how->result == RESULT_OK ? "" : "; and ");
}
