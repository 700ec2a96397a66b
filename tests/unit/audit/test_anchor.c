/* Anchors: taken, kept, and held against the log. */
#include "helper_witness.h"

#include <openssl/ts.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cosignature.h"

static struct test_log log_;
static struct test_witness witness_;
static struct test_tsa tsa_;
static struct buf query = BUF_INIT(64 * 1024), response = BUF_INIT(64 * 1024);

static void append_at(int64_t time)
{
    struct audit_event event = test_event("order.intent", "");

    event.time = time;
    cr_assert_eq(audit_append(log_.audit, &event, NULL, 0, NULL, &log_.err), RESULT_OK, "%s",
                 log_.err.text);
}

static void grow(int records)
{
    for (int i = 0; i < records; i++)
        append_at(clock_now());
}

static void setup(void)
{
    test_log_make(&log_);
    test_witness_make(&witness_, "witness.example/w1");
    test_tsa_make(&tsa_, -1000, 1000, "critical,timeStamping");
    grow(4);
}

static void teardown(void)
{
    test_log_free(&log_);
    test_witness_free(&witness_);
    test_tsa_free(&tsa_);
    buf_free(&query);
    buf_free(&response);
}

TestSuite(anchor, .init = setup, .fini = teardown);

static void head_read(struct anchor_head *head)
{
    cr_assert_eq(anchor_head_read(log_.fd, TEST_ORIGIN, log_.key.kid, head, &log_.err), RESULT_OK,
                 "%s", log_.err.text);
}

static void read_again(const char *name, struct buf *out)
{
    buf_reset(out);
    test_read(&log_, name, out);
}

struct seen {
    size_t count;
    uint64_t unchecked;
    struct anchor anchor[16];
};

static enum result see(void *context, const struct anchor *anchor, struct err *err)
{
    struct seen *seen = context;

    (void)err;
    cr_assert_lt(seen->count, 16);
    seen->anchor[seen->count++] = *anchor;
    return RESULT_OK;
}

static void look(struct seen *seen)
{
    const struct anchor_trust trust = {
        .witness = &witness_.witness, .witnesses = 1, .authorities = &tsa_.pem};

    *seen = (struct seen){0};
    cr_assert_eq(audit_anchors(log_.fd, TEST_ORIGIN, log_.key.kid, &trust, see, seen,
                               &seen->unchecked, &log_.err),
                 RESULT_OK, "%s", log_.err.text);
}

static void found_is(enum audit_verdict verdict, const char *text)
{
    struct seen seen;

    look(&seen);
    cr_assert_eq(seen.count, 1);
    cr_assert_eq(seen.anchor[0].verdict, verdict, "%s: %s",
                 audit_verdict_name(seen.anchor[0].verdict), seen.anchor[0].text);
    cr_assert_not_null(strstr(seen.anchor[0].text, text), "%s", seen.anchor[0].text);
}

static enum result stamp_take(struct test_tsa *tsa, const struct buf *authorities,
                              struct anchor *out)
{
    AUTO_ANCHOR_HEAD head = ANCHOR_HEAD_INIT;

    head_read(&head);
    cr_assert_eq(timestamp_query(&head, &query, &log_.err), RESULT_OK);
    test_stamp(tsa, &query, &response);
    return timestamp_take(log_.fd, &head, &query, authorities, response.data, response.len, out,
                          &log_.err);
}

static void stamp(void)
{
    struct anchor out;

    cr_assert_eq(stamp_take(&tsa_, &tsa_.pem, &out), RESULT_OK, "%s", log_.err.text);
}

static enum result answer_take(const struct anchor_head *head, uint64_t old, int status,
                               const char *type, const char *body, uint64_t *again,
                               struct anchor *out)
{
    const struct witness_answer answer = {old, status, type, body, strlen(body)};

    log_.err = (struct err){0};
    return witness_take(log_.fd, head, &witness_.witness, &answer, again, out, &log_.err);
}

