/* What else differs: how the API is reached and known, and what people should see of the text. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "compare_run.h"

struct telling {
    const struct policy *old, *new;
    struct comparison *out;
    bool failed;
};

static void PRINTF(5, 6) tell(struct telling *in, enum verdict direction, const char *was,
                              const char *is, const char *fmt, ...)
{
    struct comparison *out = in->out;
    struct policy_change *change = array_grown(out->change, out->changes, sizeof *change);
    in->failed |= change == NULL;
    if (change == NULL)
        return;
    out->change = change;
    change += out->changes++;
    *change = (struct policy_change){.direction = direction};
    line_put(change->was, sizeof change->was, was);
    line_put(change->is, sizeof change->is, is);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(change->member, sizeof change->member, fmt, args);
    va_end(args);
}

static void tell_text(struct telling *in, enum verdict direction, const char *member,
                      const char *was, const char *is)
{
    if (strcmp(was, is) != 0)
        tell(in, direction, was, is, "%s", member);
}

static void tell_head(struct telling *in)
{
    const struct policy_facts *was = &in->old->facts, *is = &in->new->facts;
    char revision[2][16];
    (void)snprintf(revision[0], sizeof revision[0], "%lld", (long long)was->revision);
    (void)snprintf(revision[1], sizeof revision[1], "%lld", (long long)is->revision);
    tell_text(in, EQUIVALENT, "name", was->name, is->name);
    tell_text(in, EQUIVALENT, "revision", revision[0], revision[1]);
    tell_text(in, EQUIVALENT, "effective", was->effective, is->effective);
    tell_text(in, EQUIVALENT, "expires", was->expires, is->expires);
    tell_text(in, EQUIVALENT, "owner", was->owner, is->owner);
}

static const char *yes(bool value, const char *then, const char *otherwise)
{
    return value ? then : otherwise;
}

/* A pack that violates stays when it is only reported; secrets may reach the swap. */
static void tell_safety(struct telling *in)
{
    const struct policy_facts *was = &in->old->facts, *is = &in->new->facts;
    tell_text(in, is->minimum_tls < was->minimum_tls ? WIDER : NARROWER, "api.minimum_tls",
              yes(was->minimum_tls == 0x0304, "1.3", "1.2"),
              yes(is->minimum_tls == 0x0304, "1.3", "1.2"));
    tell_text(in, is->delete_on_violation ? NARROWER : WIDER, "on_violation",
              yes(was->delete_on_violation, "delete", "report"),
              yes(is->delete_on_violation, "delete", "report"));
    tell_text(in, is->locked_memory ? NARROWER : WIDER, "locked_memory",
              yes(was->locked_memory, "required", "preferred"),
              yes(is->locked_memory, "required", "preferred"));
}

static void tell_anchors(struct telling *in)
{
    unsigned was = in->old->facts.anchors, is = in->new->facts.anchors;
    for (unsigned anchor = 1; anchor < REQUIRE_END; anchor <<= 1) {
        const char *name = policy_anchor_name(anchor);
        tell_text(in, (is & anchor) != 0 ? NARROWER : WIDER, "audit.require",
                  yes((was & anchor) != 0, name, ""), yes((is & anchor) != 0, name, ""));
    }
}

static void tell_url(struct telling *in)
{
    const struct policy_facts *was = &in->old->facts, *is = &in->new->facts;
    bool same = strcmp(was->host, is->host) == 0 && was->port == is->port &&
                strcmp(was->path, is->path) == 0;
    tell_text(in, same ? EQUIVALENT : INCOMPARABLE, "api.base_url", was->base_url, is->base_url);
}

static size_t pin_find(const struct policy *policy, const uint8_t pin[SHA256_LEN])
{
    size_t at = 0;
    while (at < policy->facts.pins && memcmp(policy->pin[at], pin, SHA256_LEN) != 0)
        at++;
    return at;
}

static void pin_say(const struct policy *policy, size_t index, char *out, size_t size)
{
    AUTO_BUF digest = BUF_INIT(64);
    base64_put(&digest, policy->pin[index], SHA256_LEN);
    out[0] = '\0';
    line_add(out, size, "%s (%s)", buf_text(&digest), policy->subject[index]);
}

static void tell_pins(struct telling *in)
{
    char was[512], is[512];
    for (size_t i = 0; i < in->new->facts.pins; i++) {
        size_t same = pin_find(in->old, in->new->pin[i]);
        was[0] = '\0';
        if (same < in->old->facts.pins)
            pin_say(in->old, same, was, sizeof was);
        pin_say(in->new, i, is, sizeof is);
        tell_text(in, was[0] == '\0' ? WIDER : EQUIVALENT, "api.spki_pins", was, is);
    }
    for (size_t i = 0; i < in->old->facts.pins; i++) {
        pin_say(in->old, i, was, sizeof was);
        if (pin_find(in->new, in->old->pin[i]) == in->new->facts.pins)
            tell(in, NARROWER, was, "", "%s", "api.spki_pins");
    }
}

static bool networks_written_alike(const struct policy *a, const struct policy *b)
{
    if (a->facts.networks != b->facts.networks)
        return false;
    for (size_t i = 0; i < a->facts.networks; i++)
        if (strcmp(a->network[i], b->network[i]) != 0)
            return false;
    return true;
}

static enum result tell_networks(struct telling *in, struct err *err)
{
    char was[64] = "", is[64] = "";
    bool lost = false, gained = false;
    TRY(network_gained(in->old, in->new, &lost, was, sizeof was, err));
    TRY(network_gained(in->new, in->old, &gained, is, sizeof is, err));
    if (gained)
        tell(in, WIDER, "", is, "%s", "api.networks");
    if (lost)
        tell(in, NARROWER, was, "", "%s", "api.networks");
    if (!gained && !lost && !networks_written_alike(in->old, in->new))
        tell(in, EQUIVALENT, "the same addresses", "the same addresses", "%s", "api.networks");
    return RESULT_OK;
}

static void tell_zones(struct telling *in)
{
    for (uint32_t z = 0; z < in->new->zones; z++) {
        const char *was = policy_zone_id(in->old, in->new->zone[z].name);
        if (was == NULL || strcmp(was, in->new->zone[z].id) != 0)
            tell(in, EQUIVALENT, was == NULL ? "" : was, in->new->zone[z].id, "zones.%s",
                 in->new->zone[z].name);
    }
    for (uint32_t z = 0; z < in->old->zones; z++)
        if (policy_zone_id(in->new, in->old->zone[z].name) == NULL)
            tell(in, EQUIVALENT, in->old->zone[z].id, "", "zones.%s", in->old->zone[z].name);
}

static enum result changes_run(struct telling *in, struct err *err)
{
    tell_head(in);
    tell_url(in);
    tell_pins(in);
    TRY(tell_networks(in, err));
    tell_safety(in);
    tell_anchors(in);
    tell_zones(in);
    TRY(changes_of_rules(in->old, in->new, in->out, err));
    return in->failed ? err_set(err, RESULT_INTERNAL, "the changes: out of memory") : RESULT_OK;
}

enum result changes_collect(const struct policy *old, const struct policy *new,
                            struct comparison *out, struct err *err)
{
    struct telling in = {.old = old, .new = new, .out = out};
    return changes_run(&in, err);
}
