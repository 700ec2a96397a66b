/* libmicrohttpd over GnuTLS: connections, requests as they come in, answers as they go out. */
#include "rehearsal.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct server {
    struct MHD_Daemon *daemon;
    struct api *api;
    struct identity *identity;
    atomic_uint connections;
    atomic_bool stopping;
};

/* ---- connections */

static void peer_text(const struct sockaddr *peer, char out[64])
{
    char address[INET6_ADDRSTRLEN] = "?";
    uint16_t port = 0;
    if (peer->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)peer;
        (void)inet_ntop(AF_INET, &in->sin_addr, address, sizeof address);
        port = ntohs(in->sin_port);
    } else if (peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)peer;
        (void)inet_ntop(AF_INET6, &in6->sin6_addr, address, sizeof address);
        port = ntohs(in6->sin6_port);
    }
    (void)snprintf(out, 64, "[%s]:%u", address, port);
}

/* MHD keeps GnuTLS' session pointer to itself, but uses no session database: that pointer is free
 * to lead the wiretap and identity_show to the connection. */
static void session_prepare(struct server *server, struct MHD_Connection *mhd,
                            struct connection *connection)
{
    gnutls_session_t session =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
    struct fault fault;
    gnutls_db_set_ptr(session, connection);
    pthread_mutex_lock(&server->api->lock);
    (void)scenario_refresh(&server->api->scenario, &fault);
    (void)gnutls_priority_set_direct(session, scenario_priorities(&server->api->scenario), NULL);
    pthread_mutex_unlock(&server->api->lock);
}

static void connection_started(struct server *server, struct MHD_Connection *mhd, void **context)
{
    char peer[64];
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        abort();
    *context = connection;
    connection->id = ++server->connections;
    connection->identity = server->identity;
    peer_text(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr, peer);
    journal_connected(connection, peer);
    session_prepare(server, mhd, connection);
}

static void connection_changed(void *cls, struct MHD_Connection *mhd, void **context,
                               enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        connection_started(cls, mhd, context);
        return;
    }
    journal_closed(*context);
    free(*context);
    *context = NULL;
}

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* ---- requests */

static void *request_started(void *cls, const char *target, struct MHD_Connection *mhd)
{
    (void)cls, (void)mhd;
    struct request *request = calloc(1, sizeof *request);
    if (request == NULL)
        abort();
    connection_of(mhd)->requests++;
    request->target = text_copy(target, strlen(target));
    request->headers = cJSON_CreateObject();
    request->query = cJSON_CreateObject();
    (void)snprintf(request->path, sizeof request->path, "%.*s", (int)strcspn(target, "?"), target);
    return request;
}

static enum MHD_Result value_keep(void *cls, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    (void)kind;
    cJSON_AddStringToObject(cls, name, value != NULL ? value : "");
    return MHD_YES;
}

static enum MHD_Result header_keep(void *cls, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    char lower[128];
    size_t len = strnlen(name, sizeof lower - 1);
    for (size_t i = 0; i < len; i++)
        lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
    lower[len] = '\0';
    return value_keep(cls, kind, lower, value);
}

static void request_body_add(struct request *request, const char *bytes, size_t len)
{
    if (len > BODY_MAX - request->len) {
        request->too_large = true;
        return;
    }
    char *body = realloc(request->body, request->len + len + 1);
    if (body == NULL)
        abort();
    memcpy(body + request->len, bytes, len);
    request->body = body;
    request->len += len;
    request->body[request->len] = '\0';
}

static void request_ended(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_RequestTerminationCode why)
{
    struct request *request = *context;
    (void)cls, (void)why;
    if (request == NULL)
        return;
    if (!request->journaled)
        journal_request(connection_of(mhd), request, NULL);
    cJSON_Delete(request->headers);
    cJSON_Delete(request->query);
    free(request->target);
    free(request->body);
    free(request);
    *context = NULL;
}

/* ---- answers */

struct stream {
    struct server *server;
    char *body;
    size_t len, cut, piece;
    int piece_ms;
};

/* False when the server is told to stop first. */
static bool server_wait(const struct server *server, int64_t ms)
{
    const struct timespec tick = {.tv_nsec = 10 * 1000000};
    for (int64_t end = now_ms() + ms; now_ms() < end && !server->stopping;)
        (void)nanosleep(&tick, NULL);
    return !server->stopping;
}

static ssize_t stream_read(void *cls, uint64_t at, char *out, size_t max)
{
    const struct stream *stream = cls;
    size_t end = stream->cut < stream->len ? stream->cut : stream->len;
    if (at >= end)
        return end < stream->len ? MHD_CONTENT_READER_END_WITH_ERROR
                                 : MHD_CONTENT_READER_END_OF_STREAM;
    size_t len = end - (size_t)at < max ? end - (size_t)at : max;
    if (stream->piece != 0) {
        if (!server_wait(stream->server, stream->piece_ms))
            return MHD_CONTENT_READER_END_WITH_ERROR;
        len = len < stream->piece ? len : stream->piece;
    }
    memcpy(out, stream->body + at, len);
    return (ssize_t)len;
}

