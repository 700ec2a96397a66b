/* The traps of SSH signatures, each by name: (a) to (f) of reference/policy.md 3.2. What the real
 * ssh-keygen takes and we refuse is shown by asking it, too. */
#include <criterion/criterion.h>
#include <string.h>

#include "helper_approval.h"

TestSuite(traps, .init = house_make, .fini = house_remove);

/* (a) Security keys: presence, verification, flags. */

static void sk_flags(enum forge_kind kind, uint8_t flags, const char *why)
{
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    struct forge forge;
    forge_make(&forge, kind);
    forge.flags = flags;
    forge_sign(&forge, &sig);
    cr_assert(openssh_accepts(forge_line(&forge), APPROVAL_POLICY, &sig),
              "ssh-keygen has become stricter: tell the reference");
    expect_refused(forge_line(&forge), &sig, why);
    forge_free(&forge);
}

Test(traps, a_no_touch_is_refused_that_ssh_keygen_takes)
{
    sk_flags(FORGE_SK_ED25519, 0x00, "without a touch");
    sk_flags(FORGE_SK_ECDSA, 0x00, "without a touch");
    sk_flags(FORGE_SK_ED25519, 0x04, "without a touch");
}

Test(traps, a_unknown_flags_are_refused)
{
    for (uint8_t bit = 0x80; bit != 0; bit = (uint8_t)(bit >> 1))
        if (bit != 0x01 && bit != 0x04)
            sk_flags(FORGE_SK_ED25519, (uint8_t)(0x01 | bit), "only touched (0x01)");
}

static void demand_verification(enum forge_kind kind, uint8_t flags, bool valid)
{
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF text = BUF_INIT(8192);
    struct approval got;
    struct forge forge;
    forge_make(&forge, kind);
    forge.flags = flags;
    forge_sign(&forge, &sig);
    const struct row row = {
        "alice@example.com", {forge_line(&forge)}, "\"user_verification\": true"};
    struct approvers *approvers = approvers_make(1, 1, &row, 1, &text);
    check_as_alice(approvers, &sig, &got);
    cr_assert_eq(got.valid, valid, "%s", got.why);
    cr_assert(valid || strstr(got.why, "without PIN or finger") != NULL, "%s", got.why);
    approvers_free(&approvers);
    forge_free(&forge);
}

Test(traps, a_user_verification_where_it_is_demanded)
{
    demand_verification(FORGE_SK_ED25519, 0x01, false);
    demand_verification(FORGE_SK_ED25519, 0x05, true);
    demand_verification(FORGE_SK_ECDSA, 0x01, false);
    demand_verification(FORGE_SK_ECDSA, 0x05, true);
}

/* The flags and the counter are signed: nobody can add the touch afterwards. */
Test(traps, a_flags_cannot_be_changed_afterwards)
{
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF blob = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF changed = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF digits = BUF_INIT(SIGNATURE_MAX);
    struct forge forge;
    forge_make(&forge, FORGE_SK_ED25519);
    forge.flags = 0;
    forge_sign(&forge, &sig);
    for (const char *at = strchr(buf_text(&sig), '\n') + 1; *at != '-'; at++)
        if (*at != '\n')
            buf_putc(&digits, *at);
    cr_assert(base64_get(buf_text(&digits), digits.len, &blob));
    cr_assert_eq(blob.data[blob.len - 5], 0);
    blob.data[blob.len - 5] = 1;
    armor(&blob, 70, &changed);
    expect_refused(forge_line(&forge), &changed, "is not over these bytes");
    forge_free(&forge);
}

Test(traps, a_the_application_is_signed_and_of_ssh)
{
    struct approvers *approvers = NULL;
    struct err err = {0};
    struct forge forge;
    AUTO_BUF text = BUF_INIT(8192);
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    forge_make(&forge, FORGE_SK_ED25519);
    /* The key says "ssh:", the token signed for a web site. */
    forge.application = "https://example.com";
    forge_sign(&forge, &sig);
    expect_refused(forge_line(&forge), &sig, "is not over these bytes");
    forge.blob.len -= strlen("ssh:");
    buf_puts(&forge.blob, "web:");
    buf_printf(&text,
               "{\"georder_approvers\": 1, \"revision\": 1, \"threshold\": 1, \"approvers\": "
               "[{\"principal\": \"alice\", \"keys\": [{\"key\": \"%s\"}]}]}",
               forge_line(&forge));
    cr_assert_eq(approvers_load("a.json", buf_text(&text), text.len, &approvers, &err),
                 RESULT_CONFIG);
    cr_assert_not_null(strstr(err.text, "application must begin with \"ssh:\""), "%s", err.text);
    forge_free(&forge);
}

