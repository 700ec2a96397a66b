#include "cmd.h"

#include <string.h>
#include <unistd.h>

#include "credential_ask.h"
#include "guard.h"
#include "memory.h"

static const char help[] =
    "usage: georder credential put [--email ADDRESS]\n"
    "       georder credential verify\n"
    "       georder credential rotate [--email ADDRESS] [--no-verify]\n"
    "       georder credential remove\n"
    "       georder credential list\n"
    "\n"
    "The API token (or, with --email, the global API key) where the config's key source says. put\n"
    "and rotate read it from standard input, or ask on the terminal; it is never given on the\n"
    "command line. verify asks the API for its status and when it expires. rotate asks that of "
    "the\n"
    "new one, and puts it in the place of the old one only when it is active; there is no moment\n"
    "without one. Nothing revokes anything at Cloudflare. All is recorded in the log.\n"
    "\n"
    "  --email ADDRESS           the secret is the global key of this account\n"
    "  --no-verify               rotate without asking the API\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 done, 4 the API refuses it, 7 not reached, 9 key source trouble, 10 no record;\n"
    "see georder help exit-codes\n";

enum { EMAIL = OWN_OPTION, NO_VERIFY };

static const struct option own[] = {{"email", required_argument, NULL, EMAIL},
                                    {"no-verify", no_argument, NULL, NO_VERIFY},
                                    {NULL, 0, NULL, 0}};

struct wish {
    struct session *session;
    const struct verb *verb;
    const char *email; /* or NULL */
    bool no_verify;
    struct change change;
};

struct verb {
    const char *name;
    enum change_activity activity;
    bool takes, asks; /* a new secret; the API */
    enum result (*run)(struct wish *wish, struct err *err);
};

static void facts_show(struct wish *wish, const cJSON *facts)
{
    output_add(&wish->session->output, "credential", cJSON_Duplicate(facts, true));
}

/* A question without a body. facts (the caller's) is NULL when it failed: the error is the value.
 */
static struct err question(struct wish *wish, enum msg_type type, cJSON **facts)
{
    struct keys *keys = &wish->session->keys;
    bool changes = type == MSG_KEYS_COMMIT || type == MSG_KEYS_REMOVE;
    struct err how = {0}, why;

    if (keys_ask(keys, type, NULL, -1, facts, &how) == RESULT_OK)
        return (struct err){0};
    why = how;
    if (changes && keys->lost)
        (void)err_set(&how, RESULT_UNKNOWN,
                      "%s; whether it was changed is not known: see `georder credential list`",
                      why.text);
    return how;
}

/* What could not be tidied up does not undo the rest. */
static void left_tell(struct wish *wish, const cJSON *facts)
{
    const char *left = member_text(facts, "left");

    if (left[0] != '\0')
        note(&wish->session->output,
             "warning: %s; it is not used any more, and the next put or rotate tries again\n",
             shown(left));
}

/* The new secret, which keys holds from then on; nothing is changed yet. *facts: the caller's. */
static enum result secret_take(struct wish *wish, bool rotates, cJSON **facts, struct err *err)
{
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);

    put_text(&body, wish->email != NULL ? wish->email : "");
    put_u32(&body, rotates);
    return keys_ask(&wish->session->keys, MSG_KEYS_STORE, &body,
                    isatty(STDIN_FILENO) ? -1 : STDIN_FILENO, facts, err);
}

static enum result commit(struct wish *wish, const cJSON *pending, const char *done,
                          struct err *err)
{
    AUTO_JSON *facts = NULL;
    struct err how = question(wish, MSG_KEYS_COMMIT, &facts);

    if (change_outcome(&wish->change, facts != NULL ? facts : pending, &how, err) != RESULT_OK)
        return err->result;
    say(&wish->session->output, "%s: %s (%s) in %s\n", done, shown(member_text(facts, "kind")),
        shown(member_text(facts, "hint")), shown(member_text(facts, "where")));
    left_tell(wish, facts);
    facts_show(wish, facts);
    return RESULT_OK;
}

static enum result put(struct wish *wish, struct err *err)
{
    AUTO_JSON *facts = NULL;

    if (secret_take(wish, false, &facts, err) != RESULT_OK ||
        change_intent(&wish->change, facts, err) != RESULT_OK)
        return err->result;
    return commit(wish, facts, "stored", err);
}

/* RESULT_OK: the API says that the new one is active, or is not to be asked. */
static enum result pending_verify(struct wish *wish, const cJSON *facts, struct err *err)
{
    AUTO_ASKING asking = ASKING_INIT;
    struct err how = {0};

