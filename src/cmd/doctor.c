#include "cmd.h"

#include <openssl/crypto.h>
#include <string.h>

#include "anchor.h"
#include "guard.h"
#include "memory.h"

static const char help[] =
    "usage: georder doctor\n"
    "\n"
    "Is this host ready, and how hardened is it: versions, config, policy, PKCS#11 module, token,\n"
    "audit key (with a test signature), credential, log and its anchors, approvals, sandbox.\n"
    "Looks at everything, changes nothing; one line a check.\n"
    "\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0, or that of the first check that failed\n";

struct doctor {
    struct session *session;
    cJSON *checks;
    struct err first;     /* what failed first */
    struct err approvals; /* of reading trust list and signatures, before the lock */
    struct buf head;      /* of the log, as the token had it before the log was looked at */
    struct err head_err;  /* of reading it */
};

/* One line: "ok", or the error. Keeps the first failure for the exit code. */
static void check(struct doctor *doctor, const char *name, const struct err *err, const char *text)
{
    bool good = err->result == RESULT_OK;
    cJSON *entry = cJSON_CreateObject();

    cJSON_AddStringToObject(entry, "check", name);
    cJSON_AddBoolToObject(entry, "ok", good);
    cJSON_AddStringToObject(entry, "text", good ? text : err->text);
    cJSON_AddItemToArray(doctor->checks, entry);
    say(&doctor->session->output, "%-4s %-11s %s\n", good ? "ok" : "FAIL", name,
        shown(good ? text : err->text));
    if (!good && doctor->first.result == RESULT_OK)
        doctor->first = *err;
}

static void check_versions(struct doctor *doctor)
{
    AUTO_BUF text = BUF_INIT(256);
    struct err none = {0};

    buf_printf(&text, "georder %s, %s, cJSON %s", GEORDER_VERSION, OpenSSL_version(OPENSSL_VERSION),
               cJSON_Version());
    check(doctor, "versions", &none, buf_text(&text));
}

static void check_policy(struct doctor *doctor)
{
    struct session *session = doctor->session;
    const struct policy_facts *facts = &session->facts;
    AUTO_BUF text = BUF_INIT(1024);
    struct err err = {0};
    int64_t now = clock_now();

    if (session_policy(session, NULL, &err) != RESULT_OK) {
        check(doctor, "policy", &err, "");
        return;
    }
    if (now < facts->effective_ms || now >= facts->expires_ms)
        (void)err_set(&err, RESULT_CONFIG, "policy %s, revision %lld is in force from %s to %s",
                      facts->name, (long long)facts->revision, facts->effective, facts->expires);
    buf_printf(&text, "%s, revision %lld, rules: %zu, expires %s, TLS %s, pins: %zu", facts->name,
               (long long)facts->revision, facts->rules, facts->expires,
               facts->minimum_tls == 0x0304 ? "1.3" : "1.2 or newer", facts->pins);
    check(doctor, "policy", &err, buf_text(&text));
}

static void check_trust(struct doctor *doctor)
{
    const char *file = doctor->session->config.ca_file;
    AUTO_BUF text = BUF_INIT(2 * PATH_MAX);
    struct err err = {0};
    size_t count = 0;

    if (session_trust(doctor->session, &err) == RESULT_OK && file != NULL &&
        (count = certificates_count(&doctor->session->trust)) == 0)
        (void)err_set(&err, RESULT_CONFIG, "%s: it holds no certificate (PEM)", file);
    if (file == NULL)
        buf_puts(&text, "the system's certificates");
    else
        buf_printf(&text, "%s, certificates: %zu", file, count);
    check(doctor, "trust", &err, buf_text(&text));
}

/* "label georder, logged_in yes, flags (login required, user PIN set)" */
static void facts_put(struct buf *out, const cJSON *node)
{
    const cJSON *item;

    if (cJSON_IsString(node))
        buf_puts(out, node->valuestring);
    else if (cJSON_IsBool(node))
        buf_puts(out, cJSON_IsTrue(node) ? "yes" : "no");
    else if (cJSON_IsNumber(node))
        buf_printf(out, "%.0f", node->valuedouble);
    cJSON_ArrayForEach(item, node)
    {
        bool nested = cJSON_IsArray(item) || cJSON_IsObject(item);

        buf_printf(out, "%s%s%s%s", item == node->child ? "" : ", ",
                   item->string != NULL ? item->string : "", item->string != NULL ? " " : "",
                   nested ? "(" : "");
        facts_put(out, item);
        buf_puts(out, nested ? ")" : "");
    }
}

