/* The shim itself: were it not to fail where it is told to, the tests that use it would be void. */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static CK_UTF8CHAR pin[] = "123456";
static char home[] = "/tmp/georder-shim-XXXXXX";
static CK_FUNCTION_LIST *f;
static CK_SLOT_ID slot;
static CK_SESSION_HANDLE session;

static void file(const char *name, const char *text)
{
    char path[64];
    FILE *out;

    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    out = fopen(path, "w");
    cr_assert_not_null(out);
    cr_assert(fputs(text, out) >= 0 && fclose(out) == 0);
}

static void calls_are(const char *expected)
{
    char path[64], text[4096] = "";
    FILE *in;

    (void)snprintf(path, sizeof path, "%s/calls", home);
    in = fopen(path, "r");
    cr_assert_not_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    (void)fclose(in);
    cr_assert_str_eq(text, expected);
    file("calls", "");
}

static void module_load(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW), *symbol = NULL;
    CK_C_GetFunctionList get;

    cr_assert_not_null(handle, "%s", dlerror());
    symbol = dlsym(handle, "C_GetFunctionList");
    cr_assert_not_null(symbol);
    memcpy(&get, &symbol, sizeof get);
    cr_assert_eq(get(&f), CKR_OK);
}

static void token_make(void)
{
    CK_UTF8CHAR label[32];
    CK_ULONG one = 1;

    memset(label, ' ', sizeof label);
    cr_assert_eq(f->C_GetSlotList(CK_TRUE, &slot, &one), CKR_OK);
    cr_assert_eq(f->C_InitToken(slot, pin, 6, label), CKR_OK);
    one = 1;
    cr_assert_eq(f->C_Finalize(NULL), CKR_OK);
    cr_assert_eq(f->C_Initialize(NULL), CKR_OK);
    cr_assert_eq(f->C_GetSlotList(CK_TRUE, NULL, &one), CKR_OK);
    cr_assert_eq(one, 2); /* SoftHSM always adds an empty one */
}

static void slot_find(void)
{
    CK_SLOT_ID slots[2];
    CK_ULONG two = 2;
    CK_TOKEN_INFO info;

    cr_assert_eq(f->C_GetSlotList(CK_TRUE, slots, &two), CKR_OK);
    for (CK_ULONG i = 0; i < two; i++)
        if (f->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
            (info.flags & CKF_TOKEN_INITIALIZED) != 0)
            slot = slots[i];
}

static void start(void)
{
    char path[64], conf[128];

    cr_assert_not_null(mkdtemp(home));
    (void)snprintf(path, sizeof path, "%s/tokens", home);
    cr_assert_eq(mkdir(path, 0700), 0);
    (void)snprintf(conf, sizeof conf, "directories.tokendir = %s\nlog.level = ERROR\n", path);
    file("softhsm2.conf", conf);
    (void)snprintf(path, sizeof path, "%s/softhsm2.conf", home);
    cr_assert_eq(setenv("SOFTHSM2_CONF", path, 1) + setenv("SHIM_DIRECTORY", home, 1), 0);
    module_load(SHIM);
    cr_assert_eq(f->C_Initialize(NULL), CKR_OK);
    token_make();
    slot_find();
    cr_assert_eq(f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session),
                 CKR_OK);
    cr_assert_eq(f->C_Login(session, CKU_SO, pin, 6), CKR_OK);
    cr_assert_eq(f->C_InitPIN(session, pin, 6), CKR_OK);
    cr_assert_eq(f->C_Logout(session), CKR_OK);
    file("calls", "");
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static void end(void)
{
    (void)nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(shim, .init = start, .fini = end);

static void copy_load(void)
{
    char path[64];
    int from = open(SHIM, O_RDONLY | O_CLOEXEC), to;
    struct stat status;

    (void)snprintf(path, sizeof path, "%s/shim.so", home);
    to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    cr_assert(from >= 0 && to >= 0 && fstat(from, &status) == 0);
    cr_assert_eq(sendfile(to, from, NULL, (size_t)status.st_size), status.st_size);
    (void)close(from);
    (void)close(to);
    module_load(path);
}

static CK_RV random_get(void)
{
    CK_BYTE out[8];

    return f->C_GenerateRandom(session, out, sizeof out);
}

Test(shim, has_every_function_and_a_signature_comes_through)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_ATTRIBUTE public[] = {{CKA_EC_PARAMS, p256, sizeof p256}};
    CK_MECHANISM make = {CKM_EC_KEY_PAIR_GEN, NULL, 0}, sign = {CKM_ECDSA, NULL, 0};
    CK_OBJECT_HANDLE pair[2];
    CK_BYTE digest[32] = {1}, signature[64];
    CK_ULONG len = sizeof signature;
    const char *at = (const char *)f + offsetof(CK_FUNCTION_LIST, C_Initialize);

    for (; at < (const char *)(f + 1); at += sizeof(void *)) {
        void *function;

        memcpy(&function, at, sizeof function);
        cr_assert_not_null(function);
    }
    cr_assert_eq(f->C_Login(session, CKU_USER, pin, 6), CKR_OK);
    cr_assert_eq(f->C_GenerateKeyPair(session, &make, public, 1, NULL, 0, &pair[0], &pair[1]),
                 CKR_OK);
    cr_assert_eq(f->C_SignInit(session, &sign, pair[1]), CKR_OK);
    cr_assert_eq(f->C_Sign(session, digest, sizeof digest, signature, &len), CKR_OK);
    cr_assert_eq(f->C_VerifyInit(session, &sign, pair[0]), CKR_OK);
    cr_assert_eq(f->C_Verify(session, digest, sizeof digest, signature, len), CKR_OK);
    calls_are("C_Login\nC_GenerateKeyPair\nC_SignInit\nC_Sign\nC_VerifyInit\nC_Verify\n");
}

