/*
 * A PKCS#11 module for tests: hands every call on to a real module, and fails where it is told to.
 *
 * Environment: SHIM_MODULE, the real module (absent: SoftHSM); SHIM_DIRECTORY, absent: no faults.
 * In that directory, read anew at each call, so that a test may change it under a running process:
 *
 *   faults   one a line; blank lines and those that begin with # are passed over
 *     FUNCTION NTH CODE [sticky|all] [late]
 *                       the NTH call of FUNCTION (from 1) returns CODE; sticky: each later one too;
 *                       all: from then on, in this process, every function of a slot or a session.
 *                       late: the real module does the work before, only the answer is lost
 *     FUNCTION NTH hang     waits for ever      FUNCTION NTH crash    ends by a signal
 *     flags +0x40 or -0x8   sets or clears bits of CK_TOKEN_INFO.flags
 *     hide 0x1041           a mechanism that the token then does not have
 *     attribute 0x162 1     what every object has, it then says, as that CK_BBOOL attribute
 *   calls    if it exists: a line a call is added, FUNCTION and, where it was not just handed on,
 *            what happened instead. The numbers of calls go on from what it holds, so that a fault
 *            can be over when the process was started anew. Empty it to begin again.
 *
 * A line that is not understood ends the process, so that no test passes for want of its fault.
 * It makes do with few system calls: open, read, write, close, fstat, futex. One thread at a time.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULTS_MAX 64

typedef unsigned char *bytes;
typedef CK_ULONG *length;
typedef CK_SESSION_HANDLE session;
typedef CK_OBJECT_HANDLE object;

/* Number of parameters, name, their types. Those with a body of their own are below. */
#define FORWARDED(X)                                                                               \
    X(1, C_Initialize, void *)                                                                     \
    X(1, C_Finalize, void *)                                                                       \
    X(1, C_GetInfo, CK_INFO *)                                                                     \
    X(3, C_GetSlotList, CK_BBOOL, CK_SLOT_ID *, length)                                            \
    X(2, C_GetSlotInfo, CK_SLOT_ID, CK_SLOT_INFO *)                                                \
    X(4, C_InitToken, CK_SLOT_ID, bytes, CK_ULONG, bytes)                                          \
    X(3, C_InitPIN, session, bytes, CK_ULONG)                                                      \
    X(5, C_SetPIN, session, bytes, CK_ULONG, bytes, CK_ULONG)                                      \
    X(5, C_OpenSession, CK_SLOT_ID, CK_FLAGS, void *, CK_NOTIFY, CK_SESSION_HANDLE *)              \
    X(1, C_CloseSession, session)                                                                  \
    X(1, C_CloseAllSessions, CK_SLOT_ID)                                                           \
    X(2, C_GetSessionInfo, session, CK_SESSION_INFO *)                                             \
    X(3, C_GetOperationState, session, bytes, length)                                              \
    X(5, C_SetOperationState, session, bytes, CK_ULONG, object, object)                            \
    X(4, C_Login, session, CK_USER_TYPE, bytes, CK_ULONG)                                          \
    X(1, C_Logout, session)                                                                        \
    X(4, C_CreateObject, session, CK_ATTRIBUTE *, CK_ULONG, CK_OBJECT_HANDLE *)                    \
    X(5, C_CopyObject, session, object, CK_ATTRIBUTE *, CK_ULONG, CK_OBJECT_HANDLE *)              \
    X(2, C_DestroyObject, session, object)                                                         \
    X(3, C_GetObjectSize, session, object, length)                                                 \
    X(4, C_SetAttributeValue, session, object, CK_ATTRIBUTE *, CK_ULONG)                           \
    X(3, C_FindObjectsInit, session, CK_ATTRIBUTE *, CK_ULONG)                                     \
    X(4, C_FindObjects, session, CK_OBJECT_HANDLE *, CK_ULONG, length)                             \
    X(1, C_FindObjectsFinal, session)                                                              \
    X(3, C_EncryptInit, session, CK_MECHANISM *, object)                                           \
    X(5, C_Encrypt, session, bytes, CK_ULONG, bytes, length)                                       \
    X(5, C_EncryptUpdate, session, bytes, CK_ULONG, bytes, length)                                 \
    X(3, C_EncryptFinal, session, bytes, length)                                                   \
    X(3, C_DecryptInit, session, CK_MECHANISM *, object)                                           \
    X(5, C_Decrypt, session, bytes, CK_ULONG, bytes, length)                                       \
    X(5, C_DecryptUpdate, session, bytes, CK_ULONG, bytes, length)                                 \
    X(3, C_DecryptFinal, session, bytes, length)                                                   \
    X(2, C_DigestInit, session, CK_MECHANISM *)                                                    \
    X(5, C_Digest, session, bytes, CK_ULONG, bytes, length)                                        \
    X(3, C_DigestUpdate, session, bytes, CK_ULONG)                                                 \
    X(2, C_DigestKey, session, object)                                                             \
    X(3, C_DigestFinal, session, bytes, length)                                                    \
    X(3, C_SignInit, session, CK_MECHANISM *, object)                                              \
    X(5, C_Sign, session, bytes, CK_ULONG, bytes, length)                                          \
    X(3, C_SignUpdate, session, bytes, CK_ULONG)                                                   \
    X(3, C_SignFinal, session, bytes, length)                                                      \
    X(3, C_SignRecoverInit, session, CK_MECHANISM *, object)                                       \
    X(5, C_SignRecover, session, bytes, CK_ULONG, bytes, length)                                   \
    X(3, C_VerifyInit, session, CK_MECHANISM *, object)                                            \
    X(5, C_Verify, session, bytes, CK_ULONG, bytes, CK_ULONG)                                      \
    X(3, C_VerifyUpdate, session, bytes, CK_ULONG)                                                 \
    X(3, C_VerifyFinal, session, bytes, CK_ULONG)                                                  \
    X(3, C_VerifyRecoverInit, session, CK_MECHANISM *, object)                                     \
    X(5, C_VerifyRecover, session, bytes, CK_ULONG, bytes, length)                                 \
    X(5, C_DigestEncryptUpdate, session, bytes, CK_ULONG, bytes, length)                           \
    X(5, C_DecryptDigestUpdate, session, bytes, CK_ULONG, bytes, length)                           \
    X(5, C_SignEncryptUpdate, session, bytes, CK_ULONG, bytes, length)                             \
    X(5, C_DecryptVerifyUpdate, session, bytes, CK_ULONG, bytes, length)                           \
    X(5, C_GenerateKey, session, CK_MECHANISM *, CK_ATTRIBUTE *, CK_ULONG, CK_OBJECT_HANDLE *)     \
    X(8, C_GenerateKeyPair, session, CK_MECHANISM *, CK_ATTRIBUTE *, CK_ULONG, CK_ATTRIBUTE *,     \
      CK_ULONG, CK_OBJECT_HANDLE *, CK_OBJECT_HANDLE *)                                            \
    X(6, C_WrapKey, session, CK_MECHANISM *, object, object, bytes, length)                        \
    X(8, C_UnwrapKey, session, CK_MECHANISM *, object, bytes, CK_ULONG, CK_ATTRIBUTE *, CK_ULONG,  \
      CK_OBJECT_HANDLE *)                                                                          \
    X(6, C_DeriveKey, session, CK_MECHANISM *, object, CK_ATTRIBUTE *, CK_ULONG,                   \
      CK_OBJECT_HANDLE *)                                                                          \
    X(3, C_SeedRandom, session, bytes, CK_ULONG)                                                   \
    X(3, C_GenerateRandom, session, bytes, CK_ULONG)                                               \
    X(1, C_GetFunctionStatus, session)                                                             \
    X(1, C_CancelFunction, session)                                                                \
    X(3, C_WaitForSlotEvent, CK_FLAGS, CK_SLOT_ID *, void *)
