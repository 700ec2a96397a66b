/* verify's look at what others have anchored. */
#include "audit_verb.h"

#include <string.h>

#include "anchoring.h"
#include "guard.h"

enum result audit_verb_anchors_trust(struct verb_call *call, const char *vkey, const char *ca_file,
                                     struct audit_anchors *out, struct err *err)
{
    AUTO_ANCHORING named = ANCHORING_INIT;

    if (anchoring_config(&named, &call->session->config, err) != RESULT_OK ||
        anchoring_authority(&named, NULL, ca_file, err) != RESULT_OK)
        return err->result;
    for (size_t i = 0; i < named.witnesses; i++)
        out->witness[out->witnesses++] = named.witness[i].key;
    if (vkey != NULL && witness_parse(vkey, &out->witness[out->witnesses], err) != RESULT_OK) {
        err->result = RESULT_USAGE;
        return err_prefix(err, "--witness-key");
    }
    out->witnesses += vkey != NULL;
    buf_put(&out->authorities, buf_text(&named.stamp_trust), named.stamp_trust.len);
    return buf_check(&out->authorities, "certificates of time stamping authorities", err);
}

#define SOURCES_MAX 32

/* All that are bad, and of each source the newest good one. */
struct sight {
    struct verb_call *call;
    cJSON *list; /* NULL without --json */
    uint64_t good, bad;
    struct anchor newest[SOURCES_MAX]; /* one a source */
    size_t sources;
    struct anchor worst; /* the first that is bad */
};

static bool source_same(const struct anchor *a, const struct anchor *b)
{
    return a->kind == b->kind && strcmp(a->by, b->by) == 0;
}

static void newest_take(struct sight *sight, const struct anchor *anchor)
{
    size_t i = 0;

    while (i < sight->sources && !source_same(&sight->newest[i], anchor))
        i++;
    if (i == SOURCES_MAX)
        return;
    if (i == sight->sources)
        sight->sources++;
    sight->newest[i] = *anchor;
}

static void list_add(const struct sight *sight, const struct anchor *anchor)
{
    if (sight->list != NULL)
        cJSON_AddItemToArray(sight->list, anchor_json(anchor));
}

static enum result take(void *context, const struct anchor *anchor, struct err *err)
{
    struct sight *sight = context;

    (void)err;
    if (anchor->verdict == AUDIT_INTACT) {
        sight->good++;
        newest_take(sight, anchor);
        return RESULT_OK;
    }
    if (sight->bad++ == 0)
        sight->worst = *anchor;
    list_add(sight, anchor);
    say(&sight->call->session->output, "%s: %s: %s\n", anchor_kind_name(anchor->kind),
        audit_verdict_name(anchor->verdict), shown(anchor->text));
    return RESULT_OK;
}

static void tell(const struct sight *sight, uint64_t unchecked)
{
    const struct output *output = &sight->call->session->output;
    char time[RFC3339_LEN + 1];

    for (size_t i = 0; i < sight->sources; i++) {
        time_format(sight->newest[i].time, time);
        list_add(sight, &sight->newest[i]);
        say(output, "%s: %s at %s\n", anchor_kind_name(sight->newest[i].kind),
            shown(sight->newest[i].text), time);
    }
    if (unchecked > 0)
        say(output,
            "anchors that were not checked: %llu (give --witness-key, --tsa-ca or a config)\n",
            (unsigned long long)unchecked);
}

/* What speaks against the log is the verdict. */
static enum result conclude(struct sight *sight, struct err *err)
{
    struct output *output = &sight->call->session->output;
    const char *verdict = audit_verdict_name(sight->worst.verdict);

    if (sight->bad == 0)
        return RESULT_OK;
    output_add_text(output, "verdict", verdict);
    output_add_text(output, "text", sight->worst.text);
    return err_set(err, RESULT_AUDIT, "what was anchored speaks against the log: %s: %s", verdict,
                   sight->worst.text);
}

enum result audit_verb_anchors(struct verb_call *call, const char *key,
                               const struct audit_anchors *anchors, struct err *err)
{
    struct session *session = call->session;
    struct output *output = &session->output;
    const struct anchor_trust trust = {
        .witness = anchors->witness,
        .witnesses = anchors->witnesses,
        .authorities = anchors->authorities.len > 0 ? &anchors->authorities : NULL};
    struct sight sight = {.call = call,
                          .list = output->document != NULL ? cJSON_CreateArray() : NULL};
    uint64_t unchecked = 0;
    enum result result = audit_anchors(session->audit_fd, audit_verb_origin(call), key, &trust,
                                       take, &sight, &unchecked, err);

    tell(&sight, unchecked);
    output_add(output, "anchors", sight.list);
    output_add(output, "anchors_good", cJSON_CreateNumber((double)sight.good));
    output_add(output, "anchors_bad", cJSON_CreateNumber((double)sight.bad));
    output_add(output, "anchors_unchecked", cJSON_CreateNumber((double)unchecked));
    return result == RESULT_OK ? conclude(&sight, err) : result;
}
