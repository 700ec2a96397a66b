#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "anchor.h"
#include "guard.h"
#include "interrupt.h"
#include "memory.h"
#include "order_input.h"
#include "placing.h"

#define ATTEMPTS_MAX  5
#define LOCK_PATIENCE (60 * 1000)
#define LOCK_PAUSE    20
#define HOURS_DEFAULT 24

static const char help[] =
    "usage: georder order [--dry-run] [--again] (--file FILE | --zone ZONE --host HOST ...)\n"
    "       georder order --prepare (--file FILE | --zone ZONE --host HOST ...) >REQUEST\n"
    "       georder order --request REQUEST\n"
    "\n"
    "Orders one certificate pack: decides by the policy, records the intent, sends one POST,\n"
    "records the answer and holds the pack against the order. A lost answer is never repeated.\n"
    "\n" ORDER_OPTIONS_HELP
    "  --dry-run                 the decision and the exact body; nothing is sent or recorded\n"
    "  --again                   although an order of the same content is open or unknown\n"
    "  --prepare                 do not order: print a request for others to approve and sign\n"
    "  --expires-in HOURS        how long it may be placed, 1 to 24; 24\n"
    "  --request FILE            place the request that was approved, once\n"
    "  --receipt FILE            a proof that the last record of this order is in the log\n"
    "  --timeout SECONDS         for the whole exchange, from resolving to the last byte; 60\n"
    "  --time-limit SECONDS      how long a 429 (nothing was placed) may be tried again; 60\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: see georder help exit-codes\n";

enum {
    DRY_RUN = ORDER_OPTIONS_END,
    AGAIN,
    PREPARE,
    EXPIRES_IN,
    REQUEST,
    TIMEOUT,
    TIME_LIMIT,
    RECEIPT
};

static const struct option own[] = {ORDER_OPTIONS,
                                    {"dry-run", no_argument, NULL, DRY_RUN},
                                    {"again", no_argument, NULL, AGAIN},
                                    {"prepare", no_argument, NULL, PREPARE},
                                    {"expires-in", required_argument, NULL, EXPIRES_IN},
                                    {"request", required_argument, NULL, REQUEST},
                                    {"timeout", required_argument, NULL, TIMEOUT},
                                    {"time-limit", required_argument, NULL, TIME_LIMIT},
                                    {"receipt", required_argument, NULL, RECEIPT},
                                    {NULL, 0, NULL, 0}};

static enum result option_take(struct placing *placing, struct order_input *input, int option,
                               struct err *err)
{
    int64_t seconds;

    switch (option) {
    case DRY_RUN:
        placing->dry_run = true;
        return RESULT_OK;
    case AGAIN:
        placing->again = true;
        return RESULT_OK;
    case PREPARE:
        placing->prepare = true;
        return RESULT_OK;
    case REQUEST:
        placing->asked.path = optarg;
        return RESULT_OK;
    case RECEIPT:
        placing->receipt_path = optarg;
        return RESULT_OK;
    case EXPIRES_IN:
        if (!number_parse(optarg, 24, &placing->hours) || placing->hours == 0)
            return err_set(err, RESULT_USAGE, "--expires-in: give 1 to 24 hours");
        return RESULT_OK;
    case TIMEOUT:
        if (!number_parse(optarg, 600, &seconds) || seconds == 0)
            return err_set(err, RESULT_USAGE, "--timeout: give 1 to 600 seconds");
        placing->session->timeout_ms = (uint32_t)seconds * 1000;
        return RESULT_OK;
    case TIME_LIMIT:
        if (!number_parse(optarg, 3600, &seconds))
            return err_set(err, RESULT_USAGE, "--time-limit: give 0 to 3600 seconds");
        placing->deadline = clock_monotonic() + seconds * 1000;
        return RESULT_OK;
    default:
        return order_input_option(input, option, err);
    }
}