#define OWN(X)                                                                                     \
    X(1, C_GetFunctionList, CK_FUNCTION_LIST **)                                                   \
    X(2, C_GetTokenInfo, CK_SLOT_ID, CK_TOKEN_INFO *)                                              \
    X(3, C_GetMechanismList, CK_SLOT_ID, CK_MECHANISM_TYPE *, length)                              \
    X(3, C_GetMechanismInfo, CK_SLOT_ID, CK_MECHANISM_TYPE, CK_MECHANISM_INFO *)                   \
    X(4, C_GetAttributeValue, session, object, CK_ATTRIBUTE *, CK_ULONG)

enum function {
#define X(n, name, ...) AT_##name,
    FORWARDED(X) OWN(X)
#undef X
        FUNCTIONS
};

static const char *const names[FUNCTIONS] = {
#define X(n, name, ...) #name,
    FORWARDED(X) OWN(X)
#undef X
};

enum act { HAND_ON, ANSWER, ANSWER_LATE, HANG, CRASH };

struct fault {
    enum function function;
    unsigned long nth;
    enum act act;
    CK_RV rv;
    bool sticky, all;
};

static struct {
    CK_FUNCTION_LIST *real;
    unsigned long calls[FUNCTIONS];
    bool counted; /* what `calls` held at the start is in calls[] */
    bool gone;    /* a fault of the kind `all` happened */
    CK_RV gone_rv;
    struct fault fault[FAULTS_MAX];
    size_t faults;
    CK_FLAGS set, clear;
    CK_MECHANISM_TYPE hidden[FAULTS_MAX];
    size_t hide;
    CK_ATTRIBUTE_TYPE lie; /* the last such line's */
    CK_BBOOL lie_value;
    bool lies;
} shim;

