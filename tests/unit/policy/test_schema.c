/*
 * The JSON Schemas of policy/ against the loaders, far from what a person would think of: in a
 * document that has every member, each node is taken away, emptied, changed in type, and given a
 * stranger for company. What the loader takes the schema must take, and the other way round.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "helper_policy.h"
#include "helper_schema.h"
#include "helper_tree.h"

static const char cases_whole[] =
    "{\"georder_policy_tests\": 1, \"cases\": ["
    "{\"name\": \"a\", \"order\": {\"zone\": \"example.com\"}, \"at\": \"2026-12-01T09:00:00Z\", "
    "\"orders_today\": 1, \"approvals\": [{\"principal\": \"alice@example.com\", \"groups\": "
    "[\"oncall\"]}], \"expect\": \"permit\", \"rules\": [\"p\"], \"geo_evidence\": \"issued\"}, "
    "{\"name\": \"b\", \"order\": {}, \"expect\": \"deny\", \"reasons\": [{\"code\": "
    "\"forbidden\", "
    "\"rule\": \"f\", \"host\": \"example.com\", \"attribute\": \"hosts\"}]}, "
    "{\"name\": \"c\", \"order\": {}, \"expect\": \"invalid\", \"text\": \"no host\"}]}";

static enum result policy_try(const char *text, struct err *err)
{
    struct policy *policy = NULL;
    enum result result =
        policy_load("policy.json", text, strlen(text), authorities_get(), &policy, err);
    policy_free(&policy);
    return result;
}

static enum result cases_try(const char *text, struct err *err)
{
    struct cases *cases = NULL;
    enum result result = cases_load("tests.json", text, strlen(text), &cases, err);
    cases_free(&cases);
    return result;
}

static const char *const values[] = {
    "null",
    "true",
    "0",
    "1",
    "60",
    "1000000000",
    "\"\"",
    "\"x\"",
    "[]",
    "[\"x\"]",
    "[1]",
    "[null]",
    "{}",
    "\"08:00\"",
    "\"24:00\"",
    "\"25:00\"",
    "\"*\"",
    "\"txt\"",
    "\"example.com\"",
    "\"2026-12-20T00:00:00Z\"",
    "[\"mon\", \"mon\"]",
    "[\"mon\", \"sun\"]",
    "[true, false]",
    "[30, 90]",
    "[90, 90]",
    "\"permit\"",
    "\"forbid\"",
    "\"deny\"",
};
#define CHANGES (sizeof values / sizeof *values + 2) /* and: taken away, with a stranger in it */

static bool change(cJSON *parent, cJSON *node, size_t how)
{
    if (how == 0) {
        cJSON_Delete(cJSON_DetachItemViaPointer(parent, node));
        return true;
    }
    if (how == 1)
        return cJSON_IsObject(node) && cJSON_AddNumberToObject(node, "stranger", 1) != NULL;
    cJSON *with = tree_parse(values[how - 2]);
    if (cJSON_IsObject(parent))
        return cJSON_ReplaceItemInObjectCaseSensitive(parent, node->string, with);
    return cJSON_ReplaceItemViaPointer(parent, node, with);
}

/* What the loader refuses because of other data or of another member: not the schema's to say. */
static bool is_loaders_alone(const struct err *err)
{
    return strstr(err->text, " is not one of google, ") != NULL ||
           strstr(err->text, " is not later than from") != NULL;
}

static void each_change(const char *folder, const char *whole,
                        enum result (*load)(const char *text, struct err *err))
{
    AUTO_JSON *all = tree_parse(whole);
    size_t nodes = tree_size(all);
    schema_start(folder);
    for (size_t i = 0; i < nodes * CHANGES; i++) {
        AUTO_JSON *root = tree_parse(whole);
        AUTO_BUF text = BUF_INIT(65536);
        struct err err = {0};
        cJSON *parent, *node = tree_node(root, i / CHANGES, &parent);
        if (!change(parent, node, i % CHANGES))
            continue;
        json_put(&text, root);
        if (load(buf_text(&text), &err) == RESULT_OK)
            schema_case(folder, TAKES, buf_text(&text));
        else if (!is_loaders_alone(&err))
            schema_case(folder, REFUSES, buf_text(&text));
    }
}

Test(schema, says_of_each_changed_policy_what_the_loader_says)
{
    each_change("policy-changes", policy_whole, policy_try);
    schema_agrees("policy-changes", "georder-policy.schema.json", "example.json");
}

Test(schema, says_of_changed_test_cases_what_their_loader_says)
{
    each_change("cases-changes", cases_whole, cases_try);
    schema_agrees("cases-changes", "georder-policy-tests.schema.json", "example.tests.json");
}
