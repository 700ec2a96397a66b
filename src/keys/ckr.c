#include <stdarg.h>
#include <stdio.h>

#include "cryptoki.h"

#define CODE(name, text)                                                                           \
    {                                                                                              \
        CKR_##name, "CKR_" #name, text                                                             \
    }
static const struct {
    CK_RV rv;
    const char *name, *text;
} codes[] = {
    CODE(CANCEL, "it was cancelled"),
    CODE(HOST_MEMORY, "the module has no memory"),
    CODE(SLOT_ID_INVALID, "there is no such slot"),
    CODE(GENERAL_ERROR, "the module failed and does not say why"),
    CODE(FUNCTION_FAILED, "the module could not do it"),
    CODE(ARGUMENTS_BAD, "the module did not take the arguments"),
    CODE(NEED_TO_CREATE_THREADS, "the module needs threads that it may not have"),
    CODE(CANT_LOCK, "the module cannot lock"),
    CODE(ACTION_PROHIBITED, "the token does not permit it for this object"),
    CODE(ATTRIBUTE_READ_ONLY, "the token does not let it be changed"),
    CODE(ATTRIBUTE_SENSITIVE, "the token does not show it"),
    CODE(ATTRIBUTE_TYPE_INVALID, "the token does not know the attribute"),
    CODE(ATTRIBUTE_VALUE_INVALID, "the token does not take the attribute's value"),
    CODE(DEVICE_ERROR, "the device failed"),
    CODE(DEVICE_MEMORY, "the device is full"),
    CODE(DEVICE_REMOVED, "the device was removed"),
    CODE(CURVE_NOT_SUPPORTED, "the token does not know the curve"),
    CODE(DATA_INVALID, "the token does not take the data"),
    CODE(DATA_LEN_RANGE, "the data is too short or too long for the key"),
    CODE(ENCRYPTED_DATA_INVALID, "what was encrypted does not fit the key"),
    CODE(ENCRYPTED_DATA_LEN_RANGE, "what was encrypted is not as long as the key demands"),
    CODE(FUNCTION_CANCELED, "it was cancelled at the device"),
    CODE(FUNCTION_NOT_PARALLEL, "no function is under way"),
    CODE(FUNCTION_NOT_SUPPORTED, "the module cannot do this"),
    CODE(KEY_HANDLE_INVALID, "the key is gone"),
    CODE(KEY_TYPE_INCONSISTENT, "the key is not of a kind that can do this"),
    CODE(KEY_FUNCTION_NOT_PERMITTED, "the key is not permitted to do this"),
    CODE(MECHANISM_INVALID, "the token has not this mechanism"),
    CODE(MECHANISM_PARAM_INVALID, "the token does not take the mechanism's parameters"),
    CODE(OPERATION_NOT_INITIALIZED, "the operation was not begun"),
    CODE(OBJECT_HANDLE_INVALID, "the object is gone"),
    CODE(OPERATION_ACTIVE, "another operation is under way in the session"),
    CODE(PIN_INCORRECT, "PIN incorrect"),
    CODE(PIN_INVALID, "the PIN has a character that the token does not take"),
    CODE(PIN_LEN_RANGE, "the PIN is too short or too long for the token"),
    CODE(PIN_EXPIRED, "the PIN has expired: change it with the token's tool"),
    CODE(PIN_LOCKED, "the PIN is locked: the security officer must reset it"),
    CODE(SESSION_CLOSED, "the session was closed"),
    CODE(SESSION_COUNT, "the token gives no further session"),
    CODE(SESSION_HANDLE_INVALID, "the session is gone (was the device reset?)"),
    CODE(SESSION_READ_ONLY, "the session is read-only"),
    CODE(SESSION_PARALLEL_NOT_SUPPORTED, "the token takes serial sessions alone"),
    CODE(SESSION_EXISTS, "a session is open already"),
    CODE(SESSION_READ_ONLY_EXISTS, "a read-only session is open already"),
    CODE(SESSION_READ_WRITE_SO_EXISTS, "the security officer is logged in"),
    CODE(TEMPLATE_INCOMPLETE, "the token wants more attributes"),
    CODE(TEMPLATE_INCONSISTENT, "the token does not take these attributes together"),
    CODE(TOKEN_NOT_PRESENT, "there is no token in the slot"),
    CODE(TOKEN_NOT_RECOGNIZED, "the module does not know this token"),
    CODE(TOKEN_WRITE_PROTECTED, "the token is write-protected"),
    CODE(USER_NOT_LOGGED_IN, "not logged in"),
    CODE(USER_ALREADY_LOGGED_IN, "logged in already"),
    CODE(USER_TOO_MANY_TYPES, "the token takes no further kind of user"),
    CODE(USER_PIN_NOT_INITIALIZED, "the token has no user PIN yet"),
    CODE(USER_ANOTHER_ALREADY_LOGGED_IN, "somebody else is logged in"),
    CODE(USER_TYPE_INVALID, "the token does not know this kind of user"),
    CODE(BUFFER_TOO_SMALL, "the answer is longer than it can be"),
    CODE(RANDOM_NO_RNG, "the token has no random generator"),
    CODE(FUNCTION_REJECTED, "it was refused at the device"),
    CODE(CRYPTOKI_NOT_INITIALIZED, "the module is not initialised"),
};
#undef CODE

