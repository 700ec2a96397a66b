#include "ipc.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define SEND_SECONDS 30 /* for the peer to make room: it reads all the time, or hangs */

struct rule {
    const char *name;
    enum role from, to;
    size_t max;
    enum often often;
    enum carries carries;
};

static const struct rule rules[MSG_COUNT] = {
#define X(name, from, to, max, often, carries)                                                     \
    [MSG_##name] = {#name, from, to, max, often, carries},
    ROLE_MESSAGES(X)
#undef X
};

static const struct rule *rule_of(enum msg_type type)
{
    return type > MSG_NONE && type < MSG_COUNT ? &rules[type] : NULL;
}

const char *msg_name(enum msg_type type)
{
    const struct rule *rule = rule_of(type);

    return rule != NULL ? rule->name : "unknown";
}

enum result ipc_pair(int fds[2], struct err *err)
{
    const struct timeval patience = {.tv_sec = SEND_SECONDS};

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return err_errno(err, RESULT_INTERNAL, "cannot make a pair of sockets");
    for (int i = 0; i < 2; i++) {
        int size = 2 * MSG_LIMIT;

        (void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        (void)setsockopt(fds[i], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    }
    return RESULT_OK;
}

/* What roles.h permits: this kind, from there to here, in this size, with this, now. */
static enum result permitted(enum msg_type type, enum role from, enum role to, size_t len, int fd,
                             uint64_t *seen, struct err *err)
{
    const struct rule *rule = rule_of(type);
    uint64_t bit;

    if (rule == NULL)
        return err_set(err, RESULT_INTERNAL, "message %d is unknown", (int)type);
    bit = UINT64_C(1) << type;
    if (rule->from != from || rule->to != to)
        return err_set(err, RESULT_INTERNAL, "message %s is not permitted here", rule->name);
    if (len > rule->max)
        return err_set(err, RESULT_INTERNAL, "message %s has %zu bytes, %zu are permitted",
                       rule->name, len, rule->max);
    if (rule->carries == NO_FD && fd >= 0)
        return err_set(err, RESULT_INTERNAL, "message %s carries a descriptor", rule->name);
    if (rule->often == ONCE && (*seen & bit) != 0)
        return err_set(err, RESULT_INTERNAL, "message %s came twice", rule->name);
    *seen |= bit;
    return RESULT_OK;
}

static void fd_attach(struct msghdr *header, void *control, size_t len, int fd)
{
    struct cmsghdr *part;

    header->msg_control = control;
    header->msg_controllen = len;
    part = CMSG_FIRSTHDR(header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(part), &fd, sizeof fd);
}

enum result ipc_send(struct ipc *ipc, enum msg_type type, const struct buf *body, int fd,
                     struct err *err)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    unsigned char kind = (unsigned char)type;
    size_t len = body != NULL ? body->len : 0;
    struct iovec parts[2] = {{&kind, 1}, {body != NULL ? body->data : NULL, len}};
    struct msghdr header = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent;

    if (body != NULL && buf_check(body, msg_name(type), err) != RESULT_OK)
        return err->result;
    if (permitted(type, ipc->self, ipc->peer, len, fd, &ipc->sent, err) != RESULT_OK)
        return err->result;
    if (fd >= 0)
        fd_attach(&header, control, sizeof control, fd);
    do
        sent = sendmsg(ipc->fd, &header, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EAGAIN)
        return err_set(err, RESULT_INTERNAL, "cannot send %s: the other process takes nothing",
                       msg_name(type));
    if (sent != (ssize_t)len + 1)
        return err_errno(err, RESULT_INTERNAL, "cannot send %s", msg_name(type));
    return RESULT_OK;
}

/* What has come is taken even after the deadline: this process may have been stopped meanwhile. */
static enum result wait_readable(int fd, int64_t deadline, struct err *err)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    for (;;) {
        int64_t left = deadline < 0 ? INT_MAX : deadline - clock_monotonic();
        int ready = poll(&poll_fd, 1, left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);

        if (ready > 0)
            return RESULT_OK;
        if (ready < 0 && errno != EINTR)
            return err_errno(err, RESULT_INTERNAL, "cannot wait for a message");
        if (deadline >= 0 && clock_monotonic() >= deadline)
            return err_set(err, RESULT_INTERNAL, "no answer in time");
    }
}

static int fd_detach(struct msghdr *header)
{
    int fd = -1;

    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL;
         part = CMSG_NXTHDR(header, part))
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
            part->cmsg_len == CMSG_LEN(sizeof fd))
            memcpy(&fd, CMSG_DATA(part), sizeof fd);
    return fd;
}

