#include "cmd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "change.h"
#include "guard.h"
#include "session.h"

#define RECIPIENTS_MAX 8

static const char help[] =
    "usage: georder keystore create [FILE] [--recipient URI]... [--generate ALG]\n"
    "                               [--passphrase | --passphrase-source SOURCE]\n"
    "       georder keystore add-recipient [FILE] --recipient URI [--generate ALG]\n"
    "       georder keystore add-recipient [FILE] --passphrase | --passphrase-source SOURCE\n"
    "       georder keystore remove-recipient [FILE] --kid KID | --passphrase\n"
    "       georder keystore change-passphrase [FILE] [--new-passphrase-source SOURCE]\n"
    "       georder keystore list [FILE]\n"
    "\n"
    "Who may open a keystore: keys on PKCS#11 tokens, and a passphrase for the day when no token\n"
    "answers. Each of them opens all of its secrets. Who is removed cannot open what is written\n"
    "from then on; what was in the file before should be changed. Without FILE: the config's.\n"
    "\n"
    "  --recipient URI           pkcs11: URI of a private key: EC (ECDH) or RSA (OAEP)\n"
    "  --generate ALG            make that key when there is none: ECDH-ES+A256KW or RSA-OAEP-256\n"
    "  --passphrase              the passphrase, which is asked for\n"
    "  --passphrase-source S     file:PATH, credential:NAME or prompt: the passphrase; where it "
    "is\n"
    "                            not what changes, what opens the keystore\n"
    "  --new-passphrase-source S the same, of the new one\n"
    "  --kid KID                 the recipient with this thumbprint, see list\n"
    "  --environment NAME=VALUE  for the module, when there is no config\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "Paths in URIs and sources start at the config's directory; without a config, here.\n"
    "exit: 0 done, 2 wrong usage, 9 keystore, key or passphrase trouble; see georder help "
    "exit-codes\n";

enum { RECIPIENT = OWN_OPTION, GENERATE, PASSPHRASE, SOURCE, NEW_SOURCE, KID, ENVIRONMENT };

static const struct option own[] = {{"recipient", required_argument, NULL, RECIPIENT},
                                    {"generate", required_argument, NULL, GENERATE},
                                    {"passphrase", no_argument, NULL, PASSPHRASE},
                                    {"passphrase-source", required_argument, NULL, SOURCE},
                                    {"new-passphrase-source", required_argument, NULL, NEW_SOURCE},
                                    {"kid", required_argument, NULL, KID},
                                    {"environment", required_argument, NULL, ENVIRONMENT},
                                    {NULL, 0, NULL, 0}};

enum verb { CREATE, ADD, REMOVE, CHANGE, LIST, VERBS };
static const char *const verb_name[VERBS] = {"create", "add-recipient", "remove-recipient",
                                             "change-passphrase", "list"};
/* The options that say something to a verb, one bit each. */
#define BIT(option) (1U << ((option)-OWN_OPTION))
static const unsigned verb_options[VERBS] = {
    BIT(RECIPIENT) | BIT(GENERATE) | BIT(PASSPHRASE) | BIT(SOURCE),
    BIT(RECIPIENT) | BIT(GENERATE) | BIT(PASSPHRASE) | BIT(SOURCE),
    BIT(KID) | BIT(PASSPHRASE) | BIT(SOURCE),
    BIT(SOURCE) | BIT(NEW_SOURCE),
    0,
};

struct work {
    struct session *session;
    enum verb verb;
    const char *file; /* or NULL: the config's */
    const char *recipient[RECIPIENTS_MAX];
    size_t recipients;
    const char *source, *new_source, *kid, *generate; /* each "" when it was not given */
    bool passphrase;
    unsigned given;   /* options, one bit each */
    struct keys keys; /* not the session's, which signs the records */
    struct change change;
    struct buf uri, next; /* the keystore, with what opens it; with the passphrase that it gets */
};