/* No call that a sandbox might refuse. */
__attribute__((noreturn)) static void die(const char *why, const char *what)
{
    char text[512];
    int len = snprintf(text, sizeof text, "shim: %s: %s\n", why, what);

    (void)!write(STDERR_FILENO, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
    __builtin_trap();
}

/* For ever, where real modules wait when they do. */
static void hang(void)
{
    static sem_t never;

    for (;;)
        (void)sem_wait(&never);
}

static enum function function_of(const char *name)
{
    for (int i = 0; i < FUNCTIONS; i++)
        if (strcmp(names[i], name) == 0)
            return (enum function)i;
    return FUNCTIONS;
}

static int shim_open(const char *name, int flags)
{
    const char *directory = getenv("SHIM_DIRECTORY");
    char path[512];

    if (directory == NULL)
        return -1;
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        die("too long", directory);
    return open(path, flags | O_CLOEXEC);
}

static CK_ULONG number(const char *text)
{
    long out = 0;
    char more;

    if (sscanf(text, "%li%c", &out, &more) != 1 || out < 0)
        die("no number", text);
    return (CK_ULONG)out;
}

static void fault_act(struct fault *fault, const char *act)
{
    if (strcmp(act, "hang") == 0 || strcmp(act, "crash") == 0) {
        fault->act = act[0] == 'h' ? HANG : CRASH;
        return;
    }
    fault->act = ANSWER;
    fault->rv = number(act);
}

static void fault_word(struct fault *fault, const char *word)
{
    if (strcmp(word, "sticky") == 0)
        fault->sticky = true;
    else if (strcmp(word, "all") == 0)
        fault->all = true;
    else if (strcmp(word, "late") == 0 && fault->act == ANSWER)
        fault->act = ANSWER_LATE;
    else
        die("no such word", word);
}

static void fault_take(char *word[], int words)
{
    struct fault fault = {.function = function_of(word[0])};

    if (fault.function == FUNCTIONS || words < 3)
        die("no such line", word[0]);
    fault.nth = number(word[1]);
    fault_act(&fault, word[2]);
    for (int i = 3; i < words; i++)
        fault_word(&fault, word[i]);
    shim.fault[shim.faults++] = fault;
}

static void lie_take(CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    shim.lies = true;
    shim.lie = type;
    shim.lie_value = value != 0 ? CK_TRUE : CK_FALSE;
}

static void line_take(char *line)
{
    char *word[6] = {NULL}, *rest = NULL;
    int words = 0;

    for (char *at = strtok_r(line, " ", &rest); at != NULL && words < 6;
         at = strtok_r(NULL, " ", &rest))
        word[words++] = at;
    if (words == 0 || word[0][0] == '#')
        return;
    if (shim.faults == FAULTS_MAX || shim.hide == FAULTS_MAX)
        die("too many lines", word[0]);
    if (words == 2 && strcmp(word[0], "flags") == 0)
        *(word[1][0] == '-' ? &shim.clear : &shim.set) |= number(word[1] + 1);
    else if (words == 2 && strcmp(word[0], "hide") == 0)
        shim.hidden[shim.hide++] = number(word[1]);
    else if (words == 3 && strcmp(word[0], "attribute") == 0)
        lie_take(number(word[1]), number(word[2]));
    else
        fault_take(word, words);
}

static void faults_read(void)
{
    char text[4096], *rest = NULL;
    int fd = shim_open("faults", O_RDONLY);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof text);

    shim.faults = shim.hide = 0;
    shim.set = shim.clear = 0;
    shim.lies = false;
    if (fd < 0)
        return;
    (void)close(fd);
    if (len < 0 || len == sizeof text)
        die("cannot read", "faults");
    text[len] = '\0';
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        line_take(line);
}

