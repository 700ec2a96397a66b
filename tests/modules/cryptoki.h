/*
 * Raw Cryptoki for the tests' own programs (token.c, probe.c): it shares nothing with src/keys, so
 * that what a module can do is measured without georder. A fault ends the program with exit 1 and
 * a line "C_Login: CKR_PIN_INCORRECT"; what may fail is returned as a CK_RV.
 */
#ifndef GEORDER_TESTS_CRYPTOKI_H
#define GEORDER_TESTS_CRYPTOKI_H

#include <stdbool.h>
#include <stddef.h>
#include <p11-kit/pkcs11.h>

#define PIN_MAX     128
#define SLOTS_MAX   64
#define OBJECTS_MAX 256

struct token {
    CK_FUNCTION_LIST *f;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    CK_SESSION_HANDLE session;
};

struct pin {
    unsigned char bytes[PIN_MAX];
    CK_ULONG len;
};

struct pair {
    CK_OBJECT_HANDLE public, private;
};

/* "CKR_PIN_INCORRECT", or "CKR 0x80000001"; the text lives until the next call. */
const char *ckr_name(CK_RV rv);
_Noreturn void fault(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void must(const char *call, CK_RV rv);

/* A file of one line, as pin-source=file: reads it. */
struct pin pin_read(const char *file);

/* `arguments`: what NSS wants in pReserved, or NULL. */
CK_RV module_load(CK_FUNCTION_LIST **f, const char *path, const char *arguments);
/* The one slot whose token has this label; none or several are a fault. */
struct token token_find(CK_FUNCTION_LIST *f, const char *label);
CK_ULONG token_slots(CK_FUNCTION_LIST *f, CK_SLOT_ID slots[SLOTS_MAX]);
CK_RV token_open(struct token *token, CK_USER_TYPE user, const struct pin *pin);
void text_unpad(char *to, const unsigned char *from, size_t len); /* `to` has len + 1 bytes */

/* `label` NULL: whatever its label. Returns how many; at most `max` are put into `found`. */
CK_ULONG objects_find(const struct token *token, CK_OBJECT_CLASS class, const char *label,
                      CK_OBJECT_HANDLE *found, CK_ULONG max);
#define ANY_CLASS CK_UNAVAILABLE_INFORMATION

/* KIND: ec256, ec384, ec256-derive, rsa2048, rsa3072, rsa3072-decrypt, ed25519. */
CK_RV pair_generate(const struct token *token, const char *kind, const char *label,
                    struct pair *pair);
CK_RV data_create(const struct token *token, const char *label, const void *value, size_t len,
                  CK_OBJECT_HANDLE *object);

#endif
