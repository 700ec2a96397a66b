#include "helper_keys.h"

#include <fcntl.h>
#include <ftw.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keys.h"

char home[64];

#if GEORDER_SANITIZED
int __lsan_do_recoverable_leak_check(void);
#endif

static void must(bool good, const char *what)
{
    if (!good) {
        perror(what);
        abort();
    }
}

void home_make(void)
{
    AUTO_BUF conf = BUF_INIT(512);
    char path[128];

    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(home, sizeof home, "/tmp/georder-keys-XXXXXX");
    must(mkdtemp(home) != NULL, "mkdtemp");
    (void)snprintf(path, sizeof path, "%s/tokens", home);
    must(mkdir(path, 0700) == 0, "mkdir");
    buf_printf(&conf, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n",
               path);
    home_file("softhsm2.conf", buf_text(&conf), 0600);
    home_file("pin", PIN "\n", 0600);
    home_file("passphrase", "correct horse battery\n", 0600);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

void home_remove(void)
{
    must(strncmp(home, "/tmp/georder-keys-", 18) == 0, "home");
    must(nftw(home, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "nftw");
}

void home_file(const char *name, const char *text, mode_t mode)
{
    char path[128];
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
    must(fchmod(fd, mode) == 0 && close(fd) == 0, path);
}

void tool_run(const char *const argv[])
{
    char conf[128], *copy[32] = {NULL};
    int status, null;
    pid_t pid;

    for (size_t i = 0; argv[i] != NULL && i < 31; i++)
        must((copy[i] = strdup(argv[i])) != NULL, "strdup");
    (void)snprintf(conf, sizeof conf, "%s/softhsm2.conf", home);
    pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        null = open("/dev/null", O_RDWR);
        (void)dup2(null, 1);
        (void)dup2(null, 2);
        (void)setenv("SOFTHSM2_CONF", conf, 1);
        (void)unsetenv("LD_PRELOAD");
        (void)execvp(copy[0], copy);
        _exit(127);
    }
    must(waitpid(pid, &status, 0) == pid, "waitpid");
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s ended with %d", argv[0], status);
    for (size_t i = 0; copy[i] != NULL; i++)
        free(copy[i]);
}

void token_make(const char *label)
{
    tool_run((const char *const[]){"softhsm2-util", "--init-token", "--free", "--label", label,
                                   "--so-pin", "87654321", "--pin", PIN, NULL});
}

void pkcs11_tool(const char *token, const char *const argv[])
{
    const char *all[32] = {"pkcs11-tool", "--module", MODULE,  "--token-label",
                           token,         "--login",  "--pin", PIN};
    size_t n = 8;

    for (size_t i = 0; argv[i] != NULL && n < 31; i++)
        all[n++] = argv[i];
    tool_run(all);
}

static void role_child(int fd)
{
    int status;

    /* A module that hangs must not outlive a test that ran out of time. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* The module gets what KEYS_OPEN says, and no more. */
    (void)unsetenv("SOFTHSM2_CONF");
    status = keys_run(fd);
#if GEORDER_SANITIZED
    /* OpenSSL's generators are reached from its secure heap alone, where the checker cannot look.
     */
    OPENSSL_cleanup();
    if (status == 0 && __lsan_do_recoverable_leak_check() != 0)
        status = 99;
#endif
    _exit(status);
}

struct child role_start(void)
{
    struct child role = {.ipc = {.self = ROLE_MAIN, .peer = ROLE_KEYS}};
    struct err err;
    int fds[2];

    cr_assert_eq(ipc_pair(fds, &err), RESULT_OK, "%s", err.text);
    role.pid = fork();
    must(role.pid >= 0, "fork");
    if (role.pid == 0) {
        (void)close(fds[0]);
        role_child(fds[1]);
    }
    (void)close(fds[1]);
    role.ipc.fd = fds[0];
    return role;
}

void role_end(struct child *role)
{
    int status = -1;

    fd_close(&role->ipc.fd);
    must(waitpid(role->pid, &status, 0) == role->pid, "waitpid");
    cr_assert(WIFEXITED(status), "the role ended by signal %d", WTERMSIG(status));
    cr_assert_eq(WEXITSTATUS(status), 0, "the role ended with %d", WEXITSTATUS(status));
}

void ask(struct child *role, enum msg_type type, const struct buf *body, int fd,
         enum msg_type expected, struct msg *answer)
{
    struct err err = {0};

    *answer = (struct msg)MSG_INIT;
    cr_assert_eq(ipc_send(&role->ipc, type, body, fd, &err), RESULT_OK, "%s", err.text);
    cr_assert_eq(ipc_receive(&role->ipc, answer, clock_monotonic() + 30000, NULL, &err), RESULT_OK,
                 "%s", err.text);
    if (answer->type == MSG_KEYS_FAILED && expected != MSG_KEYS_FAILED) {
        (void)get_failure(answer, &err);
        cr_assert_fail("%s failed: %s", msg_name(type), err.text);
    }
    cr_assert_eq(answer->type, expected, "%s instead of %s", msg_name(answer->type),
                 msg_name(expected));
}

const char *helper_head = "";

void open_body(struct buf *body, const char *key, const char *alg, const char *credential)
{
    put_text(body, home);
    put_text(body, "");
    put_text(body, ORIGIN);
    put_text(body, key);
    put_text(body, alg);
    put_text(body, credential);
    put_text(body, "");
    put_text(body, "");
    put_text(body, helper_head);
    put_u32(body, KEYS_WRITES);
    put_u32(body, 30);
    put_text(body, "{\"shim.so\":{\"write\":[\".\"]}}");
    put_u32(body, 2);
    put_text(body, "SOFTHSM2_CONF");
    put_text(body, "softhsm2.conf");
    put_text(body, "SHIM_DIRECTORY"); /* tests/shim has what it is for */
    put_text(body, ".");
}

static void role_ask_open(struct child *role, const char *key, const char *alg,
                          const char *credential, enum msg_type expected, struct msg *answer)
{
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);

    open_body(&body, key, alg, credential);
    ask(role, MSG_KEYS_OPEN, &body, -1, expected, answer);
}

