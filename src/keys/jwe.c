#include "jwe.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#define ALG            "PBES2-HS512+A256KW"
#define KEY_LEN        32
#define WRAPPED_LEN    (KEY_LEN + 8)
#define IV_LEN         12
#define TAG_LEN        16
#define SALT_LEN       16
#define SALT_MAX       64
#define ITERATIONS_MIN 1000
#define ITERATIONS_MAX 10000000 /* a hostile file must not keep us busy for hours */
#define RECIPIENTS_MAX 8

/* The key that wraps: PBKDF2 over alg || 0 || p2s. */
static enum result wrapping_key(const struct buf *passphrase, const struct buf *p2s,
                                int64_t iterations, struct buf *out, struct err *err)
{
    AUTO_BUF salt = BUF_INIT(sizeof ALG + SALT_MAX);
    char *room = buf_room(out, KEY_LEN);

    buf_put(&salt, ALG, sizeof ALG);
    buf_put(&salt, buf_text(p2s), p2s->len);
    if (room == NULL || !buf_ok(&salt) ||
        PKCS5_PBKDF2_HMAC(passphrase->data, (int)passphrase->len, (unsigned char *)salt.data,
                          (int)salt.len, (int)iterations, EVP_sha512(), KEY_LEN,
                          (unsigned char *)room) != 1)
        return err_set(err, RESULT_INTERNAL, "cannot derive a key from the passphrase");
    buf_grew(out, KEY_LEN);
    return RESULT_OK;
}

/* AES key wrap (RFC 3394), either way. */
static bool key_wrap(const struct buf *kek, bool wrap, const struct buf *in, struct buf *out)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    char *room = buf_room(out, WRAPPED_LEN);
    int len = 0;
    bool good;

    if (context == NULL || room == NULL) {
        EVP_CIPHER_CTX_free(context);
        return false;
    }
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    good = EVP_CipherInit_ex(context, EVP_aes_256_wrap(), NULL, (unsigned char *)kek->data, NULL,
                             wrap) == 1 &&
           EVP_CipherUpdate(context, (unsigned char *)room, &len, (unsigned char *)in->data,
                            (int)in->len) == 1 &&
           len == (wrap ? WRAPPED_LEN : KEY_LEN);
    EVP_CIPHER_CTX_free(context);
    if (good)
        buf_grew(out, (size_t)len);
    return good;
}

struct content {
    struct buf iv, ciphertext, tag;
    const char *aad; /* the protected header, as it stands in the file */
};

static void content_free(struct content *content)
{
    buf_free(&content->iv);
    buf_free(&content->ciphertext);
    buf_free(&content->tag);
}

#define AUTO_CONTENT __attribute__((cleanup(content_free))) struct content
#define CONTENT_INIT                                                                               \
    {                                                                                              \
        .iv = BUF_INIT(IV_LEN), .ciphertext = BUF_INIT(JWE_PLAIN_MAX), .tag = BUF_INIT(TAG_LEN),   \
        .aad = ""                                                                                  \
    }

static bool content_open(const struct content *content, const struct buf *key, struct buf *plain)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    char *room = buf_room(plain, content->ciphertext.len);
    int len = 0, none = 0;
    bool good =
        context != NULL && room != NULL &&
        EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, (unsigned char *)key->data,
                           (unsigned char *)content->iv.data) == 1 &&
        EVP_DecryptUpdate(context, NULL, &none, (const unsigned char *)content->aad,
                          (int)strlen(content->aad)) == 1 &&
        EVP_DecryptUpdate(context, (unsigned char *)room, &len,
                          (unsigned char *)content->ciphertext.data,
                          (int)content->ciphertext.len) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, content->tag.data) == 1 &&
        EVP_DecryptFinal_ex(context, (unsigned char *)room + len, &none) == 1;

    EVP_CIPHER_CTX_free(context);
    if (good)
        buf_grew(plain, (size_t)len);
    return good;
}