static enum result cosign_at(int64_t seconds)
{
    AUTO_ANCHOR_HEAD head = ANCHOR_HEAD_INIT;
    AUTO_BUF line = BUF_INIT(1024);
    struct anchor out;
    uint64_t again;

    head_read(&head);
    test_cosign(&witness_, head.note.data, note_text_len(head.note.data, head.note.len), seconds,
                &line);
    return answer_take(&head, 0, 200, "", line.data, &again, &out);
}

static void cosign(void)
{
    cr_assert_eq(cosign_at(time(NULL)), RESULT_OK, "%s", log_.err.text);
}

Test(anchor, time_stamp_is_taken_kept_and_found)
{
    struct seen seen;
    AUTO_BUF kept = BUF_INIT(64 * 1024), checkpoint = BUF_INIT(4096);

    stamp();
    read_again("anchors/000000000005.tsr", &kept);
    cr_assert_eq(kept.len, response.len);
    cr_assert_arr_eq(kept.data, response.data, kept.len);
    read_again("anchors/000000000005.checkpoint", &kept);
    read_again("checkpoint", &checkpoint);
    cr_assert_str_eq(kept.data, checkpoint.data);
    grow(3);
    look(&seen);
    cr_assert_eq(seen.count, 1);
    cr_assert_eq(seen.anchor[0].kind, ANCHOR_STAMP);
    cr_assert_eq(seen.anchor[0].verdict, AUDIT_INTACT, "%s", seen.anchor[0].text);
    cr_assert_eq(seen.anchor[0].size, 5);
    cr_assert_str_eq(seen.anchor[0].by, "CN=Stamp");
    cr_assert_leq(clock_now() - seen.anchor[0].time, 60000);
    test_expect(&log_, AUDIT_INTACT);
}

Test(anchor, two_queries_have_two_nonces)
{
    AUTO_ANCHOR_HEAD head = ANCHOR_HEAD_INIT;
    struct anchor out;

    head_read(&head);
    cr_assert_eq(timestamp_query(&head, &query, &log_.err), RESULT_OK);
    test_stamp(&tsa_, &query, &response);
    cr_assert_eq(timestamp_query(&head, &query, &log_.err), RESULT_OK);
    cr_assert_eq(timestamp_take(log_.fd, &head, &query, &tsa_.pem, response.data, response.len,
                                &out, &log_.err),
                 RESULT_AUDIT);
    cr_assert_not_null(strstr(log_.err.text, "nonce mismatch"), "%s", log_.err.text);
    cr_assert(!test_exists(&log_, "anchors/000000000005.tsr"));
}

static void query_change(const char *text, size_t len, struct buf *out)
{
    const unsigned char *at = (unsigned char *)query.data;
    TS_REQ *made = d2i_TS_REQ(NULL, &at, (long)query.len);
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_dup(TS_REQ_get_msg_imprint(made));
    uint8_t digest[SHA256_LEN];
    unsigned char *der = NULL;
    int size;

    sha256(text, len, digest);
    cr_assert_eq(TS_MSG_IMPRINT_set_msg(imprint, digest, sizeof digest), 1);
    cr_assert_eq(TS_REQ_set_msg_imprint(made, imprint), 1);
    size = i2d_TS_REQ(made, &der);
    buf_put(out, der, (size_t)size);
    OPENSSL_free(der);
    TS_MSG_IMPRINT_free(imprint);
    TS_REQ_free(made);
}

Test(anchor, time_stamp_of_another_checkpoint_is_refused)
{
    AUTO_ANCHOR_HEAD head = ANCHOR_HEAD_INIT;
    AUTO_BUF other = BUF_INIT(4096);
    struct anchor out;

    head_read(&head);
    cr_assert_eq(timestamp_query(&head, &query, &log_.err), RESULT_OK);
    /* The same nonce, over one byte less. */
    query_change(head.note.data, head.note.len - 1, &other);
    test_stamp(&tsa_, &other, &response);
    cr_assert_eq(timestamp_take(log_.fd, &head, &query, &tsa_.pem, response.data, response.len,
                                &out, &log_.err),
                 RESULT_AUDIT);
    cr_assert_not_null(strstr(log_.err.text, "message imprint mismatch"), "%s", log_.err.text);
    cr_assert_eq(out.verdict, AUDIT_ALTERED);
}

