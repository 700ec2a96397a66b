#include "unlock.h"

#include <string.h>

#include "keystore.h"

static enum result passphrase_again(const struct secret_source *secret, const struct place *place,
                                    const struct buf *first, struct err *err)
{
    AUTO_BUF again = BUF_SECRET(SECRET_MAX);

    if (first->len < PASSPHRASE_MIN)
        return err_set(err, RESULT_KEY, "a new passphrase needs %d bytes or more", PASSPHRASE_MIN);
    if (secret->from != SECRET_PROMPT)
        return RESULT_OK;
    if (secret_get(secret, place, "passphrase-source", "The same again: ", &again, err) !=
        RESULT_OK)
        return err->result;
    if (strcmp(buf_text(&again), buf_text(first)) != 0)
        return err_set(err, RESULT_KEY, "the two passphrases differ; nothing was changed");
    return RESULT_OK;
}

/* Asked for twice: a slip would lock everybody out. */
enum result passphrase_new(const struct secret_source *secret, const struct place *place,
                           const char *file, struct buf *out, struct err *err)
{
    AUTO_BUF prompt = BUF_INIT(4096);

    buf_printf(&prompt, "New passphrase of keystore %s: ", file);
    if (secret_get(secret, place, "passphrase-source", buf_text(&prompt), out, err) == RESULT_OK &&
        passphrase_again(secret, place, out, err) == RESULT_OK)
        return RESULT_OK;
    buf_reset(out);
    return err_prefix(err, "passphrase of keystore %s", file);
}

static enum result by_passphrase(struct unlock *unlock, const struct keystore *store,
                                 const cJSON *jwe, struct buf *key, struct err *err)
{
    struct opener opener = {.passphrase = unlock->passphrase, .iterations = &unlock->iterations};
    AUTO_BUF prompt = BUF_INIT(4096);

    if (store->recipients != NULL && !keystore_has(store, ""))
        return err_set(
            err, RESULT_KEY,
            "%s: it has no passphrase; leave passphrase-source out, and a key that it is "
            "encrypted to opens it",
            unlock->file);
    buf_printf(&prompt, "Passphrase of keystore %s: ", unlock->file);
    if (unlock->passphrase->len == 0 &&
        secret_get(unlock->secret, &unlock->ring->place, "passphrase-source", buf_text(&prompt),
                   unlock->passphrase, err) != RESULT_OK) {
        buf_reset(unlock->passphrase);
        return err_prefix(err, "passphrase of keystore %s", unlock->file);
    }
    return jwe_recover(&store->doc, jwe, &opener, key, err);
}

static enum result key_open(struct unlock *unlock, const cJSON *recipient, struct private_key *out,
                            struct opener *opener, struct err *err)
{
    const char *uri_text = keystore_text(recipient, "uri"), *kid = keystore_text(recipient, "kid");
    struct token *token;
    struct uri uri;
    bool missing;
    enum result result = uri_parse(uri_text, URI_FOR_KEY, &uri, err);

    if (result == RESULT_OK)
        result = token_get(unlock->ring, &uri, &token, err);
    if (result == RESULT_OK)
        result = private_token(unlock->ring, token, &uri, out, &missing, err);
    uri_free(&uri);
    if (result != RESULT_OK || opener_of(out, opener, err) != RESULT_OK)
        return err->result;
    if (strcmp(opener->kid, kid) != 0)
        return err_set(err, RESULT_KEY, "the key there is another one: %s", opener->kid);
    return RESULT_OK;
}

/* *again: another key may have better luck. */
static enum result by_token(struct unlock *unlock, const struct keystore *store,
                            const cJSON *recipient, const cJSON *jwe, struct buf *key, bool *again,
                            struct err *err)
{
    AUTO_PRIVATE private = {0};
    struct opener opener;
    enum result result = key_open(unlock, recipient, &private, &opener, err);

    *again = true;
    if (result != RESULT_OK)
        return result;
    result = jwe_recover(&store->doc, jwe, &opener, key, err);
    *again = opener.sound;
    return result;
}

static bool may_open(const struct unlock *unlock, const cJSON *recipient)
{
    const char *kid = keystore_text(recipient, "kid");

    return kid[0] != '\0' && (unlock->without == NULL || strcmp(unlock->without, kid) != 0);
}

/* The way that is left comes first: the rest may be cut. */
static enum result none_opens(const struct unlock *unlock, const struct keystore *store,
                              const struct buf *why, struct err *err)
{
    return err_set(err, RESULT_KEY, "%s: no key that it is encrypted to opens it%s: %s",
                   unlock->file,
                   keystore_has(store, "")
                       ? " (its passphrase does: set passphrase-source=prompt, or file:PATH)"
                       : "",
                   buf_text(why));
}

enum result unlock_key(struct unlock *unlock, const struct keystore *store, const cJSON *jwe,
                       struct buf *key, struct err *err)
{
    AUTO_BUF why = BUF_INIT(sizeof err->text * RECIPIENTS_MAX);
    const cJSON *recipient;
    size_t tried = 0;
    bool again = true;

    if (unlock->by_passphrase)
        return by_passphrase(unlock, store, jwe, key, err);
    cJSON_ArrayForEach(recipient, store->recipients)
    {
        enum result result;

        if (!may_open(unlock, recipient))
            continue;
        result = by_token(unlock, store, recipient, jwe, key, &again, err);
        if (result == RESULT_OK || !again)
            return result;
        buf_printf(&why, "%s%s: %s", tried++ > 0 ? "; " : "", keystore_text(recipient, "uri"),
                   err->text);
    }
    if (tried > 0)
        return none_opens(unlock, store, &why, err);
    return by_passphrase(unlock, store, jwe, key, err);
}
