#include "tree.h"

#include <string.h>

uint64_t tree_nodes(uint64_t size, unsigned level)
{
    return size >> (8 * level);
}

void tree_leaf(struct hasher *hasher, const void *entry, size_t len, uint8_t out[SHA256_LEN])
{
    hash_begin(hasher);
    hash_add(hasher, "\x00", 1);
    hash_add(hasher, entry, len);
    hash_end(hasher, out);
}

void tree_node(struct hasher *hasher, uint8_t pair[2][SHA256_LEN], uint8_t out[SHA256_LEN])
{
    hash_begin(hasher);
    hash_add(hasher, "\x01", 1);
    hash_add(hasher, pair, 2 * SHA256_LEN);
    hash_end(hasher, out);
}

/* Pairing from the left and promoting the odd one is the tree of RFC 6962 section 2.1. */
void nodes_fold(struct hasher *hasher, uint8_t node[][SHA256_LEN], size_t count)
{
    for (; count > 1; count = (count + 1) / 2) {
        for (size_t i = 0; i + 1 < count; i += 2)
            tree_node(hasher, &node[i], node[i / 2]);
        if (count % 2 != 0)
            memcpy(node[count / 2], node[count - 1], SHA256_LEN);
    }
}

void tree_copy(struct tree *to, const struct tree *from)
{
    to->size = from->size;
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        size_t width = tree_nodes(from->size, level) % TILE_WIDTH;

        memcpy(to->tile[level], from->tile[level], (width > 0 ? width : TILE_WIDTH) * SHA256_LEN);
    }
    memcpy(to->peak, from->peak, sizeof to->peak);
}

void tree_push(struct tree *tree, struct hasher *hasher, const uint8_t leaf[SHA256_LEN])
{
    uint64_t at = tree->size++;
    uint8_t pair[2][SHA256_LEN];

    memcpy(pair[1], leaf, SHA256_LEN);
    for (unsigned height = 0; height < TREE_HEIGHTS; height++, at /= 2) {
        if (height % 8 == 0)
            memcpy(tree->tile[height / 8][at % TILE_WIDTH], pair[1], SHA256_LEN);
        if (at % 2 == 0) {
            memcpy(tree->peak[height], pair[1], SHA256_LEN);
            return;
        }
        memcpy(pair[0], tree->peak[height], SHA256_LEN);
        tree_node(hasher, pair, pair[1]);
    }
}

void tree_root(const struct tree *tree, struct hasher *hasher, uint8_t out[SHA256_LEN])
{
    uint8_t pair[2][SHA256_LEN];
    bool below = false;

    if (tree->size == 0)
        sha256("", 0, pair[1]);
    for (unsigned height = 0; height < TREE_HEIGHTS; height++) {
        if ((tree->size >> height) % 2 == 0)
            continue;
        memcpy(pair[below ? 0 : 1], tree->peak[height], SHA256_LEN);
        if (below)
            tree_node(hasher, pair, pair[1]);
        below = true;
    }
    memcpy(out, pair[1], SHA256_LEN);
}
