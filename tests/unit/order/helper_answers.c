#include "helper_answers.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON "application/json"
#define HTML "text/html; charset=UTF-8"

const struct example examples[] = {
    {"order_placed.json", 200, JSON, ANSWER_PLACED, true, true, 1, 0, 0, ""},
    {"order_placed.json", 201, "Application/JSON; charset=utf-8", ANSWER_PLACED, true, true, 1, 0,
     0, ""},
    {"schema_example.json", 200, JSON, ANSWER_PLACED, true, true, 1, 1, 1, ""},
    {"pack_active_eu.json", 200, JSON, ANSWER_PLACED, true, true, 1, 0, 0, ""},
    {"pack_unknown.json", 200, JSON, ANSWER_PLACED, true, true, 1, 0, 0, ""},
    {"pack_bare.json", 200, JSON, ANSWER_PLACED, true, true, 1, 0, 0, ""},
    {"deleted.json", 200, JSON, ANSWER_PLACED, true, true, 1, 0, 0, ""},
    {"list.json", 200, JSON, ANSWER_PLACED, true, true, 2, 0, 0, ""},
    {"list_empty.json", 200, JSON, ANSWER_PLACED, true, true, 0, 0, 0, ""},
    {"token_verified.json", 200, JSON, ANSWER_PLACED, true, true, 1, 0, 1, ""},
    {"zone.json", 200, JSON, ANSWER_PLACED, true, true, 1, 0, 0, ""},

    {"refused.json", 400, JSON, ANSWER_REFUSED, true, false, 0, 2, 0, ""},
    {"refused.json", 429, JSON, ANSWER_REFUSED, true, false, 0, 2, 0, ""},
    {"refused.json", 200, JSON, ANSWER_REFUSED, true, false, 0, 2, 0, ""},
    {"refused_chain.json", 400, JSON, ANSWER_REFUSED, true, false, 0, 1, 0, ""},
    {"refused_no_code.json", 400, JSON, ANSWER_REFUSED, true, false, 0, 1, 0, ""},
    {"refused_malformed.json", 404, JSON, ANSWER_REFUSED, true, false, 0, 3, 0,
     "answer:1:28: /errors/0: must be an object"},
    {"refused_no_success.json", 403, JSON, ANSWER_REFUSED, false, false, 0, 1, 0,
     "answer:1:1: no member \"success\" that is true or false: not the API's answer"},
    {"bad_gateway.html", 403, HTML, ANSWER_REFUSED, false, false, 0, 0, 0,
     "the content type is \"text/html; charset=UTF-8\", not application/json"},
    {"bad_gateway.html", 400, JSON, ANSWER_REFUSED, false, false, 0, 0, 0, "answer:1:1: "},
    {"empty.json", 429, "", ANSWER_REFUSED, false, false, 0, 0, 0, "the body is empty"},
    {"truncated.json", 499, JSON, ANSWER_REFUSED, false, false, 0, 0, 0,
     "answer:1:106: this string never ends; close it with a double quote"},

    {"refused_malformed.json", 200, JSON, ANSWER_UNCLEAR, true, false, 0, 3, 0,
     "answer:1:28: /errors/0: must be an object"},
    {"refused_no_success.json", 200, JSON, ANSWER_UNCLEAR, false, false, 0, 1, 0,
     "answer:1:1: no member \"success\" that is true or false: not the API's answer"},
    {"order_placed.json", 400, JSON, ANSWER_UNCLEAR, true, false, 0, 0, 0,
     "answer:1:38: /success: true, although the status is 400"},
    {"order_placed.json", 408, JSON, ANSWER_UNCLEAR, true, false, 0, 0, 0, "HTTP status 408"},
    {"order_placed.json", 302, JSON, ANSWER_UNCLEAR, true, false, 0, 0, 0, "HTTP status 302"},
    {"order_placed.json", 100, JSON, ANSWER_UNCLEAR, true, false, 0, 0, 0, "HTTP status 100"},
    {"order_placed.json", 500, JSON, ANSWER_UNCLEAR, true, false, 0, 0, 0, "HTTP status 500"},
    {"refused.json", 500, JSON, ANSWER_UNCLEAR, true, false, 0, 2, 0, "HTTP status 500"},
    {"refused.json", 408, JSON, ANSWER_UNCLEAR, true, false, 0, 2, 0, "HTTP status 408"},
    {"order_placed.json", 200, HTML, ANSWER_UNCLEAR, false, false, 0, 0, 0,
     "the content type is \"text/html; charset=UTF-8\", not application/json"},
    {"order_placed.json", 200, "", ANSWER_UNCLEAR, false, false, 0, 0, 0,
     "the content type is \"\", not application/json"},
    {"order_placed.json", 200, "application/jsonp", ANSWER_UNCLEAR, false, false, 0, 0, 0,
     "the content type is \"application/jsonp\", not application/json"},
    {"bad_gateway.html", 502, HTML, ANSWER_UNCLEAR, false, false, 0, 0, 0,
     "the content type is \"text/html; charset=UTF-8\", not application/json"},
    {"empty.json", 200, JSON, ANSWER_UNCLEAR, false, false, 0, 0, 0, "the body is empty"},
    {"empty.json", 503, "", ANSWER_UNCLEAR, false, false, 0, 0, 0, "the body is empty"},
    {"truncated.json", 200, JSON, ANSWER_UNCLEAR, false, false, 0, 0, 0,
     "answer:1:106: this string never ends; close it with a double quote"},
    {"duplicate_key.json", 200, JSON, ANSWER_UNCLEAR, false, false, 0, 0, 0,
     "answer:1:99: /success: a second member of this name; keep one of them"},
    {"result_null.json", 200, JSON, ANSWER_UNCLEAR, true, true, 0, 0, 0,
     "answer:1:52: /result: has no pack"},
    {"pack_long_id.json", 200, JSON, ANSWER_UNCLEAR, true, true, 0, 0, 0,
     "answer:1:52: /result: has no pack id of 32 hex digits or a UUID"},
    {"quota.json", 200, JSON, ANSWER_UNCLEAR, true, true, 0, 0, 0,
     "answer:1:52: /result: has no pack id of 32 hex digits or a UUID"},
    {"list_bad_item.json", 200, JSON, ANSWER_UNCLEAR, true, true, 0, 0, 0,
     "answer:1:99: /result/1: has no pack id of 32 hex digits or a UUID"},
    {"pack_wrong_type.json", 200, JSON, ANSWER_UNCLEAR, true, true, 1, 0, 0,
     "answer:1:147: /result/certificates/1/expires_on: must be a string"},
};
const size_t examples_count = sizeof(examples) / sizeof(examples[0]);

struct body body_load(const char *file)
{
    char path[512];
    char text[65536];
    struct body body = {0};
    (void)snprintf(path, sizeof(path), "%s/tests/data/answers/%s", SOURCE_DIR, file);
    FILE *stream = fopen(path, "rb");
    cr_assert_not_null(stream, "%s", path);
    body.len = fread(text, 1, sizeof(text), stream);
    (void)fclose(stream);
    cr_assert_lt(body.len, sizeof(text));
    body.text = malloc(body.len + 1);
    cr_assert_not_null(body.text);
    memcpy(body.text, text, body.len);
    body.text[body.len] = '\0';
    return body;
}

void body_free(struct body *body)
{
    free(body->text);
}
