#include "keystore.h"

#include <string.h>
#include <unistd.h>

#include "draft.h"
#include "guard.h"

#define SECRETS_MAX 64

void keystore_free(struct keystore *store)
{
    json_free(&store->doc);
    buf_free(&store->text);
}

bool keystore_exists(const char *file)
{
    return access(file, F_OK) == 0;
}

const char *keystore_text(const cJSON *recipient, const char *member)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(recipient, member));

    return text != NULL ? text : "";
}

bool keystore_has(const struct keystore *store, const char *kid)
{
    const cJSON *recipient;

    cJSON_ArrayForEach(recipient, store->recipients)
    {
        if (strcmp(keystore_text(recipient, "kid"), kid) == 0)
            return true;
    }
    return false;
}

static enum result token_recipient_check(const struct json_doc *doc, const cJSON *recipient,
                                         struct err *err)
{
    static const char *const known[] = {"alg", "jwk", "kid", "uri", NULL};
    const cJSON *jwk;
    const char *kid, *text, *alg = keystore_text(recipient, "alg");
    AUTO_RECIPIENT true_one = {0};
    AUTO_PKEY *public = NULL;
    struct uri uri = {0};
    struct err why;
    enum result result;

    if (json_object(doc, recipient, known, err) != RESULT_OK ||
        json_member(doc, recipient, "jwk", &jwk, err) != RESULT_OK ||
        json_string(doc, recipient, "kid", THUMBPRINT_LEN, &kid, err) != RESULT_OK ||
        json_string(doc, recipient, "uri", URI_MAX, &text, err) != RESULT_OK ||
        jwk_get_public(doc, jwk, &public, err) != RESULT_OK ||
        recipient_of(public, text, &true_one, err) != RESULT_OK)
        return err->result;
    result = uri_parse(text, URI_FOR_KEY, &uri, &why);
    uri_free(&uri);
    if (result != RESULT_OK || uri.scheme != URI_PKCS11)
        return json_fail(doc, recipient, err, "uri is not a pkcs11: URI of a key%s%s",
                         result != RESULT_OK ? ": " : "", result != RESULT_OK ? why.text : "");
    if (strcmp(kid, true_one.kid) != 0 || strcmp(alg, true_one.alg) != 0)
        return json_fail(doc, recipient, err, "kid or alg is not that of jwk: %s, %s", true_one.kid,
                         true_one.alg);
    return RESULT_OK;
}

static enum result recipient_check(const struct keystore *store, const cJSON *recipient,
                                   struct err *err)
{
    static const char *const known[] = {"alg", NULL};
    const struct json_doc *doc = &store->doc;
    const cJSON *earlier;
    const char *alg;

    if (!cJSON_IsObject(recipient))
        return json_fail(doc, recipient, err, "must be an object");
    if (json_string(doc, recipient, "alg", 64, &alg, err) != RESULT_OK)
        return err->result;
    if ((strcmp(alg, ALG_PASSPHRASE) == 0
             ? json_object(doc, recipient, known, err)
             : token_recipient_check(doc, recipient, err)) != RESULT_OK)
        return err->result;
    for (earlier = store->recipients->child; earlier != recipient; earlier = earlier->next)
        if (strcmp(keystore_text(earlier, "kid"), keystore_text(recipient, "kid")) == 0)
            return json_fail(doc, recipient, err, "stands there twice");
    return RESULT_OK;
}

/* Each that is listed is one that `check` is wrapped for, in the same order: what `list` shows is
 * who can open. */
static enum result recipients_check(const struct keystore *store, struct err *err)
{
    const struct json_doc *doc = &store->doc;
    const cJSON *wrapped = cJSON_GetObjectItemCaseSensitive(store->check, "recipients");
    const cJSON *recipient, *other = cJSON_IsArray(wrapped) ? wrapped->child : NULL;

    cJSON_ArrayForEach(recipient, store->recipients)
    {
        const cJSON *header = cJSON_GetObjectItemCaseSensitive(other, "header");

        if (recipient_check(store, recipient, err) != RESULT_OK)
            return err->result;
        if (other == NULL ||
            strcmp(keystore_text(header, "kid"), keystore_text(recipient, "kid")) != 0 ||
            strcmp(keystore_text(header, "alg"), keystore_text(recipient, "alg")) != 0)
            return json_fail(doc, recipient, err, "/check is not encrypted to it");
        other = other->next;
    }
    if (other != NULL)
        return json_fail(doc, other, err, "is not among /recipients");
    return RESULT_OK;
}

static enum result store_check(struct keystore *store, struct err *err)
{
    static const char *const known[] = {"georder_keystore", "recipients", "check", "secrets", NULL};
    const struct json_doc *doc = &store->doc;
    int64_t version;

    if (json_object(doc, doc->root, known, err) != RESULT_OK ||
        json_int(doc, doc->root, "georder_keystore", 1, 1, &version, err) != RESULT_OK ||
        json_member(doc, doc->root, "secrets", &store->secrets, err) != RESULT_OK)
        return err->result;
    if (!cJSON_IsObject(store->secrets) || cJSON_GetArraySize(store->secrets) > SECRETS_MAX)
        return json_fail(doc, store->secrets, err, "must be an object of at most %d secrets",
                         SECRETS_MAX);
    store->check = cJSON_GetObjectItemCaseSensitive(doc->root, "check");
    if (store->check == NULL && cJSON_GetObjectItemCaseSensitive(doc->root, "recipients") == NULL)
        return RESULT_OK;
    if (json_member(doc, doc->root, "check", &store->check, err) != RESULT_OK ||
        json_array(doc, doc->root, "recipients", 1, RECIPIENTS_MAX, &store->recipients, err) !=
            RESULT_OK)
        return err->result;
    return recipients_check(store, err);
}

