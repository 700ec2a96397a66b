/*
 * Cryptoki itself: modules, tokens, sessions, objects. It owns dlopen, C_Initialize, the choice of
 * the slot and C_Login; libp11 (hsm_key.c) comes second and finds all that done. Nothing here is
 * ever dlclosed: several modules crash at their second load.
 */
#ifndef GEORDER_KEYS_CRYPTOKI_H
#define GEORDER_KEYS_CRYPTOKI_H

#include <libp11.h>
#include <p11-kit/pkcs11.h>

#include "base.h"
#include "secret.h"
#include "uri.h"

#define SOURCES     2 /* the signing key's and the credential's */
#define OBJECTS_MAX 64
#define SLOTS_MAX   64
#define ID_MAX      255

struct module {
    char path[URI_MAX + 1];
    CK_FUNCTION_LIST *f;
    CK_INFO info;
    CK_ULONG slots; /* those with a token, as they were at the start */
    CK_SLOT_ID slot[SLOTS_MAX];
    CK_TOKEN_INFO token[SLOTS_MAX];
    PKCS11_CTX *p11; /* NULL until a private key was asked for */
    PKCS11_SLOT *p11_slots;
    unsigned p11_slot_count;
};

struct token {
    struct module *module;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    char label[4 * 32 + 1], serial[4 * 16 + 1]; /* escaped for a terminal */
    CK_SESSION_HANDLE session;
    bool open, logged_in;
    struct err refusal; /* of the one login that was tried */
    struct buf pin;     /* secret; wiped after the login, unless: */
    bool pin_needed;    /* the audit key wants it again at each signature */
};

struct ring { /* all that is open; one login a token however many sources are on it */
    struct place place;
    size_t modules, tokens;
    struct module module[SOURCES];
    struct token token[SOURCES];
};

/* ckr.c: "TEXT: PIN incorrect (CKR_PIN_INCORRECT)", RESULT_KEY. */
enum result err_ckr(struct err *err, CK_RV rv, const char *fmt, ...) PRINTF(3, 4);
const char *ckr_text(CK_RV rv, char *room, size_t size);
/* "PIN count low, PIN final try" or "" */
void token_pin_state(const struct token *token, struct buf *out);

/* module.c: loads and initialises what the URI names, or returns the one that is loaded. */
MUST_USE enum result module_get(struct ring *ring, const struct uri *uri, struct module **out,
                                struct err *err);
void ring_close(struct ring *ring); /* logs out, finalises, wipes */

/* token.c: the one token that the URI means; an open session. Logs in at the first call of
 * token_login; a PIN that was refused is not tried again, the same refusal is returned. */
MUST_USE enum result token_get(struct ring *ring, const struct uri *uri, struct token **out,
                               struct err *err);
MUST_USE enum result token_login(struct ring *ring, struct token *token, const struct uri *uri,
                                 struct err *err);
MUST_USE enum result token_writable(struct token *token, CK_SESSION_HANDLE *session,
                                    struct err *err);
void token_forget_pin(struct token *token); /* unless it is needed */

/* object.c */
struct objects {
    size_t count;
    CK_OBJECT_HANDLE handle[OBJECTS_MAX];
};
/* Those of a class that the URI's object and id match; NULL: all of the class. */
MUST_USE enum result objects_find(struct token *token, const struct uri *uri, CK_OBJECT_CLASS class,
                                  struct objects *out, struct err *err);
/* The URI matches several: an error that lists them. */
enum result objects_ambiguous(struct token *token, const struct uri *uri,
                              const struct objects *objects, struct err *err);
/* One attribute's bytes; a missing one is empty. */
MUST_USE enum result object_bytes(struct token *token, CK_OBJECT_HANDLE object,
                                  CK_ATTRIBUTE_TYPE type, struct buf *out, struct err *err);
bool object_flag(struct token *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
/* "label" (id 0a0b) */
void object_describe(struct token *token, CK_OBJECT_HANDLE object, struct buf *out);

MUST_USE enum result data_read(struct token *token, const struct uri *uri, struct buf *out,
                               struct err *err);
/* Creates, reads back, then destroys the older ones: SoftHSM cannot rewrite a value. */
MUST_USE enum result data_write(struct token *token, const struct uri *uri, const struct buf *value,
                                struct err *err);
MUST_USE enum result data_remove(struct token *token, const struct uri *uri, struct err *err);

/* hsm_key.c */
struct hsm_key {
    CK_ULONG type;
    bool sensitive, extractable, always_authenticate;
    size_t id_len, label_len;
    unsigned char id[ID_MAX], label[ID_MAX];
};
/* *missing: no such key; then the error says where was looked and what there is. */
MUST_USE enum result hsm_key_find(struct token *token, const struct uri *uri, struct hsm_key *out,
                                  bool *missing, struct err *err);
/* Logged in before. The EVP_PKEY lives as long as the module. */
MUST_USE enum result hsm_key_open(struct token *token, const struct hsm_key *key, EVP_PKEY **out,
                                  struct err *err);
/* An EC P-256 pair, sensitive, not extractable, signing only. */
MUST_USE enum result hsm_key_create(struct token *token, const struct uri *uri, struct err *err);

#endif
