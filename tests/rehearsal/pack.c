/* The packs that were placed. All that is shown of one follows from its id, its order and its age.
 */
#include "rehearsal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS ((int64_t)86400 * 1000)

static cJSON *member_copy(const cJSON *object, const char *name)
{
    return cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(object, name), true);
}

static void id_make(const cJSON *options, char out[PACK_ID_MAX + 1])
{
    const char *form = member_text(options, "id_form", "uuid");
    if (strcmp(form, "uuid") == 0)
        text_uuid(out);
    else if (strcmp(form, "hex") == 0)
        text_random(out, HEX_ID_LEN);
    else
        (void)snprintf(out, PACK_ID_MAX + 1, "%s", form);
}

struct pack *pack_place(struct api *api, const char *id_of_zone, const cJSON *order,
                        const cJSON *options)
{
    struct pack *packs = realloc(api->pack, (api->packs + 1) * sizeof *packs);
    if (packs == NULL)
        abort();
    api->pack = packs;
    struct pack *pack = &packs[api->packs++];
    *pack = (struct pack){.order = cJSON_Duplicate(order, true),
                          .options = cJSON_Duplicate(options, true),
                          .placed = now_ms()};
    id_make(options, pack->id);
    (void)snprintf(pack->zone_id, sizeof pack->zone_id, "%s", id_of_zone);
    (void)snprintf(pack->apex, sizeof pack->apex, "%s", scenario_apex(&api->scenario, id_of_zone));
    pack->progress = member_copy(options, "progress");
    if (pack->progress == NULL)
        pack->progress = member_copy(api->scenario.root, "progress");
    return pack;
}

struct pack *pack_find(struct api *api, const char *id_of_zone, const char *id)
{
    for (size_t i = 0; i < api->packs; i++)
        if (strcmp(api->pack[i].id, id) == 0 && strcmp(api->pack[i].zone_id, id_of_zone) == 0)
            return &api->pack[i];
    return NULL;
}

void packs_free(struct api *api)
{
    for (size_t i = 0; i < api->packs; i++) {
        cJSON_Delete(api->pack[i].order);
        cJSON_Delete(api->pack[i].options);
        cJSON_Delete(api->pack[i].progress);
    }
    free(api->pack);
}

void pack_show(struct pack *pack)
{
    pack->shown++;
}

/* A progress that does not speak of a state never reaches it; no progress at all: by GETs. */
static bool pack_reached(const struct pack *pack, const char *gets, const char *ms, int otherwise)
{
    double never = 1e300;
    double after_gets = member_number(pack->progress, gets, pack->progress ? never : otherwise);
    double after_ms = member_number(pack->progress, ms, never);
    return pack->shown >= after_gets || (double)(now_ms() - pack->placed) >= after_ms;
}

const char *pack_status(const struct pack *pack)
{
    const char *fixed = member_text(pack->options, "status", NULL);
    if (pack->deleted)
        return "deleted";
    if (fixed != NULL && !pack->restarted)
        return fixed;
    if (pack_reached(pack, "active_gets", "active_ms", 2))
        return "active";
    if (pack->restarted || pack_reached(pack, "pending_gets", "pending_ms", 1))
        return "pending_validation";
    return "initializing";
}

static void hosts_add(cJSON *hosts, const cJSON *extra)
{
    const cJSON *host;
    if (cJSON_IsString(extra))
        cJSON_AddItemToArray(hosts, cJSON_CreateString(extra->valuestring));
    else
        cJSON_ArrayForEach(host, extra) cJSON_AddItemToArray(hosts, cJSON_Duplicate(host, true));
}

static cJSON *pack_hosts(const struct pack *pack)
{
    const char *dropped = member_text(pack->options, "drop_host", "");
    bool shuffle = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(pack->options, "shuffle"));
    cJSON *hosts = cJSON_CreateArray();
    const cJSON *host;
    cJSON_ArrayForEach(host, cJSON_GetObjectItemCaseSensitive(pack->order, "hosts"))
    {
        if (strcmp(host->valuestring, dropped) != 0)
            cJSON_InsertItemInArray(hosts, shuffle ? 0 : cJSON_GetArraySize(hosts),
                                    cJSON_Duplicate(host, true));
    }
    hosts_add(hosts, cJSON_GetObjectItemCaseSensitive(pack->options, "extra_host"));
    return hosts;
}