/* (b) What an SSHSIG may hold. */

static void set_reserved(struct forge *forge)
{
    forge->reserved = "x";
}

static void set_hash(struct forge *forge)
{
    forge->hash = "sha384";
}

static void set_version(struct forge *forge)
{
    forge->version = 2;
}

static void set_tail(struct forge *forge)
{
    forge->tail = "x";
}

static void set_signature_tail(struct forge *forge)
{
    forge->signature_tail = "x";
}

static void set_raw_tail(struct forge *forge)
{
    forge->raw_tail = "x";
}

static void set_algorithm(struct forge *forge)
{
    forge->algorithm = "ssh-ed448";
}

static void set_width(struct forge *forge)
{
    forge->width = 77;
}

static void set_namespace(struct forge *forge)
{
    forge->namespace = APPROVAL_ORDER;
}

static void broken(enum forge_kind kind, void (*set)(struct forge *), const char *why)
{
    AUTO_BUF good = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF bad = BUF_INIT(SIGNATURE_MAX);
    struct forge forge;
    forge_make(&forge, kind);
    forge_sign(&forge, &good);
    expect_valid(forge_line(&forge), &good);
    set(&forge);
    forge_sign(&forge, &bad);
    expect_refused(forge_line(&forge), &bad, why);
    forge_free(&forge);
}

Test(traps, b_something_in_the_reserved_field)
{
    broken(FORGE_ED25519, set_reserved, "field that is reserved");
}

Test(traps, b_unknown_hash)
{
    broken(FORGE_ED25519, set_hash, "a hash other than sha256 and sha512");
}

Test(traps, b_unknown_version)
{
    broken(FORGE_ED25519, set_version, "SSHSIG version 2");
}

Test(traps, b_bytes_behind_any_end)
{
    static const enum forge_kind all[] = {FORGE_ED25519, FORGE_ECDSA, FORGE_RSA, FORGE_SK_ED25519,
                                          FORGE_SK_ECDSA};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        broken(all[i], set_tail, "has bytes behind its end");
        broken(all[i], set_signature_tail, "has bytes behind its end");
        broken(all[i], set_raw_tail, "numbers of a wrong length or form");
    }
}

Test(traps, b_another_algorithm_than_the_keys)
{
    broken(FORGE_ED25519, set_algorithm, "by another algorithm than its key");
    broken(FORGE_SK_ECDSA, set_algorithm, "by another algorithm than its key");
}

Test(traps, b_lines_that_are_too_long)
{
    broken(FORGE_ED25519, set_width, "is no file of ssh-keygen -Y sign");
}

Test(traps, b_another_namespace)
{
    broken(FORGE_ED25519, set_namespace,
           "was signed for \"georder-order@georder\", not for \"georder-policy@georder\"");
}

static void set_sha1(struct forge *forge)
{
    forge->algorithm = "ssh-rsa";
    forge->digest = "SHA1";
}

Test(traps, b_rsa_with_sha1)
{
    broken(FORGE_RSA, set_sha1, "not by rsa-sha2-256 or rsa-sha2-512");
}

Test(traps, b_rsa_2048_is_refused_that_ssh_keygen_takes)
{
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF text = BUF_INIT(8192);
    struct approvers *approvers = NULL;
    struct err err = {0};
    key_make("key", "rsa", "2048");
    key_sign("key", APPROVAL_POLICY, NULL, &sig);
    cr_assert(openssh_accepts(key_line("key"), APPROVAL_POLICY, &sig));
    buf_printf(&text,
               "{\"georder_approvers\": 1, \"revision\": 1, \"threshold\": 1, \"approvers\": "
               "[{\"principal\": \"alice\", \"keys\": [{\"key\": \"%s\"}]}]}",
               key_line("key"));
    cr_assert_eq(approvers_load("a.json", buf_text(&text), text.len, &approvers, &err),
                 RESULT_CONFIG);
    cr_assert_not_null(strstr(err.text, "is an RSA key of 2048 bits; 3072 to"), "%s", err.text);
}

