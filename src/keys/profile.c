#include "profile.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX  (64 * 1024)
#define LIST_MAX  16
#define VALUE_MAX 4096

static const char *const members[] = {"initialize", "seccomp", "read", "write", "connect", NULL};

enum result profiles_take(struct profiles *profiles, const char *json, struct err *err)
{
    const cJSON *module;
    struct json_doc *doc = &profiles->doc;

    profiles->text = (struct buf)BUF_INIT(TEXT_MAX);
    buf_puts(&profiles->text, json[0] != '\0' ? json : "{}");
    if (buf_check(&profiles->text, "pkcs11.modules", err) != RESULT_OK)
        return err->result;
    *doc = (struct json_doc){.name = "pkcs11.modules",
                             .text = profiles->text.data,
                             .len = profiles->text.len,
                             .result = RESULT_CONFIG};
    if (json_parse(doc, JSON_OURS, err) != RESULT_OK)
        return err->result;
    if (!cJSON_IsObject(doc->root))
        return json_fail(doc, doc->root, err, "must be an object: module's file name to settings");
    cJSON_ArrayForEach(module, doc->root) if (json_object(doc, module, members, err) !=
                                              RESULT_OK) return err->result;
    return RESULT_OK;
}

void profiles_free(struct profiles *profiles)
{
    json_free(&profiles->doc);
    buf_free(&profiles->text);
}

/* "/usr/lib/libx.so.1.9.0", "libx.so" and "x" of module-name=x are one. */
static bool named(const char *module, const char *name)
{
    const char *slash = strrchr(module, '/');
    const char *file = slash != NULL ? slash + 1 : module;
    const char *end = strstr(file, ".so"), *name_end = strstr(name, ".so");
    size_t len = end != NULL ? (size_t)(end - file) : strlen(file);
    size_t name_len = name_end != NULL ? (size_t)(name_end - name) : strlen(name);

    return len == name_len && memcmp(file, name, len) == 0;
}

static const cJSON *profile_find(const struct profiles *profiles, const char *module)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, profiles->doc.root) if (named(module, item->string)) return item;
    return NULL;
}

const char *profile_initialize(const struct profiles *profiles, const char *module)
{
    const cJSON *profile = profile_find(profiles, module);

    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(profile, "initialize"));
}

/* A path that may be missing: then there is nothing to reach. */
static enum result reach_if_there(struct guard_reach *reach, const char *path, bool writes,
                                  struct err *err)
{
    if (path[0] == '\0' || access(path, F_OK) != 0)
        return RESULT_OK;
    return guard_reach_path(reach, path, writes, err);
}

static enum result reach_list(struct guard_reach *reach, const char *const paths[], bool writes,
                              struct err *err)
{
    for (size_t i = 0; paths[i] != NULL; i++)
        if (reach_if_there(reach, paths[i], writes, err) != RESULT_OK)
            return err->result;
    return RESULT_OK;
}

static const char *variable(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : otherwise;
}

/* The value of "NAME = value" in a file of such lines. */
static void setting_read(const char *file, const char *name, struct buf *out)
{
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    struct err ignored;
    const char *line;

    if (guard_read(file, GUARD_PUBLIC, RESULT_KEY, &text, &ignored) != RESULT_OK)
        return;
    for (line = buf_text(&text); line[0] != '\0';
         line += strcspn(line, "\n"), line += line[0] == '\n') {
        const char *at = line + strspn(line, " \t");
        size_t len = strlen(name), value;

        if (strncmp(at, name, len) != 0)
            continue;
        at += len;
        at += strspn(at, " \t");
        if (at[0] != '=')
            continue;
        at++;
        at += strspn(at, " \t");
        value = strcspn(at, "\r\n");
        while (value > 0 && (at[value - 1] == ' ' || at[value - 1] == '\t'))
            value--;
        buf_reset(out);
        buf_put(out, at, value);
    }
}

static enum result reach_softhsm(const char *initialize, struct guard_reach *reach, struct err *err)
{
    const char *conf = variable("SOFTHSM2_CONF", "/etc/softhsm/softhsm2.conf");
    AUTO_BUF tokens = BUF_INIT(VALUE_MAX);

