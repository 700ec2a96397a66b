#include "helper_policy.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

const char policy_text[] =
    "{\n"
    "  \"georder_policy\": 1,\n"
    "  \"name\": \"test\",\n"
    "  \"revision\": 7,\n"
    "  \"effective\": \"2026-11-01T00:00:00Z\",\n"
    "  \"expires\": \"2027-11-01T00:00:00Z\",\n"
    "  \"owner\": \"pki@example.com\",\n"
    "  \"api\": {\"base_url\": \"https://api.cloudflare.com/client/v4\",\n"
    "    \"spki_pins\": [\n"
    "      {\"sha256\": \"mEflZT5enoR1FuXLgYYGqnVEoZvmf9c2bVBpiOjYQ0c=\", \"subject\": \"GTS "
    "R4\"},\n"
    "      {\"sha256\": \"C5+lpZ7tcVwmwQIMcRtPbsQtWLABXhQzejna0wHFr8M=\", \"subject\": \"ISRG "
    "X1\"}],\n"
    "    \"networks\": [\"104.16.0.0/13\", \"2606:4700::/32\"], \"minimum_tls\": \"1.3\"},\n"
    "  \"zones\": {\"example.com\": \"023e105f4ecef8ad9ca31a8372d0c353\",\n"
    "    \"example.net\": \"353c0d2738a1daceea8fdcef4e501e32\"},\n"
    "  \"rules\": [\n"
    "    {\"id\": \"p\", \"effect\": \"permit\", \"reason\": \"why\", \"zones\": "
    "[\"example.com\"],\n"
    "      \"hosts\": [\"example.com\", \"*.example.com\"],\n"
    "      \"certificate_authorities\": [\"google\", \"ssl_com\"], \"validity_days\": [30, 90],\n"
    "      \"validation_methods\": [\"txt\"], \"cloudflare_branding\": [false],\n"
    "      \"geo_restrictions\": [\"eu\", \"none\"], \"max_hosts\": 20},\n"
    "    {\"id\": \"f\", \"effect\": \"forbid\", \"reason\": \"no\", \"hosts\": "
    "[\"pay.example.com\"]}\n"
    "  ],\n"
    "  \"on_violation\": \"report\"\n"
    "}\n";

#define FREEZE                                                                                     \
    "\"freeze\": [{\"from\": \"2026-12-18T00:00:00Z\", \"to\": \"2027-01-04T00:00:00Z\", "         \
    "\"reason\": \"holidays\"}]"
#define SCOPE                                                                                      \
    "\"zones\": [\"example.com\"], \"hosts\": [\"example.com\"], \"certificate_authorities\": "    \
    "[\"google\"], \"validity_days\": [90], \"validation_methods\": [\"txt\"], "                   \
    "\"cloudflare_branding\": [false], \"geo_restrictions\": [\"eu\"], \"max_hosts\": 20, " FREEZE
const char policy_whole[] =
    "{\"georder_policy\": 1, \"name\": \"test\", \"revision\": 7, \"effective\": "
    "\"2026-11-01T00:00:00Z\", \"expires\": \"2027-11-01T00:00:00Z\", \"owner\": "
    "\"pki@example.com\", \"api\": {\"base_url\": \"https://api.cloudflare.com/client/v4\", "
    "\"spki_pins\": [{\"sha256\": \"mEflZT5enoR1FuXLgYYGqnVEoZvmf9c2bVBpiOjYQ0c=\", \"subject\": "
    "\"GTS R4\"}], \"networks\": [\"104.16.0.0/13\"], \"minimum_tls\": \"1.3\"}, \"zones\": "
    "{\"example.com\": \"023e105f4ecef8ad9ca31a8372d0c353\"}, \"rules\": ["
    "{\"id\": \"p\", \"effect\": \"permit\", \"reason\": \"why\", " SCOPE ", "
    "\"geo_evidence\": \"existing\", \"max_orders\": 3, \"change_windows\": [{\"weekdays\": "
    "[\"mon\"], \"from\": \"08:00\", \"to\": \"17:00\", \"time_zone\": \"UTC\"}], "
    "\"approvals\": {\"count\": 2, \"from\": [\"pki-oncall\"]}}, "
    "{\"id\": \"f\", \"effect\": \"forbid\", \"reason\": \"no\", " SCOPE "}], "
    "\"on_violation\": \"report\", \"locked_memory\": \"required\", "
    "\"audit\": {\"require\": [\"hsm-head\"]}}";

