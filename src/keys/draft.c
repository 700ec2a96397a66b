#include "draft.h"

#include <string.h>
#include <sys/file.h>

#include "guard.h"

void draft_free(struct draft *draft)
{
    buf_free(&draft->key);
    cJSON_Delete(draft->listed);
    cJSON_Delete(draft->sealed);
    cJSON_Delete(draft->secrets);
    draft->listed = draft->sealed = draft->secrets = NULL;
}

static enum result whole(const struct draft *draft, struct err *err)
{
    if (draft->listed != NULL && draft->sealed != NULL && draft->secrets != NULL)
        return RESULT_OK;
    return err_set(err, RESULT_INTERNAL, "no memory");
}

enum result draft_new(struct draft *draft, struct err *err)
{
    draft->listed = cJSON_CreateArray();
    draft->sealed = cJSON_CreateArray();
    draft->secrets = cJSON_CreateObject();
    return whole(draft, err) != RESULT_OK ? err->result : content_key_make(&draft->key, err);
}

static enum result check_open(const struct keystore *store, const struct buf *key, struct err *err)
{
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);

    if (jwe_open(&store->doc, store->check, key, &plain, err) != RESULT_OK)
        return err->result;
    if (strcmp(buf_text(&plain), KEYSTORE_CHECK) != 0)
        return json_fail(&store->doc, store->check, err, "does not hold the text \"%s\"",
                         KEYSTORE_CHECK);
    return RESULT_OK;
}

static enum result draft_open(struct draft *draft, const struct keystore *store,
                              struct unlock *unlock, struct err *err)
{
    if (unlock_key(unlock, store, store->check, &draft->key, err) != RESULT_OK ||
        check_open(store, &draft->key, err) != RESULT_OK)
        return err->result;
    draft->listed = cJSON_Duplicate(store->recipients, true);
    draft->sealed =
        cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(store->check, "recipients"), true);
    draft->secrets = cJSON_Duplicate(store->secrets, true);
    return whole(draft, err);
}

/* Where the passphrase protects nothing yet, it cannot be checked: it is a new one. */
static enum result old_passphrase(const struct keystore *store, struct unlock *unlock,
                                  struct err *err)
{
    AUTO_BUF key = BUF_SECRET(JWE_KEY_ROOM);

    if (store->secrets->child != NULL)
        return unlock_key(unlock, store, store->secrets->child, &key, err);
    return passphrase_new(unlock->secret, &unlock->ring->place, unlock->file, unlock->passphrase,
                          err);
}

static enum result draft_upgrade(struct draft *draft, const struct keystore *store,
                                 struct unlock *unlock, struct err *err)
{
    struct recipient to = {.alg = ALG_PASSPHRASE, .passphrase = unlock->passphrase};
    AUTO_DRAFT old = DRAFT_INIT;

    old.secrets = cJSON_Duplicate(store->secrets, true);
    if (old.secrets == NULL)
        return err_set(err, RESULT_INTERNAL, "no memory");
    if (old_passphrase(store, unlock, err) != RESULT_OK || draft_new(draft, err) != RESULT_OK ||
        draft_add(draft, &to, err) != RESULT_OK)
        return err->result;
    return draft_take(draft, &old, store, unlock, err);
}

enum result draft_of(struct draft *draft, const struct keystore *store, struct unlock *unlock,
                     struct err *err)
{
    return (store->recipients != NULL ? draft_open : draft_upgrade)(draft, store, unlock, err);
}

static enum result list(cJSON *entry, const struct recipient *to, struct err *err)
{
    cJSON *jwk = NULL;

    if (cJSON_AddStringToObject(entry, "alg", to->alg) == NULL)
        return err_set(err, RESULT_INTERNAL, "no memory");
    if (to->passphrase != NULL)
        return RESULT_OK;
    if (jwk_tree(to->public, &jwk, err) != RESULT_OK)
        return err->result;
    if (!cJSON_AddItemToObject(entry, "jwk", jwk)) {
        cJSON_Delete(jwk);
        return err_set(err, RESULT_INTERNAL, "no memory");
    }
    return cJSON_AddStringToObject(entry, "kid", to->kid) != NULL &&
                   cJSON_AddStringToObject(entry, "uri", to->uri) != NULL
               ? RESULT_OK
               : err_set(err, RESULT_INTERNAL, "no memory");
}

enum result draft_add(struct draft *draft, const struct recipient *to, struct err *err)
{
    cJSON *entry = cJSON_CreateObject();

