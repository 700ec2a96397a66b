#include "cmd.h"

#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "order.h"
#include "placing.h"

static const char help[] =
    "usage: georder credential put [--email ADDRESS]\n"
    "       georder credential verify\n"
    "       georder credential remove\n"
    "\n"
    "The API token (or, with --email, the global API key) where the config's key source says. put\n"
    "reads it from standard input, or asks on the terminal; it is never given on the command "
    "line.\n"
    "verify asks the API what it thinks of it; nothing is changed and nothing is recorded.\n"
    "\n"
    "  --email ADDRESS           the secret is the global key of this account\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 done, 4 the API refuses it, 9 key source trouble; see georder help exit-codes\n";

enum { EMAIL = OWN_OPTION };

static const struct option own[] = {{"email", required_argument, NULL, EMAIL}, {NULL, 0, NULL, 0}};

static enum result put(struct session *session, const char *email, struct err *err)
{
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);
    AUTO_JSON *facts = NULL;

    put_text(&body, email != NULL ? email : "");
    if (keys_ask(&session->keys, MSG_KEYS_STORE, &body, isatty(STDIN_FILENO) ? -1 : STDIN_FILENO,
                 &facts, err) != RESULT_OK)
        return err->result;
    say(&session->output, "stored: %s (%s) in %s\n", shown(member_text(facts, "kind")),
        shown(member_text(facts, "hint")), shown(member_text(facts, "where")));
    output_add(&session->output, "credential", cJSON_Duplicate(facts, true));
    return RESULT_OK;
}

static enum result take_away(struct session *session, struct err *err)
{
    AUTO_JSON *facts = NULL;

    if (keys_ask(&session->keys, MSG_KEYS_REMOVE, NULL, -1, &facts, err) != RESULT_OK)
        return err->result;
    say(&session->output, "removed from %s\n", shown(member_text(facts, "where")));
    output_add(&session->output, "credential", cJSON_Duplicate(facts, true));
    return RESULT_OK;
}

/* Only user tokens can be asked for by themselves; for the rest, reading a zone must do. */
static bool tells_of_itself(const cJSON *facts)
{
    return strcmp(member_text(facts, "kind"), "token") == 0 &&
           strcmp(member_text(facts, "hint"), "account") != 0;
}

static enum result judge_token(struct session *session, const cJSON *result, struct err *err)
{
    const char *status = member_text(result, "status"),
               *expires = member_text(result, "expires_on");

    say(&session->output, "the API knows the token: status %s, expires %s\n", shown(status),
        expires[0] != '\0' ? shown(expires) : "(not said)");
    if (strcmp(status, "active") != 0)
        return err_set(err, RESULT_REFUSED, "the API says that the token is %s",
                       status[0] != '\0' ? status : "(no status)");
    return RESULT_OK;
}

static enum result judge(struct session *session, const struct exchange *exchange, bool token,
                         struct err *err)
{
    __attribute__((cleanup(answer_free))) struct answer answer = {0};
    const cJSON *result;

    if (answer_decode((int)exchange->head.status, exchange->head.content_type,
                      buf_text(&exchange->body), exchange->body.len, &answer, err) != RESULT_OK)
        return err->result;
    answer_tell(session, exchange, &answer);
    if (!answer.success)
        return err_set(err, RESULT_REFUSED, "the API does not accept the credential: HTTP %u%s%s",
                       exchange->head.status, answer.errors > 0 ? ", " : "",
                       answer.errors > 0 ? answer.error[0].message : "");
    result = cJSON_GetObjectItemCaseSensitive(answer.doc.root, "result");
    output_add(&session->output, "api", cJSON_Duplicate(result, true));
    if (token)
        return judge_token(session, result, err);
    say(&session->output, "the API accepts the credential: it may read zone %s\n",
        shown(member_text(result, "name")));
    return RESULT_OK;
}

static enum result verify(struct session *session, struct err *err)
{
    AUTO_EXCHANGE exchange = EXCHANGE_INIT;
    AUTO_BUF path = BUF_INIT(512);
    AUTO_JSON *facts = NULL;
    AUTO_FD credential = -1, theirs = -1;
    struct net_request request;
    const char *name, *id;
    bool token;

    if (keys_pipe(&credential, &theirs, err) != RESULT_OK ||
        keys_credential(&session->keys, &theirs, &facts, err) != RESULT_OK)
        return err->result;
    token = tells_of_itself(facts);
    policy_zone(session->policy, 0, &name, &id);
    if (token)
        buf_printf(&path, "%s/user/tokens/verify", session->facts.path);
    else
        buf_printf(&path, "%s/zones/%s", session->facts.path, id);
    session_request(session, &request);
    request.method = NET_GET;
    request.path = buf_text(&path);
    net_exchange(&session->net, &request, &credential, &exchange);
    output_add(&session->output, "credential", cJSON_Duplicate(facts, true));
    if (exchange.outcome == NET_ANSWERED)
        return judge(session, &exchange, token, err);
    *err = exchange.why;
    return err->result;
}

static enum result dispatch(struct session *session, const char *verb, const char *email,
                            struct err *err)
{
    bool asks = strcmp(verb, "verify") == 0;

    if (!asks && strcmp(verb, "put") != 0 && strcmp(verb, "remove") != 0)
        return err_set(err, RESULT_USAGE,
                       "say put, verify or remove; see georder credential --help");
    session->keys.writes = !asks;
    /* A broken policy must not keep anybody from taking the credential away. */
    if ((asks ? session_config(session, err)
              : config_load(session->options.config, &session->config, err)) != RESULT_OK ||
        (asks && session_trust(session, err) != RESULT_OK) ||
        keys_start(&session->keys, &session->config, false, err) != RESULT_OK ||
        (asks && (net_start(&session->net, err) != RESULT_OK ||
                  net_trust(&session->net, &session->trust, err) != RESULT_OK)) ||
        guard_lock_main(-1, false, err) != RESULT_OK || session_ready(session, err) != RESULT_OK)
        return err->result;
    if (asks)
        return verify(session, err);
    return strcmp(verb, "put") == 0 ? put(session, email, err) : take_away(session, err);
}

static enum result arguments(struct session *session, const char **email, int argc, char **argv,
                             struct err *err)
{
    int option;

    while ((option = options_next(&session->options, argc, argv, own, err)) > 0)
        *email = optarg;
    if (option == OPTIONS_BAD)
        return err->result;
    if (*email != NULL && **email == '\0')
        return err_set(err, RESULT_USAGE, "--email: give the account's address");
    /* One of the words is most likely the secret itself: none is repeated. */
    if (argc - optind > 1)
        return err_set(err, RESULT_USAGE,
                       "credential: one word too many: say put, verify or remove; secrets are "
                       "never given on the command line");
    return RESULT_OK;
}

enum result cmd_credential(int argc, char **argv)
{
    AUTO_SESSION session = SESSION_INIT;
    struct err err = {0};
    const char *email = NULL;
    enum result result = arguments(&session, &email, argc, argv, &err);

    output_start(&session.output, "credential", &session.options);
    if (result == RESULT_OK && session.options.help)
        return output_help(&session.output, help);
    if (result == RESULT_OK)
        (void)dispatch(&session, optind < argc ? argv[optind] : "", email, &err);
    return output_end(&session.output, &err);
}