static enum result take(struct work *work, int option, struct err *err)
{
    work->given |= BIT(option);
    switch (option) {
    case RECIPIENT:
        if (work->recipients == RECIPIENTS_MAX)
            return err_set(err, RESULT_USAGE, "--recipient: at most %d", RECIPIENTS_MAX);
        work->recipient[work->recipients++] = optarg;
        return RESULT_OK;
    case GENERATE:
        work->generate = optarg;
        return RESULT_OK;
    case PASSPHRASE:
        work->passphrase = true;
        return RESULT_OK;
    case SOURCE:
        work->source = optarg;
        return RESULT_OK;
    case NEW_SOURCE:
        work->new_source = optarg;
        return RESULT_OK;
    case KID:
        work->kid = optarg;
        return RESULT_OK;
    default:
        work->given &= ~BIT(option);
        return config_environment(&work->session->config, optarg, err);
    }
}

static enum result verb_find(const char *word, enum verb *verb, struct err *err)
{
    for (*verb = CREATE; *verb < VERBS; (*verb)++)
        if (strcmp(verb_name[*verb], word) == 0)
            return RESULT_OK;
    return err_set(err, RESULT_USAGE,
                   "say create, add-recipient, remove-recipient, change-passphrase or list; see "
                   "georder keystore --help");
}

static enum result recipient_demand(const struct work *work, struct err *err)
{
    bool words = work->passphrase || work->source[0] != '\0';

    if (work->verb == CREATE && work->recipients == 0 && !words)
        return err_set(err, RESULT_USAGE,
                       "a keystore needs somebody who can open it: give --recipient URI, "
                       "--passphrase or --passphrase-source SOURCE");
    if (work->verb == ADD && (work->recipients > 1 || (work->recipients == 0 && !words) ||
                              (work->recipients == 1 && work->passphrase)))
        return err_set(err, RESULT_USAGE,
                       "say whom to add, one at a time: --recipient URI, or --passphrase or "
                       "--passphrase-source SOURCE");
    if (work->verb == REMOVE && (work->kid[0] != '\0') == work->passphrase)
        return err_set(err, RESULT_USAGE, "say whom to remove: --kid KID or --passphrase");
    if (work->generate[0] != '\0' && work->recipients == 0)
        return err_set(err, RESULT_USAGE, "--generate: give the --recipient that it is for");
    return RESULT_OK;
}

/* One of the words may be a secret: none is repeated. */
static enum result arguments(struct work *work, int argc, char **argv, struct err *err)
{
    struct options *options = &work->session->options;
    int option;

    while ((option = options_next(options, argc, argv, own, err)) > 0)
        if (take(work, option, err) != RESULT_OK)
            return err->result;
    if (option == OPTIONS_BAD || options->help)
        return err->result;
    if (verb_find(optind < argc ? argv[optind] : "", &work->verb, err) != RESULT_OK)
        return err->result;
    if (argc - optind > 2)
        return err_set(err, RESULT_USAGE,
                       "keystore: one word too many: say %s FILE; secrets are never given on the "
                       "command line",
                       verb_name[work->verb]);
    work->file = argc - optind == 2 ? argv[optind + 1] : NULL;
    for (const struct option *each = own; each->name != NULL; each++)
        if (each->val != ENVIRONMENT && (work->given & ~verb_options[work->verb] & BIT(each->val)))
            return err_set(err, RESULT_USAGE,
                           "--%s says nothing to %s; see georder keystore --help", each->name,
                           verb_name[work->verb]);
    return recipient_demand(work, err);
}

/* Without a config: where we are, and the module's environment from the options. */
static enum result surroundings_find(struct work *work, struct err *err)
{
    struct config *config = &work->session->config;
    const char *option = work->session->options.config;

    if (config->environment == 0 && (work->file == NULL || config_there(option)))
        return config_load(option, config, err);
    if (option != NULL || work->file == NULL)
        return err_set(err, RESULT_USAGE,
                       "--environment is for a keystore that is named and has no config: with one, "
                       "write it into pkcs11.environment");
    if (getcwd(config->directory, sizeof config->directory) == NULL)
        return err_errno(err, RESULT_CONFIG, "cannot tell the working directory");
    config->module_timeout = MODULE_TIMEOUT;
    return RESULT_OK;
}

/* What opens the keystore: where the passphrase itself is new, or leaves, that is not it. */
static const char *opens(const struct work *work)
{
    bool new = work->verb == CREATE || (work->verb == ADD && work->recipients == 0);

    return new ? "" : work->source;
}

