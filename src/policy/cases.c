/* Test cases judged: what policy_decide() says, held against what a case expects. */
#include <stdlib.h>
#include <string.h>

#include "case.h"

#define TEXT_MAX (512 * 1024) /* of 512 reasons */

size_t cases_count(const struct cases *cases)
{
    return cases->count;
}

const char *policy_rule_id(const struct policy *policy, size_t index)
{
    return policy->rule[index].id;
}

void case_result_free(struct case_result *result)
{
    buf_free(&result->expected);
    buf_free(&result->actual);
}

/* "forbidden (rule no-payments, host pay.example.com)" */
static void reason_put(struct buf *out, const struct expected_reason *reason)
{
    const char *const part[][2] = {
        {"rule", reason->rule}, {"host", reason->host}, {"attribute", reason->attribute}};
    const char *between = " (";
    buf_puts(out, reason->code);
    for (size_t i = 0; i < LENGTH(part); i++)
        if (part[i][1] != NULL && part[i][1][0] != '\0') {
            buf_printf(out, "%s%s %s", between, part[i][0], part[i][1]);
            between = ", ";
        }
    buf_puts(out, between[0] == ',' ? ")" : "");
}

static void expected_put(struct buf *out, const struct test_case *item)
{
    buf_puts(out, item->expect == EXPECT_PERMIT ? "permit by "
                  : item->expect == EXPECT_DENY ? "deny: "
                                                : "invalid, with the words: ");
    for (size_t i = 0; i < item->rules; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : ", ", item->rule[i]);
    if (item->evidence != NULL)
        buf_printf(out, ", geo_evidence %s", item->evidence);
    for (size_t i = 0; i < item->reasons; i++) {
        buf_puts(out, i == 0 ? "" : "; ");
        reason_put(out, &item->reason[i]);
    }
    buf_puts(out, item->text != NULL ? item->text : "");
}

static struct expected_reason reason_view(const struct reason *reason)
{
    return (struct expected_reason){reason->code, reason->rule, reason->host, reason->attribute};
}

static const char *evidence_of(const struct decision *decision)
{
    return decision->geo_evidence_existing ? "existing" : "issued";
}

static void actual_put(struct buf *out, const struct decision *decision)
{
    buf_puts(out, decision->permit ? "permit by " : "deny: ");
    for (size_t i = 0; i < decision->rules; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : ", ", decision->rule[i]);
    if (decision->geo_evidence_existing)
        buf_puts(out, ", geo_evidence existing");
    for (size_t i = 0; i < decision->reasons; i++) {
        struct expected_reason view = reason_view(&decision->reason[i]);
        buf_puts(out, i == 0 ? "" : "; ");
        reason_put(out, &view);
    }
    if (decision->omitted > 0)
        buf_printf(out, "; and %zu reasons more", decision->omitted);
}

static bool member_matches(const char *expected, const char *actual)
{
    return expected == NULL || strcmp(expected, actual) == 0;
}

static bool reason_matches(const struct expected_reason *expected, const struct reason *actual)
{
    return strcmp(expected->code, actual->code) == 0 &&
           member_matches(expected->rule, actual->rule) &&
           member_matches(expected->host, actual->host) &&
           member_matches(expected->attribute, actual->attribute);
}

/* Each actual reason is expected, and each expected one came. What was omitted is not known. */
static bool reasons_match(const struct test_case *item, const struct decision *decision)
{
    for (size_t i = 0; i < item->reasons; i++) {
        bool found = false;
        for (size_t a = 0; a < decision->reasons && !found; a++)
            found = reason_matches(&item->reason[i], &decision->reason[a]);
        if (!found)
            return false;
    }
    for (size_t a = 0; a < decision->reasons; a++) {
        bool found = false;
        for (size_t i = 0; i < item->reasons && !found; i++)
            found = reason_matches(&item->reason[i], &decision->reason[a]);
        if (!found)
            return false;
    }
    return decision->omitted == 0;
}

/* Neither list has a rule twice. */
static bool rules_match(const struct test_case *item, const struct decision *decision)
{
    for (size_t i = 0; i < item->rules; i++) {
        bool found = false;
        for (size_t a = 0; a < decision->rules && !found; a++)
            found = strcmp(item->rule[i], decision->rule[a]) == 0;
        if (!found)
            return false;
    }
    return item->rules == decision->rules && member_matches(item->evidence, evidence_of(decision));
}

