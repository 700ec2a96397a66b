/*
 * A key source: pkcs11: (RFC 7512) or keystore:FILE?name=NAME. Stricter than RFC 7512's parsers:
 * what is unknown, twice there, empty or would put a secret on a command line is refused.
 */
#ifndef GEORDER_KEYS_URI_H
#define GEORDER_KEYS_URI_H

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include "base.h"

#define URI_MAX         2048
#define SECRET_NAME_MAX 64

enum uri_scheme { URI_NONE, URI_PKCS11, URI_KEYSTORE };
/* The head of a log: a data object of a token, since a file would be on the log's disk. */
enum uri_use { URI_FOR_KEY, URI_FOR_CREDENTIAL, URI_FOR_HEAD };
enum secret_from { SECRET_PROMPT, SECRET_FILE, SECRET_CREDENTIAL };

struct secret_source {
    enum secret_from from;
    char name[URI_MAX + 1]; /* path, or name of a systemd credential */
};

struct uri {
    enum uri_scheme scheme;
    enum uri_use use;
    char text[URI_MAX + 1];   /* as it was written; holds no secret */
    P11KitUri *match;         /* pkcs11: what token and object must show; owned */
    char module[URI_MAX + 1]; /* pkcs11: path of the module, or its name */
    bool module_named;
    char file[URI_MAX + 1]; /* keystore */
    char name[SECRET_NAME_MAX + 1];
    struct secret_source secret; /* of the PIN or the passphrase */
    bool secret_named;           /* it stands there, if only as "prompt" */
};

MUST_USE enum result uri_parse(const char *text, enum uri_use use, struct uri *out,
                               struct err *err);
void uri_free(struct uri *uri);
const CK_ATTRIBUTE *uri_attribute(const struct uri *uri, CK_ATTRIBUTE_TYPE type); /* or NULL */

#endif
