#include "rehearsal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static int journal_fd = -1;

bool journal_open(const char *path)
{
    journal_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return journal_fd >= 0;
}

static cJSON *event_new(const char *name, const struct connection *connection)
{
    char time[TIME_LEN + 1];
    cJSON *event = cJSON_CreateObject();
    cJSON_AddStringToObject(event, "event", name);
    text_time(now_ms(), time);
    cJSON_AddStringToObject(event, "time", time);
    if (connection != NULL)
        cJSON_AddNumberToObject(event, "connection", connection->id);
    return event;
}

/* One write with O_APPEND: lines of different threads never mix. */
static void event_write(cJSON *event)
{
    char *line = cJSON_PrintUnformatted(event);
    if (line == NULL)
        abort();
    size_t len = strlen(line);
    char *whole = text_copy(line, len + 1);
    whole[len] = '\n';
    if (write(journal_fd, whole, len + 1) != (ssize_t)len + 1)
        abort();
    free(whole);
    cJSON_free(line);
    cJSON_Delete(event);
}

void journal_started(const char *address, uint16_t port)
{
    cJSON *event = event_new("started", NULL);
    cJSON_AddStringToObject(event, "address", address);
    cJSON_AddNumberToObject(event, "port", port);
    event_write(event);
}

void journal_stopped(void)
{
    event_write(event_new("stopped", NULL));
}

void journal_connected(const struct connection *connection, const char *peer)
{
    cJSON *event = event_new("connection", connection);
    cJSON_AddStringToObject(event, "peer", peer);
    event_write(event);
}

static void handshake_facts(cJSON *event, gnutls_session_t session)
{
    char name[256] = "";
    size_t len = sizeof name;
    unsigned type;
    cJSON_AddStringToObject(event, "version",
                            gnutls_protocol_get_name(gnutls_protocol_get_version(session)));
    cJSON_AddStringToObject(event, "cipher", gnutls_ciphersuite_get(session));
    if (gnutls_server_name_get(session, name, &len, &type, 0) == 0)
        cJSON_AddStringToObject(event, "server_name", name);
    cJSON_AddBoolToObject(event, "resumed", gnutls_session_is_resumed(session) != 0);
}

void journal_handshake(const struct connection *connection, gnutls_session_t session, int code)
{
    cJSON *event = event_new(code == 0 ? "handshake" : "handshake_failed", connection);
    if (code == 0)
        handshake_facts(event, session);
    else
        cJSON_AddStringToObject(event, "error", gnutls_strerror(code));
    if (code == GNUTLS_E_FATAL_ALERT_RECEIVED)
        cJSON_AddStringToObject(event, "alert", gnutls_alert_get_name(gnutls_alert_get(session)));
    event_write(event);
}

void journal_closed(const struct connection *connection)
{
    cJSON *event = event_new("closed", connection);
    cJSON_AddNumberToObject(event, "requests", connection->requests);
    cJSON_AddNumberToObject(event, "bytes", (double)connection->bytes);
    event_write(event);
}

static bool header_is_secret(const char *name)
{
    static const char *const secret[] = {"authorization",       "x-auth-key",
                                         "x-auth-email",        "x-auth-user-service-key",
                                         "proxy-authorization", "cookie"};
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        if (strcmp(name, secret[i]) == 0)
            return true;
    return false;
}

/* The scheme, which is no secret, and the SHA-256 of what follows it. */
static cJSON *secret_digest(const char *value)
{
    char digest[SHA256_HEX + 1];
    const char *space = strchr(value, ' ');
    const char *secret = space != NULL ? space + 1 : value;
    cJSON *item = cJSON_CreateObject();
    if (strncasecmp(value, "Bearer ", 7) == 0)
        cJSON_AddStringToObject(item, "kind", "bearer");
    else
        cJSON_AddStringToObject(item, "kind", space != NULL ? "other" : "plain");
    text_sha256(secret, strlen(secret), digest);
    cJSON_AddStringToObject(item, "sha256", digest);
    return item;
}

static cJSON *headers_shown(const cJSON *headers)
{
    cJSON *shown = cJSON_CreateObject();
    const cJSON *header;
    cJSON_ArrayForEach(header, headers)
    {
        if (header_is_secret(header->string))
            cJSON_AddItemToObject(shown, header->string, secret_digest(header->valuestring));
        else
            cJSON_AddStringToObject(shown, header->string, header->valuestring);
    }
    return shown;
}

static cJSON *answer_shown(const struct answer *answer)
{
    char digest[SHA256_HEX + 1];
    cJSON *shown = cJSON_CreateObject();
    cJSON_AddStringToObject(shown, "behaviour", answer->behaviour);
    if (answer->drop)
        return shown;
    cJSON_AddNumberToObject(shown, "status", answer->status);
    cJSON_AddStringToObject(shown, "cf_ray", answer->cf_ray);
    cJSON_AddNumberToObject(shown, "bytes", (double)answer->len);
    text_sha256(answer->body != NULL ? answer->body : "", answer->len, digest);
    cJSON_AddStringToObject(shown, "sha256", digest);
    return shown;
}

void journal_request(const struct connection *connection, const struct request *request,
                     const struct answer *answer)
{
    cJSON *event = event_new("request", connection);
    cJSON_AddNumberToObject(event, "request", connection->requests);
    cJSON_AddStringToObject(event, "method", request->method);
    cJSON_AddStringToObject(event, "target", request->target);
    cJSON_AddStringToObject(event, "path", request->path);
    cJSON_AddItemToObject(event, "query", cJSON_Duplicate(request->query, true));
    cJSON_AddItemToObject(event, "headers", headers_shown(request->headers));
    cJSON_AddNumberToObject(event, "body_bytes", (double)request->len);
    cJSON_AddStringToObject(event, "body", request->body != NULL ? request->body : "");
    cJSON_AddBoolToObject(event, "complete", request->whole);
    if (answer != NULL)
        cJSON_AddItemToObject(event, "answer", answer_shown(answer));
    event_write(event);
}