const char *ckr_text(CK_RV rv, char *room, size_t size)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].rv == rv) {
            (void)snprintf(room, size, "%s (%s)", codes[i].text, codes[i].name);
            return room;
        }
    (void)snprintf(room, size, "the module says CKR 0x%lx", rv);
    return room;
}

/* What a module says when its session, its objects or its token went away. A new process finds out
 * whether they are there again; this one would only hear the same. */
static bool ckr_lost(CK_RV rv)
{
    switch (rv) {
    case CKR_DEVICE_ERROR:
    case CKR_DEVICE_REMOVED:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_SESSION_CLOSED:
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_OBJECT_HANDLE_INVALID:
    case CKR_KEY_HANDLE_INVALID:
    case CKR_USER_NOT_LOGGED_IN:
    case CKR_CRYPTOKI_NOT_INITIALIZED:
        return true;
    default:
        return false;
    }
}

bool ckr_unable(CK_RV rv)
{
    switch (rv) {
    case CKR_ARGUMENTS_BAD:
    case CKR_ATTRIBUTE_TYPE_INVALID:
    case CKR_ATTRIBUTE_VALUE_INVALID:
    case CKR_CURVE_NOT_SUPPORTED:
    case CKR_FUNCTION_NOT_SUPPORTED:
    case CKR_FUNCTION_REJECTED:
    case CKR_KEY_FUNCTION_NOT_PERMITTED:
    case CKR_MECHANISM_INVALID:
    case CKR_MECHANISM_PARAM_INVALID:
    case CKR_TEMPLATE_INCONSISTENT:
        return true;
    default:
        return false;
    }
}

enum result err_ckr(struct module *module, struct err *err, CK_RV rv, const char *fmt, ...)
{
    char before[sizeof err->text], room[160];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(before, sizeof before, fmt, args);
    va_end(args);
    module->lost = module->lost || ckr_lost(rv);
    return err_set(err, RESULT_KEY, "%s: %s", before, ckr_text(rv, room, sizeof room));
}

void token_pin_state(const struct token *token, struct buf *out)
{
    static const struct {
        CK_FLAGS flag;
        const char *text;
    } states[] = {
        {CKF_USER_PIN_COUNT_LOW, "a wrong PIN was tried before"},
        {CKF_USER_PIN_FINAL_TRY, "one try is left"},
        {CKF_USER_PIN_LOCKED, "the PIN is locked"},
        {CKF_USER_PIN_TO_BE_CHANGED, "the PIN must be changed"},
    };

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if ((token->info.flags & states[i].flag) != 0)
            buf_printf(out, "%s%s", out->len > 0 ? ", " : "", states[i].text);
}
