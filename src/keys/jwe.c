#include "jwe.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "wrap.h"

#define IV_LEN    12
#define TAG_LEN   16
#define PROTECTED "{\"enc\":\"A256GCM\"}"

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
    char *tag = buf_room(&content->tag, TAG_LEN);
    char *room = buf_room(&content->ciphertext, plain->len);
    int len = 0, none = 0;
    bool good = context != NULL && tag != NULL && room != NULL &&
                EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, (unsigned char *)key->data,
                                   (unsigned char *)content->iv.data) == 1 &&
                EVP_EncryptUpdate(context, NULL, &none, (const unsigned char *)content->aad,
                                  (int)strlen(content->aad)) == 1 &&
                EVP_EncryptUpdate(context, (unsigned char *)room, &len,
                                  (unsigned char *)plain->data, (int)plain->len) == 1 &&
                EVP_EncryptFinal_ex(context, (unsigned char *)room + len, &none) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag) == 1;

    EVP_CIPHER_CTX_free(context);
    if (!good)
        return false;
    buf_grew(&content->ciphertext, (size_t)len);
    buf_grew(&content->tag, TAG_LEN);
    return true;
}

static bool text_add(cJSON *object, const char *name, const struct buf *bytes)
{
    AUTO_BUF text = BUF_INIT(2 * JWE_PLAIN_MAX);

    base64url_put(&text, bytes->data, bytes->len);
    return buf_ok(&text) && cJSON_AddStringToObject(object, name, buf_text(&text)) != NULL;
}

static bool jwe_put(cJSON *jwe, const struct content *content, const cJSON *recipients)
{
    cJSON *copy = cJSON_Duplicate(recipients, true);

    if (!cJSON_AddItemToObject(jwe, "recipients", copy)) {
        cJSON_Delete(copy);
        return false;
    }
    return cJSON_AddStringToObject(jwe, "protected", content->aad) != NULL &&
           text_add(jwe, "iv", &content->iv) && text_add(jwe, "ciphertext", &content->ciphertext) &&
           text_add(jwe, "tag", &content->tag);
}

enum result jwe_seal(const struct buf *plain, const struct buf *key, const cJSON *recipients,
                     cJSON **out, struct err *err)
{
    AUTO_BUF protected = BUF_INIT(64);
    AUTO_CONTENT content = CONTENT_INIT;
    AUTO_JSON *jwe = cJSON_CreateObject();

    base64url_put(&protected, PROTECTED, sizeof PROTECTED - 1);
    content.aad = buf_text(&protected);
    if (random_put(&content.iv, IV_LEN, err) != RESULT_OK)
        return err->result;
    if (!content_seal(&content, key, plain) || !jwe_put(jwe, &content, recipients))
        return err_set(err, RESULT_INTERNAL, "cannot encrypt");
    *out = jwe;
    jwe = NULL;
    return RESULT_OK;
}

static enum result not_opened(const struct json_doc *doc, const struct opener *opener,
                              struct err *err)
{
    if (opener->fault.result != RESULT_OK) {
        *err = opener->fault;
        return err->result;
    }
    if (opener->passphrase != NULL)
        return err_set(err, RESULT_KEY, "%s: %s", doc->name,
                       opener->tried ? "the passphrase is wrong"
                                     : "it is not encrypted to a passphrase");
    return err_set(err, RESULT_KEY, "%s: %s key %s", doc->name,
                   opener->tried ? "what is wrapped for it does not open by"
                                 : "it is not encrypted to",
                   opener->kid);
}

enum result jwe_recover(const struct json_doc *doc, const cJSON *jwe, struct opener *opener,
                        struct buf *key, struct err *err)
{
    AUTO_HEADER header = HEADER_INIT;
    const cJSON *list, *recipient;
    bool opened = false;

    opener->tried = opener->sound = false;
    opener->fault.result = RESULT_OK;
    if (header_open(&header, doc, jwe, err) != RESULT_OK ||
        json_array(doc, jwe, "recipients", 1, RECIPIENTS_MAX, &list, err) != RESULT_OK)
        return err->result;
    cJSON_ArrayForEach(recipient, list)
    {
        if (header_take(&header, recipient, err) != RESULT_OK ||
            recipient_unwrap(&header, recipient, opener, key, &opened, err) != RESULT_OK)
            return err->result;
        if (opened)
            return RESULT_OK;
    }
    opener->sound = true;
    return not_opened(doc, opener, err);
}

static enum result content_get(const struct json_doc *doc, const cJSON *jwe,
                               struct content *content, struct err *err)
{
    if (json_string(doc, jwe, "protected", 2 * HEADER_MAX, &content->aad, err) != RESULT_OK ||
        bytes_get(doc, jwe, "iv", IV_LEN, &content->iv, err) != RESULT_OK ||
        bytes_get(doc, jwe, "ciphertext", 1, &content->ciphertext, err) != RESULT_OK ||
        bytes_get(doc, jwe, "tag", TAG_LEN, &content->tag, err) != RESULT_OK)
        return err->result;
    return RESULT_OK;
}

enum result jwe_open(const struct json_doc *doc, const cJSON *jwe, const struct buf *key,
                     struct buf *plain, struct err *err)
{
    AUTO_HEADER header = HEADER_INIT;
    AUTO_CONTENT content = CONTENT_INIT;

    if (header_open(&header, doc, jwe, err) != RESULT_OK ||
        content_get(doc, jwe, &content, err) != RESULT_OK)
        return err->result;
    if (!content_open(&content, key, plain))
        return json_fail(doc, jwe, err, "was altered: its tag does not verify");
    return RESULT_OK;
}

enum result jwe_prove(const struct recipient *recipient, struct private_key *key, struct err *err)
{
    AUTO_BUF made = BUF_SECRET(CONTENT_KEY_LEN), got = BUF_SECRET(JWE_KEY_ROOM);
    AUTO_BUF plain = BUF_SECRET(16);
    AUTO_JSON *list = cJSON_CreateArray();
    AUTO_JSON *jwe = NULL;
    struct json_doc doc = {.name = recipient->uri, .result = RESULT_KEY};
    struct opener opener;

    buf_puts(&plain, "trial");
    if (content_key_make(&made, err) != RESULT_OK ||
        recipient_wrap(recipient, &made, list, err) != RESULT_OK ||
        jwe_seal(&plain, &made, list, &jwe, err) != RESULT_OK ||
        opener_of(key, &opener, err) != RESULT_OK)
        return err->result;
    return jwe_recover(&doc, jwe, &opener, &got, err);
}
