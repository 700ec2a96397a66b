/* The rows that probe prints, and what measures them. */
#ifndef GEORDER_TESTS_PROBE_H
#define GEORDER_TESTS_PROBE_H

#include "cryptoki.h"

/* One member of the JSON: "ok", or the call that failed and its CKR. */
void row(const char *name, const char *text);
void row_rv(const char *name, const char *call, CK_RV rv);

void probe_key(const struct token *token, const char *kind);
/* As georder would: ECDSA over a digest, or RSA PKCS#1 v1.5. */
void probe_sign(const struct token *token, CK_OBJECT_HANDLE key);

#endif
