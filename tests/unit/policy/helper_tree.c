#include "helper_tree.h"

#include <criterion/criterion.h>
#include <string.h>

cJSON *tree_parse(const char *text)
{
    struct err err = {0};
    struct json_doc doc = {
        .name = "tree", .text = text, .len = strlen(text), .result = RESULT_CONFIG};
    cr_assert_eq(json_parse(&doc, JSON_OURS, &err), RESULT_OK, "%s", err.text);
    return doc.root;
}

size_t tree_size(const cJSON *root)
{
    size_t size = 0;
    for (const cJSON *at = root->child; at != NULL; at = at->next)
        size += 1 + tree_size(at);
    return size;
}

cJSON *tree_node(cJSON *root, size_t index, cJSON **parent)
{
    cJSON *at = root->child;
    *parent = root;
    for (; index > 0; index--) {
        size_t below = tree_size(at);
        if (index <= below)
            return tree_node(at, index - 1, parent);
        index -= below;
        at = at->next;
    }
    return at;
}

static bool pointer_find(const cJSON *at, const cJSON *node, struct buf *out)
{
    size_t len = out->len, index = 0;
    for (const cJSON *child = at->child; child != NULL; child = child->next, index++) {
        if (cJSON_IsArray(at))
            buf_printf(out, "/%zu", index);
        else
            buf_printf(out, "/%s", child->string);
        if (child == node || pointer_find(child, node, out))
            return true;
        out->data[len] = '\0';
        out->len = len;
    }
    return false;
}

void tree_pointer(const cJSON *root, const cJSON *node, struct buf *out)
{
    bool found = pointer_find(root, node, out);
    cr_assert(found);
}
