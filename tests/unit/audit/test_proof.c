#include "helper_log.h"

#include <string.h>
#include <unistd.h>

#include "span.h"

/* Every proof of every tree up to this size; and some of a tree of three levels of tiles. */
#define SMALL 70
#define LARGE 66000

static struct hasher hasher;
static uint8_t leaves[LARGE][SHA256_LEN];

static void setup(void)
{
    struct err err = {0};

    cr_assert_eq(hasher_open(&hasher, "SHA256", &err), RESULT_OK);
    for (uint32_t i = 0; i < LARGE; i++)
        tree_leaf(&hasher, &i, sizeof i, leaves[i]);
}

/* RFC 6962 section 2.1, as it is written there. */
static void naive_root(uint64_t begin, uint64_t end, uint8_t out[SHA256_LEN])
{
    uint8_t pair[1 + 2 * SHA256_LEN] = {1};
    uint64_t k = 1;

    if (end - begin == 1) {
        memcpy(out, leaves[begin], SHA256_LEN);
        return;
    }
    while (2 * k < end - begin)
        k *= 2;
    naive_root(begin, begin + k, pair + 1);
    naive_root(begin + k, end, pair + 1 + SHA256_LEN);
    sha256(pair, sizeof pair, out);
}

static void naive_proof(const struct span *spans, size_t count, struct proof *out)
{
    out->count = count;
    for (size_t i = 0; i < count; i++)
        naive_root(spans[i].begin, spans[i].end, out->hash[i]);
}

static void expect_included(const struct proof *proof, uint64_t index, uint64_t size, bool wanted)
{
    uint8_t root[SHA256_LEN], naive[SHA256_LEN];
    bool good = proof_root(&hasher, proof, index, size, leaves[index], root);

    naive_root(0, size, naive);
    good = good && memcmp(root, naive, SHA256_LEN) == 0;
    cr_assert_eq(good, wanted, "leaf %zu of %zu", (size_t)index, (size_t)size);
}

Test(proof, of_inclusion_leads_to_the_root_for_each_leaf_of_each_size, .init = setup)
{
    struct span spans[PROOF_MAX];
    struct proof proof;

    for (uint64_t size = 1; size <= SMALL; size++)
        for (uint64_t index = 0; index < size; index++) {
            naive_proof(spans, proof_inclusion(index, size, spans), &proof);
            expect_included(&proof, index, size, true);
        }
}

Test(proof, of_inclusion_fits_no_other_place_or_length, .init = setup)
{
    struct span spans[PROOF_MAX];
    struct proof proof;
    uint8_t root[SHA256_LEN];

    for (uint64_t size = 2; size <= SMALL; size++)
        for (uint64_t index = 0; index < size; index++) {
            naive_proof(spans, proof_inclusion(index, size, spans), &proof);
            expect_included(&proof, (index + 1) % size, size, false);
            proof.count--;
            expect_included(&proof, index, size, false);
            proof.count += 2;
            memset(proof.hash[proof.count - 1], 0, SHA256_LEN);
            expect_included(&proof, index, size, false);
            proof.count--;
            for (size_t i = 0; i < proof.count; i++) {
                proof.hash[i][i % SHA256_LEN] ^= 1;
                expect_included(&proof, index, size, false);
                proof.hash[i][i % SHA256_LEN] ^= 1;
            }
            cr_assert_not(proof_root(&hasher, &proof, size, size, leaves[0], root));
        }
}

static bool consistent(const struct proof *proof, uint64_t old, uint64_t size)
{
    uint8_t before[SHA256_LEN], now[SHA256_LEN];
    struct roots roots;

    naive_root(0, old, before);
    naive_root(0, size, now);
    return proof_roots(&hasher, proof, old, size, before, &roots) &&
           memcmp(roots.old, before, SHA256_LEN) == 0 && memcmp(roots.now, now, SHA256_LEN) == 0;
}

/* Also where the root would be the one that was asked for. */
Test(proof, of_inclusion_that_is_too_short_is_none, .init = setup)
{
    struct proof proof = {.count = 0};
    uint8_t root[SHA256_LEN];

    cr_assert(proof_root(&hasher, &proof, 0, 1, leaves[0], root));
    cr_assert_not(proof_root(&hasher, &proof, 0, 2, leaves[0], root));
    proof.count = 1;
    cr_assert_not(proof_root(&hasher, &proof, 0, 1, leaves[0], root));
    cr_assert_not(proof_root(&hasher, &proof, 0, 3, leaves[0], root));
}

Test(proof, of_consistency_leads_to_both_roots_for_each_two_sizes, .init = setup)
{
    struct span spans[PROOF_MAX];
    struct proof proof;

    for (uint64_t size = 1; size <= SMALL; size++)
        for (uint64_t old = 1; old <= size; old++) {
            naive_proof(spans, proof_consistency(old, size, spans), &proof);
            cr_assert(consistent(&proof, old, size), "%zu of %zu", (size_t)old, (size_t)size);
        }
}