Test(shim, fails_once_at_the_call_that_was_named)
{
    file("faults", "# none of these concerns the others\n\nC_GenerateRandom 2 0x32\nC_Sign 1 5\n");
    cr_assert_eq(random_get(), CKR_OK);
    cr_assert_eq(random_get(), CKR_DEVICE_REMOVED);
    cr_assert_eq(random_get(), CKR_OK);
    calls_are("C_GenerateRandom\nC_GenerateRandom 0x32\nC_GenerateRandom\n");
}

Test(shim, fails_from_a_call_on_until_the_file_changes)
{
    CK_SESSION_INFO info;

    file("faults", "C_GenerateRandom 2 0xb3 sticky\n");
    cr_assert_eq(random_get(), CKR_OK);
    cr_assert_eq(random_get(), CKR_SESSION_HANDLE_INVALID);
    cr_assert_eq(random_get(), CKR_SESSION_HANDLE_INVALID);
    cr_assert_eq(f->C_GetSessionInfo(session, &info), CKR_OK);
    file("faults", "");
    cr_assert_eq(random_get(), CKR_OK);
}

/* As a process that was started anew: a second copy has nothing of the first one's memory. */
Test(shim, goes_on_counting_where_another_ended)
{
    file("faults", "C_GenerateRandom 3 0x32\n");
    cr_assert_eq(random_get(), CKR_OK);
    cr_assert_eq(random_get(), CKR_OK);
    copy_load();
    cr_assert_eq(random_get(), CKR_DEVICE_REMOVED);
    cr_assert_eq(random_get(), CKR_OK);
}

Test(shim, takes_the_whole_device_away)
{
    CK_SESSION_INFO info;
    CK_TOKEN_INFO token;
    CK_INFO library;

    file("faults", "C_GenerateRandom 1 0x32 all\n");
    cr_assert_eq(f->C_GetSessionInfo(session, &info), CKR_OK);
    cr_assert_eq(random_get(), CKR_DEVICE_REMOVED);
    cr_assert_eq(f->C_GetSessionInfo(session, &info), CKR_DEVICE_REMOVED);
    cr_assert_eq(f->C_GetTokenInfo(slot, &token), CKR_DEVICE_REMOVED);
    cr_assert_eq(f->C_GetInfo(&library), CKR_OK);
}

Test(shim, loses_an_answer_after_the_work_was_done)
{
    CK_SESSION_HANDLE other = 0;
    CK_SESSION_INFO info;

    /* start() opened the first. */
    file("faults", "C_OpenSession 2 0x30 late\nC_OpenSession 3 0x30\n");
    cr_assert_eq(f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &other), CKR_DEVICE_ERROR);
    cr_assert_eq(f->C_GetSessionInfo(other, &info), CKR_OK);
    other = 0;
    cr_assert_eq(f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &other), CKR_DEVICE_ERROR);
    cr_assert_eq(other, 0);
}

