/* What else than the disk of the log must know a checkpoint before an order is sent. */
#include <string.h>

#include "rule.h"

static const char *const members[] = {"require", NULL};
static const char *const names[] = {"hsm-head", "witness", "timestamp"};

const char *policy_anchor_name(unsigned anchor)
{
    for (unsigned i = 0; i < LENGTH(names); i++)
        if (anchor == BIT(i))
            return names[i];
    return NULL;
}

static enum result anchor_load(const struct json_doc *doc, const cJSON *node, unsigned *anchors,
                               struct err *err)
{
    const char *name = NULL;
    TRY(json_text(doc, node, 64, &name, err));
    for (unsigned i = 0; i < LENGTH(names); i++)
        if (strcmp(name, names[i]) == 0) {
            *anchors |= 1U << i;
            return RESULT_OK;
        }
    return json_fail(doc, node, err, "must be \"hsm-head\", \"witness\" or \"timestamp\"");
}

enum result anchors_load(struct policy *policy, struct err *err)
{
    const struct json_doc *doc = &policy->doc;
    const cJSON *audit = cJSON_GetObjectItemCaseSensitive(doc->root, "audit"), *list, *item;
    if (audit == NULL)
        return RESULT_OK;
    TRY(json_object(doc, audit, members, err));
    TRY(json_array(doc, audit, "require", 1, LENGTH(names), &list, err));
    cJSON_ArrayForEach(item, list)
    {
        TRY(anchor_load(doc, item, &policy->facts.anchors, err));
    }
    return repeat_check(doc, list, NULL, err);
}
