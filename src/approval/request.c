/* A request of dual control: read, and written. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define REVISION_MAX 999999999
#define HEX          "0123456789abcdef"

static const char *const members[] = {"georder_request", "nonce",   "origin", "requester",
                                      "created",         "expires", "policy", "zone_id",
                                      "body_sha256",     "order",   NULL};
static const char *const policy_members[] = {"revision", "sha256", NULL};

static enum result hex_read(const struct json_doc *doc, const cJSON *object, const char *name,
                            size_t digits, char *out, struct err *err)
{
    const char *text = NULL;
    TRY(json_string(doc, object, name, SHA256_HEX_LEN, &text, err));
    if (strlen(text) != digits || strspn(text, HEX) != digits)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(object, name), err,
                         "must be %zu lower-case hexadecimal digits", digits);
    memcpy(out, text, digits + 1);
    return RESULT_OK;
}

/* Printable ASCII: it is shown to the people who sign. */
static enum result plain_read(const struct json_doc *doc, const char *name, size_t max, char *out,
                              struct err *err)
{
    const char *text = NULL;
    TRY(json_string(doc, doc->root, name, max, &text, err));
    for (const char *at = text; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            return json_fail(doc, cJSON_GetObjectItemCaseSensitive(doc->root, name), err,
                             "has a character that is not printable ASCII");
    memcpy(out, text, strlen(text) + 1);
    return RESULT_OK;
}

static enum result format_check(const struct json_doc *doc, struct err *err)
{
    int64_t format = 0;
    TRY(json_object(doc, doc->root, members, err));
    TRY(json_int(doc, doc->root, "georder_request", 1, REVISION_MAX, &format, err));
    if (format != 1)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(doc->root, "georder_request"), err,
                         "this program reads format 1 only: use a newer georder");
    return RESULT_OK;
}

static enum result life_read(const struct json_doc *doc, struct request *out, struct err *err)
{
    TRY(json_moment(doc, doc->root, "created", NULL, &out->created, err));
    TRY(json_moment(doc, doc->root, "expires", NULL, &out->expires, err));
    if (out->expires <= out->created || out->expires - out->created > REQUEST_LIFE_MAX)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(doc->root, "expires"), err,
                         "must be later than created, and by 24 hours at most");
    return RESULT_OK;
}

static enum result policy_read(const struct json_doc *doc, struct request *out, struct err *err)
{
    const cJSON *policy = NULL;
    TRY(json_member(doc, doc->root, "policy", &policy, err));
    TRY(json_object(doc, policy, policy_members, err));
    TRY(json_int(doc, policy, "revision", 1, REVISION_MAX, &out->policy_revision, err));
    return hex_read(doc, policy, "sha256", SHA256_HEX_LEN, out->policy, err);
}

static enum result order_read(const struct json_doc *doc, struct request *out, struct err *err)
{
    const cJSON *order = NULL;
    TRY(json_member(doc, doc->root, "order", &order, err));
    if (!cJSON_IsObject(order))
        return json_fail(doc, order, err, "must be an object: an order file's");
    json_put(&out->order, order);
    return buf_check(&out->order, "the order of the request", err);
}

static enum result request_read(const struct json_doc *doc, struct request *out, struct err *err)
{
    TRY(format_check(doc, err));
    TRY(hex_read(doc, doc->root, "nonce", NONCE_LEN, out->nonce, err));
    TRY(plain_read(doc, "origin", ORIGIN_LEN, out->origin, err));
    TRY(plain_read(doc, "requester", LOGIN_LEN, out->requester, err));
    TRY(life_read(doc, out, err));
    TRY(policy_read(doc, out, err));
    TRY(hex_read(doc, doc->root, "zone_id", 32, out->zone_id, err));
    TRY(hex_read(doc, doc->root, "body_sha256", SHA256_HEX_LEN, out->body, err));
    return order_read(doc, out, err);
}

enum result request_parse(const char *name, const char *text, size_t len, struct request *out,
                          struct err *err)
{
    struct json_doc doc = {.name = name, .text = text, .len = len, .result = RESULT_CONFIG};
    *out = (struct request)REQUEST_INIT;
    if (len > REQUEST_MAX)
        return err_set(err, RESULT_CONFIG, "%s: has %zu bytes; at most %d are allowed", name, len,
                       REQUEST_MAX);
    TRY(json_parse(&doc, JSON_OURS, err));
    enum result result = request_read(&doc, out, err);
    json_free(&doc);
    if (result != RESULT_OK)
        request_free(out);
    return result;
}

static void member_put(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "  \"%s\": ", name);
    json_put_string(out, text);
    buf_puts(out, ",\n");
}

static void moment_put(struct buf *out, const char *name, int64_t ms)
{
    char text[RFC3339_LEN + 1];
    time_format(ms, text);
    member_put(out, name, text);
}

/* What people should read comes before what only machines compare. */
static void members_put(struct buf *out, const struct request *request)
{
    buf_puts(out, "{\n  \"georder_request\": 1,\n");
    member_put(out, "requester", request->requester);
    member_put(out, "origin", request->origin);
    moment_put(out, "created", request->created);
    moment_put(out, "expires", request->expires);
    buf_printf(out, "  \"order\": %s,\n", buf_text(&request->order));
    buf_printf(out, "  \"policy\": {\"revision\": %" PRId64 ", \"sha256\": \"%s\"},\n",
               request->policy_revision, request->policy);
    member_put(out, "zone_id", request->zone_id);
    member_put(out, "body_sha256", request->body);
    buf_printf(out, "  \"nonce\": \"%s\"\n}\n", request->nonce);
}

enum result request_put(struct buf *out, const struct request *request, struct err *err)
{
    AUTO_REQUEST same = REQUEST_INIT;
    members_put(out, request);
    TRY(buf_check(out, "the request", err));
    /* What this program would not read, nobody should be asked to sign. */
    TRY(request_parse("the request", buf_text(out), out->len, &same, err));
    return RESULT_OK;
}

void request_free(struct request *request)
{
    buf_free(&request->order);
}
