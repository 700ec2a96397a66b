#include "helper_handed.h"

#include <stdio.h>

void test_handed_make(struct test_log *log, struct test_heir *heir)
{
    test_log_make(log);
    test_append(log, "order.denied", "");
    test_heir_make(heir, "P-256", "ES256");
    cr_assert_eq(test_rotate(log, heir), RESULT_OK, "%s", log->err.text);
    test_append(log, "order.denied", "");
    test_append(log, "order.denied", "");
}

void test_handed_free(struct test_log *log, struct test_heir *heir)
{
    test_log_free(log);
    test_heir_free(heir);
}

enum audit_verdict test_receipt_verdict(const struct buf *receipt, const char *kid, char out[512])
{
    struct audit_receipt checked = AUDIT_RECEIPT_INIT;
    enum audit_verdict verdict;
    struct err err = {0};

    cr_assert_eq(audit_receipt_check(receipt->data, receipt->len, TEST_ORIGIN, kid, &checked, &err),
                 RESULT_OK, "%s", err.text);
    verdict = checked.verdict;
    (void)snprintf(out, 512, "%s", checked.text);
    audit_receipt_free(&checked);
    return verdict;
}

enum result test_count(void *context, const void *bytes, size_t len, struct err *err)
{
    (void)bytes;
    (void)err;
    *(size_t *)context += len;
    return RESULT_OK;
}
