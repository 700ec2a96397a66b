#include "key_verb.h"

#include <string.h>

#include "guard.h"
#include "interrupt.h"
#include "parts.h"

enum { TO = OWN_OPTION, ALG };

static const char help[] =
    "usage: georder key rotate --to URI [--alg ALG]\n"
    "\n"
    "Hands the log on to a new key. The record of that, key.rotated, is signed by the old key and\n"
    "by the new one; from then on the new one alone signs. The config is not changed: what to put\n"
    "there is printed, and until it is there nothing is ordered. Given once more, it finishes\n"
    "what was interrupted. The old key signs nothing any more: destroy it, or guard it.\n"
    "\n"
    "  --to URI                  where the new key is, or is to be made: pkcs11: with object, or\n"
    "                            keystore: with name\n"
    "  --alg ALG                 ES256, ES384, RS256 or PS256: of the key that is made (else "
    "ES256),\n"
    "                            or how an RSA key that is there signs (else RS256)\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 done, 2 the key signs or signed this log, 9 key, HSM, PIN or keystore trouble,\n"
    "10 the log is not good, or cannot be written\n";

static const struct option own[] = {
    {"to", required_argument, NULL, TO}, {"alg", required_argument, NULL, ALG}, {NULL, 0, NULL, 0}};

static const char *value_or(const struct verb_call *call, int option, const char *without)
{
    const char *value = call->value[option - OWN_OPTION];

    return value != NULL ? value : without;
}

/* The new key is another process's: neither holds both. */
struct rotating {
    struct verb_call *call;
    struct config config; /* the session's, with the new key in it; owns nothing */
    struct keys next;
};

static enum result keys_both(struct rotating *rotating, struct err *err)
{
    struct session *session = rotating->call->session;

    rotating->config = session->config;
    rotating->config.credential = "";
    rotating->config.signing_key = value_or(rotating->call, TO, "");
    rotating->config.signing_algorithm = value_or(rotating->call, ALG, "");
    rotating->next.writes = true;
    if (keys_start(&session->keys, &session->config, true, err) != RESULT_OK ||
        session_ready(session, err) != RESULT_OK)
        return err->result;
    /* Behind it, so that a person is asked for one PIN after the other. */
    if (keys_start(&rotating->next, &rotating->config, true, err) != RESULT_OK ||
        keys_ready(&rotating->next, err) != RESULT_OK)
        return err_prefix(err, "--to");
    return guard_lock_main(session->audit_fd, true, err);
}

/* With the log open, so that no key is made for one that cannot be written. */
static enum result next_made(struct rotating *rotating, struct err *err)
{
    if (rotating->next.alg[0] != '\0')
        return RESULT_OK;
    if (keys_create(&rotating->next, value_or(rotating->call, ALG, "ES256"), err) != RESULT_OK)
        return err_prefix(err, "--to");
    note(&rotating->call->session->output, "the key was made: %s\n",
         shown(rotating->config.signing_key));
    return RESULT_OK;
}

static cJSON *detail_of(const struct rotating *rotating)
{
    const struct session *session = rotating->call->session;
    cJSON *detail = cJSON_CreateObject(), *key = cJSON_AddObjectToObject(detail, "key");

    cJSON_AddStringToObject(key, "from_alg", session->keys.alg);
    cJSON_AddStringToObject(key, "from_where", session->config.signing_key);
    cJSON_AddStringToObject(key, "to_alg", rotating->next.alg);
    cJSON_AddStringToObject(key, "to_where", rotating->config.signing_key);
    if (strcmp(session->login, session->actor) != 0)
        cJSON_AddStringToObject(detail, "login", session->login);
    cJSON_AddItemToObject(detail, "sandbox", sandbox_part(session, NULL));
    return detail;
}

static void config_line(const struct output *output, const char *name, const char *value,
                        const char *end)
{
    AUTO_BUF text = BUF_INIT(4096);

    json_put_string(&text, value);
    say(output, "    \"%s\": %s%s\n", name, buf_text(&text), end);
}

static enum result tell(struct rotating *rotating, uint64_t index, struct err *err)
{
    struct output *output = &rotating->call->session->output;
    const struct keys *next = &rotating->next;
    const char *where = rotating->config.signing_key;
    char kid[AUDIT_KID_LEN + 1];
    cJSON *audit = cJSON_CreateObject();

    if (audit_spki_kid(next->alg, next->spki, next->spki_len, kid, err) != RESULT_OK) {
        cJSON_Delete(audit);
        return err->result;
    }
    say(output,
        "the log is handed on to the key %s (%s), by record %llu\n"
        "put this into \"audit\" of %s; until it is there nothing is ordered:\n",
        kid, next->alg, (unsigned long long)index, shown(rotating->config.path));
    config_line(output, "signing_key", where, ",");
    config_line(output, "signing_key_thumbprint", kid, ",");
    config_line(output, "signing_algorithm", next->alg, "");
    say(output, "keep the thumbprint elsewhere, in the place of the old one\n");
    output_add_text(output, "key", kid);
    output_add(output, "record", cJSON_CreateNumber((double)index));
    cJSON_AddStringToObject(audit, "signing_key", where);
    cJSON_AddStringToObject(audit, "signing_key_thumbprint", kid);
    cJSON_AddStringToObject(audit, "signing_algorithm", next->alg);
    output_add(output, "audit", audit);
    return RESULT_OK;
}

static enum result rotate(struct rotating *rotating, struct err *err)
{
    struct session *session = rotating->call->session;
    struct audit_event cause = event_of(session, NULL, "georder key rotate");
    AUTO_JSON *detail = NULL;
    uint64_t index = 0;

    if (config_load(session->options.config, &session->config, err) != RESULT_OK ||
        session_directory(session, err) != RESULT_OK || keys_both(rotating, err) != RESULT_OK ||
        session_audit(session, err) != RESULT_OK || next_made(rotating, err) != RESULT_OK)
        return err->result;
    detail = detail_of(rotating);
    cause.activity = 3;
    cause.status = 1;
    cause.severity = 3;
    cause.message = "the log was handed on to another key";
    cause.detail = detail;
    interrupt_hold();
    if (audit_rotate(session->audit, &rotating->next.successor, &cause, &index, err) != RESULT_OK)
        return err_prefix(err, "the key was not rotated");
    return tell(rotating, index, err);
}

static enum result run(struct verb_call *call, struct err *err)
{
    struct rotating rotating = {.call = call, .next = KEYS_INIT};

    if (value_or(call, TO, "")[0] == '\0')
        return err_set(err, RESULT_USAGE, "--to: say where the new key is, or is to be made");
    (void)rotate(&rotating, err);
    /* The log's signer is gone with it. */
    audit_close(&call->session->audit);
    keys_stop(&rotating.next);
    return err->result;
}

const struct verb key_rotate_verb = {"rotate", help, own, 0, run};