Test(anchor, time_stamp_of_a_foreign_authority_is_refused)
{
    struct test_tsa other;
    struct anchor out;

    test_tsa_make(&other, -1000, 1000, "critical,timeStamping");
    cr_assert_eq(stamp_take(&other, &tsa_.pem, &out), RESULT_AUDIT);
    cr_assert_not_null(strstr(log_.err.text, "certificate verify error"), "%s", log_.err.text);
    test_tsa_free(&other);
    cr_assert_eq(stamp_take(&tsa_, &response, &out), RESULT_AUDIT); /* no PEM */
    cr_assert_eq(out.verdict, AUDIT_UNKNOWN_KEY);
}

Test(anchor, certificate_must_be_good_when_the_stamp_is_made)
{
    struct test_tsa over;
    struct anchor out;

    test_tsa_make(&over, -1000, -10, "critical,timeStamping");
    over.time = time(NULL) - 100;
    cr_assert_eq(stamp_take(&over, &over.pem, &out), RESULT_AUDIT);
    cr_assert_not_null(strstr(log_.err.text, "certificate has expired"), "%s", log_.err.text);
    test_tsa_free(&over);
}

/* A stamp is looked at for years, and its certificate does not live so long. This one was over
 * before the test began, so the stamp is put where one that was taken in time would be. */
Test(anchor, certificate_may_be_over_when_a_kept_stamp_is_looked_at)
{
    struct test_tsa old;
    struct anchor out;
    struct seen seen;

    stamp();
    test_tsa_make(&old, -1000, -10, "critical,timeStamping");
    old.time = time(NULL) - 20;
    cr_assert_eq(stamp_take(&old, &old.pem, &out), RESULT_AUDIT, "it is over, and was taken");
    test_write(&log_, "anchors/000000000005.tsr", response.data, response.len);
    test_tsa_free(&tsa_);
    tsa_ = old;
    look(&seen);
    cr_assert_eq(seen.count, 1);
    cr_assert_eq(seen.anchor[0].verdict, AUDIT_INTACT, "%s", seen.anchor[0].text);
    cr_assert_eq(seen.anchor[0].time, old.time * 1000, "it is another stamp");
}

Test(anchor, response_cut_or_changed_anywhere_is_refused)
{
    AUTO_ANCHOR_HEAD head = ANCHOR_HEAD_INIT;
    struct anchor out;

    head_read(&head);
    cr_assert_eq(timestamp_query(&head, &query, &log_.err), RESULT_OK);
    test_stamp(&tsa_, &query, &response);
    for (size_t len = 0; len < response.len; len++)
        cr_assert_eq(
            timestamp_take(log_.fd, &head, &query, &tsa_.pem, response.data, len, &out, &log_.err),
            RESULT_AUDIT, "%zu bytes", len);
    for (size_t i = response.len / 2; i < response.len; i++) {
        response.data[i] ^= 0x20;
        (void)!timestamp_take(log_.fd, &head, &query, &tsa_.pem, response.data, response.len, &out,
                              &log_.err);
        response.data[i] ^= 0x20;
    }
    buf_putc(&response, '\0');
    cr_assert_eq(timestamp_take(log_.fd, &head, &query, &tsa_.pem, response.data, response.len,
                                &out, &log_.err),
                 RESULT_AUDIT);
    cr_assert_eq(out.verdict, AUDIT_MALFORMED);
}

Test(anchor, kept_time_stamp_of_other_bytes_is_altered)
{
    AUTO_BUF kept = BUF_INIT(64 * 1024);

    stamp();
    grow(1);
    stamp();
    read_again("anchors/000000000006.tsr", &kept);
    test_write(&log_, "anchors/000000000005.tsr", kept.data, kept.len);
    cr_assert_eq(unlinkat(log_.fd, "anchors/000000000006.tsr", 0), 0);
    found_is(AUDIT_ALTERED, "message imprint mismatch");
    cr_assert_eq(unlinkat(log_.fd, "anchors/000000000005.checkpoint", 0), 0);
    found_is(AUDIT_ALTERED, "the checkpoint of 5 records, that was stamped, is not kept any more");
}

