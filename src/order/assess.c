/*
 * The pack held against the order. What was seen and is wrong is a finding; what is still to be
 * seen is an obligation. Nothing is believed unseen.
 */
#include <string.h>
#include <strings.h>

#include "text.h"

#define HOUR_MS 3600000LL
#define DAY_MS  (24 * HOUR_MS)

struct assessing {
    const struct pack *pack;
    const struct order *order;
    int64_t now;
    struct assessment *out;
};

/* The last place says that there is more: the verdict needs but one, people need to know. */
static struct assessment_item *item_next(struct assessment_item *items, size_t *count)
{
    if (*count < ASSESSMENT_ITEMS_MAX)
        return &items[(*count)++];
    struct assessment_item *last = &items[ASSESSMENT_ITEMS_MAX - 1];
    last->code = "more";
    last->pointer[0] = '\0';
    text_set(last->text, sizeof(last->text), "there are more than %d: read the pack itself",
             ASSESSMENT_ITEMS_MAX - 1);
    return NULL;
}

#define ITEM_ADD(items, count, item_code, item_pointer, ...)                                       \
    do {                                                                                           \
        struct assessment_item *item_ = item_next(items, count);                                   \
        if (item_ != NULL) {                                                                       \
            item_->code = (item_code);                                                             \
            text_set(item_->pointer, sizeof(item_->pointer), "%s", (item_pointer));                \
            text_set(item_->text, sizeof(item_->text), __VA_ARGS__);                               \
        }                                                                                          \
    } while (0)
#define FINDING(on, ...)    ITEM_ADD((on)->out->finding, &(on)->out->findings, __VA_ARGS__)
#define OBLIGATION(on, ...) ITEM_ADD((on)->out->obligation, &(on)->out->obligations, __VA_ARGS__)

/* A place in the pack: "/certificates/0/expires_on". */
struct place {
    char text[64];
};

static struct place certificate_place(size_t index, const char *member)
{
    struct place place = {""};
    text_set(place.text, sizeof(place.text), "/certificates/%zu/%s", index, member);
    return place;
}

enum status_kind { STATUS_ACTIVE, STATUS_UNDER_WAY, STATUS_TIMED_OUT, STATUS_ENDED };

/* The statuses of the API's schema. The ended ones lead away from active and never back. */
static const struct {
    const char *name;
    enum status_kind kind;
} statuses[] = {
    {"active", STATUS_ACTIVE},
    {"initializing", STATUS_UNDER_WAY},
    {"pending_validation", STATUS_UNDER_WAY},
    {"pending_issuance", STATUS_UNDER_WAY},
    {"pending_deployment", STATUS_UNDER_WAY},
    {"staging_deployment", STATUS_UNDER_WAY},
    {"staging_active", STATUS_UNDER_WAY},
    {"backup_issued", STATUS_UNDER_WAY},
    {"holding_deployment", STATUS_UNDER_WAY},
    {"initializing_timed_out", STATUS_TIMED_OUT},
    {"validation_timed_out", STATUS_TIMED_OUT},
    {"issuance_timed_out", STATUS_TIMED_OUT},
    {"deployment_timed_out", STATUS_TIMED_OUT},
    {"deletion_timed_out", STATUS_ENDED},
    {"pending_deletion", STATUS_ENDED},
    {"pending_expiration", STATUS_ENDED},
    {"pending_cleanup", STATUS_ENDED},
    {"deactivating", STATUS_ENDED},
    {"inactive", STATUS_ENDED},
    {"deleted", STATUS_ENDED},
    {"expired", STATUS_ENDED},
};

static void status_known_assess(struct assessing *on, enum status_kind kind)
{
    const char *status = on->pack->status;
    switch (kind) {
    case STATUS_ACTIVE:
        break;
    case STATUS_UNDER_WAY:
        OBLIGATION(on, "status_not_active", "/status", "the pack is %s, not active yet", status);
        break;
    case STATUS_TIMED_OUT:
        OBLIGATION(on, "status_timed_out", "/status",
                   "the pack is %s: restart its validation at Cloudflare", status);
        break;
    case STATUS_ENDED:
        FINDING(on, "status_ended", "/status",
                "the pack is %s and cannot become active: order again", status);
        break;
    }
}

static bool status_is_active(const char *status)
{
    return strcmp(status, "active") == 0;
}

static void status_assess(struct assessing *on)
{
    const char *status = on->pack->status;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (strcmp(status, statuses[i].name) == 0) {
            status_known_assess(on, statuses[i].kind);
            return;
        }
    }
    if (status[0] == '\0')
        OBLIGATION(on, "status_unseen", "/status", "the pack's status was not shown yet");
    else
        OBLIGATION(on, "status_unknown", "/status",
                   "the pack is \"%s\", a status that this version does not know", status);
}