static void edited(const char *before, const char *after, size_t cut, bool ssh_keygen_takes_it,
                   const char *why)
{
    AUTO_BUF good = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF bad = BUF_INIT(SIGNATURE_MAX);
    key_sign("key", APPROVAL_POLICY, NULL, &good);
    expect_valid(key_line("key"), &good);
    buf_puts(&bad, before);
    buf_put(&bad, buf_text(&good), good.len - cut);
    buf_puts(&bad, after);
    cr_expect_eq(openssh_accepts(key_line("key"), APPROVAL_POLICY, &bad), ssh_keygen_takes_it,
                 "\"%s\" before, \"%s\" behind, cut %zu", before, after, cut);
    expect_refused(key_line("key"), &bad, why);
}

Test(traps, b_text_before_or_behind_the_armor)
{
    key_make("key", "ed25519", "256");
    edited("", "and more\n", 0, true, "something before or behind it");
    edited("", "\n", 0, true, "something before or behind it");
    edited("", " ", 1, true, "something before or behind it");
    edited("\n", "", 0, false, "something before or behind it");
    edited(" ", "", 0, false, "something before or behind it");
    edited("", "", 28, false, "something before or behind it");
    edited("", "x", 2, false, "something before or behind it");
}

Test(traps, b_base64_that_is_not_canonical)
{
    AUTO_BUF good = BUF_INIT(SIGNATURE_MAX);
    struct forge forge;
    forge_make(&forge, FORGE_SK_ED25519);
    forge_sign(&forge, &good);
    char *end = strstr(good.data, "\n-----END");
    /* Two bytes are left over or one: the last digit has bits that must be zero. */
    cr_assert(end[-1] == '=');
    char *last = end[-2] == '=' ? end - 3 : end - 2;
    expect_valid(forge_line(&forge), &good);
    (*last)++;
    expect_refused(forge_line(&forge), &good, "base64 that is broken or not canonical");
    forge_free(&forge);
}

Test(traps, b_white_space_in_the_lines)
{
    AUTO_BUF good = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF bad = BUF_INIT(SIGNATURE_MAX);
    key_make("key", "ed25519", "256");
    key_sign("key", APPROVAL_POLICY, NULL, &good);
    buf_put(&bad, buf_text(&good), 40);
    buf_putc(&bad, '\n');
    buf_puts(&bad, buf_text(&good) + 40);
    cr_assert(openssh_accepts(key_line("key"), APPROVAL_POLICY, &bad));
    expect_refused(key_line("key"), &bad, "is no file of ssh-keygen -Y sign");
}

Test(traps, b_numbers_that_are_not_canonical)
{
    /* r with a leading zero that nothing demands: the same number, another file. */
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF bad = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF digits = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF blob = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF longer = BUF_INIT(SIGNATURE_MAX);
    struct forge forge;
    forge_make(&forge, FORGE_ECDSA);
    size_t at = 0;
    do {
        buf_reset(&sig);
        buf_reset(&digits);
        buf_reset(&blob);
        forge_sign(&forge, &sig);
        for (const char *c = strchr(buf_text(&sig), '\n') + 1; *c != '-'; c++)
            if (*c != '\n')
                buf_putc(&digits, *c);
        cr_assert(base64_get(buf_text(&digits), digits.len, &blob));
        /* magic, version, key, namespace, reserved, hash, then the signature and its algorithm. */
        at = 6 + 4 + 4 + forge.blob.len + 4 + strlen(APPROVAL_POLICY) + 4 + 4 + 6;
    } while (blob.data[at + 4 + 4 + 19 + 4 + 3] != 32);
    size_t r = at + 4 + 4 + 19 + 4;
    buf_put(&longer, blob.data, r);
    buf_put(&longer, "\0\0\0\x21\0", 5);
    buf_put(&longer, blob.data + r + 4, blob.len - r - 4);
    longer.data[at + 3]++;
    longer.data[at + 4 + 4 + 19 + 3]++;
    armor(&longer, 70, &bad);
    expect_valid(forge_line(&forge), &sig);
    expect_refused(forge_line(&forge), &bad, "numbers of a wrong length or form");
    forge_free(&forge);
}

/* (d) Line ends that were changed on the way. */