static const char *new_source(const struct work *work)
{
    bool new = work->verb == CREATE || (work->verb == ADD && work->recipients == 0);

    if (work->verb == CHANGE)
        return work->new_source;
    if (!new)
        return "";
    return work->source[0] == '\0' && work->passphrase ? "prompt" : work->source;
}

static enum result file_uri(struct work *work, struct err *err)
{
    char here[PATH_MAX] = "";

    if (work->file[0] == '\0')
        return err_set(err, RESULT_USAGE, "the keystore's name is empty");
    if (work->file[0] != '/' && getcwd(here, sizeof here) == NULL)
        return err_errno(err, RESULT_CONFIG, "cannot tell the working directory");
    buf_puts(&work->uri, "keystore:");
    uri_put(&work->uri, here, "/");
    buf_puts(&work->uri, here[0] != '\0' ? "/" : "");
    uri_put(&work->uri, work->file, "/");
    return RESULT_OK;
}

/* The config's keystore, and what the config says of its passphrase unless we were told better. */
static enum result config_uri(struct work *work, const char **source, struct err *err)
{
    static const char scheme[] = "keystore:", name[] = "passphrase-source=";
    const struct config *config = &work->session->config;
    const char *uri = config->credential, *query, *found;

    if (strncmp(uri, scheme, sizeof scheme - 1) != 0)
        uri = config->signing_key;
    if (strncmp(uri, scheme, sizeof scheme - 1) != 0)
        return err_set(
            err, RESULT_USAGE,
            "%s: neither credential nor audit.signing_key is in a keystore: name the file",
            config->path);
    query = uri + strcspn(uri, "?");
    buf_put(&work->uri, uri, (size_t)(query - uri));
    found = strstr(query, name);
    *source = found != NULL ? found + sizeof name - 1 : "";
    return RESULT_OK;
}

static void source_put(struct buf *uri, const char *source)
{
    buf_puts(uri, source[0] != '\0' ? "&passphrase-source=" : "");
    uri_put(uri, source, "/:");
}

static enum result keystore_uri(struct work *work, struct err *err)
{
    const char *kept = "";

    if ((work->file != NULL ? file_uri(work, err) : config_uri(work, &kept, err)) != RESULT_OK)
        return err->result;
    buf_puts(&work->uri, "?name=keystore");
    if (new_source(work)[0] != '\0') {
        buf_puts(&work->next, buf_text(&work->uri));
        source_put(&work->next, new_source(work));
    }
    if (opens(work)[0] == '\0' && kept[0] != '\0') {
        buf_puts(&work->uri, "&passphrase-source=");
        buf_put(&work->uri, kept, strcspn(kept, "&"));
    }
    source_put(&work->uri, opens(work));
    return buf_check(&work->uri, "the keystore's URI", err) != RESULT_OK
               ? err->result
               : buf_check(&work->next, "the keystore's URI", err);
}

static void recipients_tell(const struct output *output, const cJSON *facts)
{
    const cJSON *recipient, *secret;

    say(output, "keystore %s\n", shown(member_text(facts, "file")));
    cJSON_ArrayForEach(recipient, cJSON_GetObjectItemCaseSensitive(facts, "recipients"))
    {
        bool key = member_text(recipient, "kid")[0] != '\0';

        say(output, "  recipient  %-18s %s%s%s\n", shown(member_text(recipient, "alg")),
            key ? shown(member_text(recipient, "kid")) : "passphrase", key ? "  " : "",
            key ? shown(member_text(recipient, "uri")) : "");
    }
    cJSON_ArrayForEach(secret, cJSON_GetObjectItemCaseSensitive(facts, "secrets"))
        say(output, "  secret     %s\n", shown(cJSON_GetStringValue(secret)));
}

/* Who may open the secrets of a home is recorded in its log; of a file that is merely named, no log
 * is known. */
static bool recorded(const struct work *work)
{
    return work->file == NULL && work->verb != LIST;
}

/* One question to a georder-keys of its own: it may be asked for one change, about one recipient.
 */