static enum result arguments(struct placing *placing, struct order_input *input, int argc,
                             char **argv, struct err *err)
{
    struct options *options = &placing->session->options;
    int option;

    placing->deadline = clock_monotonic() + 60 * 1000;
    while ((option = options_next(options, argc, argv, own, err)) > 0)
        if (option_take(placing, input, option, err) != RESULT_OK)
            return err->result;
    if (option == OPTIONS_BAD)
        return err->result;
    if (optind < argc)
        return err_set(err, RESULT_USAGE, "%s: unexpected word; see georder order --help",
                       argv[optind]);
    if (placing->asked.path != NULL && (input->file != NULL || input->flags || placing->prepare))
        return err_set(err, RESULT_USAGE, "--request: it holds the whole order, so give it alone");
    if (placing->hours != 0 && !placing->prepare)
        return err_set(err, RESULT_USAGE, "--expires-in: only with --prepare");
    if (placing->prepare && placing->dry_run)
        return err_set(err, RESULT_USAGE, "--prepare records a request: not with --dry-run");
    if (placing->receipt_path != NULL && placing->dry_run)
        return err_set(err, RESULT_USAGE, "--receipt: --dry-run records nothing");
    return RESULT_OK;
}

/* Everything that is sent or recorded follows from the order that was judged. */
static enum result derive(struct placing *placing, struct err *err)
{
    AUTO_BUF canonical = BUF_INIT(64 * KIB), path = BUF_INIT(sizeof placing->path - 1);

    uuid7(clock_now(), placing->id);
    order_json(&canonical, &placing->order, true);
    sha256_hex(buf_text(&canonical), canonical.len, placing->identity);
    order_body(&placing->body, &placing->order);
    zone_path(placing, "/order", &path);
    memcpy(placing->path, buf_text(&path), path.len + 1);
    if (buf_check(&canonical, "order", err) != RESULT_OK ||
        buf_check(&path, "path", err) != RESULT_OK)
        return err->result;
    return buf_check(&placing->body, "order", err);
}

static enum result dry_run(struct placing *placing, struct err *err)
{
    struct session *session = placing->session;

    if (!placing->decision.permit)
        return decision_error(session, &placing->decision, err);
    say(&session->output, "POST https://%s:%u%s\n%s\n", session->facts.host, session->facts.port,
        placing->path, buf_text(&placing->body));
    output_add_text(&session->output, "path", placing->path);
    output_add_text(&session->output, "body", buf_text(&placing->body));
    return RESULT_OK;
}

/* The order goes by the id under which its request was prepared. */
static enum result request_known(struct placing *placing, struct err *err)
{
    if (earlier_look(placing, err) != RESULT_OK)
        return err->result;
    if (placing->asked.prepared[0] != '\0')
        memcpy(placing->id, placing->asked.prepared, sizeof placing->id);
    output_add(&placing->session->output, "order_id", cJSON_CreateString(placing->id));
    return RESULT_OK;
}

/* Opens and starts what is needed, then locks this process. */
static enum result prepare(struct placing *placing, struct err *err)
{
    struct session *session = placing->session;

    if (session_directory(session, err) != RESULT_OK ||
        out_file_make(&placing->receipt, placing->receipt_path, err) != RESULT_OK ||
        keys_open(&session->keys, &session->config, true, err) != RESULT_OK)
        return err->result;
    if (!placing->decision.permit)
        net_abandon(&session->net);
    else if (!placing->prepare && (session_trust(session, err) != RESULT_OK ||
                                   net_trust(&session->net, &session->trust, err) != RESULT_OK ||
                                   anchor_prepare(session, err) != RESULT_OK))
        return err->result;
    if (guard_lock_main(session->audit_fd, true, err) != RESULT_OK ||
        session_ready(session, err) != RESULT_OK || session_audit(session, err) != RESULT_OK ||
        policy_force(session, placing->asked.path != NULL, NULL, err) != RESULT_OK)
        return err->result;
    return placing->asked.path != NULL ? request_known(placing, err) : RESULT_OK;
}

static enum result deny(struct placing *placing, struct err *err)
{
    struct err summary = {0};

    (void)decision_error(placing->session, &placing->decision, &summary);
    if (record_denied(placing, summary.text, err) != RESULT_OK)
        return err->result;
    *err = summary;
    return err->result;
}

