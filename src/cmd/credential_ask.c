#include "credential_ask.h"

#include <stdio.h>
#include <string.h>

#include "order.h"
#include "parts.h"
#include "placing.h"

#define DAY_MS      (INT64_C(24) * 60 * 60 * 1000)
#define WARN_DAYS   30
#define TOLD_MAX    64 /* bytes of a member that goes into the record */
#define ACCOUNT_LEN 32
#define OF_USER     "GET /user/tokens/verify"
#define OF_ACCOUNT  "GET /accounts/{account_id}/tokens/verify"
#define OF_ZONE     "GET /zones/{zone_id}"

void asking_free(struct asking *asking)
{
    json_delete(&asking->facts);
    json_delete(&asking->token);
    exchange_free(&asking->exchange);
}

static bool is(const cJSON *object, const char *name, const char *text)
{
    return strcmp(member_text(object, name), text) == 0;
}

/* Each request takes the credential anew: net keeps none. */
static enum result exchange_make(struct asking *asking, struct err *err)
{
    struct session *session = asking->session;
    AUTO_FD read_end = -1, write_end = -1;
    struct net_request request;

    if (keys_pipe(&read_end, &write_end, err) != RESULT_OK ||
        keys_credential(&session->keys, asking->pending, &write_end, NULL, err) != RESULT_OK)
        return err->result;
    session_request(session, &request);
    request.method = NET_GET;
    request.path = asking->path;
    exchange_free(&asking->exchange);
    asking->exchange = (struct exchange)EXCHANGE_INIT;
    net_exchange(&session->net, &request, &read_end, &asking->exchange);
    if (asking->exchange.outcome == NET_ANSWERED)
        return RESULT_OK;
    *err = asking->exchange.why;
    return err->result;
}

static enum result refusal(const struct asking *asking, const struct answer *answer,
                           struct err *err)
{
    bool zone = strcmp(asking->operation, OF_ZONE) == 0 && is(asking->facts, "hint", "account");

    return err_set(err, RESULT_REFUSED, "the API does not accept the credential: HTTP %u%s%s%s",
                   asking->exchange.head.status, answer->errors > 0 ? ", " : "",
                   answer->errors > 0 ? answer->error[0].message : "",
                   zone ? "; an account token is asked about by way of its zone, which it must be "
                          "permitted to read"
                        : "");
}

/* *result: the caller's. */
static enum result result_get(struct asking *asking, cJSON **result, struct err *err)
{
    __attribute__((cleanup(answer_free))) struct answer answer = {0};
    const struct exchange *exchange = &asking->exchange;

    if (answer_decode((int)exchange->head.status, exchange->head.content_type,
                      buf_text(&exchange->body), exchange->body.len, &answer, err) != RESULT_OK)
        return err->result;
    answer_tell(asking->session, exchange, &answer);
    if (!answer.success)
        return refusal(asking, &answer, err);
    *result = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(answer.doc.root, "result"), true);
    output_add(&asking->session->output, "api", cJSON_Duplicate(*result, true));
    return RESULT_OK;
}

/* The path is what stands around the id. *result: the caller's. */
static enum result ask(struct asking *asking, const char *operation, const char *before,
                       const char *id, const char *after, cJSON **result, struct err *err)
{
    AUTO_BUF path = BUF_INIT(sizeof asking->path - 1);

    buf_printf(&path, "%s%s%s%s", asking->session->facts.path, before, id, after);
    if (buf_check(&path, "path", err) != RESULT_OK)
        return err->result;
    memcpy(asking->path, buf_text(&path), path.len + 1);
    asking->operation = operation;
    if (exchange_make(asking, err) != RESULT_OK)
        return err->result;
    return result_get(asking, result, err);
}

static void told_add(cJSON *token, const cJSON *result, const char *name)
{
    char text[TOLD_MAX + 1];

    (void)snprintf(text, sizeof text, "%s", member_text(result, name));
    add_given(token, name, text);
}

static void warn(struct asking *asking, const char *text)
{
    cJSON *list = cJSON_CreateArray();

    note(&asking->session->output, "warning: %s\n", text);
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
    output_add(&asking->session->output, "warnings", list);
}

