/*
 * Strict JSON: RFC 8259, and no duplicate names (by decoded name, at any depth), no U+0000, no
 * BOM, valid UTF-8, bounded depth, exact numbers, nothing behind the document. A byte gate reads
 * the whole text first; only what passed it reaches cJSON. No other file calls cJSON's parser.
 *
 * Trees are cJSON's. Look members up with the functions here or cJSON_GetObjectItemCaseSensitive.
 */
#ifndef GEORDER_JSON_H
#define GEORDER_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum json_mode {
    JSON_OURS, /* config, policy, order, record: numbers are non-negative integers < 10^15, depth 16
                */
    JSON_ANSWER, /* from the API: any finite number, depth 32 */
};

struct json_doc {
    const char *name; /* for errors: the file's name as the user gave it */
    const char *text; /* not owned, outlives the document; text[len] is a NUL, as in a buf */
    size_t len;
    enum result result; /* what a fault in this document means: RESULT_CONFIG, RESULT_USAGE ... */
    cJSON *root;        /* owned */
};

MUST_USE enum result json_parse(struct json_doc *doc, enum json_mode mode, struct err *err);
void json_free(struct json_doc *doc);
void json_delete(cJSON **node); /* for cleanup */
#define AUTO_JSON __attribute__((cleanup(json_delete))) cJSON

/* "NAME:LINE:COLUMN: /json/pointer: text" for a node of doc's tree (found by its address). */
enum result json_fail(const struct json_doc *doc, const cJSON *node, struct err *err,
                      const char *fmt, ...) PRINTF(4, 5);

/* An object with no member but the known ones (a NULL-ended list). */
MUST_USE enum result json_object(const struct json_doc *doc, const cJSON *node,
                                 const char *const known[], struct err *err);
/* Members. A missing one is an error, or, with _opt, leaves *out as it was; null is never taken.
 * Strings must have 1..max bytes. */
MUST_USE enum result json_member(const struct json_doc *doc, const cJSON *object, const char *name,
                                 const cJSON **out, struct err *err);
MUST_USE enum result json_string(const struct json_doc *doc, const cJSON *object, const char *name,
                                 size_t max, const char **out, struct err *err);
MUST_USE enum result json_string_opt(const struct json_doc *doc, const cJSON *object,
                                     const char *name, size_t max, const char **out,
                                     struct err *err);
MUST_USE enum result json_int(const struct json_doc *doc, const cJSON *object, const char *name,
                              int64_t min, int64_t max, int64_t *out, struct err *err);
MUST_USE enum result json_bool(const struct json_doc *doc, const cJSON *object, const char *name,
                               bool *out, struct err *err);
MUST_USE enum result json_bool_opt(const struct json_doc *doc, const cJSON *object,
                                   const char *name, bool *out, struct err *err);
/* A time in UTC, by RFC 3339 with a final Z, in Unix ms; text (may be NULL): as it stands there. */
MUST_USE enum result json_moment(const struct json_doc *doc, const cJSON *object, const char *name,
                                 const char **text, int64_t *unix_ms, struct err *err);
/* min..max items. */
MUST_USE enum result json_array(const struct json_doc *doc, const cJSON *object, const char *name,
                                size_t min, size_t max, const cJSON **out, struct err *err);
/* One node, say an array's item, that must be a string of 1..max bytes. */
MUST_USE enum result json_text(const struct json_doc *doc, const cJSON *node, size_t max,
                               const char **out, struct err *err);

/* A string with its quotes, escaped as RFC 8259 demands and no more (bytes that are not UTF-8
 * become U+FFFD); then a whole tree, compact. Infinity, NaN and raw nodes set `failed`. */
void json_put_string(struct buf *out, const char *text);
void json_put(struct buf *out, const cJSON *node);
void json_put_pretty(struct buf *out, const cJSON *node); /* two spaces, for people */

#endif
