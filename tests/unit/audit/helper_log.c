#include "helper_log.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rotation.h"

void test_key_make(struct test_key *key, const char *kind, const char *alg)
{
    struct key public = {0};
    struct err err = {0};
    uint8_t *spki = NULL;
    int len;

    *key = (struct test_key){.spki = BUF_INIT(4096), .lines_left = -1, .notes_left = -1};
    (void)snprintf(key->alg, sizeof key->alg, "%s", alg);
    key->pkey = strcmp(kind, "RSA") == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen(kind);
    len = i2d_PUBKEY(key->pkey, &spki);
    cr_assert_gt(len, 0);
    buf_put(&key->spki, spki, (size_t)len);
    OPENSSL_free(spki);
    cr_assert_eq(key_from_spki(alg, (uint8_t *)key->spki.data, key->spki.len, &public, &err),
                 RESULT_OK, "%s", err.text);
    memcpy(key->kid, public.kid, sizeof key->kid);
    key_free(&public);
}

void test_key_free(struct test_key *key)
{
    EVP_PKEY_free(key->pkey);
    buf_free(&key->spki);
}

static size_t sign_raw(const struct test_key *key, const char *digest, bool pss, const void *bytes,
                       size_t len, uint8_t out[SIGNATURE_MAX])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    size_t size = SIGNATURE_MAX;

    cr_assert_eq(EVP_DigestSignInit_ex(ctx, &pctx, digest, NULL, NULL, key->pkey, NULL), 1);
    if (pss) {
        cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
        cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST), 1);
    }
    cr_assert_eq(EVP_DigestSign(ctx, out, &size, bytes, len), 1);
    EVP_MD_CTX_free(ctx);
    return size;
}

static size_t sign_jws(const struct test_key *key, const struct buf *input,
                       uint8_t out[SIGNATURE_MAX])
{
    bool wide = strcmp(key->alg, "ES384") == 0;
    uint8_t der[SIGNATURE_MAX];
    const uint8_t *at = der;
    int scalar = wide ? 48 : 32;
    size_t len =
        sign_raw(key, wide ? "SHA384" : "SHA256", key->alg[0] == 'P', input->data, input->len, der);
    ECDSA_SIG *pair;

    if (key->alg[0] != 'E') {
        memcpy(out, der, len);
        return len;
    }
    pair = d2i_ECDSA_SIG(NULL, &at, (long)len);
    cr_assert_not_null(pair);
    cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, scalar), scalar);
    cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + scalar, scalar), scalar);
    ECDSA_SIG_free(pair);
    return 2 * (size_t)scalar;
}

static enum result test_sign(void *context, const char *payload, size_t len, struct buf *line,
                             struct err *err)
{
    struct test_key *key = context;
    AUTO_BUF header = BUF_INIT(512);
    AUTO_BUF input = BUF_INIT(256 * 1024);
    uint8_t signature[SIGNATURE_MAX];
    size_t start, size;

    if (key->lines_left == 0)
        return err_set(err, RESULT_KEY, "the token was taken out");
    key->lines_left -= key->lines_left > 0;
    buf_printf(&header, "{\"alg\":\"%s\",\"kid\":\"%s\"}", key->alg, key->kid);
    base64url_put(&input, header.data, header.len);
    start = input.len + 1;
    buf_putc(&input, '.');
    base64url_put(&input, payload, len);
    size = sign_jws(key, &input, signature);
    signature[0] ^= key->wrong && (key->wrong_line == 0 || key->wrong_line == key->lines_left);
    buf_puts(line, "{\"payload\":\"");
    buf_put(line, input.data + start, input.len - start);
    buf_puts(line, "\",\"protected\":\"");
    buf_put(line, input.data, start - 1);
    buf_puts(line, "\",\"signature\":\"");
    base64url_put(line, signature, size);
    buf_puts(line, "\"}");
    return RESULT_OK;
}

static enum result test_checkpoint(void *context, uint64_t size, const uint8_t root[SHA256_LEN],
                                   struct buf *note, struct err *err)
{
    struct test_key *key = context;
    AUTO_BUF signature = BUF_INIT(SIGNATURE_MAX + 4);
    uint8_t digest[SHA256_LEN], bytes[SIGNATURE_MAX];
    size_t len;

