/*
 * Every Cryptoki function that the role calls, failing with each of the twenty most likely codes,
 * at the first, the second and the last of its calls in each operation. The calls are taken from a
 * run without a fault, so a function that the role learns to call is tested from then on. Each
 * trial must end soon, with the code's name and words or, where a failure takes nothing away, as if
 * there had been none; without a leak; and with one C_Login at most.
 */
#include <stdio.h>
#include <string.h>

#include "helper_faults.h"
#include "helper_tokens.h"

#define SHIM   "?module-path=" BINARY_DIR "/tests/shim.so&pin-source=file:pin"
#define AUDIT  "pkcs11:token=main;object=audit;type=private" SHIM
#define NEW    "pkcs11:token=main;object=new;type=private" SHIM
#define STORED "pkcs11:token=main;object=api-token;type=data" SHIM

/* Why these: each is what some module was seen to give, or must give, when ... */
static const struct code codes[] = {
    /* ... it or the host is in trouble and it does not know better */
    {0x02, "CKR_HOST_MEMORY", "the module has no memory", false},
    {0x05, "CKR_GENERAL_ERROR", "the module failed and does not say why", false},
    {0x06, "CKR_FUNCTION_FAILED", "the module could not do it", false},
    {0x07, "CKR_ARGUMENTS_BAD", "the module did not take the arguments", false},
    /* ... the device fails, is full, was pulled, was put back, or its network is gone */
    {0x30, "CKR_DEVICE_ERROR", "the device failed", true},
    {0x31, "CKR_DEVICE_MEMORY", "the device is full", false},
    {0x32, "CKR_DEVICE_REMOVED", "the device was removed", true},
    {0x03, "CKR_SLOT_ID_INVALID", "there is no such slot", false},
    {0xe0, "CKR_TOKEN_NOT_PRESENT", "there is no token in the slot", true},
    {0xb3, "CKR_SESSION_HANDLE_INVALID", "the session is gone (was the device reset?)", true},
    {0x101, "CKR_USER_NOT_LOGGED_IN", "not logged in", true},
    {0x82, "CKR_OBJECT_HANDLE_INVALID", "the object is gone", true},
    /* ... others use the device too */
    {0xb1, "CKR_SESSION_COUNT", "the token gives no further session", false},
    {0x90, "CKR_OPERATION_ACTIVE", "another operation is under way in the session", false},
    /* ... it was set up in another way than is needed */
    {0x54, "CKR_FUNCTION_NOT_SUPPORTED", "the module cannot do this", false},
    {0x70, "CKR_MECHANISM_INVALID", "the token has not this mechanism", false},
    {0xe2, "CKR_TOKEN_WRITE_PROTECTED", "the token is write-protected", false},
    {0xa0, "CKR_PIN_INCORRECT", "PIN incorrect", false},
    {0xa4, "CKR_PIN_LOCKED", "the PIN is locked: the security officer must reset it", false},
    /* ... it has codes of its own (CKR_VENDOR_DEFINED and above) */
    {0x80000005, "CKR 0x80000005", "the module says", false},
};
#define CODES (sizeof codes / sizeof codes[0])

static const struct operation opening = {"open",         AUDIT, STORED, MSG_KEYS_OPEN,
                                         MSG_KEYS_READY, false, false};
static const struct operation signing = {"sign",        AUDIT, "",  MSG_KEYS_SIGN,
                                         MSG_KEYS_LINE, false, true};
static const struct operation noting = {"checkpoint",  AUDIT, "",  MSG_KEYS_CHECKPOINT,
                                        MSG_KEYS_NOTE, false, true};
static const struct operation reading = {"credential",  "",    STORED, MSG_KEYS_CREDENTIAL,
                                         MSG_KEYS_DONE, false, false};
static const struct operation reading_logged_in = {
    "credential, logged in", AUDIT, STORED, MSG_KEYS_CREDENTIAL, MSG_KEYS_DONE, false, true};
static const struct operation storing = {"store",       "",   STORED, MSG_KEYS_COMMIT,
                                         MSG_KEYS_DONE, true, false};
static const struct operation removing = {"remove",      "",   STORED, MSG_KEYS_REMOVE,
                                          MSG_KEYS_DONE, true, false};
static const struct operation creating = {"create",      NEW,  "",   MSG_KEYS_CREATE,
                                          MSG_KEYS_DONE, true, false};
