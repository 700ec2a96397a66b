#include "rehearsal.h"

#include <stdio.h>
#include <string.h>

#define HOSTS_MAX 50

static bool word_check(const cJSON *order, const char *name, const char *const words[],
                       struct fault *fault)
{
    char pointer[64];
    const char *value = member_text(order, name, "");
    for (size_t i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], value) == 0)
            return true;
    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    return fault_set(fault, pointer, "\"%.60s\" is not a known %s", value, name);
}

static bool days_check(const cJSON *order, struct fault *fault)
{
    static const int days[] = {14, 30, 90, 365};
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(order, "validity_days");
    for (size_t i = 0; i < sizeof days / sizeof *days; i++)
        if (!(value->valuedouble < days[i]) && !(value->valuedouble > days[i]))
            return true;
    return fault_set(fault, "/validity_days", "validity_days is none of 14, 30, 90 and 365");
}

/* An A-label name, perhaps with one leading "*.". */
static bool host_valid(const char *host)
{
    size_t label = 0, len = strlen(host);
    if (strncmp(host, "*.", 2) == 0)
        host += 2;
    for (const char *c = host; *c != '\0'; c++) {
        bool edge = c == host || c[-1] == '.' || c[1] == '.' || c[1] == '\0';
        if (*c == '.' ? label == 0 : strchr("abcdefghijklmnopqrstuvwxyz0123456789-", *c) == NULL)
            return false;
        if (*c == '-' && edge)
            return false;
        label = *c == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return len > 0 && len <= 253 && label > 0;
}

static bool host_in_zone(const char *host, const char *apex)
{
    size_t len = strlen(host), end = strlen(apex);
    return strcmp(host, apex) == 0 ||
           (len > end + 1 && host[len - end - 1] == '.' && strcmp(host + len - end, apex) == 0);
}

static bool host_repeated(const cJSON *host)
{
    for (const cJSON *next = host->next; next != NULL; next = next->next)
        if (cJSON_IsString(next) && strcmp(next->valuestring, host->valuestring) == 0)
            return true;
    return false;
}

static bool host_check(const cJSON *host, int at, const char *apex, struct fault *fault)
{
    char pointer[64];
    (void)snprintf(pointer, sizeof pointer, "/hosts/%d", at);
    if (!cJSON_IsString(host) || !host_valid(host->valuestring))
        return fault_set(fault, pointer, "is not a valid host name");
    if (!host_in_zone(host->valuestring, apex))
        return fault_set(fault, pointer, "is not in the zone %s", apex);
    if (host_repeated(host))
        return fault_set(fault, pointer, "stands there twice");
    return true;
}

static bool hosts_check(const cJSON *order, const char *apex, struct fault *fault)
{
    const cJSON *hosts = cJSON_GetObjectItemCaseSensitive(order, "hosts"), *host;
    int at = 0, count = cJSON_GetArraySize(hosts);
    bool apex_seen = false, wildcard = false;
    if (count < 1 || count > HOSTS_MAX)
        return fault_set(fault, "/hosts", "hosts may not be empty or more than %d", HOSTS_MAX);
    cJSON_ArrayForEach(host, hosts)
    {
        if (!host_check(host, at++, apex, fault))
            return false;
        apex_seen = apex_seen || strcmp(host->valuestring, apex) == 0;
        wildcard = wildcard || host->valuestring[0] == '*';
    }
    if (!apex_seen)
        return fault_set(fault, "/hosts", "hosts must contain the zone apex %s", apex);
    if (wildcard && strcmp(member_text(order, "validation_method", ""), "http") == 0)
        return fault_set(fault, "/validation_method", "a wildcard cannot be validated by http");
    return true;
}

bool order_check(const cJSON *order, const char *apex, struct fault *fault)
{
    static const struct member known[] = {
        {"type", cJSON_String, true},
        {"hosts", cJSON_Array, true},
        {"validation_method", cJSON_String, true},
        {"validity_days", cJSON_Number, true},
        {"certificate_authority", cJSON_String, true},
        {"cloudflare_branding", BOOL_TYPES, false},
    };
    static const char *const types[] = {"advanced", NULL};
    static const char *const methods[] = {"txt", "http", "email", NULL};
    static const char *const authorities[] = {"google", "lets_encrypt", "ssl_com", NULL};
    return members_check(order, known, sizeof known / sizeof *known, fault) &&
           word_check(order, "type", types, fault) &&
           word_check(order, "validation_method", methods, fault) &&
           word_check(order, "certificate_authority", authorities, fault) &&
           days_check(order, fault) && hosts_check(order, apex, fault);
}
