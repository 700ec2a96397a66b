#include "helper_schema.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base.h"

static unsigned cases;

static void folder_path(const char *folder, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/%s", BINARY_DIR, folder);
}

void schema_start(const char *folder)
{
    char path[512];
    folder_path(folder, path, sizeof path);
    (void)mkdir(path, 0777);
    DIR *dir = opendir(path);
    cr_assert_not_null(dir);
    for (const struct dirent *at; (at = readdir(dir)) != NULL;)
        if (at->d_name[0] != '.')
            cr_assert_eq(unlinkat(dirfd(dir), at->d_name, 0), 0, "%s", at->d_name);
    (void)closedir(dir);
}

void schema_case(const char *folder, enum schema verdict, const char *text)
{
    char path[600], directory[512];
    struct err err = {0};
    folder_path(folder, directory, sizeof directory);
    (void)snprintf(path, sizeof path, "%s/%c%04u.json", directory, (char)verdict, cases++);
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    cr_assert(fd >= 0, "cannot write %s", path);
    cr_assert_eq(file_write(fd, path, text, strlen(text), &err), RESULT_OK, "%s", err.text);
}

void schema_agrees(const char *folder, const char *schema, const char *example)
{
    static char node[] = "node", script[] = SOURCE_DIR "/tests/node/policy_schema.mjs";
    char cases_path[512], schema_path[512], example_path[512];
    char *command[] = {node, script, schema_path, example_path, cases_path, NULL};
    pid_t child;
    int status = -1;
    folder_path(folder, cases_path, sizeof cases_path);
    (void)snprintf(schema_path, sizeof schema_path, "%s/policy/%s", SOURCE_DIR, schema);
    (void)snprintf(example_path, sizeof example_path, "%s/policy/%s", SOURCE_DIR, example);
    if (posix_spawnp(&child, node, NULL, NULL, command, environ) != 0)
        cr_skip_test("node is not installed");
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the script says what differs");
}