Test(traps, d_a_file_with_other_line_ends_is_another_file)
{
    static const char crlf[] = "{\"georder_policy\": 1}\r\n";
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    key_make("key", "ed25519", "256");
    key_sign_bytes("key", APPROVAL_POLICY, NULL, crlf, strlen(crlf), &sig);
    expect_refused(key_line("key"), &sig, "is not over these bytes: the file was changed");
}

Test(traps, d_a_signature_with_windows_line_ends)
{
    AUTO_BUF good = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF bad = BUF_INIT(SIGNATURE_MAX);
    key_make("key", "ed25519", "256");
    key_sign("key", APPROVAL_POLICY, NULL, &good);
    for (size_t i = 0; i < good.len; i++) {
        if (good.data[i] == '\n')
            buf_putc(&bad, '\r');
        buf_putc(&bad, good.data[i]);
    }
    expect_refused(key_line("key"), &bad, "has Windows line ends");
}

/* (e) People are counted. */

static struct approvals approvals;

static void check_all(const struct approvers *approvers, const char *const name[],
                      const struct buf signature[], size_t count)
{
    const struct signed_bytes message = {APPROVAL_POLICY, MESSAGE, strlen(MESSAGE)};
    struct signature_file files[8];
    for (size_t i = 0; i < count; i++)
        files[i] = (struct signature_file){name[i], buf_text(&signature[i]), signature[i].len};
    approvals_check(approvers, &message, files, count, NOW, &approvals);
    cr_assert_eq(approvals.count, count);
}

#define SIGNATURES                                                                                 \
    {                                                                                              \
        BUF_INIT(SIGNATURE_MAX), BUF_INIT(SIGNATURE_MAX), BUF_INIT(SIGNATURE_MAX)                  \
    }

static void signatures_free(struct buf *signature)
{
    for (size_t i = 0; i < 3; i++)
        buf_free(&signature[i]);
}

static struct approvers *two_people(void)
{
    AUTO_BUF text = BUF_INIT(16384);
    key_make("one", "ed25519", "256");
    key_make("two", "ecdsa", "256");
    key_make("bob", "ed25519", "256");
    const struct row rows[] = {{"alice@example.com", {key_line("one"), key_line("two")}, NULL},
                               {"bob@example.com", {key_line("bob")}, NULL}};
    return approvers_make(1, 2, rows, 2, &text);
}

Test(traps, e_one_person_with_two_keys_is_one)
{
    static const char *const names[] = {"alice@example.com.sig", "alice@example.com.sig",
                                        "bob@example.com.sig"};
    struct buf sig[3] = SIGNATURES;
    struct err err = {0};
    struct approvers *approvers = two_people();
    key_sign("one", APPROVAL_POLICY, NULL, &sig[0]);
    key_sign("two", APPROVAL_POLICY, NULL, &sig[1]);
    key_sign("bob", APPROVAL_POLICY, NULL, &sig[2]);
    check_all(approvers, names, sig, 2);
    cr_assert(approvals.item[0].valid && approvals.item[1].valid);
    cr_assert_eq(approvals.people, 1);
    cr_assert_eq(approvals_enough(approvers, &approvals, "policy.json", &err), RESULT_CONFIG);
    cr_assert_str_eq(err.text, "policy.json: approved by 1 of the 2 people needed");
    check_all(approvers, names, sig, 3);
    cr_assert_eq(approvals.people, 2);
    cr_assert_eq(approvals_enough(approvers, &approvals, "policy.json", &err), RESULT_OK);
    approvers_free(&approvers);
    signatures_free(sig);
}

Test(traps, e_a_signature_counts_under_its_owners_name_only)
{
    static const char *const names[] = {"alice@example.com.sig", "bob@example.com.sig",
                                        "carol@example.com.sig"};
    struct buf sig[3] = SIGNATURES;
    struct approvers *approvers = two_people();
    for (size_t i = 0; i < 3; i++)
        key_sign("one", APPROVAL_POLICY, NULL, &sig[i]);
    check_all(approvers, names, sig, 3);
    cr_assert(approvals.item[0].valid);
    cr_assert_str_eq(approvals.item[1].why,
                     "the key is not of bob@example.com but of alice@example.com: name the file "
                     "alice@example.com.sig");
    cr_assert_str_eq(approvals.item[2].why, "carol@example.com is not in approvers.json");
    cr_assert_eq(approvals.people, 1);
    approvers_free(&approvers);
    signatures_free(sig);
}

