#include "line.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>

#include "rotation.h"

#define HEADER_MAX 1024

const char *line_status_text(enum line_status status)
{
    static const char *const text[] = {
        [LINE_GOOD] = "is good",
        [LINE_FORM] = "is not a signed record (a flattened JWS)",
        [LINE_HEADER] = "has a protected header that no record of this log has",
        [LINE_KEY] = "is signed by a key that is not the log's",
        [LINE_SIGNATURE] = "does not fit its signature",
        [LINE_PAYLOAD] = "is well signed, but it is no audit record",
        [LINE_ORIGIN] = "belongs to another log",
        [LINE_BODY] = "names a body that is missing from bodies/ or was altered there",
        [LINE_ROTATION] = "hands the log on to a key that has not agreed to it",
    };
    return text[status];
}

enum audit_verdict line_verdict(enum line_status status)
{
    switch (status) {
    case LINE_KEY:
        return AUDIT_UNKNOWN_KEY;
    case LINE_SIGNATURE:
    case LINE_BODY:
    case LINE_ROTATION:
        return AUDIT_ALTERED;
    case LINE_GOOD:
    case LINE_FORM:
    case LINE_HEADER:
    case LINE_PAYLOAD:
    case LINE_ORIGIN:
        break;
    }
    return AUDIT_MALFORMED;
}

static bool part_split(const char **at, const char *end, const char *before, const char **part,
                       size_t *len)
{
    size_t head = strlen(before);
    const char *quote;

    if ((size_t)(end - *at) < head || memcmp(*at, before, head) != 0)
        return false;
    *part = *at + head;
    quote = memchr(*part, '"', (size_t)(end - *part));
    if (quote == NULL)
        return false;
    *len = (size_t)(quote - *part);
    *at = quote + 1;
    return true;
}

bool jws_split(const char *line, size_t len, struct jws *out)
{
    const char *at = line, *end = line + len;

    return len <= AUDIT_LINE_MAX &&
           part_split(&at, end, "{\"payload\":\"", &out->payload.at, &out->payload.len) &&
           part_split(&at, end, ",\"protected\":\"", &out->protected.at, &out->protected.len) &&
           part_split(&at, end, ",\"signature\":\"", &out->signature.at, &out->signature.len) &&
           end - at == 1 && *at == '}';
}

enum result checker_open(struct checker *checker, int dirfd, const char *origin,
                         const struct keyring *ring, struct err *err)
{
    *checker = (struct checker){.dirfd = dirfd,
                                .origin = origin,
                                .ring = ring,
                                .payload = BUF_INIT(AUDIT_LINE_MAX),
                                .signature = BUF_INIT(SIGNATURE_MAX),
                                .protected = BUF_INIT(HEADER_MAX)};
    if (hasher_open(&checker->sha256, "SHA256", err) != RESULT_OK ||
        hasher_open(&checker->sha384, "SHA384", err) != RESULT_OK)
        return err->result;
    return checker_extend(checker, err);
}

enum result checker_extend(struct checker *checker, struct err *err)
{
    const struct keyring *ring = checker->ring;

    for (size_t i = 0; i < ring->count; i++) {
        if (checker->ctx[i] == NULL)
            checker->ctx[i] = key_verifier(&ring->key[i]);
        if (checker->ctx[i] == NULL)
            return err_set(err, RESULT_INTERNAL, "OpenSSL cannot verify %s: check its installation",
                           ring->key[i].alg->name);
    }
    return RESULT_OK;
}

void checker_close(struct checker *checker)
{
    for (size_t i = 0; i < KEYS_MAX; i++)
        EVP_PKEY_CTX_free(checker->ctx[i]);
    hasher_close(&checker->sha256);
    hasher_close(&checker->sha384);
    buf_free(&checker->payload);
    buf_free(&checker->signature);
    buf_free(&checker->protected);
}

/* alg and kid, perhaps typ, and nothing that would change what is signed (crit, b64, jwk ...). */
static enum line_status header_read(const struct keyring *ring, const struct jws *jws,
                                    const struct key **key, char unknown[AUDIT_KID_LEN + 1])
{
    static const char *const known[] = {"alg", "kid", "typ", NULL};
    AUTO_BUF text = BUF_INIT(HEADER_MAX);
    struct json_doc doc = {.name = "protected header", .result = RESULT_AUDIT};
    const char *alg = "", *kid = "";
    struct err err = {0};
    enum line_status status = LINE_HEADER;

    if (!base64url_get(jws->protected.at, jws->protected.len, &text))
        return LINE_HEADER;
    doc.text = buf_text(&text);
    doc.len = text.len;
    if (json_parse(&doc, JSON_OURS, &err) == RESULT_OK &&
        json_object(&doc, doc.root, known, &err) == RESULT_OK &&
        json_string(&doc, doc.root, "alg", 16, &alg, &err) == RESULT_OK &&
        json_string(&doc, doc.root, "kid", AUDIT_KID_LEN, &kid, &err) == RESULT_OK) {
        *key = keyring_find(ring, kid);
        if (*key == NULL) {
            status = LINE_KEY;
            memcpy(unknown, kid, strlen(kid) + 1);
        } else if (strcmp((*key)->alg->name, alg) == 0) {
            status = LINE_GOOD;
        }
    }
    json_free(&doc);
    return status;
}

