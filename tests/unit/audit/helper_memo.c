#include "helper_memo.h"

#include <dlfcn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base.h"

#define ANSWERS 4096

struct answer {
    uint8_t question[SHA256_LEN];
    bool known;
    int value;
};

struct question {
    EVP_PKEY *pkey; /* not owned */
    const char *how;
    const void *signature, *bytes;
    size_t signature_len, len;
};

struct memo memo;
static struct answer answers[ANSWERS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards both */

/* False: of this one no answer is kept. */
static bool question_name(const struct question *question, uint8_t name[SHA256_LEN])
{
    AUTO_BUF text = BUF_INIT(1024 * 1024);
    uint8_t point[256];
    size_t len;

    if (!memo.on || question->pkey == NULL || EVP_PKEY_is_a(question->pkey, "EC") != 1 ||
        EVP_PKEY_get_octet_string_param(question->pkey, OSSL_PKEY_PARAM_PUB_KEY, point,
                                        sizeof point, &len) != 1)
        return false;
    buf_printf(&text, "%s %zu %zu ", question->how, len, question->signature_len);
    buf_put(&text, point, len);
    buf_put(&text, question->signature, question->signature_len);
    buf_put(&text, question->bytes, question->len);
    sha256(buf_text(&text), text.len, name);
    return buf_ok(&text);
}

static struct answer *answer_at(const uint8_t name[SHA256_LEN])
{
    return &answers[(name[0] << 8 | name[1]) % ANSWERS];
}

static bool answer_find(const uint8_t name[SHA256_LEN], int *value)
{
    const struct answer *answer = answer_at(name);
    bool found;

    (void)pthread_mutex_lock(&mutex);
    found = answer->known && memcmp(answer->question, name, SHA256_LEN) == 0;
    *value = answer->value;
    memo.asked++;
    memo.checked += !found;
    (void)pthread_mutex_unlock(&mutex);
    return found;
}

static int answer_keep(const uint8_t name[SHA256_LEN], int value)
{
    struct answer *answer = answer_at(name);

    (void)pthread_mutex_lock(&mutex);
    memcpy(answer->question, name, SHA256_LEN);
    answer->known = true;
    answer->value = value;
    (void)pthread_mutex_unlock(&mutex);
    return value;
}

/* The linker takes these for georder's from here instead of libcrypto. */
static void *next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        _exit(99);
    return found;
}

int EVP_PKEY_verify(EVP_PKEY_CTX *ctx, const unsigned char *sig, size_t siglen,
                    const unsigned char *tbs, size_t tbslen)
{
    static int (*real)(EVP_PKEY_CTX *, const unsigned char *, size_t, const unsigned char *,
                       size_t);
    struct question question = {EVP_PKEY_CTX_get0_pkey(ctx), "digest", sig, tbs, siglen, tbslen};
    uint8_t name[SHA256_LEN];
    int value;

    if (real == NULL)
        *(void **)&real = next("EVP_PKEY_verify");
    if (!question_name(&question, name))
        return real(ctx, sig, siglen, tbs, tbslen);
    if (answer_find(name, &value))
        return value;
    return answer_keep(name, real(ctx, sig, siglen, tbs, tbslen));
}

int EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t siglen,
                     const unsigned char *tbs, size_t tbslen)
{
    static int (*real)(EVP_MD_CTX *, const unsigned char *, size_t, const unsigned char *, size_t);
    const EVP_MD *md = EVP_MD_CTX_get0_md(ctx);
    EVP_PKEY_CTX *pctx = EVP_MD_CTX_get_pkey_ctx(ctx);
    struct question question = {pctx != NULL ? EVP_PKEY_CTX_get0_pkey(pctx) : NULL,
                                md != NULL ? EVP_MD_get0_name(md) : "none",
                                sig,
                                tbs,
                                siglen,
                                tbslen};
    uint8_t name[SHA256_LEN];
    int value;

    if (real == NULL)
        *(void **)&real = next("EVP_DigestVerify");
    if (!question_name(&question, name))
        return real(ctx, sig, siglen, tbs, tbslen);
    if (answer_find(name, &value))
        return value;
    return answer_keep(name, real(ctx, sig, siglen, tbs, tbslen));
}
