/* The routes, and what each does. */
#include "rehearsal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BASE "/client/v4"

typedef bool check(struct api *api, struct request *request, struct answer *answer);

static bool refuse_at(struct answer *answer, const char *pointer, const char *text)
{
    struct fault fault;
    fault_set(&fault, pointer, "%s", text);
    answer_error_at(answer, 400, 1434, &fault);
    return false;
}

/* ---- checks: what is refused before the scenario has its say */

static bool check_json(struct request *request, cJSON **body, struct answer *answer)
{
    static const char json[] = "application/json";
    const char *type = member_text(request->headers, "content-type", "");
    size_t len = strlen(json);
    if (strncasecmp(type, json, len) != 0 || (type[len] != '\0' && type[len] != ';')) {
        answer_error_chain(answer, 400, 6003, "Invalid request headers", 6105,
                           "Invalid Content-Type header, valid values are application/json");
        return false;
    }
    *body = cJSON_ParseWithOpts(request->body != NULL ? request->body : "", NULL, true);
    if (*body == NULL || strlen(request->body) != request->len)
        answer_error(answer, 400, 1400, "The body is not JSON");
    return *body != NULL && strlen(request->body) == request->len;
}

static bool check_order(struct api *api, struct request *request, struct answer *answer)
{
    cJSON *body = NULL;
    struct fault fault;
    bool valid = check_json(request, &body, answer);
    if (valid && !order_check(body, scenario_apex(&api->scenario, request->part[0]), &fault)) {
        answer_error_at(answer, 400, 1434, &fault);
        valid = false;
    }
    cJSON_Delete(body);
    return valid;
}

static bool check_patch(struct api *api, struct request *request, struct answer *answer)
{
    static const struct member known[] = {{"cloudflare_branding", BOOL_TYPES, false}};
    cJSON *body = NULL;
    struct fault fault;
    (void)api;
    bool valid = check_json(request, &body, answer);
    if (valid && !members_check(body, known, 1, &fault)) {
        answer_error_at(answer, 400, 1434, &fault);
        valid = false;
    }
    cJSON_Delete(body);
    return valid;
}

static double query_number(const struct request *request, const char *name, double otherwise)
{
    const char *text = member_text(request->query, name, NULL);
    char *end;
    if (text == NULL)
        return otherwise;
    double value = strtod(text, &end);
    return *text != '\0' && *end == '\0' ? value : -1;
}

static bool query_known(const struct request *request, const char *const known[],
                        struct answer *answer)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, request->query)
    {
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], item->string) != 0)
            i++;
        if (known[i] == NULL)
            return refuse_at(answer, "", "a query parameter is not known");
    }
    double per_page = query_number(request, "per_page", 20);
    if (per_page < 5 || per_page > 50)
        return refuse_at(answer, "", "per_page is not 5 to 50");
    return query_number(request, "page", 1) >= 1 || refuse_at(answer, "", "page is less than 1");
}

static bool check_list(struct api *api, struct request *request, struct answer *answer)
{
    static const char *const known[] = {"page", "per_page", "status", NULL};
    (void)api;
    if (!query_known(request, known, answer))
        return false;
    return strcmp(member_text(request->query, "status", "all"), "all") == 0 ||
           refuse_at(answer, "", "status can only be \"all\"");
}

/* Operators, as in name=contains:..., are what a careful client never sends. */
static bool check_zones(struct api *api, struct request *request, struct answer *answer)
{
    static const char *const known[] = {"page",  "per_page",   "name", "status",
                                        "match", "account.id", NULL};
    (void)api;
    if (!query_known(request, known, answer))
        return false;
    return strchr(member_text(request->query, "name", ""), ':') == NULL ||
           refuse_at(answer, "", "name may hold no operator here");
}

/* ---- acts */

typedef void act(struct api *api, struct request *request, const cJSON *behaviour,
                 struct answer *answer);

static void act_order(struct api *api, struct request *request, const cJSON *behaviour,
                      struct answer *answer)
{
    cJSON *order = cJSON_Parse(request->body);
    const struct pack *pack = pack_place(api, request->part[0], order, behaviour);
    cJSON_Delete(order);
    answer_result(answer, pack_render(pack));
}

static void act_list(struct api *api, struct request *request, const cJSON *behaviour,
                     struct answer *answer)
{
    bool all = member_text(request->query, "status", NULL) != NULL;
    bool tombstones = strcmp(member_text(api->scenario.root, "deleted", "gone"), "tombstone") == 0;
    cJSON *shown = cJSON_CreateArray();
    (void)behaviour;
    for (size_t i = 0; i < api->packs; i++) {
        struct pack *pack = &api->pack[i];
        if (strcmp(pack->zone_id, request->part[0]) != 0 || (pack->deleted && !tombstones))
            continue;
        pack_show(pack);
        if (all || strcmp(pack_status(pack), "active") == 0)
            cJSON_AddItemToArray(shown, pack_render(pack));
    }
    answer_page(answer, shown, (int)query_number(request, "page", 1),
                (int)query_number(request, "per_page", 20));
}

