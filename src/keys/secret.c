#include "secret.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "guard.h"

enum result secret_line(struct buf *secret, const char *name, struct err *err)
{
    if (secret->len > 0 && secret->data[secret->len - 1] == '\n')
        secret->data[--secret->len] = '\0';
    if (secret->len == 0)
        return err_set(err, RESULT_KEY, "%s: empty", name);
    for (size_t i = 0; i < secret->len; i++)
        if ((unsigned char)secret->data[i] < 0x20 || secret->data[i] == 0x7f)
            return err_set(err, RESULT_KEY,
                           "%s: more than one line, or a control character (a carriage return?): "
                           "it must hold the secret alone",
                           name);
    return RESULT_OK;
}

static enum result secret_file(const char *path, struct buf *out, struct err *err)
{
    enum result result = guard_read(path, GUARD_SECRET, RESULT_KEY, out, err);

    return result != RESULT_OK ? result : secret_line(out, path, err);
}

/* systemd gives the file to a service user by an ACL, which shows as group permission, so that
 * only "others" can be held against it. */
static enum result credential_open(const char *path, int *fd, struct err *err)
{
    struct stat status;

    if (guard_open(path, GUARD_PUBLIC, RESULT_KEY, fd, err) != RESULT_OK)
        return err->result;
    if (fstat(*fd, &status) != 0)
        return err_errno(err, RESULT_KEY, "%s: cannot look at it", path);
    if ((status.st_mode & 0007) != 0)
        return err_set(err, RESULT_KEY, "%s: others may read it: chmod o= it", path);
    return RESULT_OK;
}

static enum result secret_credential(const char *name, const struct place *place, struct buf *out,
                                     struct err *err)
{
    AUTO_BUF path = BUF_INIT(2 * SECRET_MAX);
    AUTO_FD fd = -1;

    if (place->credentials[0] == '\0')
        return err_set(err, RESULT_KEY,
                       "credential:%s: $CREDENTIALS_DIRECTORY is not set: start georder from a "
                       "systemd unit with LoadCredential=%s:PATH",
                       name, name);
    guard_path(&path, place->credentials, name);
    if (buf_check(&path, name, err) != RESULT_OK ||
        credential_open(buf_text(&path), &fd, err) != RESULT_OK)
        return err->result;
    if (file_read(fd, buf_text(&path), out, err) != RESULT_OK) {
        err->result = RESULT_KEY;
        return err->result;
    }
    return secret_line(out, buf_text(&path), err);
}

enum result secret_get(const struct secret_source *source, const struct place *place,
                       const char *attribute, const char *prompt, struct buf *out, struct err *err)
{
    switch (source->from) {
    case SECRET_FILE:
        return secret_file(source->name, out, err);
    case SECRET_CREDENTIAL:
        return secret_credential(source->name, place, out, err);
    case SECRET_PROMPT:
    default:
        break;
    }
    if (!place->interactive)
        return err_set(err, RESULT_KEY,
                       "nobody can be asked: add %s=file:PATH or %s=credential:NAME to the URI, "
                       "or run it on a terminal",
                       attribute, attribute);
    return prompt_read(prompt, out, err);
}
