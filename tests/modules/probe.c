/*
 * probe MODULE [-i ARGUMENTS] LABEL PIN_FILE CHECK
 *     what this module can do, by raw Cryptoki: one JSON object, a member each, "ok" or
 *     "C_Sign: CKR_MECHANISM_INVALID". CHECK: login; data, then reread (in between, the object
 *     stays); or a kind of key (probe_keys.c), which leaves nothing. One a process: a TPM without
 *     a resource manager keeps a key that was destroyed in use, and has room for three.
 * probe MODULE [-i ARGUMENTS] LABEL PIN_FILE start OBJECT [SIGNATURES]
 *     from main to the first signature with that key, in ms; then so many more. Says on standard
 *     error where it is, for a trace.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

void row(const char *name, const char *text)
{
    static const char *before = "{";

    (void)printf("%s\"%s\": \"%s\"", before, name, text);
    before = ",\n ";
}

void row_rv(const char *name, const char *call, CK_RV rv)
{
    char text[128];

    (void)snprintf(text, sizeof text, "%s: %s", call, ckr_name(rv));
    row(name, rv == CKR_OK ? "ok" : text);
}

static bool value_is(const struct token *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                     const char *expected, CK_RV *rv)
{
    char value[64] = "";
    CK_ATTRIBUTE attribute = {type, value, sizeof value - 1};

    *rv = token->f->C_GetAttributeValue(token->session, object, &attribute, 1);
    return *rv == CKR_OK && attribute.ulValueLen == strlen(expected) &&
           strcmp(value, expected) == 0;
}

static void row_value(const struct token *token, const char *name, CK_OBJECT_HANDLE object,
                      CK_ATTRIBUTE_TYPE type, const char *expected)
{
    CK_RV rv;

    if (value_is(token, object, type, expected, &rv))
        row(name, "ok");
    else if (rv == CKR_OK)
        row(name, "another value");
    else
        row_rv(name, "C_GetAttributeValue", rv);
}

#define DATA "probe-data"
static const char secret[] = "a secret", later[] = "a later secret";

static void data_rewrite(const struct token *token, CK_OBJECT_HANDLE object)
{
    char copy[] = "a later secret";
    CK_ATTRIBUTE value = {CKA_VALUE, copy, sizeof copy - 1};
    CK_RV rv = token->f->C_SetAttributeValue(token->session, object, &value, 1);

    if (rv != CKR_OK)
        row_rv("rewrite", "C_SetAttributeValue", rv);
    else
        row_value(token, "rewrite", object, CKA_VALUE, later);
}

static void probe_data(const struct token *token)
{
    CK_OBJECT_HANDLE object, found[2];
    CK_RV rv = data_create(token, DATA, secret, sizeof secret - 1, &object);

    row_rv("create", "C_CreateObject", rv);
    if (rv != CKR_OK)
        return;
    row("find", objects_find(token, CKO_DATA, DATA, found, 2) == 1 ? "ok" : "not found");
    row_value(token, "read", object, CKA_VALUE, secret);
    row_value(token, "application", object, CKA_APPLICATION, "georder");
    data_rewrite(token, object);
}

/* In another process than the one that wrote it: does the token keep what it took? */
static void probe_reread(const struct token *token)
{
    CK_OBJECT_HANDLE object;
    CK_RV rv;

    if (objects_find(token, CKO_DATA, DATA, &object, 1) != 1) {
        row("find", "not found");
        return;
    }
    if (value_is(token, object, CKA_VALUE, later, &rv))
        row("value", "the later");
    else
        row("value", value_is(token, object, CKA_VALUE, secret, &rv) ? "the first" : "neither");
    row_value(token, "application", object, CKA_APPLICATION, "georder");
    row_rv("destroy", "C_DestroyObject", token->f->C_DestroyObject(token->session, object));
}

static void probe(struct token *token, const struct pin *pin, const char *check)
{
    char text[sizeof token->info.model + 1];
    CK_RV rv = token_open(token, CKU_USER, pin);

    if (strcmp(check, "login") == 0) {
        text_unpad(text, token->info.model, sizeof token->info.model);
        row("model", text);
        row_rv("login", "C_Login", rv);
    } else {
        must("C_Login", rv);
        if (strcmp(check, "data") == 0)
            probe_data(token);
        else if (strcmp(check, "reread") == 0)
            probe_reread(token);
        else
            probe_key(token, check);
    }
    (void)printf("}\n");
}

static double milliseconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void phase(const char *name)
{
    (void)dprintf(STDERR_FILENO, "== %s\n", name);
}

static void start(struct token *token, const struct pin *pin, char **argv, double from)
{
    uintmax_t more = argv[1] != NULL ? strtoumax(argv[1], NULL, 10) : 0;
    CK_OBJECT_HANDLE key;

    phase("login");
    must("C_Login", token_open(token, CKU_USER, pin));
    if (objects_find(token, CKO_PRIVATE_KEY, argv[0], &key, 1) != 1)
        fault("no private key %s", argv[0]);
    phase("first signature");
    probe_sign(token, key);
    (void)printf("%.2f\n", milliseconds() - from);
    phase("signatures");
    for (uintmax_t i = 0; i < more; i++)
        probe_sign(token, key);
    phase("finalize");
}

int main(int argc, char **argv)
{
    double from = milliseconds();
    bool arguments = argc > 3 && strcmp(argv[2], "-i") == 0;
    char **rest = argv + (arguments ? 4 : 2);
    CK_FUNCTION_LIST *f;
    struct pin pin;
    struct token token;

    if (argc - (rest - argv) < 3)
        fault("usage: probe MODULE [-i ARGUMENTS] LABEL PIN_FILE CHECK|start OBJECT [SIGNATURES]");
    pin = pin_read(rest[1]);
    phase("load");
    must("C_Initialize", module_load(&f, argv[1], arguments ? argv[3] : NULL));
    token = token_find(f, rest[0]);
    if (strcmp(rest[2], "start") == 0 && rest[3] != NULL)
        start(&token, &pin, rest + 3, from);
    else
        probe(&token, &pin, rest[2]);
    must("C_Finalize", f->C_Finalize(NULL));
    (void)fflush(stdout);
    _exit(0);
}
