#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "guard.h"
#include "session.h"

static const char help[] =
    "usage: georder init DIRECTORY --pkcs11 URI [--keystore]\n"
    "       georder init DIRECTORY --module FILE --token LABEL [--pin-source SOURCE]\n"
    "       georder init DIRECTORY --keystore [--passphrase-source SOURCE]\n"
    "\n"
    "Makes a home: the audit key (on the token it cannot be extracted), the log with its\n"
    "first record, the policy, the trusted roots, and georder.json. Then put the credential in "
    "with\n"
    "`georder credential put`.\n"
    "\n"
    "  --pkcs11 URI              an initialised token, and its module:\n"
    "                            pkcs11:token=LABEL?module-path=/PATH&pin-source=file:PATH\n"
    "  --module FILE  --token LABEL  the same in parts\n"
    "  --pin-source SOURCE       file:PATH or credential:NAME; without it you are asked\n"
    "  --environment NAME=VALUE  for the module, say SOFTHSM2_CONF=softhsm2.conf\n"
    "  --initialize TEXT         for the module's C_Initialize (NSS: configdir='sql:DIRECTORY' "
    "...)\n"
    "  --alg ALG                 of the audit key: ES256 (the default), ES384, RS256, PS256\n"
    "  --keystore                an encrypted file, keystore.json, instead of a token; with "
    "--pkcs11\n"
    "                            for the credential alone (see `georder keystore create`)\n"
    "  --passphrase-source S     file:PATH or credential:NAME; without it you are asked\n"
    "  --credential              and store the API token, from standard input or a prompt\n"
    "  --policy FILE             copied to policy.json; without it the one there, or an example\n"
    "  --ca-file FILE            copied to roots.pem; without it the one there, or Cloudflare's\n"
    "  --origin NAME             of the log, say host-17.example.com/georder\n"
    "  --resolve ADDRESS         always connect to this address\n"
    "  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 done; see georder help exit-codes\n";

enum {
    PKCS11 = OWN_OPTION,
    MODULE,
    TOKEN,
    PIN,
    ENVIRONMENT,
    INITIALIZE,
    ALG,
    CREDENTIAL,
    KEYSTORE,
    PASSPHRASE,
    POLICY,
    CA,
    ORIGIN,
    RESOLVE
};

static const struct option own[] = {{"pkcs11", required_argument, NULL, PKCS11},
                                    {"initialize", required_argument, NULL, INITIALIZE},
                                    {"alg", required_argument, NULL, ALG},
                                    {"credential", no_argument, NULL, CREDENTIAL},
                                    {"module", required_argument, NULL, MODULE},
                                    {"token", required_argument, NULL, TOKEN},
                                    {"pin-source", required_argument, NULL, PIN},
                                    {"environment", required_argument, NULL, ENVIRONMENT},
                                    {"keystore", no_argument, NULL, KEYSTORE},
                                    {"passphrase-source", required_argument, NULL, PASSPHRASE},
                                    {"policy", required_argument, NULL, POLICY},
                                    {"ca-file", required_argument, NULL, CA},
                                    {"origin", required_argument, NULL, ORIGIN},
                                    {"resolve", required_argument, NULL, RESOLVE},
                                    {NULL, 0, NULL, 0}};

struct home {
    struct session *session;
    const char *directory, *pkcs11, *initialize, *alg, *module, *token, *pin, *passphrase, *policy,
        *ca, *origin, *resolve;
    bool keystore, with_credential;
    struct buf credential, signing_key, host;
    int fd; /* of the directory */
    char kid[AUDIT_KID_LEN + 1];
    cJSON *modules; /* owned; pkcs11.modules */
};

static enum result take(struct home *home, int option, struct err *err)
{
    switch (option) {
    case PKCS11:
        home->pkcs11 = optarg;
        return RESULT_OK;
    case INITIALIZE:
        home->initialize = optarg;
        return RESULT_OK;
    case ALG:
        home->alg = optarg;
        return RESULT_OK;
    case MODULE:
        home->module = optarg;
        return RESULT_OK;
    case TOKEN:
        home->token = optarg;
        return RESULT_OK;
    case PIN:
        home->pin = optarg;
        return RESULT_OK;
    case ENVIRONMENT:
        return config_environment(&home->session->config, optarg, err);
    case CREDENTIAL:
        home->with_credential = true;
        return RESULT_OK;
    case KEYSTORE:
        home->keystore = true;
        return RESULT_OK;
    case PASSPHRASE:
        home->passphrase = optarg;
        return RESULT_OK;
    case POLICY:
        home->policy = optarg;
        return RESULT_OK;
    case CA:
        home->ca = optarg;
        return RESULT_OK;
    case ORIGIN:
        home->origin = optarg;
        return RESULT_OK;
    case RESOLVE:
        home->resolve = optarg;
        return RESULT_OK;
    default:
        return err_set(err, RESULT_INTERNAL, "option %d is not handled", option);
    }
}