static bool content_seal(struct content *content, const struct buf *key, const struct buf *plain)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    char *iv = buf_room(&content->iv, IV_LEN), *tag = buf_room(&content->tag, TAG_LEN);
    char *room = buf_room(&content->ciphertext, plain->len);
    int len = 0, none = 0;
    bool good = context != NULL && iv != NULL && tag != NULL && room != NULL &&
                RAND_bytes((unsigned char *)iv, IV_LEN) == 1 &&
                EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, (unsigned char *)key->data,
                                   (unsigned char *)iv) == 1 &&
                EVP_EncryptUpdate(context, NULL, &none, (const unsigned char *)content->aad,
                                  (int)strlen(content->aad)) == 1 &&
                EVP_EncryptUpdate(context, (unsigned char *)room, &len,
                                  (unsigned char *)plain->data, (int)plain->len) == 1 &&
                EVP_EncryptFinal_ex(context, (unsigned char *)room + len, &none) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag) == 1;

    EVP_CIPHER_CTX_free(context);
    if (!good)
        return false;
    buf_grew(&content->iv, IV_LEN);
    buf_grew(&content->ciphertext, (size_t)len);
    buf_grew(&content->tag, TAG_LEN);
    return true;
}

static bool text_add(cJSON *object, const char *name, const void *bytes, size_t len)
{
    AUTO_BUF text = BUF_INIT(2 * JWE_PLAIN_MAX);

    base64url_put(&text, bytes, len);
    return buf_ok(&text) && cJSON_AddStringToObject(object, name, buf_text(&text)) != NULL;
}

static bool recipient_add(cJSON *jwe, const struct buf *salt, const struct buf *wrapped)
{
    cJSON *list = cJSON_AddArrayToObject(jwe, "recipients");
    cJSON *recipient = cJSON_CreateObject();
    cJSON *header;

    if (list == NULL || !cJSON_AddItemToArray(list, recipient)) {
        cJSON_Delete(recipient);
        return false;
    }
    header = cJSON_AddObjectToObject(recipient, "header");
    return header != NULL && cJSON_AddStringToObject(header, "alg", ALG) != NULL &&
           cJSON_AddNumberToObject(header, "p2c", JWE_ITERATIONS) != NULL &&
           text_add(header, "p2s", salt->data, salt->len) &&
           text_add(recipient, "encrypted_key", wrapped->data, wrapped->len);
}

static enum result random_put(struct buf *out, size_t len, struct err *err)
{
    char *room = buf_room(out, len);

    if (room == NULL || RAND_priv_bytes((unsigned char *)room, (int)len) != 1)
        return err_set(err, RESULT_INTERNAL, "no random bytes");
    buf_grew(out, len);
    return RESULT_OK;
}

enum result jwe_encrypt(const struct buf *plain, const struct buf *passphrase, cJSON **out,
                        struct err *err)
{
    static const char header[] = "{\"enc\":\"A256GCM\"}";
    AUTO_BUF protected = BUF_INIT(64);
    AUTO_BUF key = BUF_SECRET(KEY_LEN);
    AUTO_BUF kek = BUF_SECRET(KEY_LEN);
    AUTO_BUF salt = BUF_INIT(SALT_LEN);
    AUTO_BUF wrapped = BUF_INIT(WRAPPED_LEN);
    AUTO_CONTENT content = CONTENT_INIT;
    AUTO_JSON *jwe = cJSON_CreateObject();

    base64url_put(&protected, header, sizeof header - 1);
    content.aad = buf_text(&protected);
    if (random_put(&key, KEY_LEN, err) != RESULT_OK ||
        random_put(&salt, SALT_LEN, err) != RESULT_OK ||
        wrapping_key(passphrase, &salt, JWE_ITERATIONS, &kek, err) != RESULT_OK)
        return err->result;
    if (!key_wrap(&kek, true, &key, &wrapped) || !content_seal(&content, &key, plain) ||
        jwe == NULL || cJSON_AddStringToObject(jwe, "protected", content.aad) == NULL ||
        !recipient_add(jwe, &salt, &wrapped) ||
        !text_add(jwe, "iv", content.iv.data, content.iv.len) ||
        !text_add(jwe, "ciphertext", content.ciphertext.data, content.ciphertext.len) ||
        !text_add(jwe, "tag", content.tag.data, content.tag.len))
        return err_set(err, RESULT_INTERNAL, "cannot encrypt");
    *out = jwe;
    jwe = NULL;
    return RESULT_OK;
}

static enum result bytes_get(const struct json_doc *doc, const cJSON *object, const char *member,
                             size_t min, struct buf *out, struct err *err)
{
    const char *text;

    if (json_string(doc, object, member, 2 * JWE_PLAIN_MAX, &text, err) != RESULT_OK)
        return err->result;
    if (!base64url_get(text, strlen(text), out) || out->len < min)
        return json_fail(doc, object, err, "%s is not base64url of %zu to %zu bytes", member, min,
                         out->max);
    return RESULT_OK;
}

