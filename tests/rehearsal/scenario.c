#include "rehearsal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const list_names[LIST_COUNT] = {"orders", "gets", "patches", "deletes"};

static bool lists_check(const cJSON *root, struct fault *fault)
{
    char pointer[96];
    for (size_t i = 0; i < LIST_COUNT; i++) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, list_names[i]), *behaviour;
        int at = 0;
        cJSON_ArrayForEach(behaviour, list)
        {
            struct fault inner;
            if (!behaviour_check(behaviour, &inner)) {
                (void)snprintf(pointer, sizeof pointer, "/%s/%d%.60s", list_names[i], at,
                               inner.pointer);
                return fault_set(fault, pointer, "%s", inner.text);
            }
            at++;
        }
    }
    return true;
}

const char *zone_id(const cJSON *zone)
{
    return cJSON_IsObject(zone) ? member_text(zone, "id", "") : cJSON_GetStringValue(zone);
}

static bool zones_check(const cJSON *root, struct fault *fault)
{
    static const struct member known[] = {{"id", cJSON_String, true},
                                          {"status", cJSON_String, false},
                                          {"account_id", cJSON_String, false}};
    const cJSON *zone;
    cJSON_ArrayForEach(zone, cJSON_GetObjectItemCaseSensitive(root, "zones"))
    {
        if (cJSON_IsObject(zone) && !members_check(zone, known, 3, fault))
            return false;
        if (zone_id(zone) == NULL || strlen(zone_id(zone)) != HEX_ID_LEN)
            return fault_set(fault, "/zones",
                             "each zone is an id of 32 hex digits, or an object "
                             "with such an \"id\"");
    }
    return true;
}

static bool tokens_check(const cJSON *root, struct fault *fault)
{
    static const struct member known[] = {{"token", cJSON_String, true},
                                          {"id", cJSON_String, false},
                                          {"status", cJSON_String, false},
                                          {"expires_on", cJSON_String, false},
                                          {"not_before", cJSON_String, false}};
    const cJSON *token;
    cJSON_ArrayForEach(token, cJSON_GetObjectItemCaseSensitive(root, "tokens"))
    {
        if (!cJSON_IsString(token) && !members_check(token, known, 5, fault))
            return false;
    }
    return true;
}

static const char *priorities_of(const char *tls)
{
    static const char *const known[][2] = {
        {"1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.2"},
        {"1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.3"},
        {"both", "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i][0], tls) == 0)
            return known[i][1];
    return NULL;
}

static bool words_check(const cJSON *root, struct fault *fault)
{
    const char *deleted = member_text(root, "deleted", "gone");
    if (strcmp(deleted, "gone") != 0 && strcmp(deleted, "tombstone") != 0)
        return fault_set(fault, "/deleted", "is neither \"gone\" nor \"tombstone\"");
    if (priorities_of(member_text(root, "tls", "both")) == NULL)
        return fault_set(fault, "/tls", "is none of \"1.2\", \"1.3\" and \"both\"");
    return true;
}

bool progress_check(const cJSON *holder, struct fault *fault)
{
    static const struct member known[] = {{"pending_gets", cJSON_Number, false},
                                          {"pending_ms", cJSON_Number, false},
                                          {"active_gets", cJSON_Number, false},
                                          {"active_ms", cJSON_Number, false}};
    const cJSON *progress = cJSON_GetObjectItemCaseSensitive(holder, "progress");
    return progress == NULL || members_check(progress, known, 4, fault);
}

static bool scenario_check(const cJSON *root, struct fault *fault)
{
    static const struct member known[] = {
        {"tokens", cJSON_Array, true},       {"email", cJSON_String, false},
        {"key", cJSON_String, false},        {"zones", cJSON_Object, true},
        {"account_id", cJSON_String, false}, {"tls", cJSON_String, false},
        {"quota", cJSON_Number, false},      {"deleted", cJSON_String, false},
        {"progress", cJSON_Object, false},   {"ips", cJSON_Object, false},
        {"orders", cJSON_Array, false},      {"gets", cJSON_Array, false},
        {"patches", cJSON_Array, false},     {"deletes", cJSON_Array, false},
    };
    return members_check(root, known, sizeof known / sizeof *known, fault) &&
           words_check(root, fault) && zones_check(root, fault) && tokens_check(root, fault) &&
           progress_check(root, fault) && lists_check(root, fault);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool scenario_refresh(struct scenario *scenario, struct fault *fault)
{
    struct stat now;
    if (stat(scenario->path, &now) != 0)
        return fault_set(fault, "", "the scenario file cannot be read");
    if (scenario->root != NULL && same_file(&now, &scenario->seen))
        return true;
    char *text = text_read(scenario->path);
    cJSON *root = cJSON_ParseWithOpts(text != NULL ? text : "", NULL, true);
    free(text);
    if (root == NULL)
        return fault_set(fault, "", "the scenario is not JSON");
    if (!scenario_check(root, fault)) {
        cJSON_Delete(root);
        return false;
    }
    cJSON_Delete(scenario->root);
    scenario->root = root;
    scenario->seen = now;
    memset(scenario->used, 0, sizeof scenario->used);
    return true;
}

const cJSON *scenario_peek(const struct scenario *scenario, enum list list)
{
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(scenario->root, list_names[list]);
    int last = cJSON_GetArraySize(items) - 1, next = scenario->used[list];
    return cJSON_GetArrayItem(items, next < last ? next : last);
}

void scenario_advance(struct scenario *scenario, enum list list)
{
    scenario->used[list]++;
}

const char *scenario_priorities(const struct scenario *scenario)
{
    return priorities_of(member_text(scenario->root, "tls", "both"));
}

const char *scenario_apex(const struct scenario *scenario, const char *id)
{
    const cJSON *zone;
    cJSON_ArrayForEach(zone, cJSON_GetObjectItemCaseSensitive(scenario->root, "zones"))
    {
        if (strcmp(zone_id(zone), id) == 0)
            return zone->string;
    }
    return NULL;
}