Test(anchor, cosignature_is_kept_in_both_checkpoints_and_goes_with_the_next_record)
{
    AUTO_BUF kept = BUF_INIT(4096), checkpoint = BUF_INIT(4096);
    struct seen seen;

    cosign();
    cosign(); /* in the place of the first */
    read_again("anchors/000000000005.checkpoint", &kept);
    read_again("checkpoint", &checkpoint);
    cr_assert_str_eq(kept.data, checkpoint.data);
    cr_assert_eq(lines_count(kept.data, kept.len), 6);
    test_expect(&log_, AUDIT_INTACT);
    cr_assert_eq(unlinkat(log_.fd, "anchors/000000000005.checkpoint", 0), 0);
    found_is(AUDIT_INTACT, "5 records are cosigned by witness.example/w1");
    test_write(&log_, "anchors/000000000005.checkpoint", kept.data, kept.len);
    grow(2);
    read_again("checkpoint", &checkpoint);
    cr_assert_eq(lines_count(checkpoint.data, checkpoint.len), 5);
    test_expect(&log_, AUDIT_INTACT);
    look(&seen);
    cr_assert_eq(seen.count, 1);
    cr_assert_eq(seen.anchor[0].size, 5);
    cr_assert_eq(seen.anchor[0].verdict, AUDIT_INTACT, "%s", seen.anchor[0].text);
}

Test(anchor, both_kinds_of_one_checkpoint)
{
    struct seen seen;

    stamp();
    cosign();
    stamp();
    cosign();
    look(&seen);
    cr_assert_eq(seen.count, 2);
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(seen.anchor[i].verdict, AUDIT_INTACT, "%s", seen.anchor[i].text);
}

Test(anchor, of_nobody_who_is_trusted_is_counted_alone)
{
    const struct anchor_trust nobody = {0};
    struct seen seen = {0};

    stamp();
    cosign();
    cr_assert_eq(
        audit_anchors(log_.fd, TEST_ORIGIN, NULL, &nobody, see, &seen, &seen.unchecked, &log_.err),
        RESULT_OK);
    cr_assert_eq(seen.count, 0);
    cr_assert_eq(seen.unchecked, 2);
}

Test(anchor, cosignature_of_another_checkpoint_or_key_is_refused)
{
    AUTO_ANCHOR_HEAD head = ANCHOR_HEAD_INIT;
    AUTO_BUF line = BUF_INIT(1024);
    struct test_witness other;
    struct anchor out;
    uint64_t again;

    head_read(&head);
    test_cosign(&witness_, head.note.data, 9, time(NULL), &line);
    cr_assert_eq(answer_take(&head, 0, 200, "", line.data, &again, &out), RESULT_AUDIT);
    cr_assert_eq(out.verdict, AUDIT_ALTERED);
    test_witness_make(&other, "witness.example/w1");
    buf_reset(&line);
    test_cosign(&other, head.note.data, note_text_len(head.note.data, head.note.len), time(NULL),
                &line);
    cr_assert_eq(answer_take(&head, 0, 200, "", line.data, &again, &out), RESULT_AUDIT);
    cr_assert_eq(out.verdict, AUDIT_UNKNOWN_KEY);
    test_witness_free(&other);
    cr_assert(!test_exists(&log_, "anchors"));
}

