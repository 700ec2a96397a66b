#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "url.h"

#define CONFIG_MAX (64 * 1024)
#define URI_MAX    2048

struct surroundings surroundings;

static const char *const members[] = {"policy",    "credential", "audit", "pkcs11",
                                      "ca_file",   "resolve",    "proxy", "require_approvals",
                                      "approvers", NULL};
static const char *const audit_members[] = {"directory",
                                            "origin",
                                            "signing_key",
                                            "signing_key_thumbprint",
                                            "signing_algorithm",
                                            "timestamp",
                                            "witnesses",
                                            "head",
                                            NULL};
static const char *const timestamp_members[] = {"url", "ca_file", NULL};
static const char *const witness_members[] = {"url", "key", "ca_file", NULL};
static const char *const pkcs11_members[] = {"environment", "modules", "timeout", NULL};

/* The design writes an unused member as null. */
static enum result text_or_null(const struct json_doc *doc, const char *name, size_t max,
                                const char **out, struct err *err)
{
    if (cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(doc->root, name)))
        return RESULT_OK;
    return json_string_opt(doc, doc->root, name, max, out, err);
}

bool variable_name_valid(const char *name)
{
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return len > 0 && len <= 64 && name[len] == '\0' && strncmp(name, "LD_", 3) != 0 &&
           strcmp(name, "GLIBC_TUNABLES") != 0;
}

static enum result read_environment(struct config *config, const cJSON *pkcs11, struct err *err)
{
    const struct json_doc *doc = &config->doc;
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(pkcs11, "environment"), *item;

    if (all == NULL)
        return RESULT_OK;
    if (!cJSON_IsObject(all))
        return json_fail(doc, all, err, "must be an object of strings");
    cJSON_ArrayForEach(item, all)
    {
        if (config->environment == MODULE_ENVIRONMENT_MAX)
            return json_fail(doc, item, err, "at most %d variables", MODULE_ENVIRONMENT_MAX);
        if (!variable_name_valid(item->string))
            return json_fail(doc, item, err,
                             "not a name for a module's variable (A-Z, 0-9, _; none that steers "
                             "the loader)");
        if (json_text(doc, item, PATH_MAX, &config->variable[config->environment].value, err) !=
            RESULT_OK)
            return err->result;
        config->variable[config->environment++].name = item->string;
    }
    return RESULT_OK;
}

static enum result read_pkcs11(struct config *config, struct err *err)
{
    const struct json_doc *doc = &config->doc;
    const cJSON *pkcs11 = cJSON_GetObjectItemCaseSensitive(doc->root, "pkcs11");
    int64_t timeout = MODULE_TIMEOUT;

    if (pkcs11 == NULL)
        return RESULT_OK;
    if (json_object(doc, pkcs11, pkcs11_members, err) != RESULT_OK ||
        read_environment(config, pkcs11, err) != RESULT_OK)
        return err->result;
    config->modules = cJSON_GetObjectItemCaseSensitive(pkcs11, "modules");
    if (config->modules != NULL && !cJSON_IsObject(config->modules))
        return json_fail(doc, config->modules, err,
                         "must be an object: a module's file name to what it may reach");
    if (cJSON_GetObjectItemCaseSensitive(pkcs11, "timeout") != NULL &&
        json_int(doc, pkcs11, "timeout", 1, 3600, &timeout, err) != RESULT_OK)
        return err->result;
    config->module_timeout = (uint32_t)timeout;
    return RESULT_OK;
}

static enum result read_url(const struct json_doc *doc, const cJSON *object, const char **out,
                            struct url *url, struct err *err)
{
    if (json_string(doc, object, "url", URI_MAX, out, err) != RESULT_OK)
        return err->result;
    if (url_parse(*out, url))
        return RESULT_OK;
    return json_fail(doc, cJSON_GetObjectItemCaseSensitive(object, "url"), err,
                     "write it as https://HOST/PATH, without user, query or fragment");
}

static enum result read_timestamp(struct config *config, const cJSON *audit, struct err *err)
{
    const struct json_doc *doc = &config->doc;
    const cJSON *timestamp = cJSON_GetObjectItemCaseSensitive(audit, "timestamp");
    struct url url;

    if (timestamp == NULL)
        return RESULT_OK;
    if (json_object(doc, timestamp, timestamp_members, err) != RESULT_OK ||
        read_url(doc, timestamp, &config->timestamp_url, &url, err) != RESULT_OK)
        return err->result;
    return json_string(doc, timestamp, "ca_file", PATH_MAX - 1, &config->timestamp_ca_file, err);
}

