#include "recipient.h"

#include <openssl/ec.h>
#include <string.h>

#include "wrap.h"

#define SALT_LEN       16
#define SALT_MAX       64
#define PARTY_MAX      256 /* apu, apv */
#define ITERATIONS_MIN 1000
#define AGREED_MAX     66

void recipient_free(struct recipient *recipient)
{
    pkey_free(&recipient->public);
}

enum result recipient_of(EVP_PKEY *public, const char *uri, struct recipient *out, struct err *err)
{
    bool rsa = EVP_PKEY_get_base_id(public) == EVP_PKEY_RSA;
    int bits = EVP_PKEY_get_bits(public);

    memset(out, 0, sizeof *out);
    if (rsa && (bits < 2048 || bits > 8 * OAEP_MAX))
        return err_set(err, RESULT_KEY, "the RSA key has %d bits: take one of 2048 to 4096", bits);
    out->alg = rsa ? ALG_OAEP : ALG_ECDH;
    if (strlen(uri) > URI_MAX || jwk_thumbprint(public, out->kid, err) != RESULT_OK)
        return err_prefix(err, "a keystore is encrypted to EC P-256 or P-384, or to RSA");
    memcpy(out->uri, uri, strlen(uri) + 1);
    if (EVP_PKEY_up_ref(public) != 1)
        return err_set(err, RESULT_INTERNAL, "no memory");
    out->public = public;
    return RESULT_OK;
}

enum result content_key_make(struct buf *key, struct err *err)
{
    return random_put(key, CONTENT_KEY_LEN, err);
}

static bool bytes_add(cJSON *object, const char *name, const struct buf *bytes)
{
    AUTO_BUF text = BUF_INIT(2 * OAEP_MAX);

    base64url_put(&text, bytes->data, bytes->len);
    return buf_ok(&text) && cJSON_AddStringToObject(object, name, buf_text(&text)) != NULL;
}

static enum result wrap_passphrase(const struct recipient *to, const struct buf *key, cJSON *header,
                                   struct buf *wrapped, struct err *err)
{
    AUTO_BUF salt = BUF_INIT(SALT_LEN);
    AUTO_BUF kek = BUF_SECRET(KEK_LEN);

    if (random_put(&salt, SALT_LEN, err) != RESULT_OK ||
        kek_of_passphrase(to->passphrase, &salt, ITERATIONS, &kek, err) != RESULT_OK)
        return err->result;
    if (!key_wrap(&kek, key, wrapped) || !bytes_add(header, "p2s", &salt) ||
        cJSON_AddNumberToObject(header, "p2c", ITERATIONS) == NULL)
        return err_set(err, RESULT_INTERNAL, "cannot encrypt to a passphrase");
    return RESULT_OK;
}

static enum result wrap_ecdh(const struct recipient *to, const struct buf *key, cJSON *header,
                             struct buf *wrapped, struct err *err)
{
    EVP_PKEY *pair = EVP_EC_gen(curve_of(to->public)->group);
    AUTO_PRIVATE ephemeral = {0};
    AUTO_BUF secret = BUF_SECRET(AGREED_MAX), kek = BUF_SECRET(KEK_LEN);
    const struct buf none = BUF_INIT(0);
    cJSON *epk = NULL;

    if (pair == NULL)
        return err_set(err, RESULT_INTERNAL, "cannot make an ephemeral key");
    if (private_soft(pair, &ephemeral, err) != RESULT_OK ||
        private_agree(&ephemeral, to->public, &secret, err) != RESULT_OK ||
        kek_of_agreement(&secret, &none, &none, &kek, err) != RESULT_OK ||
        jwk_tree(ephemeral.public, &epk, err) != RESULT_OK)
        return err->result;
    if (!cJSON_AddItemToObject(header, "epk", epk)) {
        cJSON_Delete(epk);
        return err_set(err, RESULT_INTERNAL, "no memory");
    }
    return key_wrap(&kek, key, wrapped) ? RESULT_OK
                                        : err_set(err, RESULT_INTERNAL, "cannot wrap a key");
}

static enum result wrap(const struct recipient *to, const struct buf *key, cJSON *header,
                        struct buf *wrapped, struct err *err)
{
    if (to->passphrase != NULL)
        return wrap_passphrase(to, key, header, wrapped, err);
    if (strcmp(to->alg, ALG_ECDH) == 0)
        return wrap_ecdh(to, key, header, wrapped, err);
    return oaep_encrypt(to->public, key, wrapped, err);
}

enum result recipient_wrap(const struct recipient *to, const struct buf *key, cJSON *list,
                           struct err *err)
{
    cJSON *entry = cJSON_CreateObject();
    cJSON *header = cJSON_AddObjectToObject(entry, "header");
    AUTO_BUF wrapped = BUF_INIT(OAEP_MAX);

    if (header == NULL || !cJSON_AddItemToArray(list, entry)) {
        cJSON_Delete(entry);
        return err_set(err, RESULT_INTERNAL, "no memory");
    }
    if (cJSON_AddStringToObject(header, "alg", to->alg) == NULL ||
        (to->passphrase == NULL && cJSON_AddStringToObject(header, "kid", to->kid) == NULL))
        return err_set(err, RESULT_INTERNAL, "no memory");
    if (wrap(to, key, header, &wrapped, err) != RESULT_OK)
        return err->result;
    return bytes_add(entry, "encrypted_key", &wrapped) ? RESULT_OK
                                                       : err_set(err, RESULT_INTERNAL, "no memory");
}

enum result opener_of(struct private_key *key, struct opener *out, struct err *err)
{
    *out = (struct opener){.key = key};
    return jwk_thumbprint(key->public, out->kid, err);
}