    if (wish->no_verify)
        return RESULT_OK;
    asking.session = wish->session;
    asking.pending = true;
    asking.facts = cJSON_Duplicate(facts, true);
    credential_ask(&asking, &how);
    return credential_asked(&wish->change, &asking, &how, err);
}

static enum result rotate(struct wish *wish, struct err *err)
{
    AUTO_JSON *facts = NULL;
    struct err how = {0};

    if (secret_take(wish, true, &facts, err) != RESULT_OK ||
        change_intent(&wish->change, facts, err) != RESULT_OK)
        return err->result;
    if (pending_verify(wish, facts, &how) != RESULT_OK) {
        (void)err_prefix(&how, "nothing was changed, the old credential is still stored");
        return change_outcome(&wish->change, facts, &how, err);
    }
    if (commit(wish, facts, "rotated", err) != RESULT_OK)
        return err->result;
    say(&wish->session->output,
        "the old one is still valid at Cloudflare: once nothing else uses it, revoke it there\n"
        "(dashboard, My Profile or Manage Account, API Tokens)\n");
    return RESULT_OK;
}

static bool nothing_there(const cJSON *facts)
{
    return cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(facts, "stored")) == 0;
}

static enum result nothing_fail(const cJSON *facts, struct err *err)
{
    return err_set(err, RESULT_KEY,
                   "nothing is stored in %s: store it with `georder credential put`",
                   member_text(facts, "where"));
}

static enum result usable(const cJSON *facts, struct err *err)
{
    const char *error = member_text(facts, "error");

    if (nothing_there(facts))
        return nothing_fail(facts, err);
    return error[0] != '\0' ? err_set(err, RESULT_KEY, "%s", error) : RESULT_OK;
}

static enum result verify(struct wish *wish, struct err *err)
{
    AUTO_ASKING asking = ASKING_INIT;
    struct err how = question(wish, MSG_KEYS_LIST, &asking.facts);

    asking.session = wish->session;
    if (how.result == RESULT_OK && usable(asking.facts, &how) == RESULT_OK)
        credential_ask(&asking, &how);
    facts_show(wish, asking.facts);
    return credential_asked(&wish->change, &asking, &how, err);
}

/* What cannot even be looked at can be removed, too. */
static enum result take_away(struct wish *wish, struct err *err)
{
    AUTO_JSON *facts = NULL, *gone = NULL;
    struct err how = question(wish, MSG_KEYS_LIST, &facts);

    if (how.result != RESULT_OK) {
        facts = cJSON_CreateObject();
        cJSON_AddStringToObject(facts, "where", wish->session->config.credential);
    } else if (nothing_there(facts)) {
        return nothing_fail(facts, err);
    }
    if (change_intent(&wish->change, facts, err) != RESULT_OK)
        return err->result;
    how = question(wish, MSG_KEYS_REMOVE, &gone);
    if (change_outcome(&wish->change, facts, &how, err) != RESULT_OK)
        return err->result;
    say(&wish->session->output,
        "removed from %s\nit is still valid at Cloudflare: revoke it there, if nothing else uses "
        "it\n",
        shown(member_text(gone, "where")));
    facts_show(wish, gone);
    return RESULT_OK;
}

static bool is_true(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static void stored_tell(const struct output *output, const cJSON *facts, const cJSON *stored)
{
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(stored, "version");
    bool on_token = cJSON_GetObjectItemCaseSensitive(stored, "application") != NULL;

    say(output, "  %s \"%s\"", on_token ? "data object of the application" : "the secret",
        shown(member_text(stored, on_token ? "application" : "name")));
    if (on_token)
        say(output, is_true(stored, "private") ? ", private" : ", NOT PRIVATE");
    if (is_true(stored, "current"))
        say(output, ": current, %s (%s)\n", shown(member_text(facts, "kind")),
            shown(member_text(facts, "hint")));
    else
        say(output, version != NULL ? ": not the current one; the next put or rotate removes it\n"
                                    : ": not written by georder\n");
}

static void list_tell(struct wish *wish, const cJSON *facts)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(facts, "stored"), *stored;
    const struct output *output = &wish->session->output;
    const char *error = member_text(facts, "error");

    say(output, "%s in %s\n", cJSON_GetArraySize(list) > 0 ? "stored" : "nothing is stored",
        shown(member_text(facts, "where")));
    cJSON_ArrayForEach(stored, list)
    {
        stored_tell(output, facts, stored);
    }
    if (error[0] != '\0')
        say(output, "  it cannot be used: %s\n", shown(error));
}

