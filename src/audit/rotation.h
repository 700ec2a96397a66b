/*
 * A change of the log's key, as the record key.rotated tells it: its unmapped.georder.rotation is
 * {"from": kid, "to": kid, "jwk": the new key, "signature": base64url}. The old key signs the
 * record, the new one this text, so that neither can be made the other's successor without it.
 */
#ifndef GEORDER_AUDIT_ROTATION_H
#define GEORDER_AUDIT_ROTATION_H

#include "payload.h"

#define ROTATION_EVENT    "key.rotated"
#define ROTATION_TEXT_MAX 1024

/* "georder key rotation v1\n" origin "\n" index "\n" previous "\n" from "\n" to "\n" */
void rotation_text(struct buf *out, const char *origin, uint64_t index,
                   const uint8_t previous[SHA256_LEN], const char *from, const char *to);
/* The member as it stands in the record, the caller's; signature: as in a JWS. NULL without memory.
 */
cJSON *rotation_json(const struct key *from, const struct key *to, const struct buf *signature);
/* payload: the whole event, followed by a NUL; read: what the log knows of it; from: who signed
 * the record. to: whom it hands on to, who has agreed. */
MUST_USE bool rotation_check(const char *payload, size_t len, const struct payload *read,
                             const struct key *from, char to[AUDIT_KID_LEN + 1]);

#endif