/* A log goes on with the key that it began with. */
static void check_thumbprint(const struct doctor *doctor, const cJSON *key, struct err *err)
{
    const char *expected = doctor->session->config.signing_key_thumbprint;
    const char *kid = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(key, "kid"));

    if (kid != NULL && expected != NULL && strcmp(kid, expected) != 0)
        (void)err_set(err, RESULT_KEY,
                      "the audit key is %s, but audit.signing_key_thumbprint in the config is %s",
                      kid, expected);
}

static void tell_report(struct doctor *doctor, const cJSON *report)
{
    const cJSON *part;

    cJSON_ArrayForEach(part, report)
    {
        AUTO_BUF text = BUF_INIT(64 * KIB);
        const cJSON *error = cJSON_GetObjectItemCaseSensitive(part, "error");
        struct err err = {0};

        facts_put(&text, part);
        if (cJSON_IsString(error))
            (void)err_set(&err, RESULT_KEY, "%s", error->valuestring);
        else if (strcmp(part->string, "signing_key") == 0)
            check_thumbprint(doctor, part, &err);
        check(doctor, part->string, &err, buf_text(&text));
        if (cJSON_IsObject(part))
            cJSON_AddItemToObject(
                cJSON_GetArrayItem(doctor->checks, cJSON_GetArraySize(doctor->checks) - 1), "facts",
                cJSON_Duplicate(part, true));
    }
}

/* A module or token out of order is reported on as far as it goes. */
static void check_keys(struct doctor *doctor)
{
    struct keys *keys = &doctor->session->keys;
    AUTO_JSON *report = NULL;
    struct err err = {0}, first = {0};
    bool open = session_ready(doctor->session, &first) == RESULT_OK;

    if (!open)
        check(doctor, "keys", &first, "");
    if (keys->now.pid > 0 &&
        keys_ask(keys, MSG_KEYS_REPORT, NULL, -1, &report, &err) != RESULT_OK && open)
        check(doctor, "keys", &err, "");
    tell_report(doctor, report);
}

static void head_fetch(struct doctor *doctor)
{
    struct session *session = doctor->session;
    struct err *err = &doctor->head_err;

    if (session->config.head == NULL)
        return;
    if (session->keys.now.pid > 0)
        err->result = anchor_head(session, &doctor->head, err);
    else
        (void)err_set(err, RESULT_KEY, "the log's head was not read: georder-keys is not there");
}

static enum result head_judge(const struct doctor *doctor, struct audit_checkpoint *head,
                              struct err *err)
{
    const struct session *session = doctor->session;
    const struct config *config = &session->config;
    const struct buf *note = &doctor->head;

    *err = doctor->head_err;
    if (err->result != RESULT_OK ||
        audit_head_check(session->audit_fd, config->origin, config->signing_key_thumbprint,
                         buf_text(note), note->len, head, err) != RESULT_OK)
        return err->result;
    return anchor_head_agrees(head, err);
}

/* Witnesses and authorities are named only: doctor uses no network. */
static void check_anchors(struct doctor *doctor)
{
    const struct config *config = &doctor->session->config;
    struct audit_checkpoint head = {.size = 0};
    AUTO_BUF text = BUF_INIT(4 * KIB);
    struct err err = {0};

    if (anchor_named(doctor->session, &err) == RESULT_OK && config->head != NULL)
        err.result = head_judge(doctor, &head, &err);
    if (config->head != NULL)
        buf_printf(&text, "head on a token: %llu records", (unsigned long long)head.size);
    else
        buf_puts(&text, "head on a token: none");
    buf_printf(&text, ", witnesses: %zu, timestamps: %s", config->witnesses,
               config->timestamp_url != NULL ? config->timestamp_url : "none");
    check(doctor, "anchors", &err, buf_text(&text));
}

