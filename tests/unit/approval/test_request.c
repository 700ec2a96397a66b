/* Requests of dual control: written and read again, and what is none. */
#include <criterion/criterion.h>
#include <string.h>

#include "approval.h"

static const char good[] =
    "{\n"
    "  \"georder_request\": 1,\n"
    "  \"requester\": \"alice\",\n"
    "  \"origin\": \"host-17.example.com/georder\",\n"
    "  \"created\": \"2026-11-26T10:00:00.000Z\",\n"
    "  \"expires\": \"2026-11-27T10:00:00.000Z\",\n"
    "  \"order\": {\"zone\":\"example.com\",\"hosts\":[\"example.com\"],\"validity_days\":90},\n"
    "  \"policy\": {\"revision\": 7, \"sha256\": "
    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"},\n"
    "  \"zone_id\": \"023e105f4ecef8ad9ca31a8372d0c353\",\n"
    "  \"body_sha256\": \"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\",\n"
    "  \"nonce\": \"0123456789abcdef0123456789abcdef\"\n"
    "}\n";

static enum result parse(const char *text, struct request *out, struct err *err)
{
    return request_parse("request.json", text, strlen(text), out, err);
}

Test(request, read_and_written_again)
{
    AUTO_REQUEST request = REQUEST_INIT;
    AUTO_BUF again = BUF_INIT(REQUEST_MAX);
    struct err err = {0};
    cr_assert_eq(parse(good, &request, &err), RESULT_OK, "%s", err.text);
    cr_assert_str_eq(request.nonce, "0123456789abcdef0123456789abcdef");
    cr_assert_str_eq(request.requester, "alice");
    cr_assert_str_eq(request.origin, "host-17.example.com/georder");
    cr_assert_str_eq(request.zone_id, "023e105f4ecef8ad9ca31a8372d0c353");
    cr_assert_eq(request.policy_revision, 7);
    cr_assert_eq(request.policy[0], 'a');
    cr_assert_eq(request.body[63], 'b');
    cr_assert_eq(request.expires - request.created, REQUEST_LIFE_MAX);
    cr_assert_str_eq(buf_text(&request.order),
                     "{\"zone\":\"example.com\",\"hosts\":[\"example.com\"],\"validity_days\":90}");
    cr_assert_eq(request_put(&again, &request, &err), RESULT_OK, "%s", err.text);
    cr_assert_str_eq(buf_text(&again), good);
}

Test(request, what_could_not_be_read_is_not_written)
{
    AUTO_REQUEST request = REQUEST_INIT;
    AUTO_BUF out = BUF_INIT(REQUEST_MAX);
    AUTO_BUF again = BUF_INIT(REQUEST_MAX);
    struct err err = {0};
    cr_assert_eq(parse(good, &request, &err), RESULT_OK);
    request.expires++;
    cr_assert_eq(request_put(&out, &request, &err), RESULT_CONFIG);
    cr_assert_not_null(strstr(err.text, "/expires: must be later than created"), "%s", err.text);
    request.expires--;
    buf_reset(&request.order);
    buf_puts(&request.order, "{}, \"nonce\": \"\"");
    cr_assert_neq(request_put(&again, &request, &err), RESULT_OK);
}

static void refused(const char *what, const char *with, const char *error)
{
    AUTO_REQUEST request = REQUEST_INIT;
    AUTO_BUF text = BUF_INIT(REQUEST_MAX);
    struct err err = {0};
    const char *at = strstr(good, what);
    cr_assert_not_null(at, "not in the request: %s", what);
    buf_put(&text, good, (size_t)(at - good));
    buf_puts(&text, with);
    buf_puts(&text, at + strlen(what));
    cr_assert_eq(parse(buf_text(&text), &request, &err), RESULT_CONFIG, "%s for %s is taken", with,
                 what);
    cr_assert(strstr(err.text, error) != NULL, "\"%s\" is not in \"%s\"", error, err.text);
}

Test(request, each_member)
{
    refused("\"georder_request\": 1", "\"georder_request\": 2", "2:22: /georder_request: this");
    refused("\"alice\"", "\"\"", "/requester: must not be empty");
    refused("\"alice\"", "\"al\\u202eice\"", "/requester: has a character that is not printable");
    refused("\"alice\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
            "/requester: has 64 bytes; at most 63");
    refused("  \"origin\": \"host-17.example.com/georder\",\n", "", "member \"origin\" is missing");
    refused("10:00:00.000Z\",\n  \"expires\"", "10:00:00.000\",\n  \"expires\"",
            "/created: is not a time in UTC");
    refused("2026-11-27T10:00:00.000Z", "2026-11-27T10:00:00.001Z", "/expires: must be later");
    refused("2026-11-27T10:00:00.000Z", "2026-11-26T10:00:00.000Z", "/expires: must be later");
    refused("2026-11-27T10:00:00.000Z", "2026-11-26T09:00:00.000Z", "/expires: must be later");
    refused("\"order\": {", "\"order\": [{", "request.json:");
    refused("{\"zone\":\"example.com\",\"hosts\":[\"example.com\"],\"validity_days\":90}", "\"x\"",
            "/order: must be an object");
    refused("{\"zone\":\"example.com\",\"hosts\":[\"example.com\"],\"validity_days\":90}", "null",
            "/order");
    refused("\"zone\":\"example.com\",", "\"zone\":\"example.com\",\"zone\":\"example.net\",",
            "second member of this name");
    refused("\"revision\": 7", "\"revision\": 0", "/policy/revision: must be an integer from 1");
    refused("\"revision\": 7", "\"revision\": 7, \"name\": \"x\"", "/policy/name: unknown member");
    refused("\"aaaaaaaa", "\"Aaaaaaaa", "/policy/sha256: must be 64 lower-case hexadecimal");
    refused("\"aaaaaaaa", "\"aaaaaaa", "/policy/sha256: must be 64 lower-case hexadecimal");
    refused("023e105f", "023e105g", "/zone_id: must be 32 lower-case hexadecimal digits");
    refused("\"bbbb", "\"bbb", "/body_sha256: must be 64 lower-case hexadecimal digits");
    refused("\"nonce\": \"0123", "\"nonce\": \"123", "/nonce: must be 32 lower-case hexadecimal");
    refused("\"nonce\": \"0123456789abcdef0123456789abcdef\"", "\"nonce\": \"\"", "/nonce");
    refused("\"nonce\"", "\"nonces\"", "unknown member \"nonces\"");
    refused("\"\n}\n", "\"\n", "request.json:");
}

Test(request, cut_at_each_byte)
{
    for (size_t len = 0; len < sizeof good - 2; len++) { /* the last newline may be missing */
        AUTO_REQUEST request = REQUEST_INIT;
        AUTO_BUF text = BUF_INIT(REQUEST_MAX);
        struct err err = {0};
        buf_put(&text, good, len);
        cr_assert_eq(request_parse("r", buf_text(&text), text.len, &request, &err), RESULT_CONFIG,
                     "cut to %zu bytes", len);
    }
}
