/* The role over a SoftHSM token and over a keystore: keys made, records and checkpoints signed. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper_keys.h"
#include "helper_verify.h"

#define ROOT64 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define STORED "keystore:keys.json?name=audit&passphrase-source=file:passphrase"

static void start(void)
{
    home_make();
    token_make("main");
}

TestSuite(sign, .init = start, .fini = home_remove);

/* Makes the key, ends, opens it again: what was made is there. */
static struct child made_and_opened(const char *uri, struct buf *spki)
{
    struct child child = role_start();
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG again = MSG_INIT;
    const char *bytes;
    size_t len;

    role_open(&child, uri, "", MSG_KEYS_READY, &ready);
    cr_assert_str_eq(get_text(&ready), "");
    role_create(&child);
    role_end(&child);
    child = role_start();
    role_open(&child, uri, "", MSG_KEYS_READY, &again);
    cr_assert_str_eq(get_text(&again), "ES256");
    bytes = get_bytes(&again, &len);
    buf_put(spki, bytes, len);
    contains(get_text(&again), "seccomp=");
    return child;
}

static void line_of(struct msg *answer, char *out, size_t size)
{
    size_t len;
    const char *bytes = get_bytes(answer, &len);

    cr_assert_lt(len, size);
    memcpy(out, bytes, len);
    out[len] = '\0';
}

static void kid_check(const struct buf *header)
{
    const char *kid = strstr(header->data, "\"kid\":\"");

    cr_assert_eq(strncmp(header->data, "{\"alg\":\"ES256\",\"kid\":\"", 22), 0, "%s", header->data);
    cr_assert_eq(strcspn(kid + 7, "\""), 43);
    cr_assert_str_eq(kid + 7 + 43, "\"}");
}

static void signs_records(const char *uri)
{
    AUTO_BUF spki = BUF_INIT(256);
    AUTO_BUF header = BUF_INIT(1024);
    AUTO_BUF payload = BUF_INIT(4096);
    AUTO_BUF wanted = BUF_INIT(4096);
    struct child child = made_and_opened(uri, &spki);
    AUTO_MSG first = MSG_INIT;
    AUTO_MSG second = MSG_INIT;
    AUTO_MSG third = MSG_INIT;
    AUTO_MSG fourth = MSG_INIT;
    char line[8192], previous[SHA256_HEX_LEN + 1];

    sign_ask(&child, 5, ZEROS64, MSG_KEYS_LINE, &first);
    line_of(&first, line, sizeof line);
    line_verify(line, &spki, &header, &payload);
    record_text(&wanted, 5, ZEROS64);
    cr_assert_str_eq(payload.data, wanted.data);
    kid_check(&header);
    sha256_hex(line, strlen(line), previous);
    sign_ask(&child, 6, ZEROS64, MSG_KEYS_FAILED, &second);
    fails_with(&second, RESULT_KEY, "refused to sign: unmapped.georder.previous is not");
    sign_ask(&child, 6, previous, MSG_KEYS_LINE, &third);
    sign_ask(&child, 6, previous, MSG_KEYS_FAILED, &fourth);
    fails_with(&fourth, RESULT_KEY,
               "refused to sign: metadata.sequence is 6, but 6 was signed already");
    role_end(&child);
}

Test(sign, records_by_a_token)
{
    signs_records(KEY);
}

Test(sign, records_by_a_keystore)
{
    signs_records(STORED);
}

static void checkpoint_ask(struct child *child, uint64_t size, enum msg_type expected,
                           struct msg *answer)
{
    AUTO_BUF body = BUF_INIT(128);

    put_u64(&body, size);
    put_bytes(&body, "0123456789abcdef0123456789abcdef", 32);
    ask(child, MSG_KEYS_CHECKPOINT, &body, -1, expected, answer);
}

Test(sign, checkpoints)
{
    AUTO_BUF spki = BUF_INIT(256);
    struct child child = made_and_opened(KEY, &spki);
    AUTO_MSG first = MSG_INIT;
    AUTO_MSG again = MSG_INIT;
    AUTO_MSG back = MSG_INIT;
    char note[2048];

    checkpoint_ask(&child, 12, MSG_KEYS_NOTE, &first);
    line_of(&first, note, sizeof note);
    note_verify(note, &spki, ORIGIN "\n12\n" ROOT64 "\n", "ES256");
    checkpoint_ask(&child, 12, MSG_KEYS_NOTE, &again);
    checkpoint_ask(&child, 11, MSG_KEYS_FAILED, &back);
    fails_with(&back, RESULT_KEY, "refused to sign: a checkpoint of 11 records, after one of 12");
    role_end(&child);
}