/* *opened: this recipient's wrapped key came out. One of another kind, say an HSM, is passed over.
 */
static enum result recipient_open(const struct json_doc *doc, const cJSON *recipient,
                                  const struct buf *passphrase, struct buf *key, bool *opened,
                                  struct err *err)
{
    static const char *const parts[] = {"header", "encrypted_key", NULL};
    static const char *const known[] = {"alg", "p2s", "p2c", NULL};
    const cJSON *header;
    const char *alg;
    int64_t iterations;
    AUTO_BUF salt = BUF_INIT(SALT_MAX);
    AUTO_BUF wrapped = BUF_INIT(WRAPPED_LEN);
    AUTO_BUF kek = BUF_SECRET(KEY_LEN);

    if (json_object(doc, recipient, parts, err) != RESULT_OK ||
        json_member(doc, recipient, "header", &header, err) != RESULT_OK ||
        json_string(doc, header, "alg", 64, &alg, err) != RESULT_OK)
        return err->result;
    if (strcmp(alg, ALG) != 0)
        return RESULT_OK;
    if (json_object(doc, header, known, err) != RESULT_OK ||
        json_int(doc, header, "p2c", ITERATIONS_MIN, ITERATIONS_MAX, &iterations, err) !=
            RESULT_OK ||
        bytes_get(doc, header, "p2s", 8, &salt, err) != RESULT_OK ||
        bytes_get(doc, recipient, "encrypted_key", WRAPPED_LEN, &wrapped, err) != RESULT_OK ||
        wrapping_key(passphrase, &salt, iterations, &kek, err) != RESULT_OK)
        return err->result;
    buf_reset(key);
    *opened = key_wrap(&kek, false, &wrapped, key);
    return RESULT_OK;
}

static enum result key_recover(const struct json_doc *doc, const cJSON *jwe,
                               const struct buf *passphrase, struct buf *key, struct err *err)
{
    const cJSON *list, *recipient;
    bool opened = false;

    if (json_array(doc, jwe, "recipients", 1, RECIPIENTS_MAX, &list, err) != RESULT_OK)
        return err->result;
    cJSON_ArrayForEach(recipient, list)
    {
        if (recipient_open(doc, recipient, passphrase, key, &opened, err) != RESULT_OK)
            return err->result;
        if (opened)
            return RESULT_OK;
    }
    return err_set(err, RESULT_KEY, "%s: the passphrase is wrong", doc->name);
}

static enum result content_get(const struct json_doc *doc, const cJSON *jwe,
                               struct content *content, struct err *err)
{
    static const char *const known[] = {"protected", "recipients", "iv", "ciphertext", "tag", NULL};
    static const char header[] = "{\"enc\":\"A256GCM\"}";
    AUTO_BUF protected = BUF_INIT(64);

    if (json_object(doc, jwe, known, err) != RESULT_OK ||
        json_string(doc, jwe, "protected", 128, &content->aad, err) != RESULT_OK ||
        bytes_get(doc, jwe, "iv", IV_LEN, &content->iv, err) != RESULT_OK ||
        bytes_get(doc, jwe, "ciphertext", 1, &content->ciphertext, err) != RESULT_OK ||
        bytes_get(doc, jwe, "tag", TAG_LEN, &content->tag, err) != RESULT_OK)
        return err->result;
    if (!base64url_get(content->aad, strlen(content->aad), &protected) ||
        strcmp(buf_text(&protected), header) != 0)
        return json_fail(doc, jwe, err, "protected is not base64url of %s", header);
    return RESULT_OK;
}

enum result jwe_decrypt(const struct json_doc *doc, const cJSON *jwe, const struct buf *passphrase,
                        struct buf *plain, struct err *err)
{
    AUTO_CONTENT content = CONTENT_INIT;
    AUTO_BUF key = BUF_SECRET(WRAPPED_LEN);

    if (content_get(doc, jwe, &content, err) != RESULT_OK ||
        key_recover(doc, jwe, passphrase, &key, err) != RESULT_OK)
        return err->result;
    if (!content_open(&content, &key, plain))
        return json_fail(doc, jwe, err, "was altered: its tag does not verify");
    return RESULT_OK;
}
