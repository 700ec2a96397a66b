/* The file of test cases read. */
#include <stdlib.h>
#include <string.h>

#include "case.h"

#define CASE_NAME_MAX 200
#define CASE_ORDERS   100000
#define CASE_GROUPS   64

static const char *const top_members[] = {"georder_policy_tests", "cases", NULL};
/* The last ones before the NULL are what this kind of case expects. */
static const char *const members[][9] = {
    [EXPECT_PERMIT] = {"name", "order", "at", "orders_today", "approvals", "expect", "rules",
                       "geo_evidence"},
    [EXPECT_DENY] = {"name", "order", "at", "orders_today", "approvals", "expect", "reasons"},
    [EXPECT_INVALID] = {"name", "order", "at", "orders_today", "approvals", "expect", "text"},
};
static const char *const expect_name[] = {"permit", "deny", "invalid"};

static enum result expect_load(const struct json_doc *doc, const cJSON *node, enum expect *out,
                               struct err *err)
{
    const char *text = NULL;
    TRY(json_string(doc, node, "expect", 64, &text, err));
    for (size_t i = 0; i < LENGTH(expect_name); i++)
        if (strcmp(text, expect_name[i]) == 0) {
            *out = (enum expect)i;
            return RESULT_OK;
        }
    return json_fail(doc, cJSON_GetObjectItemCaseSensitive(node, "expect"), err,
                     "must be \"permit\", \"deny\" or \"invalid\"");
}

