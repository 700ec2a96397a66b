/* The log held against its head, which here is a buffer that a test may alter. */
#include <string.h>

#include "helper_log.h"

static struct place {
    struct buf note;
    bool unreadable, unwritable;
    int reads, writes;
} place;

static enum result place_get(void *context, struct buf *note, struct err *err)
{
    (void)context;
    place.reads++;
    if (place.unreadable)
        return err_set(err, RESULT_KEY, "the token was taken out");
    buf_put(note, buf_text(&place.note), place.note.len);
    return RESULT_OK;
}

static enum result place_put(void *context, const struct buf *note, struct err *err)
{
    (void)context;
    place.writes++;
    if (place.unwritable)
        return err_set(err, RESULT_KEY, "the token is full");
    buf_reset(&place.note);
    buf_put(&place.note, buf_text(note), note->len);
    return RESULT_OK;
}

static void make(struct test_log *log)
{
    place = (struct place){.note = BUF_INIT(4096)};
    test_log_place(log);
    log->signer.head = place_get;
    log->signer.head_put = place_put;
    cr_assert_eq(audit_create(log->fd, TEST_ORIGIN, &log->signer, &log->err), RESULT_OK, "%s",
                 log->err.text);
    test_log_reopen(log);
}

static void end(struct test_log *log)
{
    buf_free(&place.note);
    test_log_free(log);
}

static void is_newest(struct test_log *log)
{
    AUTO_BUF checkpoint = BUF_INIT(4096);

    test_read(log, "checkpoint", &checkpoint);
    cr_assert_str_eq(buf_text(&place.note), buf_text(&checkpoint));
    cr_assert_eq(audit_head_state(log->audit, &log->err), RESULT_OK, "%s", log->err.text);
}

static void refuses(struct test_log *log, const char *part)
{
    const struct audit_event event = test_event("order.intent", "o");
    AUTO_BUF before = BUF_INIT(65536), after = BUF_INIT(65536);

    test_read(log, FIRST_SEGMENT, &before);
    cr_assert_eq(audit_append(log->audit, &event, NULL, 0, NULL, &log->err), RESULT_AUDIT);
    cr_assert_not_null(strstr(log->err.text, part), "%s", log->err.text);
    test_read(log, FIRST_SEGMENT, &after);
    cr_assert_str_eq(buf_text(&before), buf_text(&after));
}

static enum audit_verdict check(struct test_log *log, const struct buf *note)
{
    struct audit_checkpoint head;

    cr_assert_eq(
        audit_head_check(log->fd, TEST_ORIGIN, NULL, buf_text(note), note->len, &head, &log->err),
        RESULT_OK, "%s", log->err.text);
    return head.verdict;
}

Test(head, is_the_newest_checkpoint_after_each_append)
{
    struct test_log log;

    make(&log);
    for (int i = 0; i < 5; i++) {
        test_append(&log, "order.denied", "");
        is_newest(&log);
    }
    cr_assert_eq(check(&log, &place.note), AUDIT_INTACT);
    end(&log);
}

/* A read of a token costs: only what another process may have changed is looked at anew. */
Test(head, is_read_once_as_long_as_nobody_else_appends)
{
    struct test_log log;
    struct audit *other = NULL;
    const struct audit_event event = test_event("order.denied", "");

    make(&log);
    place.reads = 0;
    test_append(&log, "order.denied", "");
    test_append(&log, "order.denied", "");
    cr_assert_eq(place.reads, 1);
    cr_assert_eq(audit_open(log.fd, TEST_ORIGIN, &log.signer, &other, &log.err), RESULT_OK);
    cr_assert_eq(audit_append(other, &event, NULL, 0, NULL, &log.err), RESULT_OK);
    audit_close(&other);
    cr_assert_eq(place.reads, 2);
    test_append(&log, "order.denied", "");
    cr_assert_eq(place.reads, 3);
    is_newest(&log);
    end(&log);
}

Test(head, of_more_records_than_there_are_is_a_log_rolled_back)
{
    struct test_log log;
    AUTO_BUF segment = BUF_INIT(65536), checkpoint = BUF_INIT(4096);

    make(&log);
    test_append(&log, "order.denied", "");
    test_read(&log, FIRST_SEGMENT, &segment);
    test_read(&log, "checkpoint", &checkpoint);
    test_append(&log, "order.denied", "");
    test_write(&log, FIRST_SEGMENT, segment.data, segment.len);
    test_write(&log, "checkpoint", checkpoint.data, checkpoint.len);
    test_expect(&log, AUDIT_INTACT);
    cr_assert_eq(check(&log, &place.note), AUDIT_ROLLED_BACK);
    refuses(&log, "rolled_back: the log's head is of 3 records, but only 2 are there");
    end(&log);
}

