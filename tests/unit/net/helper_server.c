#include "helper_server.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int loopback_socket(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_geq(fd, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

uint16_t port_closed(void)
{
    uint16_t port;

    (void)loopback_socket(&port); /* bound, not listening: stays so as long as the test lives */
    return port;
}

void say_bytes(SSL *ssl, const void *bytes, size_t len)
{
    size_t done;

    (void)SSL_write_ex(ssl, bytes, len, &done);
}

void say(SSL *ssl, const char *text)
{
    say_bytes(ssl, text, strlen(text));
}

static size_t note(struct server_log *log, const void *bytes, size_t len)
{
    size_t at = atomic_load(&log->len);

    if (len < sizeof log->bytes - at)
        memcpy(log->bytes + at, bytes, len);
    atomic_store(&log->len, at + len);
    return at + len;
}

static bool request_whole(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");

    return end != NULL && (length == NULL || strlen(end + 4) >= strtoul(length + 16, NULL, 10));
}

static bool request_read(SSL *ssl, struct server_log *log)
{
    size_t start = atomic_load(&log->len), got;
    char bytes[16384];

    while (SSL_read_ex(ssl, bytes, sizeof bytes, &got) == 1) {
        (void)note(log, bytes, got);
        if (request_whole(log->bytes + start))
            return true;
    }
    return false;
}

static SSL_CTX *server_ctx(const struct server_plan *plan)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (SSL_CTX_use_certificate(ctx, plan->leaf->cert) != 1 ||
        SSL_CTX_use_PrivateKey(ctx, plan->leaf->key) != 1)
        abort();
    for (size_t i = 0; i < 4 && plan->also[i] != NULL; i++) {
        X509_up_ref(plan->also[i]->cert);
        (void)SSL_CTX_add_extra_chain_cert(ctx, plan->also[i]->cert);
    }
    if (plan->max_tls != 0)
        (void)SSL_CTX_set_max_proto_version(ctx, plan->max_tls);
    return ctx;
}

static void connection_serve(SSL_CTX *ctx, int fd, const struct server_plan *plan,
                             struct server_log *log)
{
    SSL *ssl = SSL_new(ctx);

    (void)SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        atomic_fetch_add(&log->handshakes, 1);
        if (request_read(ssl, log)) {
            atomic_fetch_add(&log->requests, 1);
            plan->answer(ssl);
        }
        (void)SSL_shutdown(ssl);
    }
    SSL_free(ssl);
}

_Noreturn static void server_serve(int listener, const struct server_plan *plan,
                                   struct server_log *log)
{
    SSL_CTX *ctx = server_ctx(plan);

    for (;;) {
        int fd = accept(listener, NULL, NULL);

        atomic_fetch_add(&log->connections, 1);
        if (plan->mute)
            continue;
        connection_serve(ctx, fd, plan, log);
        (void)close(fd);
    }
}

static struct server role_start(int *listener)
{
    struct server server = {.log = mmap(NULL, sizeof *server.log, PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0)};

    cr_assert_neq(server.log, MAP_FAILED);
    *listener = loopback_socket(&server.port);
    cr_assert_eq(listen(*listener, 8), 0);
    server.pid = fork();
    cr_assert_geq(server.pid, 0);
    if (server.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGPIPE, SIG_IGN);
    }
    return server;
}

struct server server_start(const struct server_plan *plan)
{
    int listener;
    struct server server = role_start(&listener);

    if (server.pid == 0)
        server_serve(listener, plan, server.log);
    (void)close(listener);
    return server;
}

static bool relay(int from, int to)
{
    char bytes[4096];
    ssize_t got = read(from, bytes, sizeof bytes);

    return got > 0 && write(to, bytes, (size_t)got) == got;
}

static void tunnel(int client, uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.events = POLLIN}};
    static const char ok[] = "HTTP/1.1 200 Connected\r\nCF-RAY: of-the-proxy\r\n\r\n";
    bool open = true;

    fds[1].fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fds[1].fd, (struct sockaddr *)&to, sizeof to) != 0 ||
        write(client, ok, sizeof ok - 1) < 0)
        abort();
    while (open && poll(fds, 2, -1) > 0)
        for (int i = 0; i < 2 && open; i++)
            if (fds[i].revents != 0)
                open = relay(fds[i].fd, fds[1 - i].fd);
    (void)close(fds[1].fd);
}

struct server proxy_start(uint16_t to_port)
{
    int listener;
    struct server server = role_start(&listener);

    while (server.pid == 0) {
        int client = accept(listener, NULL, NULL);
        char bytes[4096];
        ssize_t got;

        atomic_fetch_add(&server.log->connections, 1);
        while (strstr(server.log->bytes, "\r\n\r\n") == NULL &&
               (got = read(client, bytes, sizeof bytes)) > 0)
            (void)note(server.log, bytes, (size_t)got);
        if (strstr(server.log->bytes, "\r\n\r\n") != NULL)
            tunnel(client, to_port);
        (void)close(client);
    }
    (void)close(listener);
    return server;
}

void server_stop(struct server *server)
{
    cr_assert_eq(kill(server->pid, SIGKILL), 0);
    cr_assert_eq(waitpid(server->pid, NULL, 0), server->pid);
}