enum result keystore_read(const char *file, struct keystore *store, struct err *err)
{
    if (guard_read(file, GUARD_SECRET, RESULT_KEY, &store->text, err) != RESULT_OK)
        return err->result;
    store->doc = (struct json_doc){
        .name = file, .text = buf_text(&store->text), .len = store->text.len, .result = RESULT_KEY};
    if (json_parse(&store->doc, JSON_OURS, err) != RESULT_OK)
        return err->result;
    return store_check(store, err);
}

enum result keystore_uris(const char *file, struct keystore_uris *out, struct err *err)
{
    AUTO_KEYSTORE store = KEYSTORE_INIT;
    const cJSON *recipient;

    out->count = 0;
    if (!keystore_exists(file))
        return RESULT_OK;
    if (keystore_read(file, &store, err) != RESULT_OK)
        return err->result;
    cJSON_ArrayForEach(recipient, store.recipients)
    {
        const char *uri = keystore_text(recipient, "uri");

        if (uri[0] != '\0')
            memcpy(out->uri[out->count++], uri, strlen(uri) + 1);
    }
    return RESULT_OK;
}

static enum result name_missing(const struct keystore *store, const char *name, struct err *err)
{
    const cJSON *secret;
    AUTO_BUF list = BUF_INIT(8192);

    cJSON_ArrayForEach(secret, store->secrets)
    {
        buf_puts(&list, list.len > 0 ? ", " : "");
        text_escape(&list, secret->string, strlen(secret->string));
    }
    return err_set(err, RESULT_KEY, "%s: there is no secret called %s; there are: %s",
                   store->doc.name, name, list.len > 0 ? buf_text(&list) : "none");
}

enum result keystore_get(struct unlock *unlock, const char *name, struct buf *plain, bool *missing,
                         struct err *err)
{
    AUTO_KEYSTORE store = KEYSTORE_INIT;
    AUTO_BUF key = BUF_SECRET(JWE_KEY_ROOM);
    const cJSON *secret;

    *missing = !keystore_exists(unlock->file);
    if (*missing)
        return err_set(err, RESULT_KEY,
                       "%s: there is no such keystore: `georder init` or `georder keystore create` "
                       "makes it",
                       unlock->file);
    if (keystore_read(unlock->file, &store, err) != RESULT_OK)
        return err->result;
    secret = cJSON_GetObjectItemCaseSensitive(store.secrets, name);
    *missing = secret == NULL;
    if (secret == NULL)
        return name_missing(&store, name, err);
    if (unlock_key(unlock, &store, secret, &key, err) != RESULT_OK)
        return err->result;
    return jwe_open(&store.doc, secret, &key, plain, err);
}

static enum result draft_start(struct draft *draft, struct unlock *unlock, struct err *err)
{
    struct recipient to = {.alg = ALG_PASSPHRASE, .passphrase = unlock->passphrase};

    if (passphrase_new(unlock->secret, &unlock->ring->place, unlock->file, unlock->passphrase,
                       err) != RESULT_OK ||
        draft_new(draft, err) != RESULT_OK)
        return err->result;
    return draft_add(draft, &to, err);
}

enum result keystore_put(struct unlock *unlock, const char *name, const struct buf *plain,
                         bool replace, struct err *err)
{
    AUTO_KEYSTORE store = KEYSTORE_INIT;
    AUTO_DRAFT draft = DRAFT_INIT;
    AUTO_LOCK lock = {.dirfd = -1};
    bool new = !keystore_exists(unlock->file);

    if (draft_lock(unlock->file, &lock, err) != RESULT_OK ||
        (!new &&keystore_read(unlock->file, &store, err) != RESULT_OK))
        return err->result;
    if (!replace && cJSON_GetObjectItemCaseSensitive(store.secrets, name) != NULL)
        return err_set(err, RESULT_KEY,
                       "%s: there is a secret called %s already; it was left alone", unlock->file,
                       name);
    if ((new ? draft_start(&draft, unlock, err) : draft_of(&draft, &store, unlock, err)) !=
            RESULT_OK ||
        draft_put(&draft, name, plain, err) != RESULT_OK)
        return err->result;
    return draft_write(&draft, &lock, err);
}

enum result keystore_remove(const char *file, const char *name, struct err *err)
{
    AUTO_KEYSTORE store = KEYSTORE_INIT;
    AUTO_LOCK lock = {.dirfd = -1};
    cJSON *secrets;

    if (draft_lock(file, &lock, err) != RESULT_OK || keystore_read(file, &store, err) != RESULT_OK)
        return err->result;
    secrets = cJSON_GetObjectItemCaseSensitive(store.doc.root, "secrets");
    if (cJSON_GetObjectItemCaseSensitive(secrets, name) == NULL)
        return name_missing(&store, name, err);
    cJSON_DeleteItemFromObjectCaseSensitive(secrets, name);
    return tree_write(store.doc.root, &lock, err);
}
