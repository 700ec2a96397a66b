/*
 * The RFC 6962 tree over the lines, kept as the right edge of its C2SP tlog-tiles: per level the
 * hashes of the tile that is not yet full. 256^5 leaves are more than twelve digits can number.
 */
#ifndef GEORDER_AUDIT_TREE_H
#define GEORDER_AUDIT_TREE_H

#include "hash.h"

#define TREE_LEVELS  5
#define TREE_HEIGHTS (8 * TREE_LEVELS)
#define TILE_WIDTH   256

struct tree {
    uint64_t size;
    /* A tile that has just become full stays readable until the next push. */
    uint8_t tile[TREE_LEVELS][TILE_WIDTH][SHA256_LEN];
    /* For each bit of size that is set, the hash over a whole subtree of so many leaves; the one of
     * the highest bit stands leftmost. */
    uint8_t peak[TREE_HEIGHTS][SHA256_LEN];
};

/* Nodes of this level in a tree of this size. */
uint64_t tree_nodes(uint64_t size, unsigned level);

void tree_leaf(struct hasher *hasher, const void *entry, size_t len, uint8_t out[SHA256_LEN]);
/* out may be one of the pair. */
void tree_node(struct hasher *hasher, uint8_t pair[2][SHA256_LEN], uint8_t out[SHA256_LEN]);
/* The hash over these nodes of one level comes to stand in node[0]; count > 0. */
void nodes_fold(struct hasher *hasher, uint8_t node[][SHA256_LEN], size_t count);
/* As far as it is in use. */
void tree_copy(struct tree *to, const struct tree *from);
void tree_push(struct tree *tree, struct hasher *hasher, const uint8_t leaf[SHA256_LEN]);
void tree_root(const struct tree *tree, struct hasher *hasher, uint8_t out[SHA256_LEN]);

/* Files below DIR/tile. Loading is false when a tile is missing or has another size; whether it is
 * the right one, the root tells. */
MUST_USE bool tiles_load(int dirfd, uint64_t size, struct hasher *hasher, struct tree *tree);
/* One node of the binary tree of this size, whole, at a level from 0 (the leaves). */
MUST_USE bool tiles_node(int dirfd, uint64_t size, struct hasher *hasher, unsigned level,
                         uint64_t index, uint8_t out[SHA256_LEN]);
/* After pushes since `before`, with at most one full tile per level among them. */
MUST_USE enum result tiles_save(int dirfd, const struct tree *tree, uint64_t before,
                                bool *flush_failed, struct err *err);
/* Takes away the partial tiles of size `before` that wider ones have replaced. */
void tiles_prune(int dirfd, const struct tree *tree, uint64_t before);

#define TILE_PATH_LEN 64
/* width TILE_WIDTH: the full tile. */
void tile_path(char out[TILE_PATH_LEN], unsigned level, uint64_t number, size_t width);

#endif
