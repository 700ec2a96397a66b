#include "rotation.h"

#include <inttypes.h>
#include <string.h>

#include "hash.h"

void rotation_text(struct buf *out, const char *origin, uint64_t index,
                   const uint8_t previous[SHA256_LEN], const char *from, const char *to)
{
    buf_printf(out, "georder key rotation v1\n%s\n%" PRIu64 "\n", origin, index);
    hex_put(out, previous, SHA256_LEN);
    buf_printf(out, "\n%s\n%s\n", from, to);
}

static cJSON *jwk_json(const struct key *key)
{
    AUTO_BUF text = BUF_INIT(KEY_MAX);
    struct json_doc doc = {.name = "JWK", .result = RESULT_INTERNAL};
    struct err err = {0};

    if (key_jwk(key, &text, &err) != RESULT_OK)
        return NULL;
    doc.text = buf_text(&text);
    doc.len = text.len;
    return json_parse(&doc, JSON_OURS, &err) == RESULT_OK ? doc.root : NULL;
}

cJSON *rotation_json(const struct key *from, const struct key *to, const struct buf *signature)
{
    cJSON *rotation = cJSON_CreateObject(), *jwk = jwk_json(to);
    AUTO_BUF text = BUF_INIT(2 * SIGNATURE_MAX);

    base64url_put(&text, buf_text(signature), signature->len);
    if (buf_ok(&text) && jwk != NULL &&
        cJSON_AddStringToObject(rotation, "from", from->kid) != NULL &&
        cJSON_AddStringToObject(rotation, "to", to->kid) != NULL &&
        cJSON_AddItemToObject(rotation, "jwk", jwk)) {
        if (cJSON_AddStringToObject(rotation, "signature", buf_text(&text)) != NULL)
            return rotation;
        jwk = NULL; /* the other's now */
    }
    cJSON_Delete(jwk);
    cJSON_Delete(rotation);
    return NULL;
}

/* What the member says; the strings are the document's. */
struct told {
    const char *from, *to, *signature;
    const cJSON *jwk;
};

static bool told_read(const struct json_doc *doc, struct told *out)
{
    static const char *const known[] = {"from", "to", "jwk", "signature", NULL};
    const cJSON *unmapped, *ours, *rotation;
    struct err err = {0};

    return json_member(doc, doc->root, "unmapped", &unmapped, &err) == RESULT_OK &&
           json_member(doc, unmapped, "georder", &ours, &err) == RESULT_OK &&
           json_member(doc, ours, "rotation", &rotation, &err) == RESULT_OK &&
           json_object(doc, rotation, known, &err) == RESULT_OK &&
           json_string(doc, rotation, "from", AUDIT_KID_LEN, &out->from, &err) == RESULT_OK &&
           json_string(doc, rotation, "to", AUDIT_KID_LEN, &out->to, &err) == RESULT_OK &&
           json_string(doc, rotation, "signature", 2 * SIGNATURE_MAX, &out->signature, &err) ==
               RESULT_OK &&
           json_member(doc, rotation, "jwk", &out->jwk, &err) == RESULT_OK;
}

static bool text_verify(const struct key *key, const struct buf *text, const char *signature64)
{
    AUTO_BUF signature = BUF_INIT(SIGNATURE_MAX);
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct hasher hasher = {0};
    struct err err = {0};
    EVP_PKEY_CTX *ctx = key_verifier(key);
    bool good = ctx != NULL && buf_ok(text) &&
                base64url_get(signature64, strlen(signature64), &signature) &&
                hasher_open(&hasher, key->alg->digest, &err) == RESULT_OK;

    if (good) {
        hash_begin(&hasher);
        hash_add(&hasher, text->data, text->len);
        hash_end(&hasher, digest);
        good = key_verify_jws(key, ctx, (const uint8_t *)buf_text(&signature), signature.len,
                              digest, key->alg->digest_len);
    }
    hasher_close(&hasher);
    EVP_PKEY_CTX_free(ctx);
    return good;
}

static bool told_check(const struct told *told, const struct payload *read, const struct key *from,
                       const struct json_doc *doc)
{
    AUTO_BUF text = BUF_INIT(ROTATION_TEXT_MAX);
    struct key to = {0};
    bool good;

    if (strcmp(told->from, from->kid) != 0 || strcmp(told->to, from->kid) == 0 ||
        !key_from_node(doc, told->jwk, &to))
        return false;
    rotation_text(&text, read->origin, read->sequence, read->previous, told->from, told->to);
    good = strcmp(to.kid, told->to) == 0 && text_verify(&to, &text, told->signature);
    key_free(&to);
    return good;
}

bool rotation_check(const char *payload, size_t len, const struct payload *read,
                    const struct key *from, char to[AUDIT_KID_LEN + 1])
{
    struct json_doc doc = {.name = "record", .text = payload, .len = len, .result = RESULT_AUDIT};
    struct told told;
    struct err err = {0};
    bool good = json_parse(&doc, JSON_OURS, &err) == RESULT_OK && told_read(&doc, &told) &&
                told_check(&told, read, from, &doc);

    if (good)
        memcpy(to, told.to, AUDIT_KID_LEN + 1);
    json_free(&doc);
    return good;
}