/* The pack that the path names; a deleted one only where the scenario leaves tombstones. */
static struct pack *pack_wanted(struct api *api, const struct request *request,
                                struct answer *answer)
{
    struct pack *pack = pack_find(api, request->part[0], request->part[1]);
    if (pack != NULL &&
        (!pack->deleted ||
         strcmp(member_text(api->scenario.root, "deleted", "gone"), "tombstone") == 0))
        return pack;
    answer_error(answer, 404, 1408, "The certificate pack was not found");
    return NULL;
}

static void act_get(struct api *api, struct request *request, const cJSON *behaviour,
                    struct answer *answer)
{
    struct pack *pack = pack_wanted(api, request, answer);
    (void)behaviour;
    if (pack == NULL)
        return;
    pack_show(pack);
    answer_result(answer, pack_render(pack));
}

static void act_delete(struct api *api, struct request *request, const cJSON *behaviour,
                       struct answer *answer)
{
    struct pack *pack = pack_wanted(api, request, answer);
    (void)behaviour;
    if (pack == NULL)
        return;
    if (pack->deleted) {
        answer_error(answer, 400, 1406, "Bad response certificate service");
        return;
    }
    pack->deleted = true;
    cJSON *result = cJSON_CreateObject();
    cJSON_AddStringToObject(result, "id", pack->id);
    answer_result(answer, result);
}

static void act_patch(struct api *api, struct request *request, const cJSON *behaviour,
                      struct answer *answer)
{
    struct pack *pack = pack_wanted(api, request, answer);
    (void)behaviour;
    if (pack == NULL)
        return;
    cJSON *body = cJSON_Parse(request->body);
    cJSON *branding = cJSON_DetachItemFromObjectCaseSensitive(body, "cloudflare_branding");
    bool timed_out = strcmp(pack_status(pack), "validation_timed_out") == 0;
    cJSON_Delete(body);
    if (branding != NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(pack->order, "cloudflare_branding");
        cJSON_AddItemToObject(pack->order, "cloudflare_branding", branding);
    } else if (timed_out) {
        pack->restarted = true;
        pack->shown = 0;
        pack->placed = now_ms();
    } else {
        refuse_at(answer, "", "only a pack that is validation_timed_out can restart validation");
        return;
    }
    answer_result(answer, pack_render(pack));
}

static void act_quota(struct api *api, struct request *request, const cJSON *behaviour,
                      struct answer *answer)
{
    int used = 0;
    (void)behaviour;
    for (size_t i = 0; i < api->packs; i++)
        used += strcmp(api->pack[i].zone_id, request->part[0]) == 0 && !api->pack[i].deleted;
    cJSON *result = cJSON_CreateObject();
    cJSON *advanced = cJSON_AddObjectToObject(result, "advanced");
    cJSON_AddNumberToObject(advanced, "allocated", member_number(api->scenario.root, "quota", 100));
    cJSON_AddNumberToObject(advanced, "used", used);
    answer_result(answer, result);
}

static const char *account_id(const struct scenario *scenario, const cJSON *zone)
{
    return member_text(
        zone, "account_id",
        member_text(scenario->root, "account_id", "01a7362d577a6c3019a474fd6f485823"));
}

static cJSON *zone_render(const struct scenario *scenario, const cJSON *zone)
{
    cJSON *shown = cJSON_CreateObject();
    cJSON_AddStringToObject(shown, "id", zone_id(zone));
    cJSON_AddStringToObject(shown, "name", zone->string);
    cJSON_AddStringToObject(shown, "status", member_text(zone, "status", "active"));
    cJSON_AddBoolToObject(shown, "paused", false);
    cJSON_AddStringToObject(shown, "type", "full");
    cJSON_AddNumberToObject(shown, "development_mode", 0);
    cJSON *account = cJSON_AddObjectToObject(shown, "account");
    cJSON_AddStringToObject(account, "id", account_id(scenario, zone));
    cJSON_AddStringToObject(account, "name", "Rehearsal");
    return shown;
}

static bool zone_matches(const struct scenario *scenario, const cJSON *zone,
                         const struct request *request)
{
    const char *name = member_text(request->query, "name", zone->string);
    const char *status = member_text(zone, "status", "active");
    const char *account = account_id(scenario, zone);
    return strcmp(name, zone->string) == 0 &&
           strcmp(member_text(request->query, "status", status), status) == 0 &&
           strcmp(member_text(request->query, "account.id", account), account) == 0;
}

