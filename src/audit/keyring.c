#include "key.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool member_get(const struct json_doc *doc, const cJSON *node, const char *name,
                       struct buf *out)
{
    const char *text;
    struct err err = {0};

    return json_string(doc, node, name, KEY_MAX, &text, &err) == RESULT_OK &&
           base64url_get(text, strlen(text), out);
}

static EVP_PKEY *pkey_from_ec(const struct json_doc *doc, const cJSON *node, const char *curve)
{
    AUTO_BUF point = BUF_INIT(KEY_MAX);

    buf_putc(&point, 4); /* SEC 1 section 2.3.3: not compressed */
    if (!member_get(doc, node, "x", &point) || !member_get(doc, node, "y", &point))
        return NULL;
    return pkey_of_point(curve, point.data, point.len);
}

static EVP_PKEY *pkey_from_rsa(const struct json_doc *doc, const cJSON *node)
{
    AUTO_BUF n = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF e = BUF_INIT(SIGNATURE_MAX);

    if (!member_get(doc, node, "n", &n) || !member_get(doc, node, "e", &e))
        return NULL;
    return pkey_of_modulus(n.data, n.len, e.data, e.len);
}

static EVP_PKEY *pkey_from_jwk(const struct json_doc *doc, const cJSON *node, struct err *err)
{
    const char *kty, *crv;

    if (json_string(doc, node, "kty", 8, &kty, err) != RESULT_OK)
        return NULL;
    if (strcmp(kty, "RSA") == 0)
        return pkey_from_rsa(doc, node);
    if (json_string(doc, node, "crv", 16, &crv, err) != RESULT_OK)
        return NULL;
    return pkey_from_ec(doc, node, crv);
}

bool key_from_node(const struct json_doc *doc, const cJSON *node, struct key *key)
{
    const char *alg;
    struct err err = {0};

    return json_string(doc, node, "alg", 8, &alg, &err) == RESULT_OK &&
           key_from_pkey(alg, pkey_from_jwk(doc, node, &err), key, &err) == RESULT_OK;
}

enum result key_from_jwk(const char *text, size_t len, struct key *key, struct err *err)
{
    struct json_doc doc = {.name = "JWK", .text = text, .len = len, .result = RESULT_AUDIT};
    bool good = json_parse(&doc, JSON_OURS, err) == RESULT_OK && key_from_node(&doc, doc.root, key);

    json_free(&doc);
    if (good)
        return RESULT_OK;
    return err_set(err, RESULT_AUDIT,
                   "no public key of an audit log: a JWK (RFC 7517) with kty, alg and the rest, as "
                   "in keys/ of the log");
}

bool key_is_exactly(const struct key *key, const char *text, size_t len)
{
    AUTO_BUF again = BUF_INIT(KEY_MAX);
    struct err err = {0};

    return key_jwk(key, &again, &err) == RESULT_OK && again.len == len &&
           memcmp(again.data, text, len) == 0;
}

static bool key_from_text(const struct buf *text, const char *name, struct key *key)
{
    char file[AUDIT_KID_LEN + 8];
    struct err err = {0};

    if (key_from_jwk(buf_text(text), text->len, key, &err) != RESULT_OK)
        return false;
    (void)snprintf(file, sizeof file, "%s.jwk", key->kid);
    if (strcmp(file, name) == 0 && key_is_exactly(key, buf_text(text), text->len))
        return true;
    key_free(key);
    return false;
}

static void key_add(int dirfd, const char *name, struct keyring *ring)
{
    AUTO_FD fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    AUTO_BUF text = BUF_INIT(KEY_MAX);
    struct err err = {0};

    if (fd >= 0 && file_read(fd, name, &text, &err) == RESULT_OK &&
        key_from_text(&text, name, &ring->key[ring->count]))
        ring->count++;
}

enum result entry_next(DIR *directory, const char **name, struct err *err)
{
    const struct dirent *entry;

    errno = 0;
    entry = readdir(directory);
    *name = entry != NULL ? entry->d_name : NULL;
    if (entry == NULL && errno != 0)
        return err_errno(err, RESULT_AUDIT, "the audit directory cannot be listed to its end");
    return RESULT_OK;
}

enum result keyring_load(int dirfd, struct keyring *ring, struct err *err)
{
    int fd = openat(dirfd, "keys", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    const char *name;
    enum result result;

    *ring = (struct keyring){0};
    if (directory == NULL) {
        (void)err_errno(err, RESULT_AUDIT, "keys: cannot read the log's public keys");
        fd_close(&fd);
        return err->result;
    }
    while ((result = entry_next(directory, &name, err)) == RESULT_OK && name != NULL &&
           ring->count < KEYS_MAX)
        if (strlen(name) == AUDIT_KID_LEN + 4)
            key_add(fd, name, ring);
    (void)closedir(directory);
    return result;
}

void keyring_free(struct keyring *ring)
{
    while (ring->count > 0)
        key_free(&ring->key[--ring->count]);
}

const struct key *keyring_find(const struct keyring *ring, const char *kid)
{
    for (size_t i = 0; i < ring->count; i++)
        if (strcmp(ring->key[i].kid, kid) == 0)
            return &ring->key[i];
    return NULL;
}
