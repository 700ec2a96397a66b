/* What is no policy, and where: each row is policy_text with one change. */
#include <criterion/criterion.h>
#include <string.h>

#include "helper_policy.h"
#include "helper_schema.h"

static const struct row {
    const char *what, *with, *error; /* error: behind "policy.json:" */
    enum schema schema;              /* what the JSON Schema makes of it */
} bad[] = {
    {"\"georder_policy\": 1,", "\"georder_policy\": 2,",
     "2:21: /georder_policy: this program reads format 1 only: write 1, or use a newer georder",
     REFUSES},
    {"  \"name\": \"test\",\n", "", "1:1: member \"name\" is missing", REFUSES},
    {"\"name\": \"test\"", "\"name\": \"te\\u202est\"",
     "3:11: /name: has a character that is not seen or that reorders the text: remove it from "
     "\"te\\u{202e}st\"",
     REFUSES},
    {"\"name\": \"test\"", "\"name\": \"\"", "3:11: /name: must not be empty", REFUSES},
    {"\"name\": \"test\"", "\"name\": null", "3:11: /name: must not be null", REFUSES},
    {"\"name\": \"test\"", "\"name\": \"test\", \"name\": \"other\"",
     "3:19: /name: a second member of this name; keep one of them", CANNOT_SAY},
    {"\"revision\": 7", "\"revision\": 0",
     "4:15: /revision: must be an integer from 1 to 999999999, not 0", REFUSES},
    {"\"revision\": 7", "\"revision\": \"7\"", "4:15: /revision: must be an integer, not a string",
     REFUSES},
    {"\"revision\": 7", "\"revision\": 7.5",
     "4:15: numbers must be plain integers here, without fraction or exponent", REFUSES},
    {"2026-11-01T00:00:00Z", "2026-11-01T00:00:00+01:00",
     "5:16: /effective: is not a time in UTC by RFC 3339: write it as 2026-11-01T00:00:00Z",
     REFUSES},
    {"2026-11-01T00:00:00Z", "2026-11-01",
     "5:16: /effective: is not a time in UTC by RFC 3339: write it as 2026-11-01T00:00:00Z",
     REFUSES},
    {"2026-11-01T00:00:00Z", "2027-11-01T00:00:00Z",
     "6:14: /expires: is not later than effective, 2027-11-01T00:00:00Z", CANNOT_SAY},
    {"2026-11-01T00:00:00Z", "2026-02-30T00:00:00Z",
     "5:16: /effective: is not a time in UTC by RFC 3339: write it as 2026-11-01T00:00:00Z",
     CANNOT_SAY},
    {"\"owner\": \"pki@example.com\",", "\"owner\": \"pki@example.com\", \"note\": \"x\",",
     "7:31: /note: unknown member \"note\"; known are \"georder_policy\", \"name\", \"revision\", "
     "\"effective\", \"expires\", \"owner\", \"api\", \"zones\", \"rules\", \"on_violation\", "
     "\"locked_memory\", \"audit\"",
     REFUSES},
    {"https://api.cloudflare.com/client/v4", "http://api.cloudflare.com/client/v4",
     "8:23: /api/base_url: must begin with https://, as in https://api.cloudflare.com/client/v4",
     REFUSES},
    {"https://api.cloudflare.com/client/v4", "https://user@api.cloudflare.com/client/v4",
     "8:23: /api/base_url: has no valid host behind https://: give a lower-case name, an IPv4 "
     "address, or an IPv6 address in brackets",
     REFUSES},
    {"https://api.cloudflare.com/client/v4", "https://API.cloudflare.com/client/v4",
     "8:23: /api/base_url: has no valid host behind https://: give a lower-case name, an IPv4 "
     "address, or an IPv6 address in brackets",
     REFUSES},
    {"https://api.cloudflare.com/client/v4", "https:///client/v4",
     "8:23: /api/base_url: has no valid host behind https://: give a lower-case name, an IPv4 "
     "address, or an IPv6 address in brackets",
     REFUSES},
    {"https://api.cloudflare.com/client/v4", "https://999.1.1.1/client/v4",
     "8:23: /api/base_url: has no valid host behind https://: give a lower-case name, an IPv4 "
     "address, or an IPv6 address in brackets",
     CANNOT_SAY},
    {"https://api.cloudflare.com/client/v4", "https://api.cloudflare.com:0/client/v4",
     "8:23: /api/base_url: has no valid port: give 1 to 65535, or none for 443", REFUSES},
    {"https://api.cloudflare.com/client/v4", "https://api.cloudflare.com:65536/client/v4",
     "8:23: /api/base_url: has no valid port: give 1 to 65535, or none for 443", CANNOT_SAY},
    {"https://api.cloudflare.com/client/v4", "https://api.cloudflare.com:/client/v4",
     "8:23: /api/base_url: has no valid port: give 1 to 65535, or none for 443", REFUSES},
    {"https://api.cloudflare.com/client/v4", "https://api.cloudflare.com/client/v4?x=1",
     "8:23: /api/base_url: has no plain path behind the host: no query, no fragment, no %, no "
     "empty or dotted segment, at most 255 bytes, as in /client/v4",
     REFUSES},
    {"https://api.cloudflare.com/client/v4", "https://api.cloudflare.com/client/../v4",
     "8:23: /api/base_url: has no plain path behind the host: no query, no fragment, no %, no "
     "empty or dotted segment, at most 255 bytes, as in /client/v4",
     REFUSES},
    {"https://api.cloudflare.com/client/v4", "https://api.cloudflare.com//v4",
     "8:23: /api/base_url: has no plain path behind the host: no query, no fragment, no %, no "
     "empty or dotted segment, at most 255 bytes, as in /client/v4",
     REFUSES},
    {"mEflZT5enoR1FuXLgYYGqnVEoZvmf9c2bVBpiOjYQ0c=", "mEflZT5enoR1FuXLgYYGqnVEoZvmf9c2bVBpiOjYQ0d=",
     "10:18: /api/spki_pins/0/sha256: is not the base64 of a SHA-256 digest: 44 characters, the "
     "last one \"=\"",
     REFUSES},
    {"mEflZT5enoR1FuXLgYYGqnVEoZvmf9c2bVBpiOjYQ0c=", "mEflZT5enoR1FuXLgYYGqg==",
     "10:18: /api/spki_pins/0/sha256: is not the base64 of a SHA-256 digest: 44 characters, the "
     "last one \"=\"",
     REFUSES},
    {"mEflZT5enoR1FuXLgYYGqnVEoZvmf9c2bVBpiOjYQ0c=", "C5+lpZ7tcVwmwQIMcRtPbsQtWLABXhQzejna0wHFr8M=",
     "11:18: /api/spki_pins/1/sha256: \"C5+lpZ7tcVwmwQIMcRtPbsQtWLABXhQzejna0wHFr8M=\" stands here "
     "twice: keep one",
     CANNOT_SAY},
    {", \"subject\": \"GTS R4\"", "", "10:7: /api/spki_pins/0: member \"subject\" is missing",
     REFUSES},
    {"\"104.16.0.0/13\"", "\"104.16.0.0\"",
     "12:18: /api/networks/0: is not a network: write it as 104.16.0.0/13 or 2606:4700::/32",
     REFUSES},
    {"\"104.16.0.0/13\"", "\"104.16.0.0/33\"",
     "12:18: /api/networks/0: is not a network: write it as 104.16.0.0/13 or 2606:4700::/32",
     REFUSES},
    {"\"104.16.0.0/13\"", "\"104.16.0.0/013\"",
     "12:18: /api/networks/0: is not a network: write it as 104.16.0.0/13 or 2606:4700::/32",
     REFUSES},
    {"\"104.16.0.0/13\"", "\"104.16.0.1/13\"",
     "12:18: /api/networks/0: has bits set behind the prefix of 13: write the network's first "
     "address",
     CANNOT_SAY},
    {"\"104.16.0.0/13\"", "\"104.16.0.0.0/13\"",
     "12:18: /api/networks/0: is not a network: write it as 104.16.0.0/13 or 2606:4700::/32",
     REFUSES},
    {"\"2606:4700::/32\"", "\"2606:4700::/129\"",
     "12:35: /api/networks/1: is not a network: write it as 104.16.0.0/13 or 2606:4700::/32",
     REFUSES},
    {"\"2606:4700::/32\"", "\"2606:4700::1/32\"",
     "12:35: /api/networks/1: has bits set behind the prefix of 32: write the network's first "
     "address",
     CANNOT_SAY},
    {"\"2606:4700::/32\"", "\"104.16.0.0/13\"",
     "12:35: /api/networks/1: \"104.16.0.0/13\" stands here twice: keep one", REFUSES},
    {"\"2606:4700::/32\"", "13", "12:35: /api/networks/1: must be a string, not a number", REFUSES},
    {"\"1.3\"", "\"1.1\"", "12:69: /api/minimum_tls: must be \"1.2\" or \"1.3\"", REFUSES},
    {"\"1.3\"", "1.3", "12:69: numbers must be plain integers here, without fraction or exponent",
     REFUSES},
    {"\"example.com\": \"023e105f4ecef8ad9ca31a8372d0c353\"",
     "\"Example.com\": \"023e105f4ecef8ad9ca31a8372d0c353\"",
     "13:28: /zones/Example.com: \"Example.com\": upper case: write it as \"example.com\"",
     REFUSES},
    {"\"example.com\": \"023e105f4ecef8ad9ca31a8372d0c353\"",
     "\"*.example.com\": \"023e105f4ecef8ad9ca31a8372d0c353\"",
     "13:30: /zones/*.example.com: \"*.example.com\": a wildcard cannot stand here: write it "
     "without \"*.\"",
     REFUSES},
    {"023e105f4ecef8ad9ca31a8372d0c353", "023E105F4ECEF8AD9CA31A8372D0C353",
     "13:28: /zones/example.com: is not a zone id: 32 lower-case hexadecimal digits, from the "
     "zone's overview page",
     REFUSES},
    {"023e105f4ecef8ad9ca31a8372d0c353", "353c0d2738a1daceea8fdcef4e501e32",
     "14:20: /zones/example.net: \"353c0d2738a1daceea8fdcef4e501e32\" stands here twice: keep one",
     CANNOT_SAY},
    {"\"zones\": {\"example.com\": \"023e105f4ecef8ad9ca31a8372d0c353\",\n    \"example.net\": "
     "\"353c0d2738a1daceea8fdcef4e501e32\"}",
     "\"zones\": {}",
     "13:12: /zones: must be an object of 1 to 10000 zones: {\"example.com\": \"<zone id>\"}",
     REFUSES},
    {"\"id\": \"p\"", "\"id\": \"P\"",
     "16:12: /rules/0/id: a rule's id is 1 to 64 of a-z, 0-9 and \"-\"", REFUSES},
    {"\"id\": \"p\"", "\"id\": \"\"", "16:12: /rules/0/id: must not be empty", REFUSES},
    {"\"id\": \"p\"", "\"id\": \"f\"", "21:12: /rules/1/id: \"f\" stands here twice: keep one",
     CANNOT_SAY},
    {"\"effect\": \"permit\"", "\"effect\": \"allow\"",
     "16:27: /rules/0/effect: must be \"permit\" or \"forbid\"", REFUSES},
    {", \"reason\": \"why\"", "", "16:5: /rules/0: member \"reason\" is missing", REFUSES},
    {"\"zones\": [\"example.com\"]", "\"zones\": [\"example.org\"]",
     "16:64: /rules/0/zones/0: the policy has no such zone: add it to /zones with its id, or name "
     "one that is there",
     CANNOT_SAY},
    {"\"zones\": [\"example.com\"]", "\"zones\": [\"example.com\", \"example.com\"]",
     "16:79: /rules/0/zones/1: \"example.com\" stands here twice: keep one", REFUSES},
    {"\"zones\": [\"example.com\"]", "\"zones\": []",
     "16:63: /rules/0/zones: must have 1 to 2 items, not 0", REFUSES},
    {"\"zones\": [\"example.com\"]", "\"zones\": \"example.com\"",
     "16:63: /rules/0/zones: must be an array, not a string", REFUSES},
    {"\"*.example.com\"]", "\"*.example.net\"]",
     "17:32: /rules/0/hosts/1: lies in no zone of this rule: add the zone, or take the host out",
     CANNOT_SAY},
    {"\"*.example.com\"]", "\"*.notexample.com\"]",
     "17:32: /rules/0/hosts/1: lies in no zone of this rule: add the zone, or take the host out",
     CANNOT_SAY},
    {"\"*.example.com\"]", "\"*.*.example.com\"]",
     "17:32: /rules/0/hosts/1: a pattern is a name, \"*.\" and a name, or \"**.\" and a name: "
     "nothing else stands for other names",
     REFUSES},
    {"\"*.example.com\"]", "\"*.Example.com\"]",
     "17:32: /rules/0/hosts/1: \"Example.com\": upper case: write it as \"example.com\"", REFUSES},
    {"\"*.example.com\"]", "\"*.com\"]",
     "17:32: /rules/0/hosts/1: \"com\": only one label: give the whole name, as in www.example.com",
     REFUSES},
    {"\"*.example.com\"]", "\"example.com\"]",
     "17:32: /rules/0/hosts/1: \"example.com\" stands here twice: keep one", REFUSES},
    {"\"*.example.com\"]", "7]", "17:32: /rules/0/hosts/1: must be a string, not a number",
     REFUSES},
    {"\"pay.example.com\"", "\"pay.example.org\"",
     "21:63: /rules/1/hosts/0: lies in no zone of the policy: add the zone, or take the host out",
     CANNOT_SAY},
    {"\"google\", \"ssl_com\"", "\"google\", \"digicert\"",
     "18:45: /rules/0/certificate_authorities/1: digicert is not one of google, lets_encrypt, "
     "ssl_com",
     CANNOT_SAY},
    {"\"google\", \"ssl_com\"", "\"google\", \"google\"",
     "18:45: /rules/0/certificate_authorities/1: google stands here twice: keep one", REFUSES},
    {"\"google\", \"ssl_com\"", "\"google\", true",
     "18:45: /rules/0/certificate_authorities/1: must be one of google, lets_encrypt, ssl_com",
     REFUSES},
    {"[30, 90]", "[30, 45]", "18:79: /rules/0/validity_days/1: 45 is not one of 14, 30, 90, 365",
     REFUSES},
    {"[30, 90]", "[30, \"90\"]", "18:79: /rules/0/validity_days/1: must be one of 14, 30, 90, 365",
     REFUSES},
    {"[30, 90]", "[30, 30]", "18:79: /rules/0/validity_days/1: 30 stands here twice: keep one",
     REFUSES},
    {"[30, 90]", "[]", "18:74: /rules/0/validity_days: must have 1 to 4 items, not 0", REFUSES},
    {"[\"txt\"]", "[\"dns\"]",
     "19:30: /rules/0/validation_methods/0: dns is not one of txt, http, email", REFUSES},
    {"[\"txt\"]", "null", "19:29: /rules/0/validation_methods: must not be null", REFUSES},
    {"[false]", "[\"false\"]", "19:62: /rules/0/cloudflare_branding/0: must be one of false, true",
     REFUSES},
    {"[false]", "[false, false]",
     "19:69: /rules/0/cloudflare_branding/1: false stands here twice: keep one", REFUSES},
    {"[\"eu\", \"none\"]", "[\"eu\", \"any\"]",
     "20:34: /rules/0/geo_restrictions/1: any is not one of us, eu, highest_security, none",
     REFUSES},
    {"\"max_hosts\": 20", "\"max_hosts\": 51",
     "20:56: /rules/0/max_hosts: must be an integer from 1 to 50, not 51", REFUSES},
    {"\"max_hosts\": 20", "\"max_hosts\": 0",
     "20:56: /rules/0/max_hosts: must be an integer from 1 to 50, not 0", REFUSES},
    {", \"max_hosts\": 20", "", "16:5: /rules/0: member \"max_hosts\" is missing", REFUSES},
    {"\"max_hosts\": 20", "\"max_hosts\": 20, \"geo_evidence\": \"some\"",
     "20:76: /rules/0/geo_evidence: must be \"existing\" or \"issued\"", REFUSES},
    {"\"max_hosts\": 20", "\"max_hosts\": 20, \"allow_any\": true",
     "20:60: /rules/0/allow_any: unknown member \"allow_any\"; known are \"id\", \"effect\", "
     "\"reason\", \"zones\", \"hosts\", \"certificate_authorities\", \"validity_days\", "
     "\"validation_methods\", \"cloudflare_branding\", \"geo_restrictions\", \"max_hosts\", "
     "\"geo_evidence\", \"max_orders\", \"change_windows\", \"freeze\", \"approvals\"",
     REFUSES},
    {"\"hosts\": [\"pay.example.com\"]",
     "\"hosts\": [\"pay.example.com\"], \"geo_evidence\": \"issued\"",
     "21:83: /rules/1/geo_evidence: unknown member \"geo_evidence\"; known are \"id\", \"effect\", "
     "\"reason\", \"zones\", \"hosts\", \"certificate_authorities\", \"validity_days\", "
     "\"validation_methods\", \"cloudflare_branding\", \"geo_restrictions\", \"max_hosts\", "
     "\"freeze\"",
     REFUSES},
    {", \"hosts\": [\"pay.example.com\"]", "",
     "21:5: /rules/1: says not what it forbids: add zones, hosts or another member", REFUSES},
    {"\"hosts\": [\"pay.example.com\"]", "\"hosts\": []",
     "21:62: /rules/1/hosts: must have 1 to 1000 items, not 0", REFUSES},
    {"{\"id\": \"f\", \"effect\": \"forbid\", \"reason\": \"no\", \"hosts\": "
     "[\"pay.example.com\"]}",
     "\"forbid\"", "21:5: /rules/1: must be an object: a rule", REFUSES},
    {"\"report\"\n", "\"ignore\"\n", "23:19: /on_violation: must be \"report\" or \"delete\"",
     REFUSES},
    {"  \"on_violation\"", "  \"audit\": {\"require\": []},\n  \"on_violation\"",
     "23:24: /audit/require: must have 1 to 3 items, not 0", REFUSES},
    {"  \"on_violation\"", "  \"audit\": {},\n  \"on_violation\"",
     "23:12: /audit: member \"require\" is missing", REFUSES},
    {"  \"on_violation\"", "  \"audit\": null,\n  \"on_violation\"",
     "23:12: /audit: must be an object, not null", REFUSES},
    {"  \"on_violation\"", "  \"audit\": {\"require\": [\"hsm\"]},\n  \"on_violation\"",
     "23:25: /audit/require/0: must be \"hsm-head\", \"witness\" or \"timestamp\"", REFUSES},
    {"  \"on_violation\"",
     "  \"audit\": {\"require\": [\"witness\", \"witness\"]},\n  \"on_violation\"",
     "23:36: /audit/require/1: \"witness\" stands here twice: keep one", REFUSES},
    {"  \"on_violation\"",
     "  \"audit\": {\"require\": [\"witness\"], \"prefer\": 1},\n  \"on_violation\"",
     "23:37: /audit/prefer: unknown member \"prefer\"; known are \"require\"", REFUSES},
    {"  \"on_violation\": \"report\"\n", "  \"x\": 1\n",
     "23:3: /x: unknown member \"x\"; known are \"georder_policy\", \"name\", \"revision\", "
     "\"effective\", \"expires\", \"owner\", \"api\", \"zones\", \"rules\", \"on_violation\", "
     "\"locked_memory\", \"audit\"",
     REFUSES},
};

