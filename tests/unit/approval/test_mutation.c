/* Every bit of a signature file and of what was signed matters; every cut is refused. */
#include <criterion/criterion.h>
#include <string.h>

#include "helper_approval.h"

TestSuite(mutation, .init = house_make, .fini = house_remove);

static bool valid(const struct approvers *approvers, const char *text, size_t len,
                  const char *message, size_t message_len)
{
    /* A copy of exactly this size: a read behind its end is found by AddressSanitizer. */
    char *copy = malloc(len == 0 ? 1 : len);
    const struct signed_bytes signed_bytes = {APPROVAL_POLICY, message, message_len};
    const struct signature_file file = {"alice@example.com.sig", copy, len};
    struct approval got;
    memcpy(copy, text, len);
    approval_check(approvers, &signed_bytes, &file, NOW, &got);
    cr_assert(got.valid || got.why[0] != '\0');
    free(copy);
    return got.valid;
}

static void flip_each(const char *line, const struct buf *sig)
{
    struct approvers *approvers = approvers_one(line);
    cr_assert(valid(approvers, sig->data, sig->len, MESSAGE, strlen(MESSAGE)));
    for (size_t i = 0; i < sig->len * 8; i++) {
        sig->data[i / 8] ^= (char)(1 << i % 8);
        cr_assert(!valid(approvers, sig->data, sig->len, MESSAGE, strlen(MESSAGE)),
                  "bit %zu of byte %zu does not matter", i % 8, i / 8);
        sig->data[i / 8] ^= (char)(1 << i % 8);
    }
    approvers_free(&approvers);
}

static void cut_each(const char *line, const struct buf *sig)
{
    struct approvers *approvers = approvers_one(line);
    for (size_t len = 0; len < sig->len; len++) /* without its last newline it is well */
        cr_assert_eq(valid(approvers, sig->data, len, MESSAGE, strlen(MESSAGE)),
                     len == sig->len - 1, "cut to %zu bytes", len);
    approvers_free(&approvers);
}

static void real(const char *type, const char *bits)
{
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    key_make("key", type, bits);
    key_sign("key", APPROVAL_POLICY, NULL, &sig);
    flip_each(key_line("key"), &sig);
    cut_each(key_line("key"), &sig);
}

Test(mutation, ed25519)
{
    real("ed25519", "256");
}

Test(mutation, ecdsa_p256)
{
    real("ecdsa", "256");
}

Test(mutation, ecdsa_p384)
{
    real("ecdsa", "384");
}

Test(mutation, ecdsa_p521)
{
    real("ecdsa", "521");
}

Test(mutation, rsa_3072)
{
    real("rsa", "3072");
}

static void forged(enum forge_kind kind)
{
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    struct forge forge;
    forge_make(&forge, kind);
    forge_sign(&forge, &sig);
    flip_each(forge_line(&forge), &sig);
    cut_each(forge_line(&forge), &sig);
    forge_free(&forge);
}

Test(mutation, sk_ed25519)
{
    forged(FORGE_SK_ED25519);
}

Test(mutation, sk_ecdsa)
{
    forged(FORGE_SK_ECDSA);
}

Test(mutation, the_message)
{
    static char message[] = MESSAGE;
    AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
    size_t len = strlen(message);
    key_make("key", "ed25519", "256");
    key_sign("key", APPROVAL_POLICY, NULL, &sig);
    struct approvers *approvers = approvers_one(key_line("key"));
    cr_assert(valid(approvers, sig.data, sig.len, message, len));
    for (size_t i = 0; i < len * 8; i++) {
        message[i / 8] ^= (char)(1 << i % 8);
        cr_assert(!valid(approvers, sig.data, sig.len, message, len));
        message[i / 8] ^= (char)(1 << i % 8);
    }
    cr_assert(!valid(approvers, sig.data, sig.len, message, len - 1));
    cr_assert(!valid(approvers, sig.data, sig.len, message, len + 1));
    cr_assert(!valid(approvers, sig.data, sig.len, message, 0));
    approvers_free(&approvers);
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Blobs of any content behind a good armor: lengths that lie, cuts, repeats. */
Test(mutation, random_blobs_are_refused)
{
    struct forge forge;
    uint32_t state = 20261126;
    forge_make(&forge, FORGE_ECDSA);
    struct approvers *approvers = approvers_one(forge_line(&forge));
    for (int round = 0; round < 20000; round++) {
        AUTO_BUF blob = BUF_INIT(4096);
        AUTO_BUF sig = BUF_INIT(SIGNATURE_MAX);
        buf_puts(&blob, "SSHSIG");
        buf_put(&blob, "\0\0\0\1\0\0\0\150", 8);
        buf_put(&blob, buf_text(&forge.blob), forge.blob.len);
        for (uint32_t n = next_random(&state) % 200; n > 0; n--)
            buf_putc(&blob, (char)(next_random(&state) % 3 == 0 ? next_random(&state) : 0));
        armor(&blob, 70, &sig);
        cr_assert(!valid(approvers, sig.data, sig.len, MESSAGE, strlen(MESSAGE)));
    }
    approvers_free(&approvers);
    forge_free(&forge);
}
