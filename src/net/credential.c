#include "credential.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define CREDENTIAL_MAX 4096

enum result header_add(struct curl_slist **headers, const char *line, struct err *err)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);

    if (longer == NULL)
        return err_set(err, RESULT_INTERNAL, "no memory for the request's headers");
    *headers = longer;
    return RESULT_OK;
}

/* False, and errno says why, when nothing can be read by then. */
static bool wait_readable(int fd, int64_t deadline)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int ready;

    do {
        int64_t left = deadline - clock_monotonic();

        errno = ETIMEDOUT;
        if (left <= 0)
            return false;
        ready = poll(&poll_fd, 1, (int)left);
    } while (ready == 0 || (ready < 0 && errno == EINTR));
    return ready > 0;
}

static enum result pipe_read(int fd, int64_t deadline, struct buf *out, struct err *err)
{
    for (;;) {
        char *room = buf_room(out, CREDENTIAL_MAX - out->len);
        ssize_t got;

        if (room == NULL)
            return err_set(err, RESULT_KEY, "no memory for the credential");
        got = wait_readable(fd, deadline) ? read(fd, room, CREDENTIAL_MAX - out->len) : -1;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, RESULT_KEY, "the credential did not come from georder-keys");
        if (got == 0)
            return RESULT_OK;
        buf_grew(out, (size_t)got);
        if (out->len == CREDENTIAL_MAX)
            return err_set(err, RESULT_KEY, "the credential is longer than %d bytes",
                           CREDENTIAL_MAX - 1);
    }
}

/* libcurl sends header lines as they are: nothing that could end one may be among them. */
static bool header_safe(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] <= 0x20 || text[i] >= 0x7f)
            return false;
    return len > 0;
}

static enum result line_add(struct curl_slist **headers, const char *name, const char *value,
                            size_t len, struct err *err)
{
    AUTO_BUF line = BUF_SECRET(CREDENTIAL_MAX + 64);

    if (!header_safe(value, len))
        return err_set(err, RESULT_KEY,
                       "the credential has characters that no credential has: store it anew with "
                       "`georder credential put`");
    buf_puts(&line, name);
    buf_put(&line, value, len);
    if (!buf_ok(&line))
        return err_set(err, RESULT_KEY, "no memory for the credential");
    return header_add(headers, buf_text(&line), err);
}

static enum result global_key_add(struct curl_slist **headers, const char *text, size_t len,
                                  struct err *err)
{
    const char *end = memchr(text, '\n', len);

    if (end == NULL)
        return err_set(err, RESULT_KEY, "the global key came without its e-mail address");
    if (line_add(headers, "X-Auth-Email: ", text, (size_t)(end - text), err) != RESULT_OK)
        return err->result;
    return line_add(headers, "X-Auth-Key: ", end + 1, len - (size_t)(end + 1 - text), err);
}

static enum result credential_add(struct curl_slist **headers, const char *text, size_t len,
                                  struct err *err)
{
    if (len == 0)
        return err_set(err, RESULT_KEY,
                       "no credential came: georder-keys could not open it (`georder doctor` "
                       "says why); nothing was sent");
    if (text[0] == 'B')
        return line_add(headers, "Authorization: Bearer ", text + 1, len - 1, err);
    if (text[0] == 'K')
        return global_key_add(headers, text + 1, len - 1, err);
    return err_set(err, RESULT_KEY, "the credential is of a kind that this version does not know");
}

enum result credential_take(int *pipe, int64_t deadline, struct curl_slist **headers,
                            struct err *err)
{
    AUTO_BUF secret = BUF_SECRET(CREDENTIAL_MAX);
    enum result result = pipe_read(*pipe, deadline, &secret, err);

    fd_close(pipe);
    if (result != RESULT_OK)
        return result;
    return credential_add(headers, buf_text(&secret), secret.len, err);
}
