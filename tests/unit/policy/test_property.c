/*
 * decide() against a second evaluator that shares no code with it: names are lists of labels, what
 * a host stands for and what a pattern holds are sets over a small universe of names, and a
 * decision is read off those sets. Fixed seed.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "helper_draw.h"
#include "helper_policy.h"

#define POLICIES   1500
#define ORDERS     12
#define DEPTH      4 /* labels above the apex */
#define NAMES_MAX  256
#define RULES_MOST 7

/* Labels from the apex outwards: 1..3 are a, b, c, and 4, only as the last, is "*". */
struct name {
    unsigned depth, label[DEPTH];
};
static const char *const labels[] = {"", "a", "b", "c", "*"};
static struct name universe[NAMES_MAX];
static unsigned names;

static void universe_grow(struct name name)
{
    universe[names++] = name;
    if (name.depth == DEPTH)
        return;
    for (unsigned label = 1; label <= 4; label++) {
        struct name child = name;
        child.label[child.depth++] = label;
        if (label < 4)
            universe_grow(child);
        else
            universe[names++] = child;
    }
}

static bool name_equal(const struct name *a, const struct name *b)
{
    return a->depth == b->depth && memcmp(a->label, b->label, a->depth * sizeof a->label[0]) == 0;
}

static bool starts_with(const struct name *name, const struct name *base)
{
    return name->depth > base->depth &&
           memcmp(name->label, base->label, base->depth * sizeof base->label[0]) == 0;
}

static void name_write(const struct name *name, unsigned stars, char *out, size_t size)
{
    int at = snprintf(out, size, "%s", stars == 2 ? "**." : stars == 1 ? "*." : "");
    for (unsigned i = name->depth; i-- > 0;)
        at += snprintf(out + at, size - (size_t)at, "%s.", labels[name->label[i]]);
    (void)snprintf(out + at, size - (size_t)at, "example.com");
}

/* The names that a host stands for: itself, and by a star what is one label below its base. */
static bool host_holds(const struct name *host, const struct name *name)
{
    struct name base = *host;
    if (name_equal(host, name))
        return true;
    if (host->depth == 0 || host->label[host->depth - 1] != 4)
        return false;
    base.depth--;
    return name->depth == host->depth && starts_with(name, &base);
}

struct form {
    struct name base;
    unsigned stars;
};
static bool form_holds(const struct form *form, const struct name *name)
{
    if (form->stars == 0)
        return name_equal(&form->base, name);
    return starts_with(name, &form->base) &&
           (form->stars == 2 || name->depth == form->base.depth + 1);
}

/* Over the whole universe, one name after the other. */
static bool host_in_form(const struct name *host, const struct form *form, bool all)
{
    bool any = false;
    for (unsigned i = 0; i < names; i++) {
        if (!host_holds(host, &universe[i]))
            continue;
        bool held = form_holds(form, &universe[i]);
        if (all && !held)
            return false;
        any = any || held;
    }
    return any;
}

/* Attributes as plain sets: index by attribute, then by value. */

struct model_rule {
    bool permit, existing, zone[2], any_zone, any[5], has[5][4], any_host;
    unsigned most, forms; /* most: 0 is none */
    struct form form[4];
};
struct model_order {
    unsigned zone, hosts, at[5];
    struct name host[4];
};
struct model {
    unsigned rules;
    struct model_rule rule[RULES_MOST];
};

static struct name draw_name(unsigned zone, unsigned most)
{
    struct name name = {.depth = zone}; /* zone 1 is a.example.com */
    name.label[0] = zone;
    unsigned more = draw(most + 1);
    while (name.depth < zone + more && name.depth < 3)
        name.label[name.depth++] = 1 + draw(3);
    return name;
}

static struct model_rule draw_rule(void)
{
    struct model_rule rule = {.permit = draw(3) != 0, .existing = draw(3) == 0};
    unsigned zone = draw(2);
    rule.any_zone = !rule.permit && draw(2) == 0;
    rule.zone[zone] = true;
    rule.zone[1 - zone] = draw(3) == 0;
    rule.any_host = !rule.permit && draw(3) == 0;
    rule.most = rule.permit ? 1 + draw(4) : draw(4) == 0 ? 1 + draw(3) : 0;
    for (unsigned i = 1 + draw(3); !rule.any_host && rule.forms < i; rule.forms++)
        rule.form[rule.forms] = (struct form){draw_name(rule.zone[0] ? 0 : 1, 2), draw(3)};
    for (unsigned a = 0; a < 5; a++) {
        rule.any[a] = !rule.permit && draw(3) != 0;
        for (unsigned v = 0; v < draw_values[a]; v++)
            rule.has[a][v] = draw(4) != 0;
        rule.has[a][draw(draw_values[a])] = true;
    }
    return rule;
}