static void rule_decided(const struct policy *policy, const char *id, bool *decided)
{
    for (uint32_t i = 0; i < policy->rules; i++)
        if (strcmp(policy->rule[i].id, id) == 0) {
            decided[i] = true;
            return;
        }
}

static void rules_decided(const struct policy *policy, const struct decision *decision,
                          bool *decided)
{
    for (size_t i = 0; i < decision->rules; i++)
        rule_decided(policy, decision->rule[i], decided);
    for (size_t i = 0; i < decision->reasons; i++)
        if (strcmp(decision->reason[i].code, "forbidden") == 0)
            rule_decided(policy, decision->reason[i].rule, decided);
}

/* The text of the order's fault as a reader of the cases needs it: from the pointer on, as the
 * lines and columns are those of the order printed anew. */
static const char *fault_text(const struct err *err)
{
    const char *text = err->text;
    bool placed = strncmp(text, "order:", 6) == 0;
    for (int i = 0; placed && i < 3; i++)
        text += strcspn(text, ":") + 1;
    return text + strspn(text, " ");
}

static enum result invalid_judge(const struct test_case *item, const struct err *why,
                                 struct case_result *out)
{
    const char *text = fault_text(why);
    buf_printf(&out->actual, "invalid: %s", text);
    out->passed = item->expect == EXPECT_INVALID && strstr(text, item->text) != NULL;
    return RESULT_OK;
}

static void decision_judge(const struct test_case *item, const struct policy *policy,
                           const struct decision *decision, bool *decided, struct case_result *out)
{
    actual_put(&out->actual, decision);
    out->passed = item->expect == EXPECT_PERMIT ? decision->permit && rules_match(item, decision)
                  : item->expect == EXPECT_DENY ? !decision->permit && reasons_match(item, decision)
                                                : false;
    if (out->passed)
        rules_decided(policy, decision, decided);
}

static enum result order_read(const struct test_case *item, const struct policy *policy,
                              struct order *out, struct err *err)
{
    AUTO_BUF text = BUF_INIT(CASES_TEXT_MAX);
    json_put(&text, item->order);
    TRY(buf_check(&text, "the order of a case", err));
    TRY(order_parse("order", buf_text(&text), text.len, out, err));
    return policy_resolve_zone(policy, out) ? order_check_zone(out, err) : RESULT_OK;
}

static enum result order_judge(const struct test_case *item, const struct policy *policy,
                               struct decision *decision, struct err *err)
{
    struct approver approver[CASE_APPROVERS];
    struct circumstances at = {.now = item->now == AT_EFFECTIVE ? policy->facts.effective_ms
                                                                : item->now,
                               .orders = item->orders,
                               .approvers = item->approvers,
                               .approver = approver};
    struct order order;
    for (size_t i = 0; i < item->approvers; i++)
        approver[i] = (struct approver){item->approver[i].principal, item->approver[i].group,
                                        item->approver[i].groups};
    TRY(order_read(item, policy, &order, err));
    return policy_decide(policy, &order, &at, decision, err);
}

enum result case_judge(const struct cases *cases, size_t index, const struct policy *policy,
                       bool *decided, struct case_result *out, struct err *err)
{
    const struct test_case *item = &cases->item[index];
    struct decision decision = {0};
    struct err why = {0};
    *out = (struct case_result){
        .name = item->name, .expected = BUF_INIT(TEXT_MAX), .actual = BUF_INIT(TEXT_MAX)};
    expected_put(&out->expected, item);
    enum result result = order_judge(item, policy, &decision, &why);
    if (result == RESULT_OK)
        decision_judge(item, policy, &decision, decided, out);
    else if (result == RESULT_USAGE)
        result = invalid_judge(item, &why, out);
    else
        (void)err_set(err, result, "%s", why.text);
    decision_free(&decision);
    return result == RESULT_OK && (!buf_ok(&out->expected) || !buf_ok(&out->actual))
               ? err_set(err, RESULT_INTERNAL, "what a case says: out of memory")
               : result;
}
