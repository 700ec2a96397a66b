/* The API credential: stored, sent down the pipe, replaced, removed; on a token and in a keystore.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "helper_keys.h"

#define STORED "keystore:keys.json?name=api-token&passphrase-source=file:passphrase"
#define OTHER  "cfat_9876543210zyxwvutsrqponmlkjihgfedcba9876543210"

static void start(void)
{
    home_make();
    token_make("main");
}

TestSuite(secret, .init = start, .fini = home_remove);

/* Asks to take it, and if that is to be well to store it; answer is the last one. */
static void take_and_store(const char *uri, const char *email, bool rotates, const char *secret,
                           enum msg_type taken, enum msg_type stored, struct msg *answer)
{
    struct child child = role_start();
    AUTO_BUF body = BUF_INIT(512);
    AUTO_MSG ready = MSG_INIT, first = MSG_INIT;
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], secret, strlen(secret)), (ssize_t)strlen(secret));
    (void)close(ends[1]);
    role_open(&child, "", uri, MSG_KEYS_READY, &ready);
    put_text(&body, email);
    put_u32(&body, rotates);
    ask(&child, MSG_KEYS_STORE, &body, ends[0], taken, taken == MSG_KEYS_DONE ? &first : answer);
    (void)close(ends[0]);
    if (taken == MSG_KEYS_DONE)
        ask(&child, MSG_KEYS_COMMIT, NULL, -1, stored, answer);
    role_end(&child);
}

static void store(const char *uri, const char *email, const char *secret, enum msg_type stored,
                  struct msg *answer)
{
    take_and_store(uri, email, false, secret, MSG_KEYS_DONE, stored, answer);
}

static void not_taken(bool rotates, const char *email, const char *secret, enum result result,
                      const char *why)
{
    AUTO_MSG answer = MSG_INIT;

    take_and_store(SECRET, email, rotates, secret, MSG_KEYS_FAILED, MSG_NONE, &answer);
    fails_with(&answer, result, why);
}

static void stored(const char *uri, const char *email, const char *secret, const char *facts)
{
    AUTO_MSG answer = MSG_INIT;
    size_t len;

    store(uri, email, secret, MSG_KEYS_DONE, &answer);
    contains(get_bytes(&answer, &len), facts);
}

/* Asks for the credential, the stored one (0) or the pending one (1). */
static void ask_credential(struct child *child, uint32_t which, int fd, enum msg_type expected,
                           struct msg *answer)
{
    AUTO_BUF body = BUF_INIT(16);

    put_u32(&body, which);
    ask(child, MSG_KEYS_CREDENTIAL, &body, fd, expected, answer);
}

static void gives(struct child *child, uint32_t which, const char *wanted)
{
    AUTO_MSG answer = MSG_INIT;
    char got[1024] = "";
    int ends[2];
    size_t len;

    cr_assert_eq(pipe(ends), 0);
    ask_credential(child, which, ends[1], MSG_KEYS_DONE, &answer);
    (void)close(ends[1]);
    cr_assert_eq(read(ends[0], got, sizeof got - 1), (ssize_t)strlen(wanted));
    cr_assert_str_eq(got, wanted);
    cr_assert_eq(read(ends[0], got, sizeof got), 0, "the role kept its end of the pipe");
    (void)close(ends[0]);
    cr_assert_null(strstr(get_bytes(&answer, &len), wanted + 6));
}

static void piped(const char *uri, const char *wanted)
{
    struct child child = role_start();
    AUTO_MSG ready = MSG_INIT;

    role_open(&child, "", uri, MSG_KEYS_READY, &ready);
    gives(&child, 0, wanted);
    role_end(&child);
}