static void list_write(struct buf *out, const struct model_rule *rule)
{
    for (unsigned a = 0; a < 5; a++) {
        bool first = true;
        if (rule->any[a])
            continue;
        buf_printf(out, ", \"%s\": [", draw_member[a]);
        for (unsigned v = 0; v < draw_values[a]; v++)
            if (rule->has[a][v]) {
                buf_printf(out, "%s%s", first ? "" : ", ", draw_value[a][v]);
                first = false;
            }
        buf_puts(out, "]");
    }
}

static bool form_repeats(const struct model_rule *rule, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (rule->form[i].stars == rule->form[index].stars &&
            name_equal(&rule->form[i].base, &rule->form[index].base))
            return true;
    return false;
}

static void rule_write(struct buf *out, const struct model_rule *rule, unsigned index)
{
    char name[128];
    buf_printf(out, "%s{\"id\": \"r%u\", \"effect\": \"%s\", \"reason\": \"r\"",
               index == 0 ? "" : ",\n", index, rule->permit ? "permit" : "forbid");
    if (!rule->any_zone)
        buf_printf(out, ", \"zones\": [%s%s%s]", rule->zone[0] ? "\"example.com\"" : "",
                   rule->zone[0] && rule->zone[1] ? ", " : "",
                   rule->zone[1] ? "\"a.example.com\"" : "");
    for (unsigned i = 0; i < rule->forms; i++) {
        name_write(&rule->form[i].base, rule->form[i].stars, name, sizeof name);
        if (!form_repeats(rule, i))
            buf_printf(out, "%s\"%s\"", i == 0 ? ", \"hosts\": [" : ", ", name);
    }
    buf_puts(out, rule->forms > 0 ? "]" : "");
    list_write(out, rule);
    if (rule->most > 0)
        buf_printf(out, ", \"max_hosts\": %u", rule->most);
    if (rule->permit)
        buf_printf(out, ", \"geo_evidence\": \"%s\"", rule->existing ? "existing" : "issued");
    buf_puts(out, "}");
}

/* A forbid rule that names nothing would be refused. */
static bool says_nothing(const struct model_rule *rule)
{
    return rule->any_zone && rule->any_host && rule->most == 0 && rule->any[0] && rule->any[1] &&
           rule->any[2] && rule->any[3] && rule->any[4];
}

static struct policy *draw_policy(struct model *model)
{
    AUTO_BUF rules = BUF_INIT(65536);
    AUTO_BUF text = BUF_INIT(65536);
    const char *zones = strstr(policy_text, "  \"zones\"");
    model->rules = 2 + draw(RULES_MOST - 1);
    for (unsigned i = 0; i < model->rules; i++) {
        do
            model->rule[i] = draw_rule();
        while (says_nothing(&model->rule[i]));
        rule_write(&rules, &model->rule[i], i);
    }
    buf_put(&text, policy_text, (size_t)(zones - policy_text));
    buf_printf(&text,
               "\"zones\": {\"example.com\": \"023e105f4ecef8ad9ca31a8372d0c353\", "
               "\"a.example.com\": \"0000000000000000000000000000000a\"}, \"rules\": [%s], "
               "\"on_violation\": \"report\"}",
               buf_text(&rules));
    return policy_get(buf_text(&text));
}

static bool order_holds(const struct model_order *order, const struct name *name)
{
    for (unsigned i = 0; i < order->hosts; i++)
        if (name_equal(&order->host[i], name))
            return true;
    return false;
}

static struct model_order draw_order(void)
{
    struct model_order order = {.zone = draw(2), .hosts = 1};
    bool wildcard = false;
    order.host[0] = (struct name){.depth = order.zone, .label = {order.zone}};
    for (unsigned more = draw(3); more > 0; more--) {
        struct name name = draw_name(order.zone, 2);
        if (draw(2) == 0)
            name.label[name.depth++] = 4;
        if (!order_holds(&order, &name)) {
            wildcard = wildcard || name.label[name.depth - 1] == 4;
            order.host[order.hosts++] = name;
        }
    }
    for (unsigned a = 0; a < 5; a++)
        order.at[a] = draw(draw_values[a]);
    if (wildcard)
        order.at[2] = 0; /* nothing but txt passes the check of an order */
    return order;
}

static void unquote(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%.*s", (int)strlen(text) - 2, text + 1);
}