static const struct {
    const char *what, *with;
} good[] = {
    {"\"on_violation\"",
     "\"audit\": {\"require\": [\"timestamp\", \"hsm-head\", \"witness\"]},\n  \"on_violation\""},
    {"\"name\": \"test\"", "\"name\": \"Schl\xC3\xBCssel\""},
    {"\"revision\": 7", "\"revision\": 1"},
    {"2026-11-01T00:00:00Z", "2026-11-01T00:00:00.5Z"},
    {"https://api.cloudflare.com/client/v4", "https://api.cloudflare.com"},
    {"https://api.cloudflare.com/client/v4", "https://api.cloudflare.com/client/v4/"},
    {"https://api.cloudflare.com/client/v4", "https://127.0.0.1:8443/client/v4"},
    {"https://api.cloudflare.com/client/v4", "https://[::1]:8443/client/v4"},
    {"https://api.cloudflare.com/client/v4", "https://localhost:8443/client/v4"},
    {"\"1.3\"", "\"1.2\""},
    {"\"report\"\n}", "\"delete\"\n}"},
    {"104.16.0.0/13", "0.0.0.0/0"},
    {"2606:4700::/32", "::1/128"},
    {"*.example.com", "**.a.example.com"},
    {"\"max_hosts\": 20", "\"max_hosts\": 50, \"geo_evidence\": \"existing\""},
    {"[30, 90]", "[14, 30, 90, 365]"},
    {"[\"txt\"]", "[\"txt\", \"http\", \"email\"]"},
    {"[\"eu\", \"none\"]", "[\"us\", \"eu\", \"highest_security\", \"none\"]"},
    {"\"hosts\": [\"pay.example.com\"]", "\"max_hosts\": 5"},
    {"\"hosts\": [\"pay.example.com\"]", "\"zones\": [\"example.net\"]"},
    {"\"hosts\": [\"pay.example.com\"]", "\"cloudflare_branding\": [true, false]"},
};

