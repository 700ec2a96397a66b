#include "audit_verb.h"

#include "anchor.h"
#include "guard.h"
#include "parts.h"

enum { CREATE = AUDIT_OWN, KEY };

static const char help[] =
    "usage: georder audit head [--key THUMBPRINT]\n"
    "       georder audit head --create\n"
    "\n"
    "The log's head: its newest checkpoint, which each append leaves on a token too (audit.head "
    "in\n"
    "the config). Says whether the records that are there are those of the head, or the log was\n"
    "rolled back, cut or forked. Asks for the token's PIN; needs no audit key.\n"
    "\n"
    "  --create                  make the first head of this log, and record that\n"
    "  --key THUMBPRINT          the RFC 7638 thumbprint of the only key to trust\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 the log agrees with its head, 9 the token is out of reach, 10 it does not agree, or\n"
    "the head is gone\n";

static const struct option own[] = {{"create", no_argument, NULL, CREATE},
                                    {"key", required_argument, NULL, KEY},
                                    {NULL, 0, NULL, 0}};

static enum result configured(const struct session *session, struct err *err)
{
    if (session->config.head != NULL)
        return RESULT_OK;
    return err_set(err, RESULT_CONFIG,
                   "%s names no head for the log: write audit.head, a data object on a token",
                   session->config.path);
}

/* No other token is opened than the head's, unless the log is to be written. */
static enum result start(struct session *session, bool writes, struct err *err)
{
    session->config.credential = "";
    if (keys_start(&session->keys, &session->config, writes, err) != RESULT_OK ||
        guard_lock_main(session->audit_fd, writes, err) != RESULT_OK)
        return err->result;
    return session_ready(session, err);
}

enum result audit_verb_head(struct verb_call *call, struct buf *note, struct err *err)
{
    if (audit_verb_value(call, AUDIT_DIRECTORY) != NULL)
        return err_set(err, RESULT_USAGE,
                       "the head is where the config says: not with --directory");
    if (configured(call->session, err) != RESULT_OK ||
        start(call->session, false, err) != RESULT_OK)
        return err->result;
    return anchor_head(call->session, note, err);
}

static void tell(struct output *output, const struct audit_checkpoint *head)
{
    cJSON *part = cJSON_CreateObject();

    say(output, "head %s: %s\n", audit_verdict_name(head->verdict), shown(head->text));
    cJSON_AddStringToObject(part, "verdict", audit_verdict_name(head->verdict));
    cJSON_AddStringToObject(part, "text", head->text);
    cJSON_AddNumberToObject(part, "size", (double)head->size);
    cJSON_AddStringToObject(part, "root", head->root);
    cJSON_AddStringToObject(part, "key", head->kid);
    output_add(output, "head", part);
}

enum result audit_verb_head_judge(struct verb_call *call, const struct buf *note, const char *key,
                                  struct err *err)
{
    struct session *session = call->session;
    struct audit_checkpoint head = {.verdict = AUDIT_MALFORMED};

    if (audit_head_check(session->audit_fd, audit_verb_origin(call), key, buf_text(note), note->len,
                         &head, err) != RESULT_OK)
        return err->result;
    tell(&session->output, &head);
    return anchor_head_agrees(&head, err);
}

static enum result show(struct verb_call *call, struct err *err)
{
    AUTO_BUF note = BUF_INIT(AUDIT_NOTE_MAX);

    if (audit_verb_open(call, err) != RESULT_OK || audit_verb_head(call, &note, err) != RESULT_OK)
        return err->result;
    output_add_text(&call->session->output, "origin", audit_verb_origin(call));
    output_add_text(&call->session->output, "note", buf_text(&note));
    return audit_verb_head_judge(call, &note, audit_verb_key(call, KEY), err);
}

static enum result record(struct session *session, struct err *err)
{
    struct audit_event event = event_of(session, "log.anchored", "georder audit head --create");
    cJSON *detail = cJSON_CreateObject(), *anchor = cJSON_AddObjectToObject(detail, "anchor");

    event.activity = 1;
    event.message = "the log has a head on a token from here on";
    cJSON_AddStringToObject(anchor, "kind", "hsm-head");
    cJSON_AddStringToObject(anchor, "where", session->config.head);
    audit_head_begin(session->audit);
    if (event_append(session, &event, detail, NULL, NULL, err) != RESULT_OK)
        return err->result;
    return audit_head_state(session->audit, err);
}

static enum result create(struct verb_call *call, struct err *err)
{
    struct session *session = call->session;
    AUTO_BUF note = BUF_INIT(AUDIT_NOTE_MAX);

    if (audit_verb_open(call, err) != RESULT_OK || configured(session, err) != RESULT_OK ||
        start(session, true, err) != RESULT_OK || session_audit(session, err) != RESULT_OK ||
        keys_head(&session->keys, &note, err) != RESULT_OK)
        return err->result;
    if (note.len > 0)
        return err_set(err, RESULT_USAGE,
                       "there is a head already, and it was left alone: see `georder audit head`");
    if (record(session, err) != RESULT_OK)
        return err->result;
    say(&session->output, "the log's head is on the token, from record %lld on\n",
        (long long)session->last_record);
    output_add(&session->output, "record", cJSON_CreateNumber((double)session->last_record));
    return RESULT_OK;
}

static enum result run(struct verb_call *call, struct err *err)
{
    return audit_verb_value(call, CREATE) != NULL ? create(call, err) : show(call, err);
}

const struct verb audit_head_verb = {"head", help, own, 0, run};