    if (cJSON_GetArraySize(draft->listed) >= RECIPIENTS_MAX) {
        cJSON_Delete(entry);
        return err_set(err, RESULT_KEY, "a keystore has at most %d recipients", RECIPIENTS_MAX);
    }
    if (!cJSON_AddItemToArray(draft->listed, entry)) {
        cJSON_Delete(entry);
        return err_set(err, RESULT_INTERNAL, "no memory");
    }
    if (list(entry, to, err) != RESULT_OK)
        return err->result;
    return recipient_wrap(to, &draft->key, draft->sealed, err);
}

/* One key and random 96-bit IVs: NIST SP 800-38D allows 2^32 of them; a keystore is written some
 * thousand times in its life, with 64 secrets at most. */
enum result draft_put(struct draft *draft, const char *name, const struct buf *plain,
                      struct err *err)
{
    cJSON *jwe = NULL;

    if (jwe_seal(plain, &draft->key, draft->sealed, &jwe, err) != RESULT_OK)
        return err->result;
    cJSON_DeleteItemFromObjectCaseSensitive(draft->secrets, name);
    if (cJSON_AddItemToObject(draft->secrets, name, jwe))
        return RESULT_OK;
    cJSON_Delete(jwe);
    return err_set(err, RESULT_INTERNAL, "no memory");
}

/* Somebody else's program may have put a secret in, under a key of its own. */
static bool shares_key(const struct draft *from, const cJSON *jwe)
{
    return from->sealed != NULL &&
           cJSON_Compare(cJSON_GetObjectItemCaseSensitive(jwe, "recipients"), from->sealed, true);
}

enum result draft_take(struct draft *draft, const struct draft *from, const struct keystore *store,
                       struct unlock *unlock, struct err *err)
{
    const cJSON *each;

    cJSON_ArrayForEach(each, from->secrets)
    {
        AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
        AUTO_BUF own = BUF_SECRET(JWE_KEY_ROOM);
        bool shares = shares_key(from, each);
        /* One that was not encrypted anew is the file's: there an error can say where. */
        const cJSON *jwe =
            shares ? each : cJSON_GetObjectItemCaseSensitive(store->secrets, each->string);

        if (!shares && unlock_key(unlock, store, jwe, &own, err) != RESULT_OK)
            return err->result;
        if (jwe_open(&store->doc, jwe, shares ? &from->key : &own, &plain, err) != RESULT_OK ||
            draft_put(draft, jwe->string, &plain, err) != RESULT_OK)
            return err_prefix(err, "secret %s", jwe->string);
    }
    return RESULT_OK;
}

void draft_unlock(struct lock *lock)
{
    fd_close(&lock->dirfd);
}

enum result draft_lock(const char *file, struct lock *lock, struct err *err)
{
    const char *slash = strrchr(file, '/');
    AUTO_BUF directory = BUF_INIT(4096);

    lock->last = slash != NULL ? slash + 1 : file;
    if (slash == NULL)
        buf_putc(&directory, '.');
    else
        buf_put(&directory, file, slash == file ? 1 : (size_t)(slash - file));
    if (buf_check(&directory, file, err) != RESULT_OK ||
        guard_open_directory(buf_text(&directory), RESULT_KEY, &lock->dirfd, err) != RESULT_OK)
        return err->result;
    if (flock(lock->dirfd, LOCK_EX) != 0)
        return err_errno(err, RESULT_KEY, "%s: cannot lock its directory", file);
    return RESULT_OK;
}

enum result tree_write(const cJSON *root, const struct lock *lock, struct err *err)
{
    AUTO_BUF text = BUF_INIT(KEYSTORE_MAX);

    json_put_pretty(&text, root);
    buf_putc(&text, '\n');
    if (buf_check(&text, lock->last, err) != RESULT_OK ||
        file_replace(lock->dirfd, lock->last, text.data, text.len, 0600, err) != RESULT_OK)
        return err->result = RESULT_KEY;
    return RESULT_OK;
}

/* The members stay the draft's. */
static bool tree_put(cJSON *root, const struct draft *draft, cJSON *check)
{
    return cJSON_AddNumberToObject(root, "georder_keystore", 1) != NULL &&
           cJSON_AddItemReferenceToObject(root, "recipients", draft->listed) &&
           cJSON_AddItemReferenceToObject(root, "check", check) &&
           cJSON_AddItemReferenceToObject(root, "secrets", draft->secrets);
}

enum result draft_write(const struct draft *draft, const struct lock *lock, struct err *err)
{
    AUTO_BUF plain = BUF_SECRET(sizeof KEYSTORE_CHECK);
    AUTO_JSON *root = cJSON_CreateObject();
    AUTO_JSON *check = NULL;

    buf_puts(&plain, KEYSTORE_CHECK);
    if (jwe_seal(&plain, &draft->key, draft->sealed, &check, err) != RESULT_OK)
        return err->result;
    if (!tree_put(root, draft, check))
        return err_set(err, RESULT_INTERNAL, "no memory");
    return tree_write(root, lock, err);
}
