/*
 * The JOSE header of one recipient of a JWE: its own, the shared unprotected and the protected one
 * together (RFC 7516 section 7.2.1). They have no member in common, and none that we do not know.
 */
#ifndef GEORDER_KEYS_HEADER_H
#define GEORDER_KEYS_HEADER_H

#include "base.h"

#define HEADER_MAX 2048 /* bytes of the protected one */

struct header {
    const struct json_doc *doc; /* the file */
    const cJSON *own, *shared;  /* or NULL */
    struct buf text, name;
    struct json_doc protected; /* owned */
};
#define AUTO_HEADER __attribute__((cleanup(header_free))) struct header
#define HEADER_INIT                                                                                \
    {                                                                                              \
        .text = BUF_INIT(HEADER_MAX), .name = BUF_INIT(512)                                        \
    }

/* What all recipients of this JWE share; its "enc" must be protected, and A256GCM. */
MUST_USE enum result header_open(struct header *header, const struct json_doc *doc,
                                 const cJSON *jwe, struct err *err);
/* With that of one recipient, which may be absent. */
MUST_USE enum result header_take(struct header *header, const cJSON *recipient, struct err *err);
void header_free(struct header *header);

/* The object that has this member, and its document; the recipient's own when none has it. */
const struct json_doc *header_part(const struct header *header, const char *member,
                                   const cJSON **object);
/* *out stays as it was when there is no such member. */
MUST_USE enum result header_text(const struct header *header, const char *member, size_t max,
                                 const char **out, struct err *err);
/* From base64url; min to out->max bytes. Empty when there is no such member and min is 0. */
MUST_USE enum result header_bytes(const struct header *header, const char *member, size_t min,
                                  struct buf *out, struct err *err);
/* As header_bytes, of any object. */
MUST_USE enum result bytes_get(const struct json_doc *doc, const cJSON *object, const char *member,
                               size_t min, struct buf *out, struct err *err);

#endif
