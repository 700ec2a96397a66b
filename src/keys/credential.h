/* What the API credential looks like, in store and in the pipe. Texts never show any of it. */
#ifndef GEORDER_KEYS_CREDENTIAL_H
#define GEORDER_KEYS_CREDENTIAL_H

#include "base.h"

#define CREDENTIAL_MAX 1024
#define EMAIL_MAX      254

struct credential {
    char email[EMAIL_MAX + 1]; /* "": an API token, else the global key's */
    struct buf secret;
};
#define AUTO_CREDENTIAL __attribute__((cleanup(credential_free))) struct credential
#define CREDENTIAL_INIT                                                                            \
    {                                                                                              \
        .secret = BUF_SECRET(CREDENTIAL_MAX)                                                       \
    }

void credential_free(struct credential *credential);
MUST_USE enum result credential_check(const struct credential *credential, struct err *err);
/* From what is stored, and to it: the token, or {"email":..,"key":..}. */
MUST_USE enum result credential_parse(const struct buf *stored, struct credential *out,
                                      struct err *err);
void credential_put_stored(struct buf *out, const struct credential *credential);
void credential_put_pipe(struct buf *out, const struct credential *credential);
const char *credential_kind(const struct credential *credential);
const char *credential_hint(const struct credential *credential);

#endif
