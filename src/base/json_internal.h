/* What the files json*.c share. */
#ifndef GEORDER_JSON_INTERNAL_H
#define GEORDER_JSON_INTERNAL_H

#include "json.h"

#define JSON_DEPTH_OURS   16
#define JSON_DEPTH_ANSWER 32
#define JSON_DEPTH_MAX    JSON_DEPTH_ANSWER

struct json_fault {
    size_t at;       /* offset in the text */
    const char *why; /* a constant */
    bool found;      /* the byte at this offset is what is wrong: show it */
};

/* Whether text (with a NUL behind it) is one strict JSON value; if not, its first fault. */
MUST_USE bool json_gate(const char *text, size_t len, enum json_mode mode,
                        struct json_fault *fault);

/* How many bytes from here on stand for themselves in a string: ASCII, no control, no " or \. */
size_t json_plain_run(const char *bytes, size_t len);

enum result json_fail_at(const struct json_doc *doc, size_t at, struct err *err, const char *fmt,
                         ...) PRINTF(4, 5);
/* As json_fail, but the place is that of the member's name, not of its value. */
enum result json_fail_name(const struct json_doc *doc, const cJSON *node, struct err *err,
                           const char *fmt, ...) PRINTF(4, 5);

#endif
