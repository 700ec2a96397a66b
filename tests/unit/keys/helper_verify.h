/* Checks by OpenSSL alone what the role signed. */
#ifndef HELPER_VERIFY_H
#define HELPER_VERIFY_H

#include "base.h"

/* Demands the exact form of a line and a good signature; gives its two decoded parts. */
void line_verify(const char *line, const struct buf *spki, struct buf *header, struct buf *payload);
/* Demands a signature as a JWS has it, base64url, over `text`. */
void signature_verify(const char *signature, const struct buf *spki, const char *text,
                      const char *alg);
/* Demands a signed note over `text`, by the key whose SPKI this is. */
void note_verify(const char *note, const struct buf *spki, const char *text, const char *alg);

#endif