/* A payload that makes a line of 65,535 bytes, or one byte of payload more. */
static void long_payload(struct buf *out, size_t len)
{
    AUTO_BUF record = BUF_INIT(4096);

    record_text(&record, 0, ZEROS64);
    record.data[record.len - 1] = ',';
    buf_puts(out, buf_text(&record));
    buf_puts(out, "\"pad\":\"");
    while (out->len < len - 2)
        buf_putc(out, 'x');
    buf_puts(out, "\"}");
}

static void long_ask(struct child *child, size_t len, enum msg_type expected, struct msg *answer)
{
    AUTO_BUF payload = BUF_INIT(65536);
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);

    long_payload(&payload, len);
    put_bytes(&body, payload.data, payload.len);
    ask(child, MSG_KEYS_SIGN, &body, -1, expected, answer);
}

/* Frame 44, protected header 90 (of 67), signature 86 (of 64): 65,315 are left for the payload. */
Test(sign, the_longest_line)
{
    AUTO_BUF spki = BUF_INIT(256);
    struct child child = made_and_opened(KEY, &spki);
    AUTO_MSG longest = MSG_INIT;
    AUTO_MSG longer = MSG_INIT;
    size_t len;

    long_ask(&child, 48987, MSG_KEYS_FAILED, &longer);
    fails_with(&longer, RESULT_KEY, "refused to sign: the line would have 65536 bytes, 65535 are");
    long_ask(&child, 48986, MSG_KEYS_LINE, &longest);
    (void)get_bytes(&longest, &len);
    cr_assert_eq(len, 65535);
    role_end(&child);
}

static void missing_key(const char *uri, const char *why)
{
    struct child child = role_start();
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG answer = MSG_INIT;

    role_open(&child, uri, "", MSG_KEYS_READY, &ready);
    sign_ask(&child, 0, ZEROS64, MSG_KEYS_FAILED, &answer);
    fails_with(&answer, RESULT_KEY, why);
    role_end(&child);
}

Test(sign, without_a_key)
{
    missing_key(KEY, "audit.signing_key: no private key on token \"main\" matches pkcs11:");
    missing_key(STORED, "audit.signing_key: keys.json: there is no such keystore");
}

static void made_once(const char *uri, const char *why)
{
    struct child child = role_start();
    AUTO_BUF body = BUF_INIT(64);
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG answer = MSG_INIT;

    role_open(&child, uri, "", MSG_KEYS_READY, &ready);
    role_create(&child);
    role_end(&child);
    child = role_start();
    msg_free(&ready);
    role_open(&child, uri, "", MSG_KEYS_READY, &ready);
    put_text(&body, "ES256");
    ask(&child, MSG_KEYS_CREATE, &body, -1, MSG_KEYS_FAILED, &answer);
    fails_with(&answer, RESULT_KEY, why);
    role_end(&child);
}

Test(sign, a_key_is_made_once)
{
    made_once(KEY, "audit.signing_key: the key is there already; it was left alone");
    made_once(STORED, "audit.signing_key: the key is there already; it was left alone");
}

static void not_made(const char *uri, const char *alg, const char *why)
{
    struct child child = role_start();
    AUTO_BUF body = BUF_INIT(64);
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG answer = MSG_INIT;

    role_open(&child, uri, "", MSG_KEYS_READY, &ready);
    put_text(&body, alg);
    ask(&child, MSG_KEYS_CREATE, &body, -1, MSG_KEYS_FAILED, &answer);
    fails_with(&answer, RESULT_USAGE, why);
    role_end(&child);
}

Test(sign, other_algorithms_are_not_made)
{
    not_made(KEY, "HS256", "there is no key for HS256: take ES256, ES384, RS256 or PS256 to sign");
    not_made(STORED, "HS256", "there is no audit key for HS256: take ES256, ES384, RS256 or PS256");
}

#define OLD_KID "EOthVVuV5677YKAKbbfo1amIYQWMLVYyYmWIri2-G1I"