/* Two processes with the same order: the second must see the intent of the first. */
static enum result orders_lock(int audit_fd, int *fd, struct err *err)
{
    int64_t deadline = clock_monotonic() + LOCK_PATIENCE;

    *fd = openat(audit_fd, "orders.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd < 0)
        return err_errno(err, RESULT_AUDIT, "the audit directory's orders.lock cannot be opened");
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_errno(err, RESULT_AUDIT, "the audit directory's orders.lock gives no lock");
        if (clock_monotonic() >= deadline)
            return err_set(err, RESULT_AUDIT,
                           "another order has held orders.lock for a minute; find it by `fuser "
                           "orders.lock` in the audit directory");
        if (!interrupt_wait(-1, clock_monotonic() + LOCK_PAUSE))
            return err_set(err, RESULT_UNREACHED, "interrupted by %s: nothing was sent",
                           interrupt_name());
    }
    return RESULT_OK;
}

static enum result intent_of_order(struct placing *placing, const char *path, const char *body,
                                   struct err *err)
{
    enum result result = record_intent(placing, "order.intent", ORDER_OPERATION, path, body, err);

    fd_close(&placing->lock);
    return result;
}

/* What the log forbids is recorded as any denial. */
static enum result look_before(struct placing *placing, struct err *err)
{
    struct err why = {0};

    if (earlier_check(placing, &why) == RESULT_OK)
        return RESULT_OK;
    if ((why.result == RESULT_DENIED || !placing->decision.permit) &&
        record_denied(placing, why.text, err) != RESULT_OK)
        return err->result;
    *err = why;
    return err->result;
}

/* Looks for the same order each time anew: while a 429 was waited for, another process may have
 * placed it. The lock goes when the intent is there to be seen. */
static enum result send_once(struct placing *placing, struct exchange *exchange, struct err *err)
{
    if (orders_lock(placing->session->audit_fd, &placing->lock, err) != RESULT_OK ||
        look_before(placing, err) != RESULT_OK)
        return err->result;
    interrupt_hold();
    return placing_send(placing, NET_POST, placing->path, buf_text(&placing->body), intent_of_order,
                        exchange, err);
}

static void judge_answer(const struct placing *placing, const struct exchange *exchange,
                         struct answer *answer, struct assessment *assessment, struct err *judged)
{
    const struct pack *pack = answer_pack(answer);

    if (answer->outcome == ANSWER_PLACED && pack == NULL) {
        answer->outcome = ANSWER_UNCLEAR;
        (void)snprintf(answer->why, sizeof answer->why, "a list came, not one pack");
    }
    if (answer->outcome == ANSWER_REFUSED) {
        (void)err_set(judged, RESULT_REFUSED, "the API refused the order: HTTP %u%s%s",
                      exchange->head.status, answer->errors > 0 ? ", " : "",
                      answer->errors > 0 ? answer->error[0].message : "");
        return;
    }
    if (answer->outcome == ANSWER_UNCLEAR || pack == NULL) {
        (void)err_set(judged, RESULT_UNKNOWN,
                      "HTTP %u does not tell whether the order was placed (%s): look at the "
                      "zone's packs, do not order again blindly",
                      exchange->head.status, answer->why);
        return;
    }
    pack_assess(pack, &placing->order, clock_now(), assessment);
    if (assessment->verdict == PACK_VIOLATION)
        (void)err_set(judged, RESULT_VIOLATION, "pack %s does not comply: %s", pack->id,
                      assessment->finding[0].text);
}

static enum result record_answer(struct placing *placing, const struct exchange *exchange,
                                 const struct answer *answer, const struct assessment *assessment,
                                 const struct err *judged, struct err *err)
{
    struct outcome outcome = {.event = judged->result == RESULT_UNKNOWN ? "order.unknown"
                                                                        : "order.response",
                              .exchange = exchange,
                              .answer = answer,
                              .assessment = answer->outcome == ANSWER_PLACED ? assessment : NULL,
                              .err = judged};

    if (record_outcome(placing, &outcome, ORDER_OPERATION, err) == RESULT_OK)
        return RESULT_OK;
    return err_prefix(err, "the API answered, but its answer could not be recorded (%s)",
                      judged->text[0] != '\0' ? judged->text : "placed");
}

