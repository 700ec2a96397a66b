#include <stdlib.h>
#include <string.h>

#include "lint.h"

#define ROOTS_MAX 64
#define SOON_DAYS 180 /* a new root must get into policies before the old one ends */

struct root {
    uint8_t pin[SHA256_LEN];
    const char *name, *not_after_text;
    int64_t not_after; /* Unix ms */
};

struct roots {
    struct json_doc doc; /* what root.name points into; its text is not kept */
    size_t count;
    struct root root[ROOTS_MAX];
};

static const char *const top_members[] = {
    "georder_cloudflare", "about", "unverified", "left_out", "caa", "roots", "networks", NULL};
static const char *const root_members[] = {
    "name",      "ca",     "caa",  "spki_sha256", "certificate_sha256",
    "not_after", "source", "read", "verified",    NULL};

static enum result root_load(const struct json_doc *doc, const cJSON *node, struct root *out,
                             struct err *err)
{
    TRY(json_object(doc, node, root_members, err));
    TRY(prose_load(doc, node, "name", 255, &out->name, err));
    TRY(json_moment(doc, node, "not_after", &out->not_after_text, &out->not_after, err));
    return digest_load(doc, node, "spki_sha256", out->pin, err);
}

static enum result document_load(struct roots *roots, struct err *err)
{
    const struct json_doc *doc = &roots->doc;
    const cJSON *list = NULL, *item = NULL;
    int64_t version = 0;
    TRY(json_parse(&roots->doc, JSON_OURS, err));
    TRY(json_object(doc, doc->root, top_members, err));
    TRY(json_int(doc, doc->root, "georder_cloudflare", 1, 1, &version, err));
    TRY(json_array(doc, doc->root, "roots", 1, ROOTS_MAX, &list, err));
    TRY(repeat_check(doc, list, "spki_sha256", err));
    cJSON_ArrayForEach(item, list)
    {
        TRY(root_load(doc, item, &roots->root[roots->count], err));
        roots->count++;
    }
    return RESULT_OK;
}

enum result roots_load(const char *name, const char *text, size_t len, struct roots **out,
                       struct err *err)
{
    *out = NULL;
    if (len > ROOTS_TEXT_MAX)
        return err_set(err, RESULT_CONFIG, "%s: has %zu bytes; at most %d are allowed", name, len,
                       ROOTS_TEXT_MAX);
    struct roots *roots = calloc(1, sizeof *roots);
    if (roots == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", name);
    roots->doc = (struct json_doc){.name = name, .text = text, .len = len, .result = RESULT_CONFIG};
    enum result result = document_load(roots, err);
    /* The name and the text are the caller's. */
    roots->doc.name = roots->doc.text = NULL;
    if (result == RESULT_OK)
        *out = roots;
    else
        roots_free(&roots);
    return result;
}

void roots_free(struct roots **roots)
{
    if (*roots == NULL)
        return;
    json_free(&(*roots)->doc);
    free(*roots);
    *roots = NULL;
}

static const struct root *root_find(const struct roots *roots, const uint8_t pin[SHA256_LEN])
{
    for (size_t i = 0; i < roots->count; i++)
        if (memcmp(roots->root[i].pin, pin, SHA256_LEN) == 0)
            return &roots->root[i];
    return NULL;
}

static void lint_end(struct linting *in, size_t pin, const struct root *root)
{
    const struct policy_facts *facts = &in->policy->facts;
    if (root->not_after >= facts->expires_ms && root->not_after >= in->now + SOON_DAYS * DAY_MS)
        return;
    lint_say(lint_add(in, "pin_expires", NONE, "/api/spki_pins/%zu", pin),
             "%s %s at %s: %s; pin the CA's next root beside it", root->name,
             root->not_after <= in->now ? "ended" : "ends", root->not_after_text,
             root->not_after < facts->expires_ms ? "before the policy does" : "soon");
}

static void lint_pin(struct linting *in, const struct roots *roots, size_t pin)
{
    const char *subject = in->policy->subject[pin];
    const struct root *root = root_find(roots, in->policy->pin[pin]);
    if (root == NULL) {
        lint_say(
            lint_add(in, "pin_unknown", NONE, "/api/spki_pins/%zu", pin),
            "the key of %s is none of the roots in cloudflare.json: make sure whose it is, and "
            "until when",
            subject);
        return;
    }
    if (strcmp(root->name, subject) != 0)
        lint_say(lint_add(in, "pin_misnamed", NONE, "/api/spki_pins/%zu/subject", pin),
                 "%s is what the policy says; by cloudflare.json it is the key of %s", subject,
                 root->name);
    lint_end(in, pin, root);
}

enum result roots_lint(const struct policy *policy, const struct roots *roots, int64_t now,
                       struct lint *out, struct err *err)
{
    struct linting in = {.policy = policy, .now = now, .out = out};
    for (size_t i = 0; i < policy->facts.pins; i++)
        lint_pin(&in, roots, i);
    if (!in.failed)
        return RESULT_OK;
    lint_free(out);
    return err_set(err, RESULT_INTERNAL, "the lint of a policy: out of memory");
}