Test(anchor, answers_of_a_witness)
{
    static const struct {
        int status;
        const char *type, *body;
        uint64_t old, again;
        enum result result;
        enum audit_verdict verdict;
    } answers[] = {
        {409, "text/x.tlog.size", "3\n", 0, 3, RESULT_OK, AUDIT_INTACT},
        {409, "text/x.tlog.size", "0\n", 3, 0, RESULT_OK, AUDIT_INTACT},
        {409, "text/x.tlog.size", "5\n", 3, 5, RESULT_OK, AUDIT_INTACT},
        {409, "text/x.tlog.size", "6\n", 3, 6, RESULT_AUDIT, AUDIT_ROLLED_BACK},
        {409, "text/x.tlog.size", "5\n", 5, 5, RESULT_AUDIT, AUDIT_FORKED},
        {409, "text/x.tlog.size", "3", 0, 0, RESULT_AUDIT, AUDIT_INTACT},
        {409, "text/x.tlog.size", "03\n", 0, 0, RESULT_AUDIT, AUDIT_INTACT},
        {409, "text/x.tlog.size", "", 0, 0, RESULT_AUDIT, AUDIT_INTACT},
        {409, "text/plain", "3\n", 0, 0, RESULT_AUDIT, AUDIT_INTACT},
        {422, "", "", 3, 0, RESULT_AUDIT, AUDIT_FORKED},
        {400, "", "", 3, 0, RESULT_AUDIT, AUDIT_INTACT},
        {403, "", "", 3, 0, RESULT_AUDIT, AUDIT_INTACT},
        {404, "", "", 3, 0, RESULT_AUDIT, AUDIT_INTACT},
        {500, "", "", 3, 0, RESULT_UNREACHED, AUDIT_INTACT},
        {200, "", "", 3, 0, RESULT_AUDIT, AUDIT_UNKNOWN_KEY},
        {200, "", "garbage\n", 3, 0, RESULT_AUDIT, AUDIT_UNKNOWN_KEY},
    };
    AUTO_ANCHOR_HEAD head = ANCHOR_HEAD_INIT;

    head_read(&head);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct anchor out;
        uint64_t again = 99;

        cr_assert_eq(answer_take(&head, answers[i].old, answers[i].status, answers[i].type,
                                 answers[i].body, &again, &out),
                     answers[i].result, "%zu: %s", i, log_.err.text);
        cr_assert_eq(out.verdict, answers[i].verdict, "%zu", i);
        cr_assert_eq(again, answers[i].again, "%zu", i);
    }
}

Test(anchor, query_of_a_witness)
{
    AUTO_ANCHOR_HEAD head = ANCHOR_HEAD_INIT;
    uint64_t seen;

    head_read(&head);
    cr_assert_eq(witness_query(log_.fd, &head, 0, &query, &log_.err), RESULT_OK);
    cr_assert_eq(strncmp(query.data, "old 0\n\n" TEST_ORIGIN "\n5\n", 9 + strlen(TEST_ORIGIN)), 0);
    cr_assert_eq(witness_query(log_.fd, &head, 5, &query, &log_.err), RESULT_OK);
    cr_assert_eq(strncmp(query.data, "old 5\n\n" TEST_ORIGIN, 7 + strlen(TEST_ORIGIN)), 0);
    cr_assert_eq(witness_query(log_.fd, &head, 3, &query, &log_.err), RESULT_OK);
    cr_assert_eq(lines_count(query.data, query.len), 1 + 4 + 1 + 5);
    cr_assert_eq(witness_seen(log_.fd, &head, &witness_.witness, &seen, &log_.err), RESULT_OK);
    cr_assert_eq(seen, 0);
    cosign();
    grow(2);
    head_read(&head);
    cr_assert_eq(witness_seen(log_.fd, &head, &witness_.witness, &seen, &log_.err), RESULT_OK);
    cr_assert_eq(seen, 5);
}

Test(anchor, head_has_no_cosignatures)
{
    AUTO_ANCHOR_HEAD head = ANCHOR_HEAD_INIT;

    cosign();
    head_read(&head);
    cr_assert_eq(lines_count(head.note.data, head.note.len), 5);
}

Test(anchor, log_that_lost_its_end_is_rolled_back)
{
    AUTO_BUF checkpoint = BUF_INIT(4096);

    read_again("checkpoint", &checkpoint);
    grow(2);
    cosign();
    test_write(&log_, "checkpoint", checkpoint.data, checkpoint.len);
    found_is(AUDIT_ROLLED_BACK, "7 records were anchored, and the checkpoint is of 5 now");
}

