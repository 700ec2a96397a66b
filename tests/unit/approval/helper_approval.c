#include "helper_approval.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
char house[64];

void house_make(void)
{
    (void)snprintf(house, sizeof house, "/tmp/georder-approval-XXXXXX");
    cr_assert_not_null(mkdtemp(house));
    cr_assert_eq(chdir(house), 0);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

void house_remove(void)
{
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(nftw(house, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void house_file(const char *name, const void *bytes, size_t len)
{
    struct err err = {0};
    AUTO_FD fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert(fd >= 0);
    cr_assert_eq(file_write(fd, name, bytes, len, &err), RESULT_OK, "%s", err.text);
}

void house_read(const char *name, struct buf *out)
{
    struct err err = {0};
    AUTO_FD fd = open(name, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0, "no %s", name);
    cr_assert_eq(file_read(fd, name, out, &err), RESULT_OK, "%s", err.text);
}

int house_run(const char *input, const char *const argv[])
{
    posix_spawn_file_actions_t files;
    char *words[16] = {NULL};
    int status = 0;
    pid_t pid;
    for (size_t i = 0; argv[i] != NULL; i++) {
        cr_assert(i < 15);
        words[i] = strdup(argv[i]);
    }
    cr_assert_eq(posix_spawn_file_actions_init(&files), 0);
    (void)posix_spawn_file_actions_addopen(&files, 0, input != NULL ? input : "/dev/null", O_RDONLY,
                                           0);
    (void)posix_spawn_file_actions_addopen(&files, 1, "out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)posix_spawn_file_actions_addopen(&files, 2, "messages", O_WRONLY | O_CREAT | O_TRUNC,
                                           0600);
    cr_assert_eq(posix_spawnp(&pid, argv[0], &files, NULL, words, environ), 0, "no %s", argv[0]);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    (void)posix_spawn_file_actions_destroy(&files);
    for (size_t i = 0; words[i] != NULL; i++)
        free(words[i]);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void key_make(const char *name, const char *type, const char *bits)
{
    const char *const argv[] = {"ssh-keygen", "-q", "-t", type, "-b", bits, "-N",
                                "",           "-C", name, "-f", name, NULL};
    cr_assert_eq(house_run(NULL, argv), 0, "ssh-keygen -t %s", type);
}

const char *key_line(const char *name)
{
    static char lines[8][4096];
    static unsigned next;
    char *line = lines[next++ % 8], path[64];
    AUTO_BUF text = BUF_INIT(4095);
    (void)snprintf(path, sizeof path, "%s.pub", name);
    house_read(path, &text);
    (void)snprintf(line, sizeof lines[0], "%.*s", (int)text.len - 1, buf_text(&text));
    return line;
}

void key_sign_bytes(const char *name, const char *namespace, const char *option, const void *bytes,
                    size_t len, struct buf *out)
{
    const char *const argv[] = {
        "ssh-keygen", "-Y", "sign", "-q", "-n", namespace, "-f", name, option != NULL ? "-O" : NULL,
        option,       NULL};
    house_file("message", bytes, len);
    cr_assert_eq(house_run("message", argv), 0, "ssh-keygen -Y sign -f %s", name);
    house_read("out", out);
}

void key_sign(const char *name, const char *namespace, const char *option, struct buf *out)
{
    key_sign_bytes(name, namespace, option, MESSAGE, strlen(MESSAGE), out);
}

bool openssh_accepts(const char *line, const char *namespace, const struct buf *signature)
{
    const char *const argv[] = {"ssh-keygen", "-Y", "verify",  "-f", "allowed",  "-I",
                                "alice",      "-n", namespace, "-s", "file.sig", NULL};
    AUTO_BUF allowed = BUF_INIT(8192);
    buf_printf(&allowed, "alice %s\n", line);
    house_file("allowed", buf_text(&allowed), allowed.len);
    house_file("file.sig", buf_text(signature), signature->len);
    house_file("message", MESSAGE, strlen(MESSAGE));
    return house_run("message", argv) == 0;
}

static void row_put(struct buf *text, const struct row *row)
{
    buf_printf(text, "{\"principal\": \"%s\", \"users\": [\"%.*s\"], \"groups\": [\"pki\"],\n",
               row->principal, (int)strcspn(row->principal, "@"), row->principal);
    buf_puts(text, "  \"keys\": [");
    for (size_t i = 0; i < ROW_KEYS && row->key[i] != NULL; i++)
        buf_printf(text, "%s\n    {\"key\": \"%s\"%s%s}", i == 0 ? "" : ",", row->key[i],
                   row->more != NULL ? ", " : "", row->more != NULL ? row->more : "");
    buf_puts(text, "]}");
}

struct approvers *approvers_make(int64_t revision, int threshold, const struct row *rows,
                                 size_t count, struct buf *text)
{
    struct approvers *out = NULL;
    struct err err = {0};
    buf_printf(text,
               "{\"georder_approvers\": 1, \"revision\": %lld, \"threshold\": %d,\n"
               "\"approvers\": [\n",
               (long long)revision, threshold);
    for (size_t i = 0; i < count; i++) {
        buf_puts(text, i == 0 ? "" : ",\n");
        row_put(text, &rows[i]);
    }
    buf_puts(text, "]}\n");
    cr_assert_eq(approvers_load("approvers.json", buf_text(text), text->len, &out, &err), RESULT_OK,
                 "%s", err.text);
    return out;
}

struct approvers *approvers_one(const char *line)
{
    const struct row row = {"alice@example.com", {line}, NULL};
    AUTO_BUF text = BUF_INIT(16384);
    return approvers_make(1, 1, &row, 1, &text);
}

void check_as_alice(const struct approvers *approvers, const struct buf *signature,
                    struct approval *out)
{
    const struct signed_bytes message = {APPROVAL_POLICY, MESSAGE, strlen(MESSAGE)};
    const struct signature_file file = {"alice@example.com.sig", buf_text(signature),
                                        signature->len};
    approval_check(approvers, &message, &file, NOW, out);
}

void expect_valid(const char *line, const struct buf *signature)
{
    struct approval got;
    struct approvers *approvers = approvers_one(line);
    check_as_alice(approvers, signature, &got);
    cr_assert(got.valid, "%s: %s", line, got.why);
    cr_assert_str_eq(got.why, "");
    cr_assert_str_eq(got.principal, "alice@example.com");
    cr_assert_str_eq(got.file, "alice@example.com.sig");
    cr_assert_eq(strncmp(line, got.type, strlen(got.type)), 0);
    approvers_free(&approvers);
}

void expect_refused(const char *line, const struct buf *signature, const char *why)
{
    struct approval got;
    struct approvers *approvers = approvers_one(line);
    check_as_alice(approvers, signature, &got);
    cr_assert(!got.valid, "is valid, but should not, for: %s", why);
    cr_assert(strstr(got.why, why) != NULL, "refused, but for \"%s\", not for \"%s\"", got.why,
              why);
    approvers_free(&approvers);
}
