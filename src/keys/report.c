/* KEYS_REPORT: what `georder doctor` shows of modules, tokens, the key and the credential. */
#include <openssl/crypto.h>
#include <string.h>

#include "server.h"

static bool text_add(cJSON *object, const char *name, const char *text)
{
    return cJSON_AddStringToObject(object, name, text) != NULL;
}

/* Cryptoki's padded text, made safe. */
static void padded_add(cJSON *object, const char *name, const CK_UTF8CHAR *text, size_t len)
{
    AUTO_BUF safe = BUF_INIT(1024);

    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\0'))
        len--;
    text_escape(&safe, (const char *)text, len);
    text_add(object, name, buf_text(&safe));
}

static void version_add(cJSON *object, const char *name, CK_VERSION version)
{
    AUTO_BUF text = BUF_INIT(16);

    buf_printf(&text, "%d.%d", version.major, version.minor);
    text_add(object, name, buf_text(&text));
}

static cJSON *module_report(const struct module *module)
{
    cJSON *out = cJSON_CreateObject();

    text_add(out, "path", module->path);
    padded_add(out, "description", module->info.libraryDescription,
               sizeof module->info.libraryDescription);
    padded_add(out, "manufacturer", module->info.manufacturerID,
               sizeof module->info.manufacturerID);
    version_add(out, "version", module->info.libraryVersion);
    version_add(out, "cryptoki", module->info.cryptokiVersion);
    return out;
}

static void flags_add(cJSON *out, CK_FLAGS flags)
{
    static const struct {
        CK_FLAGS flag;
        const char *text;
    } known[] = {
        {CKF_RNG, "has a random generator"},
        {CKF_WRITE_PROTECTED, "write-protected"},
        {CKF_LOGIN_REQUIRED, "login required"},
        {CKF_USER_PIN_INITIALIZED, "user PIN set"},
        {CKF_PROTECTED_AUTHENTICATION_PATH, "PIN pad"},
        {CKF_USER_PIN_COUNT_LOW, "a wrong PIN was tried before"},
        {CKF_USER_PIN_FINAL_TRY, "one try is left"},
        {CKF_USER_PIN_LOCKED, "the PIN is locked"},
        {CKF_USER_PIN_TO_BE_CHANGED, "the PIN must be changed"},
    };
    cJSON *list = cJSON_AddArrayToObject(out, "flags");

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if ((flags & known[i].flag) != 0)
            cJSON_AddItemToArray(list, cJSON_CreateString(known[i].text));
}

static void mechanisms_add(cJSON *out, const struct token *token)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *name;
    } known[] = {
        {CKM_ECDSA, "CKM_ECDSA"},
        {CKM_RSA_PKCS, "CKM_RSA_PKCS"},
        {CKM_RSA_PKCS_PSS, "CKM_RSA_PKCS_PSS"},
        {CKM_ECDH1_DERIVE, "CKM_ECDH1_DERIVE"},
        {CKM_RSA_PKCS_OAEP, "CKM_RSA_PKCS_OAEP"},
        {CKM_EC_KEY_PAIR_GEN, "CKM_EC_KEY_PAIR_GEN"},
        {CKM_RSA_PKCS_KEY_PAIR_GEN, "CKM_RSA_PKCS_KEY_PAIR_GEN"},
    };
    cJSON *list = cJSON_AddObjectToObject(out, "mechanisms");

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        CK_MECHANISM_INFO info;
        CK_RV rv = token->module->f->C_GetMechanismInfo(token->slot, known[i].type, &info);

        cJSON_AddBoolToObject(list, known[i].name, rv == CKR_OK);
    }
}

static cJSON *token_report(const struct token *token)
{
    cJSON *out = cJSON_CreateObject();

    text_add(out, "label", token->label);
    text_add(out, "serial", token->serial);
    padded_add(out, "manufacturer", token->info.manufacturerID, sizeof token->info.manufacturerID);
    padded_add(out, "model", token->info.model, sizeof token->info.model);
    cJSON_AddNumberToObject(out, "slot_id", (double)token->slot);
    cJSON_AddBoolToObject(out, "logged_in", token->logged_in);
    flags_add(out, token->info.flags);
    mechanisms_add(out, token);
    return out;
}

static void hsm_key_report(cJSON *out, const struct server *server)
{
    const struct hsm_key *key = &server->signer.key.found;

    cJSON_AddBoolToObject(out, "sensitive", key->sensitive);
    cJSON_AddBoolToObject(out, "extractable", key->extractable);
    cJSON_AddBoolToObject(out, "always_authenticate", key->always_authenticate);
    if (key->extractable || !key->sensitive)
        text_add(out, "warning", "the key can leave the token: a log should have one that cannot");
}

static cJSON *key_report(struct server *server)
{
    cJSON *out = cJSON_CreateObject();
    struct err err;

    text_add(out, "where", server->key.uri.text);
    if (!server->has_signer) {
        text_add(out, "error", server->no_signer.text);
        return out;
    }
    text_add(out, "alg", server->signer.algorithm->name);
    text_add(out, "kid", server->signer.kid);
    if (server->key.uri.scheme == URI_PKCS11)
        hsm_key_report(out, server);
    if (signer_test(&server->signer, &err) == RESULT_OK)
        text_add(out, "test_signature", "verified");
    else
        text_add(out, "error", err.text);
    return out;
}

static cJSON *credential_report(struct server *server)
{
    AUTO_CREDENTIAL credential = CREDENTIAL_INIT;
    cJSON *out = cJSON_CreateObject();
    struct err err;
    bool good;

    text_add(out, "where", server->credential.uri.text);
    good = credential_load(server, &credential, &err) == RESULT_OK;
    cJSON_AddBoolToObject(out, "usable", good);
    if (!good) {
        text_add(out, "error", err.text);
        return out;
    }
    text_add(out, "kind", credential_kind(&credential));
    text_add(out, "hint", credential_hint(&credential));
    return out;
}

/* The signing key's module and token, or else the credential's. */
void report_put(struct server *server, struct buf *out)
{
    AUTO_JSON *report = cJSON_CreateObject();
    const struct token *token =
        server->key.token != NULL ? server->key.token : server->credential.token;

    if (server->ring.modules > 0)
        cJSON_AddItemToObject(report, "module",
                              module_report(token != NULL ? token->module : server->ring.module));
    if (token != NULL)
        cJSON_AddItemToObject(report, "token", token_report(token));
    if (server->key.uri.scheme != URI_NONE)
        cJSON_AddItemToObject(report, "signing_key", key_report(server));
    if (server->credential.uri.scheme != URI_NONE && server->heap)
        cJSON_AddItemToObject(report, "credential", credential_report(server));
    text_add(report, "secure_heap", server->heap_locked ? "locked" : "not locked");
    json_put(out, report);
}
