#include <criterion/criterion.h>
#include <string.h>

#include "credential.h"
#include "heap.h"

#define TAIL40 "0123456789abcdefghijABCDEFGHIJ_-01234567"

static void start(void)
{
    struct err err;

    cr_assert_eq(heap_start(false, &(bool){false}, &err), RESULT_OK, "%s", err.text);
}

TestSuite(credential, .init = start);

static enum result stored_parse(const char *text, struct credential *out, struct err *err)
{
    AUTO_BUF stored = BUF_SECRET(CREDENTIAL_MAX);

    buf_puts(&stored, text);
    return credential_parse(&stored, out, err);
}

static void taken(const char *text, const char *kind, const char *hint, const char *pipe)
{
    AUTO_CREDENTIAL credential = CREDENTIAL_INIT;
    AUTO_BUF written = BUF_SECRET(CREDENTIAL_MAX);
    AUTO_BUF stored = BUF_SECRET(CREDENTIAL_MAX);
    struct err err = {0};

    cr_assert_eq(stored_parse(text, &credential, &err), RESULT_OK, "%s: %s", text, err.text);
    cr_assert_str_eq(credential_kind(&credential), kind);
    cr_assert_str_eq(credential_hint(&credential), hint);
    credential_put_pipe(&written, &credential);
    cr_assert_str_eq(buf_text(&written), pipe);
    credential_put_stored(&stored, &credential);
    cr_assert_str_eq(buf_text(&stored), text);
}

Test(credential, tokens)
{
    taken(TAIL40, "token", "legacy", "B" TAIL40);
    taken("cfut_" TAIL40, "token", "user", "Bcfut_" TAIL40);
    taken("cfat_" TAIL40, "token", "account", "Bcfat_" TAIL40);
}

Test(credential, global_key)
{
    taken("{\"email\":\"a.b+c@example.com\",\"key\":\"0123456789abcdef0123456789abcdef01234\"}",
          "global_key", "legacy", "Ka.b+c@example.com\n0123456789abcdef0123456789abcdef01234");
    taken("{\"email\":\"a@example.com\",\"key\":\"cfk_" TAIL40 "\"}", "global_key", "user",
          "Ka@example.com\ncfk_" TAIL40);
}

static void refused(const char *text, const char *why)
{
    AUTO_CREDENTIAL credential = CREDENTIAL_INIT;
    struct err err = {0};

    cr_assert_eq(stored_parse(text, &credential, &err), RESULT_KEY, "%s was taken", text);
    cr_assert_not_null(strstr(err.text, why), "\"%s\" is not in: %s", why, err.text);
    cr_assert_null(strstr(err.text, "0123456"), "part of it is in: %s", err.text);
}

Test(credential, refused_and_never_shown)
{
    refused("", "this is not an API token");
    refused("0123456789abcdefghijABCDEFGHIJ_-0123456", "40 to 255 letters");
    refused(TAIL40 "\n", "nothing before or behind it");
    refused(" " TAIL40, "nothing before or behind it");
    refused(TAIL40 "\r", "nothing before or behind it");
    refused(TAIL40 "=", "nothing before or behind it");
    refused("Bearer " TAIL40, "nothing before or behind it");
    refused("cfk_" TAIL40, "this is a global API key (cfk_), not an API token: give its e-mail");
    refused("cfoat_" TAIL40, "this is an OAuth access token (cfoat_)");
    refused("{\"email\":\"a@example.com\",\"key\":\"cfut_" TAIL40 "\"}", "leave --email out");
    refused("{\"email\":\"a@example.com\",\"key\":\"0123456\"}", "not a global API key");
    refused("{\"email\":\"a\\nb@example.com\",\"key\":\"" TAIL40 "\"}", "not an e-mail address");
    refused("{\"email\":\"example.com\",\"key\":\"" TAIL40 "\"}", "not an e-mail address");
    refused("{\"email\":\"a@example.com\",\"token\":\"" TAIL40 "\"}", "it is not {\"email\"");
    refused("{\"email\":\"a@example.com\",\"key\":\"" TAIL40 "\"", "it is not {\"email\"");
}

Test(credential, a_nul_does_not_end_it)
{
    AUTO_CREDENTIAL credential = CREDENTIAL_INIT;
    AUTO_BUF stored = BUF_SECRET(CREDENTIAL_MAX);
    struct err err;

    buf_put(&stored, TAIL40 "\0x", sizeof TAIL40 + 1);
    cr_assert_eq(credential_parse(&stored, &credential, &err), RESULT_KEY);
}
