/* Policies drawn at random, and written as files. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper_draw.h"
#include "helper_model.h"

static const char *const base_text[7] = {"example.com",     "a.example.com",   "b.example.com",
                                         "a.a.example.com", "b.a.example.com", "a.b.example.com",
                                         "b.b.example.com"};
static const unsigned in_zone_1[3] = {1, 3, 4};

static void draw_forms(struct model_rule *rule)
{
    rule->forms = 0;
    if (rule->any_host)
        return;
    for (unsigned i = 1 + draw(3); rule->forms < i; rule->forms++) {
        unsigned base = rule->any_zone || rule->zone[0] ? draw(7) : in_zone_1[draw(3)];
        /* Orders need the apex. */
        if (rule->forms == 0 && rule->permit && draw(2) == 0)
            rule->form[0] = (struct form){rule->zone[0] ? 0 : 1, 0};
        else
            rule->form[rule->forms] = (struct form){base, draw(3)};
    }
}

static void draw_limits(struct model_rule *rule)
{
    rule->most = rule->permit ? 1 + draw(3) : draw(4) == 0 ? 1 + draw(3) : 0;
    rule->orders = rule->permit && draw(5) == 0 ? 1 + draw(MODEL_ORDERS) : 0;
    rule->existing = rule->permit && draw(4) == 0;
    rule->windows = rule->permit && draw(6) == 0;
    for (unsigned day = 0; day < 7; day++)
        for (unsigned part = 0; part < 3; part++)
            rule->window[day][part] = rule->windows && draw(2) == 0;
    rule->window[draw(7)][draw(3)] |= rule->windows;
    rule->freeze_from = rule->freeze_to = 9 + draw(20);
    rule->freeze_to += draw(6) == 0 ? 1 + draw(30) : 0;
    rule->approvals = rule->permit && draw(5) == 0 ? 1 + draw(2) : 0;
    unsigned groups = 1 + draw(3);
    for (unsigned g = 0; g < 2; g++)
        rule->group[g] = rule->approvals > 0 && (groups & (1u << g)) != 0;
}

static void draw_attributes(struct model_rule *rule)
{
    for (unsigned a = 0; a < 5; a++) {
        rule->any[a] = !rule->permit && draw(3) != 0;
        for (unsigned v = 0; v < draw_values[a]; v++)
            rule->has[a][v] = draw(4) != 0;
        rule->has[a][draw(draw_values[a])] = true;
    }
}

static bool says_nothing(const struct model_rule *rule)
{
    return rule->any_zone && rule->any_host && rule->most == 0 && rule->any[0] && rule->any[1] &&
           rule->any[2] && rule->any[3] && rule->any[4] && rule->freeze_from == rule->freeze_to;
}

static void draw_rule(const struct model *model, struct model_rule *rule)
{
    do {
        *rule = (struct model_rule){.permit = draw(4) != 0};
        unsigned zone = model->zone[1] ? draw(2) : 0;
        rule->any_zone = !rule->permit && draw(2) == 0;
        rule->zone[zone] = true;
        rule->zone[1 - zone] = model->zone[1] && draw(3) == 0;
        rule->any_host = !rule->permit && draw(3) == 0;
        draw_forms(rule);
        draw_attributes(rule);
        draw_limits(rule);
    } while (says_nothing(rule));
}

static void draw_model(struct model *model)
{
    *model = (struct model){.rules = 1 + draw(MODEL_RULES - 2), .zone = {true, draw(3) != 0}};
    for (unsigned i = 0; i < model->rules; i++)
        draw_rule(model, &model->rule[i]);
    model->rule[0].permit = true;
    draw_rule(model, &model->rule[0]);
}

/* Two rules that say together what one said. */
static void split_rule(struct model *model)
{
    unsigned index = draw(model->rules), attribute = draw(5), kept = draw(draw_values[attribute]);
    if (model->rules == MODEL_RULES)
        return;
    struct model_rule *rule = &model->rule[index], *other = &model->rule[model->rules];
    if (rule->any[attribute] || !rule->has[attribute][kept])
        return;
    *other = *rule;
    memset(other->has[attribute], 0, sizeof other->has[attribute]);
    other->has[attribute][kept] = true;
    model->rules++;
    rule->has[attribute][kept] = draw(2) == 0;
    for (unsigned v = 0; v < draw_values[attribute]; v++)
        if (rule->has[attribute][v])
            return;
    rule->has[attribute][kept] = true;
}

static void change_rule(struct model *model, struct model_rule *rule)
{
    struct model_rule drawn;
    unsigned a = draw(5), v = draw(draw_values[a]);
    draw_rule(model, &drawn);
    switch (draw(7)) {
    case 0:
        rule->has[a][v] = true;
        break;
    case 1:
        memcpy(rule->has[a], drawn.has[a], sizeof rule->has[a]);
        break;
    case 2:
        draw_forms(rule);
        break;
    case 3:
        rule->most = rule->permit ? 1 + draw(3) : rule->most;
        break;
    case 4:
    case 5:
        draw_limits(rule);
        break;
    default:
        *rule = drawn;
        break;
    }
    if (says_nothing(rule))
        *rule = drawn;
}

static void change_model(struct model *model)
{
    for (unsigned i = draw(3); i > 0; i--)
        split_rule(model);
    for (unsigned i = draw(3); i > 0; i--)
        change_rule(model, &model->rule[draw(model->rules)]);
    if (draw(8) == 0 && model->rules > 1)
        model->rules--;
    if (draw(16) == 0)
        model->id[draw(2)] ^= 1;
}