static void calls_line(const char *line)
{
    char name[64];
    enum function function;

    if (sscanf(line, "%63s", name) != 1)
        return;
    function = function_of(name);
    if (function == FUNCTIONS)
        die("no such call", name);
    shim.calls[function]++;
}

static void calls_read(void)
{
    char line[128];
    FILE *file;
    int fd = shim_open("calls", O_RDONLY);

    shim.counted = true;
    if (fd < 0)
        return;
    file = fdopen(fd, "r");
    if (file == NULL)
        die("cannot read", "calls");
    while (fgets(line, sizeof line, file) != NULL)
        calls_line(line);
    (void)fclose(file);
}

static void calls_write(enum function function, const struct fault *fault)
{
    char line[128];
    int len, fd = shim_open("calls", O_WRONLY | O_APPEND);

    if (fd < 0)
        return;
    if (fault->act == HANG || fault->act == CRASH)
        len = snprintf(line, sizeof line, "%s %s\n", names[function],
                       fault->act == HANG ? "hang" : "crash");
    else if (fault->act == HAND_ON)
        len = snprintf(line, sizeof line, "%s\n", names[function]);
    else
        len = snprintf(line, sizeof line, "%s 0x%lx\n", names[function], fault->rv);
    if (write(fd, line, (size_t)len) != len)
        die("cannot write", "calls");
    (void)close(fd);
}

/* Those that a device which is gone still answers. */
static bool of_the_library(enum function function)
{
    return function == AT_C_Initialize || function == AT_C_Finalize || function == AT_C_GetInfo ||
           function == AT_C_GetFunctionList || function == AT_C_GetSlotList;
}

static struct fault fault_choose(enum function function)
{
    if (shim.gone && !of_the_library(function))
        return (struct fault){.act = ANSWER, .rv = shim.gone_rv};
    for (size_t i = 0; i < shim.faults; i++) {
        const struct fault *fault = &shim.fault[i];

        if (fault->function == function && (fault->nth == shim.calls[function] ||
                                            (fault->sticky && fault->nth < shim.calls[function])))
            return *fault;
    }
    return (struct fault){.act = HAND_ON};
}

/* What is to happen at this call. */
static struct fault fault_now(enum function function)
{
    struct fault fault;

    if (!shim.counted)
        calls_read();
    faults_read();
    shim.calls[function]++;
    fault = fault_choose(function);
    calls_write(function, &fault);
    if (fault.act == HANG)
        hang();
    if (fault.act == CRASH)
        __builtin_trap(); /* not by a bad address: the sanitizers would report it as theirs */
    if (fault.all) {
        shim.gone = true;
        shim.gone_rv = fault.rv;
    }
    return fault;
}

#define CALL(name, ...)                                                                            \
    struct fault fault = fault_now(AT_##name);                                                     \
    CK_RV rv = fault.act == ANSWER ? fault.rv : shim.real->name(__VA_ARGS__);                      \
    return fault.act == HAND_ON ? rv : fault.rv;
#define P1(name, A)                                                                                \
    static CK_RV shim_##name(A a)                                                                  \
    {                                                                                              \
        CALL(name, a)                                                                              \
    }
#define P2(name, A, B)                                                                             \
    static CK_RV shim_##name(A a, B b)                                                             \
    {                                                                                              \
        CALL(name, a, b)                                                                           \
    }
#define P3(name, A, B, C)                                                                          \
    static CK_RV shim_##name(A a, B b, C c)                                                        \
    {                                                                                              \
        CALL(name, a, b, c)                                                                        \
    }
#define P4(name, A, B, C, D)                                                                       \
    static CK_RV shim_##name(A a, B b, C c, D d)                                                   \
    {                                                                                              \
        CALL(name, a, b, c, d)                                                                     \
    }
#define P5(name, A, B, C, D, E)                                                                    \
    static CK_RV shim_##name(A a, B b, C c, D d, E e)                                              \
    {                                                                                              \
        CALL(name, a, b, c, d, e)                                                                  \
    }
#define P6(name, A, B, C, D, E, F)                                                                 \
    static CK_RV shim_##name(A a, B b, C c, D d, E e, F f)                                         \
    {                                                                                              \
        CALL(name, a, b, c, d, e, f)                                                               \
    }
#define P8(name, A, B, C, D, E, F, G, H)                                                           \
    static CK_RV shim_##name(A a, B b, C c, D d, E e, F f, G g, H h)                               \
    {                                                                                              \
        CALL(name, a, b, c, d, e, f, g, h)                                                         \
    }
#define X(n, ...) P##n(__VA_ARGS__)
FORWARDED(X)
#undef X

static CK_RV shim_C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    struct fault fault = fault_now(AT_C_GetTokenInfo);
    CK_RV rv = fault.act == HAND_ON ? shim.real->C_GetTokenInfo(slot, info) : fault.rv;

    if (rv == CKR_OK)
        info->flags = (info->flags | shim.set) & ~shim.clear;
    return rv;
}