    (void)initialize;
    buf_puts(&tokens, "/var/lib/softhsm/tokens");
    setting_read(conf, "directories.tokendir", &tokens);
    if (reach_if_there(reach, conf, false, err) != RESULT_OK)
        return err->result;
    return reach_if_there(reach, buf_text(&tokens), true, err);
}

static enum result reach_opencryptoki(const char *initialize, struct guard_reach *reach,
                                      struct err *err)
{
    static const char *const read[] = {"/etc/opencryptoki", NULL};
    static const char *const write[] = {"/var/lib/opencryptoki", "/var/lock/opencryptoki",
                                        "/var/log/opencryptoki", "/dev/shm", NULL};

    (void)initialize;
    if (reach_list(reach, read, false, err) != RESULT_OK)
        return err->result;
    return reach_list(reach, write, true, err);
}

/* "port=2321" of a TCTI text; the next port is the control channel of swtpm and mssim. */
static uint16_t tcti_port(const char *tcti)
{
    const char *at = strstr(tcti, "port=");
    unsigned port = 0;

    for (at = at != NULL ? at + strlen("port=") : "2321"; *at >= '0' && *at <= '9' && port < 65535;
         at++)
        port = port * 10 + (unsigned)(*at - '0');
    return port < 65535 ? (uint16_t)port : 0;
}

static enum result reach_tpm2(const char *initialize, struct guard_reach *reach, struct err *err)
{
    static const char *const devices[] = {"/dev/tpmrm0", "/dev/tpm0", NULL};
    const char *tcti = variable("TPM2_PKCS11_TCTI", "device:");
    uint16_t port = tcti_port(tcti);

    (void)initialize;
    if (reach_if_there(reach, variable("TPM2_PKCS11_STORE", "/etc/tpm2_pkcs11"), true, err) !=
        RESULT_OK)
        return err->result;
    if (strncmp(tcti, "swtpm", 5) == 0 || strncmp(tcti, "mssim", 5) == 0) {
        reach->calls = reach->calls == GUARD_STRICT ? GUARD_NET : reach->calls;
        if (guard_reach_port(reach, port, err) != RESULT_OK)
            return err->result;
        return guard_reach_port(reach, (uint16_t)(port + 1), err);
    }
    if (strncmp(tcti, "device:/", 8) == 0)
        return reach_if_there(reach, tcti + strlen("device:"), true, err);
    return reach_list(reach, devices, true, err);
}

/* configdir='sql:DIR' of the text that C_Initialize gets. */
static enum result reach_nss(const char *initialize, struct guard_reach *reach, struct err *err)
{
    const char *at = initialize != NULL ? strstr(initialize, "configdir='") : NULL;
    AUTO_BUF directory = BUF_INIT(VALUE_MAX);

    if (at == NULL)
        return RESULT_OK;
    at += strlen("configdir='");
    if (strncmp(at, "sql:", 4) == 0 || strncmp(at, "dbm:", 4) == 0)
        at += 4;
    buf_put(&directory, at, strcspn(at, "'"));
    return reach_if_there(reach, buf_text(&directory), true, err);
}

/* p11-kit-client.so needs none: the socket of its server, which strict permits. */
static const struct {
    const char *file;
    enum result (*reach)(const char *initialize, struct guard_reach *reach, struct err *err);
} shipped[] = {
    {"libsofthsm2.so", reach_softhsm},          {"softhsm2", reach_softhsm},
    {"libopencryptoki.so", reach_opencryptoki}, {"PKCS11_API.so", reach_opencryptoki},
    {"libtpm2_pkcs11.so", reach_tpm2},          {"libsoftokn3.so", reach_nss},
};

static enum result reach_paths(const struct json_doc *doc, const cJSON *profile, const char *name,
                               struct guard_reach *reach, struct err *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(profile, name), *item;
    const char *path;

    if (list == NULL)
        return RESULT_OK;
    if (json_array(doc, profile, name, 0, LIST_MAX, &list, err) != RESULT_OK)
        return err->result;
    cJSON_ArrayForEach(item, list)
    {
        if (json_text(doc, item, VALUE_MAX, &path, err) != RESULT_OK ||
            guard_reach_path(reach, path, strcmp(name, "write") == 0, err) != RESULT_OK)
            return err->result;
    }
    return RESULT_OK;
}

