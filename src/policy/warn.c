/* What is known of a CA against what an order asks: said, but for the policy to decide. */
#include <stdlib.h>
#include <string.h>

#include "rule.h"

#define WARNINGS_MAX 8
#define NO_MEMORY    SIZE_MAX
#define WARNING_SIZE sizeof(((struct decision *)NULL)->warning[0])

static char *warning_room(struct decision *out)
{
    if (out->warning == NULL)
        out->warning = calloc(WARNINGS_MAX, sizeof *out->warning);
    if (out->warning != NULL)
        return out->warning[out->warnings++];
    out->warnings = NO_MEMORY;
    return NULL;
}

bool name_punycode(const char *name)
{
    return strncmp(name, "xn--", 4) == 0 || strstr(name, ".xn--") != NULL;
}

static bool has_wildcard(const struct order *order)
{
    for (size_t i = 0; i < order->hosts; i++)
        if (order->host[i][0] == '*')
            return true;
    return false;
}

static const char *punycode_find(const struct order *order)
{
    for (size_t i = 0; i < order->hosts; i++)
        if (name_punycode(order->host[i]))
            return order->host[i];
    return NULL;
}

void days_say(const struct authorities *known, const struct authority *authority, int64_t days,
              char *out, size_t size)
{
    char list[64] = "";
    for (unsigned bit = 0; bit < 64; bit++)
        if ((authority->days & BIT(bit)) != 0)
            line_add(list, sizeof list, "%s%s", list[0] == '\0' ? "" : ", ",
                     attribute_value(known, bit));
    line_add(out, size, "%s is documented to issue %s days only, not %lld (%s, read %s)",
             authority->name, list, (long long)days, known->source, known->read);
}

void method_say(const struct authorities *known, const struct authority *authority,
                const char *method, char *out, size_t size)
{
    line_add(out, size, "%s validation is not documented for %s (%s, read %s)", method,
             authority->name, known->source, known->read);
}

void limit_say(const struct authorities *known, const struct validity_limit *limit, int64_t days,
               char *out, size_t size)
{
    line_add(out, size,
             "no public CA may issue for %lld days from %s on: the limit is %lld days (Baseline "
             "Requirements %s, section 6.3.2, %s)",
             (long long)days, limit->date, (long long)limit->days, known->version,
             known->requirements);
}

void method_end_say(const struct authorities *known, const struct method_end *end,
                    const char *method, char *out, size_t size)
{
    line_add(out, size,
             "no public CA may validate by %s from %s on (Baseline Requirements %s, section "
             "3.2.2.4, %s)",
             method, end->date, known->version, known->requirements);
}

static void authority_warn(const struct authorities *known, const struct authority *authority,
                           const struct order *order, const struct ask *ask, struct decision *out)
{
    uint64_t methods = ask->bits & BITS_METHOD;
    const char *name = authority->punycode ? NULL : punycode_find(order);
    char *text = NULL;
    if ((ask->bits & attribute_group[ATTRIBUTE_DAYS].mask & ~authority->days) != 0 &&
        (text = warning_room(out)) != NULL)
        days_say(known, authority, order->validity_days, text, WARNING_SIZE);
    if ((methods & ~authority->methods) != 0 && (text = warning_room(out)) != NULL)
        method_say(known, authority, order->validation_method, text, WARNING_SIZE);
    if ((methods & ~authority->wildcard_methods) != 0 && has_wildcard(order) &&
        (text = warning_room(out)) != NULL)
        line_add(text, WARNING_SIZE, "%s cannot validate a wildcard by %s (%s, read %s)",
                 authority->name, order->validation_method, known->source, known->read);
    if (name != NULL && (text = warning_room(out)) != NULL)
        line_add(text, WARNING_SIZE,
                 "%s is documented not to issue for punycode names such as %s (%s, read %s)",
                 authority->name, name, known->source, known->read);
}

static void baseline_warn(const struct authorities *known, const struct order *order,
                          const struct ask *ask, int64_t now, struct decision *out)
{
    const struct validity_limit *limit = authority_limit(known, now);
    char *text = NULL;
    if (limit != NULL && order->validity_days > limit->days && (text = warning_room(out)) != NULL)
        limit_say(known, limit, order->validity_days, text, WARNING_SIZE);
    if ((ask->bits & BITS_METHOD) == 0)
        return;
    unsigned method = (unsigned)__builtin_ctzll(ask->bits & BITS_METHOD) -
                      attribute_group[ATTRIBUTE_METHOD].first;
    const struct method_end *end = &known->method_end[method];
    if (end->from != INT64_MAX && (text = warning_room(out)) != NULL)
        method_end_say(known, end, order->validation_method, text, WARNING_SIZE);
}

enum result warnings_make(const struct policy *policy, const struct order *order,
                          const struct ask *ask, int64_t now, struct decision *out, struct err *err)
{
    const struct authorities *known = &policy->authorities;
    uint64_t authority = ask->bits & attribute_group[ATTRIBUTE_AUTHORITY].mask;
    unsigned bit = (unsigned)__builtin_ctzll(authority);
    if (bit < known->count)
        authority_warn(known, &known->authority[bit], order, ask, out);
    baseline_warn(known, order, ask, now, out);
    if (out->warnings == NO_MEMORY)
        return err_set(err, RESULT_INTERNAL, "the warnings of a decision: out of memory");
    return RESULT_OK;
}
