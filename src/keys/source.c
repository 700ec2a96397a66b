#include "source.h"

#include <openssl/ec.h>
#include <string.h>

#include "jwe.h"
#include "jwk.h"
#include "keystore.h"

#define PASSPHRASE_MIN 8

enum result source_parse(struct source *source, const char *what, const char *text,
                         enum uri_use use, struct err *err)
{
    source->what = what;
    source->passphrase = (struct buf)BUF_SECRET(SECRET_MAX);
    if (text[0] == '\0' || uri_parse(text, use, &source->uri, err) == RESULT_OK)
        return RESULT_OK;
    return err_prefix(err, "%s", what);
}

void source_free(struct source *source)
{
    uri_free(&source->uri);
    buf_free(&source->passphrase);
}

static enum result said(const struct source *source, enum result result, struct err *err)
{
    return result == RESULT_OK ? RESULT_OK : err_prefix(err, "%s", source->what);
}

enum result source_open(struct ring *ring, struct source *source, struct err *err)
{
    if (source->uri.scheme != URI_PKCS11 || source->token != NULL)
        return RESULT_OK;
    return said(source, token_get(ring, &source->uri, &source->token, err), err);
}

static enum result source_login(struct ring *ring, struct source *source, struct err *err)
{
    if (source->uri.scheme == URI_NONE)
        return err_set(err, RESULT_CONFIG, "the config names none");
    if (source->token == NULL)
        return err_set(err, RESULT_KEY, "%s is not open", source->uri.text);
    return token_login(ring, source->token, &source->uri, err);
}

/* A new keystore's passphrase is asked for twice: a slip would lock everybody out. */
static enum result passphrase_again(const struct ring *ring, struct source *source, struct err *err)
{
    AUTO_BUF again = BUF_SECRET(SECRET_MAX);

    if (source->passphrase.len < PASSPHRASE_MIN)
        return err_set(err, RESULT_KEY, "the passphrase of a new keystore needs %d bytes or more",
                       PASSPHRASE_MIN);
    if (source->uri.secret.from != SECRET_PROMPT)
        return RESULT_OK;
    if (secret_get(&source->uri.secret, &ring->place, "passphrase-source",
                   "The same again: ", &again, err) != RESULT_OK)
        return err->result;
    if (strcmp(buf_text(&again), buf_text(&source->passphrase)) != 0)
        return err_set(err, RESULT_KEY, "the two passphrases differ; nothing was made");
    return RESULT_OK;
}

static enum result passphrase_get(const struct ring *ring, struct source *source, struct err *err)
{
    const struct source *other = source->other;
    bool new = !keystore_exists(source->uri.file);
    AUTO_BUF prompt = BUF_INIT(4096);

    if (source->passphrase.len > 0)
        return RESULT_OK;
    if (other != NULL && other->passphrase.len > 0 &&
        strcmp(other->uri.file, source->uri.file) == 0) {
        buf_put(&source->passphrase, other->passphrase.data, other->passphrase.len);
        return buf_check(&source->passphrase, "passphrase", err);
    }
    buf_printf(&prompt, "Passphrase of %skeystore %s: ", new ? "the new " : "", source->uri.file);
    if (secret_get(&source->uri.secret, &ring->place, "passphrase-source", buf_text(&prompt),
                   &source->passphrase, err) == RESULT_OK &&
        (!new || passphrase_again(ring, source, err) == RESULT_OK))
        return RESULT_OK;
    buf_reset(&source->passphrase);
    return err_prefix(err, "passphrase of keystore %s", source->uri.file);
}

static enum result stored_get(struct ring *ring, struct source *source, struct buf *out,
                              bool *missing, struct err *err)
{
    if (keystore_exists(source->uri.file) && passphrase_get(ring, source, err) != RESULT_OK)
        return err->result;
    return keystore_get(source->uri.file, source->uri.name, &source->passphrase, out, missing, err);
}