static void rotate_ask(struct child *child, const char *from, enum msg_type expected,
                       struct msg *answer)
{
    AUTO_BUF body = BUF_INIT(256);

    put_u64(&body, 7);
    put_bytes(&body, "0123456789abcdef0123456789abcdef", 32);
    put_text(&body, from);
    ask(child, MSG_KEYS_ROTATE, &body, -1, expected, answer);
}

/* header: of a line by this key. */
static void agrees(struct child *child, const struct buf *spki, const struct buf *header,
                   const char *alg)
{
    AUTO_MSG answer = MSG_INIT;
    AUTO_BUF text = BUF_INIT(1024);
    char done[2048], *signature;

    rotate_ask(child, OLD_KID, MSG_KEYS_DONE, &answer);
    line_of(&answer, done, sizeof done);
    signature = strstr(done, "\"signature\":\"");
    cr_assert_not_null(signature, "%s", done);
    signature += strlen("\"signature\":\"");
    signature[strcspn(signature, "\"")] = '\0';
    buf_printf(&text,
               "georder key rotation v1\n" ORIGIN
               "\n7\n3031323334353637383961626364656630313233343536373839616263646566\n" OLD_KID
               "\n%.43s\n",
               strstr(header->data, "\"kid\":\"") + 7);
    signature_verify(signature, spki, buf_text(&text), alg);
}

/* Makes the key, signs a record, a checkpoint and a rotation; OpenSSL holds all against the public
 * key. */
static void algorithm_signs(const char *uri, const char *alg)
{
    struct child child = role_start();
    AUTO_BUF body = BUF_INIT(64);
    AUTO_BUF spki = BUF_INIT(1024);
    AUTO_BUF header = BUF_INIT(1024);
    AUTO_BUF payload = BUF_INIT(4096);
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG made = MSG_INIT;
    AUTO_MSG again = MSG_INIT;
    AUTO_MSG signed_line = MSG_INIT;
    AUTO_MSG note = MSG_INIT;
    char line[8192];
    const char *bytes;
    size_t len;

    role_open(&child, uri, "", MSG_KEYS_READY, &ready);
    put_text(&body, alg);
    ask(&child, MSG_KEYS_CREATE, &body, -1, MSG_KEYS_DONE, &made);
    role_end(&child);
    child = role_start();
    role_open_alg(&child, uri, alg, MSG_KEYS_READY, &again);
    cr_assert_str_eq(get_text(&again), alg);
    bytes = get_bytes(&again, &len);
    buf_put(&spki, bytes, len);
    sign_ask(&child, 0, ZEROS64, MSG_KEYS_LINE, &signed_line);
    line_of(&signed_line, line, sizeof line);
    line_verify(line, &spki, &header, &payload);
    contains(header.data, alg);
    checkpoint_ask(&child, 1, MSG_KEYS_NOTE, &note);
    note_verify(get_bytes(&note, &len), &spki, ORIGIN "\n1\n" ROOT64 "\n", alg);
    agrees(&child, &spki, &header, alg);
    role_end(&child);
}

Test(sign, by_es256_on_a_token)
{
    algorithm_signs(KEY, "ES256");
}

Test(sign, by_es256_in_a_keystore)
{
    algorithm_signs(STORED, "ES256");
}

Test(sign, by_es384_on_a_token)
{
    algorithm_signs(KEY, "ES384");
}

Test(sign, by_es384_in_a_keystore)
{
    algorithm_signs(STORED, "ES384");
}

Test(sign, by_rs256_on_a_token)
{
    algorithm_signs(KEY, "RS256");
}

Test(sign, by_rs256_in_a_keystore)
{
    algorithm_signs(STORED, "RS256");
}

Test(sign, by_ps256_on_a_token)
{
    algorithm_signs(KEY, "PS256");
}

Test(sign, by_ps256_in_a_keystore)
{
    algorithm_signs(STORED, "PS256");
}

