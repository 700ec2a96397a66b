#include "wrap.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "ipc.h"
#include "recipient.h"

#define SALT_MAX 64

enum result random_put(struct buf *out, size_t len, struct err *err)
{
    char *room = buf_room(out, len);

    if (room == NULL || RAND_priv_bytes((unsigned char *)room, (int)len) != 1)
        return err_set(err, RESULT_INTERNAL, "no random bytes");
    buf_grew(out, len);
    return RESULT_OK;
}

enum result kek_of_passphrase(const struct buf *passphrase, const struct buf *salt,
                              int64_t iterations, struct buf *kek, struct err *err)
{
    AUTO_BUF whole = BUF_INIT(sizeof ALG_PASSPHRASE + SALT_MAX);
    char *room = buf_room(kek, KEK_LEN);

    buf_put(&whole, ALG_PASSPHRASE, sizeof ALG_PASSPHRASE);
    buf_put(&whole, buf_text(salt), salt->len);
    if (room == NULL || !buf_ok(&whole) ||
        PKCS5_PBKDF2_HMAC(passphrase->data, (int)passphrase->len, (unsigned char *)whole.data,
                          (int)whole.len, (int)iterations, EVP_sha512(), KEK_LEN,
                          (unsigned char *)room) != 1)
        return err_set(err, RESULT_INTERNAL, "cannot derive a key from the passphrase");
    buf_grew(kek, KEK_LEN);
    return RESULT_OK;
}

static void datum_put(struct buf *info, const void *bytes, size_t len)
{
    put_u32(info, (uint32_t)len);
    buf_put(info, bytes, len);
}

static bool single_step(const struct buf *secret, const struct buf *info, unsigned char *out)
{
    char digest[] = "SHA256";
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SSKDF", NULL);
    EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret->data, secret->len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info->data, info->len),
        OSSL_PARAM_construct_end()};
    bool good = context != NULL && EVP_KDF_derive(context, out, KEK_LEN, params) == 1;

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return good;
}

enum result kek_of_agreement(const struct buf *secret, const struct buf *apu, const struct buf *apv,
                             struct buf *kek, struct err *err)
{
    AUTO_BUF info = BUF_INIT(1024);
    char *room = buf_room(kek, KEK_LEN);

    datum_put(&info, ALG_ECDH, sizeof ALG_ECDH - 1);
    datum_put(&info, buf_text(apu), apu->len);
    datum_put(&info, buf_text(apv), apv->len);
    put_u32(&info, 8 * KEK_LEN);
    if (room == NULL || !buf_ok(&info) || !single_step(secret, &info, (unsigned char *)room))
        return err_set(err, RESULT_INTERNAL, "cannot derive a key from what was agreed on");
    buf_grew(kek, KEK_LEN);
    return RESULT_OK;
}

static bool aes_wrap(const struct buf *kek, bool wrap, const struct buf *in, size_t expected,
                     struct buf *out)
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
           (size_t)len == expected;
    EVP_CIPHER_CTX_free(context);
    ERR_clear_error();
    if (good)
        buf_grew(out, (size_t)len);
    return good;
}

bool key_wrap(const struct buf *kek, const struct buf *key, struct buf *out)
{
    return aes_wrap(kek, true, key, WRAPPED_LEN, out);
}

bool key_unwrap(const struct buf *kek, const struct buf *wrapped, struct buf *out)
{
    return aes_wrap(kek, false, wrapped, KEK_LEN, out);
}

enum result oaep_encrypt(EVP_PKEY *public, const struct buf *key, struct buf *out, struct err *err)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, public, NULL);
    char *room = buf_room(out, OAEP_MAX);
    size_t len = OAEP_MAX;
    bool good = context != NULL && room != NULL && EVP_PKEY_encrypt_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1 &&
                EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1 &&
                EVP_PKEY_encrypt(context, (unsigned char *)room, &len,
                                 (const unsigned char *)key->data, key->len) == 1;

    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    if (!good)
        return err_set(err, RESULT_INTERNAL, "cannot encrypt to an RSA key");
    buf_grew(out, len);
    return RESULT_OK;
}