static enum result stored_key(struct ring *ring, struct source *source, EVP_PKEY **out,
                              bool *missing, struct err *err)
{
    AUTO_BUF jwk = BUF_SECRET(JWE_PLAIN_MAX);

    if (stored_get(ring, source, &jwk, missing, err) != RESULT_OK)
        return err->result;
    return jwk_get_private(source->uri.name, &jwk, out, err);
}

static enum result token_key(struct ring *ring, struct source *source, EVP_PKEY **out,
                             bool *missing, struct err *err)
{
    enum result result;

    if (source_login(ring, source, err) != RESULT_OK)
        return err->result;
    result = hsm_key_find(source->token, &source->uri, &source->hsm_key, missing, err);
    token_forget_pin(source->token);
    if (result != RESULT_OK)
        return result;
    return hsm_key_open(source->token, &source->hsm_key, out, err);
}

enum result source_key(struct ring *ring, struct source *source, EVP_PKEY **out, bool *missing,
                       struct err *err)
{
    bool stored = source->uri.scheme == URI_KEYSTORE;

    *missing = false;
    return said(source, (stored ? stored_key : token_key)(ring, source, out, missing, err), err);
}

static enum result stored_key_create(struct ring *ring, struct source *source, struct err *err)
{
    AUTO_BUF jwk = BUF_SECRET(JWK_MAX);
    AUTO_PKEY *key = NULL;

    if (passphrase_get(ring, source, err) != RESULT_OK)
        return err->result;
    key = EVP_EC_gen("P-256");
    if (key == NULL)
        return err_set(err, RESULT_INTERNAL, "cannot make an EC P-256 key");
    if (jwk_put_private(&jwk, key, err) != RESULT_OK)
        return err->result;
    return keystore_put(source->uri.file, source->uri.name, &source->passphrase, &jwk, false, err);
}

static enum result credential_login(struct ring *ring, struct source *source, struct err *err)
{
    if (source_login(ring, source, err) != RESULT_OK)
        return err->result;
    token_forget_pin(source->token);
    return RESULT_OK;
}

static enum result token_key_create(struct ring *ring, struct source *source, struct err *err)
{
    if (source_login(ring, source, err) != RESULT_OK)
        return err->result;
    return hsm_key_create(source->token, &source->uri, err);
}

enum result source_key_create(struct ring *ring, struct source *source, struct err *err)
{
    bool stored = source->uri.scheme == URI_KEYSTORE;

    return said(source, (stored ? stored_key_create : token_key_create)(ring, source, err), err);
}

enum result source_read(struct ring *ring, struct source *source, struct buf *out, struct err *err)
{
    bool missing;

    if (source->uri.scheme == URI_KEYSTORE)
        return said(source, stored_get(ring, source, out, &missing, err), err);
    if (credential_login(ring, source, err) != RESULT_OK)
        return err_prefix(err, "%s", source->what);
    return said(source, data_read(source->token, &source->uri, out, err), err);
}

static enum result stored_write(struct ring *ring, struct source *source, const struct buf *value,
                                struct err *err)
{
    if (passphrase_get(ring, source, err) != RESULT_OK)
        return err->result;
    return keystore_put(source->uri.file, source->uri.name, &source->passphrase, value, true, err);
}

enum result source_write(struct ring *ring, struct source *source, const struct buf *value,
                         struct err *err)
{
    if (source->uri.scheme == URI_KEYSTORE)
        return said(source, stored_write(ring, source, value, err), err);
    if (credential_login(ring, source, err) != RESULT_OK)
        return err_prefix(err, "%s", source->what);
    return said(source, data_write(source->token, &source->uri, value, err), err);
}

enum result source_remove(struct ring *ring, struct source *source, struct err *err)
{
    if (source->uri.scheme == URI_KEYSTORE)
        return said(source, keystore_remove(source->uri.file, source->uri.name, err), err);
    if (credential_login(ring, source, err) != RESULT_OK)
        return err_prefix(err, "%s", source->what);
    return said(source, data_remove(source->token, &source->uri, err), err);
}
