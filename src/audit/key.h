/* Public keys of the log: JWK files (RFC 7517) named by their RFC 7638 thumbprint. */
#ifndef GEORDER_AUDIT_KEY_H
#define GEORDER_AUDIT_KEY_H

#include <dirent.h>
#include <openssl/evp.h>

#include "audit.h"

#define KEYS_MAX        AUDIT_KEYS_MAX
#define KEY_MAX         AUDIT_JWK_MAX /* bytes of a JWK file */
#define SIGNATURE_MAX   512           /* RSA 4096 */
#define NOTE_KEY_ID_LEN 4

struct algorithm {
    const char *name;   /* RFC 7518 section 3.1 */
    const char *digest; /* as OpenSSL names it */
    size_t digest_len;
    const char *curve; /* JWK's name, or NULL for RSA */
    const char *group; /* OpenSSL's name for it */
    size_t scalar;     /* bytes of r and of s */
    int padding;       /* of RSA */
};

struct key {
    const struct algorithm *alg;
    EVP_PKEY *pkey; /* owned */
    char kid[AUDIT_KID_LEN + 1];
    uint8_t note_id[NOTE_KEY_ID_LEN]; /* C2SP signed-note, type 0x02: SHA-256 of the SPKI, cut */
};

MUST_USE enum result key_from_spki(const char *alg, const uint8_t *spki, size_t len,
                                   struct key *key, struct err *err);
/* Takes pkey over, which may be NULL. */
MUST_USE enum result key_from_pkey(const char *alg, EVP_PKEY *pkey, struct key *key,
                                   struct err *err);
void key_free(struct key *key);
/* The file as it must be, byte for byte. */
MUST_USE enum result key_jwk(const struct key *key, struct buf *out, struct err *err);

/* The next name in a directory, NULL at its end; an end that is no end is an error. */
MUST_USE enum result entry_next(DIR *directory, const char **name, struct err *err);
/* text is followed by a NUL. Of its members, those count that make the key, and alg. */
MUST_USE enum result key_from_jwk(const char *text, size_t len, struct key *key, struct err *err);
/* The same, of a node of a document. */
MUST_USE bool key_from_node(const struct json_doc *doc, const cJSON *node, struct key *key);
/* Every byte counts: as key_jwk() writes it. */
MUST_USE bool key_is_exactly(const struct key *key, const char *text, size_t len);

struct keyring {
    struct key key[KEYS_MAX];
    size_t count;
};

/* DIR/keys. A file that is not exactly the key that its name says is left out. */
MUST_USE enum result keyring_load(int dirfd, struct keyring *ring, struct err *err);
void keyring_free(struct keyring *ring);
const struct key *keyring_find(const struct keyring *ring, const char *kid);

/* For one key; owned by the caller. NULL when OpenSSL refuses. */
EVP_PKEY_CTX *key_verifier(const struct key *key);
/* JWS signature over a digest of the key's kind. */
MUST_USE bool key_verify_jws(const struct key *key, EVP_PKEY_CTX *ctx, const uint8_t *signature,
                             size_t len, const uint8_t *digest, size_t digest_len);
/* Signature of a C2SP note: over SHA-256, ECDSA in DER. */
MUST_USE bool key_verify_note(const struct key *key, const uint8_t *signature, size_t len,
                              const char *text, size_t text_len);

#endif