/* The module is in both: --module and --token are the short way of --pkcs11. */
static enum result token_options(const struct home *home, struct err *err)
{
    bool parts = home->module != NULL || home->token != NULL || home->pin != NULL;

    if ((home->module != NULL) != (home->token != NULL) || (parts && home->pkcs11 != NULL) ||
        !(home->keystore || parts || home->pkcs11 != NULL) || (home->keystore && parts))
        return err_set(err, RESULT_USAGE,
                       "give --pkcs11, or --module and --token, or --keystore; with --pkcs11 and "
                       "--keystore the audit key is on the token, the credential in the keystore");
    if (home->pkcs11 == NULL)
        return RESULT_OK;
    if (strncmp(home->pkcs11, "pkcs11:", 7) != 0 || strchr(home->pkcs11, '?') == NULL ||
        strstr(home->pkcs11, "object=") != NULL || strstr(home->pkcs11, "type=") != NULL)
        return err_set(err, RESULT_USAGE,
                       "--pkcs11: give the token, init adds object and type: "
                       "pkcs11:token=LABEL?module-path=/PATH&pin-source=file:PATH");
    return RESULT_OK;
}

static enum result arguments(struct home *home, int argc, char **argv, struct err *err)
{
    struct options *options = &home->session->options;
    int option;

    while ((option = options_next(options, argc, argv, own, err)) > 0)
        if (take(home, option, err) != RESULT_OK)
            return err->result;
    if (option == OPTIONS_BAD || options->help)
        return err->result;
    if (argc - optind != 1)
        return err_set(err, RESULT_USAGE,
                       "give the one directory that becomes the home; see georder init --help");
    home->directory = argv[optind];
    if (token_options(home, err) != RESULT_OK)
        return err->result;
    if (options->config != NULL)
        return err_set(err, RESULT_USAGE, "--config has no meaning here: init makes the config");
    return RESULT_OK;
}

static void key_source(const struct home *home, const char *name, const char *type, struct buf *out)
{
    bool stored = home->keystore && (home->pkcs11 == NULL || strcmp(type, "data") == 0);
    size_t path = home->pkcs11 != NULL ? strcspn(home->pkcs11, "?") : 0;

    if (stored) {
        buf_printf(out, "keystore:keystore.json?name=%s", name);
        buf_puts(out, home->passphrase != NULL ? "&passphrase-source=" : "");
        uri_put(out, home->passphrase != NULL ? home->passphrase : "", "/:");
        return;
    }
    if (home->pkcs11 != NULL) {
        buf_put(out, home->pkcs11, path);
        buf_printf(out, ";object=%s;type=%s%s", name, type, home->pkcs11 + path);
        return;
    }
    buf_puts(out, "pkcs11:token=");
    uri_put(out, home->token, "");
    buf_printf(out, ";object=%s;type=%s?module-path=", name, type);
    uri_put(out, home->module, "/:");
    buf_puts(out, home->pin != NULL ? "&pin-source=" : "");
    uri_put(out, home->pin != NULL ? home->pin : "", "/:");
}

