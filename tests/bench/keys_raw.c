/*
 * keys_raw COUNT MODULE LABEL PIN_FILE OBJECT [ARGUMENTS]: by raw Cryptoki what georder-keys does
 * until its first signature, with ES256 or RS256. Says "first" then; makes COUNT more and says how
 * many seconds they took.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "../modules/cryptoki.h"

struct input {
    CK_MECHANISM mechanism;
    unsigned char bytes[51]; /* a digest, or a DigestInfo with it (RFC 8017, 9.2, note 1) */
    CK_ULONG len;
};

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct input input_for(const struct token *token, CK_OBJECT_HANDLE key)
{
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE attribute = {CKA_KEY_TYPE, &type, sizeof type};

    must("CKA_KEY_TYPE", token->f->C_GetAttributeValue(token->session, key, &attribute, 1));
    if (type == CKK_EC)
        return (struct input){.mechanism = {CKM_ECDSA, NULL, 0}, .bytes = {1}, .len = 32};
    return (struct input){.mechanism = {CKM_RSA_PKCS, NULL, 0},
                          .bytes = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                    0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20, 1},
                          .len = 51};
}

static void sign(const struct token *token, CK_OBJECT_HANDLE key, struct input *input)
{
    unsigned char signature[1024];
    CK_ULONG len = sizeof signature;

    must("C_SignInit", token->f->C_SignInit(token->session, &input->mechanism, key));
    must("C_Sign", token->f->C_Sign(token->session, input->bytes, input->len, signature, &len));
}

static void signatures(const struct token *token, const char *object, uintmax_t count)
{
    CK_OBJECT_HANDLE key;
    struct input input;
    double start;

    if (objects_find(token, CKO_PRIVATE_KEY, object, &key, 1) != 1)
        fault("no private key %s", object);
    input = input_for(token, key);
    sign(token, key, &input);
    (void)dprintf(STDOUT_FILENO, "first\n");
    start = seconds();
    for (uintmax_t i = 0; i < count; i++)
        sign(token, key, &input);
    (void)dprintf(STDOUT_FILENO, "%.6f\n", seconds() - start);
}

int main(int argc, char **argv)
{
    CK_FUNCTION_LIST *f;
    struct token token;
    struct pin pin;

    if (argc != 6 && argc != 7)
        fault("usage: keys_raw COUNT MODULE LABEL PIN_FILE OBJECT [ARGUMENTS]");
    must("C_Initialize", module_load(&f, argv[2], argv[6]));
    token = token_find(f, argv[3]);
    pin = pin_read(argv[4]);
    must("C_Login", token_open(&token, CKU_USER, &pin));
    signatures(&token, argv[5], strtoumax(argv[1], NULL, 10));
    must("C_Finalize", f->C_Finalize(NULL));
    _exit(0); /* some modules crash when their destructors run */
}
