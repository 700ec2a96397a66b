/* What is no trust list, and where: each row is the good one with one change. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "helper_approval.h"

static struct buf good = BUF_INIT(16384);
static const char *ed1, *ed2, *ec, *third;

static void make(const char *type, const char *bits)
{
    house_make();
    key_make("ed1", "ed25519", "256");
    key_make("ed2", "ed25519", "256");
    key_make("ec", "ecdsa", "256");
    key_make("third", type, bits);
    ed1 = strdup(key_line("ed1"));
    ed2 = strdup(key_line("ed2"));
    ec = strdup(key_line("ec"));
    third = strdup(key_line("third"));
    buf_printf(&good,
               "{\"georder_approvers\": 1, \"revision\": 3, \"threshold\": 2,\n"
               "\"approvers\": [\n"
               " {\"principal\": \"alice@example.com\", \"users\": [\"alice\", \"EXAMPLE\\\\al\"], "
               "\"groups\": [\"pki-oncall\", \"leads\"],\n"
               "  \"keys\": [\n"
               "   {\"key\": \"%s\", \"valid_after\": \"2026-01-01T00:00:00Z\", \"valid_before\": "
               "\"2027-01-01T00:00:00Z\"},\n"
               "   {\"key\": \"%s\", \"user_verification\": false}]},\n"
               " {\"principal\": \"bob.b+x@example.com\", \"keys\": [{\"key\": \"%s\"}]},\n"
               " {\"principal\": \"c\", \"keys\": [{\"key\": \"%s\"}]}]}\n",
               ed1, ec, third, ed2);
}

static void setup(void)
{
    make("ed25519", "256");
}

/* Making an RSA key takes its time: only where it matters. */
static void setup_rsa(void)
{
    make("rsa", "3072");
}

static void teardown(void)
{
    free((char *)(uintptr_t)ed1);
    free((char *)(uintptr_t)ed2);
    free((char *)(uintptr_t)ec);
    free((char *)(uintptr_t)third);
    buf_free(&good);
    house_remove();
}

TestSuite(approvers, .init = setup, .fini = teardown);
TestSuite(approvers_rsa, .init = setup_rsa, .fini = teardown);

static enum result load(const struct buf *text, struct approvers **out, struct err *err)
{
    return approvers_load("approvers.json", buf_text(text), text->len, out, err);
}

Test(approvers, the_good_one_says_all)
{
    struct approvers *list = NULL;
    struct approvers_facts facts;
    struct err err = {0};
    char digest[SHA256_HEX_LEN + 1];
    int64_t after = 0, before = 0;
    cr_assert_eq(load(&good, &list, &err), RESULT_OK, "%s", err.text);
    approvers_facts(list, &facts);
    sha256_hex(buf_text(&good), good.len, digest);
    cr_assert_eq(facts.revision, 3);
    cr_assert_eq(facts.threshold, 2);
    cr_assert_eq(facts.principals, 3);
    cr_assert_str_eq(facts.digest, digest);
    const struct principal *alice = approvers_principal(list, 0);
    cr_assert_str_eq(alice->name, "alice@example.com");
    cr_assert_eq(alice->users, 2);
    cr_assert(principal_is_user(alice, "alice") && principal_is_user(alice, "EXAMPLE\\al"));
    cr_assert(!principal_is_user(alice, "al") && !principal_is_user(alice, "Alice"));
    cr_assert_eq(alice->groups, 2);
    cr_assert_str_eq(alice->group[1], "leads");
    cr_assert_eq(alice->keys, 2);
    cr_assert_str_eq(alice->key[1].type, "ecdsa-sha2-nistp256");
    cr_assert(time_parse("2026-01-01T00:00:00Z", &after));
    cr_assert(time_parse("2027-01-01T00:00:00Z", &before));
    cr_assert_eq(alice->key[0].valid_after, after);
    cr_assert_eq(alice->key[0].valid_before, before);
    cr_assert_eq(alice->key[1].valid_after, 0);
    cr_assert_eq(alice->key[1].valid_before, INT64_MAX);
    cr_assert_eq(approvers_find(list, "c"), approvers_principal(list, 2));
    cr_assert_null(approvers_find(list, "C"));
    cr_assert_null(approvers_find(list, ""));
    cr_assert_eq(approvers_find(list, "c")->users, 0);
    approvers_free(&list);
    cr_assert_null(list);
}