    if (key->notes_left == 0)
        return err_set(err, RESULT_KEY, "the token was taken out");
    key->notes_left -= key->notes_left > 0;
    buf_printf(note, TEST_ORIGIN "\n%" PRIu64 "\n", size);
    base64_put(note, root, SHA256_LEN);
    buf_putc(note, '\n');
    len = sign_raw(key, "SHA256", key->alg[0] == 'P', note->data, note->len, bytes);
    sha256(key->spki.data, key->spki.len, digest);
    buf_put(&signature, digest, 4);
    buf_put(&signature, bytes, len);
    buf_puts(note, "\n\xE2\x80\x94 " TEST_ORIGIN " ");
    base64_put(note, signature.data, signature.len);
    buf_putc(note, '\n');
    return RESULT_OK;
}

static enum result test_agree(void *context, uint64_t index, const uint8_t previous[SHA256_LEN],
                              const char *from, struct buf *out, struct err *err)
{
    struct test_key *key = context;
    AUTO_BUF text = BUF_INIT(ROTATION_TEXT_MAX);
    uint8_t signature[SIGNATURE_MAX];
    size_t len;

    (void)err;
    rotation_text(&text, TEST_ORIGIN, index, previous, from, key->kid);
    len = sign_jws(key, &text, signature);
    signature[0] ^= key->wrong;
    buf_put(out, signature, len);
    return RESULT_OK;
}

static struct audit_signer signer_of(struct test_key *key)
{
    return (struct audit_signer){.context = key,
                                 .alg = key->alg,
                                 .spki = (const uint8_t *)key->spki.data,
                                 .spki_len = key->spki.len,
                                 .sign = test_sign,
                                 .checkpoint = test_checkpoint};
}

void test_heir_make(struct test_heir *heir, const char *kind, const char *alg)
{
    test_key_make(&heir->key, kind, alg);
    heir->signer = signer_of(&heir->key);
    heir->to = (struct audit_successor){&heir->signer, test_agree};
}

void test_heir_free(struct test_heir *heir)
{
    test_key_free(&heir->key);
}

enum result test_rotate(struct test_log *log, struct test_heir *heir)
{
    struct audit_event cause = test_event(NULL, "");
    uint64_t index;

    return audit_rotate(log->audit, &heir->to, &cause, &index, &log->err);
}

void test_log_adopt(struct test_log *log, const struct test_heir *heir)
{
    log->signer = heir->signer;
}

void test_key_write(struct test_log *log, const struct test_key *key)
{
    AUTO_BUF jwk = BUF_INIT(KEY_MAX);
    struct key public = {0};
    char name[128];

    cr_assert_eq(
        key_from_spki(key->alg, (uint8_t *)key->spki.data, key->spki.len, &public, &log->err),
        RESULT_OK);
    cr_assert_eq(key_jwk(&public, &jwk, &log->err), RESULT_OK);
    (void)snprintf(name, sizeof name, "keys/%s.jwk", key->kid);
    test_write(log, name, jwk.data, jwk.len);
    key_free(&public);
}