Test(shim, changes_the_flags_of_the_token)
{
    CK_TOKEN_INFO info;

    cr_assert_eq(f->C_GetTokenInfo(slot, &info), CKR_OK);
    cr_assert_eq(info.flags & (CKF_USER_PIN_INITIALIZED | CKF_WRITE_PROTECTED),
                 CKF_USER_PIN_INITIALIZED);
    file("faults", "flags +0x2\nflags -0x8\n");
    cr_assert_eq(f->C_GetTokenInfo(slot, &info), CKR_OK);
    cr_assert_eq(info.flags & (CKF_USER_PIN_INITIALIZED | CKF_WRITE_PROTECTED),
                 CKF_WRITE_PROTECTED);
}

Test(shim, hides_mechanisms)
{
    CK_MECHANISM_TYPE all[256], left[256];
    CK_ULONG before = 256, after = 256;
    CK_MECHANISM_INFO info;

    cr_assert_eq(f->C_GetMechanismInfo(slot, CKM_ECDSA, &info), CKR_OK);
    cr_assert_eq(f->C_GetMechanismList(slot, all, &before), CKR_OK);
    file("faults", "hide 0x1041\n");
    cr_assert_eq(f->C_GetMechanismInfo(slot, CKM_ECDSA, &info), CKR_MECHANISM_INVALID);
    cr_assert_eq(f->C_GetMechanismInfo(slot, CKM_RSA_PKCS, &info), CKR_OK);
    cr_assert_eq(f->C_GetMechanismList(slot, left, &after), CKR_OK);
    cr_assert_eq(after, before - 1);
    for (CK_ULONG i = 0; i < after; i++)
        cr_assert_neq(left[i], CKM_ECDSA);
}

Test(shim, gives_attributes_no_length_when_it_fails)
{
    CK_ATTRIBUTE wanted = {CKA_LABEL, NULL, 0};

    file("faults", "C_GetAttributeValue 1 0x12\n");
    cr_assert_eq(f->C_GetAttributeValue(session, 1, &wanted, 1), CKR_ATTRIBUTE_TYPE_INVALID);
    cr_assert_eq(wanted.ulValueLen, CK_UNAVAILABLE_INFORMATION);
}

Test(shim, lies_about_an_attribute)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL private = CK_FALSE;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {CKA_PRIVATE, &private, sizeof private}};
    CK_OBJECT_HANDLE data;

    cr_assert_eq(f->C_CreateObject(session, template, 2, &data), CKR_OK);
    file("faults", "attribute 0x2 1\n");
    cr_assert_eq(f->C_GetAttributeValue(session, data, template, 2), CKR_OK);
    cr_assert_eq(private, CK_TRUE);
    cr_assert_eq(class, CKO_DATA);
    file("faults", "");
    cr_assert_eq(f->C_GetAttributeValue(session, data, template, 2), CKR_OK);
    cr_assert_eq(private, CK_FALSE);
}

/* In a process of its own; what it ended with. */
static int elsewhere(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(random_get() == CKR_OK ? 0 : 1);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return status;
}

Test(shim, hangs)
{
    int status = 0;
    pid_t pid;

    file("faults", "C_GenerateRandom 1 hang\n");
    pid = fork();
    if (pid == 0) {
        (void)random_get();
        _exit(0);
    }
    (void)usleep(300000);
    cr_assert_eq(waitpid(pid, &status, WNOHANG), 0);
    cr_assert_eq(kill(pid, SIGKILL), 0);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    calls_are("C_GenerateRandom hang\n");
}

Test(shim, crashes)
{
    int status;

    file("faults", "C_GenerateRandom 1 crash\n");
    status = elsewhere();
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL, "%d", status);
    calls_are("C_GenerateRandom crash\n");
}

Test(shim, ends_when_it_is_told_nonsense)
{
    static const char *const lines[] = {
        "C_Sing 1 0x32",       "C_Sign",          "C_Sign 1",        "C_Sign x 0x32",
        "C_Sign 1 0x32z",      "C_Sign 1 0x32 x", "C_Sign 1 hung",   "flags +x",
        "C_Sign 1 hang late ", "hide CKM_ECDSA",  "attribute 0x162",
    };

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        int status;

        file("faults", lines[i]);
        status = elsewhere();
        cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL, "%s: %d", lines[i], status);
    }
}