static void edit(struct buf *out, const char *what, const char *with)
{
    const char *at = strstr(buf_text(&good), what);
    cr_assert_not_null(at, "not in the list: %s", what);
    buf_put(out, good.data, (size_t)(at - good.data));
    buf_puts(out, with);
    buf_puts(out, at + strlen(what));
}

static void refused(const char *what, const char *with, const char *error)
{
    AUTO_BUF text = BUF_INIT(32768);
    struct approvers *list = NULL;
    struct err err = {0};
    edit(&text, what, with);
    cr_assert_eq(load(&text, &list, &err), RESULT_CONFIG, "%s for %s is taken", with, what);
    cr_assert_null(list);
    cr_assert_eq(strncmp(err.text, "approvers.json:", 15), 0, "%s", err.text);
    cr_assert(strstr(err.text, error) != NULL, "\"%s\" is not in \"%s\"", error, err.text);
}

Test(approvers, head)
{
    refused("\"georder_approvers\": 1", "\"georder_approvers\": 2",
            "1:23: /georder_approvers: this program reads format 1 only");
    refused("\"revision\": 3, ", "", "member \"revision\" is missing");
    refused("\"revision\": 3", "\"revision\": 0", "1:38: /revision: must be an integer from 1");
    refused("\"revision\": 3", "\"Revision\": 3", "/Revision: unknown member");
    refused("\"threshold\": 2", "\"threshold\": 0", "/threshold: must be an integer from 1 to 3");
    refused("\"threshold\": 2", "\"threshold\": 4", "/threshold: must be an integer from 1 to 3");
    refused("\"threshold\": 2", "\"threshold\": 1.5", "plain integers");
    refused("\"threshold\": 2,", "", "member \"threshold\" is missing");
    refused("\"threshold\": 2,", "\"threshold\": 2, \"threshold\": 1,", "second member");
    refused("{\"georder_approvers\"", "[{\"georder_approvers\"", "approvers.json:");
    refused("]}\n", "]}\n}", "approvers.json:");
}

Test(approvers, c_a_principal_is_one_plain_name)
{
    static const char *const bad[] = {"*@example.com", "alice@*",  "alic?",       "!alice",
                                      "alice,bob",     "a b",      "alice/..",    "..",
                                      ".alice",        "-alice",   "@",           "Alice",
                                      "\\u00e4",       "a\\u0000", "alice\\tbob", "a;b",
                                      "$(id)",         "a'b",      "a\\\\b",      "_a"};
    AUTO_BUF with = BUF_INIT(1024);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        buf_reset(&with);
        buf_printf(&with, "\"principal\": \"%s\"", bad[i]);
        refused("\"principal\": \"c\"", buf_text(&with), "approvers.json:8:");
    }
    refused("\"principal\": \"c\"", "\"principal\": \"*@example.com\"",
            "8:16: /approvers/2/principal: is not a principal: lower-case letters");
    refused("\"principal\": \"c\"", "\"principal\": \"\"", "/approvers/2/principal: must not be");
    refused("\"principal\": \"c\"", "\"principal\": \"alice@example.com\"",
            "/approvers/2/principal: stands here twice");
    refused("\"principal\": \"c\", ", "", "/approvers/2: member \"principal\" is missing");
}

Test(approvers, the_longest_principal_is_a_files_name)
{
    char name[PRINCIPAL_LEN + 2];
    memset(name, 'a', sizeof name);
    name[PRINCIPAL_LEN] = '\0';
    cr_assert(principal_valid(name));
    name[PRINCIPAL_LEN] = 'a';
    name[PRINCIPAL_LEN + 1] = '\0';
    cr_assert(!principal_valid(name));
    cr_assert(!principal_valid(""));
}

Test(approvers, c_times_are_utc)
{
    static const char *const bad[] = {"2026-01-01T00:00:00",
                                      "2026-01-01T00:00:00+00:00",
                                      "2026-01-01",
                                      "20260101000000Z",
                                      "20260101",
                                      "2026-02-30T00:00:00Z",
                                      "tomorrow"};
    AUTO_BUF with = BUF_INIT(1024);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        buf_reset(&with);
        buf_printf(&with, "\"valid_after\": \"%s\"", bad[i]);
        refused("\"valid_after\": \"2026-01-01T00:00:00Z\"", buf_text(&with),
                "/approvers/0/keys/0/valid_after: is not a time in UTC");
    }
    refused("\"valid_before\": \"2027", "\"valid_before\": \"2026",
            "/approvers/0/keys/0/valid_before: is not later than valid_after");
    refused("\"valid_before\": \"2027-01-01T00:00:00Z\"", "\"valid_before\": null", "valid_before");
    refused("\"valid_after\"", "\"valid-after\"", "unknown member \"valid-after\"");
}