static void act_zones(struct api *api, struct request *request, const cJSON *behaviour,
                      struct answer *answer)
{
    cJSON *shown = cJSON_CreateArray();
    const cJSON *zone;
    (void)behaviour;
    cJSON_ArrayForEach(zone, cJSON_GetObjectItemCaseSensitive(api->scenario.root, "zones"))
    {
        if (zone_matches(&api->scenario, zone, request))
            cJSON_AddItemToArray(shown, zone_render(&api->scenario, zone));
    }
    answer_page(answer, shown, (int)query_number(request, "page", 1),
                (int)query_number(request, "per_page", 20));
}

static void act_zone(struct api *api, struct request *request, const cJSON *behaviour,
                     struct answer *answer)
{
    const cJSON *zones = cJSON_GetObjectItemCaseSensitive(api->scenario.root, "zones");
    const char *apex = scenario_apex(&api->scenario, request->part[0]);
    (void)behaviour;
    answer_result(answer,
                  zone_render(&api->scenario, cJSON_GetObjectItemCaseSensitive(zones, apex)));
}

/* The ranges that Cloudflare publishes; a scenario can show others. */
static void act_ips(struct api *api, struct request *request, const cJSON *behaviour,
                    struct answer *answer)
{
    static const char published[] =
        "{\"ipv4_cidrs\":[\"173.245.48.0/20\",\"103.21.244.0/22\",\"103.22.200.0/22\","
        "\"103.31.4.0/22\",\"141.101.64.0/18\",\"108.162.192.0/18\",\"190.93.240.0/20\","
        "\"188.114.96.0/20\",\"197.234.240.0/22\",\"198.41.128.0/17\",\"162.158.0.0/15\","
        "\"104.16.0.0/13\",\"104.24.0.0/14\",\"172.64.0.0/13\",\"131.0.72.0/22\"],"
        "\"ipv6_cidrs\":[\"2400:cb00::/32\",\"2606:4700::/32\",\"2803:f800::/32\","
        "\"2405:b500::/32\",\"2405:8100::/32\",\"2a06:98c0::/29\",\"2c0f:f248::/32\"],"
        "\"etag\":\"38f79d050aa027e3be3865e495dcc9bc\"}";
    const cJSON *ips = cJSON_GetObjectItemCaseSensitive(api->scenario.root, "ips");
    (void)request, (void)behaviour;
    answer_result(answer, ips != NULL ? cJSON_Duplicate(ips, true) : cJSON_Parse(published));
}

static void token_verified(const cJSON *token, struct answer *answer)
{
    static const char *const dates[] = {"expires_on", "not_before"};
    const char *status = member_text(token, "status", "active");
    char id[HEX_ID_LEN + 1];
    text_derive(id, HEX_ID_LEN, "token id %s",
                member_text(token, "token", cJSON_IsString(token) ? token->valuestring : ""));
    cJSON *result = cJSON_CreateObject();
    cJSON_AddStringToObject(result, "id", member_text(token, "id", id));
    cJSON_AddStringToObject(result, "status", status);
    for (size_t i = 0; i < 2; i++)
        if (member_text(token, dates[i], NULL) != NULL)
            cJSON_AddStringToObject(result, dates[i], member_text(token, dates[i], ""));
    if (strcmp(status, "active") == 0)
        answer_message(answer, result, 10000, "This API Token is valid and active");
    else
        answer_result(answer, result);
}

/* ---- routes */

enum access { OPEN, USER_TOKEN, ACCOUNT_TOKEN, ANY, ZONE };

static const struct route {
    const char *method, *pattern;
    enum access access;
    check *check;
    act *act; /* NULL: the token itself is what was asked about */
} routes[] = {
    {"GET", "/ips", OPEN, NULL, act_ips},
    {"GET", "/user/tokens/verify", USER_TOKEN, NULL, NULL},
    {"GET", "/accounts/*/tokens/verify", ACCOUNT_TOKEN, NULL, NULL},
    {"GET", "/zones", ANY, check_zones, act_zones},
    {"GET", "/zones/*", ZONE, NULL, act_zone},
    {"GET", "/zones/*/ssl/certificate_packs", ZONE, check_list, act_list},
    {"POST", "/zones/*/ssl/certificate_packs/order", ZONE, check_order, act_order},
    {"GET", "/zones/*/ssl/certificate_packs/quota", ZONE, NULL, act_quota},
    {"GET", "/zones/*/ssl/certificate_packs/*", ZONE, NULL, act_get},
    {"PATCH", "/zones/*/ssl/certificate_packs/*", ZONE, check_patch, act_patch},
    {"DELETE", "/zones/*/ssl/certificate_packs/*", ZONE, NULL, act_delete},
};

