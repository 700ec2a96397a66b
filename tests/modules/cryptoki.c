#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cryptoki.h"

#define NAME(code)                                                                                 \
    {                                                                                              \
        CKR_##code, "CKR_" #code                                                                   \
    }
static const struct {
    CK_RV rv;
    const char *name;
} names[] = {
    NAME(OK),
    NAME(HOST_MEMORY),
    NAME(SLOT_ID_INVALID),
    NAME(GENERAL_ERROR),
    NAME(FUNCTION_FAILED),
    NAME(ARGUMENTS_BAD),
    NAME(CANT_LOCK),
    NAME(ATTRIBUTE_READ_ONLY),
    NAME(ATTRIBUTE_SENSITIVE),
    NAME(ATTRIBUTE_TYPE_INVALID),
    NAME(ATTRIBUTE_VALUE_INVALID),
    NAME(ACTION_PROHIBITED),
    NAME(DATA_INVALID),
    NAME(DATA_LEN_RANGE),
    NAME(DEVICE_ERROR),
    NAME(DEVICE_MEMORY),
    NAME(DEVICE_REMOVED),
    NAME(ENCRYPTED_DATA_INVALID),
    NAME(ENCRYPTED_DATA_LEN_RANGE),
    NAME(FUNCTION_NOT_SUPPORTED),
    NAME(KEY_HANDLE_INVALID),
    NAME(KEY_SIZE_RANGE),
    NAME(KEY_TYPE_INCONSISTENT),
    NAME(KEY_FUNCTION_NOT_PERMITTED),
    NAME(MECHANISM_INVALID),
    NAME(MECHANISM_PARAM_INVALID),
    NAME(OBJECT_HANDLE_INVALID),
    NAME(OPERATION_ACTIVE),
    NAME(OPERATION_NOT_INITIALIZED),
    NAME(PIN_INCORRECT),
    NAME(PIN_INVALID),
    NAME(PIN_LEN_RANGE),
    NAME(PIN_EXPIRED),
    NAME(PIN_LOCKED),
    NAME(SESSION_COUNT),
    NAME(SESSION_HANDLE_INVALID),
    NAME(SESSION_READ_ONLY),
    NAME(SIGNATURE_INVALID),
    NAME(TEMPLATE_INCOMPLETE),
    NAME(TEMPLATE_INCONSISTENT),
    NAME(TOKEN_NOT_PRESENT),
    NAME(TOKEN_NOT_RECOGNIZED),
    NAME(TOKEN_WRITE_PROTECTED),
    NAME(USER_ALREADY_LOGGED_IN),
    NAME(USER_NOT_LOGGED_IN),
    NAME(USER_PIN_NOT_INITIALIZED),
    NAME(USER_TYPE_INVALID),
    NAME(DOMAIN_PARAMS_INVALID),
    NAME(CURVE_NOT_SUPPORTED),
    NAME(BUFFER_TOO_SMALL),
    NAME(CRYPTOKI_NOT_INITIALIZED),
    NAME(CRYPTOKI_ALREADY_INITIALIZED),
};
#undef NAME

const char *ckr_name(CK_RV rv)
{
    static char room[32];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].rv == rv)
            return names[i].name;
    (void)snprintf(room, sizeof room, "CKR 0x%lx", rv);
    return room;
}

/* By _exit: sanitizers shall not judge what the modules leak. */
void fault(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fputc('\n', stderr);
    _exit(1);
}

void must(const char *call, CK_RV rv)
{
    if (rv != CKR_OK)
        fault("%s: %s", call, ckr_name(rv));
}

struct pin pin_read(const char *file)
{
    struct pin pin;
    FILE *in = fopen(file, "re");

    if (in == NULL)
        fault("%s: %s", file, strerror(errno));
    pin.len = fread(pin.bytes, 1, sizeof pin.bytes, in);
    (void)fclose(in);
    if (pin.len > 0 && pin.bytes[pin.len - 1] == '\n')
        pin.len--;
    return pin;
}

CK_RV module_load(CK_FUNCTION_LIST **f, const char *path, const char *arguments)
{
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    CK_C_GetFunctionList list = NULL;
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (module == NULL)
        fault("%s", dlerror());
    *(void **)&list = dlsym(module, "C_GetFunctionList");
    if (list == NULL)
        fault("%s", dlerror());
    must("C_GetFunctionList", list(f));
    memcpy(&args.pReserved, &arguments, sizeof arguments);
    return (*f)->C_Initialize(&args);
}

void text_unpad(char *to, const unsigned char *from, size_t len)
{
    while (len > 0 && (from[len - 1] == ' ' || from[len - 1] == '\0'))
        len--;
    memcpy(to, from, len);
    to[len] = '\0';
}

CK_ULONG token_slots(CK_FUNCTION_LIST *f, CK_SLOT_ID slots[SLOTS_MAX])
{
    CK_ULONG count = SLOTS_MAX;

    must("C_GetSlotList", f->C_GetSlotList(CK_TRUE, slots, &count));
    return count;
}

struct token token_find(CK_FUNCTION_LIST *f, const char *label)
{
    struct token token = {.f = f}, found = {.f = NULL};
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = token_slots(f, slots);
    char text[sizeof token.info.label + 1];

    for (CK_ULONG i = 0; i < count; i++) {
        token.slot = slots[i];
        if (f->C_GetTokenInfo(token.slot, &token.info) != CKR_OK)
            continue;
        text_unpad(text, token.info.label, sizeof token.info.label);
        if (strcmp(text, label) != 0)
            continue;
        if (found.f != NULL)
            fault("two tokens have the label %s", label);
        found = token;
    }
    if (found.f == NULL)
        fault("no token has the label %s", label);
    return found;
}

CK_RV token_open(struct token *token, CK_USER_TYPE user, const struct pin *pin)
{
    unsigned char copy[PIN_MAX];
    CK_RV rv = token->f->C_OpenSession(token->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                       &token->session);

    if (rv != CKR_OK || pin == NULL)
        return rv;
    memcpy(copy, pin->bytes, pin->len);
    return token->f->C_Login(token->session, user, copy, pin->len);
}

CK_ULONG objects_find(const struct token *token, CK_OBJECT_CLASS class, const char *label,
                      CK_OBJECT_HANDLE *found, CK_ULONG max)
{
    CK_ATTRIBUTE query[2];
    CK_ULONG terms = 0, count = 0;

    if (class != ANY_CLASS)
        query[terms++] = (CK_ATTRIBUTE){CKA_CLASS, &class, sizeof class};
    if (label != NULL) {
        query[terms] = (CK_ATTRIBUTE){.type = CKA_LABEL, .ulValueLen = strlen(label)};
        memcpy(&query[terms++].pValue, &label, sizeof label);
    }
    must("C_FindObjectsInit", token->f->C_FindObjectsInit(token->session, query, terms));
    must("C_FindObjects", token->f->C_FindObjects(token->session, found, max, &count));
    must("C_FindObjectsFinal", token->f->C_FindObjectsFinal(token->session));
    return count;
}