static enum result load(const struct buf *text, struct err *err)
{
    struct policy *policy = NULL;
    enum result result =
        policy_load("policy.json", buf_text(text), text->len, authorities_get(), &policy, err);
    cr_assert_eq(policy != NULL, result == RESULT_OK);
    policy_free(&policy);
    return result;
}

Test(load, refuses_what_is_no_policy_and_says_where_and_why)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO_BUF text = BUF_INIT(65536);
        struct err err = {0};
        text_edit(&text, policy_text, bad[i].what, bad[i].with);
        cr_assert_eq(load(&text, &err), RESULT_CONFIG, "%s: %s", bad[i].with, err.text);
        cr_assert(strncmp(err.text, "policy.json:", 12) == 0, "%s", err.text);
        cr_assert_str_eq(err.text + 12, bad[i].error, "%s\n%s", bad[i].with, err.text);
    }
}

Test(load, takes_what_is_one)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        AUTO_BUF text = BUF_INIT(65536);
        struct err err = {0};
        text_edit(&text, policy_text, good[i].what, good[i].with);
        cr_assert_eq(load(&text, &err), RESULT_OK, "%s: %s", good[i].with, err.text);
    }
}

Test(load, bounds_the_file)
{
    struct err err = {0};
    struct policy *policy = NULL;
    cr_assert_eq(policy_load("policy.json", "", POLICY_MAX + 1, authorities_get(), &policy, &err),
                 RESULT_CONFIG);
    cr_assert_str_eq(err.text, "policy.json: has 4194305 bytes; at most 4194304 are allowed");
}

