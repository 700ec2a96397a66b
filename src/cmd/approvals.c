#include "approvals.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"

#define ETC_APPROVERS "/etc/georder/approvers.json"

static bool is_signature(const char *name)
{
    size_t len = strlen(name);

    return len > 4 && strcmp(name + len - 4, ".sig") == 0;
}

static char *bytes_copy(const struct buf *bytes)
{
    char *copy = malloc(bytes->len + 1);

    if (copy != NULL)
        memcpy(copy, buf_text(bytes), bytes->len + 1);
    return copy;
}

static enum result signature_add(struct signatures *out, const char *directory, const char *name,
                                 struct err *err)
{
    AUTO_BUF path = BUF_INIT(2 * PATH_MAX), text = BUF_INIT(SIGNATURE_MAX);
    struct signature_file *file = &out->file[out->count];

    if (out->count == SIGNATURES_MAX)
        return err_set(err, RESULT_CONFIG,
                       "%s has more than %d signatures: remove those that "
                       "are not needed",
                       directory, SIGNATURES_MAX);
    guard_path(&path, directory, name);
    if (guard_read(buf_text(&path), GUARD_PUBLIC, RESULT_CONFIG, &text, err) != RESULT_OK)
        return err->result;
    file->name = strdup(name);
    file->text = bytes_copy(&text);
    file->len = text.len;
    out->count++;
    if (file->name == NULL || file->text == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", directory);
    return RESULT_OK;
}

static int file_compare(const void *left, const void *right)
{
    const struct signature_file *a = left, *b = right;

    return strcmp(a->name, b->name);
}

static enum result directory_read(DIR *stream, const char *directory, struct signatures *out,
                                  struct err *err)
{
    const struct dirent *entry;

    while ((entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!is_signature(entry->d_name))
            out->ignored++;
        else if (signature_add(out, directory, entry->d_name, err) != RESULT_OK)
            return err->result;
    }
    qsort(out->file, out->count, sizeof *out->file, file_compare);
    return RESULT_OK;
}

enum result signatures_read(const char *path, struct signatures *out, struct err *err)
{
    AUTO_BUF directory = BUF_INIT(2 * PATH_MAX);
    enum result result;
    AUTO_FD fd = -1;
    DIR *stream;

    *out = (struct signatures){0};
    buf_printf(&directory, "%s.sig", path);
    if (access(buf_text(&directory), F_OK) != 0 && errno == ENOENT)
        return RESULT_OK;
    if (guard_open_directory(buf_text(&directory), RESULT_CONFIG, &fd, err) != RESULT_OK)
        return err->result;
    stream = fdopendir(fd);
    if (stream == NULL)
        return err_errno(err, RESULT_CONFIG, "%s cannot be read", buf_text(&directory));
    fd = -1; /* the stream has it */
    result = directory_read(stream, buf_text(&directory), out, err);
    (void)closedir(stream);
    return result;
}

void signatures_free(struct signatures *signatures)
{
    for (size_t i = 0; i < signatures->count; i++) {
        free((void *)(uintptr_t)signatures->file[i].name);
        free((void *)(uintptr_t)signatures->file[i].text);
    }
    *signatures = (struct signatures){0};
}

static enum result path_check(const struct buf *path, struct err *err)
{
    if (buf_ok(path))
        return RESULT_OK;
    return err_set(err, RESULT_CONFIG, "the path of the trust list is too long: at most %zu bytes",
                   path->max);
}

static enum result trust_list_find(const struct config *config, const char *file, struct buf *out,
                                   struct err *err)
{
    const char *named = file != NULL ? file : config != NULL ? config->approvers : NULL;

    if (named != NULL) {
        guard_path(out, file == NULL ? config->directory : ".", named);
        return path_check(out, err);
    }
    if (config != NULL)
        guard_path(out, config->directory, "approvers.json");
    if (config != NULL && access(buf_text(out), F_OK) == 0)
        return path_check(out, err);
    buf_reset(out);
    if (access(ETC_APPROVERS, F_OK) == 0)
        buf_puts(out, ETC_APPROVERS);
    return RESULT_OK;
}

enum result trust_list_read(const struct config *config, const char *file, struct trust_list *out,
                            struct err *err)
{
    AUTO_BUF path = BUF_INIT(PATH_MAX - 1);

    if (trust_list_find(config, file, &path, err) != RESULT_OK)
        return err->result;
    memcpy(out->path, buf_text(&path), path.len + 1);
    if (path.len == 0)
        return RESULT_OK;
    if (guard_read(out->path, GUARD_PUBLIC, RESULT_CONFIG, &out->text, err) != RESULT_OK ||
        approvers_load(out->path, buf_text(&out->text), out->text.len, &out->approvers, err) !=
            RESULT_OK)
        return err->result;
    return signatures_read(out->path, &out->signatures, err);
}

void trust_list_free(struct trust_list *list)
{
    approvers_free(&list->approvers);
    signatures_free(&list->signatures);
    buf_free(&list->text);
}

cJSON *approvals_json(const struct approvals *approvals)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < approvals->count; i++) {
        const struct approval *approval = &approvals->item[i];
        cJSON *item = approval->valid ? cJSON_CreateObject() : NULL;

        if (item == NULL)
            continue;
        cJSON_AddStringToObject(item, "principal", approval->principal);
        cJSON_AddStringToObject(item, "key_type", approval->type);
        cJSON_AddStringToObject(item, "fingerprint", approval->fingerprint);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

/* The same person under another name: what stands before the "@" is most likely their login. */
static bool is_requester(const struct principal *principal, const char *requester)
{
    size_t len = strcspn(principal->name, "@");

    return principal_is_user(principal, requester) || strcmp(principal->name, requester) == 0 ||
           (strlen(requester) == len && strncmp(principal->name, requester, len) == 0);
}

static bool is_among(const struct approver *people, size_t count, const char *principal)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(people[i].principal, principal) == 0)
            return true;
    return false;
}

size_t approvals_by_others(const struct approvers *approvers, struct approvals *approvals,
                           const char *requester, struct approver out[SIGNATURES_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < approvals->count; i++) {
        struct approval *approval = &approvals->item[i];
        const struct principal *who =
            approval->valid ? approvers_find(approvers, approval->principal) : NULL;

        if (who == NULL)
            continue;
        if (is_requester(who, requester)) {
            approval->valid = false;
            (void)snprintf(approval->why, sizeof approval->why,
                           "made the request, and nobody approves their own");
        } else if (!is_among(out, count, who->name)) {
            out[count++] = (struct approver){who->name, who->group, who->groups};
        }
    }
    approvals->people = count;
    return count;
}