static const struct operation reporting = {"report",      AUDIT, STORED, MSG_KEYS_REPORT,
                                           MSG_KEYS_DONE, false, false};
static const struct operation closing = {"close", AUDIT, STORED, MSG_NONE, MSG_NONE, false, false};

/* The first, the second and the last of a function. */
static bool is_tried(const struct calls *calls, size_t which)
{
    const char *function = calls->call[which].function;
    size_t before = 0, behind = 0;

    for (size_t i = 0; i < calls->count; i++)
        if (i != which && strcmp(calls->call[i].function, function) == 0)
            (*(i < which ? &before : &behind))++;
    return before < 2 || behind == 0;
}

static void calls_name(const struct calls *calls, struct buf *out)
{
    char name[80];

    buf_putc(out, ' ');
    for (size_t i = 0; i < calls->count; i++) {
        (void)snprintf(name, sizeof name, " %s ", calls->call[i].function);
        if (strstr(buf_text(out), name) == NULL)
            buf_printf(out, "%s ", calls->call[i].function);
    }
}

/* One call with each of the codes; how many trials failed. */
static size_t try_call(const struct operation *operation, const char *function, unsigned long nth)
{
    AUTO_BUF failed = BUF_INIT(8192);
    char first[sizeof((struct trial *)0)->problem] = "";
    size_t count = 0;

    for (size_t i = 0; i < CODES; i++) {
        struct trial trial = {.operation = operation, .code = &codes[i], .nth = nth};

        memcpy(trial.function, function, sizeof trial.function);
        if (trial_run(&trial))
            continue;
        buf_printf(&failed, " %s", codes[i].name);
        if (count++ == 0)
            memcpy(first, trial.problem, sizeof first);
    }
    if (count > 0)
        (void)fprintf(stderr, "%s: %s, call %lu,%s: %s\n", operation->name, function, nth,
                      buf_text(&failed), first);
    return count;
}

/* functions: those without which the operation cannot be, so that no empty list passes. */
static void try_all(const struct operation *operation, const char *const functions[])
{
    struct calls calls = {0};
    AUTO_BUF names = BUF_INIT(4096);
    size_t trials = 0, failed = 0;
    char name[80];

    calls_of(operation, &calls);
    calls_name(&calls, &names);
    for (size_t i = 0; functions[i] != NULL; i++) {
        (void)snprintf(name, sizeof name, " %s ", functions[i]);
        contains(buf_text(&names), name);
    }
    for (size_t i = 0; i < calls.count; i++)
        if (is_tried(&calls, i)) {
            trials += CODES;
            failed += try_call(operation, calls.call[i].function, calls.call[i].nth);
        }
    (void)fprintf(stderr, "%s: %zu trials, %zu failed, of%s\n", operation->name, trials, failed,
                  buf_text(&names));
    cr_assert_eq(failed, 0);
}
#define TRY_ALL(operation, ...) try_all(&(operation), (const char *const[]){__VA_ARGS__, NULL})

static void start(void)
{
    struct trial key = {.operation = &(struct operation){"first key", AUDIT, "", MSG_KEYS_CREATE,
                                                         MSG_KEYS_DONE, false, false}};
    struct trial secret = {.operation =
                               &(struct operation){"first credential", "", STORED, MSG_KEYS_COMMIT,
                                                   MSG_KEYS_DONE, false, false}};

    home_make();
    token_make("main");
    cr_assert(trial_run(&key), "%s", key.problem);
    cr_assert(trial_run(&secret), "%s", secret.problem);
    tokens_keep();
}

TestSuite(faults, .init = start, .fini = home_remove);

Test(faults, while_it_opens)
{
    TRY_ALL(opening, "C_GetFunctionList", "C_Initialize", "C_GetInfo", "C_GetSlotList",
            "C_GetTokenInfo", "C_GetSlotInfo", "C_OpenSession", "C_Login", "C_FindObjectsInit",
            "C_FindObjects", "C_FindObjectsFinal", "C_GetAttributeValue");
}

Test(faults, while_it_signs)
{
    TRY_ALL(signing, "C_SignInit", "C_Sign");
    TRY_ALL(noting, "C_SignInit", "C_Sign");
}

