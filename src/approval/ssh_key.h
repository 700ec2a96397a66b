/* A public key as OpenSSH writes it: "TYPE BASE64 COMMENT". Which types are taken, and no others.
 */
#ifndef GEORDER_SSH_KEY_H
#define GEORDER_SSH_KEY_H

#include <openssl/evp.h>

#include "approval.h"
#include "wire.h"

enum key_kind { KEY_ED25519, KEY_ECDSA, KEY_RSA };

struct key_type {
    const char *name;
    enum key_kind kind;
    bool security_key;  /* FIDO: "sk-" */
    const char *curve;  /* SSH's name of an ECDSA key's curve */
    const char *group;  /* OpenSSL's name of it */
    size_t point;       /* bytes of an uncompressed point */
    const char *digest; /* of an ECDSA signature */
};

struct ssh_key {
    const struct key_type *type;
    struct buf blob;          /* owned, as is pkey */
    struct slice material;    /* in blob: what is secret's counterpart: point, or modulus */
    struct slice application; /* in blob: of a security key */
    EVP_PKEY *pkey;
};

/* The type of that name, or NULL. */
const struct key_type *key_type_find(struct slice name);
/* Errors have no place in them, the caller knows it; RESULT_CONFIG. Free it in any case. */
MUST_USE enum result ssh_key_read(const char *text, struct ssh_key *out, struct err *err);
void ssh_key_free(struct ssh_key *key);
/* As ssh-keygen -l shows it. */
void ssh_fingerprint(struct slice blob, char out[FINGERPRINT_LEN + 1]);

/* Whether `signature` (the blob inside an SSHSIG) is this key's over `data`; if not, why. */
MUST_USE enum result ssh_key_verify(const struct ssh_key *key, bool user_verification,
                                    struct slice signature, struct slice data, struct err *err);

#endif