static void fails(const char *uri, enum msg_type type, int fd, const char *why)
{
    struct child child = role_start();
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG answer = MSG_INIT;

    role_open(&child, "", uri, MSG_KEYS_READY, &ready);
    if (type == MSG_KEYS_CREDENTIAL)
        ask_credential(&child, 0, fd, MSG_KEYS_FAILED, &answer);
    else
        ask(&child, type, NULL, fd, MSG_KEYS_FAILED, &answer);
    fails_with(&answer, RESULT_KEY, why);
    role_end(&child);
}

static void removed(const char *uri)
{
    struct child child = role_start();
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG answer = MSG_INIT;
    size_t len;

    role_open(&child, "", uri, MSG_KEYS_READY, &ready);
    ask(&child, MSG_KEYS_REMOVE, NULL, -1, MSG_KEYS_DONE, &answer);
    contains(get_bytes(&answer, &len), "{\"where\":\"");
    role_end(&child);
}

static void whole_life(const char *uri, const char *missing)
{
    fails(uri, MSG_KEYS_CREDENTIAL, 1, missing);
    stored(uri, "", TOKEN "\n", "{\"kind\":\"token\",\"hint\":\"user\",\"where\":\"");
    piped(uri, "B" TOKEN);
    stored(uri, "", OTHER, "{\"kind\":\"token\",\"hint\":\"account\"");
    piped(uri, "B" OTHER);
    stored(uri, "ops@example.com", "0123456789abcdef0123456789abcdef01234\n",
           "{\"kind\":\"global_key\",\"hint\":\"legacy\"");
    piped(uri, "Kops@example.com\n0123456789abcdef0123456789abcdef01234");
    removed(uri);
    fails(uri, MSG_KEYS_CREDENTIAL, 1, missing);
    fails(uri, MSG_KEYS_REMOVE, -1, missing);
}

Test(secret, on_a_token)
{
    whole_life(SECRET, "credential: token \"main\" holds no data object that matches pkcs11:");
}

Test(secret, in_a_keystore)
{
    AUTO_MSG answer = MSG_INIT;

    fails(STORED, MSG_KEYS_CREDENTIAL, 1, "credential: keys.json: there is no such keystore");
    store("keystore:keys.json?name=other&passphrase-source=file:passphrase", "", TOKEN,
          MSG_KEYS_DONE, &answer);
    whole_life(STORED, "keys.json: there is no secret called api-token; there are: other");
}

Test(secret, what_is_not_taken)
{
    not_taken(false, "", "", RESULT_KEY, "what was given as credential: empty");
    not_taken(false, "", "short\n", RESULT_KEY, "this is not an API token");
    not_taken(false, "", TOKEN "\n" TOKEN "\n", RESULT_KEY, "more than one line");
    not_taken(false, "", "cfk_" TOKEN, RESULT_KEY, "this is a global API key (cfk_)");
    not_taken(false, "ops@example.com", TOKEN, RESULT_KEY, "leave --email out");
    not_taken(false, "ops", "0123456789abcdef0123456789abcdef01234", RESULT_KEY,
              "not an e-mail address");
}

Test(secret, another_passphrase_adds_nothing)
{
    AUTO_MSG first = MSG_INIT;
    AUTO_MSG second = MSG_INIT;

    store(STORED, "", TOKEN, MSG_KEYS_DONE, &first);
    home_file("passphrase", "another passphrase\n", 0600);
    store("keystore:keys.json?name=second&passphrase-source=file:passphrase", "", TOKEN,
          MSG_KEYS_FAILED, &second);
    fails_with(&second, RESULT_KEY, "the passphrase is wrong");
}

Test(secret, two_objects_are_ambiguous_until_stored_again)
{
    const char *write[] = {"--write-object", NULL,        "--type",    "data",
                           "--label",        "api-token", "--private", NULL};
    char path[128];

    home_file("token", TOKEN, 0600);
    (void)snprintf(path, sizeof path, "%s/token", home);
    write[1] = path;
    pkcs11_tool("main", write);
    piped(SECRET, "B" TOKEN);
    pkcs11_tool("main", write);
    fails(SECRET, MSG_KEYS_CREDENTIAL, 1,
          "store the credential again with `georder credential put`");
    stored(SECRET, "", OTHER, "\"hint\":\"account\"");
    piped(SECRET, "B" OTHER);
}