Test(faults, while_it_reads_the_credential)
{
    TRY_ALL(reading, "C_Login", "C_FindObjects", "C_GetAttributeValue");
    TRY_ALL(reading_logged_in, "C_FindObjects", "C_GetAttributeValue");
}

Test(faults, while_it_stores_the_credential)
{
    TRY_ALL(storing, "C_Login", "C_OpenSession", "C_CreateObject", "C_GetAttributeValue",
            "C_DestroyObject", "C_CloseSession");
}

Test(faults, while_it_removes_the_credential)
{
    TRY_ALL(removing, "C_Login", "C_OpenSession", "C_FindObjects", "C_DestroyObject",
            "C_CloseSession");
}

Test(faults, while_it_makes_a_key)
{
    TRY_ALL(creating, "C_OpenSession", "C_GenerateKeyPair", "C_GetAttributeValue",
            "C_CloseSession");
}

Test(faults, while_it_reports)
{
    TRY_ALL(reporting, "C_GetMechanismInfo", "C_SignInit", "C_Sign", "C_GetAttributeValue");
}

Test(faults, while_it_closes)
{
    TRY_ALL(closing, "C_Logout", "C_CloseSession", "C_Finalize");
}

/* What one function in particular likes to give. */
static const struct {
    const struct operation *operation;
    const char *function;
    struct code code;
} particular[] = {
    {&opening,
     "C_Login",
     {0xa1, "CKR_PIN_INVALID", "a character that the token does not take", false}},
    {&opening, "C_Login", {0xa2, "CKR_PIN_LEN_RANGE", "the PIN is too short or too long", false}},
    {&opening, "C_Login", {0xa3, "CKR_PIN_EXPIRED", "the PIN has expired: change it with", false}},
    {&opening,
     "C_Login",
     {0x102, "CKR_USER_PIN_NOT_INITIALIZED", "the token has no user PIN yet", false}},
    {&opening,
     "C_Login",
     {0x103, "CKR_USER_TYPE_INVALID", "does not know this kind of user", false}},
    {&opening, "C_Login", {0x104, "CKR_USER_ANOTHER_ALREADY_LOGGED_IN", "somebody else is", false}},
    {&opening,
     "C_OpenSession",
     {0xe1, "CKR_TOKEN_NOT_RECOGNIZED", "does not know this token", false}},
    {&signing, "C_SignInit", {0x190, "CKR_CRYPTOKI_NOT_INITIALIZED", "is not initialised", true}},
    {&signing, "C_SignInit", {0xb0, "CKR_SESSION_CLOSED", "the session was closed", true}},
    {&signing, "C_SignInit", {0x60, "CKR_KEY_HANDLE_INVALID", "the key is gone", true}},
    {&signing,
     "C_SignInit",
     {0x63, "CKR_KEY_TYPE_INCONSISTENT", "the key is not of a kind that", false}},
    {&signing,
     "C_SignInit",
     {0x68, "CKR_KEY_FUNCTION_NOT_PERMITTED", "is not permitted to do", false}},
    {&signing,
     "C_SignInit",
     {0x71, "CKR_MECHANISM_PARAM_INVALID", "the mechanism's parameters", false}},
    {&signing, "C_Sign", {0x21, "CKR_DATA_LEN_RANGE", "the data is too short or too long", false}},
    {&signing, "C_Sign", {0x50, "CKR_FUNCTION_CANCELED", "it was cancelled at the device", false}},
    {&signing,
     "C_Sign",
     {0x91, "CKR_OPERATION_NOT_INITIALIZED", "the operation was not begun", false}},
    {&signing, "C_Sign", {0x150, "CKR_BUFFER_TOO_SMALL", "the answer is longer than", false}},
    {&signing, "C_Sign", {0x200, "CKR_FUNCTION_REJECTED", "it was refused at the device", false}},
    {&reading, "C_GetAttributeValue", {0x11, "CKR_ATTRIBUTE_SENSITIVE", "does not show it", false}},
    {&storing, "C_OpenSession", {0xe2, "CKR_TOKEN_WRITE_PROTECTED", "is write-protected", false}},
    {&storing,
     "C_OpenSession",
     {0xe2, "CKR_TOKEN_WRITE_PROTECTED", "the token is read-only; the", false}},
    {&storing, "C_CreateObject", {0x31, "CKR_DEVICE_MEMORY", "the token is full; the", false}},
    {&storing,
     "C_CreateObject",
     {0x13, "CKR_ATTRIBUTE_VALUE_INVALID", "`georder keystore create FILE --recipient URI`",
      false}},
    {&storing, "C_CreateObject", {0x12, "CKR_ATTRIBUTE_TYPE_INVALID", "know the attribute", false}},
    {&storing,
     "C_CreateObject",
     {0x13, "CKR_ATTRIBUTE_VALUE_INVALID", "the attribute's value", false}},
    {&storing,
     "C_CreateObject",
     {0xb5, "CKR_SESSION_READ_ONLY", "the session is read-only", false}},
    {&storing, "C_CreateObject", {0xd0, "CKR_TEMPLATE_INCOMPLETE", "wants more attributes", false}},
    {&storing,
     "C_CreateObject",
     {0xd1, "CKR_TEMPLATE_INCONSISTENT", "these attributes together", false}},
    {&removing,
     "C_DestroyObject",
     {0x1b, "CKR_ACTION_PROHIBITED", "does not permit it for this object", false}},
    {&creating, "C_GenerateKeyPair", {0x10, "CKR_ATTRIBUTE_READ_ONLY", "let it be changed", false}},
    {&creating,
     "C_GenerateKeyPair",
     {0x140, "CKR_CURVE_NOT_SUPPORTED", "does not know the curve", false}},
};