/* The key signs another history of the same length, and a longer one. */
Test(anchor, log_that_was_signed_anew_is_forked)
{
    static const int first[] = {0, 1, 2, 3, 4, -1};
    struct test_lines lines;
    AUTO_BUF checkpoint = BUF_INIT(4096);

    test_lines_read(&log_, &lines);
    read_again("checkpoint", &checkpoint);
    grow(1);
    cosign();
    test_lines_write(&log_, &lines, first);
    test_write(&log_, "checkpoint", checkpoint.data, checkpoint.len);
    test_log_reopen(&log_);
    append_at(clock_now() + 1);
    test_expect(&log_, AUDIT_INTACT);
    found_is(AUDIT_FORKED, "the first 6 records are other ones");
    grow(3);
    found_is(AUDIT_FORKED, "the first 6 records are other ones");
    buf_free(&lines.text);
}

Test(anchor, clock_that_was_set_back_after_an_anchor)
{
    cosign();
    append_at(clock_now() - ANCHOR_CLOCK_SKEW + 20000);
    found_is(AUDIT_INTACT, "");
    append_at(clock_now() - ANCHOR_CLOCK_SKEW - 60000);
    struct seen seen;
    look(&seen);
    cr_assert_eq(seen.count, 2);
    cr_assert_eq(seen.anchor[0].verdict, AUDIT_INTACT);
    cr_assert_eq(seen.anchor[1].verdict, AUDIT_CLOCK_SET_BACK, "%s", seen.anchor[1].text);
}

Test(anchor, clock_that_runs_ahead_of_an_anchor)
{
    append_at(clock_now() + 2 * ANCHOR_CLOCK_SKEW);
    cosign();
    found_is(AUDIT_CLOCK_SET_BACK, "record 5 says that it was made at ");
}

Test(anchor, clock_against_the_witness_is_told_at_once_and_the_anchor_kept)
{
    cr_assert_eq(cosign_at(time(NULL) + 400), RESULT_AUDIT);
    cr_assert_not_null(strstr(log_.err.text, "clock_set_back"), "%s", log_.err.text);
    cr_assert(test_exists(&log_, "anchors/000000000005.checkpoint"));
    cr_assert_eq(cosign_at(time(NULL) - 400), RESULT_AUDIT);
    cr_assert_eq(cosign_at(INT64_MAX / 1000), RESULT_AUDIT);
}

/* The record behind the anchor, with an event that says something else. */
static void event_change(const char *from, const char *to)
{
    struct test_lines lines;
    struct jws jws;
    AUTO_BUF text = BUF_INIT(AUDIT_LINE_MAX), line = BUF_INIT(AUDIT_LINE_MAX);
    const char *rest;
    char *at;

    test_lines_read(&log_, &lines);
    cr_assert(jws_split(lines.line[5], lines.len[5] - 1, &jws));
    cr_assert(base64url_get(jws.payload.at, jws.payload.len, &text));
    at = strstr(text.data, from);
    cr_assert_not_null(at, "%s", text.data);
    memcpy(at, to, strlen(to));
    buf_put(&line, lines.line[5], (size_t)(jws.payload.at - lines.line[5]));
    base64url_put(&line, text.data, text.len);
    rest = jws.payload.at + jws.payload.len;
    buf_put(&line, rest, lines.len[5] - (size_t)(rest - lines.line[5]));
    lines.line[5] = line.data;
    lines.len[5] = line.len;
    test_lines_write(&log_, &lines, (int[]){0, 1, 2, 3, 4, 5, -1});
    buf_free(&lines.text);
}

/* Signatures are verify's affair: here any number may stand, or none. */
Test(anchor, record_without_a_time_of_its_own_accuses_no_clock)
{
    stamp();
    grow(1);
    event_change(",\"time\":1", ",\"tame\":1");
    found_is(AUDIT_INTACT, "5 records are stamped");
    event_change(",\"tame\":1", ",\"time\":-");
    found_is(AUDIT_INTACT, "5 records are stamped");
}
