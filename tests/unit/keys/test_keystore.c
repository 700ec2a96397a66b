/* The file: who is left out after a change, and what a crash leaves behind. */
#include <openssl/ec.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap.h"
#include "helper_keys.h"
#include "keystore.h"

#define FILE_NAME "k.json"
#define FIRST     "correct horse"
#define SECOND    "battery staple"

static struct ring ring;
static struct secret_source from_file = {.from = SECRET_FILE, .name = "words"};

static void setup(void)
{
    struct err err = {0};

    cr_assert_eq(heap_start(false, &(bool){false}, &err), RESULT_OK, "%s", err.text);
    home_make();
    cr_assert_eq(chdir(home), 0);
}

static void cleanup(void)
{
    cr_assert_eq(chdir("/"), 0);
    home_remove();
}

TestSuite(keystore, .init = setup, .fini = cleanup);

static struct unlock by(const char *words, struct buf *passphrase)
{
    home_file("words", words, 0600);
    return (struct unlock){.ring = &ring,
                           .file = FILE_NAME,
                           .secret = &from_file,
                           .by_passphrase = true,
                           .passphrase = passphrase,
                           .iterations = ITERATIONS_ALL};
}

static enum result got(const char *words, const char *name, struct buf *plain, struct err *err)
{
    AUTO_BUF passphrase = BUF_SECRET(SECRET_MAX);
    struct unlock unlock = by(words, &passphrase);
    bool missing;

    return keystore_get(&unlock, name, plain, &missing, err);
}

static enum result put(const char *words, const char *name, const char *text, struct err *err)
{
    AUTO_BUF passphrase = BUF_SECRET(SECRET_MAX), plain = BUF_SECRET(64);
    struct unlock unlock = by(words, &passphrase);

    buf_puts(&plain, text);
    return keystore_put(&unlock, name, &plain, true, err);
}

