/*
 * token MODULE [-i ARGUMENTS] COMMAND...: what pkcs11-tool does not do, or not with NSS, which
 * wants arguments at C_Initialize. PINs come from files.
 *
 *   slots                                  each token's slot, label and flags
 *   init LABEL SO_FILE PIN_FILE [SO_PIN]   the first token without a label of the user's; SO_PIN:
 * the one it is shipped with. Twice: two tokens of one label objects LABEL PIN_FILE class, key type
 * and label of each destroy LABEL PIN_FILE [OBJECT]        all objects, or those with that label
 *   generate LABEL PIN_FILE KIND OBJECT    a key pair (cryptoki.h has the kinds); twice: two of a
 * label data LABEL PIN_FILE OBJECT             a data object of what standard input gives lock
 * LABEL TRIES                       that many wrong PINs; prints what each returned
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cryptoki.h"

static struct token opened(CK_FUNCTION_LIST *f, char **argv)
{
    struct pin pin = pin_read(argv[1]);
    struct token token = token_find(f, argv[0]);

    must("C_Login", token_open(&token, CKU_USER, &pin));
    return token;
}

static void slots(CK_FUNCTION_LIST *f, char **argv)
{
    CK_SLOT_ID ids[SLOTS_MAX];
    CK_ULONG count = token_slots(f, ids);
    CK_TOKEN_INFO info;
    char label[sizeof info.label + 1];

    (void)argv;
    for (CK_ULONG i = 0; i < count; i++) {
        must("C_GetTokenInfo", f->C_GetTokenInfo(ids[i], &info));
        text_unpad(label, info.label, sizeof info.label);
        (void)printf("%lu\t0x%lx\t%s\n", ids[i], info.flags, label);
    }
}

static CK_SLOT_ID fresh_slot(CK_FUNCTION_LIST *f)
{
    CK_SLOT_ID ids[SLOTS_MAX];
    CK_ULONG count = token_slots(f, ids);
    CK_TOKEN_INFO info;

    for (CK_ULONG i = 0; i < count; i++)
        if (f->C_GetTokenInfo(ids[i], &info) == CKR_OK &&
            (info.flags & CKF_USER_PIN_INITIALIZED) == 0)
            return ids[i];
    fault("there is no fresh token");
}

/* opencryptoki wants both PINs changed after they were set: each is set to `start` first. */
static void pin_change(struct token *token, CK_FLAGS flag, const struct pin *start,
                       const struct pin *pin)
{
    struct pin old = *start, new = *pin;

    must("C_GetTokenInfo", token->f->C_GetTokenInfo(token->slot, &token->info));
    if ((token->info.flags & flag) != 0)
        must("C_SetPIN",
             token->f->C_SetPIN(token->session, old.bytes, old.len, new.bytes, new.len));
}

static void user_pin_set(struct token *token, const struct pin *pin)
{
    struct pin start = *pin;

    start.bytes[0] ^= 1; /* of the same alphabet */
    must("C_InitPIN", token->f->C_InitPIN(token->session, start.bytes, start.len));
    must("C_GetTokenInfo", token->f->C_GetTokenInfo(token->slot, &token->info));
    if ((token->info.flags & CKF_USER_PIN_TO_BE_CHANGED) == 0) {
        start = *pin;
        must("C_InitPIN", token->f->C_InitPIN(token->session, start.bytes, start.len));
        return;
    }
    must("C_CloseSession", token->f->C_CloseSession(token->session));
    must("C_Login", token_open(token, CKU_USER, &start));
    pin_change(token, CKF_USER_PIN_TO_BE_CHANGED, &start, pin);
}

static void init(CK_FUNCTION_LIST *f, char **argv)
{
    struct token token = {.f = f, .slot = fresh_slot(f)};
    struct pin so = pin_read(argv[1]), pin = pin_read(argv[2]), first = so;
    unsigned char label[sizeof token.info.label];

    if (strlen(argv[0]) > sizeof label)
        fault("the label is too long");
    if (argv[3] != NULL)
        first.len = (CK_ULONG)snprintf((char *)first.bytes, sizeof first.bytes, "%s", argv[3]);
    memset(label, ' ', sizeof label);
    memcpy(label, argv[0], strlen(argv[0]));
    must("C_InitToken", f->C_InitToken(token.slot, first.bytes, first.len, label));
    must("C_Login", token_open(&token, CKU_SO, &first));
    pin_change(&token, CKF_SO_PIN_TO_BE_CHANGED, &first, &so);
    user_pin_set(&token, &pin);
}