static enum result answered(struct placing *placing, const struct exchange *exchange,
                            struct err *err)
{
    __attribute__((cleanup(answer_free))) struct answer answer = {0};
    struct session *session = placing->session;
    static struct assessment assessment;
    struct err judged = {0}, undeleted = {0};
    enum result recorded;

    if (answer_decode((int)exchange->head.status, exchange->head.content_type,
                      buf_text(&exchange->body), exchange->body.len, &answer,
                      &judged) == RESULT_OK) {
        judge_answer(placing, exchange, &answer, &assessment, &judged);
    } else { /* no memory; but the record has the answer's bytes */
        answer.outcome = ANSWER_UNCLEAR;
        judged.result = RESULT_UNKNOWN;
    }
    recorded = record_answer(placing, exchange, &answer, &assessment, &judged, err);
    answer_tell(session, exchange, &answer);
    if (answer.outcome == ANSWER_PLACED)
        pack_tell(session, answer_pack(&answer), &assessment);
    if (recorded != RESULT_OK)
        return recorded;
    if (judged.result == RESULT_VIOLATION &&
        violation_delete(placing, answer_pack(&answer), &undeleted) != RESULT_OK)
        return err_set(err, RESULT_VIOLATION, "%s; and deleting it, as the policy says, failed: %s",
                       judged.text, undeleted.text);
    *err = judged;
    return err->result;
}

static enum result unanswered(struct placing *placing, const struct exchange *exchange,
                              struct err *err)
{
    struct outcome outcome = {.event = exchange->outcome == NET_UNSENT ? "order.not_sent"
                                                                       : "order.unknown",
                              .exchange = exchange,
                              .err = &exchange->why};

    if (record_outcome(placing, &outcome, ORDER_OPERATION, err) != RESULT_OK)
        return err_prefix(err, "%s; and this could not be recorded", exchange->why.text);
    if (exchange->outcome == NET_LOST)
        return err_set(err, exchange->why.result,
                       "%s: look at the zone's packs before you order again", exchange->why.text);
    *err = exchange->why;
    return err->result;
}

/* Only an answer that proves that nothing was placed may be tried again: a 429, after its time. */
static bool wait_for_retry(const struct placing *placing, const struct exchange *exchange)
{
    int64_t seconds;

    if (exchange->outcome != NET_ANSWERED || exchange->head.status != 429 ||
        placing->attempt == ATTEMPTS_MAX ||
        !number_parse(exchange->head.retry_after, 3600, &seconds) ||
        clock_monotonic() + seconds * 1000 > placing->deadline)
        return false;
    note(&placing->session->output, "rate limited: nothing was placed; again in %lld s\n",
         (long long)seconds);
    return interrupt_wait(-1, clock_monotonic() + seconds * 1000);
}

static enum result place(struct placing *placing, struct err *err)
{
    for (;;) {
        AUTO_EXCHANGE exchange = EXCHANGE_INIT;

        placing->attempt++;
        if (send_once(placing, &exchange, err) != RESULT_OK)
            return err->result;
        if (exchange.outcome != NET_ANSWERED)
            return unanswered(placing, &exchange, err);
        if (answered(placing, &exchange, err) != RESULT_REFUSED ||
            !wait_for_retry(placing, &exchange))
            return err->result;
        *err = (struct err){0};
    }
}

static enum result evidence(struct placing *placing, struct err *err)
{
    struct err why = {0};

    if (evidence_check(placing, &why) == RESULT_DENIED &&
        record_denied(placing, why.text, err) != RESULT_OK)
        return err->result;
    *err = why;
    return err->result;
}

/* The order itself, from wherever it comes, and what it is judged in. */
static enum result order_take(struct placing *placing, struct order_input *input, struct err *err)
{
    struct session *session = placing->session;
    const char *request = placing->asked.path;