static enum result list(struct wish *wish, struct err *err)
{
    AUTO_JSON *facts = NULL;
    struct err how = question(wish, MSG_KEYS_LIST, &facts);
    struct change_look look = {.event = "listed", .facts = facts, .how = &how};

    if (change_look(&wish->change, &look, err) != RESULT_OK)
        return err->result;
    list_tell(wish, facts);
    facts_show(wish, facts);
    return RESULT_OK;
}

enum result credential_put(struct session *session, struct err *err)
{
    struct wish wish = {.session = session};

    change_start(&wish.change, session, "credential", "put", CHANGE_UPDATE);
    return put(&wish, err);
}

static const struct verb verbs[] = {{"put", CHANGE_UPDATE, true, false, put},
                                    {"verify", CHANGE_READ, false, true, verify},
                                    {"rotate", CHANGE_UPDATE, true, true, rotate},
                                    {"remove", CHANGE_REMOVE, false, false, take_away},
                                    {"list", CHANGE_READ, false, false, list}};

/* A broken policy must not keep anybody from taking the credential away. */
static enum result prepare(struct wish *wish, struct err *err)
{
    struct session *session = wish->session;
    bool asks = wish->verb->asks && !wish->no_verify;

    session->keys.writes = wish->verb->activity != CHANGE_READ;
    if ((asks ? session_config(session, err)
              : config_load(session->options.config, &session->config, err)) != RESULT_OK ||
        session_directory(session, err) != RESULT_OK ||
        (asks && session_trust(session, err) != RESULT_OK) ||
        (asks && session->config.require_approvals &&
         session_approvals(session, err) != RESULT_OK) ||
        keys_start(&session->keys, &session->config, true, err) != RESULT_OK ||
        (asks && (net_start(&session->net, err) != RESULT_OK ||
                  net_trust(&session->net, &session->trust, err) != RESULT_OK)) ||
        guard_lock_main(session->audit_fd, true, err) != RESULT_OK ||
        session_ready(session, err) != RESULT_OK || session_audit(session, err) != RESULT_OK)
        return err->result;
    return asks ? policy_force(session, false, NULL, err) : RESULT_OK;
}

static enum result run(struct wish *wish, struct err *err)
{
    if (prepare(wish, err) != RESULT_OK)
        return err->result;
    change_start(&wish->change, wish->session, "credential", wish->verb->name,
                 wish->verb->activity);
    return wish->verb->run(wish, err);
}

static enum result verb_find(struct wish *wish, const char *name, struct err *err)
{
    const struct verb *found = NULL;

    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            found = &verbs[i];
    if (found == NULL)
        return err_set(err, RESULT_USAGE,
                       "say put, verify, rotate, remove or list; see georder credential --help");
    wish->verb = found;
    if (wish->email != NULL && !wish->verb->takes)
        return err_set(err, RESULT_USAGE, "--email: only for put and rotate");
    if (wish->no_verify && (!wish->verb->takes || !wish->verb->asks))
        return err_set(err, RESULT_USAGE, "--no-verify: only for rotate");
    return RESULT_OK;
}

static enum result arguments(struct wish *wish, int argc, char **argv, struct err *err)
{
    struct options *options = &wish->session->options;
    int option;

    while ((option = options_next(options, argc, argv, own, err)) > 0)
        if (option == EMAIL)
            wish->email = optarg;
        else
            wish->no_verify = true;
    if (option == OPTIONS_BAD)
        return err->result;
    if (wish->email != NULL && *wish->email == '\0')
        return err_set(err, RESULT_USAGE, "--email: give the account's address");
    /* One of the words is most likely the secret itself: none is repeated. */
    if (argc - optind > 1)
        return err_set(err, RESULT_USAGE,
                       "credential: one word too many: say put, verify, rotate, remove or list; "
                       "secrets are never given on the command line");
    return options->help ? RESULT_OK : verb_find(wish, optind < argc ? argv[optind] : "", err);
}

enum result cmd_credential(int argc, char **argv)
{
    AUTO_SESSION session = SESSION_INIT;
    struct wish wish = {.session = &session, .verb = verbs};
    struct err err = {0};
    enum result result = arguments(&wish, argc, argv, &err);

    output_start(&session.output, "credential", &session.options);
    if (result == RESULT_OK && session.options.help)
        return output_help(&session.output, help);
    if (result == RESULT_OK)
        (void)run(&wish, &err);
    return output_end(&session.output, &err);
}