static bool is_hidden(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < shim.hide; i++)
        if (shim.hidden[i] == type)
            return true;
    return false;
}

static CK_RV shim_C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
                                     CK_MECHANISM_INFO *info)
{
    struct fault fault = fault_now(AT_C_GetMechanismInfo);

    if (fault.act != HAND_ON)
        return fault.rv;
    return is_hidden(type) ? CKR_MECHANISM_INVALID
                           : shim.real->C_GetMechanismInfo(slot, type, info);
}

static CK_RV shim_C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    struct fault fault = fault_now(AT_C_GetMechanismList);
    CK_RV rv = fault.act == HAND_ON ? shim.real->C_GetMechanismList(slot, list, count) : fault.rv;
    CK_ULONG kept = 0;

    if (rv != CKR_OK || list == NULL)
        return rv;
    for (CK_ULONG i = 0; i < *count; i++)
        if (!is_hidden(list[i]))
            list[kept++] = list[i];
    *count = kept;
    return CKR_OK;
}

static void lie(CK_ATTRIBUTE *attribute)
{
    if (shim.lies && attribute->type == shim.lie && attribute->pValue != NULL &&
        attribute->ulValueLen == sizeof shim.lie_value)
        memcpy(attribute->pValue, &shim.lie_value, sizeof shim.lie_value);
}

/* As Cryptoki demands it, a failure gives no length. */
static CK_RV shim_C_GetAttributeValue(session where, object what, CK_ATTRIBUTE *wanted,
                                      CK_ULONG count)
{
    struct fault fault = fault_now(AT_C_GetAttributeValue);
    CK_RV rv = fault.act == HAND_ON ? shim.real->C_GetAttributeValue(where, what, wanted, count)
                                    : fault.rv;

    for (CK_ULONG i = 0; i < count; i++) {
        if (fault.act == HAND_ON)
            lie(&wanted[i]);
        else
            wanted[i].ulValueLen = CK_UNAVAILABLE_INFORMATION;
    }
    return rv;
}

static CK_FUNCTION_LIST functions = {.version = {2, 40},
                                     .C_GetFunctionList = C_GetFunctionList,
                                     .C_GetTokenInfo = shim_C_GetTokenInfo,
                                     .C_GetMechanismList = shim_C_GetMechanismList,
                                     .C_GetMechanismInfo = shim_C_GetMechanismInfo,
                                     .C_GetAttributeValue = shim_C_GetAttributeValue,
#define X(n, name, ...) .name = shim_##name,
                                     FORWARDED(X)
#undef X
};

static CK_RV real_load(void)
{
    const char *path = getenv("SHIM_MODULE");
    void *handle, *symbol;
    CK_C_GetFunctionList get;

    if (shim.real != NULL)
        return CKR_OK;
    if (path == NULL)
        path = "/usr/lib/softhsm/libsofthsm2.so";
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    symbol = handle != NULL ? dlsym(handle, "C_GetFunctionList") : NULL;
    if (symbol == NULL)
        die("no module", path);
    memcpy(&get, &symbol, sizeof get);
    return get(&shim.real);
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    struct fault fault = fault_now(AT_C_GetFunctionList);

    if (fault.act != HAND_ON)
        return fault.rv;
    *list = &functions;
    return real_load();
}
