/* The verbs of `georder audit`, one file each: audit_VERB.c. The table is in audit.c. */
#ifndef GEORDER_AUDIT_VERB_H
#define GEORDER_AUDIT_VERB_H

#include "verb.h"

extern const struct verb audit_verify_verb, audit_list_verb, audit_show_verb, audit_export_verb,
    audit_prove_verb, audit_checkpoint_verb, audit_anchor_verb, audit_head_verb, audit_report_verb;

/* Which log: the first two options of every verb; a verb's own are numbered from AUDIT_OWN. */
enum { AUDIT_DIRECTORY = OWN_OPTION, AUDIT_ORIGIN, AUDIT_OWN };
#define AUDIT_PLACE                                                                                \
    {"directory", required_argument, NULL, AUDIT_DIRECTORY},                                       \
    {                                                                                              \
        "origin", required_argument, NULL, AUDIT_ORIGIN                                            \
    }
#define AUDIT_PLACE_HELP                                                                           \
    "  --directory DIR           the log, say audit in a home; goes with --origin\n"               \
    "  --origin ORIGIN           the log's name, which its checkpoint must bear\n"

/* The argument of an option, or NULL. */
const char *audit_verb_value(const struct verb_call *call, int option);
/* Opens the directory of the log that the options or the config name: session->audit_fd; and
 * session->config.origin, unless --directory was given. Does not lock. */
MUST_USE enum result audit_verb_open(struct verb_call *call, struct err *err);
/* The same, and locks. */
MUST_USE enum result audit_verb_locate(struct verb_call *call, struct err *err);
/* Once it is located: the origin that the log must bear. */
const char *audit_verb_origin(const struct verb_call *call);
/* The argument of an option that is a time: Unix ms; a day is its first moment. Untouched when it
 * is not given. */
MUST_USE enum result audit_verb_moment(const struct verb_call *call, int option, const char *name,
                                       int64_t *out, struct err *err);
/* And the only key to trust, by this option or, without --directory, the config; or NULL. */
const char *audit_verb_key(const struct verb_call *call, int option);

/* `verify --receipt PATH`, by a JWK file or by a thumbprint (jwk NULL). Needs no log. */
MUST_USE enum result audit_verb_receipt(struct verb_call *call, const char *path, const char *jwk,
                                        const char *key, struct err *err);
/* Once it is open: locks, and asks keys for the log's head; later the log, whose records are good,
 * is held against it, and what is found told. */
MUST_USE enum result audit_verb_head(struct verb_call *call, struct buf *note, struct err *err);
MUST_USE enum result audit_verb_head_judge(struct verb_call *call, const struct buf *note,
                                           const char *key, struct err *err);
/* What others have anchored of the log: verify's own look at it, in two halves. Whose anchors count
 * is read before the lock: those of the config, and those that the options (NULL: not given) name.
 */
struct audit_anchors {
    struct buf authorities;
    struct witness witness[WITNESSES_MAX + 1];
    size_t witnesses;
};
#define AUDIT_ANCHORS_INIT                                                                         \
    {                                                                                              \
        .authorities = BUF_INIT(2048 * KIB)                                                        \
    }
MUST_USE enum result audit_verb_anchors_trust(struct verb_call *call, const char *vkey,
                                              const char *ca_file, struct audit_anchors *out,
                                              struct err *err);
/* RESULT_AUDIT when one speaks against the log: then it is the verdict in the document, too. */
MUST_USE enum result audit_verb_anchors(struct verb_call *call, const char *key,
                                        const struct audit_anchors *anchors, struct err *err);

/* `verify --manifest PATH`, likewise: an export, its manifest and the receipt beside it. */
MUST_USE enum result audit_verb_manifest(struct verb_call *call, const char *path, const char *jwk,
                                         const char *key, struct err *err);
/* The thumbprint of the key in a JWK file; path NULL: nothing is done. */
MUST_USE enum result audit_verb_jwk(const char *path, char kid[AUDIT_KID_LEN + 1], struct err *err);
/* A record for people, whole. */
void audit_verb_show(const struct output *output, uint64_t index, const cJSON *payload);

/* Locates the log and shows `each` all its records, in turn. Checks no signature. */
MUST_USE enum result audit_verb_visit(struct verb_call *call, audit_visit *each, void *context,
                                      struct err *err);
/* The text of a member of a member of an event, or "". */
const char *audit_verb_text(const cJSON *payload, const char *first, const char *second);

#endif
