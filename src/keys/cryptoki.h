/*
 * Cryptoki itself (PKCS#11 2.40): modules, tokens, sessions, objects, keys. No library stands
 * between: libp11 0.4.12 keeps copies of the PIN, waits for ever when C_OpenSession fails, lists no
 * key at all beside an Ed25519 key, and makes PSS of raw RSA. Nothing here is ever dlclosed:
 * several modules crash at their second load.
 */
#ifndef GEORDER_KEYS_CRYPTOKI_H
#define GEORDER_KEYS_CRYPTOKI_H

#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>

#include "base.h"
#include "profile.h"
#include "secret.h"
#include "uri.h"

#define MODULES     5 /* the signing key's, the credential's, the head's, keystore recipients' */
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
    CK_RV state[SLOTS_MAX]; /* not CKR_OK: why the token could not be looked at */
    bool lost; /* it said that a session, an object or the token is gone: only a restart helps */
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
    struct profiles profiles;
    struct buf note; /* what a person should know: "" or a line */
    size_t modules, tokens;
    struct module module[MODULES];
    struct token token[MODULES];
};

/* ckr.c: "TEXT: PIN incorrect (CKR_PIN_INCORRECT)", RESULT_KEY. Notes in the module what is lost.
 */
enum result err_ckr(struct module *module, struct err *err, CK_RV rv, const char *fmt, ...)
    PRINTF(4, 5);
/* The token cannot do this at all, whatever it is asked. */
bool ckr_unable(CK_RV rv);
const char *ckr_text(CK_RV rv, char *room, size_t size);
/* "PIN count low, PIN final try" or "" */
void token_pin_state(const struct token *token, struct buf *out);

/* module.c: the file of the module that the URI names, links resolved; out: URI_MAX + 1 bytes. */
MUST_USE enum result module_path(const struct uri *uri, char *out, struct err *err);
/* Loads and initialises what the URI names, or returns the one that is loaded. */
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
/* Those of a class with this attribute. */
MUST_USE enum result objects_like(struct token *token, CK_OBJECT_CLASS class,
                                  const CK_ATTRIBUTE *attribute, struct objects *out,
                                  struct err *err);
/* One attribute's bytes; a missing one is empty. */
MUST_USE enum result object_bytes(struct token *token, CK_OBJECT_HANDLE object,
                                  CK_ATTRIBUTE_TYPE type, struct buf *out, struct err *err);
/* One that every object of its class has: that it cannot be read is a fault, neither yes nor no. */
MUST_USE enum result object_flag(struct token *token, CK_OBJECT_HANDLE object,
                                 CK_ATTRIBUTE_TYPE type, bool *out, struct err *err);

/* data.c: the credential, and the log's head, each as data objects of several versions; the highest
 * is it. *missing: there is none. */
MUST_USE enum result data_read(struct token *token, const struct uri *uri, struct buf *out,
                               bool *missing, struct err *err);
/* Creates, reads back, then destroys all others; left: why one of those could not be. */
MUST_USE enum result data_write(struct token *token, const struct uri *uri, const struct buf *value,
                                struct err *left, struct err *err);
MUST_USE enum result data_remove(struct token *token, const struct uri *uri, struct err *err);
/* Adds an object for each to an array: application, version, private, current. */
MUST_USE enum result data_list(struct token *token, const struct uri *uri, cJSON *out,
                               struct err *err);
/* Of a CKA_APPLICATION, 0 and up; -1: it is not georder's. */
int64_t data_version(const char *application, size_t len);

/* hsm_key.c */
struct hsm_key {
    CK_KEY_TYPE type;
    CK_OBJECT_HANDLE object;
    bool sensitive, extractable, always_authenticate;
    size_t id_len, label_len;
    unsigned char id[ID_MAX], label[ID_MAX];
};
/* Logged in before. *missing: no such key; then the error says where was looked and what there is.
 */
MUST_USE enum result hsm_key_find(struct token *token, const struct uri *uri, struct hsm_key *out,
                                  bool *missing, struct err *err);
/* Its public half, as a key of OpenSSL's own. */
MUST_USE enum result hsm_key_public(struct token *token, const struct hsm_key *key, EVP_PKEY **out,
                                    struct err *err);

/* hsm_use.c: one operation each. A token that cannot do it: the error names the way that works. */
enum result hsm_other_way(struct err *err, const char *alg);
MUST_USE enum result hsm_sign(struct token *token, const struct hsm_key *key,
                              CK_MECHANISM_TYPE mechanism, const void *bytes, size_t len,
                              struct buf *signature, struct err *err);
/* point: uncompressed; secret: BUF_SECRET, of `size` bytes. */
MUST_USE enum result hsm_agree(struct token *token, const struct hsm_key *key,
                               const struct buf *point, size_t size, struct buf *secret,
                               struct err *err);
/* RSAES-OAEP with SHA-256; plain: BUF_SECRET. */
MUST_USE enum result hsm_decrypt(struct token *token, const struct hsm_key *key,
                                 const struct buf *wrapped, struct buf *plain, struct err *err);

/* hsm_create.c: a pair for ES256, ES384, RS256 or PS256 (it signs), ECDH-ES+A256KW (it derives) or
 * RSA-OAEP-256 (it decrypts); sensitive, not extractable, or destroyed again. */
MUST_USE enum result hsm_key_create(struct token *token, const struct uri *uri, const char *alg,
                                    struct err *err);

#endif
