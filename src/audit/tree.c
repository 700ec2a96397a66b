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

static void tile_fold(struct hasher *hasher, uint8_t tile[][SHA256_LEN], uint8_t out[SHA256_LEN])
{
    uint8_t node[TILE_WIDTH][SHA256_LEN];

    memcpy(node, tile, sizeof node);
    nodes_fold(hasher, node, TILE_WIDTH);
    memcpy(out, node[0], SHA256_LEN);
}

void tree_copy(struct tree *to, const struct tree *from)
{
    to->size = from->size;
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        size_t width = tree_nodes(from->size, level) % TILE_WIDTH;

        memcpy(to->tile[level], from->tile[level], (width > 0 ? width : TILE_WIDTH) * SHA256_LEN);
    }
}

void tree_push(struct tree *tree, struct hasher *hasher, const uint8_t leaf[SHA256_LEN])
{
    uint64_t at = tree->size++;
    uint8_t node[SHA256_LEN];

    memcpy(node, leaf, sizeof node);
    for (unsigned level = 0; level < TREE_LEVELS; level++, at /= TILE_WIDTH) {
        memcpy(tree->tile[level][at % TILE_WIDTH], node, sizeof node);
        if (at % TILE_WIDTH != TILE_WIDTH - 1)
            return;
        tile_fold(hasher, tree->tile[level], node);
    }
}

void tree_root(const struct tree *tree, struct hasher *hasher, uint8_t out[SHA256_LEN])
{
    uint8_t node[TILE_WIDTH][SHA256_LEN];
    bool below = false;

    sha256("", 0, out);
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        size_t count = tree_nodes(tree->size, level) % TILE_WIDTH;

        memcpy(node, tree->tile[level], count * SHA256_LEN);
        if (below)
            memcpy(node[count++], out, SHA256_LEN);
        if (count == 0)
            continue;
        nodes_fold(hasher, node, count);
        memcpy(out, node[0], SHA256_LEN);
        below = true;
    }
}