/* For the first passphrase and for this key, with the secrets a and b. */
static void made(EVP_PKEY *key)
{
    AUTO_BUF words = BUF_SECRET(64);
    struct recipient to[2] = {{.alg = ALG_PASSPHRASE, .passphrase = &words}, {0}};
    struct err err = {0};

    buf_puts(&words, FIRST);
    if (key != NULL)
        cr_assert_eq(
            recipient_of(key, "pkcs11:token=main;object=a?module-path=/nowhere.so", &to[1], &err),
            RESULT_OK, "%s", err.text);
    cr_assert_eq(keystore_create(FILE_NAME, to, key != NULL ? 2 : 1, &err), RESULT_OK, "%s",
                 err.text);
    recipient_free(&to[1]);
    cr_assert_eq(put(FIRST, "a", "secret a", &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(put(FIRST, "b", "secret b", &err), RESULT_OK, "%s", err.text);
}

static void holds(const char *words)
{
    AUTO_BUF a = BUF_SECRET(JWE_PLAIN_MAX), b = BUF_SECRET(JWE_PLAIN_MAX);
    struct err err = {0};

    cr_assert_eq(got(words, "a", &a, &err), RESULT_OK, "%s", err.text);
    cr_assert_str_eq(buf_text(&a), "secret a");
    cr_assert_eq(got(words, "b", &b, &err), RESULT_OK, "%s", err.text);
    cr_assert_str_eq(buf_text(&b), "secret b");
}

/* The content key of a JWE of the file, by the private key. */
static enum result recovered(struct keystore *store, const cJSON *jwe, EVP_PKEY *key,
                             struct buf *out, struct err *err)
{
    AUTO_PRIVATE private = {0};
    struct opener opener;

    cr_assert_eq(EVP_PKEY_up_ref(key), 1);
    cr_assert_eq(private_soft(key, &private, err), RESULT_OK);
    cr_assert_eq(opener_of(&private, &opener, err), RESULT_OK);
    return jwe_recover(&store->doc, jwe, &opener, out, err);
}

Test(keystore, who_is_removed_is_locked_out)
{
    AUTO_PKEY *key = EVP_EC_gen("P-256");
    AUTO_KEYSTORE before = KEYSTORE_INIT;
    AUTO_KEYSTORE after = KEYSTORE_INIT;
    AUTO_BUF passphrase = BUF_SECRET(SECRET_MAX), plain = BUF_SECRET(JWE_PLAIN_MAX);
    AUTO_BUF old = BUF_SECRET(JWE_KEY_ROOM), none = BUF_SECRET(JWE_KEY_ROOM);
    char kid[THUMBPRINT_LEN + 1];
    struct unlock unlock;
    struct err err = {0};
    const cJSON *jwe;

    made(key);
    cr_assert_eq(jwk_thumbprint(key, kid, &err), RESULT_OK);
    cr_assert_eq(keystore_read(FILE_NAME, &before, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(recovered(&before, before.check, key, &old, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(jwe_open(&before.doc, before.secrets->child, &old, &plain, &err), RESULT_OK);
    unlock = by(FIRST, &passphrase);
    cr_assert_eq(keystore_drop(&unlock, kid, &err), RESULT_OK, "%s", err.text);
    holds(FIRST);
    cr_assert_eq(keystore_read(FILE_NAME, &after, &err), RESULT_OK, "%s", err.text);
    cr_assert_not(keystore_has(&after, kid));
    cr_assert_eq(cJSON_GetArraySize(after.secrets), 2);
    cJSON_ArrayForEach(jwe, after.secrets)
    {
        cr_assert_eq(recovered(&after, jwe, key, &none, &err), RESULT_KEY);
        cr_assert_eq(jwe_open(&after.doc, jwe, &old, &plain, &err), RESULT_KEY,
                     "the old content key still opens %s", jwe->string);
    }
    cr_assert_eq(jwe_open(&after.doc, after.check, &old, &plain, &err), RESULT_KEY);
}

Test(keystore, the_last_one_stays)
{
    AUTO_BUF passphrase = BUF_SECRET(SECRET_MAX);
    struct unlock unlock;
    struct err err = {0};

    made(NULL);
    unlock = by(FIRST, &passphrase);
    cr_assert_eq(keystore_drop(&unlock, "", &err), RESULT_KEY);
    contains(err.text, "that is its last recipient");
    cr_assert_eq(keystore_drop(&unlock, "abc", &err), RESULT_KEY);
    contains(err.text, "it is not encrypted to key abc; it is to: a passphrase");
    holds(FIRST);
}

/* Else the last key that works could lock everybody out, itself included. */
Test(keystore, who_remains_must_open_it)
{
    AUTO_PKEY *key = EVP_EC_gen("P-384");
    AUTO_BUF passphrase = BUF_SECRET(SECRET_MAX);
    struct unlock unlock;
    struct err err = {0};

    made(key); /* whose token is not there */
    unlock = by(FIRST, &passphrase);
    cr_assert_eq(keystore_drop(&unlock, "", &err), RESULT_KEY);
    contains(err.text, "/nowhere.so");
    holds(FIRST);
}

static enum result changed(const char *old, const char *new, struct err *err)
{
    AUTO_BUF passphrase = BUF_SECRET(SECRET_MAX), words = BUF_SECRET(SECRET_MAX);
    struct unlock unlock = by(old, &passphrase);
    static const struct secret_source next = {.from = SECRET_FILE, .name = "next"};

    home_file("next", new, 0600);
    return keystore_change_passphrase(&unlock, &next, &words, err);
}

Test(keystore, another_passphrase)
{
    AUTO_PKEY *key = EVP_EC_gen("P-256");
    AUTO_KEYSTORE store = KEYSTORE_INIT;
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX), content = BUF_SECRET(JWE_KEY_ROOM);
    struct err err = {0};

    made(key);
    cr_assert_eq(changed("wrong horse", SECOND, &err), RESULT_KEY);
    contains(err.text, "the passphrase is wrong");
    cr_assert_eq(changed(FIRST, "7 bytes", &err), RESULT_KEY);
    contains(err.text, "a new passphrase needs 8 bytes or more");
    holds(FIRST);
    cr_assert_eq(changed(FIRST, SECOND, &err), RESULT_OK, "%s", err.text);
    holds(SECOND);
    cr_assert_eq(got(FIRST, "a", &plain, &err), RESULT_KEY);
    contains(err.text, "the passphrase is wrong");
    /* The key on the token was not needed, and opens it as before. */
    cr_assert_eq(keystore_read(FILE_NAME, &store, &err), RESULT_OK);
    cr_assert_eq(recovered(&store, store.secrets->child, key, &content, &err), RESULT_OK, "%s",
                 err.text);
    cr_assert_eq(jwe_open(&store.doc, store.secrets->child, &content, &plain, &err), RESULT_OK);
    cr_assert_str_eq(buf_text(&plain), "secret a");
}

/* The program's own calls come here: it dies at the one that counts down to nothing. */
static int calls_left = -1;

static void call(void)
{
    if (calls_left >= 0 && calls_left-- == 0)
        _exit(77);
}

int fsync(int fd)
{
    call();
    return (int)syscall(SYS_fsync, fd);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    call();
    return (int)syscall(SYS_renameat, from_fd, from, to_fd, to);
}

int fchmod(int fd, mode_t mode)
{
    call();
    return (int)syscall(SYS_fchmod, fd, mode);
}

static int change_and_die(int at)
{
    struct err err = {0};
    int status = -1;
    pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid == 0) {
        AUTO_BUF passphrase = BUF_SECRET(SECRET_MAX), words = BUF_SECRET(SECRET_MAX);
        struct unlock unlock = {.ring = &ring,
                                .file = FILE_NAME,
                                .secret = &from_file,
                                .by_passphrase = true,
                                .passphrase = &passphrase,
                                .iterations = ITERATIONS_ALL};
        static const struct secret_source next = {.from = SECRET_FILE, .name = "next"};

        calls_left = at;
        _exit(keystore_change_passphrase(&unlock, &next, &words, &err) == RESULT_OK ? 0 : 1);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

Test(keystore, a_crash_leaves_the_old_file_or_the_new)
{
    AUTO_BUF plain = BUF_SECRET(JWE_PLAIN_MAX);
    struct err err = {0};
    int at, old = 0, new = 0, status = 77;

    made(NULL);
    for (at = 0; at < 10 && status == 77; at++) {
        home_file("words", FIRST, 0600);
        home_file("next", SECOND, 0600);
        status = change_and_die(at);
        buf_reset(&plain);
        if (got(FIRST, "a", &plain, &err) == RESULT_OK) {
            holds(FIRST);
            old++;
            continue;
        }
        holds(SECOND);
        new ++;
        cr_assert_eq(changed(SECOND, FIRST, &err), RESULT_OK, "%s", err.text);
    }
    cr_assert_eq(status, 0, "the last run was to end by itself");
    cr_assert_geq(old, 3, "it died before the rename");
    cr_assert_geq(new, 2, "it died behind the rename, and then not at all");
}

/* Secrets with keys of their own, and neither recipients nor check: as the first version wrote. */
static void made_by_the_first_version(void)
{
    static const char *const name[] = {"a", "b"};
    AUTO_BUF words = BUF_SECRET(64), text = BUF_INIT(KEYSTORE_MAX);
    struct recipient to = {.alg = ALG_PASSPHRASE, .passphrase = &words};
    AUTO_JSON *root = cJSON_CreateObject();
    cJSON *secrets = NULL, *jwe;
    struct err err = {0};

    buf_puts(&words, FIRST);
    cJSON_AddNumberToObject(root, "georder_keystore", 1);
    secrets = cJSON_AddObjectToObject(root, "secrets");
    for (size_t i = 0; i < 2; i++) {
        AUTO_BUF key = BUF_SECRET(CONTENT_KEY_LEN), plain = BUF_SECRET(64);
        AUTO_JSON *list = cJSON_CreateArray();

        buf_printf(&plain, "secret %s", name[i]);
        cr_assert_eq(content_key_make(&key, &err), RESULT_OK);
        cr_assert_eq(recipient_wrap(&to, &key, list, &err), RESULT_OK);
        cr_assert_eq(jwe_seal(&plain, &key, list, &jwe, &err), RESULT_OK);
        cJSON_AddItemToObject(secrets, name[i], jwe);
    }
    json_put(&text, root);
    home_file(FILE_NAME, buf_text(&text), 0600);
}

static const cJSON *wrapped_for(const struct keystore *store, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(store->secrets, name),
                                            "recipients");
}

Test(keystore, a_file_of_the_first_version)
{
    AUTO_KEYSTORE store = KEYSTORE_INIT;
    struct err err = {0};

    made_by_the_first_version();
    holds(FIRST);
    cr_assert_eq(put("wrong horse", "c", "secret c", &err), RESULT_KEY);
    contains(err.text, "the passphrase is wrong");
    cr_assert_eq(put(FIRST, "c", "secret c", &err), RESULT_OK, "%s", err.text);
    holds(FIRST);
    cr_assert_eq(keystore_read(FILE_NAME, &store, &err), RESULT_OK, "%s", err.text);
    cr_assert_not_null(store.check);
    cr_assert(keystore_has(&store, ""));
    cr_assert(cJSON_Compare(wrapped_for(&store, "a"), wrapped_for(&store, "c"), true));
    cr_assert(cJSON_Compare(wrapped_for(&store, "b"), wrapped_for(&store, "c"), true));
}

Test(keystore, a_change_of_the_first_version)
{
    struct err err = {0};

    made_by_the_first_version();
    cr_assert_eq(changed(FIRST, SECOND, &err), RESULT_OK, "%s", err.text);
    holds(SECOND);
    cr_assert_eq(put(FIRST, "a", "other", &err), RESULT_KEY);
}

/* A new secret: the recipients' wrapped keys are copied, and the initialisation vector is new. */
Test(keystore, one_content_key)
{
    AUTO_KEYSTORE store = KEYSTORE_INIT;
    struct err err = {0};
    const char *a, *b, *check;

    made(NULL);
    cr_assert_eq(keystore_read(FILE_NAME, &store, &err), RESULT_OK, "%s", err.text);
    cr_assert(cJSON_Compare(wrapped_for(&store, "a"), wrapped_for(&store, "b"), true));
    cr_assert(cJSON_Compare(wrapped_for(&store, "a"),
                            cJSON_GetObjectItemCaseSensitive(store.check, "recipients"), true));
    a = keystore_text(cJSON_GetObjectItemCaseSensitive(store.secrets, "a"), "iv");
    b = keystore_text(cJSON_GetObjectItemCaseSensitive(store.secrets, "b"), "iv");
    check = keystore_text(store.check, "iv");
    cr_assert(strcmp(a, b) != 0 && strcmp(a, check) != 0 && strcmp(b, check) != 0);
}

Test(keystore, who_it_is_encrypted_to_before_a_module_is_loaded)
{
    AUTO_PKEY *key = EVP_EC_gen("P-256");
    struct keystore_uris *uris = calloc(1, sizeof *uris);
    struct err err = {0};

    cr_assert_not_null(uris);
    cr_assert_eq(keystore_uris("none.json", uris, &err), RESULT_OK);
    cr_assert_eq(uris->count, 0);
    made(key);
    cr_assert_eq(keystore_uris(FILE_NAME, uris, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(uris->count, 1);
    cr_assert_str_eq(uris->uri[0], "pkcs11:token=main;object=a?module-path=/nowhere.so");
    free(uris);
}