static enum result read_witness(struct config *config, const cJSON *item, struct err *err)
{
    const struct json_doc *doc = &config->doc;
    struct config_witness *out = &config->witness[config->witnesses];
    struct witness key;
    struct err why = {0};
    struct url url;

    if (json_object(doc, item, witness_members, err) != RESULT_OK ||
        read_url(doc, item, &out->url, &url, err) != RESULT_OK ||
        json_string(doc, item, "key", URI_MAX, &out->key, err) != RESULT_OK ||
        json_string_opt(doc, item, "ca_file", PATH_MAX - 1, &out->ca_file, err) != RESULT_OK)
        return err->result;
    if (url.plain)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(item, "url"), err,
                         "a witness is asked by https: what it says against the log is not signed");
    if (witness_parse(out->key, &key, &why) != RESULT_OK)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(item, "key"), err, "%s", why.text);
    config->witnesses++;
    return RESULT_OK;
}

static enum result read_witnesses(struct config *config, const cJSON *audit, struct err *err)
{
    const cJSON *all, *item;

    if (cJSON_GetObjectItemCaseSensitive(audit, "witnesses") == NULL)
        return RESULT_OK;
    if (json_array(&config->doc, audit, "witnesses", 1, WITNESSES_MAX, &all, err) != RESULT_OK)
        return err->result;
    cJSON_ArrayForEach(item, all)
    {
        if (read_witness(config, item, err) != RESULT_OK)
            return err->result;
    }
    return RESULT_OK;
}

static enum result read_audit(struct config *config, struct err *err)
{
    const struct json_doc *doc = &config->doc;
    const cJSON *audit;

    if (json_member(doc, doc->root, "audit", &audit, err) != RESULT_OK ||
        json_object(doc, audit, audit_members, err) != RESULT_OK ||
        json_string(doc, audit, "directory", PATH_MAX - 1, &config->audit_directory, err) !=
            RESULT_OK ||
        json_string(doc, audit, "origin", 200, &config->origin, err) != RESULT_OK ||
        json_string(doc, audit, "signing_key", URI_MAX, &config->signing_key, err) != RESULT_OK ||
        json_string_opt(doc, audit, "signing_key_thumbprint", 43, &config->signing_key_thumbprint,
                        err) != RESULT_OK ||
        json_string_opt(doc, audit, "signing_algorithm", 8, &config->signing_algorithm, err) !=
            RESULT_OK ||
        json_string_opt(doc, audit, "head", URI_MAX, &config->head, err) != RESULT_OK ||
        read_timestamp(config, audit, err) != RESULT_OK ||
        read_witnesses(config, audit, err) != RESULT_OK)
        return err->result;
    if (strpbrk(config->origin, " +\t\n") != NULL)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(audit, "origin"), err,
                         "an origin has neither spaces nor \"+\" (C2SP tlog-checkpoint): write it "
                         "as host/path");
    return RESULT_OK;
}

bool address_valid(const char *text)
{
    struct in6_addr address; /* the larger one */

    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

static enum result read_approvals(struct config *config, struct err *err)
{
    const struct json_doc *doc = &config->doc;
    const cJSON *required = cJSON_GetObjectItemCaseSensitive(doc->root, "require_approvals");

    if (required != NULL && !cJSON_IsBool(required))
        return json_fail(doc, required, err, "must be true or false");
    config->require_approvals = cJSON_IsTrue(required);
    return text_or_null(doc, "approvers", PATH_MAX - 1, &config->approvers, err);
}

static enum result config_read(struct config *config, struct err *err)
{
    const struct json_doc *doc = &config->doc;

    if (json_object(doc, doc->root, members, err) != RESULT_OK ||
        json_string(doc, doc->root, "policy", PATH_MAX - 1, &config->policy, err) != RESULT_OK ||
        json_string(doc, doc->root, "credential", URI_MAX, &config->credential, err) != RESULT_OK ||
        read_audit(config, err) != RESULT_OK || read_pkcs11(config, err) != RESULT_OK)
        return err->result;
    if (text_or_null(doc, "ca_file", PATH_MAX - 1, &config->ca_file, err) != RESULT_OK ||
        text_or_null(doc, "resolve", 64, &config->resolve, err) != RESULT_OK ||
        text_or_null(doc, "proxy", 300, &config->proxy, err) != RESULT_OK)
        return err->result;
    if (read_approvals(config, err) != RESULT_OK)
        return err->result;
    if (config->proxy != NULL && strncmp(config->proxy, "http://", 7) != 0)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(doc->root, "proxy"), err,
                         "write the proxy as http://HOST:PORT");
    if (config->resolve != NULL && !address_valid(config->resolve))
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(doc->root, "resolve"), err,
                         "write an IPv4 or IPv6 address");
    return RESULT_OK;
}