Test(proof, of_consistency_fits_no_other_sizes_and_no_change, .init = setup)
{
    struct span spans[PROOF_MAX];
    struct proof proof;
    struct roots roots;

    for (uint64_t size = 2; size <= SMALL; size++)
        for (uint64_t old = 1; old < size; old++) {
            naive_proof(spans, proof_consistency(old, size, spans), &proof);
            cr_assert_not(consistent(&proof, old, size + 1));
            cr_assert_not(consistent(&proof, old + 1, size));
            cr_assert_not(proof_roots(&hasher, &proof, 0, size, leaves[0], &roots));
            proof.count--;
            cr_assert_not(consistent(&proof, old, size));
            proof.count++;
            for (size_t i = 0; i < proof.count; i++) {
                proof.hash[i][i % SHA256_LEN] ^= 1;
                cr_assert_not(consistent(&proof, old, size), "%zu of %zu", (size_t)old,
                              (size_t)size);
                proof.hash[i][i % SHA256_LEN] ^= 1;
            }
        }
}

/* The example of RFC 6962 section 2.1.3: seven leaves. */
Test(proof, has_the_parts_of_the_example_of_rfc_6962)
{
    struct span spans[PROOF_MAX];

    cr_assert_eq(proof_inclusion(0, 7, spans), 3); /* b, h, l */
    cr_assert(spans[0].begin == 1 && spans[0].end == 2);
    cr_assert(spans[1].begin == 2 && spans[1].end == 4);
    cr_assert(spans[2].begin == 4 && spans[2].end == 7);
    cr_assert_eq(proof_inclusion(6, 7, spans), 2); /* i, k */
    cr_assert(spans[0].begin == 4 && spans[0].end == 6);
    cr_assert(spans[1].begin == 0 && spans[1].end == 4);
    cr_assert_eq(proof_consistency(3, 7, spans), 4); /* c, d, g, l */
    cr_assert(spans[0].begin == 2 && spans[0].end == 3);
    cr_assert(spans[1].begin == 3 && spans[1].end == 4);
    cr_assert(spans[2].begin == 0 && spans[2].end == 2);
    cr_assert(spans[3].begin == 4 && spans[3].end == 7);
    cr_assert_eq(proof_consistency(4, 7, spans), 1); /* l */
    cr_assert_eq(proof_consistency(6, 7, spans), 3); /* i, j, k */
    cr_assert_eq(proof_consistency(7, 7, spans), 0);
}

static void tiles_make(struct test_log *log, struct tree *tree, size_t size)
{
    while (tree->size < size) {
        uint64_t before = tree->size;

        do
            tree_push(tree, &hasher, leaves[tree->size]);
        while (tree->size < size && tree->size % TILE_WIDTH != 0);
        cr_assert_eq(tiles_save(log->fd, tree, before, &(bool){false}, &log->err), RESULT_OK, "%s",
                     log->err.text);
    }
}

static void expect_tiles(struct test_log *log, const struct span *spans, size_t count,
                         uint64_t size)
{
    struct proof ours, naive;

    naive_proof(spans, count, &naive);
    cr_assert(tiles_proof(log->fd, size, &hasher, spans, count, &ours), "%zu", (size_t)size);
    for (size_t i = 0; i < count; i++)
        cr_assert_arr_eq(ours.hash[i], naive.hash[i], SHA256_LEN, "%zu..%zu of %zu",
                         (size_t)spans[i].begin, (size_t)spans[i].end, (size_t)size);
}

Test(proof, is_made_from_tiles_of_three_levels, .init = setup, .timeout = 300)
{
    static const uint64_t index[] = {0, 1, 255, 256, 511, 65534, 65535, 65536, 65792, LARGE - 1};
    static struct tree tree;
    struct span spans[PROOF_MAX];
    struct test_log log;
    uint8_t root[SHA256_LEN];

    test_log_place(&log);
    tiles_make(&log, &tree, LARGE);
    for (size_t i = 0; i < sizeof index / sizeof *index; i++) {
        expect_tiles(&log, spans, proof_inclusion(index[i], LARGE, spans), LARGE);
        expect_tiles(&log, spans, proof_consistency(index[i] + 1, LARGE, spans), LARGE);
    }
    /* An older size, whose last tiles have become full since. */
    expect_tiles(&log, spans, proof_inclusion(70, 400, spans), 400);
    /* A node that a tree of this size does not have whole. */
    cr_assert_not(tiles_node(log.fd, LARGE, &hasher, 7, LARGE / 128, root));
    cr_assert_eq(unlinkat(log.fd, "tile/1/000", 0), 0);
    cr_assert_not(tiles_proof(log.fd, LARGE, &hasher, spans, proof_inclusion(1, LARGE, spans),
                              &(struct proof){0}));
    test_log_free(&log);
}
