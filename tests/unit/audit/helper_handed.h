/* A log that was handed on from its first key to another. */
#ifndef HELPER_HANDED_H
#define HELPER_HANDED_H

#include "helper_log.h"

/* log.created and one by the first key, its rotation, and two by the heir's. */
void test_handed_make(struct test_log *log, struct test_heir *heir);
void test_handed_free(struct test_log *log, struct test_heir *heir);
/* Of a receipt, by who trusts this key; the text goes to out. */
enum audit_verdict test_receipt_verdict(const struct buf *receipt, const char *kid, char out[512]);
/* Takes what is exported, and adds up its bytes: context is a size_t. */
enum result test_count(void *context, const void *bytes, size_t len, struct err *err);

#endif