/* It signs the text of a rotation alone, from another key to its own. */
Test(sign, no_rotation_from_what_is_no_other_key)
{
    static const char *const from[] = {"", "abc", OLD_KID "I",
                                       "EOthVVuV5677YKAKbbfo1amIYQWMLVYyYm\\n"};
    AUTO_BUF spki = BUF_INIT(256);
    struct child child = made_and_opened(KEY, &spki);

    /* Once in a conversation: each has its own. */
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        AUTO_MSG ready = MSG_INIT;
        AUTO_MSG answer = MSG_INIT;

        role_end(&child);
        child = role_start();
        role_open(&child, KEY, "", MSG_KEYS_READY, &ready);
        rotate_ask(&child, from[i], MSG_KEYS_FAILED, &answer);
        fails_with(&answer, RESULT_KEY, "refused to sign: a rotation is from another key");
    }
    role_end(&child);
}

/* Without a word in the config the key decides; with one it must fit. */
Test(sign, keys_of_other_tools)
{
    struct child child = role_start();
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG answer = MSG_INIT;

    pkcs11_tool("main", (const char *const[]){"--keypairgen", "--key-type", "EC:secp384r1",
                                              "--label", "audit", "--id", "01", NULL});
    role_open(&child, KEY, "", MSG_KEYS_READY, &ready);
    cr_assert_str_eq(get_text(&ready), "ES384");
    sign_ask(&child, 0, ZEROS64, MSG_KEYS_LINE, &answer);
    role_end(&child);
    msg_free(&answer);
    child = role_start();
    role_open_alg(&child, KEY, "PS256", MSG_KEYS_FAILED, &answer);
    fails_with(&answer, RESULT_KEY, "the key is P-384, which does not sign by PS256");
    role_end(&child);
    pkcs11_tool("main", (const char *const[]){"--keypairgen", "--key-type", "rsa:1024", "--label",
                                              "old", "--id", "02", NULL});
    open_fails("pkcs11:token=main;object=old" QUERY, "", RESULT_KEY,
               "the RSA key has 1024 bits: take one of 2048 to 4096");
    pkcs11_tool("main", (const char *const[]){"--keypairgen", "--key-type", "EC:secp521r1",
                                              "--label", "large", "--id", "03", NULL});
    open_fails("pkcs11:token=main;object=large" QUERY, "", RESULT_KEY,
               "on a curve that is neither P-256 nor P-384");
}

/* Two pairs whose halves were exchanged: the private key of one, the public key of the other. */
Test(sign, halves_that_do_not_belong_together)
{
    const char *const pairs[] = {"audit", "other"};
    struct child child;
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG answer = MSG_INIT;

    for (size_t i = 0; i < 2; i++)
        pkcs11_tool("main",
                    (const char *const[]){"--keypairgen", "--key-type", "EC:prime256v1", "--label",
                                          pairs[i], "--id", i == 0 ? "01" : "02", NULL});
    pkcs11_tool("main", (const char *const[]){"--delete-object", "--type", "pubkey", "--label",
                                              "audit", NULL});
    pkcs11_tool("main", (const char *const[]){"--set-id", "01", "--type", "pubkey", "--label",
                                              "other", "--id", "02", NULL});
    child = role_start();
    role_open(&child, KEY, "", MSG_KEYS_READY, &ready);
    sign_ask(&child, 0, ZEROS64, MSG_KEYS_FAILED, &answer);
    fails_with(&answer, RESULT_KEY, "do the private and the public key belong together?");
    role_end(&child);
}

Test(sign, a_new_keystore_is_private)
{
    struct child child = role_start();
    AUTO_MSG ready = MSG_INIT;
    struct stat status;
    char path[128];

    role_open(&child, STORED, "", MSG_KEYS_READY, &ready);
    role_create(&child);
    role_end(&child);
    (void)snprintf(path, sizeof path, "%s/keys.json", home);
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
    home_file("passphrase", "another passphrase\n", 0600);
    open_fails(STORED, "", RESULT_KEY, "audit.signing_key: keys.json: the passphrase is wrong");
}

Test(sign, a_short_passphrase_makes_no_keystore)
{
    struct child child = role_start();
    AUTO_BUF body = BUF_INIT(64);
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG answer = MSG_INIT;

    home_file("passphrase", "seven77\n", 0600);
    role_open(&child, STORED, "", MSG_KEYS_READY, &ready);
    put_text(&body, "ES256");
    ask(&child, MSG_KEYS_CREATE, &body, -1, MSG_KEYS_FAILED, &answer);
    fails_with(&answer, RESULT_KEY, "a new passphrase needs 8 bytes or more");
    role_end(&child);
}