static unsigned long first_call(const struct operation *operation, const char *function)
{
    struct calls calls = {0};

    calls_of(operation, &calls);
    for (size_t i = 0; i < calls.count; i++)
        if (strcmp(calls.call[i].function, function) == 0)
            return calls.call[i].nth;
    cr_assert_fail("%s: %s is not called", operation->name, function);
    return 0;
}

Test(faults, of_one_function_in_particular)
{
    size_t failed = 0;

    for (size_t i = 0; i < sizeof particular / sizeof particular[0]; i++) {
        struct trial trial = {.operation = particular[i].operation, .code = &particular[i].code};

        trial.nth = first_call(trial.operation, particular[i].function);
        memcpy(trial.function, particular[i].function, strlen(particular[i].function) + 1);
        if (trial_run(&trial))
            continue;
        failed++;
        (void)fprintf(stderr, "%s: %s, call %lu, %s: %s\n", trial.operation->name, trial.function,
                      trial.nth, trial.code->name, trial.problem);
    }
    cr_assert_eq(failed, 0);
}

/* Neither a key that can leave the token stays there, nor one of which that is not known. */
static void not_made(const char *fault, const char *why)
{
    struct child child = role_start();
    AUTO_BUF body = BUF_INIT(64);
    AUTO_MSG ready = MSG_INIT;
    AUTO_MSG answer = MSG_INIT;
    AUTO_MSG line = MSG_INIT;

    home_file("calls", "", 0600);
    home_file("faults", "", 0600);
    role_open(&child, NEW, "", MSG_KEYS_READY, &ready);
    home_file("faults", fault, 0600);
    put_text(&body, "ES256");
    ask(&child, MSG_KEYS_CREATE, &body, -1, MSG_KEYS_FAILED, &answer);
    fails_with(&answer, RESULT_KEY, why);
    role_end(&child);
    home_file("faults", "", 0600);
    child = role_start();
    msg_free(&ready);
    role_open(&child, NEW, "", MSG_KEYS_READY, &ready);
    sign_ask(&child, 0, ZEROS64, MSG_KEYS_FAILED, &line);
    fails_with(&line, RESULT_KEY, "no private key on token \"main\" matches");
    role_end(&child);
}

static void not_seen(unsigned long nth)
{
    char fault[64];

    (void)snprintf(fault, sizeof fault, "C_GetAttributeValue %lu 0x6\n", nth);
    not_made(fault, "the new key was destroyed: token \"main\": cannot read an attribute: the "
                    "module could not do it (CKR_FUNCTION_FAILED)");
}

Test(faults, a_new_key_that_may_be_extractable_is_destroyed)
{
    unsigned long first = first_call(&creating, "C_GetAttributeValue");

    tokens_put_back();
    not_made("attribute 0x162 1\n", "the new key was destroyed: token \"main\" made a key that "
                                    "can be extracted, though it was told not to");
    not_made("attribute 0x103 0\n", "made a key that can be extracted");
    not_seen(first);
    not_seen(first + 1);
}
