#include "source.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jwe.h"
#include "jwk.h"
#include "keystore.h"

#define RSA_BITS 3072 /* as on a token (hsm_create.c) */

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

static enum result secret_reach(const struct ring *ring, const struct secret_source *secret,
                                struct guard_reach *reach, struct err *err)
{
    if (secret->from == SECRET_FILE && access(secret->name, F_OK) == 0)
        return guard_reach_path(reach, secret->name, false, err);
    if (secret->from == SECRET_CREDENTIAL && access(ring->place.credentials, F_OK) == 0)
        return guard_reach_path(reach, ring->place.credentials, false, err);
    return RESULT_OK;
}

static enum result token_reach(const struct ring *ring, const struct uri *uri,
                               struct guard_reach *reach, struct err *err)
{
    char path[URI_MAX + 1];

    if (module_path(uri, path, err) != RESULT_OK ||
        profile_reach(&ring->profiles, path, reach, err) != RESULT_OK)
        return err->result;
    return secret_reach(ring, &uri->secret, reach, err);
}

/* A recipient that is out of reach is no reason to fail: another one may open the keystore, or the
 * passphrase; and of a file with a fault, who reads it says what is wrong. */
static void recipients_reach(const struct ring *ring, const char *file, struct guard_reach *reach)
{
    struct keystore_uris *uris = calloc(1, sizeof *uris);
    struct uri uri;
    struct err err;

    if (uris != NULL && keystore_uris(file, uris, &err) == RESULT_OK)
        for (size_t i = 0; i < uris->count; i++) {
            if (uri_parse(uris->uri[i], URI_FOR_KEY, &uri, &err) == RESULT_OK)
                (void)!token_reach(ring, &uri, reach, &err);
            uri_free(&uri);
        }
    free(uris);
}

/* The directory: a keystore is replaced, not rewritten. */
static enum result stored_reach(const struct ring *ring, const struct uri *uri, bool writes,
                                struct guard_reach *reach, struct err *err)
{
    const char *slash = strrchr(uri->file, '/');
    AUTO_BUF directory = BUF_INIT(URI_MAX + 1);

    buf_put(&directory, uri->file, slash == NULL ? 0 : (size_t)(slash - uri->file) + 1);
    buf_puts(&directory, ".");
    if (access(buf_text(&directory), F_OK) == 0 &&
        guard_reach_path(reach, buf_text(&directory), writes, err) != RESULT_OK)
        return err->result;
    recipients_reach(ring, uri->file, reach);
    return secret_reach(ring, &uri->secret, reach, err);
}

enum result sources_reach(const struct ring *ring, struct source *const all[], bool writes,
                          struct guard_reach *reach, struct err *err)
{
    enum result result = profile_system(reach, err);

    for (size_t i = 0; all[i] != NULL && result == RESULT_OK; i++) {
        const struct uri *uri = &all[i]->uri;

        if (uri->scheme == URI_PKCS11)
            result = said(all[i], token_reach(ring, uri, reach, err), err);
        else if (uri->scheme == URI_KEYSTORE)
            result = said(all[i], stored_reach(ring, uri, writes, reach, err), err);
    }
    return result;
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

struct unlock source_unlock(struct ring *ring, struct source *source)
{
    const struct source *other = source->other;

    if (source->passphrase.len == 0 && other != NULL && other->passphrase.len > 0 &&
        strcmp(other->uri.file, source->uri.file) == 0)
        buf_put(&source->passphrase, other->passphrase.data, other->passphrase.len);
    return (struct unlock){.ring = ring,
                           .file = source->uri.file,
                           .secret = &source->uri.secret,
                           .by_passphrase = source->uri.secret_named,
                           .passphrase = &source->passphrase,
                           .iterations = ITERATIONS_ALL};
}

enum result passphrase_used(struct source *source, enum result result)
{
    if (source->uri.secret.from != SECRET_PROMPT)
        buf_free(&source->passphrase);
    return result;
}

static enum result stored_get(struct ring *ring, struct source *source, struct buf *out,
                              bool *missing, struct err *err)
{
    struct unlock unlock = source_unlock(ring, source);

    return passphrase_used(source, keystore_get(&unlock, source->uri.name, out, missing, err));
}

static enum result stored_key(struct ring *ring, struct source *source, struct private_key *out,
                              bool *missing, struct err *err)
{
    AUTO_BUF jwk = BUF_SECRET(JWE_PLAIN_MAX);
    EVP_PKEY *key;

    if (stored_get(ring, source, &jwk, missing, err) != RESULT_OK ||
        jwk_get_private(source->uri.name, &jwk, &key, err) != RESULT_OK)
        return err->result;
    return private_soft(key, out, err);
}

static enum result token_key(struct ring *ring, struct source *source, struct private_key *out,
                             bool *missing, struct err *err)
{
    if (source->token == NULL)
        return err_set(err, RESULT_KEY, "%s is not open", source->uri.text);
    return private_token(ring, source->token, &source->uri, out, missing, err);
}

enum result source_key(struct ring *ring, struct source *source, struct private_key *out,
                       bool *missing, struct err *err)
{
    bool stored = source->uri.scheme == URI_KEYSTORE;

    *missing = false;
    return said(source, (stored ? stored_key : token_key)(ring, source, out, missing, err), err);
}

static EVP_PKEY *soft_generate(const char *alg)
{
    const struct algorithm *algorithm = algorithm_find(alg);

    if (algorithm == NULL)
        return NULL;
    return algorithm->group != NULL ? EVP_EC_gen(algorithm->group) : EVP_RSA_gen(RSA_BITS);
}

static enum result stored_key_create(struct ring *ring, struct source *source, const char *alg,
                                     struct err *err)
{
    struct unlock unlock = source_unlock(ring, source);
    AUTO_BUF jwk = BUF_SECRET(JWK_PRIVATE_MAX);
    AUTO_PKEY *key = soft_generate(alg);

