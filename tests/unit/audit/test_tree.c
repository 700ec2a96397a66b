#include "helper_log.h"

#include <string.h>

static struct hasher hasher;
static uint8_t leaves[70000][SHA256_LEN];

static void setup(void)
{
    struct err err = {0};

    cr_assert_eq(hasher_open(&hasher, "SHA256", &err), RESULT_OK);
    for (uint32_t i = 0; i < 70000; i++)
        tree_leaf(&hasher, &i, sizeof i, leaves[i]);
}

/* RFC 6962 section 2.1, as it is written there. */
static void naive_root(uint8_t leaf[][SHA256_LEN], size_t count, uint8_t out[SHA256_LEN])
{
    uint8_t pair[1 + 2 * SHA256_LEN] = {1};
    size_t k = 1;

    if (count == 0) {
        sha256("", 0, out);
        return;
    }
    if (count == 1) {
        memcpy(out, leaf[0], SHA256_LEN);
        return;
    }
    while (2 * k < count)
        k *= 2;
    naive_root(leaf, k, pair + 1);
    naive_root(leaf + k, count - k, pair + 1 + SHA256_LEN);
    sha256(pair, sizeof pair, out);
}

static void expect_root(const struct tree *tree)
{
    uint8_t ours[SHA256_LEN], naive[SHA256_LEN];

    tree_root(tree, &hasher, ours);
    naive_root(leaves, tree->size, naive);
    cr_assert_arr_eq(ours, naive, SHA256_LEN, "size %zu", (size_t)tree->size);
}

Test(tree, has_the_root_of_rfc_6962, .init = setup)
{
    static struct tree tree;

    expect_root(&tree);
    for (size_t i = 0; i < 70000; i++) {
        tree_push(&tree, &hasher, leaves[i]);
        if (tree.size <= 600 || (tree.size > 65530 && tree.size < 65545) || tree.size == 70000)
            expect_root(&tree);
    }
}

/* The vectors of the Certificate Transparency reference implementation's test suite. */
Test(tree, has_the_roots_of_known_vectors, .init = setup)
{
    static const struct {
        const char *entry; /* hex */
        const char *root;  /* with all before it */
    } vector[] = {
        {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        {"606162636465666768696a6b6c6d6e6f",
         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    };
    static struct tree tree;

    for (size_t i = 0; i < sizeof vector / sizeof *vector; i++) {
        uint8_t entry[16], hash[SHA256_LEN];
        size_t len = strlen(vector[i].entry);
        AUTO_BUF root = BUF_INIT(SHA256_HEX_LEN);

        cr_assert(hex_get(vector[i].entry, len, entry));
        tree_leaf(&hasher, entry, len / 2, hash);
        tree_push(&tree, &hasher, hash);
        tree_root(&tree, &hasher, hash);
        hex_put(&root, hash, sizeof hash);
        cr_assert_str_eq(buf_text(&root), vector[i].root, "%zu entries", i + 1);
    }
}

static void expect_path(unsigned level, uint64_t number, size_t width, const char *expected)
{
    char path[TILE_PATH_LEN];

    tile_path(path, level, number, width);
    cr_assert_str_eq(path, expected);
}

Test(tiles, are_named_as_c2sp_says)
{
    expect_path(0, 0, 1, "tile/0/000.p/1");
    expect_path(0, 1234067, 256, "tile/0/x001/x234/067");
    expect_path(3, 999, 255, "tile/3/999.p/255");
    expect_path(1, 1000, 256, "tile/1/x001/000");
    expect_path(0, 3906249999, 7, "tile/0/x003/x906/x249/999.p/7");
}

static void save_to(struct test_log *log, struct tree *tree, size_t size)
{
    while (tree->size < size) {
        uint64_t before = tree->size;

        do
            tree_push(tree, &hasher, leaves[tree->size]);
        while (tree->size < size && tree->size % 128 != 0);
        cr_assert_eq(tiles_save(log->fd, tree, before, &(bool){false}, &log->err), RESULT_OK, "%s",
                     log->err.text);
        tiles_prune(log->fd, tree, before);
    }
}

static void expect_size(struct test_log *log, const char *name, size_t size)
{
    AUTO_BUF text = BUF_INIT(16384);

    test_read(log, name, &text);
    cr_assert_eq(text.len, size, "%s: %zu", name, text.len);
}

/* c2sp.org/tlog-tiles has this size as its example. */
Test(tiles, of_70000_leaves_are_those_of_the_specification, .init = setup, .timeout = 300)
{
    static struct tree tree, loaded;
    struct test_log log;
    uint8_t root[SHA256_LEN], again[SHA256_LEN];

    test_log_place(&log);
    save_to(&log, &tree, 256);
    expect_size(&log, "tile/0/000", 8192);
    expect_size(&log, "tile/1/000.p/1", 32);
    cr_assert_not(test_exists(&log, "tile/0/001.p/0"));
    save_to(&log, &tree, 70000);
    expect_size(&log, "tile/0/272", 8192);
    expect_size(&log, "tile/0/273.p/112", 112 * 32);
    expect_size(&log, "tile/1/000", 8192);
    expect_size(&log, "tile/1/001.p/17", 17 * 32);
    expect_size(&log, "tile/2/000.p/1", 32);
    cr_assert_not(test_exists(&log, "tile/0/273"));
    cr_assert_not(test_exists(&log, "tile/0/273.p/111"));
    cr_assert_not(test_exists(&log, "tile/3/000.p/1"));
    cr_assert(tiles_load(log.fd, 70000, &hasher, &loaded));
    tree_root(&loaded, &hasher, root);
    naive_root(leaves, 70000, again);
    cr_assert_arr_eq(root, again, SHA256_LEN);
    cr_assert_not(tiles_load(log.fd, 69999, &hasher, &loaded));
    test_log_free(&log);
}

Test(tiles, that_were_loaded_grow_as_the_tree_that_saved_them, .init = setup)
{
    static struct tree tree, loaded;
    struct test_log log;

    test_log_place(&log);
    for (size_t size = 1; size <= 1100; size += size < 510 || size > 514 ? 51 : 1) {
        save_to(&log, &tree, size);
        cr_assert(tiles_load(log.fd, size, &hasher, &loaded));
        expect_root(&loaded);
        for (size_t more = 0; more < 600; more++)
            tree_push(&loaded, &hasher, leaves[size + more]);
        expect_root(&loaded);
    }
    test_log_free(&log);
}