static bool host_listed(const cJSON *hosts, const char *name)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, hosts)
    {
        if (strcasecmp(item->valuestring, name) == 0)
            return true;
    }
    return false;
}

/* The API may add the apex and, with branding, a common name of its own. */
static bool host_may_stand(const struct order *order, const char *name)
{
    static const char branding[] = "cloudflaressl.com";
    for (size_t i = 0; i < order->hosts; i++)
        if (strcasecmp(order->host[i], name) == 0)
            return true;
    if (strcasecmp(name, order->apex) == 0)
        return true;
    return order->cloudflare_branding && host_within(name, branding) &&
           strcasecmp(name, branding) != 0;
}

/* base: where the array is. */
static void hosts_extra_assess(struct assessing *on, const cJSON *hosts, const char *base)
{
    const cJSON *item = NULL;
    size_t index = 0;
    cJSON_ArrayForEach(item, hosts)
    {
        struct place place = {""};
        text_set(place.text, sizeof(place.text), "%s/%zu", base, index++);
        if (!host_may_stand(on->order, item->valuestring))
            FINDING(on, "host_extra", place.text, "%s was not ordered", item->valuestring);
    }
}

static void hosts_assess(struct assessing *on)
{
    const cJSON *hosts = on->pack->hosts;
    if (hosts == NULL) {
        OBLIGATION(on, "hosts_unseen", "/hosts", "the pack's hosts were not shown yet");
        return;
    }
    for (size_t i = 0; i < on->order->hosts; i++)
        if (!host_listed(hosts, on->order->host[i]))
            FINDING(on, "host_missing", "/hosts", "%s was ordered and is not in the pack",
                    on->order->host[i]);
    hosts_extra_assess(on, hosts, "/hosts");
}

static void type_assess(struct assessing *on)
{
    const char *type = on->pack->type;
    if (type[0] == '\0')
        OBLIGATION(on, "type_unseen", "/type", "the pack's type was not shown yet");
    else if (strcmp(type, "advanced") != 0)
        FINDING(on, "type_differs", "/type", "the type is \"%s\", advanced was ordered", type);
}

static void authority_assess(struct assessing *on)
{
    const char *seen = on->pack->certificate_authority;
    const char *asked = on->order->certificate_authority;
    if (seen[0] == '\0')
        OBLIGATION(on, "certificate_authority_unseen", "/certificate_authority",
                   "the certificate authority was not shown yet, %s was ordered", asked);
    else if (strcmp(seen, asked) != 0)
        FINDING(on, "certificate_authority_differs", "/certificate_authority",
                "the certificate authority is \"%s\", %s was ordered", seen, asked);
}

static void method_assess(struct assessing *on)
{
    const char *seen = on->pack->validation_method, *asked = on->order->validation_method;
    if (seen[0] == '\0')
        OBLIGATION(on, "validation_method_unseen", "/validation_method",
                   "the validation method was not shown yet, %s was ordered", asked);
    else if (strcmp(seen, asked) != 0)
        FINDING(on, "validation_method_differs", "/validation_method",
                "the validation method is \"%s\", %s was ordered", seen, asked);
}

static void validity_assess(struct assessing *on)
{
    long long seen = on->pack->validity_days;
    int asked = on->order->validity_days;
    if (seen == 0)
        OBLIGATION(on, "validity_days_unseen", "/validity_days",
                   "the validity was not shown yet, %d days were ordered", asked);
    else if (seen > asked)
        FINDING(on, "validity_days_longer", "/validity_days",
                "the validity is %lld days, %d were ordered", seen, asked);
}

/* Left out it means no branding, and then its host would be an extra one. */
static void branding_assess(struct assessing *on)
{
    int seen = on->pack->cloudflare_branding;
    bool asked = on->order->cloudflare_branding;
    if (seen < 0 && asked)
        OBLIGATION(on, "cloudflare_branding_unseen", "/cloudflare_branding",
                   "the branding was not shown yet, and was ordered");
    else if (seen >= 0 && (seen == 1) != asked)
        FINDING(on, "cloudflare_branding_differs", "/cloudflare_branding",
                "the branding is %s, %s was ordered", seen == 1 ? "true" : "false",
                asked ? "true" : "false");
}

static void geo_shown_assess(struct assessing *on, const struct place *place, const char *seen)
{
    const char *asked = on->order->geo_label;
    if (strcmp(asked, "none") == 0)
        FINDING(on, "geo_label_unasked", place->text,
                "the certificate shows the geo label \"%s\", none was ordered", seen);
    else if (strcmp(seen, asked) != 0)
        FINDING(on, "geo_label_differs", place->text,
                "the certificate shows the geo label \"%s\", %s was ordered", seen, asked);
}