void file_load(const char *path, struct buf *out)
{
    struct err err = {0};
    char whole[512];
    (void)snprintf(whole, sizeof whole, "%s/%s", SOURCE_DIR, path);
    AUTO_FD fd = open(whole, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0, "cannot open %s", whole);
    cr_assert_eq(file_read(fd, path, out, &err), RESULT_OK, "%s", err.text);
}

struct authorities *authorities_get(void)
{
    static struct authorities *known;
    struct err err = {0};
    AUTO_BUF text = BUF_INIT(65536);
    if (known != NULL)
        return known;
    file_load("policy/authorities.json", &text);
    cr_assert_eq(authorities_load("authorities.json", buf_text(&text), text.len, &known, &err),
                 RESULT_OK, "%s", err.text);
    return known;
}

struct policy *policy_get(const char *text)
{
    struct err err = {0};
    struct policy *policy = NULL;
    cr_assert_eq(policy_load("policy.json", text, strlen(text), authorities_get(), &policy, &err),
                 RESULT_OK, "%s", err.text);
    return policy;
}

void text_edit(struct buf *out, const char *text, const char *what, const char *with)
{
    const char *at = strstr(text, what);
    cr_assert_not_null(at, "not in the policy: %s", what);
    buf_put(out, text, (size_t)(at - text));
    buf_puts(out, with);
    buf_puts(out, at + strlen(what));
    cr_assert(buf_ok(out));
}

struct policy *policy_with(const char *rules)
{
    AUTO_BUF text = BUF_INIT(POLICY_MAX);
    const char *zones = strstr(policy_text, "  \"zones\"");
    buf_put(&text, policy_text, (size_t)(zones - policy_text));
    buf_printf(&text,
               "\"zones\": {\"example.com\": \"023e105f4ecef8ad9ca31a8372d0c353\", "
               "\"example.net\": \"353c0d2738a1daceea8fdcef4e501e32\", "
               "\"eu.example.com\": \"0000000000000000000000000000000e\"},\n"
               "\"rules\": [%s],\n\"on_violation\": \"report\"}",
               rules);
    cr_assert(buf_ok(&text));
    return policy_get(buf_text(&text));
}

static void host_add(struct order *order, const char *host)
{
    if (host[0] != '\0')
        (void)snprintf(order->host[order->hosts++], sizeof order->host[0], "%s", host);
}

void order_make(struct order *out, const char *first, const char *second)
{
    *out = (struct order){.zone = "example.com",
                          .certificate_authority = "google",
                          .validation_method = "txt",
                          .validity_days = 90,
                          .geo_label = "none"};
    host_add(out, "example.com");
    host_add(out, first);
    host_add(out, second);
}

void decide_must(const struct policy *policy, struct order *order, int64_t now,
                 struct decision *out)
{
    struct circumstances at = {.now = now};
    struct err err = {0};
    cr_assert_eq(order_check(order, &err), RESULT_OK, "%s", err.text);
    bool known = policy_resolve_zone(policy, order);
    cr_assert_eq(known, order->apex[0] != '\0');
    cr_assert_eq(policy_decide(policy, order, &at, out, &err), RESULT_OK, "%s", err.text);
}

bool host_permitted(const char *pattern, const char *forbidden, const char *host)
{
    AUTO_BUF rules = BUF_INIT(65536);
    AUTO_DECISION decision = {0};
    struct order order;
    if (strcmp(pattern, "example.com") == 0)
        buf_puts(&rules, PERMIT("p", "\"example.com\""));
    else
        text_edit(&rules, PERMIT("p", "\"example.com\", \"@\""), "@", pattern);
    if (forbidden[0] != '\0')
        buf_printf(&rules,
                   ", {\"id\": \"f\", \"effect\": \"forbid\", \"reason\": \"never\", "
                   "\"hosts\": [\"%s\"]}",
                   forbidden);
    AUTO_POLICY *policy = policy_with(buf_text(&rules));
    order_make(&order, strcmp(host, "example.com") == 0 ? "" : host, "");
    decide_must(policy, &order, NOW, &decision);
    return decision.permit;
}