/* A list of strings, none twice; *out is owned by the caller, also on failure. */
static enum result texts_load(const struct json_doc *doc, const cJSON *node, const char *name,
                              size_t max, const char ***out, size_t *count, struct err *err)
{
    const cJSON *list = NULL, *item = NULL;
    TRY(json_array(doc, node, name, 1, max, &list, err));
    TRY(repeat_check(doc, list, NULL, err));
    *out = calloc((size_t)cJSON_GetArraySize(list), sizeof **out);
    if (*out == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", doc->name);
    cJSON_ArrayForEach(item, list)
    {
        TRY(json_text(doc, item, HOST_LEN, &(*out)[*count], err));
        (*count)++;
    }
    return RESULT_OK;
}

static enum result permit_load(const struct json_doc *doc, const cJSON *node, struct test_case *out,
                               struct err *err)
{
    TRY(json_string_opt(doc, node, "geo_evidence", NAME_LEN, &out->evidence, err));
    if (out->evidence != NULL && strcmp(out->evidence, "existing") != 0 &&
        strcmp(out->evidence, "issued") != 0)
        return json_fail(doc, cJSON_GetObjectItemCaseSensitive(node, "geo_evidence"), err,
                         "must be \"existing\" or \"issued\"");
    return texts_load(doc, node, "rules", HOSTS_MAX, &out->rule, &out->rules, err);
}

static enum result reason_load(const struct json_doc *doc, const cJSON *node,
                               struct expected_reason *out, struct err *err)
{
    static const char *const known[] = {"code", "rule", "host", "attribute", NULL};
    TRY(json_object(doc, node, known, err));
    TRY(json_string(doc, node, "code", NAME_LEN, &out->code, err));
    TRY(json_string_opt(doc, node, "rule", RULE_ID_LEN, &out->rule, err));
    TRY(json_string_opt(doc, node, "host", HOST_LEN, &out->host, err));
    return json_string_opt(doc, node, "attribute", NAME_LEN, &out->attribute, err);
}

static enum result reasons_load(const struct json_doc *doc, const cJSON *node,
                                struct test_case *out, struct err *err)
{
    const cJSON *list = NULL, *item = NULL;
    TRY(json_array(doc, node, "reasons", 1, REASONS_MAX, &list, err));
    out->reason = calloc((size_t)cJSON_GetArraySize(list), sizeof *out->reason);
    if (out->reason == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", doc->name);
    cJSON_ArrayForEach(item, list)
    {
        TRY(reason_load(doc, item, &out->reason[out->reasons], err));
        out->reasons++;
    }
    return RESULT_OK;
}

static enum result approver_load(const struct json_doc *doc, const cJSON *node,
                                 struct case_approver *out, struct err *err)
{
    static const char *const known[] = {"principal", "groups", NULL};
    TRY(json_object(doc, node, known, err));
    TRY(prose_load(doc, node, "principal", HOST_LEN, &out->principal, err));
    return texts_load(doc, node, "groups", CASE_GROUPS, &out->group, &out->groups, err);
}

static enum result approvers_load(const struct json_doc *doc, const cJSON *node,
                                  struct test_case *out, struct err *err)
{
    const cJSON *list = NULL, *item = NULL;
    if (cJSON_GetObjectItemCaseSensitive(node, "approvals") == NULL)
        return RESULT_OK;
    TRY(json_array(doc, node, "approvals", 1, CASE_APPROVERS, &list, err));
    TRY(repeat_check(doc, list, "principal", err));
    out->approver = calloc((size_t)cJSON_GetArraySize(list), sizeof *out->approver);
    if (out->approver == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", doc->name);
    cJSON_ArrayForEach(item, list)
    {
        TRY(approver_load(doc, item, &out->approver[out->approvers++], err));
    }
    return RESULT_OK;
}

static enum result circumstances_load(const struct json_doc *doc, const cJSON *node,
                                      struct test_case *out, struct err *err)
{
    out->now = AT_EFFECTIVE;
    if (cJSON_GetObjectItemCaseSensitive(node, "at") != NULL)
        TRY(json_moment(doc, node, "at", NULL, &out->now, err));
    if (cJSON_GetObjectItemCaseSensitive(node, "orders_today") != NULL)
        TRY(json_int(doc, node, "orders_today", 0, CASE_ORDERS, &out->orders, err));
    return approvers_load(doc, node, out, err);
}

static enum result case_load(const struct json_doc *doc, const cJSON *node, struct test_case *out,
                             struct err *err)
{
    TRY(expect_load(doc, node, &out->expect, err));
    TRY(json_object(doc, node, members[out->expect], err));
    TRY(prose_load(doc, node, "name", CASE_NAME_MAX, &out->name, err));
    TRY(json_member(doc, node, "order", &out->order, err));
    if (!cJSON_IsObject(out->order))
        return json_fail(doc, out->order, err, "must be an object: an order file's");
    TRY(circumstances_load(doc, node, out, err));
    switch (out->expect) {
    case EXPECT_PERMIT:
        return permit_load(doc, node, out, err);
    case EXPECT_DENY:
        return reasons_load(doc, node, out, err);
    case EXPECT_INVALID:
        break;
    }
    return prose_load(doc, node, "text", 1000, &out->text, err);
}

static enum result document_load(struct cases *cases, struct err *err)
{
    const struct json_doc *doc = &cases->doc;
    const cJSON *list = NULL, *item = NULL;
    int64_t version = 0;
    TRY(json_parse(&cases->doc, JSON_OURS, err));
    TRY(json_object(doc, doc->root, top_members, err));
    TRY(json_int(doc, doc->root, "georder_policy_tests", 1, 1, &version, err));
    TRY(json_array(doc, doc->root, "cases", 0, CASES_MAX, &list, err));
    if (list->child == NULL)
        return err_set(err, RESULT_FAILED,
                       "%s: no cases found: a policy without tests is not a "
                       "tested one",
                       doc->name);
    TRY(repeat_check(doc, list, "name", err));
    cases->item = calloc((size_t)cJSON_GetArraySize(list), sizeof *cases->item);
    if (cases->item == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", doc->name);
    cJSON_ArrayForEach(item, list)
    {
        TRY(case_load(doc, item, &cases->item[cases->count++], err));
    }
    return RESULT_OK;
}

enum result cases_load(const char *name, const char *text, size_t len, struct cases **out,
                       struct err *err)
{
    *out = NULL;
    if (len > CASES_TEXT_MAX)
        return err_set(err, RESULT_CONFIG, "%s: has %zu bytes; at most %d are allowed", name, len,
                       CASES_TEXT_MAX);
    struct cases *cases = calloc(1, sizeof *cases);
    if (cases == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", name);
    cases->doc = (struct json_doc){.name = name, .text = text, .len = len, .result = RESULT_CONFIG};
    enum result result = document_load(cases, err);
    /* The name and the text are the caller's. */
    cases->doc.name = cases->doc.text = NULL;
    if (result == RESULT_OK)
        *out = cases;
    else
        cases_free(&cases);
    return result;
}

static void case_clear(struct test_case *item)
{
    for (size_t i = 0; i < item->approvers; i++)
        free(item->approver[i].group);
    free(item->approver);
    free(item->reason);
    free(item->rule);
}

void cases_free(struct cases **cases)
{
    struct cases *gone = *cases;
    if (gone == NULL)
        return;
    for (size_t i = 0; i < gone->count; i++)
        case_clear(&gone->item[i]);
    free(gone->item);
    json_free(&gone->doc);
    free(gone);
    *cases = NULL;
}
