/* Who a keystore is encrypted to. */
#include <string.h>

#include "draft.h"

enum result keystore_absent(const char *file, struct err *err)
{
    if (!keystore_exists(file))
        return RESULT_OK;
    return err_set(err, RESULT_KEY,
                   "%s: it is there already, and was left alone; add-recipient lets others open it "
                   "too",
                   file);
}

enum result keystore_create(const char *file, const struct recipient *to, size_t count,
                            struct err *err)
{
    AUTO_DRAFT draft = DRAFT_INIT;
    AUTO_LOCK lock = {.dirfd = -1};

    if (draft_lock(file, &lock, err) != RESULT_OK || keystore_absent(file, err) != RESULT_OK ||
        draft_new(&draft, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < count; i++)
        if (draft_add(&draft, &to[i], err) != RESULT_OK)
            return err->result;
    return draft_write(&draft, &lock, err);
}

/* For more recipients the content key can stay: who has it already may know it. */
static enum result draft_extend(struct draft *draft, const struct draft *from,
                                const struct recipient *to, struct err *err)
{
    draft->listed = cJSON_Duplicate(from->listed, true);
    draft->sealed = cJSON_Duplicate(from->sealed, true);
    draft->secrets = cJSON_CreateObject();
    buf_put(&draft->key, from->key.data, from->key.len);
    if (draft->listed == NULL || draft->sealed == NULL || draft->secrets == NULL ||
        !buf_ok(&draft->key))
        return err_set(err, RESULT_INTERNAL, "no memory");
    return draft_add(draft, to, err);
}

enum result keystore_add(struct unlock *unlock, const struct recipient *to, struct err *err)
{
    AUTO_KEYSTORE store = KEYSTORE_INIT;
    AUTO_DRAFT old = DRAFT_INIT;
    AUTO_DRAFT draft = DRAFT_INIT;
    AUTO_LOCK lock = {.dirfd = -1};

    if (draft_lock(unlock->file, &lock, err) != RESULT_OK ||
        keystore_read(unlock->file, &store, err) != RESULT_OK)
        return err->result;
    if (keystore_has(&store, to->kid))
        return err_set(err, RESULT_KEY, "%s: it is encrypted to %s%s already; nothing was changed",
                       unlock->file, to->kid[0] != '\0' ? "key " : "a passphrase", to->kid);
    if (draft_of(&old, &store, unlock, err) != RESULT_OK ||
        draft_extend(&draft, &old, to, err) != RESULT_OK ||
        draft_take(&draft, &old, &store, unlock, err) != RESULT_OK)
        return err->result;
    return draft_write(&draft, &lock, err);
}

/* For one of the file's recipients again, whose key on the token is not needed for that. */
static enum result add_again(struct draft *draft, const struct keystore *store, const cJSON *listed,
                             const struct buf *passphrase, struct err *err)
{
    struct recipient words = {.alg = ALG_PASSPHRASE, .passphrase = passphrase};
    AUTO_RECIPIENT to = {0};
    AUTO_PKEY *public = NULL;

    if (keystore_text(listed, "kid")[0] == '\0')
        return draft_add(draft, &words, err);
    if (jwk_get_public(&store->doc, cJSON_GetObjectItemCaseSensitive(listed, "jwk"), &public,
                       err) != RESULT_OK ||
        recipient_of(public, keystore_text(listed, "uri"), &to, err) != RESULT_OK)
        return err->result;
    return draft_add(draft, &to, err);
}

/* The same secrets under a new content key, for all recipients but one. */
static enum result draft_renew(struct draft *draft, const struct draft *old,
                               const struct keystore *store, struct unlock *unlock,
                               const char *without, const struct buf *passphrase, struct err *err)
{
    const cJSON *listed;

    if (draft_new(draft, err) != RESULT_OK)
        return err->result;
    cJSON_ArrayForEach(listed, old->listed)
    {
        if (without != NULL && strcmp(keystore_text(listed, "kid"), without) == 0)
            continue;
        if (add_again(draft, store, listed, passphrase, err) != RESULT_OK)
            return err->result;
    }
    return draft_take(draft, old, store, unlock, err);
}

static enum result nobody(const struct keystore *store, const char *kid, struct err *err)
{
    AUTO_BUF list = BUF_INIT(1024);
    const cJSON *recipient;

    cJSON_ArrayForEach(recipient, store->recipients)
    {
        const char *other = keystore_text(recipient, "kid");

        buf_printf(&list, "%s%s", list.len > 0 ? ", " : "",
                   other[0] != '\0' ? other : "a passphrase");
    }
    return err_set(err, RESULT_KEY, "%s: it is not encrypted to %s%s; it is to: %s",
                   store->doc.name, kid[0] != '\0' ? "key " : "a passphrase", kid,
                   list.len > 0 ? buf_text(&list) : "a passphrase");
}

enum result keystore_drop(struct unlock *unlock, const char *kid, struct err *err)
{
    AUTO_KEYSTORE store = KEYSTORE_INIT;
    AUTO_DRAFT old = DRAFT_INIT;
    AUTO_DRAFT draft = DRAFT_INIT;
    AUTO_LOCK lock = {.dirfd = -1};
    bool first_version;

    if (draft_lock(unlock->file, &lock, err) != RESULT_OK ||
        keystore_read(unlock->file, &store, err) != RESULT_OK)
        return err->result;
    first_version = store.recipients == NULL;
    if (first_version ? kid[0] != '\0' : !keystore_has(&store, kid))
        return nobody(&store, kid, err);
    if (first_version || cJSON_GetArraySize(store.recipients) == 1)
        return err_set(err, RESULT_KEY,
                       "%s: that is its last recipient, without whom nobody could open it; add "
                       "another first",
                       unlock->file);
    /* By one that remains: else nobody might be left who can. */
    unlock->without = kid;
    unlock->by_passphrase = kid[0] != '\0' && keystore_has(&store, "");
    if (draft_of(&old, &store, unlock, err) != RESULT_OK ||
        draft_renew(&draft, &old, &store, unlock, kid, unlock->passphrase, err) != RESULT_OK)
        return err->result;
    return draft_write(&draft, &lock, err);
}

enum result keystore_change_passphrase(struct unlock *unlock, const struct secret_source *from,
                                       struct buf *passphrase, struct err *err)
{
    AUTO_KEYSTORE store = KEYSTORE_INIT;
    AUTO_DRAFT old = DRAFT_INIT;
    AUTO_DRAFT draft = DRAFT_INIT;
    AUTO_LOCK lock = {.dirfd = -1};

    unlock->by_passphrase = true;
    if (draft_lock(unlock->file, &lock, err) != RESULT_OK ||
        keystore_read(unlock->file, &store, err) != RESULT_OK ||
        draft_of(&old, &store, unlock, err) != RESULT_OK ||
        passphrase_new(from, &unlock->ring->place, unlock->file, passphrase, err) != RESULT_OK ||
        draft_renew(&draft, &old, &store, unlock, NULL, passphrase, err) != RESULT_OK)
        return err->result;
    return draft_write(&draft, &lock, err);
}