/* CMSG_LEN, not CMSG_SPACE: its padding would take in a second descriptor, unnoticed. */
static ssize_t message_read(int fd, unsigned char *kind, struct msg *msg)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    char *room = buf_room(&msg->body, MSG_LIMIT);
    struct iovec parts[2] = {{kind, 1}, {room, MSG_LIMIT}};
    struct msghdr header = {.msg_iov = parts,
                            .msg_iovlen = 2,
                            .msg_control = control,
                            .msg_controllen = CMSG_LEN(sizeof(int))};
    ssize_t got;

    if (room == NULL) {
        errno = ENOMEM;
        return -1;
    }
    do
        got = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got >= 0)
        msg->fd = fd_detach(&header);
    if (got >= 0 && (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        errno = EMSGSIZE;
        return -1;
    }
    return got;
}

/* The memory stays: who serves many messages need not have it made and wiped whole each time. */
static void msg_reset(struct msg *msg)
{
    fd_close(&msg->fd);
    buf_reset(&msg->body);
    msg->type = MSG_NONE;
    msg->at = 0;
    msg->malformed = false;
}

enum result ipc_receive(struct ipc *ipc, struct msg *msg, int64_t deadline, bool *open,
                        struct err *err)
{
    unsigned char kind = 0;
    ssize_t got;

    msg_reset(msg);
    if (deadline >= 0 && wait_readable(ipc->fd, deadline, err) != RESULT_OK)
        return err->result;
    got = message_read(ipc->fd, &kind, msg);
    if (open != NULL)
        *open = got > 0;
    if (got == 0 || (got < 0 && errno == ECONNRESET))
        return open != NULL ? RESULT_OK
                            : err_set(err, RESULT_INTERNAL, "the other process has ended");
    if (got < 0)
        return err_errno(err, RESULT_INTERNAL, "cannot receive a message");
    buf_grew(&msg->body, (size_t)got - 1);
    msg->type = (enum msg_type)kind;
    return permitted(msg->type, ipc->peer, ipc->self, msg->body.len, msg->fd, &ipc->received, err);
}

void msg_free(struct msg *msg)
{
    buf_free(&msg->body);
    fd_close(&msg->fd);
}

void put_u32(struct buf *body, uint32_t value)
{
    unsigned char bytes[4];

    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(value >> (24 - 8 * i));
    buf_put(body, bytes, sizeof bytes);
}

void put_u64(struct buf *body, uint64_t value)
{
    put_u32(body, (uint32_t)(value >> 32));
    put_u32(body, (uint32_t)value);
}

/* A NUL follows the bytes, uncounted, so that a text can be used where it lies. */
void put_bytes(struct buf *body, const void *bytes, size_t len)
{
    if (len > MSG_LIMIT) {
        body->failed = true;
        return;
    }
    put_u32(body, (uint32_t)len);
    buf_put(body, bytes, len);
    buf_putc(body, '\0');
}

void put_text(struct buf *body, const char *text)
{
    put_bytes(body, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

static const char *take(struct msg *msg, size_t len)
{
    const char *at;

    if (msg->malformed || len > msg->body.len - msg->at) {
        msg->malformed = true;
        return NULL;
    }
    at = msg->body.data + msg->at;
    msg->at += len;
    return at;
}

uint32_t get_u32(struct msg *msg)
{
    const char *at = take(msg, 4);
    uint32_t value = 0;

    for (int i = 0; at != NULL && i < 4; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

uint64_t get_u64(struct msg *msg)
{
    uint64_t high = get_u32(msg);

    return high << 32 | get_u32(msg);
}

const char *get_bytes(struct msg *msg, size_t *len)
{
    size_t counted = get_u32(msg);
    const char *at = take(msg, counted), *end = take(msg, 1);

    if (at == NULL || end == NULL || *end != '\0')
        msg->malformed = true;
    *len = msg->malformed ? 0 : counted;
    return msg->malformed ? "" : at;
}

const char *get_text(struct msg *msg)
{
    size_t len;
    const char *text = get_bytes(msg, &len);

    if (memchr(text, '\0', len) != NULL || !utf8_valid(text, len)) {
        msg->malformed = true;
        return "";
    }
    return text;
}

enum result msg_end(const struct msg *msg, struct err *err)
{
    if (msg->malformed || msg->at != msg->body.len)
        return err_set(err, RESULT_INTERNAL, "message %s is malformed", msg_name(msg->type));
    return RESULT_OK;
}

void put_failure(struct buf *body, const struct err *err)
{
    put_u32(body, (uint32_t)err->result);
    put_text(body, err->text);
}

enum result get_failure(struct msg *msg, struct err *err)
{
    uint32_t result = get_u32(msg);
    const char *text = get_text(msg);

    if (msg->malformed || result == RESULT_OK || result >= RESULT_COUNT)
        return err_set(err, RESULT_INTERNAL, "message %s is malformed", msg_name(msg->type));
    return err_set(err, (enum result)result, "%s", text);
}
