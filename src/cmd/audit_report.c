#include "audit_verb.h"

#include <unistd.h>

#include "anchoring.h"
#include "audit_bundle.h"
#include "guard.h"
#include "out_file.h"

enum { SINCE = AUDIT_OWN, UNTIL, OUT, BUNDLE, KEY };

static const char help[] =
    "usage: georder audit report --out FILE.html [--since T] [--until T] [--key THUMBPRINT]\n"
    "                            [--bundle FILE.tar]\n"
    "\n"
    "One page for people: who ordered what under which policy and rule, denials, violations, what "
    "is\n"
    "still open, changes, anchors, a timeline. It carries the signed records, and its script\n"
    "verifies them in the browser, without a network, before it shows them. A log that verify\n"
    "does not call good gets no page. Needs no keys.\n"
    "\n"
    "  --out FILE                a new file\n"
    "  --bundle FILE             another new file: a tar of the page, the whole log and the "
    "policy\n"
    "  --since T  --until T      2026-11-01 or 2026-11-01T08:00:00Z; until is not included; the\n"
    "                            records between the first and the last of these are in the "
    "page\n" AUDIT_PLACE_HELP
    "  --key THUMBPRINT          the RFC 7638 thumbprint of the only key to trust\n"
    "  --config FILE  --json  --quiet  --verbose  --help\n"
    "\n"
    "exit: 0 written, 10 the log is not good, or cannot be read\n";

static const struct option own[] = {AUDIT_PLACE,
                                    {"since", required_argument, NULL, SINCE},
                                    {"until", required_argument, NULL, UNTIL},
                                    {"out", required_argument, NULL, OUT},
                                    {"bundle", required_argument, NULL, BUNDLE},
                                    {"key", required_argument, NULL, KEY},
                                    {NULL, 0, NULL, 0}};

static enum result file_put(void *context, const void *bytes, size_t len, struct err *err)
{
    const struct out_file *file = context;

    return file_write(file->fd, file->path, bytes, len, err);
}

static enum result anchor_take(void *context, const struct anchor *anchor, struct err *err)
{
    (void)err;
    cJSON_AddItemToArray(context, anchor_json(anchor));
    return RESULT_OK;
}

/* Only a good log gets a page. */
static enum result verdict_add(struct verb_call *call, const char *key, cJSON *said,
                               struct err *err)
{
    struct audit_report report = {0};

    if (audit_verify(call->session->audit_fd, audit_verb_origin(call), key, &report, err) !=
        RESULT_OK)
        return err->result;
    if (!audit_verdict_good(report.verdict))
        return err_set(err, RESULT_AUDIT, "no page of this log: %s: %s",
                       audit_verdict_name(report.verdict), report.text);
    cJSON_AddStringToObject(said, "verdict", audit_verdict_name(report.verdict));
    cJSON_AddStringToObject(said, "verdict_text", report.text);
    return RESULT_OK;
}

static enum result anchors_add(struct verb_call *call, const char *key,
                               const struct audit_anchors *anchors, cJSON *said, struct err *err)
{
    const struct anchor_trust trust = {
        .witness = anchors->witness,
        .witnesses = anchors->witnesses,
        .authorities = anchors->authorities.len > 0 ? &anchors->authorities : NULL};
    uint64_t unchecked = 0;
    enum result result =
        audit_anchors(call->session->audit_fd, audit_verb_origin(call), key, &trust, anchor_take,
                      cJSON_AddArrayToObject(said, "anchors"), &unchecked, err);

    cJSON_AddNumberToObject(said, "anchors_unchecked", (double)unchecked);
    return result;
}

static void tell(const struct output *output, const char *path, const struct report_facts *facts,
                 const char *key)
{
    note(output, "%s: records %llu to %llu of %llu, SHA-256 %s\n", shown(path),
         (unsigned long long)facts->first, (unsigned long long)facts->last,
         (unsigned long long)facts->size, facts->sha256);
    note(output, "key %s%s\n", facts->kid,
         key == NULL ? "; not compared with one you trust: give --key" : " (trusted)");
}

