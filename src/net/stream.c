#include "stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pin.h"

#define PIECE    (16 * KIB) /* one record of TLS */
#define STALL_MS 30000      /* for a server that takes nothing */
#define HEAR_MS  100        /* for one that does not stop talking */
#define CLOSE_MS 5000       /* for its end, once ours is told */

struct stream {
    struct exchange *x;
    SSL_CTX *ctx;
    SSL *ssl;
};

enum result stream_check(const struct net_request *request, struct err *err)
{
    struct address address;

    if (request->port == 0 || request->port > UINT16_MAX ||
        (!host_valid(request->host) && !address_parse(request->host, &address)))
        return err_set(err, RESULT_USAGE, "the syslog server's host and port are not well-formed");
    return times_check(request, err);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Waits for one of the two, the second of which may be -1. False: the time is up. */
static bool await(int fd, short events, int other, short *got, short *got_other, int64_t deadline)
{
    struct pollfd fds[2] = {{.fd = fd, .events = events}, {.fd = other, .events = POLLIN}};
    int ready = 0;

    while (ready <= 0) {
        int64_t left = deadline - clock_monotonic();

        if (left <= 0)
            return false;
        ready = poll(fds, 2, (int)left);
        if (ready < 0 && errno != EINTR)
            return false;
    }
    *got = fds[0].revents;
    *got_other = fds[1].revents;
    return true;
}

/* Whether to try again what TLS could not do at once. */
static bool tls_retry(const struct stream *stream, int returned, int64_t deadline)
{
    int error = SSL_get_error(stream->ssl, returned);
    short got, other;

    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        return false;
    if (await(SSL_get_fd(stream->ssl), error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, -1, &got,
              &other, deadline))
        return true;
    errno = ETIMEDOUT;
    return false;
}

/* OpenSSL names no reason when the connection was cut; a TLS fault has one. */
static const char *tls_cause(void)
{
    unsigned long code = ERR_peek_error();
    int error = errno;

    if (code != 0 && ERR_SYSTEM_ERROR(code) == 0)
        return ERR_reason_error_string(code);
    return error != 0 ? strerror(error) : "it was closed";
}

static enum result fail(const struct stream *stream, enum result result, const char *what,
                        struct err *err)
{
    const struct exchange *x = stream->x;

    if (x->err.result != RESULT_OK) {
        *err = x->err;
        return err->result;
    }
    return err_set(err, result, "%s to %s (%s) port %u: %s", what, x->request->host,
                   x->endpoint.text, (unsigned)x->endpoint.port, tls_cause());
}

static enum result stream_open(struct stream *stream, struct err *err)
{
    char *host = stream->x->target.host;
    struct address address;

    stream->ctx = SSL_CTX_new(TLS_client_method());
    if (stream->ctx == NULL || !pin_install(stream->ctx, stream->x))
        return err_set(err, RESULT_INTERNAL, "OpenSSL cannot be set up");
    stream->ssl = SSL_new(stream->ctx);
    if (stream->ssl == NULL || SSL_set_fd(stream->ssl, stream->x->socket) != 1 ||
        (!address_parse(host, &address) && SSL_set_tlsext_host_name(stream->ssl, host) != 1))
        return err_set(err, RESULT_INTERNAL, "OpenSSL cannot be set up");
    return RESULT_OK;
}

static bool is_cut(void)
{
    unsigned long code = ERR_peek_error();

    return code == 0 || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

static enum result handshake(struct stream *stream, struct err *err)
{
    int returned;

    do {
        ERR_clear_error();
        errno = 0;
        returned = SSL_connect(stream->ssl);
    } while (returned != 1 && tls_retry(stream, returned, stream->x->connect_deadline));
    if (returned != 1)
        return fail(stream, is_cut() ? RESULT_UNREACHED : RESULT_PEER, "no TLS", err);
    if (!pin_confirm(stream->ssl, stream->x))
        return fail(stream, RESULT_PEER, "no TLS", err);
    return peer_send(stream->x, err);
}

static enum result piece_send(struct stream *stream, const char *piece, size_t len, struct err *err)
{
    int64_t deadline = sooner(clock_monotonic() + STALL_MS, stream->x->deadline);
    int returned;

    do {
        ERR_clear_error();
        errno = 0;
        returned = SSL_write(stream->ssl, piece, (int)len);
    } while (returned <= 0 && tls_retry(stream, returned, deadline));
    return returned > 0 ? RESULT_OK : fail(stream, RESULT_UNKNOWN, "the connection broke", err);
}

/* A server has nothing to say: what it does say is not kept. False: the connection has ended. */
static bool server_heard(struct stream *stream, int64_t deadline)
{
    char piece[KIB];
    int returned;

    do {
        ERR_clear_error();
        errno = 0;
        returned = SSL_read(stream->ssl, piece, sizeof piece);
    } while (returned > 0 && clock_monotonic() < deadline);
    return returned > 0 || SSL_get_error(stream->ssl, returned) == SSL_ERROR_WANT_READ;
}

/* The next bytes of the pipe; 0 of them at its end. */
static enum result piece_read(struct stream *stream, char *piece, size_t *len, struct err *err)
{
    struct exchange *x = stream->x;
    short rows = 0, server = 0;
    ssize_t got;

    while (rows == 0) {
        if (!await(x->rows, POLLIN, x->socket, &rows, &server, x->deadline))
            return err_set(err, RESULT_UNKNOWN, "the time that one export may take is over");
        if (server != 0 && !server_heard(stream, clock_monotonic() + HEAR_MS))
            return fail(stream, RESULT_UNKNOWN, "the connection broke", err);
    }
    got = read(x->rows, piece, PIECE);
    if (got < 0)
        return err_errno(err, RESULT_INTERNAL, "messages cannot be read");
    *len = (size_t)got;
    return RESULT_OK;
}

/* Had the server not read all, its end of the connection would reset ours. */
static enum result stream_close(struct stream *stream, struct err *err)
{
    int64_t deadline = clock_monotonic() + CLOSE_MS;
    short got, other;

    ERR_clear_error();
    errno = 0;
    if (SSL_shutdown(stream->ssl) < 0 && (errno == ECONNRESET || errno == EPIPE))
        return fail(stream, RESULT_UNKNOWN, "the connection broke", err);
    (void)shutdown(stream->x->socket, SHUT_WR);
    while (await(stream->x->socket, POLLIN, -1, &got, &other, deadline)) {
        if (server_heard(stream, deadline))
            continue;
        if (errno == ECONNRESET)
            return fail(stream, RESULT_UNKNOWN, "the connection broke", err);
        break;
    }
    return RESULT_OK;
}

static enum result rows_send(struct stream *stream, struct err *err)
{
    static char piece[PIECE];
    size_t len = 0;

    do {
        if (piece_read(stream, piece, &len, err) != RESULT_OK)
            return err->result;
        stream->x->sending = stream->x->sending || len > 0;
        if (len > 0 && piece_send(stream, piece, len, err) != RESULT_OK)
            return err->result;
    } while (len > 0);
    return stream_close(stream, err);
}

enum net_outcome stream_run(struct exchange *x, struct err *err)
{
    struct stream stream = {.x = x};
    enum net_outcome outcome = NET_ANSWERED;

    if (stream_open(&stream, err) != RESULT_OK || handshake(&stream, err) != RESULT_OK ||
        rows_send(&stream, err) != RESULT_OK)
        outcome = x->sending ? NET_LOST : NET_UNSENT;
    SSL_free(stream.ssl);
    SSL_CTX_free(stream.ctx);
    return outcome;
}
