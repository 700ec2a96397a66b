#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cryptoki.h"
#include "guard.h"

#if defined(__aarch64__)
#define MULTIARCH "aarch64-linux-gnu"
#else
#define MULTIARCH "x86_64-linux-gnu"
#endif

/* Packages often install a module as a link. The link is trusted when its directory is, and what it
 * leads to is walked as any other file. */
static enum result path_resolve(const char *path, char *out, struct err *err)
{
    char real[PATH_MAX];
    const char *slash = strrchr(path, '/');
    AUTO_BUF directory = BUF_INIT(URI_MAX);
    AUTO_FD dirfd = -1, fd = -1;

    buf_put(&directory, path, slash == path ? 1 : (size_t)(slash - path));
    if (guard_open_directory(buf_text(&directory), RESULT_KEY, &dirfd, err) != RESULT_OK)
        return err_prefix(err, "PKCS#11 module");
    if (realpath(path, real) == NULL || strlen(real) > URI_MAX)
        return err_errno(err, RESULT_KEY, "PKCS#11 module %s", path);
    if (guard_open(real, GUARD_INSTALLED, RESULT_KEY, &fd, err) != RESULT_OK)
        return err_prefix(err, "PKCS#11 module");
    memcpy(out, real, strlen(real) + 1);
    return RESULT_OK;
}

static enum result name_resolve(const char *name, char *out, struct err *err)
{
    static const char *const places[] = {
        "/usr/lib/" MULTIARCH "/pkcs11/%s.so",
        "/usr/lib/" MULTIARCH "/pkcs11/lib%s.so",
        "/usr/lib/" MULTIARCH "/softhsm/%s.so",
        "/usr/lib/" MULTIARCH "/softhsm/lib%s.so",
        "/usr/lib/" MULTIARCH "/%s-pkcs11.so",
        "/usr/lib/" MULTIARCH "/lib%s.so",
        "/usr/lib64/pkcs11/%s.so",
        "/usr/lib64/pkcs11/lib%s.so",
    };

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const char *mark = strstr(places[i], "%s");
        AUTO_BUF path = BUF_INIT(URI_MAX);

        buf_put(&path, places[i], (size_t)(mark - places[i]));
        buf_puts(&path, name);
        buf_puts(&path, mark + 2);
        if (buf_ok(&path) && access(buf_text(&path), F_OK) == 0)
            return path_resolve(buf_text(&path), out, err);
    }
    return err_set(err, RESULT_KEY,
                   "no PKCS#11 module is called %s (looked for /usr/lib/" MULTIARCH
                   "/pkcs11/%s.so and the like): write module-path=/...",
                   name, name);
}

static enum result functions_get(struct module *module, struct err *err)
{
    void *handle = dlopen(module->path, RTLD_NOW | RTLD_LOCAL);
    CK_RV (*get)(CK_FUNCTION_LIST **) = NULL;
    void *symbol;
    CK_RV rv;

    if (handle == NULL)
        return err_set(err, RESULT_KEY, "the PKCS#11 module could not be loaded: %s", dlerror());
    symbol = dlsym(handle, "C_GetFunctionList");
    if (symbol == NULL)
        return err_set(err, RESULT_KEY, "%s is not a PKCS#11 module: it has no C_GetFunctionList",
                       module->path);
    memcpy(&get, &symbol, sizeof get);
    rv = get(&module->f);
    if (rv != CKR_OK || module->f == NULL)
        return err_ckr(module, err, rv, "PKCS#11 module %s: C_GetFunctionList", module->path);
    return RESULT_OK;
}

/* Tokens not initialised are passed over. One that cannot be looked at may be another than the one
 * that is wanted: only who finds none that matches is told of it. */
static void slot_look(struct module *module, CK_SLOT_ID slot)
{
    CK_TOKEN_INFO *info = &module->token[module->slots];
    CK_RV rv = module->f->C_GetTokenInfo(slot, info);

    if (rv == CKR_OK && (info->flags & CKF_TOKEN_INITIALIZED) == 0)
        return;
    module->state[module->slots] = rv;
    module->slot[module->slots++] = slot;
}

/* Once a process: to list them is slow on some modules. */
static enum result slots_list(struct module *module, struct err *err)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_RV rv = module->f->C_GetSlotList(CK_TRUE, slots, &count);

    if (rv == CKR_BUFFER_TOO_SMALL)
        return err_set(err, RESULT_KEY, "PKCS#11 module %s has more than %d slots with a token",
                       module->path, SLOTS_MAX);
    if (rv != CKR_OK)
        return err_ckr(module, err, rv, "PKCS#11 module %s: cannot list its slots", module->path);
    for (CK_ULONG i = 0; i < count; i++)
        slot_look(module, slots[i]);
    return RESULT_OK;
}

/* NSS takes a text by the member that PKCS#11 reserves. p11-kit's type for it knows no const. */
static enum result module_start(struct module *module, const char *initialize, struct err *err)
{
    union {
        const char *in;
        char *out;
    } text = {.in = initialize};
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK, .pReserved = text.out};
    CK_RV rv;

    if (functions_get(module, err) != RESULT_OK)
        return err->result;
    rv = module->f->C_Initialize(&args);
    if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        char room[160];

        return err_set(
            err, RESULT_KEY,
            "PKCS#11 module %s did not start: %s; is its configuration right? "
            "pkcs11.environment of the config is all the environment it gets, and pkcs11.modules "
            "has what else it needs",
            module->path, ckr_text(rv, room, sizeof room));
    }
    rv = module->f->C_GetInfo(&module->info);
    if (rv != CKR_OK)
        return err_ckr(module, err, rv, "PKCS#11 module %s: C_GetInfo", module->path);
    return slots_list(module, err);
}

enum result module_path(const struct uri *uri, char *out, struct err *err)
{
    return (uri->module_named ? name_resolve : path_resolve)(uri->module, out, err);
}

enum result module_get(struct ring *ring, const struct uri *uri, struct module **out,
                       struct err *err)
{
    struct module *module = &ring->module[ring->modules];
    char path[URI_MAX + 1] = "";

    if (module_path(uri, path, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < ring->modules; i++)
        if (strcmp(ring->module[i].path, path) == 0) {
            *out = &ring->module[i];
            return RESULT_OK;
        }
    if (ring->modules == MODULES)
        return err_set(err, RESULT_INTERNAL, "more than %d PKCS#11 modules", MODULES);
    memcpy(module->path, path, strlen(path) + 1);
    if (module_start(module, profile_initialize(&ring->profiles, uri->module), err) != RESULT_OK)
        return err->result;
    ring->modules++;
    *out = module;
    return RESULT_OK;
}

void ring_close(struct ring *ring)
{
    for (size_t i = 0; i < ring->tokens; i++) {
        struct token *token = &ring->token[i];

        if (token->logged_in)
            (void)token->module->f->C_Logout(token->session);
        if (token->open)
            (void)token->module->f->C_CloseSession(token->session);
        buf_free(&token->pin);
    }
    for (size_t i = 0; i < ring->modules; i++)
        (void)ring->module[i].f->C_Finalize(NULL);
    ring->tokens = ring->modules = 0;
    profiles_free(&ring->profiles);
    buf_free(&ring->note);
}