/* One log has one header, nearly always: what was understood once needs no second look. */
static enum line_status header_check(struct checker *checker, const struct jws *jws,
                                     char unknown[AUDIT_KID_LEN + 1])
{
    const struct key *key = NULL;
    enum line_status status;

    if (checker->key != NULL && jws->protected.len == checker->protected.len &&
        memcmp(jws->protected.at, checker->protected.data, jws->protected.len) == 0)
        return LINE_GOOD;
    status = header_read(checker->ring, jws, &key, unknown);
    if (status != LINE_GOOD)
        return status;
    buf_reset(&checker->protected);
    buf_put(&checker->protected, jws->protected.at, jws->protected.len);
    checker->key = buf_ok(&checker->protected) ? key : NULL;
    return checker->key != NULL ? LINE_GOOD : LINE_HEADER;
}

static bool signature_check(struct checker *checker, const struct jws *jws)
{
    size_t digest_len = checker->key->alg->digest_len;
    struct hasher *hasher = digest_len == SHA256_LEN ? &checker->sha256 : &checker->sha384;
    uint8_t digest[EVP_MAX_MD_SIZE];

    buf_reset(&checker->signature);
    if (!base64url_get(jws->signature.at, jws->signature.len, &checker->signature))
        return false;
    hash_begin(hasher);
    hash_add(hasher, jws->protected.at, jws->protected.len);
    hash_add(hasher, ".", 1);
    hash_add(hasher, jws->payload.at, jws->payload.len);
    hash_end(hasher, digest);
    return key_verify_jws(checker->key, checker->ctx[checker->key - checker->ring->key],
                          (const uint8_t *)checker->signature.data, checker->signature.len, digest,
                          digest_len);
}

static bool body_check(struct checker *checker, const char *name)
{
    AUTO_FD directory =
        openat(checker->dirfd, "bodies", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    AUTO_FD fd = directory < 0 ? -1 : openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    AUTO_BUF body = BUF_INIT(AUDIT_BODY_MAX);
    char digest[SHA256_HEX_LEN + 1];
    struct err err = {0};

    if (fd < 0 || file_read(fd, name, &body, &err) != RESULT_OK)
        return false;
    sha256_hex(buf_text(&body), body.len, digest);
    return strcmp(digest, name) == 0;
}

/* The head alone was decoded until now. */
static bool rotation_is_good(struct checker *checker, const struct jws *jws, struct line_facts *out)
{
    buf_reset(&checker->payload);
    return base64url_get(jws->payload.at, jws->payload.len, &checker->payload) &&
           rotation_check(buf_text(&checker->payload), checker->payload.len, &out->payload,
                          out->key, out->to);
}

static enum line_status line_check(struct checker *checker, const struct jws *jws,
                                   struct line_facts *out)
{
    enum line_status status = header_check(checker, jws, out->kid);

    if (status != LINE_GOOD)
        return status;
    out->key = checker->key;
    if (!signature_check(checker, jws))
        return LINE_SIGNATURE;
    if (!payload_read(jws->payload.at, jws->payload.len, &checker->payload, &out->payload))
        return LINE_PAYLOAD;
    if (strcmp(out->payload.origin, checker->origin) != 0)
        return LINE_ORIGIN;
    if (out->payload.body_file[0] != '\0' && !body_check(checker, out->payload.body_file))
        return LINE_BODY;
    if (out->payload.kind == RECORD_ROTATION && !rotation_is_good(checker, jws, out))
        return LINE_ROTATION;
    return LINE_GOOD;
}

void checker_line(struct checker *checker, const char *line, size_t len, struct line_facts *out)
{
    struct jws jws;

    out->key = NULL;
    out->kid[0] = out->to[0] = '\0';
    out->payload.sequence = UINT64_MAX;
    hash_begin(&checker->sha256);
    hash_add(&checker->sha256, line, len);
    hash_end(&checker->sha256, out->hash);
    tree_leaf(&checker->sha256, line, len, out->leaf);
    out->status = jws_split(line, len, &jws) ? line_check(checker, &jws, out) : LINE_FORM;
}