/* The option's word when there is one, else the order's. */
static cJSON *pack_member(const struct pack *pack, const char *name)
{
    cJSON *changed = member_copy(pack->options, name);
    return changed != NULL ? changed : member_copy(pack->order, name);
}

static const char *pack_text(const struct pack *pack, const char *name)
{
    return member_text(pack->options, name, member_text(pack->order, name, ""));
}

static void record_txt(cJSON *record, const struct pack *pack, const char *host, int token)
{
    char name[300], value[43 + 1];
    (void)snprintf(name, sizeof name, "_acme-challenge.%s", host);
    text_derive(value, 43, "%s txt %s %d", pack->id, host, token);
    cJSON_AddStringToObject(record, "txt_name", name);
    cJSON_AddStringToObject(record, "txt_value", value);
}

static void record_http(cJSON *record, const struct pack *pack, const char *host, int token)
{
    char url[400], body[40 + 1];
    text_derive(body, 32, "%s http %s %d", pack->id, host, token);
    (void)snprintf(url, sizeof url, "http://%s/.well-known/pki-validation/%s.txt", host, body);
    cJSON_AddStringToObject(record, "http_url", url);
    cJSON_AddStringToObject(record, "http_body", body);
}

static void record_email(cJSON *record, const struct pack *pack)
{
    static const char *const names[] = {"administrator", "webmaster"};
    cJSON *emails = cJSON_AddArrayToObject(record, "emails");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char email[300];
        (void)snprintf(email, sizeof email, "%s@%s", names[i], pack->apex);
        cJSON_AddItemToArray(emails, cJSON_CreateString(email));
    }
}

static cJSON *record_new(const struct pack *pack, const char *host, int token)
{
    const char *method = pack_text(pack, "validation_method");
    const char *base = strncmp(host, "*.", 2) == 0 ? host + 2 : host;
    cJSON *record = cJSON_CreateObject();
    cJSON_AddStringToObject(record, "status", "pending");
    if (strcmp(method, "http") == 0)
        record_http(record, pack, base, token);
    else if (strcmp(method, "email") == 0)
        record_email(record, pack);
    else
        record_txt(record, pack, base, base == host ? token : token + 2);
    return record;
}

/* SSL.com wants two tokens a host: one each for RSA and ECDSA. */
static cJSON *validation_records(const struct pack *pack, const cJSON *hosts)
{
    int tokens = strcmp(pack_text(pack, "certificate_authority"), "ssl_com") == 0 ? 2 : 1;
    cJSON *records = cJSON_CreateArray();
    const cJSON *host;
    cJSON_ArrayForEach(host, hosts)
    {
        for (int token = 0; token < tokens; token++)
            cJSON_AddItemToArray(records, record_new(pack, host->valuestring, token));
    }
    return records;
}

static cJSON *delegation_records(const struct pack *pack, const cJSON *hosts)
{
    char delegation[16 + 1], cname[300], target[400];
    cJSON *records = cJSON_CreateArray();
    const cJSON *host;
    text_derive(delegation, 16, "dcv %s", pack->zone_id);
    cJSON_ArrayForEach(host, hosts)
    {
        if (host->valuestring[0] == '*')
            continue;
        cJSON *record = cJSON_CreateObject();
        (void)snprintf(cname, sizeof cname, "_acme-challenge.%s", host->valuestring);
        (void)snprintf(target, sizeof target, "%s.%s.dcv.cloudflare.com", host->valuestring,
                       delegation);
        cJSON_AddStringToObject(record, "cname", cname);
        cJSON_AddStringToObject(record, "cname_target", target);
        cJSON_AddStringToObject(record, "status", "pending");
        cJSON_AddItemToArray(records, record);
    }
    return records;
}

static const char *issuer_name(const char *authority)
{
    if (strcmp(authority, "google") == 0)
        return "GoogleTrustServices";
    return strcmp(authority, "lets_encrypt") == 0 ? "LetsEncrypt" : "SSLCorp";
}

