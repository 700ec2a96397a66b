#include "keystore.h"

#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "guard.h"
#include "jwe.h"

#define SECRETS_MAX 64

struct store {
    struct buf text;
    struct json_doc doc;
    const cJSON *secrets;
};
#define AUTO_STORE __attribute__((cleanup(store_free))) struct store
#define STORE_INIT                                                                                 \
    {                                                                                              \
        .text = BUF_INIT(KEYSTORE_MAX)                                                             \
    }

static void store_free(struct store *store)
{
    json_free(&store->doc);
    buf_free(&store->text);
}

bool keystore_exists(const char *file)
{
    return access(file, F_OK) == 0;
}

static enum result store_check(struct store *store, struct err *err)
{
    static const char *const known[] = {"georder_keystore", "secrets", NULL};
    const struct json_doc *doc = &store->doc;
    int64_t version;

    if (json_object(doc, doc->root, known, err) != RESULT_OK ||
        json_int(doc, doc->root, "georder_keystore", 1, 1, &version, err) != RESULT_OK ||
        json_member(doc, doc->root, "secrets", &store->secrets, err) != RESULT_OK)
        return err->result;
    if (!cJSON_IsObject(store->secrets) || cJSON_GetArraySize(store->secrets) > SECRETS_MAX)
        return json_fail(doc, store->secrets, err, "must be an object of at most %d secrets",
                         SECRETS_MAX);
    return RESULT_OK;
}

static enum result store_read(const char *file, struct store *store, struct err *err)
{
    if (guard_read(file, GUARD_SECRET, RESULT_KEY, &store->text, err) != RESULT_OK)
        return err->result;
    store->doc = (struct json_doc){
        .name = file, .text = buf_text(&store->text), .len = store->text.len, .result = RESULT_KEY};
    if (json_parse(&store->doc, JSON_OURS, err) != RESULT_OK)
        return err->result;
    return store_check(store, err);
}

static enum result name_missing(const struct store *store, const char *name, struct err *err)
{
    const cJSON *secret;
    AUTO_BUF list = BUF_INIT(8192);

    cJSON_ArrayForEach(secret, store->secrets)
    {
        buf_puts(&list, list.len > 0 ? ", " : "");
        text_escape(&list, secret->string, strlen(secret->string));
    }
    return err_set(err, RESULT_KEY, "%s: there is no secret called %s; there are: %s",
                   store->doc.name, name, list.len > 0 ? buf_text(&list) : "none");
}

enum result keystore_get(const char *file, const char *name, const struct buf *passphrase,
                         struct buf *plain, bool *missing, struct err *err)
{
    AUTO_STORE store = STORE_INIT;
    const cJSON *secret;

    *missing = !keystore_exists(file);
    if (*missing)
        return err_set(err, RESULT_KEY, "%s: there is no such keystore: `georder init` makes it",
                       file);
    if (store_read(file, &store, err) != RESULT_OK)
        return err->result;
    secret = cJSON_GetObjectItemCaseSensitive(store.secrets, name);
    *missing = secret == NULL;
    if (secret == NULL)
        return name_missing(&store, name, err);
    return jwe_decrypt(&store.doc, secret, passphrase, plain, err);
}

static enum result directory_open(const char *file, int *dirfd, const char **last, struct err *err)
{
    const char *slash = strrchr(file, '/');
    AUTO_BUF directory = BUF_INIT(4096);

    *last = slash != NULL ? slash + 1 : file;
    if (slash == NULL)
        buf_putc(&directory, '.');
    else
        buf_put(&directory, file, slash == file ? 1 : (size_t)(slash - file));
    if (buf_check(&directory, file, err) != RESULT_OK ||
        guard_open_directory(buf_text(&directory), RESULT_KEY, dirfd, err) != RESULT_OK)
        return err->result;
    if (flock(*dirfd, LOCK_EX) != 0)
        return err_errno(err, RESULT_KEY, "%s: cannot lock its directory", file);
    return RESULT_OK;
}

/* The file with `name` as `secret`, or without it when that is NULL. Takes the secret over. */
static enum result store_write(int dirfd, const char *last, const struct store *store,
                               const char *name, cJSON *secret, struct err *err)
{
    AUTO_JSON *root = cJSON_CreateObject();
    AUTO_BUF text = BUF_INIT(KEYSTORE_MAX);
    cJSON *secrets =
        store->secrets != NULL ? cJSON_Duplicate(store->secrets, true) : cJSON_CreateObject();

    cJSON_DeleteItemFromObjectCaseSensitive(secrets, name);
    if (secret != NULL && !cJSON_AddItemToObject(secrets, name, secret)) {
        cJSON_Delete(secrets);
        cJSON_Delete(secret);
        return err_set(err, RESULT_INTERNAL, "no memory");
    }
    if (cJSON_AddNumberToObject(root, "georder_keystore", 1) == NULL ||
        !cJSON_AddItemToObject(root, "secrets", secrets)) {
        cJSON_Delete(secrets);
        return err_set(err, RESULT_INTERNAL, "no memory");
    }
    json_put_pretty(&text, root);
    buf_putc(&text, '\n');
    if (buf_check(&text, last, err) != RESULT_OK ||
        file_replace(dirfd, last, text.data, text.len, 0600, err) != RESULT_OK)
        return err->result = RESULT_KEY;
    return RESULT_OK;
}

/* One passphrase a file: else the next reader could open some secrets and not others. */
static enum result passphrase_fits(const struct store *store, const struct buf *passphrase,
                                   struct err *err)
{
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
    const cJSON *first = store->secrets != NULL ? store->secrets->child : NULL;

    if (first == NULL)
        return RESULT_OK;
    return jwe_decrypt(&store->doc, first, passphrase, &plain, err);
}

enum result keystore_put(const char *file, const char *name, const struct buf *passphrase,
                         const struct buf *plain, bool replace, struct err *err)
{
    AUTO_STORE store = STORE_INIT;
    AUTO_FD dirfd = -1;
    const char *last;
    cJSON *secret = NULL;

    if (directory_open(file, &dirfd, &last, err) != RESULT_OK ||
        (keystore_exists(file) && store_read(file, &store, err) != RESULT_OK))
        return err->result;
    if (!replace && cJSON_GetObjectItemCaseSensitive(store.secrets, name) != NULL)
        return err_set(err, RESULT_KEY,
                       "%s: there is a secret called %s already; it was left alone", file, name);
    if (passphrase_fits(&store, passphrase, err) != RESULT_OK ||
        jwe_encrypt(plain, passphrase, &secret, err) != RESULT_OK)
        return err->result;
    return store_write(dirfd, last, &store, name, secret, err);
}

enum result keystore_remove(const char *file, const char *name, struct err *err)
{
    AUTO_STORE store = STORE_INIT;
    AUTO_FD dirfd = -1;
    const char *last;

    if (directory_open(file, &dirfd, &last, err) != RESULT_OK ||
        store_read(file, &store, err) != RESULT_OK)
        return err->result;
    if (cJSON_GetObjectItemCaseSensitive(store.secrets, name) == NULL)
        return name_missing(&store, name, err);
    return store_write(dirfd, last, &store, name, NULL, err);
}
