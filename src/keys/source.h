/* A key source in use: the token or keystore behind a URI, and what can be had from it. */
#ifndef GEORDER_KEYS_SOURCE_H
#define GEORDER_KEYS_SOURCE_H

#include "guard.h"
#include "unlock.h"

struct source {
    const char *what; /* the config's name for it: "audit.signing_key" */
    struct uri uri;
    struct token *token;   /* pkcs11; NULL until source_open() */
    struct buf passphrase; /* keystore; empty until it was asked for */
    struct source *other;  /* which may know the same keystore's passphrase already */
};

/* "" is no source (scheme URI_NONE). */
MUST_USE enum result source_parse(struct source *source, const char *what, const char *text,
                                  enum uri_use use, struct err *err);
void source_free(struct source *source);
/* What the lock must leave to them all (a list that NULL ends): modules, PINs, keystores. */
MUST_USE enum result sources_reach(const struct ring *ring, struct source *const all[], bool writes,
                                   struct guard_reach *reach, struct err *err);
/* Loads the module and finds the token. Errors are prefixed with `what`, as are all below. */
MUST_USE enum result source_open(struct ring *ring, struct source *source, struct err *err);

/* *missing: there is no such key, but it could be made here. */
MUST_USE enum result source_key(struct ring *ring, struct source *source, struct private_key *out,
                                bool *missing, struct err *err);
/* alg: see hsm_key_create(); to sign. */
MUST_USE enum result source_key_create(struct ring *ring, struct source *source, const char *alg,
                                       struct err *err);
/* The credential's bytes; out: BUF_SECRET. */
MUST_USE enum result source_read(struct ring *ring, struct source *source, struct buf *out,
                                 struct err *err);
/* The same. *missing: it is not stored there. */
MUST_USE enum result source_find(struct ring *ring, struct source *source, struct buf *out,
                                 bool *missing, struct err *err);
/* left: RESULT_OK, or why something that was replaced is still there (and is ignored). */
MUST_USE enum result source_write(struct ring *ring, struct source *source, const struct buf *value,
                                  struct err *left, struct err *err);
MUST_USE enum result source_remove(struct ring *ring, struct source *source, struct err *err);
/* What is there, into an array: of a token see data_list(); of a keystore {"name"}, or nothing. */
MUST_USE enum result source_list(struct ring *ring, struct source *source, cJSON *out,
                                 struct err *err);

/* How this source's keystore is opened. A passphrase that was given for the other one is used. */
struct unlock source_unlock(struct ring *ring, struct source *source);
/* After each use: what can be read again is not kept; a person is not asked again. */
enum result passphrase_used(struct source *source, enum result result);

#endif