/* A list of labels goes to the certificates one by one; null, or no label, shows none. */
static const char *geo_label(const struct pack *pack, int at)
{
    const cJSON *label = cJSON_GetObjectItemCaseSensitive(pack->options, "geo_label");
    return cJSON_GetStringValue(cJSON_IsArray(label) ? cJSON_GetArrayItem(label, at) : label);
}

static void certificate_times(cJSON *certificate, const struct pack *pack)
{
    char time[TIME_LEN + 1];
    double days = member_number(pack->options, "expires_days",
                                member_number(pack->order, "validity_days", 90));
    text_time(pack->placed + (int64_t)days * DAY_MS, time);
    cJSON_AddStringToObject(certificate, "expires_on", time);
    text_time(pack->placed, time);
    cJSON_AddStringToObject(certificate, "uploaded_on", time);
    cJSON_AddStringToObject(certificate, "modified_on", time);
}

static cJSON *certificate_new(const struct pack *pack, const cJSON *hosts, int at)
{
    char id[HEX_ID_LEN + 1];
    cJSON *certificate = cJSON_CreateObject();
    text_derive(id, HEX_ID_LEN, "%s certificate %d", pack->id, at);
    cJSON_AddStringToObject(certificate, "id", id);
    cJSON_AddItemToObject(certificate, "hosts", cJSON_Duplicate(hosts, true));
    cJSON_AddStringToObject(certificate, "issuer",
                            issuer_name(pack_text(pack, "certificate_authority")));
    cJSON_AddStringToObject(certificate, "signature",
                            at == 0 ? "ECDSAWithSHA256" : "SHA256WithRSA");
    cJSON_AddStringToObject(certificate, "status", "active");
    cJSON_AddStringToObject(certificate, "bundle_method", "ubiquitous");
    cJSON_AddStringToObject(certificate, "zone_id", pack->zone_id);
    cJSON_AddNumberToObject(certificate, "priority", at);
    if (geo_label(pack, at) != NULL)
        cJSON_AddStringToObject(cJSON_AddObjectToObject(certificate, "geo_restrictions"), "label",
                                geo_label(pack, at));
    certificate_times(certificate, pack);
    return certificate;
}

/* One ECDSA and one RSA certificate, as all three authorities issue. */
static cJSON *certificates(const struct pack *pack, const cJSON *hosts)
{
    cJSON *all = cJSON_CreateArray();
    for (int i = 0; i < 2 && strcmp(pack_status(pack), "active") == 0; i++)
        cJSON_AddItemToArray(all, certificate_new(pack, hosts, i));
    return all;
}

static void pack_put_state(cJSON *shown, const struct pack *pack, const cJSON *hosts)
{
    const char *status = pack_status(pack);
    cJSON *issued = certificates(pack, hosts),
          *errors = member_copy(pack->options, "validation_errors");
    const char *primary = member_text(cJSON_GetArrayItem(issued, 0), "id", NULL);
    cJSON_AddStringToObject(shown, "status", status);
    cJSON_AddItemToObject(shown, "certificates", issued);
    if (primary != NULL)
        cJSON_AddStringToObject(shown, "primary_certificate", primary);
    if (strcmp(status, "pending_validation") == 0) {
        cJSON_AddItemToObject(shown, "validation_records", validation_records(pack, hosts));
        cJSON_AddItemToObject(shown, "dcv_delegation_records", delegation_records(pack, hosts));
    }
    if (errors != NULL)
        cJSON_AddItemToObject(shown, "validation_errors", errors);
}

cJSON *pack_render(const struct pack *pack)
{
    static const char *const members[] = {"type", "certificate_authority", "validation_method",
                                          "validity_days", "cloudflare_branding"};
    cJSON *shown = cJSON_CreateObject(), *hosts = pack_hosts(pack);
    cJSON_AddStringToObject(shown, "id", pack->id);
    cJSON_AddItemToObject(shown, "hosts", hosts);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        cJSON *member = pack_member(pack, members[i]);
        if (member != NULL)
            cJSON_AddItemToObject(shown, members[i], member);
    }
    pack_put_state(shown, pack, hosts);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(pack->options, "unknown_fields")))
        cJSON_AddStringToObject(cJSON_AddObjectToObject(shown, "x_rehearsal"), "new", "member");
    return shown;
}
