#include "session.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "guard.h"

#define AUTHORITIES_MAX (256 * KIB)
#define CONNECT_MS      (10 * 1000)
#define TOTAL_MS        (60 * 1000)

/* The tree of the build and of an installation are one: share lies beside bin, or beside us. */
void session_installed(struct buf *out, const char *name)
{
    char self[PATH_MAX] = "";
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash = len > 0 ? strrchr(self, '/') : NULL;

    if (slash != NULL)
        *slash = '\0';
    len = (ssize_t)strlen(self);
    buf_printf(out, "%s%s/share/georder/%s", self,
               len > 4 && strcmp(self + len - 4, "/bin") == 0 ? "/.." : "", name);
}

static void beside(struct buf *out, const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');

    buf_put(out, path, slash != NULL ? (size_t)(slash - path) + 1 : 0);
    buf_puts(out, name);
}

enum result session_data(const char *policy, const char *name, struct buf *path, struct buf *text,
                         struct err *err)
{
    beside(path, policy, name);
    if (access(buf_text(path), F_OK) != 0) {
        buf_reset(path);
        session_installed(path, name);
    }
    return guard_read(buf_text(path), GUARD_INSTALLED, RESULT_CONFIG, text, err);
}

static enum result load_authorities(struct session *session, const char *policy, struct err *err)
{
    AUTO_BUF path = BUF_INIT(2 * PATH_MAX);
    AUTO_BUF text = BUF_INIT(AUTHORITIES_MAX);

    if (session_data(policy, "authorities.json", &path, &text, err) != RESULT_OK)
        return err->result;
    return authorities_load(buf_text(&path), buf_text(&text), text.len, &session->authorities, err);
}

void session_policy_path(const struct session *session, const char *file, struct buf *out)
{
    if (file != NULL)
        buf_puts(out, file);
    else
        guard_path(out, session->config.directory, session->config.policy);
}

enum result session_policy(struct session *session, const char *file, struct err *err)
{
    AUTO_BUF buf = BUF_INIT(2 * PATH_MAX);
    const char *path = file;

    if (file == NULL) {
        session_policy_path(session, file, &buf);
        path = buf_text(&buf);
    }
    if (load_authorities(session, path, err) != RESULT_OK ||
        guard_read(path, GUARD_PUBLIC, RESULT_CONFIG, &session->policy_text, err) != RESULT_OK ||
        policy_load(path, buf_text(&session->policy_text), session->policy_text.len,
                    session->authorities, &session->policy, err) != RESULT_OK)
        return err->result;
    policy_facts(session->policy, &session->facts);
    session->keys.may_unlocked = !session->facts.locked_memory;
    return RESULT_OK;
}

enum result session_config(struct session *session, struct err *err)
{
    if (config_load(session->options.config, &session->config, err) != RESULT_OK)
        return err->result;
    return session_policy(session, NULL, err);
}

enum result session_approvals(struct session *session, struct err *err)
{
    AUTO_BUF path = BUF_INIT(2 * PATH_MAX);

    session_policy_path(session, NULL, &path);
    if (trust_list_read(&session->config, NULL, &session->list, err) != RESULT_OK)
        return err->result;
    return signatures_read(buf_text(&path), &session->policy_signatures, err);
}

enum result session_trust(struct session *session, struct err *err)
{
    AUTO_BUF path = BUF_INIT(2 * PATH_MAX);

    if (session->config.ca_file == NULL)
        return RESULT_OK;
    guard_path(&path, session->config.directory, session->config.ca_file);
    return guard_read(buf_text(&path), GUARD_PUBLIC, RESULT_CONFIG, &session->trust, err);
}

size_t certificates_count(const struct buf *pem)
{
    BIO *bio = BIO_new_mem_buf(buf_text(pem), (int)pem->len);
    size_t count = 0;
    X509 *certificate;

    while (bio != NULL && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        X509_free(certificate);
        count++;
    }
    ERR_clear_error();
    BIO_free(bio);
    return count;
}

static void user_name(uid_t uid, char out[LOGIN_SIZE])
{
    const struct passwd *user = getpwuid(uid);

    /* A name that is cut would be another's, or nobody's: the requester could approve. */
    if (user != NULL && strlen(user->pw_name) < LOGIN_SIZE &&
        utf8_valid(user->pw_name, strlen(user->pw_name)))
        (void)snprintf(out, LOGIN_SIZE, "%s", user->pw_name);
    else
        (void)snprintf(out, LOGIN_SIZE, "uid %u", uid);
}