    placing->at = (struct circumstances){
        .now = clock_now(), .orders = ORDERS_UNKNOWN, .approvals_assumed = placing->prepare};
    if ((request != NULL || session->config.require_approvals) &&
        session_approvals(session, err) != RESULT_OK)
        return err->result;
    if (request != NULL)
        return request_read(placing, err);
    if (order_input_finish(input, err) != RESULT_OK)
        return err->result;
    placing->order = input->order;
    return RESULT_OK;
}

static enum result order(struct placing *placing, struct order_input *input, struct err *err)
{
    struct session *session = placing->session;

    /* Early, since they take their time to load; what they may touch is said when all is decided.
     */
    if (!placing->dry_run && !placing->prepare && net_start(&session->net, err) != RESULT_OK)
        return err->result;
    if (!placing->dry_run && keys_spawn(&session->keys, err) != RESULT_OK)
        return err->result;
    if (session_config(session, err) != RESULT_OK || order_take(placing, input, err) != RESULT_OK)
        return err->result;
    if (decide(session, &placing->order, &placing->at, &placing->decision, err) != RESULT_OK ||
        derive(placing, err) != RESULT_OK)
        return err->result;
    output_add_text(&session->output, "order_id", placing->id);
    if (!placing->prepare || !placing->decision.permit)
        decision_tell(session, &placing->order, &placing->decision);
    if (placing->dry_run)
        return dry_run(placing, err);
    if (prepare(placing, err) != RESULT_OK)
        return err->result;
    if (!placing->decision.permit)
        return deny(placing, err);
    if (placing->prepare)
        return request_prepare(placing, placing->hours != 0 ? placing->hours : HOURS_DEFAULT, err);
    /* With the orders of the day, it may be another rule that permits, one that wants evidence. */
    if ((placing->decision.orders_unjudged && look_before(placing, err) != RESULT_OK) ||
        evidence(placing, err) != RESULT_OK)
        return err->result;
    return place(placing, err);
}

/* What came of the order stands; a receipt can be had later, too. */
static void receipt_write(struct placing *placing, struct err *err)
{
    struct session *session = placing->session;
    AUTO_BUF text = BUF_INIT(AUDIT_RECEIPT_MAX);
    struct err why = {0};

    if (placing->receipt.path == NULL || placing->recorded < 0)
        return;
    if (audit_prove(session->audit_fd, session->config.origin,
                    session->config.signing_key_thumbprint, (uint64_t)placing->recorded, &text,
                    &why) == RESULT_OK &&
        out_file_write(&placing->receipt, &text, &why) == RESULT_OK) {
        output_add_text(&session->output, "receipt", buf_text(&text));
        say(&session->output, "record %lld: its receipt is in %s\n", (long long)placing->recorded,
            shown(placing->receipt.path));
    } else if (err->result == RESULT_OK) {
        (void)err_set(err, RESULT_AUDIT,
                      "all was done and recorded, but there is no receipt: %s; try `georder audit "
                      "prove %s`",
                      why.text, placing->id);
    } else {
        note(&session->output, "there is no receipt: %s\n", shown(why.text));
    }
}

enum result cmd_order(int argc, char **argv)
{
    AUTO_SESSION session = SESSION_INIT;
    struct placing placing = {.session = &session,
                              .body = BUF_INIT(32 * KIB),
                              .lock = -1,
                              .asked = ASKED_INIT,
                              .receipt = OUT_FILE_INIT,
                              .recorded = -1};
    struct order_input input = {0};
    struct err err = {0};
    enum result result = arguments(&placing, &input, argc, argv, &err);

    output_start(&session.output, "order", &session.options);
    if (result == RESULT_OK && session.options.help)
        return output_help(&session.output, help);
    if (session.options.json)
        placing.records = cJSON_CreateArray();
    if (result == RESULT_OK)
        (void)order(&placing, &input, &err);
    receipt_write(&placing, &err);
    out_file_close(&placing.receipt);
    output_add(&session.output, "records", placing.records);
    buf_free(&placing.body);
    fd_close(&placing.lock);
    decision_free(&placing.decision);
    asked_free(&placing.asked);
    return output_end(&session.output, &err);
}
