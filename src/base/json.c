#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_internal.h"

/* Up to this many members, comparing all with all is faster than sorting. */
#define FEW_MEMBERS 16

static enum result fault_report(const struct json_doc *doc, const struct json_fault *fault,
                                struct err *err)
{
    unsigned char byte = (unsigned char)doc->text[fault->at];
    if (!fault->found)
        return json_fail_at(doc, fault->at, err, "%s", fault->why);
    if (fault->at == doc->len)
        return json_fail_at(doc, fault->at, err, "%s; the document ends", fault->why);
    if (byte > 0x20 && byte < 0x7F)
        return json_fail_at(doc, fault->at, err, "%s; found '%c'", fault->why, byte);
    return json_fail_at(doc, fault->at, err, "%s; found the byte 0x%02x", fault->why, byte);
}

struct member {
    const cJSON *node;
    size_t order;
};

static int member_compare(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    int names = strcmp(a->node->string, b->node->string);
    if (names != 0)
        return names;
    return a->order < b->order ? -1 : a->order > b->order;
}

static const cJSON *duplicate_among_few(const cJSON *object)
{
    for (const cJSON *late = object->child; late != NULL; late = late->next)
        for (const cJSON *early = object->child; early != late; early = early->next)
            if (strcmp(early->string, late->string) == 0)
                return late;
    return NULL;
}

static enum result duplicate_among_many(const struct json_doc *doc, const cJSON *object,
                                        size_t count, const cJSON **found, struct err *err)
{
    struct member *members = calloc(count, sizeof *members);
    if (members == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", doc->name);
    size_t i = 0;
    for (const cJSON *node = object->child; node != NULL; node = node->next, i++)
        members[i] = (struct member){node, i};
    qsort(members, count, sizeof *members, member_compare);
    const struct member *first = NULL;
    for (i = 1; i < count; i++)
        if (strcmp(members[i - 1].node->string, members[i].node->string) == 0 &&
            (first == NULL || members[i].order < first->order))
            first = &members[i];
    *found = first == NULL ? NULL : first->node;
    free(members);
    return RESULT_OK;
}

static enum result object_check(const struct json_doc *doc, const cJSON *object, struct err *err)
{
    const cJSON *found = NULL;
    size_t count = 0;
    for (const cJSON *node = object->child; node != NULL; node = node->next)
        count++;
    if (count <= FEW_MEMBERS) {
        found = duplicate_among_few(object);
    } else {
        enum result result = duplicate_among_many(doc, object, count, &found, err);
        if (result != RESULT_OK)
            return result;
    }
    if (found != NULL)
        return json_fail_name(doc, found, err, "a second member of this name; keep one of them");
    return RESULT_OK;
}

/* What only the tree shows: names that are equal once decoded, numbers too large for a double. */
static enum result tree_check(const struct json_doc *doc, const cJSON *node, struct err *err)
{
    if (cJSON_IsNumber(node) && !isfinite(node->valuedouble))
        return json_fail(doc, node, err, "the number is too large");
    enum result result = cJSON_IsObject(node) ? object_check(doc, node, err) : RESULT_OK;
    for (const cJSON *child = node->child; child != NULL && result == RESULT_OK;
         child = child->next)
        result = tree_check(doc, child, err);
    return result;
}

enum result json_parse(struct json_doc *doc, enum json_mode mode, struct err *err)
{
    struct json_fault fault = {0};
    doc->root = NULL;
    if (doc->text[doc->len] != '\0')
        return err_set(err, RESULT_INTERNAL, "%s: no NUL behind the document", doc->name);
    if (!json_gate(doc->text, doc->len, mode, &fault))
        return fault_report(doc, &fault, err);
    /* cJSON wants the NUL counted in, else it refuses every document. */
    doc->root = cJSON_ParseWithLengthOpts(doc->text, doc->len + 1, NULL, 1);
    if (doc->root == NULL)
        return err_set(err, doc->result,
                       "%s: cJSON refuses this document, or there is no memory left for it",
                       doc->name);
    enum result result = tree_check(doc, doc->root, err);
    if (result != RESULT_OK)
        json_free(doc);
    return result;
}

void json_free(struct json_doc *doc)
{
    json_delete(&doc->root);
}

void json_delete(cJSON **node)
{
    cJSON_Delete(*node);
    *node = NULL;
}