/* Who logged in, which sudo and su do not change. Where nothing has set it, who runs this. */
static uid_t login_uid(void)
{
    AUTO_FD fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
    char text[16] = "";
    int64_t uid = 0;

    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0 || !number_parse(text, UINT32_MAX - 1, &uid))
        return getuid();
    return (uid_t)uid;
}

static void identify(struct session *session)
{
    struct utsname host;

    session->actor_uid = getuid();
    user_name(getuid(), session->actor);
    user_name(login_uid(), session->login);
    if (uname(&host) == 0 && utf8_valid(host.nodename, strlen(host.nodename)))
        (void)snprintf(session->host, sizeof session->host, "%s", host.nodename);
}

enum result session_directory(struct session *session, struct err *err)
{
    AUTO_BUF path = BUF_INIT(2 * PATH_MAX);

    identify(session);
    guard_path(&path, session->config.directory, session->config.audit_directory);
    return guard_open_directory(buf_text(&path), RESULT_AUDIT, &session->audit_fd, err);
}

enum result session_audit(struct session *session, struct err *err)
{
    const struct audit_signer *signer = &session->keys.signer;
    AUTO_BUF line = BUF_INIT(AUDIT_LINE_MAX);

    /* Without an audit key: only when it is to sign does keys say what is wrong. */
    if (signer->spki_len == 0 && signer->sign(signer->context, "{}", 2, &line, err) != RESULT_OK)
        return err->result;
    return audit_open(session->audit_fd, session->config.origin, &session->keys.signer,
                      &session->audit, err);
}

enum result session_ready(struct session *session, struct err *err)
{
    if (keys_ready(&session->keys, err) != RESULT_OK)
        return err->result;
    if (session->keys.note[0] != '\0')
        note(&session->output, "note: %s\n", shown(session->keys.note));
    return RESULT_OK;
}

/* A policy that requires the head stops at this; others should at least be told. */
static void head_tell(const struct session *session)
{
    struct err why = {0};

    if (session->last_record >= 0 && session->keys.has_head &&
        audit_head_state(session->audit, &why) != RESULT_OK)
        note(&session->output, "note: the log's head is behind the log: %s\n", shown(why.text));
}

void session_free(struct session *session)
{
    head_tell(session);
    if (session->keys.restarted[0] != '\0')
        note(&session->output, "note: georder-keys was started anew, once: %s\n",
             shown(session->keys.restarted));
    audit_close(&session->audit);
    fd_close(&session->audit_fd);
    /* All end when their channels close: at once, and not one after the other. */
    fd_close(&session->net.ipc.fd);
    fd_close(&session->anchoring.net.ipc.fd);
    fd_close(&session->keys.now.ipc.fd);
    fd_close(&session->keys.spare.ipc.fd);
    net_stop(&session->net);
    anchoring_free(&session->anchoring);
    keys_stop(&session->keys);
    policy_free(&session->policy);
    signatures_free(&session->policy_signatures);
    trust_list_free(&session->list);
    authorities_free(&session->authorities);
    buf_free(&session->policy_text);
    buf_free(&session->trust);
    config_free(&session->config);
    json_delete(&session->output.document);
}

void session_request(const struct session *session, struct net_request *request)
{
    const struct policy_facts *facts = &session->facts;

    memset(request, 0, sizeof *request);
    request->host = facts->host;
    request->port = facts->port;
    request->body = "";
    request->resolve = session->config.resolve != NULL ? session->config.resolve : "";
    request->proxy = session->config.proxy != NULL ? session->config.proxy : "";
    request->minimum_tls = facts->minimum_tls;
    request->connect_ms = CONNECT_MS;
    request->total_ms = session->timeout_ms != 0 ? session->timeout_ms : TOTAL_MS;
    for (size_t i = 0; i < facts->pins && i < NET_PINS_MAX; i++)
        memcpy(request->pin[request->pins++], facts->pin[i], SHA256_LEN);
    for (size_t i = 0; i < facts->networks && i < NET_NETWORKS_MAX; i++)
        request->network[request->networks++] = facts->network[i];
}

const cJSON *record_georder(const cJSON *payload)
{
    const cJSON *unmapped = cJSON_GetObjectItemCaseSensitive(payload, "unmapped");

    return cJSON_GetObjectItemCaseSensitive(unmapped, "georder");
}

const char *member_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text != NULL ? text : "";
}

bool number_parse(const char *text, int64_t max, int64_t *out)
{
    *out = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        int64_t digit = *text - '0';

        if (digit < 0 || digit > 9 || *out > max / 10 || *out * 10 > max - digit)
            return false;
        *out = *out * 10 + digit;
    }
    return true;
}