Test(secret, a_public_object_is_refused)
{
    const char *write[] = {"--write-object", NULL, "--type", "data", "--label", "api-token", NULL};
    char path[128];

    home_file("token", TOKEN, 0600);
    (void)snprintf(path, sizeof path, "%s/token", home);
    write[1] = path;
    pkcs11_tool("main", write);
    fails(SECRET, MSG_KEYS_CREDENTIAL, 1, "is not private, it can be read without a PIN");
}

Test(secret, hostile_keystores)
{
    home_file("keys.json", "{\"georder_keystore\":2,\"secrets\":{}}", 0600);
    fails(STORED, MSG_KEYS_CREDENTIAL, 1, "/georder_keystore");
    home_file("keys.json", "{\"georder_keystore\":1,\"secrets\":[]}", 0600);
    fails(STORED, MSG_KEYS_CREDENTIAL, 1, "must be an object of at most 64 secrets");
    home_file("keys.json", "{\"georder_keystore\":1,\"secrets\":{\"api-token\":{}}}", 0600);
    fails(STORED, MSG_KEYS_CREDENTIAL, 1, "protected");
    home_file("keys.json", "{}", 0644);
    fails(STORED, MSG_KEYS_CREDENTIAL, 1, "is a secret open to group or others");
}

static void take(struct child *child, const char *secret, enum msg_type expected,
                 struct msg *answer)
{
    AUTO_BUF body = BUF_INIT(512);
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], secret, strlen(secret)), (ssize_t)strlen(secret));
    (void)close(ends[1]);
    put_text(&body, "");
    put_u32(&body, 1);
    ask(child, MSG_KEYS_STORE, &body, ends[0], expected, answer);
    (void)close(ends[0]);
}

Test(secret, a_pending_one_is_in_memory_alone)
{
    struct child child = role_start();
    AUTO_MSG ready = MSG_INIT, taken = MSG_INIT, early = MSG_INIT, done = MSG_INIT;
    AUTO_MSG first = MSG_INIT;

    store(SECRET, "", TOKEN, MSG_KEYS_DONE, &first);
    role_open(&child, "", SECRET, MSG_KEYS_READY, &ready);
    ask_credential(&child, 1, 1, MSG_KEYS_FAILED, &early);
    fails_with(&early, RESULT_KEY, "no new credential is held");
    take(&child, OTHER, MSG_KEYS_DONE, &taken);
    gives(&child, 1, "B" OTHER);
    gives(&child, 0, "B" TOKEN);
    piped(SECRET, "B" TOKEN);
    ask(&child, MSG_KEYS_COMMIT, NULL, -1, MSG_KEYS_DONE, &done);
    gives(&child, 0, "B" OTHER);
    role_end(&child);
    piped(SECRET, "B" OTHER);
}

Test(secret, what_is_no_rotation)
{
    AUTO_MSG first = MSG_INIT;

    not_taken(true, "", TOKEN, RESULT_KEY, "holds no data object that matches");
    store(SECRET, "", TOKEN, MSG_KEYS_DONE, &first);
    not_taken(true, "", TOKEN, RESULT_USAGE, "nothing to rotate: the same credential is stored");
}

Test(secret, nothing_is_committed_that_was_not_taken)
{
    struct child child = role_start();
    AUTO_MSG ready = MSG_INIT, refused = MSG_INIT, answer = MSG_INIT;

    role_open(&child, "", SECRET, MSG_KEYS_READY, &ready);
    take(&child, "short", MSG_KEYS_FAILED, &refused);
    ask(&child, MSG_KEYS_COMMIT, NULL, -1, MSG_KEYS_FAILED, &answer);
    fails_with(&answer, RESULT_KEY, "no new credential is held");
    role_end(&child);
}
