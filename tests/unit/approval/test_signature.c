/* Signatures that must be taken: ours and ssh-keygen's verdict are one. */
#include <criterion/criterion.h>
#include <string.h>

#include "helper_approval.h"

TestSuite(signature, .init = house_make, .fini = house_remove);

static void real(const char *type, const char *bits, const char *option)
{
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    key_make("key", type, bits);
    key_sign("key", APPROVAL_POLICY, option, &sig);
    cr_assert(openssh_accepts(key_line("key"), APPROVAL_POLICY, &sig),
              "ssh-keygen refuses its own");
    expect_valid(key_line("key"), &sig);
}

Test(signature, ed25519_sha512)
{
    real("ed25519", "256", NULL);
}

Test(signature, ed25519_sha256)
{
    real("ed25519", "256", "hashalg=sha256");
}

Test(signature, ecdsa_p256)
{
    real("ecdsa", "256", NULL);
}

Test(signature, ecdsa_p384)
{
    real("ecdsa", "384", "hashalg=sha256");
}

Test(signature, ecdsa_p521)
{
    real("ecdsa", "521", NULL);
}

Test(signature, rsa_3072_sha512)
{
    real("rsa", "3072", "hashalg=sha512");
}

Test(signature, rsa_3072_sha256)
{
    real("rsa", "3072", "hashalg=sha256");
}

/* r and s come out shorter, or with the zero byte, in a share of all signatures. */
Test(signature, ecdsa_many_times)
{
    struct forge forge;
    forge_make(&forge, FORGE_ECDSA);
    for (int i = 0; i < 600; i++) {
        AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
        forge_sign(&forge, &sig);
        expect_valid(forge_line(&forge), &sig);
    }
    forge_free(&forge);
}

static void forged(enum forge_kind kind, uint8_t flags, const char *algorithm, const char *digest)
{
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    struct forge forge;
    forge_make(&forge, kind);
    forge.flags = flags;
    if (algorithm != NULL) {
        forge.algorithm = algorithm;
        forge.digest = digest;
    }
    forge_sign(&forge, &sig);
    cr_assert(openssh_accepts(forge_line(&forge), APPROVAL_POLICY, &sig), "ssh-keygen refuses it");
    expect_valid(forge_line(&forge), &sig);
    forge_free(&forge);
}

Test(signature, sk_ed25519_touched)
{
    forged(FORGE_SK_ED25519, 0x01, NULL, NULL);
}

Test(signature, sk_ed25519_touched_and_verified)
{
    forged(FORGE_SK_ED25519, 0x05, NULL, NULL);
}

Test(signature, sk_ecdsa_touched)
{
    forged(FORGE_SK_ECDSA, 0x01, NULL, NULL);
}

Test(signature, sk_ecdsa_touched_and_verified)
{
    forged(FORGE_SK_ECDSA, 0x05, NULL, NULL);
}

Test(signature, rsa_sha2_256_and_512)
{
    forged(FORGE_RSA, 0, "rsa-sha2-256", "SHA256");
    forged(FORGE_RSA, 0, "rsa-sha2-512", "SHA512");
}

/* Other makers of such files break lines elsewhere, or end without a newline. */
Test(signature, lines_of_another_width_and_no_last_newline)
{
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    struct forge forge;
    forge_make(&forge, FORGE_ED25519);
    forge.width = 76;
    forge_sign(&forge, &sig);
    sig.len--;
    cr_assert(openssh_accepts(forge_line(&forge), APPROVAL_POLICY, &sig));
    expect_valid(forge_line(&forge), &sig);
    forge_free(&forge);
}

Test(signature, the_fingerprint_is_that_of_ssh_keygen)
{
    const char *const argv[] = {"ssh-keygen", "-l", "-f", "key.pub", NULL};
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    AUTO_BUF said = BUF_INIT(4096);
    struct approval got;
    key_make("key", "ed25519", "256");
    key_sign("key", APPROVAL_POLICY, NULL, &sig);
    cr_assert_eq(house_run(NULL, argv), 0);
    house_read("out", &said);
    struct approvers *approvers = approvers_one(key_line("key"));
    check_as_alice(approvers, &sig, &got);
    cr_assert_eq(strlen(got.fingerprint), FINGERPRINT_LEN);
    cr_assert_not_null(strstr(buf_text(&said), got.fingerprint));
    const struct principal *alice = approvers_find(approvers, "alice@example.com");
    cr_assert_str_eq(alice->key[0].fingerprint, got.fingerprint);
    cr_assert_str_eq(alice->key[0].type, "ssh-ed25519");
    approvers_free(&approvers);
}