/* A star takes what stands up to the next slash. */
static bool pattern_matches(const char *pattern, const char *path, char part[][PART_LEN + 1])
{
    for (size_t parts = 0; *pattern != '\0'; pattern++) {
        if (*pattern != '*') {
            if (*path++ != *pattern)
                return false;
            continue;
        }
        size_t len = strcspn(path, "/");
        if (len == 0 || len > PART_LEN || parts == PARTS_MAX)
            return false;
        memcpy(part[parts], path, len);
        part[parts++][len] = '\0';
        path += len;
    }
    return *path == '\0';
}

static const struct route *route_find(struct request *request, bool *known_path)
{
    size_t base = strlen(BASE);
    *known_path = false;
    if (strncmp(request->path, BASE, base) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!pattern_matches(routes[i].pattern, request->path + base, request->part))
            continue;
        if (strcmp(routes[i].method, request->method) == 0)
            return &routes[i];
        *known_path = true;
    }
    return NULL;
}

static const struct route *route_wanted(struct request *request, struct answer *answer)
{
    bool known_path;
    char text[700];
    const struct route *route = route_find(request, &known_path);
    if (route == NULL && known_path) {
        (void)snprintf(text, sizeof text, "Method %s not available for that URI.", request->method);
        answer_error(answer, 405, 7001, text);
    } else if (route == NULL) {
        (void)snprintf(text, sizeof text, "No route for the URI %s", request->path);
        answer_error(answer, 404, 7003, text);
    }
    return route;
}

static bool access_check(const struct api *api, const struct route *route,
                         const struct request *request, const cJSON **token, struct answer *answer)
{
    enum auth_for what = route->access == USER_TOKEN      ? AUTH_USER_VERIFY
                         : route->access == ACCOUNT_TOKEN ? AUTH_ACCOUNT_VERIFY
                                                          : AUTH_ZONES;
    *token = NULL;
    if (route->access == OPEN)
        return true;
    if (!auth_check(&api->scenario, request, what, token, answer))
        return false;
    if (route->access == ZONE && scenario_apex(&api->scenario, request->part[0]) == NULL) {
        answer_error(answer, 404, 7003,
                     "Could not route to the zone, perhaps your object identifier is invalid?");
        return false;
    }
    return true;
}

static enum list list_of(const struct request *request)
{
    if (strcmp(request->method, "POST") == 0)
        return LIST_ORDERS;
    if (strcmp(request->method, "PATCH") == 0)
        return LIST_PATCHES;
    return strcmp(request->method, "DELETE") == 0 ? LIST_DELETES : LIST_GETS;
}

static void route_follow(struct api *api, const struct route *route, struct request *request,
                         struct answer *answer)
{
    const cJSON *token;
    if (!access_check(api, route, request, &token, answer) ||
        (route->check != NULL && !route->check(api, request, answer)))
        return;
    const cJSON *behaviour = scenario_peek(&api->scenario, list_of(request));
    scenario_advance(&api->scenario, list_of(request));
    if (!behaviour_acts(behaviour))
        answer_result(answer, NULL);
    else if (route->act != NULL)
        route->act(api, request, behaviour, answer);
    else
        token_verified(token, answer);
    behaviour_shape(behaviour, answer);
}

static bool scenario_ready(struct api *api, struct answer *answer)
{
    struct fault fault;
    if (scenario_refresh(&api->scenario, &fault))
        return true;
    answer_error_at(answer, 500, 1500, &fault);
    answer->behaviour = "scenario is broken";
    return false;
}

bool api_drops(struct api *api, const struct request *request)
{
    struct answer answer;
    struct request probe = *request; /* the parts of its path are not wanted here */
    bool known_path;
    answer_init(&answer);
    bool ready = scenario_ready(api, &answer) && route_find(&probe, &known_path) != NULL;
    answer_free(&answer);
    const cJSON *next = ready ? scenario_peek(&api->scenario, list_of(request)) : NULL;
    if (strcmp(member_text(next, "answer", ""), "drop_before") != 0)
        return false;
    scenario_advance(&api->scenario, list_of(request));
    return true;
}

void api_handle(struct api *api, struct request *request, struct answer *answer)
{
    if (request->too_large) {
        answer_error(answer, 413, 1400, "The body is too large");
        return;
    }
    if (!scenario_ready(api, answer))
        return;
    const struct route *route = route_wanted(request, answer);
    if (route != NULL)
        route_follow(api, route, request, answer);
}