static void list_write(struct buf *out, const struct model_rule *rule)
{
    for (unsigned a = 0; a < 5; a++) {
        const char *between = "";
        if (rule->any[a])
            continue;
        buf_printf(out, ", \"%s\": [", draw_member[a]);
        for (unsigned v = 0; v < draw_values[a]; v++)
            if (rule->has[a][v]) {
                buf_printf(out, "%s%s", between, draw_value[a][v]);
                between = ", ";
            }
        buf_puts(out, "]");
    }
}

static bool form_repeats(const struct model_rule *rule, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (rule->form[i].stars == rule->form[index].stars &&
            rule->form[i].base == rule->form[index].base)
            return true;
    return false;
}

static void windows_write(struct buf *out, const struct model_rule *rule)
{
    static const char *const day_name[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    static const char *const clock[] = {"00:00", "08:00", "17:00", "24:00"};
    const char *between = ", \"change_windows\": [";
    for (unsigned part = 0; part < 3; part++) {
        const char *before = "";
        for (unsigned day = 0; day < 7; day++) {
            if (!rule->window[day][part])
                continue;
            if (before[0] == '\0')
                buf_printf(out, "%s{\"weekdays\": [", between);
            buf_printf(out, "%s\"%s\"", before, day_name[day]);
            before = ", ";
            between = ", ";
        }
        if (before[0] != '\0')
            buf_printf(out, "], \"from\": \"%s\", \"to\": \"%s\", \"time_zone\": \"UTC\"}",
                       clock[part], clock[part + 1]);
    }
    buf_puts(out, "]");
}

void instant_write(unsigned instant, char *out, size_t size)
{
    static const char *const clock[] = {"00", "08", "17"};
    (void)snprintf(out, size, "2026-11-%02uT%s:00:00Z", 1 + instant / 3, clock[instant % 3]);
}

static void limits_write(struct buf *out, const struct model_rule *rule)
{
    char from[40], to[40];
    if (rule->most > 0)
        buf_printf(out, ", \"max_hosts\": %u", rule->most);
    if (rule->existing)
        buf_puts(out, ", \"geo_evidence\": \"existing\"");
    if (rule->orders > 0)
        buf_printf(out, ", \"max_orders\": %u", rule->orders);
    if (rule->windows)
        windows_write(out, rule);
    instant_write(rule->freeze_from, from, sizeof from);
    instant_write(rule->freeze_to, to, sizeof to);
    if (rule->freeze_to > rule->freeze_from)
        buf_printf(out, ", \"freeze\": [{\"from\": \"%s\", \"to\": \"%s\", \"reason\": \"f\"}]",
                   from, to);
    if (rule->approvals > 0)
        buf_printf(out, ", \"approvals\": {\"count\": %u, \"from\": [%s%s%s]}", rule->approvals,
                   rule->group[0] ? "\"g0\"" : "", rule->group[0] && rule->group[1] ? ", " : "",
                   rule->group[1] ? "\"g1\"" : "");
}

static void rule_write(struct buf *out, const struct model_rule *rule, unsigned index)
{
    static const char *const stars[] = {"", "*.", "**."};
    buf_printf(out, "%s{\"id\": \"r%u\", \"effect\": \"%s\", \"reason\": \"r\"",
               index == 0 ? "" : ",\n", index, rule->permit ? "permit" : "forbid");
    if (!rule->any_zone)
        buf_printf(out, ", \"zones\": [%s%s%s]", rule->zone[0] ? "\"example.com\"" : "",
                   rule->zone[0] && rule->zone[1] ? ", " : "",
                   rule->zone[1] ? "\"a.example.com\"" : "");
    for (unsigned i = 0; i < rule->forms; i++)
        if (!form_repeats(rule, i))
            buf_printf(out, "%s\"%s%s\"", i == 0 ? ", \"hosts\": [" : ", ",
                       stars[rule->form[i].stars], base_text[rule->form[i].base]);
    buf_puts(out, rule->forms > 0 ? "]" : "");
    list_write(out, rule);
    limits_write(out, rule);
    buf_puts(out, "}");
}

struct policy *model_load(const struct model *model, struct buf *text)
{
    const char *zones = strstr(policy_text, "  \"zones\"");
    buf_put(text, policy_text, (size_t)(zones - policy_text));
    buf_printf(text, "\"zones\": {\"example.com\": \"%c23e105f4ecef8ad9ca31a8372d0c353\"",
               model->id[0] == 0 ? '0' : '1');
    if (model->zone[1])
        buf_printf(text, ", \"a.example.com\": \"%c000000000000000000000000000000a\"",
                   model->id[1] == 0 ? '0' : '1');
    buf_puts(text, "}, \"rules\": [");
    for (unsigned i = 0; i < model->rules; i++)
        rule_write(text, &model->rule[i], i);
    buf_puts(text, "], \"on_violation\": \"report\"}");
    cr_assert(buf_ok(text));
    return policy_get(buf_text(text));
}

void pair_draw(struct pair *pair)
{
    draw_model(&pair->model[0]);
    pair->model[1] = pair->model[0];
    if (draw(5) == 0)
        draw_model(&pair->model[1]);
    else
        change_model(&pair->model[1]);
    if (draw(2) == 0) {
        struct model first = pair->model[0];
        pair->model[0] = pair->model[1];
        pair->model[1] = first;
    }
    for (unsigned i = 0; i < 2; i++) {
        pair->text[i] = (struct buf)BUF_INIT(65536);
        model_fill(&pair->model[i]);
        pair->policy[i] = model_load(&pair->model[i], &pair->text[i]);
    }
}

void pair_free(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        policy_free(&pair->policy[i]);
        buf_free(&pair->text[i]);
    }
}