    if (algorithm_find(alg) == NULL)
        return err_set(err, RESULT_USAGE,
                       "there is no audit key for %s: take ES256, ES384, RS256 or PS256", alg);
    if (key == NULL)
        return err_set(err, RESULT_INTERNAL, "cannot make a key for %s", alg);
    if (jwk_put_private(&jwk, key, err) != RESULT_OK)
        return err->result;
    return passphrase_used(source, keystore_put(&unlock, source->uri.name, &jwk, false, err));
}

static enum result credential_login(struct ring *ring, struct source *source, struct err *err)
{
    if (source_login(ring, source, err) != RESULT_OK)
        return err->result;
    token_forget_pin(source->token);
    return RESULT_OK;
}

static enum result token_key_create(struct ring *ring, struct source *source, const char *alg,
                                    struct err *err)
{
    if (source_login(ring, source, err) != RESULT_OK)
        return err->result;
    return hsm_key_create(source->token, &source->uri, alg, err);
}

enum result source_key_create(struct ring *ring, struct source *source, const char *alg,
                              struct err *err)
{
    bool stored = source->uri.scheme == URI_KEYSTORE;

    return said(source, (stored ? stored_key_create : token_key_create)(ring, source, alg, err),
                err);
}

enum result source_find(struct ring *ring, struct source *source, struct buf *out, bool *missing,
                        struct err *err)
{
    *missing = false;
    if (source->uri.scheme == URI_KEYSTORE)
        return said(source, stored_get(ring, source, out, missing, err), err);
    if (credential_login(ring, source, err) != RESULT_OK)
        return err_prefix(err, "%s", source->what);
    return said(source, data_read(source->token, &source->uri, out, missing, err), err);
}

enum result source_read(struct ring *ring, struct source *source, struct buf *out, struct err *err)
{
    bool missing;

    return source_find(ring, source, out, &missing, err);
}

static enum result stored_write(struct ring *ring, struct source *source, const struct buf *value,
                                struct err *err)
{
    struct unlock unlock = source_unlock(ring, source);

    return passphrase_used(source, keystore_put(&unlock, source->uri.name, value, true, err));
}

enum result source_write(struct ring *ring, struct source *source, const struct buf *value,
                         struct err *left, struct err *err)
{
    if (source->uri.scheme == URI_KEYSTORE)
        return said(source, stored_write(ring, source, value, err), err);
    if (credential_login(ring, source, err) != RESULT_OK)
        return err_prefix(err, "%s", source->what);
    return said(source, data_write(source->token, &source->uri, value, left, err), err);
}

enum result source_remove(struct ring *ring, struct source *source, struct err *err)
{
    if (source->uri.scheme == URI_KEYSTORE)
        return said(source, keystore_remove(source->uri.file, source->uri.name, err), err);
    if (credential_login(ring, source, err) != RESULT_OK)
        return err_prefix(err, "%s", source->what);
    return said(source, data_remove(source->token, &source->uri, err), err);
}

static enum result stored_list(struct ring *ring, struct source *source, cJSON *out,
                               struct err *err)
{
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
    bool missing = false;
    cJSON *one;

    if (stored_get(ring, source, &plain, &missing, err) != RESULT_OK)
        return missing ? RESULT_OK : err->result;
    one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "name", source->uri.name);
    cJSON_AddBoolToObject(one, "current", true);
    cJSON_AddItemToArray(out, one);
    return RESULT_OK;
}

enum result source_list(struct ring *ring, struct source *source, cJSON *out, struct err *err)
{
    if (source->uri.scheme == URI_KEYSTORE)
        return said(source, stored_list(ring, source, out, err), err);
    if (credential_login(ring, source, err) != RESULT_OK)
        return err_prefix(err, "%s", source->what);
    return said(source, data_list(source->token, &source->uri, out, err), err);
}
