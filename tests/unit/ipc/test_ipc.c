#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc.h"

static struct ipc main_end, keys_end;
static struct err err;

static void pair(void)
{
    int fds[2];

    cr_assert_eq(ipc_pair(fds, &err), RESULT_OK, "%s", err.text);
    main_end = (struct ipc){.fd = fds[0], .self = ROLE_MAIN, .peer = ROLE_KEYS};
    keys_end = (struct ipc){.fd = fds[1], .self = ROLE_KEYS, .peer = ROLE_MAIN};
}

TestSuite(ipc, .init = pair);

/* What a process that is owned by an attacker could send: not through ipc_send(). */
static void send_raw(int fd, unsigned char type, const void *bytes, size_t len)
{
    struct iovec parts[2] = {{&type, 1}, {(void *)(uintptr_t)bytes, len}};
    struct msghdr header = {.msg_iov = parts, .msg_iovlen = 2};

    cr_assert_eq(sendmsg(fd, &header, 0), (ssize_t)len + 1);
}

static void send_descriptors(int fd, unsigned char type, const int *descriptors, size_t count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {0};
    struct iovec part = {&type, 1};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);

    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(rights), descriptors, count * sizeof(int));
    cr_assert_eq(sendmsg(fd, &header, 0), 1);
}

static size_t descriptors_open(void)
{
    size_t count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

Test(ipc, carries_every_kind_of_field)
{
    AUTO_BUF body = BUF_INIT(MSG_LIMIT);
    AUTO_MSG msg = MSG_INIT;
    const char *bytes;
    size_t len;

    put_u32(&body, 0xdeadbeef);
    put_u64(&body, UINT64_C(0x0123456789abcdef));
    put_bytes(&body, "a\0b", 3);
    put_text(&body, "zone \xc3\xa9");
    put_text(&body, NULL);
    cr_assert_eq(ipc_send(&main_end, MSG_KEYS_OPEN, &body, -1, &err), RESULT_OK);
    cr_assert_eq(ipc_receive(&keys_end, &msg, clock_monotonic() + 1000, NULL, &err), RESULT_OK);
    cr_assert_eq(msg.type, MSG_KEYS_OPEN);
    cr_assert_eq(get_u32(&msg), 0xdeadbeef);
    cr_assert_eq(get_u64(&msg), UINT64_C(0x0123456789abcdef));
    bytes = get_bytes(&msg, &len);
    cr_assert_eq(len, 3);
    cr_assert_eq(memcmp(bytes, "a\0b", 3), 0);
    cr_assert_str_eq(get_text(&msg), "zone \xc3\xa9");
    cr_assert_str_eq(get_text(&msg), "");
    cr_assert_eq(msg_end(&msg, &err), RESULT_OK);
}

Test(ipc, carries_a_descriptor_that_closes_on_exec)
{
    AUTO_MSG msg = MSG_INIT;
    int fds[2];
    char got;

    cr_assert_eq(pipe(fds), 0);
    cr_assert_eq(ipc_send(&main_end, MSG_KEYS_CREDENTIAL, NULL, fds[1], &err), RESULT_OK);
    cr_assert_eq(ipc_receive(&keys_end, &msg, clock_monotonic() + 1000, NULL, &err), RESULT_OK);
    cr_assert_geq(msg.fd, 0);
    cr_assert_eq(fcntl(msg.fd, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(write(msg.fd, "x", 1), 1);
    cr_assert_eq(read(fds[0], &got, 1), 1);
    cr_assert_eq(got, 'x');
}

Test(ipc, takes_one_descriptor_and_only_where_the_map_permits_it)
{
    static const struct {
        unsigned char type;
        size_t count;
        const char *text;
    } bad[] = {
        {MSG_KEYS_CREDENTIAL, 2, "cannot receive a message: Message too long"},
        {MSG_KEYS_CREDENTIAL, 3, "cannot receive a message: Message too long"},
        {MSG_KEYS_SIGN, 1, "message KEYS_SIGN carries a descriptor"},
    };
    size_t before = descriptors_open();

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO_MSG msg = MSG_INIT;

        send_descriptors(main_end.fd, bad[i].type, (int[]){0, 1, 2}, bad[i].count);
        cr_assert_eq(ipc_receive(&keys_end, &msg, clock_monotonic() + 1000, NULL, &err),
                     RESULT_INTERNAL);
        cr_assert_str_eq(err.text, bad[i].text);
        msg_free(&msg);
        cr_assert_eq(descriptors_open(), before, "case %zu", i);
    }
    cr_assert_eq(ipc_send(&main_end, MSG_KEYS_SIGN, NULL, 0, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "message KEYS_SIGN carries a descriptor");
}

Test(ipc, refuses_to_send_what_the_map_does_not_permit)
{
    AUTO_BUF large = BUF_INIT(MSG_LIMIT);

    cr_assert_eq(ipc_send(&main_end, MSG_KEYS_READY, NULL, -1, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "message KEYS_READY is not permitted here");
    cr_assert_eq(ipc_send(&main_end, MSG_NET_REQUEST, NULL, -1, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "message NET_REQUEST is not permitted here");
    put_bytes(&large, (char[2000]){0}, 2000);
    cr_assert_eq(ipc_send(&main_end, MSG_KEYS_CHECKPOINT, &large, -1, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "message KEYS_CHECKPOINT has 2005 bytes, 1024 are permitted");
}

Test(ipc, refuses_a_message_from_the_wrong_side)
{
    AUTO_MSG msg = MSG_INIT;

    send_raw(keys_end.fd, MSG_KEYS_OPEN, "", 0);
    cr_assert_eq(ipc_receive(&main_end, &msg, clock_monotonic() + 1000, NULL, &err),
                 RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "message KEYS_OPEN is not permitted here");
}

Test(ipc, refuses_unknown_kinds)
{
    AUTO_MSG msg = MSG_INIT;

    send_raw(keys_end.fd, MSG_COUNT, "", 0);
    cr_assert_eq(ipc_receive(&main_end, &msg, clock_monotonic() + 1000, NULL, &err),
                 RESULT_INTERNAL);
    send_raw(keys_end.fd, 0, "", 0);
    cr_assert_eq(ipc_receive(&main_end, &msg, clock_monotonic() + 1000, NULL, &err),
                 RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "message 0 is unknown");
    send_raw(keys_end.fd, 255, "", 0);
    cr_assert_eq(ipc_receive(&main_end, &msg, clock_monotonic() + 1000, NULL, &err),
                 RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "message 255 is unknown");
}

Test(ipc, refuses_a_second_message_of_a_kind_that_comes_once)
{
    AUTO_MSG msg = MSG_INIT;

    for (int i = 0; i < 2; i++)
        send_raw(main_end.fd, MSG_KEYS_OPEN, "", 0);
    cr_assert_eq(ipc_receive(&keys_end, &msg, clock_monotonic() + 1000, NULL, &err), RESULT_OK);
    cr_assert_eq(ipc_receive(&keys_end, &msg, clock_monotonic() + 1000, NULL, &err),
                 RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "message KEYS_OPEN came twice");
}

Test(ipc, refuses_a_message_that_is_larger_than_its_kind_permits)
{
    char large[2000] = {0};
    AUTO_MSG msg = MSG_INIT;

    send_raw(main_end.fd, MSG_KEYS_CHECKPOINT, large, sizeof large);
    cr_assert_eq(ipc_receive(&keys_end, &msg, clock_monotonic() + 1000, NULL, &err),
                 RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "message KEYS_CHECKPOINT has 2000 bytes, 1024 are permitted");
}

Test(ipc, refuses_a_message_that_is_larger_than_any)
{
    static char large[MSG_LIMIT + 1];
    AUTO_MSG msg = MSG_INIT;

    send_raw(main_end.fd, MSG_KEYS_OPEN, large, sizeof large);
    cr_assert_eq(ipc_receive(&keys_end, &msg, clock_monotonic() + 1000, NULL, &err),
                 RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "cannot receive a message: Message too long");
}

Test(ipc, waits_no_longer_than_the_deadline)
{
    AUTO_MSG msg = MSG_INIT;
    int64_t start = clock_monotonic();

    cr_assert_eq(ipc_receive(&main_end, &msg, start + 50, NULL, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "no answer in time");
    cr_assert_geq(clock_monotonic() - start, 50);
}

/* A process that was stopped, by Ctrl-Z say, must not lose the answer that came meanwhile. */
Test(ipc, takes_what_came_although_the_deadline_has_passed)
{
    AUTO_MSG msg = MSG_INIT;

    send_raw(keys_end.fd, MSG_KEYS_READY, "", 0);
    cr_assert_eq(ipc_receive(&main_end, &msg, clock_monotonic() - 1, NULL, &err), RESULT_OK, "%s",
                 err.text);
    cr_assert_eq(msg.type, MSG_KEYS_READY);
    cr_assert_eq(ipc_receive(&main_end, &msg, clock_monotonic() - 1, NULL, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "no answer in time");
}

Test(ipc, does_not_wait_for_ever_to_send)
{
    AUTO_BUF large = BUF_INIT(MSG_LIMIT);
    struct timeval patience = {0}, less = {.tv_usec = 20000};
    socklen_t len = sizeof patience;
    enum result result = RESULT_OK;

    cr_assert_eq(getsockopt(main_end.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, &len), 0);
    cr_assert_eq(patience.tv_sec, 30);
    cr_assert_eq(setsockopt(main_end.fd, SOL_SOCKET, SO_SNDTIMEO, &less, sizeof less), 0);
    put_bytes(&large, (char[60000]){0}, 60000);
    for (int i = 0; i < 100 && result == RESULT_OK; i++)
        result = ipc_send(&main_end, MSG_KEYS_SIGN, &large, -1, &err);
    cr_assert_eq(result, RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "cannot send KEYS_SIGN: the other process takes nothing");
}

Test(ipc, tells_that_the_peer_has_closed)
{
    AUTO_MSG msg = MSG_INIT;
    bool open = true;

    (void)close(main_end.fd);
    cr_assert_eq(ipc_receive(&keys_end, &msg, -1, &open, &err), RESULT_OK);
    cr_assert_not(open);
    cr_assert_eq(ipc_receive(&keys_end, &msg, -1, NULL, &err), RESULT_INTERNAL);
    cr_assert_str_eq(err.text, "the other process has ended");
}

/* Every prefix of a good body, and every length field that lies, is malformed. */
Test(ipc, notices_fields_that_are_cut_or_lie)
{
    AUTO_BUF good = BUF_INIT(MSG_LIMIT);

    put_text(&good, "text");
    put_u64(&good, 7);
    for (size_t len = 0; len <= good.len + 1; len++) {
        AUTO_MSG msg = MSG_INIT;

        msg.type = MSG_KEYS_CHECKPOINT;
        buf_put(&msg.body, good.data, len < good.len ? len : good.len);
        if (len > good.len)
            buf_putc(&msg.body, 'x');
        (void)get_text(&msg);
        (void)get_u64(&msg);
        cr_assert_eq(msg_end(&msg, &err), len == good.len ? RESULT_OK : RESULT_INTERNAL, "at %zu",
                     len);
    }
}

Test(ipc, text_has_no_nul_and_is_utf8)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {{"a\0b", 3}, {"\xff", 1}, {"\xed\xa0\x80", 3}};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO_MSG msg = MSG_INIT;

        put_bytes(&msg.body, bad[i].bytes, bad[i].len);
        cr_assert_str_eq(get_text(&msg), "");
        cr_assert_eq(msg_end(&msg, &err), RESULT_INTERNAL);
    }
}

Test(ipc, a_failure_comes_across_and_is_never_ok)
{
    AUTO_MSG msg = MSG_INIT, ok = MSG_INIT;
    struct err sent = {.result = RESULT_KEY, .text = "no token is labelled x"};

    put_failure(&msg.body, &sent);
    cr_assert_eq(get_failure(&msg, &err), RESULT_KEY);
    cr_assert_str_eq(err.text, "no token is labelled x");
    sent.result = RESULT_OK;
    put_failure(&ok.body, &sent);
    cr_assert_eq(get_failure(&ok, &err), RESULT_INTERNAL);
}

Test(net_msg, a_request_reads_back)
{
    AUTO_MSG msg = MSG_INIT;
    struct net_request sent = {.method = NET_POST,
                               .host = "api.example",
                               .port = 443,
                               .path = "/client/v4/x",
                               .body = "{}",
                               .minimum_tls = 0x0304,
                               .connect_ms = 1,
                               .total_ms = 2,
                               .pins = 2,
                               .networks = 1},
                       got;

    memset(sent.pin[1], 7, SHA256_LEN);
    sent.network[0] = "104.16.0.0/13";
    put_net_request(&msg.body, &sent);
    get_net_request(&msg, &got);
    cr_assert_eq(msg_end(&msg, &err), RESULT_OK);
    cr_assert_eq(got.method, NET_POST);
    cr_assert_str_eq(got.host, "api.example");
    cr_assert_str_eq(got.body, "{}");
    cr_assert_str_eq(got.proxy, "");
    cr_assert_eq(got.pins, 2);
    cr_assert_eq(memcmp(got.pin, sent.pin, 2 * SHA256_LEN), 0);
    cr_assert_str_eq(got.network[0], "104.16.0.0/13");
    cr_assert_eq(got.total_ms, 2);
}

/* Whatever else main may have set, a stream has no path, no pins, no networks, no credential. */
Test(net_msg, a_stream_reads_back)
{
    AUTO_MSG msg = MSG_INIT, odd = MSG_INIT;
    struct net_request sent = {.host = "siem.example.com",
                               .port = 6514,
                               .path = "/client/v4/x",
                               .connect_ms = 1,
                               .total_ms = 2,
                               .pins = 1},
                       got;

    put_net_stream(&msg.body, &sent);
    get_net_stream(&msg, &got);
    cr_assert_eq(msg_end(&msg, &err), RESULT_OK);
    cr_assert_str_eq(got.host, "siem.example.com");
    cr_assert_eq(got.port, 6514);
    cr_assert_eq(got.connect_ms, 1);
    cr_assert_eq(got.total_ms, 2);
    cr_assert_eq(got.minimum_tls, 0x0303);
    cr_assert(got.anchor && got.pins == 0 && got.networks == 0 && !got.plain);
    cr_assert_str_eq(got.path, "");
    sent.port = 65536;
    put_net_stream(&odd.body, &sent);
    get_net_stream(&odd, &got);
    cr_assert_neq(msg_end(&odd, &err), RESULT_OK);
}

/* The money rule: whatever net says that cannot be read means that an order may exist. */
Test(net_msg, an_anchor_reads_back)
{
    struct net_request sent = {.plain = true,
                               .host = "tsa.example.com",
                               .port = 80,
                               .path = "/tsr",
                               .content_type = "application/timestamp-query",
                               .body = "0\0\xff\n",
                               .body_len = 4,
                               .proxy = "",
                               .minimum_tls = 0x0303,
                               .connect_ms = 1,
                               .total_ms = 2,
                               .answer_max = NET_ANSWER_MAX};
    AUTO_MSG msg = MSG_INIT, large = MSG_INIT;
    struct net_request got;

    put_net_anchor(&msg.body, &sent);
    get_net_anchor(&msg, &got);
    cr_assert_eq(msg_end(&msg, &err), RESULT_OK);
    cr_assert(got.anchor && got.plain && got.method == NET_POST && got.port == 80);
    cr_assert(got.pins == 0 && got.networks == 0 && got.total_ms == 2);
    cr_assert_str_eq(got.host, "tsa.example.com");
    cr_assert_str_eq(got.content_type, "application/timestamp-query");
    cr_assert_str_eq(got.resolve, "");
    cr_assert_eq(got.body_len, 4);
    cr_assert_arr_eq(got.body, "0\0\xff\n", 4);
    sent.answer_max++;
    put_net_anchor(&large.body, &sent);
    get_net_anchor(&large, &got);
    cr_assert_eq(msg_end(&large, &err), RESULT_INTERNAL);
}

Test(net_msg, an_end_that_cannot_be_read_is_a_loss)
{
    AUTO_MSG cut = MSG_INIT, odd = MSG_INIT, lying = MSG_INIT;
    struct err none = {0};

    put_u32(&cut.body, NET_UNSENT);
    cr_assert_eq(get_net_end(&cut, &err), NET_LOST);
    put_net_end(&odd.body, (enum net_outcome)9, &none);
    cr_assert_eq(get_net_end(&odd, &err), NET_LOST);
    put_net_end(&lying.body, NET_UNSENT, &none);
    cr_assert_eq(get_net_end(&lying, &err), NET_LOST);
}