Test(approvers, lists)
{
    refused("\"users\": [\"alice\"", "\"users\": [\"alice\", \"alice\"",
            "/approvers/0/users/1: stands here twice");
    refused("\"users\": [\"alice\"", "\"users\": [\" alice\"", "is not a login name");
    refused("\"users\": [\"alice\"", "\"users\": [7", "must be a string");
    refused("[\"alice\", \"EXAMPLE\\\\al\"]", "[]", "/approvers/0/users: must have 1 to 16");
    refused("[\"pki-oncall\", \"leads\"]", "[]", "/approvers/0/groups: must have 1 to 16");
    refused("\"pki-oncall\"", "\"PKI\"", "/approvers/0/groups/0: is not the name of a group");
    refused("\"pki-oncall\"", "\"leads\"", "/approvers/0/groups/1: stands here twice");
    refused("\"pki-oncall\"", "\"pki_oncall\"", "is not the name of a group");
    refused(
        "\"keys\": [{\"key\": ", "\"keys\": [], \"key\": [{\"key\": ", "unknown member \"key\"");
    refused("\"user_verification\": false", "\"user_verification\": 0", "must be true or false");
    refused("\"user_verification\": false", "\"user_verification\": true",
            "only a security key (sk-...) can show it");
}

static void key_refused(const char *with, const char *error)
{
    refused(ed2, with, error);
}

Test(approvers, c_keys_without_options_or_authorities)
{
    AUTO_BUF with = BUF_INIT(8192);
    buf_printf(&with, "cert-authority %s", ed2);
    key_refused(buf_text(&with), "/approvers/2/keys/0/key: is a certificate authority");
    buf_reset(&with);
    buf_printf(&with, "namespaces=\\\"file\\\" %s", ed2);
    key_refused(buf_text(&with), "must begin with ssh-ed25519");
    buf_reset(&with);
    buf_printf(&with, "SSH-ED25519%s", ed2 + 11);
    key_refused(buf_text(&with), "must begin with ssh-ed25519");
    buf_reset(&with);
    buf_printf(&with, "alice@example.com %s", ed2);
    key_refused(buf_text(&with), "must begin with ssh-ed25519");
    key_refused("ssh-ed25519-cert-v01@openssh.com AAAA", "is a certificate: list the key itself");
    key_refused("ssh-dss AAAA", "is a DSA key");
    key_refused("", "must not be empty");
}

Test(approvers, a_real_certificate_is_refused)
{
    const char *const argv[] = {"ssh-keygen", "-q", "-s", "ed1", "-I", "id", "ed2.pub", NULL};
    cr_assert_eq(house_run(NULL, argv), 0);
    key_refused(key_line("ed2-cert"), "is a certificate: list the key itself");
}

Test(approvers, one_key_one_person)
{
    key_refused(ed1, "/approvers/2/keys/0/key: is a key of alice@example.com already");
    refused(ec, ed1, "/approvers/0/keys/1/key: is a key of alice@example.com already");
}

/* The same point behind another type's name, the same modulus with another exponent. */
Test(approvers_rsa, the_same_key_in_other_clothes)
{
    AUTO_BUF blob = BUF_INIT(8192);
    AUTO_BUF other = BUF_INIT(8192);
    AUTO_BUF line = BUF_INIT(8192);
    const char *digits = strchr(ed1, ' ') + 1;
    cr_assert(base64_get(digits, strcspn(digits, " "), &blob));
    buf_put(&other, "\0\0\0\x1a", 4);
    buf_puts(&other, "sk-ssh-ed25519@openssh.com");
    buf_put(&other, blob.data + 15, 36);
    buf_put(&other, "\0\0\0\4ssh:", 8);
    buf_puts(&line, "sk-ssh-ed25519@openssh.com ");
    base64_put(&line, buf_text(&other), other.len);
    key_refused(buf_text(&line), "is a key of alice@example.com already");

    buf_reset(&blob);
    buf_reset(&line);
    digits = strchr(third, ' ') + 1;
    cr_assert(base64_get(digits, strcspn(digits, " "), &blob));
    cr_assert_eq(memcmp(blob.data + 11, "\0\0\0\3\1\0\1", 7), 0);
    blob.data[16] = 1;
    buf_puts(&line, "ssh-rsa ");
    base64_put(&line, buf_text(&blob), blob.len);
    key_refused(buf_text(&line), "is a key of bob.b+x@example.com already");
}

