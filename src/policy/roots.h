/*
 * The roots that can stand behind Cloudflare's API: cloudflare.json, data with source and date.
 * Only a lint reads it: a policy pins by itself. Part of policy.h.
 */
#ifndef GEORDER_ROOTS_H
#define GEORDER_ROOTS_H

#define ROOTS_TEXT_MAX (256 * 1024) /* bytes of the file */

struct roots; /* opaque; owned, roots_free() */

/* Errors are RESULT_CONFIG, as those of a policy. */
MUST_USE enum result roots_load(const char *name, const char *text, size_t len, struct roots **out,
                                struct err *err);
void roots_free(struct roots **roots);

/* What the roots say of a policy's pins: those that end, that are of none of them, or of another
 * than they say. Adds to a lint that was begun by policy_lint(). */
MUST_USE enum result roots_lint(const struct policy *policy, const struct roots *roots, int64_t now,
                                struct lint *out, struct err *err);

#endif
