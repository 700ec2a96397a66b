/* The members of a rule that limit.c judges. */
#include <string.h>

#include "load_rule.h"

#define GROUP_LEN     32
#define ORDERS_MAX    100000
#define APPROVALS_MAX 9

static enum result weekdays_load(struct reading *in, const cJSON *node, struct window *out)
{
    const cJSON *list = NULL, *item = NULL;
    TRY(json_array(in->doc, node, "weekdays", 1, 7, &list, in->err));
    cJSON_ArrayForEach(item, list)
    {
        const char *name = NULL;
        unsigned day = 0;
        TRY(json_text(in->doc, item, 16, &name, in->err));
        if (!weekday_named(name, &day))
            return json_fail(in->doc, item, in->err,
                             "is not one of mon, tue, wed, thu, fri, sat, sun");
        if ((out->weekdays & (1u << day)) != 0)
            return json_fail(in->doc, item, in->err, "%s stands here twice: keep one", name);
        out->weekdays |= (uint8_t)(1u << day);
    }
    return RESULT_OK;
}

/* "08:00"; "24:00" is the end of a day. */
static enum result minute_load(struct reading *in, const cJSON *node, const char *name,
                               uint16_t *out)
{
    const char *text = NULL;
    TRY(json_string(in->doc, node, name, 16, &text, in->err));
    unsigned digit[5] = {0};
    bool good = strlen(text) == 5 && text[2] == ':';
    for (size_t i = 0; good && i < 5; i++) {
        digit[i] = i == 2 ? 0 : (unsigned)(text[i] - '0');
        good = digit[i] <= 9;
    }
    unsigned minute = (digit[0] * 10 + digit[1]) * 60 + digit[3] * 10 + digit[4];
    if (!good || digit[3] > 5 || minute > 24 * 60)
        return json_fail(in->doc, cJSON_GetObjectItemCaseSensitive(node, name), in->err,
                         "is not a time of the day: write it as 08:00, up to 24:00");
    *out = (uint16_t)minute;
    return RESULT_OK;
}

static enum result window_load(struct reading *in, const cJSON *node, struct window *out)
{
    static const char *const members[] = {"weekdays", "from", "to", "time_zone", NULL};
    const char *zone = NULL;
    TRY(json_object(in->doc, node, members, in->err));
    TRY(weekdays_load(in, node, out));
    TRY(minute_load(in, node, "from", &out->from));
    TRY(minute_load(in, node, "to", &out->to));
    if (out->from >= out->to)
        return json_fail(in->doc, cJSON_GetObjectItemCaseSensitive(node, "to"), in->err,
                         "is not later than from: write a night as two windows");
    TRY(json_string(in->doc, node, "time_zone", 64, &zone, in->err));
    if (strcmp(zone, "UTC") != 0)
        return json_fail(in->doc, cJSON_GetObjectItemCaseSensitive(node, "time_zone"), in->err,
                         "must be \"UTC\": write the times in UTC");
    return RESULT_OK;
}

static enum result windows_load(struct reading *in)
{
    const cJSON *list = NULL, *item = NULL;
    struct policy *policy = in->policy;
    in->rule->window = policy->windows;
    if (cJSON_GetObjectItemCaseSensitive(in->node, "change_windows") == NULL)
        return RESULT_OK;
    TRY(json_array(in->doc, in->node, "change_windows", 1, LIMIT_ITEMS, &list, in->err));
    cJSON_ArrayForEach(item, list)
    {
        TRY(window_load(in, item, &policy->window[policy->windows]));
        policy->windows++;
        in->rule->windows++;
    }
    return RESULT_OK;
}

static enum result freeze_load(struct reading *in, const cJSON *node, struct freeze *out)
{
    static const char *const members[] = {"from", "to", "reason", NULL};
    TRY(json_object(in->doc, node, members, in->err));
    TRY(json_moment(in->doc, node, "from", &out->from_text, &out->from, in->err));
    TRY(json_moment(in->doc, node, "to", &out->to_text, &out->to, in->err));
    if (out->from >= out->to)
        return json_fail(in->doc, cJSON_GetObjectItemCaseSensitive(node, "to"), in->err,
                         "is not later than from, %s", out->from_text);
    return prose_load(in->doc, node, "reason", 200, &out->reason, in->err);
}

static enum result freezes_load(struct reading *in)
{
    const cJSON *list = NULL, *item = NULL;
    struct policy *policy = in->policy;
    in->rule->freeze = policy->freezes;
    if (cJSON_GetObjectItemCaseSensitive(in->node, "freeze") == NULL)
        return RESULT_OK;
    TRY(json_array(in->doc, in->node, "freeze", 1, LIMIT_ITEMS, &list, in->err));
    cJSON_ArrayForEach(item, list)
    {
        TRY(freeze_load(in, item, &policy->freeze[policy->freezes]));
        policy->freezes++;
        in->rule->freezes++;
    }
    return RESULT_OK;
}

static enum result groups_load(struct reading *in, const cJSON *node)
{
    const cJSON *list = NULL, *item = NULL;
    struct policy *policy = in->policy;
    in->rule->group = policy->groups;
    TRY(json_array(in->doc, node, "from", 1, GROUPS_MAX, &list, in->err));
    TRY(repeat_check(in->doc, list, NULL, in->err));
    cJSON_ArrayForEach(item, list)
    {
        const char **name = &policy->group[policy->groups];
        TRY(json_text(in->doc, item, GROUP_LEN, name, in->err));
        if (strspn(*name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(*name))
            return json_fail(in->doc, item, in->err,
                             "a group of approvers is 1 to %d of a-z, 0-9 and \"-\"", GROUP_LEN);
        policy->groups++;
        in->rule->groups++;
    }
    return RESULT_OK;
}

static enum result approvals_load(struct reading *in)
{
    static const char *const members[] = {"count", "from", NULL};
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(in->node, "approvals");
    int64_t count = 0;
    if (node == NULL)
        return RESULT_OK;
    TRY(json_object(in->doc, node, members, in->err));
    TRY(json_int(in->doc, node, "count", 1, APPROVALS_MAX, &count, in->err));
    in->rule->approvals = (uint8_t)count;
    return groups_load(in, node);
}

enum result rule_limits_load(struct reading *in)
{
    int64_t orders = ORDERS_ANY;
    if (cJSON_GetObjectItemCaseSensitive(in->node, "max_orders") != NULL)
        TRY(json_int(in->doc, in->node, "max_orders", 1, ORDERS_MAX, &orders, in->err));
    in->rule->orders_max = (uint32_t)orders;
    TRY(windows_load(in));
    TRY(freezes_load(in));
    return approvals_load(in);
}

void rule_limits_count(const cJSON *rule, size_t *windows, size_t *freezes, size_t *groups)
{
    const cJSON *approvals = cJSON_GetObjectItemCaseSensitive(rule, "approvals");
    *windows +=
        (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(rule, "change_windows"));
    *freezes += (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(rule, "freeze"));
    *groups += (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(approvals, "from"));
}