/* Each bit of a key's blob either breaks it or makes another key; never a crash. */
static void flips(const char *line, size_t *taken)
{
    AUTO_BUF blob = BUF_INIT(8192);
    const char *digits = strchr(line, ' ') + 1;
    size_t type = strcspn(line, " ");
    cr_assert(base64_get(digits, strcspn(digits, " "), &blob));
    for (size_t i = 0; i < blob.len * 8; i++) {
        AUTO_BUF text = BUF_INIT(32768);
        AUTO_BUF changed = BUF_INIT(8192);
        struct approvers *list = NULL;
        struct err err = {0};
        blob.data[i / 8] ^= (char)(1 << i % 8);
        buf_printf(&changed, "%.*s ", (int)type, line);
        base64_put(&changed, blob.data, blob.len);
        edit(&text, line, buf_text(&changed));
        *taken += load(&text, &list, &err) == RESULT_OK;
        approvers_free(&list);
        blob.data[i / 8] ^= (char)(1 << i % 8);
    }
}

Test(approvers, flipped_keys)
{
    size_t taken = 0;
    flips(ec, &taken);
    cr_assert_eq(taken, 0, "a point that is not on the curve is taken");
    flips(ed2, &taken);
    cr_assert_eq(taken, 256, "an Ed25519 key is any 32 bytes, and nothing else may change");
}

Test(approvers_rsa, cut_keys)
{
    AUTO_BUF blob = BUF_INIT(8192);
    const char *const lines[] = {ed2, ec, third};
    for (size_t k = 0; k < 3; k++) {
        const char *digits = strchr(lines[k], ' ') + 1;
        buf_reset(&blob);
        cr_assert(base64_get(digits, strcspn(digits, " "), &blob));
        for (size_t len = 0; len <= blob.len + 1; len++) {
            AUTO_BUF text = BUF_INIT(32768);
            AUTO_BUF changed = BUF_INIT(8192);
            struct approvers *list = NULL;
            struct err err = {0};
            buf_printf(&changed, "%.*s ", (int)strcspn(lines[k], " "), lines[k]);
            base64_put(&changed, blob.data, len); /* at its end: the buffer's own NUL */
            edit(&text, lines[k], buf_text(&changed));
            cr_assert_eq(load(&text, &list, &err) == RESULT_OK, len == blob.len, "%zu bytes", len);
            approvers_free(&list);
        }
    }
}

Test(approvers, key_text)
{
    AUTO_BUF with = BUF_INIT(8192);
    const char *digits = strchr(ed2, ' ') + 1;
    int len = (int)strcspn(digits, " ");
    buf_printf(&with, "ssh-ed25519  %s", digits);
    key_refused(buf_text(&with), "no canonical base64 behind one space");
    buf_reset(&with);
    buf_printf(&with, "ssh-ed25519 %.*s=", len, digits);
    key_refused(buf_text(&with), "no canonical base64");
    buf_reset(&with);
    buf_printf(&with, "ssh-ed25519 %.*s\\nssh-ed25519 AAAA", len, digits);
    key_refused(buf_text(&with), "not printable ASCII");
    buf_reset(&with);
    buf_printf(&with, "ssh-rsa %s", digits);
    key_refused(buf_text(&with), "the type before the base64 is not the one in it");
    key_refused("ssh-ed25519", "no canonical base64");
    key_refused("ssh-ed25519 ", "no canonical base64");
}

Test(approvers, too_large)
{
    struct approvers *list = NULL;
    struct err err = {0};
    struct buf large = BUF_INIT(APPROVERS_MAX + 16);
    while (large.len <= APPROVERS_MAX)
        buf_putc(&large, ' ');
    cr_assert_eq(load(&large, &list, &err), RESULT_CONFIG);
    cr_assert_not_null(strstr(err.text, "at most"));
    buf_free(&large);
}