static enum result iterations_take(const struct header *header, struct opener *opener,
                                   int64_t *iterations, struct err *err)
{
    const cJSON *object;
    const struct json_doc *doc = header_part(header, "p2c", &object);

    if (json_int(doc, object, "p2c", ITERATIONS_MIN, ITERATIONS_MAX, iterations, err) != RESULT_OK)
        return err->result;
    if (*iterations > *opener->iterations)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(object, "p2c"), err,
                         "with what was spent before, more than the %d iterations that one "
                         "operation may take",
                         ITERATIONS_ALL);
    *opener->iterations -= *iterations;
    return RESULT_OK;
}

static enum result unwrap_passphrase(const struct header *header, const cJSON *recipient,
                                     struct opener *opener, struct buf *key, bool *opened,
                                     struct err *err)
{
    AUTO_BUF salt = BUF_INIT(SALT_MAX), wrapped = BUF_INIT(WRAPPED_LEN);
    AUTO_BUF kek = BUF_SECRET(KEK_LEN);
    int64_t iterations = 0;

    opener->tried = true;
    if (header_bytes(header, "p2s", 8, &salt, err) != RESULT_OK ||
        bytes_get(header->doc, recipient, "encrypted_key", WRAPPED_LEN, &wrapped, err) !=
            RESULT_OK ||
        iterations_take(header, opener, &iterations, err) != RESULT_OK ||
        kek_of_passphrase(opener->passphrase, &salt, iterations, &kek, err) != RESULT_OK)
        return err->result;
    *opened = key_unwrap(&kek, &wrapped, key);
    return RESULT_OK;
}

static enum result epk_get(const struct header *header, EVP_PKEY **out, struct err *err)
{
    const cJSON *object, *node;
    const struct json_doc *doc = header_part(header, "epk", &object);

    if (json_member(doc, object, "epk", &node, err) != RESULT_OK)
        return err->result;
    return jwk_get_public(doc, node, out, err);
}

static enum result unwrap_ecdh(const struct header *header, const cJSON *recipient,
                               struct opener *opener, struct buf *key, bool *opened,
                               struct err *err)
{
    AUTO_PKEY *epk = NULL;
    AUTO_BUF apu = BUF_INIT(PARTY_MAX), apv = BUF_INIT(PARTY_MAX), wrapped = BUF_INIT(WRAPPED_LEN);
    AUTO_BUF secret = BUF_SECRET(AGREED_MAX), kek = BUF_SECRET(KEK_LEN);

    if (epk_get(header, &epk, err) != RESULT_OK ||
        header_bytes(header, "apu", 0, &apu, err) != RESULT_OK ||
        header_bytes(header, "apv", 0, &apv, err) != RESULT_OK ||
        bytes_get(header->doc, recipient, "encrypted_key", WRAPPED_LEN, &wrapped, err) != RESULT_OK)
        return err->result;
    if (curve_of(epk) == NULL || curve_of(epk) != curve_of(opener->key->public))
        return RESULT_OK; /* somebody else's */
    opener->tried = true;
    if (private_agree(opener->key, epk, &secret, &opener->fault) != RESULT_OK)
        return RESULT_OK;
    if (kek_of_agreement(&secret, &apu, &apv, &kek, err) != RESULT_OK)
        return err->result;
    *opened = key_unwrap(&kek, &wrapped, key);
    return RESULT_OK;
}

static enum result unwrap_oaep(const struct header *header, const cJSON *recipient,
                               struct opener *opener, struct buf *key, bool *opened,
                               struct err *err)
{
    size_t size = (size_t)EVP_PKEY_get_size(opener->key->public);
    AUTO_BUF wrapped = BUF_INIT(OAEP_MAX), plain = BUF_SECRET(OAEP_MAX);

    if (bytes_get(header->doc, recipient, "encrypted_key", 256, &wrapped, err) != RESULT_OK)
        return err->result;
    if (EVP_PKEY_get_base_id(opener->key->public) != EVP_PKEY_RSA || wrapped.len != size)
        return RESULT_OK;
    opener->tried = true;
    if (private_decrypt(opener->key, &wrapped, &plain, &opener->fault) != RESULT_OK)
        return RESULT_OK;
    *opened = plain.len == CONTENT_KEY_LEN;
    if (*opened)
        buf_put(key, plain.data, plain.len);
    return RESULT_OK;
}

enum result recipient_unwrap(const struct header *header, const cJSON *recipient,
                             struct opener *opener, struct buf *key, bool *opened, struct err *err)
{
    const char *alg = "", *kid = opener->kid;
    bool passphrase;

    buf_reset(key);
    if (header_text(header, "alg", 64, &alg, err) != RESULT_OK ||
        header_text(header, "kid", 256, &kid, err) != RESULT_OK)
        return err->result;
    if (alg[0] == '\0')
        return json_fail(header->doc, recipient, err, "none of its headers has an alg");
    passphrase = strcmp(alg, ALG_PASSPHRASE) == 0;
    if (passphrase != (opener->passphrase != NULL))
        return RESULT_OK;
    if (passphrase)
        return unwrap_passphrase(header, recipient, opener, key, opened, err);
    if (strcmp(kid, opener->kid) != 0)
        return RESULT_OK;
    if (strcmp(alg, ALG_ECDH) == 0)
        return unwrap_ecdh(header, recipient, opener, key, opened, err);
    if (strcmp(alg, ALG_OAEP) == 0)
        return unwrap_oaep(header, recipient, opener, key, opened, err);
    return RESULT_OK;
}
