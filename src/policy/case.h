/* A test case as its file has it: what cases_load.c reads and cases.c judges. */
#ifndef GEORDER_CASE_H
#define GEORDER_CASE_H

#include "rule.h"

enum expect { EXPECT_PERMIT, EXPECT_DENY, EXPECT_INVALID };

struct expected_reason {
    const char *code, *rule, *host, *attribute; /* NULL: any; code is always there */
};

struct case_approver {
    const char *principal;
    const char **group;
    size_t groups;
};
#define CASE_APPROVERS 64

/* All strings are the tree's; the arrays are owned by struct cases. */
struct test_case {
    const char *name, *text; /* text: what the error of an invalid order must have in it */
    const cJSON *order;
    enum expect expect;
    const char *evidence; /* "existing", "issued": what a permit demands; NULL: any */
    int64_t now;          /* Unix ms; AT_EFFECTIVE: when the policy takes effect */
    int64_t orders;
    const char **rule; /* of a permit */
    struct expected_reason *reason;
    struct case_approver *approver;
    size_t rules, reasons, approvers;
};
#define AT_EFFECTIVE (-1)

struct cases {
    struct json_doc doc;
    size_t count;
    struct test_case *item;
};

#endif