static void stream_free(void *cls)
{
    struct stream *stream = cls;
    free(stream->body);
    free(stream);
}

static void headers_put(struct MHD_Response *response, const struct answer *answer)
{
    char number[32];
    MHD_add_response_header(response, "Content-Type", answer->content_type);
    MHD_add_response_header(response, "CF-RAY", answer->cf_ray);
    MHD_add_response_header(response, "Server", "cloudflare");
    MHD_add_response_header(response, "Ratelimit", "\"default\";r=1199;t=300");
    MHD_add_response_header(response, "Ratelimit-Policy", "\"default\";q=1200;w=300");
    MHD_add_response_header(response, "Set-Cookie",
                            "__cflb=rehearsal; SameSite=Lax; path=/; HttpOnly");
    if (answer->location[0] != '\0')
        MHD_add_response_header(response, "Location", answer->location);
    if (answer->retry_after >= 0) {
        (void)snprintf(number, sizeof number, "%d", answer->retry_after);
        MHD_add_response_header(response, "Retry-After", number);
    }
}

/* Takes the answer's body. */
static enum MHD_Result answer_send(struct server *server, struct MHD_Connection *mhd,
                                   struct answer *answer)
{
    if (!server_wait(server, answer->delay_ms) || answer->drop)
        return MHD_NO;
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        abort();
    *stream = (struct stream){server,      answer->body,  answer->len,
                              answer->cut, answer->piece, answer->piece_ms};
    answer->body = NULL;
    struct MHD_Response *response = MHD_create_response_from_callback(
        answer->chunked ? MHD_SIZE_UNKNOWN : stream->len, 16384, stream_read, stream, stream_free);
    if (response == NULL)
        abort();
    headers_put(response, answer);
    enum MHD_Result queued = MHD_queue_response(mhd, answer->status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result request_begin(struct server *server, struct MHD_Connection *mhd,
                                     struct request *request, const char *method)
{
    struct answer dropped = {.behaviour = "drop_before", .drop = true};
    request->begun = true;
    (void)snprintf(request->method, sizeof request->method, "%s", method);
    MHD_get_connection_values(mhd, MHD_HEADER_KIND, header_keep, request->headers);
    MHD_get_connection_values(mhd, MHD_GET_ARGUMENT_KIND, value_keep, request->query);
    pthread_mutex_lock(&server->api->lock);
    bool drop = api_drops(server->api, request);
    if (drop)
        journal_request(connection_of(mhd), request, &dropped);
    request->journaled = drop;
    pthread_mutex_unlock(&server->api->lock);
    return drop ? MHD_NO : MHD_YES;
}

static enum MHD_Result request_finish(struct server *server, struct MHD_Connection *mhd,
                                      struct request *request)
{
    struct answer answer;
    answer_init(&answer);
    pthread_mutex_lock(&server->api->lock);
    api_handle(server->api, request, &answer);
    request->whole = true;
    request->journaled = true;
    journal_request(connection_of(mhd), request, &answer);
    pthread_mutex_unlock(&server->api->lock);
    enum MHD_Result sent = answer_send(server, mhd, &answer);
    answer_free(&answer);
    return sent;
}

static enum MHD_Result request_comes(void *cls, struct MHD_Connection *mhd, const char *url,
                                     const char *method, const char *version, const char *bytes,
                                     size_t *len, void **context)
{
    struct request *request = *context;
    (void)url, (void)version;
    if (!request->begun)
        return request_begin(cls, mhd, request, method);
    if (*len == 0)
        return request_finish(cls, mhd, request);
    request_body_add(request, bytes, *len);
    *len = 0;
    return MHD_YES;
}

/* ---- start and stop */

static bool address_make(const struct server_options *options, struct sockaddr_storage *out)
{
    struct sockaddr_in *in = (void *)out;
    struct sockaddr_in6 *in6 = (void *)out;
    memset(out, 0, sizeof *out);
    if (strcmp(options->address, "::1") == 0) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(options->port);
        in6->sin6_addr = in6addr_loopback;
        return true;
    }
    in->sin_family = AF_INET;
    in->sin_port = htons(options->port);
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return strcmp(options->address, "127.0.0.1") == 0;
}

struct server *server_start(struct api *api, const struct server_options *options)
{
    struct sockaddr_storage address;
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL || !address_make(options, &address)) {
        free(server);
        return NULL;
    }
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_POLL | MHD_USE_TLS;
    flags |= (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0U);
    flags |= (api->verbose ? MHD_USE_ERROR_LOG : 0U);
    server->api = api;
    server->identity = options->identity;
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, request_comes, server, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_HTTPS_CERT_CALLBACK, identity_show, MHD_OPTION_URI_LOG_CALLBACK, request_started,
        server, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, server,
        MHD_OPTION_NOTIFY_COMPLETED, request_ended, server, MHD_OPTION_CONNECTION_TIMEOUT, 30U,
        MHD_OPTION_END);
    if (server->daemon == NULL) {
        free(server);
        return NULL;
    }
    return server;
}

uint16_t server_port(const struct server *server)
{
    return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void server_stop(struct server *server)
{
    server->stopping = true;
    MHD_stop_daemon(server->daemon);
    free(server);
}