void role_open(struct child *role, const char *key, const char *credential, enum msg_type expected,
               struct msg *answer)
{
    role_ask_open(role, key, "", credential, expected, answer);
}

void role_open_alg(struct child *role, const char *key, const char *alg, enum msg_type expected,
                   struct msg *answer)
{
    role_ask_open(role, key, alg, "", expected, answer);
}

void role_create(struct child *role)
{
    AUTO_BUF body = BUF_INIT(64);
    AUTO_MSG answer = MSG_INIT;

    put_text(&body, "ES256");
    ask(role, MSG_KEYS_CREATE, &body, -1, MSG_KEYS_DONE, &answer);
}

void contains(const char *text, const char *part)
{
    cr_assert_not_null(strstr(text, part), "\"%s\" is not in: %s", part, text);
}

void fails_with(struct msg *answer, enum result result, const char *text)
{
    struct err err = {0};

    cr_assert_eq(get_failure(answer, &err), result, "%d instead of %d: %s", (int)err.result,
                 (int)result, err.text);
    contains(err.text, text);
}

void open_fails(const char *key, const char *credential, enum result result, const char *text)
{
    struct child role = role_start();
    AUTO_MSG answer = MSG_INIT;

    role_open(&role, key, credential, MSG_KEYS_FAILED, &answer);
    fails_with(&answer, result, text);
    role_end(&role);
}

void record_text(struct buf *out, unsigned sequence, const char *previous)
{
    buf_printf(out,
               "{\"class_uid\":6003,\"time\":1795458000123,\"metadata\":{\"sequence\":%u,\"uid\":"
               "\"0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\"},\"unmapped\":{\"georder\":{\"event\":"
               "\"order.intent\",\"previous\":\"%s\",\"origin\":\"" ORIGIN "\"}}}",
               sequence, previous);
}

void sign_ask(struct child *role, unsigned sequence, const char *previous, enum msg_type expected,
              struct msg *answer)
{
    AUTO_BUF payload = BUF_INIT(2048);
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);

    record_text(&payload, sequence, previous);
    put_bytes(&body, payload.data, payload.len);
    ask(role, MSG_KEYS_SIGN, &body, -1, expected, answer);
}