static void order_fill(const struct model_order *from, struct order *out)
{
    static const int days[] = {14, 30, 90, 365};
    *out = (struct order){.hosts = from->hosts,
                          .validity_days = days[from->at[1]],
                          .cloudflare_branding = from->at[3] == 1};
    (void)snprintf(out->zone, sizeof out->zone, "%s",
                   from->zone == 0 ? "example.com" : "a.example.com");
    for (unsigned i = 0; i < from->hosts; i++)
        name_write(&from->host[i], 0, out->host[i], sizeof out->host[i]);
    unquote(out->certificate_authority, sizeof out->certificate_authority,
            draw_value[0][from->at[0]]);
    unquote(out->validation_method, sizeof out->validation_method, draw_value[2][from->at[2]]);
    unquote(out->geo_label, sizeof out->geo_label, draw_value[4][from->at[4]]);
}

/* Whether the rule speaks of this order at all, its hosts aside. */
static bool rule_applies(const struct model_rule *rule, const struct model_order *order)
{
    if (!rule->any_zone && !rule->zone[order->zone])
        return false;
    for (unsigned a = 0; a < 5; a++)
        if (!rule->any[a] && !rule->has[a][order->at[a]])
            return false;
    if (rule->permit)
        return order->hosts <= rule->most;
    return rule->most == 0 || order->hosts > rule->most;
}

static bool rule_has_host(const struct model_rule *rule, const struct name *host)
{
    for (unsigned i = 0; i < rule->forms; i++)
        if (host_in_form(host, &rule->form[i], rule->permit))
            return true;
    return rule->any_host;
}

struct judged {
    bool permit, existing;
    unsigned forbidden; /* pairs of host and rule; a rule without hosts counts once */
};

static void host_judge_model(const struct model *model, const struct model_order *order,
                             const struct name *host, struct judged *out)
{
    bool permitted = false, without = false;
    for (unsigned i = 0; i < model->rules; i++) {
        const struct model_rule *rule = &model->rule[i];
        if (!rule_applies(rule, order) || !rule_has_host(rule, host))
            continue;
        permitted = permitted || rule->permit;
        without = without || (rule->permit && !rule->existing);
        out->forbidden += !rule->permit && !rule->any_host;
    }
    out->permit = out->permit && permitted;
    out->existing = out->existing || !without;
}

static struct judged judge(const struct model *model, const struct model_order *order)
{
    struct judged out = {.permit = true};
    for (unsigned h = 0; h < order->hosts; h++)
        host_judge_model(model, order, &order->host[h], &out);
    for (unsigned i = 0; i < model->rules; i++)
        out.forbidden += !model->rule[i].permit && model->rule[i].any_host &&
                         rule_applies(&model->rule[i], order);
    out.permit = out.permit && out.forbidden == 0;
    out.existing = out.permit && out.existing && order->at[4] != 3;
    return out;
}

static unsigned forbidden_count(const struct decision *decision)
{
    unsigned count = 0;
    for (size_t i = 0; i < decision->reasons; i++)
        count += strcmp(decision->reason[i].code, "forbidden") == 0;
    return count;
}

static int reason_compare(const struct reason *a, const struct reason *b)
{
    int order = strcmp(a->code, b->code);
    order = order != 0 ? order : strcmp(a->host, b->host);
    order = order != 0 ? order : strcmp(a->rule, b->rule);
    return order != 0 ? order : strcmp(a->attribute, b->attribute);
}

static void reasons_check(const struct decision *decision)
{
    cr_assert_eq(decision->reasons == 0, decision->permit);
    for (size_t i = 1; i < decision->reasons; i++)
        cr_assert(reason_compare(&decision->reason[i - 1], &decision->reason[i]) < 0,
                  "not sorted, or twice: %s", decision->reason[i].text);
}

Test(property, decides_as_the_sets_do)
{
    unsigned permits = 0, denials = 0, forbidden = 0, evidence = 0;
    universe_grow((struct name){.depth = 0});
    for (unsigned p = 0; p < POLICIES; p++) {
        struct model model = {0};
        AUTO_POLICY *policy = draw_policy(&model);
        for (unsigned o = 0; o < ORDERS; o++) {
            AUTO_DECISION decision = {0};
            struct order order;
            struct model_order drawn = draw_order();
            struct judged expected = judge(&model, &drawn);
            order_fill(&drawn, &order);
            decide_must(policy, &order, NOW, &decision);
            cr_assert_eq(decision.permit, expected.permit, "policy %u, order %u", p, o);
            cr_assert_eq(decision.geo_evidence_existing, expected.existing, "policy %u, order %u",
                         p, o);
            cr_assert_eq(forbidden_count(&decision), expected.forbidden, "policy %u, order %u", p,
                         o);
            reasons_check(&decision);
            permits += expected.permit;
            denials += !expected.permit;
            forbidden += expected.forbidden > 0;
            evidence += expected.existing;
        }
    }
    /* The random pairs must not all be of one kind. */
    cr_assert(permits > 500 && denials > 500 && forbidden > 500 && evidence > 50,
              "%u permits, %u denials, %u forbidden, %u with evidence", permits, denials, forbidden,
              evidence);
}
