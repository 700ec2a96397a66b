/*
 * One secret as JWE general JSON (RFC 7516 section 7.2.1): content by A256GCM, its key wrapped for
 * one or more recipients. npm's `jose` opens it.
 */
#ifndef GEORDER_KEYS_JWE_H
#define GEORDER_KEYS_JWE_H

#include "recipient.h"

#define JWE_PLAIN_MAX 4096

/* recipients: of recipient_wrap(), for this key; they are copied. */
MUST_USE enum result jwe_seal(const struct buf *plain, const struct buf *key,
                              const cJSON *recipients, cJSON **out, struct err *err);
/* The content key, by the first recipient that the opener is. key: BUF_SECRET(JWE_KEY_ROOM). */
#define JWE_KEY_ROOM (CONTENT_KEY_LEN + 8)
MUST_USE enum result jwe_recover(const struct json_doc *doc, const cJSON *jwe,
                                 struct opener *opener, struct buf *key, struct err *err);
/* plain: BUF_SECRET. */
MUST_USE enum result jwe_open(const struct json_doc *doc, const cJSON *jwe, const struct buf *key,
                              struct buf *plain, struct err *err);

/* The key can really do what its recipient will need: a new one is tried before it is relied on. */
MUST_USE enum result jwe_prove(const struct recipient *recipient, struct private_key *key,
                               struct err *err);

#endif
