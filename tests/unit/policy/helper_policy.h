#ifndef HELPER_POLICY_H
#define HELPER_POLICY_H

#include "policy.h"

#define NOW INT64_C(1795455600000) /* 2026-11-23T17:40:00Z */

extern const char policy_text[];  /* valid; many tests edit it */
extern const char policy_whole[]; /* valid, with every member that there is */

void file_load(const char *path, struct buf *out); /* below SOURCE_DIR; fails the test */
struct authorities *authorities_get(void);
struct policy *policy_get(const char *text); /* fails the test with the error's text */
/* policy_text with these rules (the items of the list) and zones example.com, example.net,
 * eu.example.com. */
struct policy *policy_with(const char *rules);
/* The text with `what` (which must be there) replaced by `with`. */
void text_edit(struct buf *out, const char *text, const char *what, const char *with);

/* google, 90, txt, no branding, none, in example.com, its apex and then these hosts (may be ""). */
void order_make(struct order *out, const char *first, const char *second);
void decide_must(const struct policy *policy, struct order *order, int64_t now,
                 struct decision *out);
/* Zone example.com, one permit rule for its apex and the pattern, and the forbid rule, if any: is
 * the host permitted? */
bool host_permitted(const char *pattern, const char *forbidden, const char *host);
#define AUTO_POLICY   __attribute__((cleanup(policy_free))) struct policy
#define AUTO_DECISION __attribute__((cleanup(decision_free))) struct decision

/* A permit rule for example.com with wide attributes and these hosts (items of a list). */
#define PERMIT(id, hosts)                                                                          \
    "{\"id\": \"" id                                                                               \
    "\", \"effect\": \"permit\", \"reason\": \"r\", \"zones\": [\"example.com\"], "                \
    "\"hosts\": [" hosts "], \"certificate_authorities\": [\"google\", \"lets_encrypt\", "         \
    "\"ssl_com\"], \"validity_days\": [30, 90], \"validation_methods\": [\"txt\", \"http\"], "     \
    "\"cloudflare_branding\": [false], \"geo_restrictions\": [\"none\", \"eu\"], "                 \
    "\"max_hosts\": 50}"
#define FORBID(id, hosts)                                                                          \
    "{\"id\": \"" id "\", \"effect\": \"forbid\", \"reason\": \"never\", \"hosts\": [" hosts "]}"

#endif