void test_log_place(struct test_log *log)
{
    *log = (struct test_log){.path = "/tmp/georder-audit-XXXXXX"};
    cr_assert_not_null(mkdtemp(log->path));
    log->fd = open(log->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(log->fd, 0);
    test_key_make(&log->key, "P-256", "ES256");
    log->signer = signer_of(&log->key);
}

void test_log_reopen(struct test_log *log)
{
    audit_close(&log->audit);
    cr_assert_eq(audit_open(log->fd, TEST_ORIGIN, &log->signer, &log->audit, &log->err), RESULT_OK,
                 "%s", log->err.text);
}

void test_log_make(struct test_log *log)
{
    test_log_place(log);
    cr_assert_eq(audit_create(log->fd, TEST_ORIGIN, &log->signer, &log->err), RESULT_OK, "%s",
                 log->err.text);
    test_log_reopen(log);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void test_log_free(struct test_log *log)
{
    audit_close(&log->audit);
    fd_close(&log->fd);
    test_key_free(&log->key);
    (void)nftw(log->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct audit_event test_event(const char *event, const char *order_id)
{
    return (struct audit_event){.event = event,
                                .order_id = order_id,
                                .time = 1795458000123,
                                .activity = 1,
                                .severity = 1,
                                .status = 1,
                                .message = "a test",
                                .operation = "POST /zones/{zone_id}/ssl/certificate_packs/order",
                                .actor = "root",
                                .actor_uid = 0,
                                .host = "host-17"};
}

void test_append(struct test_log *log, const char *event, const char *order_id)
{
    struct audit_event one = test_event(event, order_id);

    cr_assert_eq(audit_append(log->audit, &one, NULL, 0, NULL, &log->err), RESULT_OK, "%s",
                 log->err.text);
}

struct audit_report test_verify(struct test_log *log)
{
    struct audit_report report;

    cr_assert_eq(audit_verify(log->fd, TEST_ORIGIN, log->key.kid, &report, &log->err), RESULT_OK,
                 "%s", log->err.text);
    return report;
}

struct audit_report test_verify_from(struct test_log *log, const struct buf *note)
{
    struct audit_verification how = {
        .origin = TEST_ORIGIN, .kid = log->key.kid, .from = buf_text(note), .from_len = note->len};
    struct audit_report report;

    cr_assert_eq(audit_verify_with(log->fd, &how, &report, &log->err), RESULT_OK, "%s",
                 log->err.text);
    return report;
}

void test_read(struct test_log *log, const char *name, struct buf *out)
{
    AUTO_FD fd = openat(log->fd, name, O_RDONLY | O_CLOEXEC);

    cr_assert_geq(fd, 0, "%s", name);
    cr_assert_eq(file_read(fd, name, out, &log->err), RESULT_OK, "%s", log->err.text);
}

void test_write(struct test_log *log, const char *name, const void *bytes, size_t len)
{
    AUTO_FD fd = openat(log->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    cr_assert_geq(fd, 0, "%s", name);
    cr_assert_eq(file_write(fd, name, bytes, len, &log->err), RESULT_OK, "%s", log->err.text);
}

bool test_exists(struct test_log *log, const char *name)
{
    return faccessat(log->fd, name, F_OK, 0) == 0;
}

void test_lines_read(struct test_log *log, struct test_lines *lines)
{
    const char *at, *end;

    *lines = (struct test_lines){.text = BUF_INIT(1024 * 1024)};
    test_read(log, FIRST_SEGMENT, &lines->text);
    at = lines->text.data;
    for (end = at + lines->text.len; at != end; lines->count++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        cr_assert_not_null(newline);
        cr_assert_lt(lines->count, 16);
        lines->line[lines->count] = at;
        lines->len[lines->count] = (size_t)(newline + 1 - at);
        at = newline + 1;
    }
}

void test_lines_write(struct test_log *log, const struct test_lines *lines, const int *which)
{
    AUTO_BUF text = BUF_INIT(1024 * 1024);

    for (; *which >= 0; which++)
        buf_put(&text, lines->line[*which], lines->len[*which]);
    test_write(log, FIRST_SEGMENT, buf_text(&text), text.len);
}

void test_forge(struct test_log *log, uint64_t index, const uint8_t previous[SHA256_LEN],
                const char *event, struct buf *line)
{
    struct record_place place = {TEST_ORIGIN, index, previous, NULL, 0};
    struct audit_event one = test_event(event, "");
    AUTO_BUF payload = BUF_INIT(AUDIT_LINE_MAX);

    cr_assert_eq(record_build(&one, &place, NULL, &payload, &log->err), RESULT_OK, "%s",
                 log->err.text);
    cr_assert_eq(test_sign(&log->key, payload.data, payload.len, line, &log->err), RESULT_OK);
    buf_putc(line, '\n');
}

void test_seal(struct test_log *log)
{
    struct test_lines lines;
    struct hasher hasher;
    struct tree tree = {.size = 0};
    uint8_t hash[SHA256_LEN];
    AUTO_BUF note = BUF_INIT(NOTE_MAX);

    test_lines_read(log, &lines);
    cr_assert_eq(hasher_open(&hasher, "SHA256", &log->err), RESULT_OK);
    for (size_t i = 0; i < lines.count; i++) {
        tree_leaf(&hasher, lines.line[i], lines.len[i] - 1, hash);
        tree_push(&tree, &hasher, hash);
    }
    tree_root(&tree, &hasher, hash);
    cr_assert_eq(test_checkpoint(&log->key, tree.size, hash, &note, &log->err), RESULT_OK);
    test_write(log, "checkpoint", note.data, note.len);
    hasher_close(&hasher);
    buf_free(&lines.text);
}
