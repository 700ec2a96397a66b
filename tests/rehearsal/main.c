#include "rehearsal.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: rehearsal-api --directory CA --scenario FILE --ready FILE --log FILE\n"
    "                     [--port N] [--address 127.0.0.1|::1] [--certificate CHAIN --key KEY]\n"
    "                     [--verbose]\n"
    "A stand-in for the Cloudflare API on the loopback. tests/rehearsal/README.md has the "
    "scenario.\n";

enum argument { DIRECTORY, SCENARIO, READY, LOG, PORT, ADDRESS, CERTIFICATE, KEY, VERBOSE, HELP };

static const struct option options[] = {
    {"directory", required_argument, NULL, DIRECTORY},
    {"scenario", required_argument, NULL, SCENARIO},
    {"ready", required_argument, NULL, READY},
    {"log", required_argument, NULL, LOG},
    {"port", required_argument, NULL, PORT},
    {"address", required_argument, NULL, ADDRESS},
    {"certificate", required_argument, NULL, CERTIFICATE},
    {"key", required_argument, NULL, KEY},
    {"verbose", no_argument, NULL, VERBOSE},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)fputs("rehearsal-api: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(2);
}

static void arguments_read(int argc, char **argv, const char *value[HELP + 1])
{
    int option;
    value[PORT] = "0";
    value[ADDRESS] = "127.0.0.1";
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option < 0 || option > HELP)
            exit(2);
        value[option] = optarg != NULL ? optarg : "";
    }
    if (value[HELP] != NULL)
        exit(fputs(usage, stdout) == EOF);
    for (int i = DIRECTORY; i <= LOG; i++)
        if (value[i] == NULL)
            die("--%s is missing\n%s", options[i].name, usage);
    if (optind < argc)
        die("%s: no argument is wanted here", argv[optind]);
}

static uint16_t port_read(const char *text)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || port > UINT16_MAX)
        die("--port %s: a number from 0 to 65535 is wanted", text);
    return (uint16_t)port;
}

/* The file that was named, or else the one of this name among make-ca's. */
static char *pem_read(const char *named, const char *directory, const char *otherwise)
{
    char path[4096];
    if (named != NULL)
        (void)snprintf(path, sizeof path, "%s", named);
    else
        (void)snprintf(path, sizeof path, "%s/%s", directory, otherwise);
    char *text = text_read(path);
    if (text == NULL)
        die("%s: cannot be read (make-ca makes it)", path);
    return text;
}

/* Whoever waits for the file sees no half of a number. */
static void ready_write(const char *path, uint16_t port)
{
    char temporary[4096];
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    FILE *file = fopen(temporary, "we");
    if (file == NULL || fprintf(file, "%u\n", port) < 0 || fclose(file) != 0 ||
        rename(temporary, path) != 0)
        die("%s: cannot be written", path);
}

/* A pipeline that this process was started in must not wait for it. */
static void streams_release(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            die("/dev/null cannot be opened");
    (void)close(null);
}

static void signals_block(sigset_t *stop)
{
    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(stop);
    sigaddset(stop, SIGTERM);
    sigaddset(stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, stop, NULL);
}

static struct identity *identity_read(const char *const value[])
{
    char *certificates = pem_read(value[CERTIFICATE], value[DIRECTORY], "localhost.chain.pem");
    char *key = pem_read(value[KEY], value[DIRECTORY], "localhost.key");
    struct identity *identity = identity_load(certificates, key);
    if (identity == NULL)
        die("the certificate chain or the key is not PEM");
    free(certificates);
    free(key);
    return identity;
}

static struct server *serve(struct api *api, struct identity *identity, const char *const value[])
{
    struct server_options wanted = {value[ADDRESS], port_read(value[PORT]), identity};
    struct server *server = server_start(api, &wanted);
    if (server == NULL)
        die("%s port %s: cannot listen (is it in use? only 127.0.0.1 and ::1 can be)",
            value[ADDRESS], value[PORT]);
    journal_started(value[ADDRESS], server_port(server));
    ready_write(value[READY], server_port(server));
    return server;
}

static void api_open(struct api *api, const char *const value[])
{
    struct fault fault;
    api->scenario.path = value[SCENARIO];
    api->verbose = value[VERBOSE] != NULL;
    if (!scenario_refresh(&api->scenario, &fault))
        die("%s: %s: %s", value[SCENARIO], fault.pointer, fault.text);
    if (!journal_open(value[LOG]))
        die("%s: cannot be written", value[LOG]);
}

int main(int argc, char **argv)
{
    const char *value[HELP + 1] = {NULL};
    struct api api = {.lock = PTHREAD_MUTEX_INITIALIZER};
    sigset_t stop;
    int received;
    close_range(STDERR_FILENO + 1, ~0U, 0);
    arguments_read(argc, argv, value);
    struct identity *identity = identity_read(value);
    api_open(&api, value);
    signals_block(&stop);
    struct server *server = serve(&api, identity, value);
    if (!api.verbose)
        streams_release();
    sigwait(&stop, &received);
    server_stop(server);
    journal_stopped();
    identity_free(identity);
    packs_free(&api);
    cJSON_Delete(api.scenario.root);
    return 0;
}