static void reset(CK_FUNCTION_LIST *f, char **argv)
{
    struct token token = token_find(f, argv[0]);
    struct pin so = pin_read(argv[1]), pin = pin_read(argv[2]);

    must("C_Login", token_open(&token, CKU_SO, &so));
    user_pin_set(&token, &pin);
}

static void object_print(const struct token *token, CK_OBJECT_HANDLE object)
{
    CK_OBJECT_CLASS class = 0;
    CK_KEY_TYPE type = 0;
    char label[64] = "";
    CK_ATTRIBUTE attributes[] = {{CKA_CLASS, &class, sizeof class},
                                 {CKA_LABEL, label, sizeof label - 1},
                                 {CKA_KEY_TYPE, &type, sizeof type}};

    /* A data object has no key type. */
    (void)token->f->C_GetAttributeValue(token->session, object, attributes, 3);
    (void)printf("%lu\t%ld\t%s\n", class,
                 attributes[2].ulValueLen == sizeof type ? (long)type : -1L, label);
}

static void objects(CK_FUNCTION_LIST *f, char **argv)
{
    struct token token = opened(f, argv);
    CK_OBJECT_HANDLE found[OBJECTS_MAX];
    CK_ULONG count = objects_find(&token, ANY_CLASS, NULL, found, OBJECTS_MAX);

    for (CK_ULONG i = 0; i < count; i++)
        object_print(&token, found[i]);
}

static void destroy(CK_FUNCTION_LIST *f, char **argv)
{
    struct token token = opened(f, argv);
    CK_OBJECT_HANDLE found[OBJECTS_MAX];
    CK_ULONG count = objects_find(&token, ANY_CLASS, argv[2], found, OBJECTS_MAX);

    for (CK_ULONG i = 0; i < count; i++)
        must("C_DestroyObject", f->C_DestroyObject(token.session, found[i]));
}

static void generate(CK_FUNCTION_LIST *f, char **argv)
{
    struct token token = opened(f, argv);
    struct pair pair;

    must("C_GenerateKeyPair", pair_generate(&token, argv[2], argv[3], &pair));
}

static void data(CK_FUNCTION_LIST *f, char **argv)
{
    struct token token = opened(f, argv);
    unsigned char value[4096];
    size_t len = fread(value, 1, sizeof value, stdin);
    CK_OBJECT_HANDLE object;

    must("C_CreateObject", data_create(&token, argv[2], value, len, &object));
}

/* The session is a fresh one each time; some modules count only the first try of one. */
static void lock(CK_FUNCTION_LIST *f, char **argv)
{
    static const struct pin wrong = {"00000000", 8};
    struct token token = token_find(f, argv[0]);
    uintmax_t tries = strtoumax(argv[1], NULL, 10);

    for (uintmax_t i = 0; i < tries; i++) {
        CK_RV rv = token_open(&token, CKU_USER, &wrong);

        must("C_CloseSession", f->C_CloseSession(token.session));
        must("C_GetTokenInfo", f->C_GetTokenInfo(token.slot, &token.info));
        (void)printf("%s\t0x%lx\n", ckr_name(rv), token.info.flags);
    }
}

static const struct command {
    const char *name;
    int least, most;
    void (*run)(CK_FUNCTION_LIST *f, char **argv);
} commands[] = {
    {"slots", 0, 0, slots},     {"init", 3, 4, init},         {"objects", 2, 2, objects},
    {"destroy", 2, 3, destroy}, {"generate", 4, 4, generate}, {"data", 3, 3, data},
    {"lock", 2, 2, lock},       {"reset", 3, 3, reset},
};

static const struct command *command_find(int argc, char **argv)
{
    for (size_t i = 0; argc > 0 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[0], commands[i].name) == 0 && argc > commands[i].least &&
            argc <= commands[i].most + 1)
            return &commands[i];
    fault("usage: token MODULE [-i ARGUMENTS] COMMAND ...; token.c lists the commands");
}

int main(int argc, char **argv)
{
    bool arguments = argc > 3 && strcmp(argv[2], "-i") == 0;
    int at = arguments ? 4 : 2;
    const struct command *command = command_find(argc - at, argv + at);
    CK_FUNCTION_LIST *f;

    must("C_Initialize", module_load(&f, argv[1], arguments ? argv[3] : NULL));
    command->run(f, argv + at + 1);
    must("C_Finalize", f->C_Finalize(NULL));
    (void)fflush(stdout);
    _exit(0);
}
