/* Every node of a JSON document in turn, so that a test can change each and forget none. */
#ifndef HELPER_TREE_H
#define HELPER_TREE_H

#include "base.h"

cJSON *tree_parse(const char *text); /* fails the test; the caller's */
size_t tree_size(const cJSON *root); /* nodes below the root */
/* The index-th node below the root, in the document's order, and what it stands in. */
cJSON *tree_node(cJSON *root, size_t index, cJSON **parent);
/* "/rules/0/hosts" of a node. */
void tree_pointer(const cJSON *root, const cJSON *node, struct buf *out);

#endif