/* Shorter, as long as, or longer than the other one. */
Test(head, of_other_records_is_a_log_forked)
{
    for (int more = 0; more < 3; more++) {
        struct test_log log;
        AUTO_BUF segment = BUF_INIT(65536), checkpoint = BUF_INIT(4096), head = BUF_INIT(4096);

        make(&log);
        test_append(&log, "order.denied", "");
        test_read(&log, FIRST_SEGMENT, &segment);
        test_read(&log, "checkpoint", &checkpoint);
        buf_put(&head, place.note.data, place.note.len);
        test_append(&log, "order.denied", "theirs");
        test_write(&log, FIRST_SEGMENT, segment.data, segment.len);
        test_write(&log, "checkpoint", checkpoint.data, checkpoint.len);
        buf_reset(&segment);
        buf_put(&segment, place.note.data, place.note.len); /* the head of theirs */
        place_put(NULL, &head, &log.err);
        for (int i = 0; i <= more; i++)
            test_append(&log, "order.denied", "ours");
        place_put(NULL, &segment, &log.err);
        test_log_reopen(&log);
        test_expect(&log, AUDIT_INTACT);
        cr_assert_eq(check(&log, &place.note), AUDIT_FORKED);
        refuses(&log, "forked: the key has signed two logs");
        end(&log);
    }
}

Test(head, that_is_gone_stops_the_log_until_it_begins_anew)
{
    struct test_log log;

    make(&log);
    test_append(&log, "order.denied", "");
    buf_reset(&place.note);
    test_log_reopen(&log);
    refuses(&log, "the log's head is gone");
    audit_head_begin(log.audit);
    test_append(&log, "log.anchored", "");
    is_newest(&log);
    buf_reset(&place.note);
    log_forget(log.audit); /* as if another process had appended */
    refuses(&log, "the log's head is gone");
    end(&log);
}

Test(head, that_is_no_checkpoint_of_this_log_stops_it)
{
    static const char *const garbage[] = {"x", "other.example/log\n1\nAAAA\n\nx", "\n"};

    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        struct test_log log;

        make(&log);
        buf_reset(&place.note);
        buf_puts(&place.note, garbage[i]);
        test_log_reopen(&log);
        cr_assert_eq(check(&log, &place.note), AUDIT_MALFORMED);
        refuses(&log, "malformed: the log's head");
        end(&log);
    }
}

/* Its signature counts: a root alone could be anybody's. */
Test(head, with_any_bit_flipped_is_not_believed)
{
    struct test_log log;

    make(&log);
    test_append(&log, "order.denied", "");
    for (size_t i = 0; i < place.note.len; i++) {
        place.note.data[i] ^= 1;
        cr_assert_neq(check(&log, &place.note), AUDIT_INTACT, "byte %zu", i);
        place.note.data[i] ^= 1;
    }
    cr_assert_eq(check(&log, &place.note), AUDIT_INTACT);
    end(&log);
}

Test(head, that_cannot_be_written_is_told_and_made_up_for)
{
    struct test_log log;

    make(&log);
    test_append(&log, "order.denied", "");
    place.unwritable = true;
    test_append(&log, "order.denied", "");
    cr_assert_eq(audit_head_state(log.audit, &log.err), RESULT_KEY);
    cr_assert_str_eq(log.err.text, "the token is full");
    test_append(&log, "order.denied", "");
    cr_assert_eq(audit_head_state(log.audit, &log.err), RESULT_KEY);
    place.unwritable = false;
    test_append(&log, "order.denied", "");
    is_newest(&log);
    end(&log);
}

/* It may know better than the log that was not held against it. */
Test(head, that_cannot_be_read_is_told_and_not_replaced)
{
    struct test_log log;

    make(&log);
    test_append(&log, "order.denied", "");
    test_log_reopen(&log);
    place.unreadable = true;
    place.writes = 0;
    test_append(&log, "order.denied", "");
    cr_assert_eq(audit_head_state(log.audit, &log.err), RESULT_KEY);
    cr_assert_eq(place.writes, 0);
    place.unreadable = false;
    test_append(&log, "order.denied", "");
    is_newest(&log);
    end(&log);
}

Test(head, of_a_log_without_one_is_never_there)
{
    struct test_log log;

    test_log_make(&log);
    test_append(&log, "order.denied", "");
    cr_assert_eq(audit_head_state(log.audit, &log.err), RESULT_AUDIT);
    test_log_free(&log);
}