static void warn_of_expiry(struct asking *asking, const char *expires)
{
    AUTO_BUF text = BUF_INIT(256);
    int64_t end, left;

    if (expires[0] == '\0')
        return;
    if (!time_parse(expires, &end)) {
        warn(asking, "when the token expires cannot be read");
        return;
    }
    left = end - clock_now();
    if (left >= WARN_DAYS * DAY_MS)
        return;
    if (left < 0)
        buf_puts(&text, "by this host's clock the token has expired");
    else
        buf_printf(&text,
                   "the token expires in %lld %s: make a new one, then `georder credential "
                   "rotate`",
                   (long long)(left / DAY_MS), left / DAY_MS == 1 ? "day" : "days");
    warn(asking, buf_text(&text));
}

static enum result token_judge(struct asking *asking, struct err *err)
{
    const char *status = member_text(asking->token, "status");
    const char *expires = member_text(asking->token, "expires_on");
    const char *begins = member_text(asking->token, "not_before");
    int64_t begin = 0;

    say(&asking->session->output, "the API knows the token: status %s, expires %s%s%s\n",
        shown(status), expires[0] != '\0' ? shown(expires) : "(not said)",
        begins[0] != '\0' ? ", not before " : "", shown(begins));
    if (strcmp(status, "active") != 0)
        return err_set(err, RESULT_REFUSED, "the API says that the token is %s",
                       status[0] != '\0' ? status : "(no status)");
    if (begins[0] != '\0' && (!time_parse(begins, &begin) || begin > clock_now()))
        return err_set(err, RESULT_REFUSED, "the token is not valid before %s", begins);
    warn_of_expiry(asking, expires);
    return RESULT_OK;
}

static enum result token_take(struct asking *asking, const cJSON *result, struct err *err)
{
    static const char *const members[] = {"id", "status", "expires_on", "not_before"};

    asking->token = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        told_add(asking->token, result, members[i]);
    return token_judge(asking, err);
}

static enum result ask_user(struct asking *asking, struct err *err)
{
    AUTO_JSON *result = NULL;

    if (ask(asking, OF_USER, "/user/tokens/verify", "", "", &result, err) != RESULT_OK)
        return err->result;
    return token_take(asking, result, err);
}

static enum result ask_account(struct asking *asking, const char *account, struct err *err)
{
    AUTO_JSON *result = NULL;
    uint8_t id[ACCOUNT_LEN / 2];

    if (strlen(account) != ACCOUNT_LEN || !hex_get(account, ACCOUNT_LEN, id))
        return err_set(err, RESULT_REFUSED, "the API does not say which account the zone is of");
    if (ask(asking, OF_ACCOUNT, "/accounts/", account, "/tokens/verify", &result, err) != RESULT_OK)
        return err->result;
    return token_take(asking, result, err);
}

static enum result ask_zone(struct asking *asking, struct err *err)
{
    AUTO_JSON *result = NULL;
    const char *name, *id;

    policy_zone(asking->session->policy, 0, &name, &id);
    if (ask(asking, OF_ZONE, "/zones/", id, "", &result, err) != RESULT_OK)
        return err->result;
    say(&asking->session->output, "the API accepts the credential: it may read zone %s\n",
        shown(member_text(result, "name")));
    if (is(asking->facts, "kind", "global_key"))
        return RESULT_OK;
    return ask_account(asking,
                       member_text(cJSON_GetObjectItemCaseSensitive(result, "account"), "id"), err);
}

void credential_ask(struct asking *asking, struct err *how)
{
    bool of_user = is(asking->facts, "kind", "token") && !is(asking->facts, "hint", "account");

    how->result = of_user ? ask_user(asking, how) : ask_zone(asking, how);
}

enum result credential_asked(struct change *change, const struct asking *asking,
                             const struct err *how, struct err *err)
{
    bool asked = asking->operation != NULL;
    struct change_look look = {.event = "verified",
                               .facts = asking->facts,
                               .token = asking->token,
                               .exchange = asked ? &asking->exchange : NULL,
                               .operation = asking->operation,
                               .path = asked ? asking->path : NULL,
                               .how = how};

    return change_look(change, &look, err);
}