static void document(struct output *output, const struct report_facts *facts, const char *key)
{
    output_add_text(output, "sha256", facts->sha256);
    output_add_text(output, "key", facts->kid);
    output_add(output, "key_trusted", cJSON_CreateBool(key != NULL));
    output_add(output, "first_index", cJSON_CreateNumber((double)facts->first));
    output_add(output, "last_index", cJSON_CreateNumber((double)facts->last));
    output_add(output, "checkpoint_size", cJSON_CreateNumber((double)facts->size));
}

static enum result page_write(struct verb_call *call, struct report_wish *wish,
                              const struct audit_anchors *anchors, struct err *err)
{
    const struct out_file *file = wish->context;
    struct report_facts facts = {0};
    cJSON *said = cJSON_CreateObject();

    wish->said = said;
    wish->made = clock_now();
    if (verdict_add(call, wish->kid, said, err) == RESULT_OK &&
        anchors_add(call, wish->kid, anchors, said, err) == RESULT_OK &&
        audit_page(call->session->audit_fd, audit_verb_origin(call), wish, &facts, err) ==
            RESULT_OK &&
        fsync(file->fd) != 0)
        (void)err_errno(err, RESULT_INTERNAL, "%s: cannot flush", file->path);
    cJSON_Delete(said);
    if (err->result != RESULT_OK) {
        /* Behind the lock it cannot be removed. A page that was cut has no script. */
        note(&call->session->output, "%s is not whole: remove it\n", shown(file->path));
        return err->result;
    }
    tell(&call->session->output, file->path, &facts, wish->kid);
    document(&call->session->output, &facts, wish->kid);
    return RESULT_OK;
}

static enum result wish_take(const struct verb_call *call, struct report_wish *wish,
                             struct err *err)
{
    wish->until = INT64_MAX;
    if (audit_verb_value(call, OUT) == NULL)
        return err_set(err, RESULT_USAGE, "--out FILE: say where the page goes");
    if (audit_verb_moment(call, SINCE, "since", &wish->since, err) != RESULT_OK ||
        audit_verb_moment(call, UNTIL, "until", &wish->until, err) != RESULT_OK)
        return err->result;
    if (wish->since >= wish->until)
        return err_set(err, RESULT_USAGE, "--since must be before --until");
    return RESULT_OK;
}

static enum result report(struct verb_call *call, struct report_wish *wish,
                          struct audit_anchors *anchors, struct out_file *file,
                          struct out_file *bundle, struct err *err)
{
    if (audit_verb_open(call, err) != RESULT_OK ||
        audit_verb_anchors_trust(call, NULL, NULL, anchors, err) != RESULT_OK ||
        out_file_make(file, audit_verb_value(call, OUT), err) != RESULT_OK ||
        out_file_make(bundle, audit_verb_value(call, BUNDLE), err) != RESULT_OK ||
        guard_lock_main(call->session->audit_fd, false, err) != RESULT_OK)
        return err->result;
    wish->kid = audit_verb_key(call, KEY);
    if (page_write(call, wish, anchors, err) != RESULT_OK)
        return err->result;
    return audit_bundle_write(call, bundle, file, err);
}

static enum result run(struct verb_call *call, struct err *err)
{
    AUTO_OUT_FILE file = OUT_FILE_INIT, bundle = OUT_FILE_INIT;
    struct report_wish wish = {.write = file_put, .context = &file};
    struct audit_anchors anchors = AUDIT_ANCHORS_INIT;

    if (wish_take(call, &wish, err) == RESULT_OK)
        (void)report(call, &wish, &anchors, &file, &bundle, err);
    buf_free(&anchors.authorities);
    return err->result;
}

const struct verb audit_report_verb = {"report", help, own, 0, run};