static void check_log(struct doctor *doctor)
{
    struct session *session = doctor->session;
    const char *kid = session->config.signing_key_thumbprint;
    struct audit_report report = {0};
    AUTO_BUF text = BUF_INIT(1024);
    struct err err = {0};

    if (audit_verify(session->audit_fd, session->config.origin, kid, &report, &err) == RESULT_OK &&
        !audit_verdict_good(report.verdict))
        (void)err_set(&err, RESULT_AUDIT, "%s: %s", audit_verdict_name(report.verdict),
                      report.text);
    else if (err.result == RESULT_OK && kid != NULL && strcmp(kid, report.kid) != 0)
        (void)err_set(&err, RESULT_AUDIT,
                      "it was handed on to the key %s: name that one in audit.signing_key and "
                      "audit.signing_key_thumbprint of the config",
                      report.kid);
    buf_printf(&text, "%s, records: %llu, intents without an outcome: %llu",
               audit_verdict_name(report.verdict), (unsigned long long)report.records,
               (unsigned long long)report.unclosed);
    check(doctor, "log", &err, buf_text(&text));
}

/* Might an order use this policy? */
static void check_force(struct doctor *doctor)
{
    struct session *session = doctor->session;
    AUTO_BUF text = BUF_INIT(256);
    struct err err = {0};

    if (session->policy == NULL)
        return;
    if (doctor->approvals.result != RESULT_OK)
        err = doctor->approvals;
    else if (audit_open(session->audit_fd, session->config.origin, NULL, &session->audit, &err) ==
             RESULT_OK)
        err.result = policy_force_look(session, &err);
    buf_printf(&text, "revision %lld may be used; approvals are %s",
               (long long)session->facts.revision,
               session->config.require_approvals ? "required, and there" : "not required");
    check(doctor, "approvals", &err, buf_text(&text));
}

static void check_sandbox(struct doctor *doctor)
{
    AUTO_BUF text = BUF_INIT(1024);
    struct err none = {0};
    const char *keys = doctor->session->keys.sandbox;

    buf_printf(&text, "main: %s; keys: %s", guard_level_text(),
               keys[0] != '\0' ? keys : "not reached");
    check(doctor, "sandbox", &none, buf_text(&text));
}

/* All that takes files, a process or a terminal is had by now. */
static void examine_locked(struct doctor *doctor, bool has_log, bool has_keys)
{
    struct err err = {0};

    if (guard_lock_main(doctor->session->audit_fd, false, &err) != RESULT_OK) {
        check(doctor, "sandbox", &err, "");
        return;
    }
    if (has_keys)
        check_keys(doctor);
    head_fetch(doctor);
    if (has_log) {
        check_log(doctor);
        check_anchors(doctor);
        check_force(doctor);
    }
    check_sandbox(doctor);
}

/* What stands in the way is told as the check of this name. */
static bool check_start(struct doctor *doctor, const char *name,
                        enum result (*start)(struct session *session, struct err *err))
{
    struct err err = {0};

    if (start(doctor->session, &err) == RESULT_OK)
        return true;
    check(doctor, name, &err, "");
    return false;
}

static enum result start_keys(struct session *session, struct err *err)
{
    return keys_start(&session->keys, &session->config, true, err);
}

static void examine(struct doctor *doctor)
{
    struct session *session = doctor->session;
    struct err err = {0};
    bool has_config, has_log, has_keys;

    check_versions(doctor);
    has_config = config_load(session->options.config, &session->config, &err) == RESULT_OK;
    check(doctor, "config", &err, session->config.path);
    if (!has_config)
        return;
    check_policy(doctor);
    if (session->config.require_approvals)
        doctor->approvals.result = session_approvals(session, &doctor->approvals);
    check_trust(doctor);
    has_log = check_start(doctor, "log", session_directory);
    has_keys = check_start(doctor, "keys", start_keys);
    examine_locked(doctor, has_log, has_keys);
}

enum result cmd_doctor(int argc, char **argv)
{
    AUTO_SESSION session = SESSION_INIT;
    struct doctor doctor = {.session = &session};
    struct err err = {0};
    enum result result = options_only(&session.options, argc, argv, 0, &err);

    output_start(&session.output, "doctor", &session.options);
    if (result == RESULT_OK && session.options.help)
        return output_help(&session.output, help);
    if (result != RESULT_OK)
        return output_end(&session.output, &err);
    doctor.checks = cJSON_CreateArray();
    doctor.head = (struct buf)BUF_INIT(AUDIT_NOTE_MAX);
    examine(&doctor);
    buf_free(&doctor.head);
    output_add(&session.output, "checks", doctor.checks);
    return output_end(&session.output, &doctor.first);
}