Test(load, bounds_the_rules)
{
    AUTO_BUF rules = BUF_INIT(POLICY_MAX);
    AUTO_BUF text = BUF_INIT(POLICY_MAX);
    struct err err = {0};
    for (int i = 0; i <= RULES_MAX; i++)
        buf_printf(&rules,
                   "%s{\"id\": \"r%d\", \"effect\": \"forbid\", \"reason\": \"r\", "
                   "\"hosts\": [\"example.com\"]}",
                   i == 0 ? "" : ", ", i);
    text_edit(&text, policy_text,
              "{\"id\": \"f\", \"effect\": \"forbid\", \"reason\": \"no\", "
              "\"hosts\": [\"pay.example.com\"]}",
              buf_text(&rules));
    cr_assert_eq(load(&text, &err), RESULT_CONFIG);
    cr_assert_str_eq(err.text, "policy.json:15:12: /rules: must have 1 to 10000 items, not 10002");
}

Test(load, takes_the_parts_of_the_base_url)
{
    static const struct {
        const char *url, *host, *path;
        uint32_t port;
    } urls[] = {
        {"https://api.cloudflare.com", "api.cloudflare.com", "", 443},
        {"https://api.cloudflare.com/", "api.cloudflare.com", "", 443},
        {"https://api.cloudflare.com:8443/client/v4/", "api.cloudflare.com", "/client/v4", 8443},
        {"https://[2606:4700::1]/v4", "2606:4700::1", "/v4", 443},
        {"https://104.19.192.29:1/v4", "104.19.192.29", "/v4", 1},
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        AUTO_BUF text = BUF_INIT(65536);
        struct policy_facts facts;
        text_edit(&text, policy_text, "https://api.cloudflare.com/client/v4", urls[i].url);
        AUTO_POLICY *policy = policy_get(buf_text(&text));
        policy_facts(policy, &facts);
        cr_assert_str_eq(facts.base_url, urls[i].url);
        cr_assert_str_eq(facts.host, urls[i].host);
        cr_assert_str_eq(facts.path, urls[i].path);
        cr_assert_eq(facts.port, urls[i].port);
    }
}

#define CASES "policy-cases"

static void case_write(enum schema verdict, const char *what, const char *with)
{
    AUTO_BUF text = BUF_INIT(65536);
    text_edit(&text, policy_text, what, with);
    schema_case(CASES, verdict, buf_text(&text));
}

Test(schema, agrees_with_the_loader)
{
    schema_start(CASES);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        case_write(bad[i].schema, bad[i].what, bad[i].with);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        case_write(TAKES, good[i].what, good[i].with);
    schema_agrees(CASES, "georder-policy.schema.json", "example.json");
}