static bool exists(const char *path)
{
    return path[0] != '\0' && access(path, F_OK) == 0;
}

static enum result path_set(char path[PATH_MAX], const char *first, const char *second,
                            struct err *err)
{
    int len = snprintf(path, PATH_MAX, "%s%s", first, second);

    if (len <= 0 || len >= PATH_MAX)
        return err_set(err, RESULT_CONFIG, "the path of the config is empty or too long");
    return RESULT_OK;
}

static enum result config_find(const char *option, char path[PATH_MAX], struct err *err)
{
    const struct surroundings *from = &surroundings;
    enum result result = RESULT_OK;

    if (option != NULL || from->config[0] != '\0')
        return path_set(path, option != NULL ? option : from->config, "", err);
    if (from->xdg_config_home[0] == '/')
        result = path_set(path, from->xdg_config_home, "/georder/georder.json", err);
    else if (from->home[0] == '/')
        result = path_set(path, from->home, "/.config/georder/georder.json", err);
    if (result != RESULT_OK || exists(path))
        return result;
    return path_set(path, "/etc/georder/georder.json", "", err);
}

/* Absolute, since the helpers start somewhere else. */
static enum result directory_of(struct config *config, struct err *err)
{
    char here[PATH_MAX] = "";
    char *slash;
    int len;

    if (config->path[0] != '/' && getcwd(here, sizeof here) == NULL)
        return err_errno(err, RESULT_CONFIG, "cannot tell the working directory");
    len = snprintf(config->directory, sizeof config->directory, "%s%s%s", here,
                   here[0] != '\0' ? "/" : "", config->path);
    if (len < 0 || (size_t)len >= sizeof config->directory)
        return err_set(err, RESULT_CONFIG, "%s: the path is too long", config->path);
    slash = strrchr(config->directory, '/');
    slash[slash == config->directory ? 1 : 0] = '\0';
    return RESULT_OK;
}

bool config_there(const char *option)
{
    char path[PATH_MAX] = "";
    struct err err;

    return option != NULL || surroundings.config[0] != '\0' ||
           config_find(option, path, &err) != RESULT_OK || exists(path);
}

enum result config_load(const char *option, struct config *config, struct err *err)
{
    *config = (struct config){
        .text = BUF_INIT(CONFIG_MAX), .signing_algorithm = "", .module_timeout = MODULE_TIMEOUT};
    if (config_find(option, config->path, err) != RESULT_OK)
        return err->result;
    if (option == NULL && surroundings.config[0] == '\0' && !exists(config->path))
        return err_set(err, RESULT_CONFIG,
                       "no config: neither --config nor $GEORDER_CONFIG is given, and there is no "
                       "georder/georder.json in $XDG_CONFIG_HOME or ~/.config, nor %s; `georder "
                       "init` makes one",
                       config->path);
    if (directory_of(config, err) != RESULT_OK ||
        guard_read(config->path, GUARD_PUBLIC, RESULT_CONFIG, &config->text, err) != RESULT_OK)
        return err->result;
    config->doc = (struct json_doc){.name = config->path,
                                    .text = buf_text(&config->text),
                                    .len = config->text.len,
                                    .result = RESULT_CONFIG};
    if (json_parse(&config->doc, JSON_OURS, err) != RESULT_OK)
        return err->result;
    return config_read(config, err);
}

void config_free(struct config *config)
{
    json_free(&config->doc);
    buf_free(&config->text);
}

enum result config_environment(struct config *config, char *text, struct err *err)
{
    char *equals = strchr(text, '=');

    if (config->environment >= MODULE_ENVIRONMENT_MAX)
        return err_set(err, RESULT_USAGE, "--environment: at most %d variables",
                       MODULE_ENVIRONMENT_MAX);
    if (equals != NULL)
        *equals = '\0';
    if (equals == NULL || !variable_name_valid(text))
        return err_set(err, RESULT_USAGE,
                       "--environment: give NAME=VALUE; a name is of A-Z, 0-9 and _, and none that "
                       "steers the loader");
    config->variable[config->environment].name = text;
    config->variable[config->environment].value = equals + 1;
    config->environment++;
    return RESULT_OK;
}

/* RFC 7512: what is not unreserved is percent-encoded; in the query, paths stay readable. */
void uri_put(struct buf *out, const char *text, const char *also)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~";

    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL || strchr(also, *text) != NULL)
            buf_putc(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}
