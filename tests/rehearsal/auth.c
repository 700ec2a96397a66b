#include "rehearsal.h"

#include <string.h>
#include <strings.h>

#define TOKEN_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

static const char *token_text(const cJSON *entry)
{
    return cJSON_IsObject(entry) ? member_text(entry, "token", "") : cJSON_GetStringValue(entry);
}

static const cJSON *token_find(const struct scenario *scenario, const char *token)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(scenario->root, "tokens"))
    {
        if (strcmp(token_text(entry), token) == 0)
            return entry;
    }
    return NULL;
}

static bool malformed(struct answer *answer, int code, const char *text)
{
    answer_error_chain(answer, 400, 6003, "Invalid request headers", code, text);
    return false;
}

static bool refused(struct answer *answer, unsigned status)
{
    answer_error(answer, status, 10000, "Authentication error");
    return false;
}

static bool kind_check(const char *token, enum auth_for what, struct answer *answer)
{
    bool of_account = strncmp(token, "cfat_", 5) == 0;
    if (what == AUTH_USER_VERIFY && of_account) {
        answer_error(answer, 403, 1001, "This endpoint does not support account owned tokens");
        return false;
    }
    return what != AUTH_ACCOUNT_VERIFY || of_account || refused(answer, 403);
}

static bool token_check(const struct scenario *scenario, const char *value, enum auth_for what,
                        const cJSON **token, struct answer *answer)
{
    const char *text = value + strlen("Bearer ");
    if (strncasecmp(value, "Bearer ", 7) != 0 || *text == '\0' ||
        text[strspn(text, TOKEN_CHARACTERS)] != '\0')
        return malformed(answer, 6111, "Invalid format for Authorization header");
    *token = token_find(scenario, text);
    if (*token == NULL)
        return refused(answer, what == AUTH_ZONES ? 403 : 401);
    if (what == AUTH_ZONES && strcmp(member_text(*token, "status", "active"), "active") != 0)
        return refused(answer, 403);
    return kind_check(text, what, answer);
}

static bool key_check(const struct scenario *scenario, const char *email, const char *key,
                      struct answer *answer)
{
    if (strchr(email, '@') == NULL)
        return malformed(answer, 6102, "Invalid format for X-Auth-Email header");
    if (*key == '\0' || key[strspn(key, TOKEN_CHARACTERS)] != '\0')
        return malformed(answer, 6103, "Invalid format for X-Auth-Key header");
    const char *right_email = member_text(scenario->root, "email", NULL);
    const char *right_key = member_text(scenario->root, "key", NULL);
    if (right_email == NULL || right_key == NULL || strcmp(email, right_email) != 0 ||
        strcmp(key, right_key) != 0)
        return refused(answer, 403);
    return true;
}

bool auth_check(const struct scenario *scenario, const struct request *request, enum auth_for what,
                const cJSON **token, struct answer *answer)
{
    const char *authorization = member_text(request->headers, "authorization", NULL);
    const char *email = member_text(request->headers, "x-auth-email", NULL);
    const char *key = member_text(request->headers, "x-auth-key", NULL);
    *token = NULL;
    if (authorization != NULL)
        return token_check(scenario, authorization, what, token, answer);
    if (what != AUTH_ZONES || (email == NULL && key == NULL)) {
        answer_error(answer, what == AUTH_ZONES ? 401 : 400, 1001,
                     "Missing \"Authorization\" header");
        return false;
    }
    return key_check(scenario, email != NULL ? email : "", key != NULL ? key : "", answer);
}