static enum result reach_ports(const struct json_doc *doc, const cJSON *profile,
                               struct guard_reach *reach, struct err *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(profile, "connect"), *item;

    if (list == NULL)
        return RESULT_OK;
    if (json_array(doc, profile, "connect", 0, LIST_MAX, &list, err) != RESULT_OK)
        return err->result;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsNumber(item) || item->valuedouble < 1 || item->valuedouble > 65535)
            return json_fail(doc, item, err, "must be a TCP port");
        if (guard_reach_port(reach, (uint16_t)item->valuedouble, err) != RESULT_OK)
            return err->result;
    }
    return RESULT_OK;
}

/* Two modules in one process have the weaker of their locks. */
static enum result reach_calls(const struct json_doc *doc, const cJSON *profile,
                               struct guard_reach *reach, struct err *err)
{
    static const char *const names[] = {"strict", "net", "off"};
    const char *wanted = names[GUARD_STRICT];

    if (json_string_opt(doc, profile, "seccomp", 8, &wanted, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], wanted) == 0) {
            reach->calls = (enum guard_calls)i > reach->calls ? (enum guard_calls)i : reach->calls;
            return RESULT_OK;
        }
    return json_fail(doc, cJSON_GetObjectItemCaseSensitive(profile, "seccomp"), err,
                     "must be strict, net or off");
}

static enum result reach_configured(const struct profiles *profiles, const cJSON *profile,
                                    struct guard_reach *reach, struct err *err)
{
    const struct json_doc *doc = &profiles->doc;

    if (reach_calls(doc, profile, reach, err) != RESULT_OK ||
        reach_paths(doc, profile, "read", reach, err) != RESULT_OK ||
        reach_paths(doc, profile, "write", reach, err) != RESULT_OK)
        return err->result;
    return reach_ports(doc, profile, reach, err);
}

/* The directory too: a module may come with libraries of its own. */
static enum result reach_file(const char *module, struct guard_reach *reach, struct err *err)
{
    const char *slash = strrchr(module, '/');
    AUTO_BUF directory = BUF_INIT(VALUE_MAX);

    buf_put(&directory, module, slash == NULL ? 0 : (size_t)(slash - module));
    return reach_if_there(reach, buf_text(&directory), false, err);
}

enum result profile_reach(const struct profiles *profiles, const char *module,
                          struct guard_reach *reach, struct err *err)
{
    const cJSON *profile = profile_find(profiles, module);
    const char *initialize = profile_initialize(profiles, module);

    if (reach_file(module, reach, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++)
        if (named(module, shipped[i].file) && shipped[i].reach(initialize, reach, err) != RESULT_OK)
            return err->result;
    return profile == NULL ? RESULT_OK : reach_configured(profiles, profile, reach, err);
}

/* What the config's variables name: a vendor's configuration file, most likely. */
static enum result reach_environment(struct guard_reach *reach, struct err *err)
{
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        const char *equals = strchr(*at, '=');

        if (equals != NULL && reach_if_there(reach, equals + 1, false, err) != RESULT_OK)
            return err->result;
    }
    return RESULT_OK;
}

enum result profile_system(struct guard_reach *reach, struct err *err)
{
    static const char *const read[] = {"/usr/lib",
                                       "/usr/lib64",
                                       "/lib",
                                       "/lib64",
                                       "/usr/local/lib",
                                       "/etc/ld.so.cache",
                                       "/etc/ssl",
                                       "/etc/passwd",
                                       "/etc/group",
                                       "/etc/nsswitch.conf",
                                       "/etc/hosts",
                                       "/etc/resolv.conf",
                                       "/etc/localtime",
                                       "/usr/share/zoneinfo",
                                       "/sys/devices/system/cpu",
                                       "/dev/urandom",
                                       "/dev/random",
                                       NULL};
    static const char *const write[] = {"/dev/null", "/dev/tty", NULL};

    if (reach_list(reach, read, false, err) != RESULT_OK ||
        reach_list(reach, write, true, err) != RESULT_OK)
        return err->result;
    return reach_environment(reach, err);
}