static void geo_assess(struct assessing *on, size_t index)
{
    const struct certificate *certificate = &on->pack->certificate[index];
    const char *asked = on->order->geo_label;
    struct place place = certificate_place(index, "geo_restrictions/label");
    if (certificate->geo_label != NULL)
        geo_shown_assess(on, &place, certificate->geo_label);
    else if (strcmp(asked, "none") == 0)
        return;
    else if (status_is_active(certificate->status))
        FINDING(on, "geo_label_missing", place.text,
                "the certificate is active and shows no geo label, %s was ordered", asked);
    else
        OBLIGATION(on, "geo_label_unseen", place.text,
                   "the certificate's geo label was not seen yet, %s was ordered", asked);
}

static void expiry_assess(struct assessing *on, size_t index)
{
    const char *expires = on->pack->certificate[index].expires_on;
    struct place place = certificate_place(index, "expires_on");
    int64_t at = 0, latest = on->now + on->order->validity_days * DAY_MS + HOUR_MS;
    if (expires[0] == '\0')
        OBLIGATION(on, "expiry_unseen", place.text, "the certificate's expiry was not seen yet");
    else if (!time_parse(expires, &at))
        OBLIGATION(on, "expiry_unreadable", place.text,
                   "the certificate's expiry \"%s\" is no RFC 3339 time", expires);
    else if (at > latest)
        FINDING(on, "expiry_too_late", place.text,
                "the certificate expires on %s, later than the %d days that were ordered", expires,
                on->order->validity_days);
}

static void certificates_assess(struct assessing *on)
{
    if (on->pack->certificates == 0)
        OBLIGATION(on, "certificate_unseen", "/certificates", "no certificate was seen yet");
    for (size_t i = 0; i < on->pack->certificates; i++) {
        geo_assess(on, i);
        expiry_assess(on, i);
        struct place place = certificate_place(i, "hosts");
        hosts_extra_assess(on, on->pack->certificate[i].hosts, place.text);
    }
}

/* Of an active pack they are history: the CA validated after all. */
static void validation_errors_assess(struct assessing *on)
{
    if (status_is_active(on->pack->status))
        return;
    for (size_t i = 0; i < on->pack->validation_errors; i++) {
        struct place place = {""};
        text_set(place.text, sizeof(place.text), "/validation_errors/%zu/message", i);
        OBLIGATION(on, "validation_error", place.text, "the CA could not validate: %s",
                   on->pack->validation_error[i]);
    }
}

void pack_assess(const struct pack *pack, const struct order *order, int64_t now,
                 struct assessment *out)
{
    struct assessing on = {.pack = pack, .order = order, .now = now, .out = out};
    memset(out, 0, sizeof(*out));
    type_assess(&on);
    hosts_assess(&on);
    authority_assess(&on);
    method_assess(&on);
    validity_assess(&on);
    branding_assess(&on);
    certificates_assess(&on);
    status_assess(&on);
    validation_errors_assess(&on);
    out->verdict = out->findings > 0      ? PACK_VIOLATION
                   : out->obligations > 0 ? PACK_PENDING
                                          : PACK_COMPLIANT;
}

const char *assessment_verdict_name(enum assessment_verdict verdict)
{
    switch (verdict) {
    case PACK_COMPLIANT:
        return "compliant";
    case PACK_PENDING:
        return "pending";
    case PACK_VIOLATION:
        break;
    }
    return "violation";
}

static bool items_json(cJSON *object, const char *name, const struct assessment_item *items,
                       size_t count)
{
    cJSON *array = cJSON_AddArrayToObject(object, name);
    for (size_t i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();
        if (!cJSON_AddItemToArray(array, item)) {
            cJSON_Delete(item);
            return false;
        }
        if (cJSON_AddStringToObject(item, "code", items[i].code) == NULL ||
            cJSON_AddStringToObject(item, "pointer", items[i].pointer) == NULL ||
            cJSON_AddStringToObject(item, "text", items[i].text) == NULL)
            return false;
    }
    return array != NULL;
}

cJSON *assessment_json(const struct assessment *assessment)
{
    const char *verdict = assessment_verdict_name(assessment->verdict);
    cJSON *object = cJSON_CreateObject();
    if (cJSON_AddStringToObject(object, "verdict", verdict) != NULL &&
        items_json(object, "findings", assessment->finding, assessment->findings) &&
        items_json(object, "obligations", assessment->obligation, assessment->obligations))
        return object;
    cJSON_Delete(object);
    return NULL;
}
