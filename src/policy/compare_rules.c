/* The rules as they are written: which are new, gone or changed, and in which members. */
#include <stdlib.h>

#include "compare_run.h"

struct written {
    const char *id;
    const cJSON *node;
};

static int written_compare(const void *left, const void *right)
{
    const struct written *a = left, *b = right;
    return strcmp(a->id, b->id);
}

static struct written *written_make(const struct policy *policy)
{
    struct written *out = calloc(policy->rules, sizeof *out);
    const cJSON *node = NULL;
    size_t count = 0;
    if (out == NULL)
        return NULL;
    cJSON_ArrayForEach(node, cJSON_GetObjectItemCaseSensitive(policy->doc.root, "rules"))
    {
        out[count] = (struct written){policy->rule[count].id, node};
        count++;
    }
    qsort(out, count, sizeof *out, written_compare);
    return out;
}

static void value_say(const cJSON *node, char *out, size_t size)
{
    AUTO_BUF text = BUF_INIT(POLICY_MAX);
    out[0] = '\0';
    if (node == NULL)
        return;
    json_put(&text, node);
    line_put(out, size, buf_text(&text));
}

static bool change_put(struct comparison *out, const char *id, const char *member, const cJSON *was,
                       const cJSON *is)
{
    struct policy_change *change = array_grown(out->change, out->changes, sizeof *change);
    if (change == NULL)
        return false;
    out->change = change;
    change += out->changes++;
    *change = (struct policy_change){.direction = EQUIVALENT};
    line_add(change->member, sizeof change->member, "rules.%s%s%s", id,
             member[0] == '\0' ? "" : ".", member);
    value_say(was, change->was, sizeof change->was);
    value_say(is, change->is, sizeof change->is);
    return true;
}

static bool members_compare(struct comparison *out, const struct written *was,
                            const struct written *is)
{
    const cJSON *member = NULL;
    cJSON_ArrayForEach(member, was->node)
    {
        const cJSON *now = cJSON_GetObjectItemCaseSensitive(is->node, member->string);
        if (!cJSON_Compare(member, now, true) &&
            !change_put(out, was->id, member->string, member, now))
            return false;
    }
    cJSON_ArrayForEach(member, is->node)
    {
        if (cJSON_GetObjectItemCaseSensitive(was->node, member->string) == NULL &&
            !change_put(out, was->id, member->string, NULL, member))
            return false;
    }
    return true;
}

static bool rules_compare(struct comparison *out, const struct written *was, size_t were,
                          const struct written *is, size_t are)
{
    bool good = true;
    for (size_t w = 0, i = 0; good && (w < were || i < are);) {
        int order = w == were ? 1 : i == are ? -1 : strcmp(was[w].id, is[i].id);
        if (order == 0)
            good = members_compare(out, &was[w], &is[i]);
        else
            good = change_put(out, order < 0 ? was[w].id : is[i].id, "",
                              order < 0 ? was[w].node : NULL, order < 0 ? NULL : is[i].node);
        w += order <= 0;
        i += order >= 0;
    }
    return good;
}

enum result changes_of_rules(const struct policy *old, const struct policy *new,
                             struct comparison *out, struct err *err)
{
    struct written *was = written_make(old), *is = written_make(new);
    bool good = was != NULL && is != NULL && rules_compare(out, was, old->rules, is, new->rules);
    free(was);
    free(is);
    return good ? RESULT_OK : err_set(err, RESULT_INTERNAL, "the changes: out of memory");
}