static enum result step(struct work *work, enum verb verb, const char *recipient, const char *next,
                        bool last, cJSON **facts, struct err *err)
{
    struct keys *keys = &work->keys;
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);

    keys_stop(keys);
    keys->writes = verb != LIST;
    keys->recipient = recipient;
    keys->next = next;
    put_text(&body, verb_name[verb]);
    put_text(&body, work->kid);
    put_text(&body, work->generate);
    if (keys_start(keys, &work->session->config, false, err) != RESULT_OK ||
        (last && guard_lock_main(work->session->audit_fd, recorded(work), err) != RESULT_OK) ||
        keys_ready(keys, err) != RESULT_OK)
        return err->result;
    return keys_ask(keys, MSG_KEYS_KEYSTORE, &body, -1, facts, err);
}

/* The first of several recipients, and the passphrase, make the file; it lets the others in. */
static enum result steps(struct work *work, cJSON **facts, struct err *err)
{
    const char *first = work->recipients > 0 ? work->recipient[0] : "";

    if (step(work, work->verb, first, buf_text(&work->next), work->recipients < 2, facts, err) !=
        RESULT_OK)
        return err->result;
    for (size_t i = 1; i < work->recipients; i++) {
        json_delete(facts);
        if (step(work, ADD, work->recipient[i], "", i + 1 == work->recipients, facts, err) !=
            RESULT_OK)
            return err_prefix(err, "the keystore is made, for %zu of %zu recipients: add-recipient",
                              i, work->recipients);
    }
    return RESULT_OK;
}

static cJSON *intent_facts(const struct work *work)
{
    cJSON *facts = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(facts, "recipients");

    cJSON_AddStringToObject(facts, "where", buf_text(&work->uri));
    for (size_t i = 0; i < work->recipients; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(work->recipient[i]));
    if (work->kid[0] != '\0')
        cJSON_AddStringToObject(facts, "kid", work->kid);
    cJSON_AddBoolToObject(facts, "passphrase", work->passphrase || new_source(work)[0] != '\0');
    return facts;
}

static enum result intent(struct work *work, struct err *err)
{
    struct session *session = work->session;
    AUTO_JSON *facts = intent_facts(work);

    if (session_directory(session, err) != RESULT_OK ||
        keys_start(&session->keys, &session->config, true, err) != RESULT_OK ||
        session_ready(session, err) != RESULT_OK || session_audit(session, err) != RESULT_OK)
        return err->result;
    change_start(&work->change, session, "keystore", verb_name[work->verb], CHANGE_UPDATE);
    return change_intent(&work->change, facts, err);
}

/* A process that died may have written the file before. */
static enum result outcome(struct work *work, const cJSON *facts, struct err *err)
{
    AUTO_JSON *none = cJSON_CreateObject();
    struct err how = *err;

    if (how.result != RESULT_OK && work->keys.lost)
        how.result = RESULT_UNKNOWN;
    return change_outcome(&work->change, facts != NULL ? facts : none, &how, err);
}

static enum result change(struct work *work, cJSON **facts, struct err *err)
{
    struct config *config = &work->session->config;

    if (recorded(work) && intent(work, err) != RESULT_OK)
        return err->result;
    config->credential = buf_text(&work->uri);
    (void)steps(work, facts, err);
    return recorded(work) ? outcome(work, *facts, err) : err->result;
}

static enum result perform(struct work *work, struct err *err)
{
    struct output *output = &work->session->output;
    AUTO_JSON *facts = NULL;

    if (surroundings_find(work, err) != RESULT_OK || keystore_uri(work, err) != RESULT_OK ||
        change(work, &facts, err) != RESULT_OK)
        return err->result;
    recipients_tell(output, facts);
    output_add(output, "keystore", cJSON_Duplicate(facts, true));
    return RESULT_OK;
}

enum result cmd_keystore(int argc, char **argv)
{
    AUTO_SESSION session = SESSION_INIT;
    struct work work = {.session = &session,
                        .source = "",
                        .new_source = "",
                        .kid = "",
                        .generate = "",
                        .keys = KEYS_INIT,
                        .uri = BUF_INIT(2048),
                        .next = BUF_INIT(2048)};
    struct err err = {0};
    enum result result = arguments(&work, argc, argv, &err);

    output_start(&session.output, "keystore", &session.options);
    if (result == RESULT_OK && session.options.help)
        return output_help(&session.output, help);
    if (result == RESULT_OK)
        (void)perform(&work, &err);
    keys_stop(&work.keys);
    buf_free(&work.uri);
    buf_free(&work.next);
    return output_end(&session.output, &err);
}
