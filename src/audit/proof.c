#include "proof.h"

#include <string.h>

/* The largest power of two below a size of at least 2. */
static uint64_t split(uint64_t size)
{
    uint64_t half = 1;

    while (half < size - half)
        half *= 2;
    return half;
}

/* Found from the root down, given from the leaf up. */
static size_t turn(struct span *span, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct span other = span[i];

        span[i] = span[count - 1 - i];
        span[count - 1 - i] = other;
    }
    return count;
}

/* Narrows `tree` to the half in which `index` is; the other half is a part of the proof. */
static struct span halve(struct span *tree, uint64_t index)
{
    uint64_t middle = tree->begin + split(tree->end - tree->begin);
    struct span other;

    if (index < middle) {
        other = (struct span){middle, tree->end};
        tree->end = middle;
    } else {
        other = (struct span){tree->begin, middle};
        tree->begin = middle;
    }
    return other;
}

size_t proof_inclusion(uint64_t index, uint64_t size, struct span out[PROOF_MAX])
{
    struct span tree = {0, size};
    size_t count = 0;

    while (tree.end - tree.begin > 1)
        out[count++] = halve(&tree, index);
    return turn(out, count);
}

size_t proof_consistency(uint64_t old, uint64_t size, struct span out[PROOF_MAX])
{
    struct span tree = {0, size};
    size_t count = 0;

    while (tree.end != old)
        out[count++] = halve(&tree, old - 1);
    /* The whole of the old tree is known to whoever checks. */
    if (tree.begin > 0)
        out[count++] = tree;
    return turn(out, count);
}

static void join(struct hasher *hasher, const uint8_t left[SHA256_LEN],
                 const uint8_t right[SHA256_LEN], uint8_t out[SHA256_LEN])
{
    uint8_t pair[2][SHA256_LEN];

    memcpy(pair[0], left, SHA256_LEN);
    memcpy(pair[1], right, SHA256_LEN);
    tree_node(hasher, pair, out);
}

/* RFC 9162 section 2.1.3.2; `at` is fn there, and `last` sn. */
bool proof_root(struct hasher *hasher, const struct proof *proof, uint64_t index, uint64_t size,
                const uint8_t leaf[SHA256_LEN], uint8_t root[SHA256_LEN])
{
    uint64_t at = index, last = size - 1;

    if (index >= size)
        return false;
    memcpy(root, leaf, SHA256_LEN);
    for (size_t i = 0; i < proof->count; i++, at /= 2, last /= 2) {
        if (last == 0)
            return false;
        if (at % 2 == 0 && at != last) {
            join(hasher, root, proof->hash[i], root);
            continue;
        }
        join(hasher, proof->hash[i], root, root);
        for (; at % 2 == 0 && at != 0; at /= 2)
            last /= 2;
    }
    return last == 0;
}

/* RFC 9162 section 2.1.4.2, from its step 5 on. */
static bool roots_climb(struct hasher *hasher, const struct proof *proof, size_t next, uint64_t at,
                        uint64_t last, struct roots *roots)
{
    for (; next < proof->count; next++, at /= 2, last /= 2) {
        if (last == 0)
            return false;
        if (at % 2 == 0 && at != last) {
            join(hasher, roots->now, proof->hash[next], roots->now);
            continue;
        }
        join(hasher, proof->hash[next], roots->old, roots->old);
        join(hasher, proof->hash[next], roots->now, roots->now);
        for (; at % 2 == 0 && at != 0; at /= 2)
            last /= 2;
    }
    return last == 0;
}

bool proof_roots(struct hasher *hasher, const struct proof *proof, uint64_t old, uint64_t size,
                 const uint8_t old_root[SHA256_LEN], struct roots *out)
{
    uint64_t at = old - 1, last = size - 1;
    bool whole = (old & (old - 1)) == 0;
    const uint8_t *first = whole ? old_root : proof->hash[0];

    if (old == 0 || old > size || (old == size) != (proof->count == 0))
        return false;
    if (old == size)
        first = old_root;
    memcpy(out->old, first, SHA256_LEN);
    memcpy(out->now, first, SHA256_LEN);
    if (old == size)
        return true;
    for (; at % 2 == 1; at /= 2)
        last /= 2;
    return roots_climb(hasher, proof, whole ? 0 : 1, at, last, out);
}