Test(traps, e_bad_signatures_are_told_and_harm_nobody)
{
    static const char *const names[] = {"alice@example.com.sig", "bob@example.com.sig",
                                        "notes.txt"};
    struct buf sig[3] = SIGNATURES;
    struct err err = {0};
    struct approvers *approvers = two_people();
    key_make("new", "ed25519", "256");
    key_sign("one", APPROVAL_POLICY, NULL, &sig[0]);
    key_sign("new", APPROVAL_POLICY, NULL, &sig[1]);
    buf_puts(&sig[2], "hello\n");
    check_all(approvers, names, sig, 3);
    cr_assert(approvals.item[0].valid && !approvals.item[1].valid && !approvals.item[2].valid);
    cr_assert_str_eq(approvals.item[1].why, "the key is not of bob@example.com in approvers.json");
    cr_assert_str_eq(approvals.item[1].type, "ssh-ed25519");
    cr_assert_eq(strlen(approvals.item[1].fingerprint), FINGERPRINT_LEN);
    cr_assert_str_eq(approvals.item[2].file, "notes.txt");
    cr_assert_str_eq(approvals.item[2].why,
                     "its name is not PRINCIPAL.sig, say alice@example.com.sig");
    cr_assert_eq(approvals_enough(approvers, &approvals, "policy.json", &err), RESULT_CONFIG);
    cr_assert_str_eq(err.text,
                     "policy.json: approved by 1 of the 2 people needed; bob@example.com.sig: the "
                     "key is not of bob@example.com in approvers.json; notes.txt: its name is not "
                     "PRINCIPAL.sig, say alice@example.com.sig");
    approvers_free(&approvers);
    signatures_free(sig);
}

Test(traps, e_more_files_than_are_read)
{
    static struct signature_file files[SIGNATURES_MAX + 1];
    const struct signed_bytes message = {APPROVAL_POLICY, MESSAGE, strlen(MESSAGE)};
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    key_make("key", "ed25519", "256");
    key_sign("key", APPROVAL_POLICY, NULL, &sig);
    for (size_t i = 0; i <= SIGNATURES_MAX; i++)
        files[i] = (struct signature_file){"alice@example.com.sig", buf_text(&sig), sig.len};
    struct approvers *approvers = approvers_one(key_line("key"));
    approvals_check(approvers, &message, files, SIGNATURES_MAX + 1, NOW, &approvals);
    cr_assert_eq(approvals.count, SIGNATURES_MAX);
    cr_assert_eq(approvals.people, 1);
    approvers_free(&approvers);
}

/* Keys have a life; the time is that of the check. */

Test(traps, e_a_key_counts_from_its_first_to_its_last_moment)
{
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF text = BUF_INIT(8192);
    const struct signed_bytes message = {APPROVAL_POLICY, MESSAGE, strlen(MESSAGE)};
    int64_t after = 0, before = 0;
    struct approval got;
    key_make("key", "ed25519", "256");
    key_sign("key", APPROVAL_POLICY, NULL, &sig);
    const struct row row = {"alice@example.com",
                            {key_line("key")},
                            "\"valid_after\": \"2026-01-01T00:00:00Z\", "
                            "\"valid_before\": \"2027-01-01T00:00:00Z\""};
    struct approvers *approvers = approvers_make(1, 1, &row, 1, &text);
    const struct signature_file file = {"alice@example.com.sig", buf_text(&sig), sig.len};
    cr_assert(time_parse("2026-01-01T00:00:00Z", &after));
    cr_assert(time_parse("2027-01-01T00:00:00Z", &before));
    approval_check(approvers, &message, &file, after - 1, &got);
    cr_assert_str_eq(got.why, "the key is valid only from 2026-01-01T00:00:00.000Z on");
    approval_check(approvers, &message, &file, after, &got);
    cr_assert(got.valid, "%s", got.why);
    approval_check(approvers, &message, &file, before - 1, &got);
    cr_assert(got.valid, "%s", got.why);
    approval_check(approvers, &message, &file, before, &got);
    cr_assert_str_eq(got.why, "the key was valid before 2027-01-01T00:00:00.000Z only: sign with a "
                              "newer one");
    approvers_free(&approvers);
}