static enum result make_directory(struct home *home, struct err *err)
{
    if (mkdir(home->directory, 0700) != 0 && errno != EEXIST)
        return err_errno(err, RESULT_CONFIG, "%s: cannot make it", home->directory);
    if (guard_open_directory(home->directory, RESULT_CONFIG, &home->fd, err) != RESULT_OK)
        return err->result;
    if (faccessat(home->fd, "georder.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
        faccessat(home->fd, "audit", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return err_set(err, RESULT_USAGE,
                       "%s is a home already: it has georder.json or audit; choose another place",
                       home->directory);
    return RESULT_OK;
}

static bool has(const struct home *home, const char *name)
{
    return faccessat(home->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Where a file of the home comes from: what was given, what is there already, or the installed. */
static void source_path(const struct home *home, const char *given, const char *installed,
                        const char *name, struct buf *out)
{
    if (given != NULL)
        buf_puts(out, given);
    else if (has(home, name))
        guard_path(out, home->directory, name);
    else
        session_installed(out, installed);
}

/* Before anything is made: a home with a policy or roots that nobody can use is no home. */
static enum result look_at_sources(const struct home *home, struct err *err)
{
    AUTO_BUF policy = BUF_INIT(2 * PATH_MAX), roots = BUF_INIT(2 * PATH_MAX);
    struct session *session = home->session;

    if ((home->policy != NULL && has(home, "policy.json")) ||
        (home->ca != NULL && has(home, "roots.pem")))
        return err_set(err, RESULT_USAGE,
                       "%s has a policy.json or roots.pem already: move it away, or leave out the "
                       "option to use it",
                       home->directory);
    source_path(home, home->policy, "example.json", "policy.json", &policy);
    source_path(home, home->ca, "cloudflare-roots.pem", "roots.pem", &roots);
    if (session_policy(session, buf_text(&policy), err) != RESULT_OK ||
        guard_read(buf_text(&roots), GUARD_PUBLIC, RESULT_CONFIG, &session->trust, err) !=
            RESULT_OK)
        return err->result;
    if (certificates_count(&session->trust) == 0)
        return err_set(err, RESULT_CONFIG, "%s: it holds no certificate (PEM)", buf_text(&roots));
    if (home->resolve != NULL && !address_valid(home->resolve))
        return err_set(err, RESULT_USAGE, "--resolve: give an IPv4 or IPv6 address");
    return RESULT_OK;
}

/* A file that is there already is somebody's, and stays. */
static enum result copy(const struct home *home, const char *name, const struct buf *text,
                        struct err *err)
{
    if (has(home, name))
        return RESULT_OK;
    return file_create(home->fd, name, buf_text(text), text->len, 0600, err);
}

/* {"libsoftokn3.so": {"initialize": "..."}}, or NULL; kept until the end. */
static const cJSON *modules_of(struct home *home)
{
    const char *path = home->module;
    AUTO_BUF file = BUF_INIT(PATH_MAX);

    if (home->initialize == NULL)
        return NULL;
    if (home->pkcs11 != NULL && (path = strstr(home->pkcs11, "module-path=")) != NULL)
        path += strlen("module-path=");
    if (path == NULL)
        path = "";
    buf_put(&file, path, strcspn(path, "&"));
    path = strrchr(buf_text(&file), '/');
    home->modules = cJSON_CreateObject();
    cJSON_AddStringToObject(
        cJSON_AddObjectToObject(home->modules, path != NULL ? path + 1 : buf_text(&file)),
        "initialize", home->initialize);
    return home->modules;
}

/* The helpers are started with this; the file itself is written last, when all else has worked. */
static enum result fill_config(struct home *home, struct err *err)
{
    struct config *config = &home->session->config;
    struct utsname host;

    if (realpath(home->directory, config->directory) == NULL)
        return err_errno(err, RESULT_CONFIG, "%s: cannot tell its absolute path", home->directory);
    if (home->origin == NULL && uname(&host) == 0) {
        buf_printf(&home->host, "%s/georder", host.nodename);
        home->origin = buf_text(&home->host);
    }
    key_source(home, "cloudflare-api-token", "data", &home->credential);
    key_source(home, "georder-audit", "private", &home->signing_key);
    config->credential = buf_text(&home->credential);
    config->signing_key = buf_text(&home->signing_key);
    config->origin = home->origin;
    config->module_timeout = MODULE_TIMEOUT;
    config->signing_algorithm = home->alg != NULL ? home->alg : "";
    config->audit_directory = "audit";
    config->modules = modules_of(home);
    return RESULT_OK;
}

/* A key that is there already, say from an init that failed later on, is used. */
static enum result make_key(struct home *home, struct err *err)
{
    struct keys *keys = &home->session->keys;

    keys->writes = true;
    if (keys_start(keys, &home->session->config, true, err) != RESULT_OK ||
        session_ready(home->session, err) != RESULT_OK)
        return err->result;
    if (keys->alg[0] != '\0')
        return RESULT_OK;
    return keys_create(keys, home->alg != NULL ? home->alg : "ES256", err);
}

static enum result make_log(struct home *home, struct err *err)
{
    struct audit_report report = {0};
    AUTO_FD fd = -1;

    if (mkdirat(home->fd, "audit", 0700) != 0)
        return err_errno(err, RESULT_AUDIT, "%s/audit: cannot make it", home->directory);
    fd = openat(home->fd, "audit", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, RESULT_AUDIT, "%s/audit: cannot open it", home->directory);
    if (audit_create(fd, home->origin, &home->session->keys.signer, err) != RESULT_OK ||
        audit_verify(fd, home->origin, NULL, &report, err) != RESULT_OK)
        return err->result;
    memcpy(home->kid, report.kid, sizeof home->kid);
    return RESULT_OK;
}

static enum result write_config(const struct home *home, struct err *err)
{
    const struct config *config = &home->session->config;
    AUTO_JSON *root = cJSON_CreateObject();
    cJSON *audit, *pkcs11, *environment;
    AUTO_BUF text = BUF_INIT(64 * KIB);

    cJSON_AddStringToObject(root, "policy", "policy.json");
    cJSON_AddStringToObject(root, "credential", config->credential);
    audit = cJSON_AddObjectToObject(root, "audit");
    cJSON_AddStringToObject(audit, "directory", "audit");
    cJSON_AddStringToObject(audit, "origin", home->origin);
    cJSON_AddStringToObject(audit, "signing_key", config->signing_key);
    cJSON_AddStringToObject(audit, "signing_key_thumbprint", home->kid);
    if (home->alg != NULL)
        cJSON_AddStringToObject(audit, "signing_algorithm", home->alg);
    pkcs11 = cJSON_AddObjectToObject(root, "pkcs11");
    if (home->modules != NULL)
        cJSON_AddItemToObject(pkcs11, "modules", cJSON_Duplicate(home->modules, true));
    environment = cJSON_AddObjectToObject(pkcs11, "environment");
    for (size_t i = 0; i < config->environment; i++)
        cJSON_AddStringToObject(environment, config->variable[i].name, config->variable[i].value);
    cJSON_AddStringToObject(root, "ca_file", "roots.pem");
    if (home->resolve != NULL)
        cJSON_AddStringToObject(root, "resolve", home->resolve);
    json_put_pretty(&text, root);
    buf_putc(&text, '\n');
    if (buf_check(&text, "config", err) != RESULT_OK)
        return err->result;
    return file_create(home->fd, "georder.json", buf_text(&text), text.len, 0600, err);
}

/* The home is made by then, and `credential put` can follow later. */
static enum result store_credential(struct session *session, struct err *err)
{
    if (session_directory(session, err) == RESULT_OK && session_audit(session, err) == RESULT_OK &&
        credential_put(session, err) == RESULT_OK)
        return RESULT_OK;
    return err_prefix(err, "the home is made, but without a credential");
}

static enum result init(struct home *home, struct err *err)
{
    struct session *session = home->session;

    if (make_directory(home, err) != RESULT_OK || look_at_sources(home, err) != RESULT_OK ||
        fill_config(home, err) != RESULT_OK || make_key(home, err) != RESULT_OK ||
        copy(home, "policy.json", &session->policy_text, err) != RESULT_OK ||
        copy(home, "roots.pem", &session->trust, err) != RESULT_OK ||
        make_log(home, err) != RESULT_OK || write_config(home, err) != RESULT_OK)
        return err->result;
    output_add_text(&session->output, "directory", session->config.directory);
    output_add_text(&session->output, "signing_key_thumbprint", home->kid);
    say(&session->output,
        "home %s is made\n"
        "audit key %s: keep this thumbprint elsewhere; `audit verify --key` wants it\n"
        "next: review policy.json, then `georder credential %s --config %s/georder.json`\n",
        shown(session->config.directory), home->kid, home->with_credential ? "verify" : "put",
        shown(home->directory));
    return home->with_credential ? store_credential(session, err) : RESULT_OK;
}

enum result cmd_init(int argc, char **argv)
{
    AUTO_SESSION session = SESSION_INIT;
    struct home home = {.session = &session,
                        .directory = "",
                        .credential = BUF_INIT(2048),
                        .signing_key = BUF_INIT(2048),
                        .host = BUF_INIT(300),
                        .fd = -1};
    struct err err = {0};
    enum result result = arguments(&home, argc, argv, &err);

    output_start(&session.output, "init", &session.options);
    if (result == RESULT_OK && session.options.help)
        return output_help(&session.output, help);
    if (result == RESULT_OK)
        (void)init(&home, &err);
    fd_close(&home.fd);
    buf_free(&home.credential);
    buf_free(&home.signing_key);
    buf_free(&home.host);
    json_delete(&home.modules);
    return output_end(&session.output, &err);
}
